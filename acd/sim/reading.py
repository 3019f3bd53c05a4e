"""Reading a scenario: TOML text -> `acd.sim.scenario.Scenario`, checked as a whole.

Lives here: the form of the text (docs/simulator.md) and its faults, all told at once. Not here: files; a site that the
text names is given by the caller.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from acd.sim.calls import time_of_day
from acd.sim.scenario import AT_ONCE, DAY, Kind, Pool, Scenario, Shift, Spread
from ctiserver.model.requirement import BadRequirement, canonical, of_levels
from ctiserver.model.routing import GroupConfig
from ctiserver.model.site import AgentConfig, Label, QueueConfig, SiteConfig

_TOP = ("site", "day", "zone", "begin", "end", "interval_minutes", "queues", "groups", "agents", "staff", "kinds")
_STAFF = ("name", "count", "agents", "skills", "queues", "group", "shifts")
_KIND = (
    "id queue talk patience wrap answer calls_per_hour requires priority number classes data".split()
)
_Row = TypeVar("_Row", bound=msgspec.Struct)
MOST_AGENTS = 20_000
MOST_CALLS_PER_HOUR = 1_000_000.0


class BadScenario(Exception):
    """The scenario cannot be used. `faults`: every fault, one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def load(text: str, site: Callable[[str], SiteConfig]) -> Scenario:
    """The scenario that `text` describes; `site`: gives the site by the path the text names. Raises BadScenario, and
    what `site` raises."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadScenario([f"not valid TOML: {error}"]) from None
    reader = _Reader(data)
    given = data.get("site")
    own = site(given) if isinstance(given, str) else None
    if given is not None and own is None:
        reader.fault("site", "must be the path of a site.toml")
    scenario = reader.scenario(own)
    if reader.faults:
        raise BadScenario(reader.faults)
    return scenario


class _Reader:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self.faults: list[str] = []
        self._data = data

    def fault(self, where: str, what: str) -> None:
        self.faults.append(f"{where}: {what}")

    def scenario(self, given: SiteConfig | None) -> Scenario:
        data = self._data
        self._unknown("", data, _TOP)
        site = given if given is not None else SiteConfig()
        for table in ("queues", "groups", "agents"):
            if given is not None and table in data:
                self.fault(table, "belongs into the site.toml that is named")
        if given is None:
            site = SiteConfig(
                queues=tuple(self._configs("queues", QueueConfig)),
                groups=tuple(self._configs("groups", GroupConfig)),
                agents=tuple(self._configs("agents", AgentConfig)),
            )
        begin, end = self._time("begin", "00:00"), self._time("end", "24:00")
        if begin >= end:
            self.fault("end", "must be after begin")
        interval = self._number("interval_minutes", data.get("interval_minutes", 30), 1, 1440) * 60.0
        site, shifts, pools = self._staff(site, begin, end)
        queues = [queue.id for queue in site.queues]
        kinds = tuple(self._kind(place, row, queues) for place, row in enumerate(self._rows("kinds")))
        if not kinds and not self.faults:
            self.fault("kinds", "there must be at least one [[kinds]]: without a call there is nothing to simulate")
        self._twice("kinds", [kind.id for kind in kinds])
        self._twice("queues", queues)
        self._twice("agents", [agent.id for agent in site.agents])
        self._twice("staff", [pool.like.id for pool in pools])
        self._known_queues([*site.agents, *(pool.like for pool in pools)], site, queues)
        scenario = Scenario(
            site=site,
            kinds=kinds,
            shifts=tuple(shifts),
            pools=tuple(pools),
            midnight=self._midnight(),
            begin=begin,
            end=end,
            interval=interval,
        )
        return scenario.staffed([pool.count for pool in pools])

    # --- the site -----------------------------------------------------------------------------------

    def _configs(self, table: str, kind: type[_Row]) -> list[_Row]:
        """Rows as in a site.toml; a name may be left out."""
        found = []
        for place, row in enumerate(self._rows(table)):
            where = f"{table}[{place}]"
            self._unknown(where, row, tuple(field.name for field in msgspec.structs.fields(kind)))
            name = row.get("id", "")
            whole = self._canonical(where, {"name": {"zh": str(name), "en": str(name)}, **row})
            try:
                found.append(msgspec.convert(whole, type=kind))
            except msgspec.ValidationError as error:
                self.fault(where, str(error))
        return found

    def _canonical(self, where: str, thing: Any) -> Any:
        """With every requirement in canonical text, however deep it is."""
        if isinstance(thing, list):
            return [self._canonical(where, one) for one in thing]
        if not isinstance(thing, dict):
            return thing
        found = {key: self._canonical(where, value) for key, value in thing.items()}
        if "requires" in thing:
            found["requires"] = self._requirement(where, thing["requires"])
        return found

    def _requirement(self, where: str, given: Any) -> str:
        try:
            return of_levels(given) if isinstance(given, dict) else canonical(given)
        except (BadRequirement, TypeError, ValueError) as error:
            self.fault(f"{where}.requires", str(error))
            return ""

    def _staff(self, site: SiteConfig, begin: float, end: float) -> tuple[SiteConfig, list[Shift], list[Pool]]:
        """[[staff]]: new agents that are like each other, or shifts of agents of the site. Whoever is in no [[staff]]
        is there all the time."""
        agents = list(site.agents)
        shifts: list[Shift] = []
        placed: dict[str, None] = {}
        pools: list[Pool] = []
        for place, row in enumerate(self._rows("staff")):
            where = f"staff[{place}]"
            self._unknown(where, row, _STAFF)
            if "agents" in row:
                names = [str(name) for name in row["agents"]] if isinstance(row["agents"], list) else []
                for name in [name for name in names if all(agent.id != name for agent in site.agents)]:
                    self.fault(f"{where}.agents", f"{name} is not an agent of the site")
            else:
                spans = self._spans(f"{where}.shifts", row.get("shifts", []), begin, end)
                pool = self._pool(where, place, row, spans)
                if pool is not None:
                    pools.append(pool)
                continue
            spans = self._spans(f"{where}.shifts", row.get("shifts", []), begin, end)
            placed.update(dict.fromkeys(names))
            shifts.extend(Shift(agent=name, begin=first, end=last) for name in names for first, last in spans)
        shifts.extend(Shift(agent=a.id, begin=begin, end=end) for a in site.agents if a.id not in placed)
        return msgspec.structs.replace(site, agents=tuple(agents)), shifts, pools

    def _pool(
        self, where: str, place: int, row: Mapping[str, Any], spans: list[tuple[float, float]]
    ) -> Pool | None:
        count = int(self._number(f"{where}.count", row.get("count"), 0, MOST_AGENTS))
        prefix = str(row.get("name", f"staff{place + 1}"))
        config = {key: row[key] for key in ("skills", "queues", "group") if key in row}
        label = Label(zh=prefix, en=prefix)
        try:
            like = msgspec.convert({"id": prefix, "name": label, **config}, type=AgentConfig, from_attributes=True)
        except msgspec.ValidationError as error:
            self.fault(where, str(error))
            return None
        return Pool(like=like, count=count, spans=tuple(spans))

    def _spans(self, where: str, given: Any, begin: float, end: float) -> list[tuple[float, float]]:
        """Times of presence, each as HH:MM-HH:MM; none: all the time. Those that touch are one."""
        if not given:
            return [(begin, end)]
        found: list[tuple[float, float]] = []
        for text in given if isinstance(given, list) else [given]:
            first, _, last = str(text).partition("-")
            try:
                span = (time_of_day(first.strip()), time_of_day(last.strip()))
            except ValueError:
                self.fault(where, f"{text!r} is not like 08:00-12:30")
                continue
            if span[0] >= span[1]:
                self.fault(where, f"{text!r} ends before it begins: write a night as two, 22:00-24:00 and 00:00-06:00")
            found.append(span)
        merged: list[tuple[float, float]] = []
        for span in sorted(found):
            if merged and span[0] <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], span[1]))
            else:
                merged.append(span)
        return merged

    def _known_queues(self, agents: list[AgentConfig], site: SiteConfig, queues: list[str]) -> None:
        groups = {group.id: group for group in site.groups}
        for agent in agents:
            if agent.group and agent.group not in groups:
                self.fault(f"agent {agent.id}", f"{agent.group} is not a group")
            serves = groups[agent.group].serves if agent.group in groups else ()
            for queue in [*agent.queues, *(one.queue for one in serves)]:
                if queue not in queues:
                    self.fault(f"agent {agent.id}", f"{queue} is not a queue")

    # --- calls --------------------------------------------------------------------------------------

    def _kind(self, place: int, row: Mapping[str, Any], queues: list[str]) -> Kind:
        where = f"kinds[{place}]"
        self._unknown(where, row, _KIND)
        name, queue = row.get("id"), row.get("queue", queues[0] if len(queues) == 1 else None)
        if not isinstance(name, str) or not name:
            self.fault(f"{where}.id", "must be a name")
        if queue not in queues:
            self.fault(f"{where}.queue", f"{queue} is not a queue (known: {', '.join(queues)})")
        if "talk" not in row:
            self.fault(f"{where}.talk", "must say how long the talk is")
        return Kind(
            id=str(name),
            queue=str(queue),
            talk=self._spread(f"{where}.talk", row.get("talk", 0)),
            patience=self._spread(f"{where}.patience", row["patience"]) if "patience" in row else None,
            wrap=self._spread(f"{where}.wrap", row["wrap"]) if "wrap" in row else None,
            answer=self._spread(f"{where}.answer", row["answer"]) if "answer" in row else AT_ONCE,
            rates=self._rates(f"{where}.calls_per_hour", row.get("calls_per_hour", 0)),
            requires=self._requirement(where, row.get("requires", "")),
            priority=self._number(f"{where}.priority", row.get("priority", 0), -DAY, DAY),
            number=str(row.get("number", "")),
            classes=tuple(str(one) for one in row.get("classes", ())),
            data={str(key): str(value) for key, value in row.get("data", {}).items()},
        )

    def _spread(self, where: str, given: Any) -> Spread:
        """A number: always so long; { mean = }: exponential; { mean = , sd = }: lognormal."""
        if isinstance(given, int | float) and not isinstance(given, bool):
            return Spread(mean=self._number(where, given, 0, DAY), sd=0.0)
        try:
            spread = msgspec.convert(given, type=Spread)
        except msgspec.ValidationError as error:
            self.fault(where, f"a number of seconds, or {{ mean = 180 }}, or {{ mean = 180, sd = 90 }}: {error}")
            return AT_ONCE
        self._number(f"{where}.mean", spread.mean, 0, DAY)
        self._number(f"{where}.sd", spread.sd or 0.0, 0, DAY)
        return spread

    def _rates(self, where: str, given: Any) -> tuple[tuple[float, float], ...]:
        """Calls per hour: a number, or { "08:00" = 40, "17:00" = 0 }, each from its time until the next."""
        if not isinstance(given, dict):
            return ((0.0, self._number(where, given, 0, MOST_CALLS_PER_HOUR)),)
        found: list[tuple[float, float]] = []
        for text, rate in given.items():
            try:
                found.append((time_of_day(text), self._number(where, rate, 0, MOST_CALLS_PER_HOUR)))
            except ValueError:
                self.fault(where, f"{text!r} is no time of the day")
        return tuple(sorted(found))

    # --- small things -------------------------------------------------------------------------------

    def _rows(self, table: str) -> list[dict[str, Any]]:
        rows = self._data.get(table, [])
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        self.fault(table, f"must be written as [[{table}]]")
        return []

    def _unknown(self, where: str, row: Mapping[str, Any], known: tuple[str, ...] | list[str]) -> None:
        for key in row:
            if key not in known:
                self.fault(f"{where}.{key}" if where else key, f"unknown key (known: {', '.join(known)})")

    def _twice(self, table: str, names: list[str]) -> None:
        counted = {name: names.count(name) for name in dict.fromkeys(names)} if len(names) < 500 else {}
        if counted:
            for name, count in counted.items():
                if count > 1:
                    self.fault(table, f"{name} is there {count} times")
        elif len(dict.fromkeys(names)) != len(names):
            self.fault(table, "a name is there twice")

    def _number(self, where: str, given: Any, least: float, most: float) -> float:
        if not isinstance(given, int | float) or isinstance(given, bool) or not least <= given <= most:
            self.fault(where, f"{given} is not a number between {least:g} and {most:g}")
            return least
        return float(given)

    def _time(self, key: str, default: str) -> float:
        given = self._data.get(key, default)
        try:
            return time_of_day(str(given))
        except ValueError:
            self.fault(key, f"{given!r} is not like 08:00")
            return 0.0 if key == "begin" else DAY

    def _midnight(self) -> float:
        day, zone = str(self._data.get("day", "2026-03-02")), str(self._data.get("zone", "UTC"))
        try:
            return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp()
        except (ValueError, LookupError, OSError) as error:
            self.fault("day", f"{day} in zone {zone}: {error}")
            return 0.0
