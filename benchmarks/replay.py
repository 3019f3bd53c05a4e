"""The run's journal decided once more, offline, with a stop-watch a turn. `python -m benchmarks.replay FOLDER`.

The server does not time its turns for anybody; this is what the cores alone take (decide and apply), on the recorded
inputs, without journal writing, effects, desktops and waiting. It also proves that the run replays to the same records.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from benchmarks.figures import Spread, spread
from ctiserver import journal
from ctiserver.model import events as ev
from ctiserver.replay import decided_again, house


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """`turns` in milliseconds; `core_ms` is their sum; `calls` have ended in them."""

    turns: Spread
    core_ms: float
    calls: int
    slowest_input: str
    same: bool
    """Every turn gave the recorded events and effects."""

    @property
    def ms_a_call(self) -> float:
        return self.core_ms / max(1, self.calls)


def replay(folder: Path) -> Replayed:
    """The journal of this folder from its first record on; a record at a time, however long it is."""
    epoch = (folder / "epoch").read_text().strip()
    world, cores = house()
    took: list[float] = []
    slowest, slowest_input, same, calls = 0.0, "", True, 0
    for record in journal.read(folder):
        began = time.perf_counter()
        again = decided_again(world, cores, record, epoch)
        spent = time.perf_counter() - began
        same = same and again == record
        calls += sum(isinstance(event, ev.CallCleared) for event in record.events)
        took.append(spent)
        if spent > slowest:
            slowest, slowest_input = spent, type(record.input).__name__
    return Replayed(turns=spread(took), core_ms=sum(took) * 1000, calls=calls, slowest_input=slowest_input, same=same)


def main(folder: Path) -> None:
    """Best of five, so that strangers on the machine count less."""
    best = min((replay(folder) for _ in range(5)), key=lambda one: one.core_ms)
    print(f"{best.turns.count} turns, {best.calls} calls, the same records: {best.same}")
    print(f"{best.ms_a_call:.3f} ms a call; a turn: p50 {best.turns.p50} ms, p99 {best.turns.p99} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
