"""One turn, pure: an input through the cores in fixed order until no new event is left.

Used by the live dispatcher, by recovery, replay, simulation and tests, so they all run the same code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from ctiserver.model import effects as fx, events as ev, facts
from ctiserver.model.errors import CommandRejected, InvariantBroken
from ctiserver.model.ids import Ids
from ctiserver.model.turns import NOTHING, Core, Input, Item, Record
from ctiserver.model.world import Ctx, World

MAX_EVENTS = 20_000
"""Events of one turn; more means that two cores answer each other for ever."""


class Turn(msgspec.Struct, frozen=True):
    """The record to journal and, for a refused command, why."""

    record: Record
    rejected: CommandRejected | None = None


def run(world: World, cores: Sequence[Core], item: Input, *, epoch: str, at: float, seed: int) -> Turn:
    """Decide and apply one input. The world is changed; the caller journals the record and releases the effects."""
    seq = world.seq + 1
    ctx = Ctx(now=at, ids=Ids(epoch, seq), seed=seed)
    events: list[ev.Event] = []
    effects: list[fx.Effect] = []
    waiting: deque[Item] = deque()
    rejected: CommandRejected | None = None
    world.now = at

    def offer(thing: Item) -> None:
        for core in cores:
            decision = core.decide(world, thing, ctx)
            if decision is NOTHING:
                continue
            for event in decision.events:
                apply(world, cores, event)
            events.extend(decision.events)
            waiting.extend(decision.events)
            effects.extend(decision.effects)
            if len(events) > MAX_EVENTS:
                raise InvariantBroken(f"a turn of {type(item).__name__} does not end")

    def settle() -> None:
        while waiting:
            offer(waiting.popleft())

    try:
        offer(item)
        settle()
    except CommandRejected as reason:
        if events:
            raise InvariantBroken("a core refused a command after another had accepted it") from reason
        rejected = reason
    if isinstance(item, facts.Tick):
        while (key := world.deadlines.first_due(at)) is not None:
            due = ev.DeadlinePassed(key=key, at=at)
            world.deadlines.drop(key)
            apply(world, cores, due)
            events.append(due)
            offer(due)
            settle()
    world.seq = seq
    record = Record(
        seq=seq,
        at=at,
        seed=seed,
        input=item,
        events=tuple(events),
        effects=tuple(effects),
        rejected=rejected.code.value if rejected is not None else "",
    )
    return Turn(record, rejected)


def apply(world: World, cores: Sequence[Core], event: ev.Event) -> None:
    """Every core's apply, in fixed order."""
    for core in cores:
        core.apply(world, event)


def fold(world: World, cores: Sequence[Core], record: Record) -> None:
    """Apply a recorded turn without deciding it again (recovery); as live, its time comes first: apply may read it."""
    world.now = record.at
    for event in record.events:
        if isinstance(event, ev.DeadlinePassed):
            world.deadlines.drop(event.key)
        apply(world, cores, event)
    world.seq = record.seq
