"""One turn of the loop: what goes into a core, what comes out, and the journal's record of it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ctiserver.model import commands, effects, events, facts
from ctiserver.model.world import Ctx, World

Input = facts.Fact | commands.Command
Item = Input | events.Event


class Decision(msgspec.Struct, frozen=True):
    """What a core decided on one item: events to apply and hand on, effects to release after the journal."""

    events: tuple[events.Event, ...] = ()
    effects: tuple[effects.Effect, ...] = ()


NOTHING = Decision()


class Core(Protocol):
    """A pure core. `decide` reads, `apply` is the only thing that changes the world."""

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        """May raise CommandRejected for a command; must not change the world."""

    def apply(self, world: World, event: events.Event) -> None: ...


class Record(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One turn in the journal. `rejected` is the code of a refused command ('' otherwise)."""

    seq: int
    at: float
    seed: int
    input: Input
    events: tuple[events.Event, ...]
    effects: tuple[effects.Effect, ...]
    rejected: str = ""
