"""The run's journal decided once more, offline, with a stop-watch a turn.

The server does not time its turns for anybody; this is what the cores alone take (decide and apply), on the recorded
inputs, without journal writing, effects, desktops and waiting. It also proves that the run replays to the same records.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from acd.core.engine import Acd
from benchmarks.figures import Spread, spread
from ctiserver import turn
from ctiserver.calls.core import Calls
from ctiserver.model.turns import Record
from ctiserver.model.world import World, WorldState
from ivr.runtime import Ivr


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """`turns` in milliseconds of the window's turns; `core_ms` is their sum."""

    turns: Spread
    core_ms: float
    slowest_input: str
    same: bool
    """Every turn gave the recorded events and effects."""


def replay(records: Sequence[Record], epoch: str, since: float, until: float) -> Replayed:
    """`records` from the first one on."""
    world = World(WorldState())
    cores = (Calls(), Ivr(), Acd(world))
    took: list[float] = []
    slowest, slowest_input, same = 0.0, "", True
    for record in records:
        began = time.perf_counter()
        done = turn.run(world, cores, record.input, epoch=epoch, at=record.at, seed=record.seed)
        spent = time.perf_counter() - began
        same = same and done.record == record
        if since <= record.at < until:
            took.append(spent)
            if spent > slowest:
                slowest, slowest_input = spent, type(record.input).__name__
    return Replayed(turns=spread(took), core_ms=sum(took) * 1000, slowest_input=slowest_input, same=same)
