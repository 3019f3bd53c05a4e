"""The journal run again: the world as its records tell it, and every decision decided once more.

Here: the one way to build the cores, used by recovery, the checks of a journal, tests and benchmarks. Not here: files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from acd.core.engine import Acd
from acd.core.explain import explain
from ctiserver import turn
from ctiserver.calls.core import Calls
from ctiserver.model import events as ev
from ctiserver.model.explanation import Explanation
from ctiserver.model.ids import AgentId
from ctiserver.model.turns import Core, Decision, Item, Record
from ctiserver.model.world import Ctx, World, WorldState
from ivr.runtime import Ivr

Cores = tuple[Calls, Ivr, Acd]


def house(state: WorldState | None = None) -> tuple[World, Cores]:
    """A world (empty, or as a snapshot has it; it is not copied) and the cores that own it, in their fixed order."""
    world = World(state)
    return world, (Calls(), Ivr(), Acd(world))


def folded(records: Iterable[Record]) -> World:
    """The world after these records from the first one on: events applied, nothing decided."""
    world, cores = house()
    for record in records:
        turn.fold(world, cores, record)
    return world


def decided_again(world: World, cores: Sequence[Core], record: Record, epoch: str) -> Record:
    """The recorded input decided on this world, which it changes. It must give the very record."""
    return turn.run(world, cores, record.input, epoch=epoch, at=record.at, seed=record.seed).record


def offer_explained(
    world: World, cores: tuple[*tuple[Core, ...], Acd], record: Record, epoch: str, reservation: str
) -> Explanation | None:
    """What the ACD looked at when it decided on this offer: `record`, which holds it, is decided again on the world as
    it was before (which it changes). None: this version does not decide on such an offer."""
    *others, acd = cores
    watched = _Watched(acd, reservation)
    decided_again(world, (*others, watched), record, epoch)
    return watched.found


class _Watched:
    """The ACD core with somebody who looks at the world in the moment of one decision, before it is applied."""

    def __init__(self, acd: Acd, reservation: str) -> None:
        self.found: Explanation | None = None
        self._acd = acd
        self._reservation = reservation

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        decision = self._acd.decide(world, item, ctx)
        taken: dict[AgentId, None] = {}  # by offers that were decided on together with it
        for event in decision.events:
            if not isinstance(event, ev.OfferMade):
                continue
            if event.reservation == self._reservation:
                self.found = explain(world, event.contact, self._acd.index, taken)
            taken |= dict.fromkeys(event.agents)
        return decision

    def apply(self, world: World, event: ev.Event) -> None:
        self._acd.apply(world, event)


def copied(world: World) -> WorldState:
    """The storable form with nothing shared, as a snapshot written and read gives it."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(world.state()), type=WorldState)


def difference(one: object, other: object) -> str:
    """Where two structures differ first, e.g. `agents.1001.since`; '' when they are the same. Names no value."""
    return _difference(msgspec.to_builtins(one), msgspec.to_builtins(other)) or ""


def _difference(one: object, other: object) -> str | None:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key not in one or key not in other:
                return str(key)
            if (deeper := _difference(one[key], other[key])) is not None:
                return f"{key}.{deeper}" if deeper else str(key)
        return None
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            if (deeper := _difference(left, right)) is not None:
                return f"{place}.{deeper}" if deeper else str(place)
        return None
    return None if one == other else ""
