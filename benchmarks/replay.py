"""The run's journal decided once more, offline, with a stop-watch a turn. `python -m benchmarks.replay FOLDER`.

The server does not time its turns for anybody; this is what the cores alone take (decide and apply), on the recorded
inputs, without journal writing, effects, desktops and waiting. It also proves that the run replays to the same records.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.figures import Spread, spread
from ctiserver import journal
from ctiserver.model.turns import Record
from ctiserver.replay import decided_again, house


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """`turns` in milliseconds of the window's turns; `core_ms` is their sum."""

    turns: Spread
    core_ms: float
    slowest_input: str
    same: bool
    """Every turn gave the recorded events and effects."""


def replay(records: Sequence[Record], epoch: str, since: float, until: float) -> Replayed:
    """`records` from the first one on."""
    world, cores = house()
    took: list[float] = []
    slowest, slowest_input, same = 0.0, "", True
    for record in records:
        began = time.perf_counter()
        again = decided_again(world, cores, record, epoch)
        spent = time.perf_counter() - began
        same = same and again == record
        if since <= record.at < until:
            took.append(spent)
            if spent > slowest:
                slowest, slowest_input = spent, type(record.input).__name__
    return Replayed(turns=spread(took), core_ms=sum(took) * 1000, slowest_input=slowest_input, same=same)


def main(folder: Path) -> None:
    """Best of five, so that strangers on the machine count less."""
    records = list(journal.read(folder))
    epoch = (folder / "epoch").read_text().strip()
    calls = sum(type(event).__name__ == "CallCleared" for record in records for event in record.events)
    best = min((replay(records, epoch, 0.0, float("inf")) for _ in range(5)), key=lambda one: one.core_ms)
    print(f"{len(records)} turns, {calls} calls, the same records: {best.same}")
    print(f"{best.core_ms / max(1, calls):.3f} ms a call; a turn: p50 {best.turns.p50} ms, p99 {best.turns.p99} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
