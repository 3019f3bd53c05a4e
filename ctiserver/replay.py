"""The journal run again: the world as its records tell it, and every decision decided once more.

Here: the one way to build the cores, used by recovery, the checks of a journal, tests and benchmarks; the world of any
past moment, for readers of a journal. Not here: writing (`journal`), whether the files are whole (`journal_tool`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from acd.core.engine import Acd
from acd.core.explain import explain
from ctiserver import journal, turn
from ctiserver.calls.core import Calls
from ctiserver.journal_files import snapshots
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


def world_after(folder: Path, seq: int | None = None) -> tuple[World, Cores]:
    """The world as it was after record `seq` (None: the last one), from the newest snapshot before and the records
    since. Reads only, also beside a running server. Raises CannotTell, JournalDamaged, OSError."""
    world, cores = house(_snapshot(folder, seq))
    for record in journal.read(folder, after=world.seq):
        if seq is not None and record.seq > seq:
            break
        if record.seq != world.seq + 1:
            raise CannotTell(f"records {world.seq + 1} - {record.seq - 1} are missing")
        turn.fold(world, cores, record)
    if seq is not None and world.seq != seq:
        raise CannotTell(f"the journal ends at record {world.seq}")
    return world, cores


class CannotTell(Exception):
    """One line: why the world of that moment is not known."""


def _snapshot(folder: Path, most: int | None) -> WorldState | None:
    for seq, path in reversed(snapshots(folder)):
        if most is not None and seq > most:
            continue
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=WorldState)
        except (msgspec.MsgspecError, OSError):  # a running server replaces them
            continue
    return None


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


def deviation(world: World, cores: Sequence[Core], record: Record, epoch: str, body: bytes) -> str:
    """Decide the record's input again on the world before it, which it changes: where the outcome is not the record's,
    in words without personal data; '' when it is, bit for bit (`body`: its bytes in the file). THE check of replay,
    used by all tools."""
    try:
        again = decided_again(world, cores, record, epoch)
    except Exception as error:  # a mistake in a core is a finding of whoever checks, not his end
        return f"it fails with {type(error).__name__}"
    if again != record:
        return _first_difference(again, record)
    return "" if msgspec.msgpack.encode(again) == body else "the same values are written in other bytes"


class Replay:
    """Decides record after record again and says where one comes out otherwise; it goes on from what was recorded."""

    def __init__(self, state: WorldState | None, epoch: str) -> None:
        self.decided = 0
        self._epoch = epoch
        self._truth = house(state)
        self._again = house(copied(self._truth[0]))

    @property
    def seq(self) -> int:
        """The last record's number."""
        return self._truth[0].seq

    def take(self, record: Record, body: bytes) -> str:
        """See `deviation`. Raises what a record that cannot be applied raises."""
        where = deviation(*self._again, record, self._epoch, body)
        turn.fold(*self._truth, record)
        self.decided += 1
        if where:
            self._again = house(copied(self._truth[0]))
        return where


def _first_difference(again: Record, recorded: Record) -> str:
    for part in ("events", "effects"):
        new, old = getattr(again, part), getattr(recorded, part)
        for place, (one, other) in enumerate(zip(new, old, strict=False)):
            if type(one) is not type(other):
                return f"{part}[{place}] is {type(one).__name__} now, {type(other).__name__} in the record"
            if one != other:
                return f"{part}[{place}], {type(one).__name__}, differs in {difference(one, other)}"
        if len(new) != len(old):
            return f"{len(new)} {part} now, {len(old)} in the record"
    return "the refusal differs"


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
