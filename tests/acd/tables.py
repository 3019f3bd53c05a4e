"""The state tables as data: reading tables/*.toml and asking the real core for one cell.

Lives here: what a cell says and how it is compared. Not here: the tables (they are the specification), the
situations and inputs (`situations`, `inputs`), the tests (test_tables), the pages made of them (tests.docs.machines).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec

from acd.core import agent as agents
from acd.core.reservation import live
from ctiserver.model import events as ev
from ctiserver.model.routing import Algorithm
from ctiserver.model.work import OfferedAgent, Reservation
from tests.acd import inputs, situations
from tests.acd.house import House

FOLDER = Path(__file__).parent / "tables"
NAMES = ("agent", "contact", "reservation")
NOTHING = "-"
GONE = "gone"
NOT_OURS: tuple[type, ...] = (*get_args(ev.CallEvent), ev.DeadlinePassed, ev.SiteChanged)
"""Events that the stand-ins of other parts say: inputs, no outcomes."""


class Row(msgspec.Struct, frozen=True):
    """One input of one table: situation -> cell."""

    given: str
    cells: dict[str, str]
    why: str = ""


class Table(msgspec.Struct, frozen=True):
    name: str
    situations: dict[str, str]
    states: dict[str, str]
    rows: tuple[Row, ...]
    nothing: tuple[str, ...]


def read(name: str) -> Table:
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    there: dict[str, str] = data["situations"]
    rows: list[Row] = []
    for given, cells in data["input"].items():
        why, rest = cells.pop("why", ""), cells.pop("rest", None)
        unknown = [one for one in cells if one not in there]
        assert not unknown, f"{name}, {given}: no situation {unknown}"
        missing = [one for one in there if one not in cells]
        assert (rest is None) is (not missing), f"{name}, {given}: 'rest' is for {missing}"
        rows.append(Row(given, {one: cells.get(one, rest) for one in there}, why))
    return Table(name, there, data["states"], tuple(rows), tuple(data["always"]["nothing"]))


def stage(table: str, situation: str) -> House:
    alone = table != "reservation" or situation in ("offered", "ringing", "withdrawing", "talking")
    house = House(situations.config(Algorithm.LONGEST_IDLE if alone else Algorithm.RING_ALL))
    make: Callable[[House], None] = getattr(situations, situation)
    make(house)
    return house


class Watched:
    """The one agent, contact or reservation that a table is about."""

    def __init__(self, table: str, house: House) -> None:
        self._table = table
        self._house = house
        self._contact = situations.contact_id(house)
        self._call = situations.call_id(house)
        self._reservation = situations.reservation_id(house)

    def state(self) -> str:
        world = self._house.world
        match self._table:
            case "agent":
                return agents.state(world.agents[situations.WHO]).value
            case "contact":
                contact = world.contacts.get(self._contact)
                return contact.state.value if contact is not None else GONE
            case _:
                held = world.reservations.get(self._reservation)
                return "/".join(_letter(held, one) for one in held.agents.values()) if held is not None else GONE

    def whole(self) -> bytes:
        """Everything that is stored of it."""
        world = self._house.world
        match self._table:
            case "agent":
                return msgspec.msgpack.encode(world.agents[situations.WHO])
            case "contact":
                return msgspec.msgpack.encode(world.contacts.get(self._contact))
            case _:
                return msgspec.msgpack.encode(world.reservations.get(self._reservation))

    def named(self, event: ev.Event) -> bool:
        match self._table:
            case "agent":
                one, all_ = getattr(event, "agent", ""), getattr(event, "agents", ())
                return one == situations.WHO or situations.WHO in all_
            case "contact":
                about, call = getattr(event, "contact", ""), getattr(event, "conversation", "")
                return about == self._contact or call == self._call
            case _:
                return getattr(event, "reservation", "") == self._reservation


def _letter(held: Reservation, offered: OfferedAgent) -> str:
    if held.won_by == offered.agent:
        return "+"
    if offered.closed:
        return "x"
    if not live(offered):
        return "w"
    return "r" if offered.ringing else "o"


def answer(table: str, situation: str, given: str) -> str:
    """What the real core makes of it, written as a cell."""
    house = stage(table, situation)
    watched = Watched(table, house)
    before, said = watched.whole(), len(house.log)
    house.refused = ""
    inputs.INPUTS[given][1](house)
    if house.refused:
        return f"refused {house.refused}"
    # What was said to the core is no outcome: the input itself comes first among the events of its turn.
    own = 1 if issubclass(_event(given), ev.Event) and len(house.log) > said else 0
    events = [type(event).__name__ for event in house.log[said + own :] if _counts(watched, event)]
    if not events and watched.whole() == before:
        return NOTHING
    return f"{watched.state()}: {', '.join(events)}" if events else watched.state()


def _event(given: str) -> type:
    kind = inputs.INPUTS[given][0]
    return ev.DeadlinePassed if isinstance(kind, str) else kind


def _counts(watched: Watched, event: ev.Event) -> bool:
    return watched.named(event) and not isinstance(event, NOT_OURS)


def deadline_kinds() -> list[str]:
    """Every kind of deadline that the ACD sets, as its sources spell them."""
    found: dict[str, None] = {}
    for path in sorted((Path(__file__).parents[2] / "acd" / "core").glob("*.py")):
        found.update(dict.fromkeys(re.findall(r'f"(acd\.[a-z]+):', path.read_text("utf-8"))))
    return sorted(found)
