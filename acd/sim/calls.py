"""The calls of a day: drawn by chance, or read from a list of real ones.

Lives here: Poisson arrivals with a rate that changes over the day, and the CSV form. All chance of a simulation is
here, so that two ways of staffing can be compared on the very same calls.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from math import inf, isfinite

from acd.sim.scenario import Call, Chance, Kind, Scenario

COLUMNS = ("arrival", "service", "patience", "kind", "wrap", "customer")
NEEDED = ("arrival", "service", "kind")
SHOWN = 20
"""Faults that are told one by one; the rest is counted."""


class BadCalls(Exception):
    """The list cannot be used, and nothing of it was. `faults`: one line each, with line and column."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def drawn(scenario: Scenario, chance: Chance) -> list[Call]:
    """The calls of one day, in order of arrival."""
    calls = [call for kind in scenario.kinds for call in _of_kind(scenario, kind, chance)]
    return sorted(calls, key=lambda call: call.at)


def _of_kind(scenario: Scenario, kind: Kind, chance: Chance) -> Iterator[Call]:
    starts = [*kind.rates, (scenario.end, 0.0)]
    for (begin, per_hour), (end, _) in zip(starts, starts[1:], strict=False):
        at, end = max(begin, scenario.begin), min(end, scenario.end)
        while per_hour > 0.0:
            at += chance.expovariate(per_hour / 3600.0)
            if at >= end:
                break
            yield Call(
                at,
                kind,
                kind.talk.draw(chance),
                kind.patience.draw(chance) if kind.patience is not None else inf,
                kind.wrap.draw(chance) if kind.wrap is not None else None,
                kind.answer.draw(chance),
            )


def read(text: str, scenario: Scenario, chance: Chance) -> list[Call]:
    """The calls of a CSV text, in order of arrival: columns `arrival` (seconds of the day, or HH:MM:SS), `service`
    (seconds), `kind`, and as you like `patience` (seconds; empty = as long as it takes), `wrap`, `customer`. The time
    to answer is drawn as the kind says. Raises BadCalls: a line is taken as it is or the whole list is refused.
    """
    reader = csv.reader(StringIO(text.removeprefix("\ufeff")), strict=True)
    faults = _Faults()
    calls: list[Call] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        faults.header(names)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(names):
                faults.add(reader.line_num, 0, "", f"{len(row)} columns, the first line has {len(names)}")
                continue
            call = _call(dict(zip(names, row, strict=True)), names, reader.line_num, scenario, chance, faults)
            if call is not None:
                calls.append(call)
    except csv.Error as error:
        faults.add(reader.line_num, 0, "", str(error))
    faults.done()
    return sorted(calls, key=lambda call: call.at)


class _Faults:
    def __init__(self) -> None:
        self._told: list[str] = []
        self._more = 0

    def add(self, line: int, column: int, name: str, what: str) -> None:
        where = f"line {line}" + (f", column {column} ({name})" if column else "")
        if len(self._told) < SHOWN:
            self._told.append(f"{where}: {what}")
        else:
            self._more += 1

    def header(self, names: list[str]) -> None:
        for place, name in enumerate(names, 1):
            if name not in COLUMNS:
                self.add(1, place, name, f"unknown column (known: {', '.join(COLUMNS)})")
            elif name in names[: place - 1]:
                self.add(1, place, name, "is there twice")
        missing = [name for name in NEEDED if name not in names]
        if missing:
            self.add(1, 0, "", f"no column {', '.join(missing)}: the first line must name the columns")
        self.done()

    def done(self) -> None:
        if self._told:
            raise BadCalls([*self._told, *([f"and {self._more} more"] if self._more else [])])


def _call(
    cells: dict[str, str], names: list[str], line: int, scenario: Scenario, chance: Chance, faults: _Faults
) -> Call | None:
    before: list[tuple[str, str]] = []

    def number(name: str, empty: float | None) -> float:
        cell = cells.get(name, "").strip()
        if not cell and empty is not None:
            return empty
        try:
            value = _seconds(cell) if name == "arrival" else float(cell)
        except ValueError:
            before.append((name, f"{cell!r} is no {'time of the day' if name == 'arrival' else 'number of seconds'}"))
            return 0.0
        if not isfinite(value) or value < 0:
            before.append((name, f"{cell} is not 0 or more"))
        return value

    at = number("arrival", None)
    talk, patience, wrap = number("service", None), number("patience", inf), number("wrap", -1.0)
    kind = scenario.kind(cells["kind"].strip())
    if kind is None:
        known = ", ".join(kind.id for kind in scenario.kinds)
        before.append(("kind", f"{cells['kind'].strip()!r} is no kind of this scenario (known: {known})"))
    if not before and not scenario.begin <= at < scenario.end:
        before.append(("arrival", f"not within the simulated time, {clock(scenario.begin)} to {clock(scenario.end)}"))
    for name, what in before:
        faults.add(line, names.index(name) + 1, name, what)
    if before or kind is None:
        return None
    drawn_wrap = kind.wrap.draw(chance) if kind.wrap is not None else None
    return Call(
        at,
        kind,
        talk,
        patience,
        wrap if wrap >= 0.0 else drawn_wrap,
        kind.answer.draw(chance),
        cells.get("customer", "").strip(),
    )


def _seconds(text: str) -> float:
    """Seconds of the day: a number, HH:MM or HH:MM:SS(.sss). Raises ValueError."""
    parts = text.split(":")
    if len(parts) == 1:
        return float(text)
    hours, minutes = int(parts[0]), int(parts[1])
    seconds = float(parts[2]) if len(parts) == 3 else 0.0
    if len(parts) > 3 or not (0 <= hours <= 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        raise ValueError(text)
    return hours * 3600.0 + minutes * 60.0 + seconds


def time_of_day(text: str) -> float:
    """As in a scenario: HH:MM or HH:MM:SS, 24:00 ends the day. Raises ValueError."""
    if ":" not in text:
        raise ValueError(text)
    return _seconds(text)


def clock(seconds: float) -> str:
    """HH:MM, with seconds only when there are some."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")
