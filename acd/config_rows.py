"""The rows of the site's tables: what keys they have, in which form and range.

Lives here: types, names, ranges, requirement texts, spans of hours; each row by itself. Not here: what refers to what
(`config_references`). The ranges are our own choice: they keep a slip of the pen (minutes for seconds) from becoming a
strange day. Defaults are in the model.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import inspect

from acd.core import hours
from ctiserver.model.requirement import BadRequirement, canonical, of_levels
from ctiserver.model.routing import (
    CalendarConfig,
    CallbackConfig,
    CapacityConfig,
    ComfortConfig,
    GroupConfig,
    HolidayConfig,
    OutboundConfig,
    OverflowConfig,
    RuleConfig,
    ServesConfig,
    StepConfig,
)
from ctiserver.model.site import (
    AgentConfig,
    DispositionConfig,
    FloorConfig,
    NumberConfig,
    PhoneConfig,
    QueueConfig,
    ReasonConfig,
)

LEVELS = (0, 100)
DAY = 86_400.0
_TIMES = ("longest", "talk", "wrap_up", "not_ready")
"""Times of `FloorConfig`."""
RANGES: dict[type[msgspec.Struct], dict[str, tuple[float, float]]] = {
    QueueConfig: {
        "ring_at_most": (1, 20),
        "priority": (0, DAY),
        "objective_seconds": (0, DAY),
        "offer_seconds": (3, 120),
        "wrap_up_seconds": (0, 3_600),
        "service_level_seconds": (1, 3_600),
        "max_waiting": (0, 100_000),
        "max_wait_seconds": (1, DAY),
    },
    StepConfig: {"for_seconds": (0, DAY), "available_below": (0, 10_000), "wait_over_seconds": (0, DAY)},
    RuleConfig: {"priority": (0, DAY), "prefer_seconds": (0, 3_600)},
    OverflowConfig: {"after_seconds": (0, DAY), "waiting_over": (0, 100_000), "predicted_over_seconds": (0, DAY)},
    ComfortConfig: {"first_seconds": (1, 3_600), "every_seconds": (0, 3_600)},
    CallbackConfig: {
        "tries": (1, 20),
        "retry_seconds": (1, DAY),
        "ring_seconds": (5, 120),
        "keep_seconds": (10, 30 * DAY),
        "max_open": (1, 100_000),
    },
    ServesConfig: {"priority": (1, 100), "delay_seconds": (0, DAY), "tier": (1, 100), "share": (0, 100)},
    CapacityConfig: {"max": (0, 100)},
    FloorConfig: {
        **dict.fromkeys(("warn_waiting", "bad_waiting"), (1, 100_000)),
        **dict.fromkeys(("warn_service_percent", "bad_service_percent"), (0, 100)),
        **{f"{level}_{of}_seconds": (1, DAY) for level in ("warn", "bad") for of in _TIMES},
    },
    AgentConfig: {"max_misses": (0, 100), "wrap_up_seconds": (0, 3_600)},
    OutboundConfig: {"per_hour": (0, 1_000), "ring_seconds": (5, 120)},
}
"""Least and most of each number (seconds, where the name says so). max_misses = 0: never set not ready."""

TABLES: dict[str, type[msgspec.Struct]] = {
    "numbers": NumberConfig,
    "queues": QueueConfig,
    "groups": GroupConfig,
    "calendars": CalendarConfig,
    "agents": AgentConfig,
    "phones": PhoneConfig,
    "reasons": ReasonConfig,
    "dispositions": DispositionConfig,
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PHONE_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
"""It is a part of a SIP user name: no capitals, which some phones change, and short enough for any of them."""
_SIP_USER = r"[A-Za-z0-9_.+*-]{1,64}"
_SIP_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
_CONTACT = re.compile(rf"sip:{_SIP_USER}@{_SIP_HOST}(?::(?P<port>[0-9]{{1,5}}))?(?:;transport=(?:udp|tcp))?")
"""What a fixed contact may look like: nothing that SIP or Asterisk's files give a meaning to."""
_PREFIX = re.compile(r"\+?[0-9]{1,20}|\+")
_NUMBER = re.compile(r"[+*#0-9]{1,32}")
_NAMES: dict[type[msgspec.Struct], tuple[str, re.Pattern[str]]] = {
    NumberConfig: ("number", _NUMBER),
    PhoneConfig: ("id", _PHONE_ID),
    QueueConfig: ("id", _ID),
    GroupConfig: ("id", _ID),
    CalendarConfig: ("id", _ID),
    AgentConfig: ("id", _ID),
    ReasonConfig: ("id", _ID),
    DispositionConfig: ("id", _ID),
    RuleConfig: ("id", _ID),
}
MOST_TILES = 8
_WHEN = re.compile(r"number|medium|class|path|data\..+")
_AT_CLOSE = ("serve", "leave")

Row = TypeVar("Row", bound=msgspec.Struct)
Fault = Callable[[str, str], None]
"""What is wrong, and where: the path, e.g. `queues[1].steps[0].requires`."""


def read(data: Mapping[str, Any], table: str, kind: type[Row], fault: Fault) -> Iterator[Row]:
    """The sound rows of an array of tables; of the others every fault is told."""
    rows = data.get(table, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        fault(f"must be written as [[{table}]]", table)
        return
    for place, row in enumerate(rows):
        sound = _sound(row, f"{table}[{place}]", kind, fault)
        if sound is not None:
            yield sound


def read_one(data: Mapping[str, Any], table: str, kind: type[Row], fault: Fault) -> Row:
    """The one table of this name; its defaults when it is not there or not sound."""
    row = data.get(table, {})
    if not isinstance(row, dict):
        fault(f"must be written as [{table}]", table)
        return kind()
    return _sound(row, table, kind, fault) or kind()


def _sound(row: Mapping[str, Any], path: str, kind: type[Row], fault: Fault) -> Row | None:
    told: list[str] = []

    def tell(what: str, where: str) -> None:
        told.append(what)
        fault(what, where)

    ready = _prepared(row, _info(kind), path, tell)
    try:
        sound = msgspec.convert(ready, type=kind)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        tell(message[:1].lower() + message[1:], path + where.partition("`")[0])
        return None
    for name, part in _parts(sound, path):
        _check(part, name, tell)
    return None if told else sound


@cache
def _info(kind: type[msgspec.Struct]) -> inspect.Type:
    """Looking at a type's annotations takes a millisecond, and there may be 10,000 rows of it."""
    return inspect.type_info(kind)


def _prepared(value: Any, info: inspect.Type, path: str, tell: Fault) -> Any:
    """The value with every requirement in canonical text; keys that nothing knows are told."""
    match info:
        case inspect.StructType() if isinstance(value, dict):
            fields = {field.name: field.type for field in info.fields}
            for key in value:
                if key not in fields:
                    tell(f"unknown key (known: {', '.join(fields)})", f"{path}.{key}")
            return {
                key: _requirement(part, f"{path}.{key}", tell)
                if key == "requires"
                else _prepared(part, fields[key], f"{path}.{key}", tell)
                for key, part in value.items()
                if key in fields
            }
        case inspect.VarTupleType() if isinstance(value, list):
            return [_prepared(part, info.item_type, f"{path}[{n}]", tell) for n, part in enumerate(value)]
        case inspect.DictType() if isinstance(value, dict):
            return {key: _prepared(part, info.value_type, f"{path}.{key}", tell) for key, part in value.items()}
        case inspect.UnionType():
            structs = [one for one in info.types if isinstance(one, inspect.StructType)]
            return _prepared(value, structs[0], path, tell) if structs else value
        case _:
            return value


def _requirement(value: Any, path: str, tell: Fault) -> Any:
    """It may be written as skill -> least level too."""
    try:
        if isinstance(value, dict):
            return of_levels(_levels(value, path, tell))
        return canonical(value) if isinstance(value, str) else value
    except BadRequirement as error:
        tell(str(error), path)
        return ""


def _levels(levels: Mapping[str, Any], path: str, tell: Fault) -> dict[str, int]:
    """The sound levels; the others are told."""
    least, most = LEVELS
    for skill, level in levels.items():
        if not isinstance(level, int) or not least <= level <= most:
            tell(f"level {level} of {skill} is not between {least} and {most}", path)
    return {skill: level for skill, level in levels.items() if isinstance(level, int) and least <= level <= most}


def _parts(row: msgspec.Struct, path: str) -> Iterator[tuple[str, msgspec.Struct]]:
    """The row and every struct within it, each with its path."""
    yield path, row
    for name in row.__struct_fields__:
        value = getattr(row, name)
        for where, part in _within(value, f"{path}.{name}"):
            yield from _parts(part, where)


def _within(value: object, path: str) -> Iterator[tuple[str, msgspec.Struct]]:
    if isinstance(value, msgspec.Struct):
        yield path, value
    elif isinstance(value, tuple):
        for place, one in enumerate(value):
            yield from _within(one, f"{path}[{place}]")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _within(one, f"{path}.{key}")


def _check(row: msgspec.Struct, path: str, tell: Fault) -> None:
    kind = type(row)
    if kind in _NAMES:
        name, pattern = _NAMES[kind]
        if not pattern.fullmatch(getattr(row, name)):
            tell(f"{getattr(row, name)!r} is not a good {name}", f"{path}.{name}")
    for key, (least, most) in RANGES.get(kind, {}).items():
        value = getattr(row, key)  # None: it is not said
        if isinstance(value, int | float) and not least <= value <= most:
            tell(f"{_number(value)} is not between {_number(least)} and {_number(most)}", f"{path}.{key}")
    match row:
        case AgentConfig():
            if row.number and not _PREFIX.fullmatch(row.number):
                tell(f"{row.number!r} is not a number", f"{path}.number")
            _levels(row.skills, f"{path}.skills", tell)
            for queue, share in row.shares.items():
                if not 0 <= share <= 100:
                    tell(f"share {_number(share)} of {queue} is not between 0 and 100", f"{path}.shares")
        case PhoneConfig() if row.contact and not is_contact(row.contact):
            tell(f"{row.contact!r} is not like sip:user@host:port", f"{path}.contact")
        case QueueConfig() if row.at_close not in _AT_CLOSE:
            tell(f"{row.at_close!r} is not one of {', '.join(_AT_CLOSE)}", f"{path}.at_close")
        case OverflowConfig() if not (row.after_seconds or row.waiting_over or row.predicted_over_seconds):
            tell("says when by none of after_seconds, waiting_over, predicted_over_seconds", path)
        case RuleConfig():
            for name in row.when:
                if not _WHEN.fullmatch(name):
                    tell(f"{name!r} is not one of number, medium, class, path, data.NAME", f"{path}.when")
        case FloorConfig() if len(row.tiles) > MOST_TILES:
            tell(f"more than {MOST_TILES} tiles: nobody reads them from afar", f"{path}.tiles")
        case OutboundConfig():
            _outbound(row, path, tell)
        case CalendarConfig():
            _calendar(row, path, tell)
        case HolidayConfig():
            _spans(row.hours, f"{path}.hours", tell)
            try:
                date.fromisoformat(row.day)
            except ValueError:
                tell(f"{row.day!r} is not a day like 2026-10-01", f"{path}.day")
        case _:
            pass


def _outbound(row: OutboundConfig, path: str, tell: Fault) -> None:
    if row.trunk and not is_contact(f"sip:x@{row.trunk}"):
        tell(f"{row.trunk!r} is not like host:port", f"{path}.trunk")
    if row.shown and not _NUMBER.fullmatch(row.shown):
        tell(f"{row.shown!r} is not a number", f"{path}.shown")
    for key in ("prefixes", "never"):
        for prefix in getattr(row, key):
            if not _PREFIX.fullmatch(prefix):
                tell(f"{prefix!r} is not the beginning of a number", f"{path}.{key}")


def _calendar(row: CalendarConfig, path: str, tell: Fault) -> None:
    try:
        ZoneInfo(row.zone)
    except (ValueError, OSError, LookupError):  # no such file, a folder, a path out of it, an empty name
        tell(f"{row.zone!r} is not a time zone like Asia/Shanghai", f"{path}.zone")
    for day, spans in row.week.items():
        if day not in hours.DAYS:
            tell(f"{day} is not one of {', '.join(hours.DAYS)}", f"{path}.week.{day}")
        _spans(spans, f"{path}.week.{day}", tell)


def _spans(spans: tuple[str, ...], path: str, tell: Fault) -> None:
    for text in spans:
        try:
            hours.span(text)
        except ValueError as error:
            tell(str(error), path)


def _number(value: float) -> str:
    return str(value).removesuffix(".0")


def is_contact(text: str) -> bool:
    """Whether a phone may be called at this SIP address: user, host and port, with no room for another header."""
    found = _CONTACT.fullmatch(text)
    if found is None:
        return False
    host, port = found["host"], found["port"]
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return ".." not in host and (port is None or 1 <= int(port) <= 65535)
