"""The kernel benchmark: its worlds are sound, and what it does to them changes nothing that it does not say."""

from __future__ import annotations

import random
from io import StringIO

import msgspec
import pytest
from rich.console import Console

from acd.core import check
from acd.core.engine import Acd
from benchmarks import kernel, kernel_report
from ctiserver.model.work import ContactState
from ctiserver.model.world import World, WorldState


@pytest.mark.parametrize("shape", list(kernel.SHAPES))
def test_a_world_made_directly_is_one_that_turns_could_have_made(shape: str) -> None:
    """Nobody waits beside a free agent whom he may have, before and after fifty rounds of every decision."""
    chance = random.Random(1)
    site = kernel.site(shape, 120, 20, 0.3, chance)
    drive = kernel.world(site, 60, chance)
    assert [fault for fault in check._unserved(drive.world)] == []
    bench = kernel.Bench(site, drive, chance)
    bench.open_up()
    for _ in range(50):
        bench.round()
    assert [fault for fault in check._unserved(drive.world)] == []
    waiting = [one for one in drive.world.contacts.values() if one.state is ContactState.WAITING]
    assert len(waiting) == len(bench.waiting) >= 60
    assert all(len(values) > 20 for values in bench.times.values())
    again = World(msgspec.msgpack.decode(msgspec.msgpack.encode(drive.world.state()), type=WorldState))
    assert Acd(again).index.snapshot() == drive.acd.index.snapshot()


def test_the_report_has_every_decision() -> None:
    taken = [
        kernel.measure(shape, size, size, 10, idle, 5)
        for shape in kernel.SHAPES
        for idle in kernel.IDLE
        for size in (20, 40)
    ]
    day = kernel.a_day(60, agents=30, queues=5)
    on: dict[str, object] = {"cores": 1, "model": "x", "kernel": "y", "load_1_min": 0}
    result = kernel.Result(machine=on, python="3", big=taken, growth=taken, day=day)
    page = kernel_report.markdown(result)
    for name in (*kernel.SHAPES, *kernel.DECISIONS, "steps/s", "20 s"):
        assert name in page
    told = StringIO()
    kernel_report.show(result, Console(file=told, width=160))
    assert "agent free" in told.getvalue()
    assert kernel_report.chart(result).count("<path") > 24
    assert b'"p99"' in kernel_report.as_json(result)
