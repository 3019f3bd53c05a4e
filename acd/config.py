"""The site's configuration: TOML text -> `ctiserver.model.site.SiteConfig`, checked as a whole.

Lives here: reading, types, limits and references between numbers, queues, agents, dispositions and flows. Not here:
files (the caller reads them), the meaning of a flow (`ivr.flow`), defaults (they are in the model). The limits below
are our own choice: they keep a slip of the pen (minutes for seconds) from becoming a strange day.

Every fault is reported at once, one line each, with the line of the text and the key, e.g.
`line 12: queues[1].offer_seconds: 900.0 is not between 3 and 120`.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from ctiserver.model.requirement import BadRequirement, canonical, named, of_levels, parse
from ctiserver.model.site import (
    AgentConfig,
    DispositionConfig,
    FlowConfig,
    NumberConfig,
    OutboundConfig,
    PhoneConfig,
    QueueConfig,
    ReasonConfig,
    SiteConfig,
)

LEVELS = (0, 100)
RANGES: dict[str, tuple[float, float]] = {
    "priority": (0, 86_400),
    "offer_seconds": (3, 120),
    "wrap_up_seconds": (0, 3_600),
    "service_level_seconds": (1, 3_600),
    "max_waiting": (0, 100_000),
    "max_wait_seconds": (1, 86_400),
    "max_misses": (0, 100),
}
"""Least and most of each number (seconds, where the name says so). max_misses = 0: never set not ready."""

_TABLES: dict[str, type[msgspec.Struct]] = {
    "numbers": NumberConfig,
    "queues": QueueConfig,
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
}
_HEADER = re.compile(r"\s*\[\[\s*([A-Za-z0-9_-]+)\s*\]\]")
_SINGLE = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]")
_KEY = re.compile(r"\s*\"?([A-Za-z0-9_-]+)\"?\s*=")


_Row = TypeVar("_Row", bound=msgspec.Struct)


class BadConfig(Exception):
    """The configuration cannot be used. `faults`: every fault, one line of text each; the message joins them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def load_site(text: str, *, flows: Mapping[str, str], prompts: Mapping[str, Mapping[str, str]]) -> SiteConfig:
    """The site that `text` describes. `flows`: id -> JSON text of the flow; `prompts`: prompt id -> language -> URI.

    Raises BadConfig with every fault found.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 10,000 digits, lists in lists in lists
        raise BadConfig([f"not valid TOML: {error}"]) from None
    check = _Check(text)
    site = SiteConfig(
        numbers=tuple(check.rows(data, "numbers", NumberConfig)),
        queues=tuple(check.rows(data, "queues", QueueConfig)),
        agents=tuple(check.rows(data, "agents", AgentConfig)),
        phones=tuple(check.rows(data, "phones", PhoneConfig)),
        reasons=tuple(check.rows(data, "reasons", ReasonConfig)),
        dispositions=tuple(check.rows(data, "dispositions", DispositionConfig)),
        flows=tuple(check.flows(flows)),
        outbound=check.outbound(data),
        languages=check.languages(data),
        demo=check.demo(data),
        prompts={name: dict(uris) for name, uris in prompts.items()},
    )
    check.top(data)
    if not check.faults:  # what refers to what is only worth saying when the parts are sound
        check.references(site)
    if check.faults:
        raise BadConfig(check.faults)
    return site


class _Check:
    """Collects the faults of one text."""

    def __init__(self, text: str) -> None:
        self.faults: list[str] = []
        self._lines = _lines(text)

    def fault(self, what: str, table: str, place: int | None = None, key: str = "") -> None:
        path = table + (f"[{place}]" if place is not None else "") + (f".{key}" if key else "")
        line = self._lines.get((table, place, key)) or self._lines.get((table, place, ""))
        self.faults.append(f"{f'line {line}: ' if line else ''}{path}: {what}")

    def top(self, data: Mapping[str, Any]) -> None:
        for key in data:
            if key not in _TABLES and key not in ("languages", "demo", "outbound"):
                self.fault(f"unknown key (known: languages, demo, {', '.join(_TABLES)}, outbound)", key)

    def demo(self, data: Mapping[str, Any]) -> bool:
        demo = data.get("demo", False)
        if not isinstance(demo, bool):
            self.fault("must be true or false", "demo")
        return demo is True

    def outbound(self, data: Mapping[str, Any]) -> OutboundConfig:
        """The one table [outbound]: where customers are called through, and which numbers."""
        row = data.get("outbound", {})
        if not isinstance(row, dict):
            self.fault("must be written as [outbound]", "outbound")
            return OutboundConfig()
        for key in row:
            if key not in OutboundConfig.__struct_fields__:
                self.fault(f"unknown key (known: {', '.join(OutboundConfig.__struct_fields__)})", "outbound", key=key)
        try:
            outbound = msgspec.convert(row, type=OutboundConfig)
        except msgspec.ValidationError as error:
            self.fault(str(error), "outbound")
            return OutboundConfig()
        if outbound.trunk and not is_contact(f"sip:x@{outbound.trunk}"):
            self.fault(f"{outbound.trunk!r} is not like host:port", "outbound", key="trunk")
        for key in ("prefixes", "never"):
            for prefix in getattr(outbound, key):
                if not _PREFIX.fullmatch(prefix):
                    self.fault(f"{prefix!r} is not the beginning of a number", "outbound", key=key)
        return outbound

    def languages(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        languages = data.get("languages", list(SiteConfig().languages))
        if not isinstance(languages, list) or not languages or not all(isinstance(one, str) for one in languages):
            self.fault("must be a list of language names", "languages")
            return SiteConfig().languages
        return tuple(languages)

    def rows(self, data: Mapping[str, Any], table: str, kind: type[_Row]) -> Iterator[_Row]:
        """The sound rows of an array of tables; the others become faults."""
        rows = data.get(table, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.fault(f"must be written as [[{table}]]", table)
            return
        for place, row in enumerate(rows):
            before = len(self.faults)
            row = self._requirements(table, place, row)
            self._unknown_keys(table, place, row, kind)
            try:
                sound = msgspec.convert(row, type=kind)
            except msgspec.ValidationError as error:
                message, _, where = str(error).partition(" - at `$.")
                self.fault(message[:1].lower() + message[1:], table, place, re.split(r"[.`\[]", where)[0])
                continue
            self._limits(table, place, row, kind)
            if len(self.faults) == before:
                yield sound

    def _requirements(self, table: str, place: int, row: dict[str, Any]) -> dict[str, Any]:
        """The row with its requirement in canonical text; it may be written as skill -> least level too."""
        requires = row.get("requires")
        try:
            if isinstance(requires, dict):
                return {**row, "requires": of_levels(self._levels(table, place, "requires", requires))}
            return {**row, "requires": canonical(requires)} if isinstance(requires, str) else row
        except BadRequirement as error:
            self.fault(str(error), table, place, "requires")
            return {**row, "requires": ""}

    def _levels(self, table: str, place: int, key: str, levels: Mapping[str, Any]) -> dict[str, int]:
        """The sound levels; the others become faults."""
        least, most = LEVELS
        for skill, level in levels.items():
            if not isinstance(level, int) or not least <= level <= most:
                self.fault(f"level {level} of {skill} is not between {least} and {most}", table, place, key)
        return {skill: level for skill, level in levels.items() if isinstance(level, int) and least <= level <= most}

    def _unknown_keys(self, table: str, place: int, row: Mapping[str, Any], kind: type[msgspec.Struct]) -> None:
        known = [field.name for field in msgspec.structs.fields(kind)]
        for key in row:
            if key not in known:
                self.fault(f"unknown key (known: {', '.join(known)})", table, place, key)

    def _limits(self, table: str, place: int, row: Mapping[str, Any], kind: type[msgspec.Struct]) -> None:
        name, pattern = _NAMES.get(kind, ("id", _ID))
        if not pattern.fullmatch(row[name]):
            self.fault(f"{row[name]!r} is not a good {name}", table, place, name)
        for key, value in row.items():
            if key in RANGES and not RANGES[key][0] <= value <= RANGES[key][1]:
                self.fault(f"{value} is not between {RANGES[key][0]} and {RANGES[key][1]}", table, place, key)
        self._levels(table, place, "skills", row.get("skills", {}))

        contact = row.get("contact", "")
        if contact and kind is PhoneConfig and not is_contact(contact):
            self.fault(f"{contact!r} is not like sip:user@host:port", table, place, "contact")

    def flows(self, flows: Mapping[str, str]) -> Iterator[FlowConfig]:
        """Flows are only looked into for being JSON and for their revision; `ivr.flow` reads them."""
        for name, document in flows.items():
            try:
                read = msgspec.json.decode(document)
            except (msgspec.DecodeError, RecursionError) as error:
                self.faults.append(f"flow {name}: not valid JSON: {error}")
                continue
            revision = read.get("revision", 1) if isinstance(read, dict) else None
            if not isinstance(revision, int) or isinstance(revision, bool):
                self.faults.append(f"flow {name}: must be an object with a whole number as revision")
                continue
            yield FlowConfig(id=name, revision=revision, document=document)

    def references(self, site: SiteConfig) -> None:
        """Names that are used must exist, and names that name must be different."""
        self._twice("numbers", "number", [number.number for number in site.numbers])
        for table in ("queues", "agents", "phones", "reasons", "dispositions"):
            self._twice(table, "id", [row.id for row in getattr(site, table)])
        flows = [flow.id for flow in site.flows]
        queues = [queue.id for queue in site.queues]
        skills = [skill for agent in site.agents for skill in agent.skills]
        for place, number in enumerate(site.numbers):
            self._known("numbers", place, "flow", [number.flow], flows, "flow")
        for place, queue in enumerate(site.queues):
            # A skill that nobody has is a slip of the pen; a level that nobody reaches may be meant.
            self._known("queues", place, "requires", list(named(parse(queue.requires))), skills, "skill of any agent")
        self._twice("phones", "contact", [phone.contact for phone in site.phones if phone.contact])
        phones = [phone.id for phone in site.phones]
        for place, agent in enumerate(site.agents):
            self._known("agents", place, "phone", [agent.phone] if agent.phone else [], phones, "phone")
            self._known("agents", place, "queues", list(agent.queues), queues, "queue")
        for place, disposition in enumerate(site.dispositions):
            self._known("dispositions", place, "queues", list(disposition.queues), queues, "queue")

    def _twice(self, table: str, key: str, names: list[str]) -> None:
        for place, name in enumerate(names):
            if name in names[:place]:
                self.fault(f"{name} is there twice", table, place, key)

    def _known(self, table: str, place: int, key: str, names: list[str], known: list[str], what: str) -> None:
        for name in names:
            if name not in known:
                self.fault(f"{name} is not a {what}", table, place, key)


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


def _lines(text: str) -> dict[tuple[str, int | None, str], int]:
    """Where things are in the text: (table, place in it, key) -> line; good enough for messages, no second parser."""
    found: dict[tuple[str, int | None, str], int] = {}
    counts: dict[str, int] = {}
    table = ""
    place: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = header.group(1)
            place = counts[table] = counts.get(table, -1) + 1
            found.setdefault((table, None, ""), number)
            found[(table, place, "")] = number
        elif single := _SINGLE.match(line):
            table, place = single.group(1), None
        elif key := _KEY.match(line):
            if table:
                found.setdefault((table, place, key.group(1)), number)
            else:
                found.setdefault((key.group(1), None, ""), number)
    return found
