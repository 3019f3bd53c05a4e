"""The ACD core in virtual time: inputs in, deadlines fired at their time, events heard.

Lives here: the loop. Not here: what callers and agents do (`centre`). It does what `ctiserver.turn` does for one core:
decide an item, apply the events, decide on each of them, until none is left (tests/sim compares the two, event by
event).
The order at one moment is that of scheduling, and what is scheduled comes before deadlines.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any

from acd.core.engine import Acd
from ctiserver.model import events as ev
from ctiserver.model.ids import Ids
from ctiserver.model.turns import Item
from ctiserver.model.world import Ctx, World, WorldState

Hear = Callable[[Any], None]
Do = Callable[..., None]


class Drive:
    """One world and its core. `hear`: event type -> what to do when one has been applied; it may schedule (`at`), not
    feed. `steps`: inputs so far. `record`: kept when a list is given, one (time, input, events) each."""

    def __init__(self, hear: dict[type, Hear], *, begin: float) -> None:
        self.world = World(WorldState(switch_up=True))
        self.acd = Acd(self.world)
        self.now = begin
        self.steps = 0
        self.record: list[tuple[float, tuple[ev.Event, ...] | Item, list[ev.Event]]] | None = None
        self._hear = hear
        self._todo: list[tuple[float, int, Do, tuple[Any, ...]]] = []
        self._made = 0

    def at(self, when: float, do: Do, *args: Any) -> None:
        """Call `do` with these arguments at this time."""
        self._made += 1
        heapq.heappush(self._todo, (when, self._made, do, args))

    def take(self, item: Item) -> None:
        """One turn of an input of the ACD's own: a command or a fact. May raise CommandRejected."""
        self._turn((), item)

    def says(self, *events: ev.Event) -> None:
        """One turn in which another core (calls, flows) has decided these events."""
        self._turn(events, None)

    def run(self, until: float) -> None:
        """Let time pass; what is due at `until` still happens."""
        todo, deadlines = self._todo, self.world.deadlines
        while True:
            due = deadlines.next()
            if todo and (due is None or todo[0][0] <= due):
                when, _, do, args = todo[0]
                if when > until:
                    break
                heapq.heappop(todo)
                self.now = when
                do(*args)
            elif due is not None and due <= until:
                self.now = max(self.now, due)
                self._tick()
            else:
                break
        self.now = until

    def _tick(self) -> None:
        deadlines = self.world.deadlines
        while (key := deadlines.first_due(self.now)) is not None:
            deadlines.drop(key)
            self._turn((ev.DeadlinePassed(key=key, at=self.now),), None)

    def _turn(self, said: tuple[ev.Event, ...], item: Item | None) -> None:
        self.steps += 1
        world, acd = self.world, self.acd
        world.now = self.now
        ctx = Ctx(now=self.now, ids=Ids("s", self.steps), seed=0)
        apply, decide, hear = acd.apply, acd.decide, self._hear
        pending: deque[Item] = deque(said)
        happened: list[ev.Event] | None = None
        if self.record is not None:
            happened = list(said)
            self.record.append((self.now, said if item is None else item, happened))
        for event in said:
            apply(world, event)
            if (heard := hear.get(type(event))) is not None:
                heard(event)
        if item is not None:
            pending.append(item)
        while pending:
            events = decide(world, pending.popleft(), ctx).events
            if not events:
                continue
            for event in events:
                apply(world, event)
                if (heard := hear.get(type(event))) is not None:
                    heard(event)
            pending.extend(events)
            if happened is not None:
                happened.extend(events)
        world.seq = self.steps
