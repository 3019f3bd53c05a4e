"""The site's configuration: TOML text -> `ctiserver.model.site.SiteConfig`, checked as a whole.

Lives here: the whole file, its few keys outside of tables, flows. Not here: rows by themselves (`config_rows`), what
refers to what (`config_references`), public holidays (`config_holidays`), lines (`config_lines`); files (the caller
reads them), the meaning of a flow (`ivr.flow`), defaults (they are in the model).

Every fault is reported at once, one line each, with the line of the text and the key, e.g.
`line 12: queues[1].offer_seconds: 900.0 is not between 3 and 120`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from acd import config_holidays, config_references, config_rows
from acd.config_lines import Lines
from ctiserver.model.routing import CalendarConfig, GroupConfig
from ctiserver.model.site import (
    AgentConfig,
    DispositionConfig,
    FloorConfig,
    FlowConfig,
    NumberConfig,
    OutboundConfig,
    PhoneConfig,
    QueueConfig,
    ReasonConfig,
    SiteConfig,
)

FIRST_YEAR = 2026
"""From which year on public holidays are written out, when the caller does not say which year it is."""


class BadConfig(Exception):
    """The configuration cannot be used. `faults`: every fault, one line of text each; the message joins them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def load_site(
    text: str, *, flows: Mapping[str, str], prompts: Mapping[str, Mapping[str, str]], year: int = FIRST_YEAR
) -> SiteConfig:
    """The site that `text` describes. `flows`: id -> JSON text of the flow; `prompts`: prompt id -> language -> URI;
    `year`: the present one, from which public holidays are written out.

    Raises BadConfig with every fault found.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 10,000 digits, lists in lists in lists
        raise BadConfig([f"not valid TOML: {error}"]) from None
    check = _Check(text)
    tell = check.fault
    site = SiteConfig(
        numbers=tuple(config_rows.read(data, "numbers", NumberConfig, tell)),
        queues=tuple(config_rows.read(data, "queues", QueueConfig, tell)),
        groups=tuple(config_rows.read(data, "groups", GroupConfig, tell)),
        calendars=tuple(check.calendars(config_rows.read(data, "calendars", CalendarConfig, tell), year)),
        agents=tuple(config_rows.read(data, "agents", AgentConfig, tell)),
        phones=tuple(config_rows.read(data, "phones", PhoneConfig, tell)),
        reasons=tuple(config_rows.read(data, "reasons", ReasonConfig, tell)),
        dispositions=tuple(config_rows.read(data, "dispositions", DispositionConfig, tell)),
        flows=tuple(check.flows(flows)),
        outbound=config_rows.read_one(data, "outbound", OutboundConfig, tell),
        floor=config_rows.read_one(data, "floor", FloorConfig, tell),
        languages=check.languages(data),
        demo=check.demo(data),
        prompts={name: dict(uris) for name, uris in prompts.items()},
    )
    check.top(data)
    if not check.faults:  # what refers to what is only worth saying when the parts are sound
        config_references.check(site, tell)
    if check.faults:
        raise BadConfig(check.faults)
    return site


class _Check:
    """Collects the faults of one text."""

    def __init__(self, text: str) -> None:
        self.faults: list[str] = []
        self._lines = Lines(text)

    def fault(self, what: str, path: str) -> None:
        line = self._lines.line(path)
        self.faults.append(f"{f'line {line}: ' if line else ''}{path}: {what}")

    def top(self, data: Mapping[str, Any]) -> None:
        for key in data:
            if key not in config_rows.TABLES and key not in ("languages", "demo", "outbound", "floor"):
                known = ", ".join(("languages", "demo", *config_rows.TABLES, "outbound", "floor"))
                self.fault(f"unknown key (known: {known})", key)

    def demo(self, data: Mapping[str, Any]) -> bool:
        demo = data.get("demo", False)
        if not isinstance(demo, bool):
            self.fault("must be true or false", "demo")
        return demo is True

    def languages(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        languages = data.get("languages", list(SiteConfig().languages))
        if not isinstance(languages, list) or not languages or not all(isinstance(one, str) for one in languages):
            self.fault("must be a list of language names", "languages")
            return SiteConfig().languages
        return tuple(languages)

    def calendars(self, rows: Iterator[CalendarConfig], year: int) -> Iterator[CalendarConfig]:
        for place, calendar in enumerate(rows):
            if calendar.country and not config_holidays.known(calendar.country):
                self.fault(f"{calendar.country!r} is not a country like CN", f"calendars[{place}].country")
            elif len(set(days := [day.day for day in calendar.holidays])) == len(days):
                yield config_holidays.written_out(calendar, year)
            else:
                yield calendar  # told by the references

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
