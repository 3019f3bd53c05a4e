"""The dispatcher: one turn at a time, time that never goes back, a broken journal, a turn that fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ctiserver.dispatch import Dispatcher
from ctiserver.model import events as ev, facts
from ctiserver.model.errors import CommandRejected
from ctiserver.model.turns import NOTHING, Decision, Item, Record
from ctiserver.model.world import Ctx, World


class Clocks:
    """Wall and monotonic time that tests move."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.steady = 50.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class Paper:
    """A journal that can fail; `bridges` are the snapshots that stand for missing records."""

    epoch = "test"

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.bridges: list[int] = []
        self.full = False
        self.room_for_snapshots = True

    def append(self, record: Record) -> None:
        if self.full:
            raise OSError(28, "no space left on device")
        self.records.append(record)

    def bridge(self, world: World) -> None:
        if not self.room_for_snapshots:
            raise OSError(28, "no space left on device")
        self.bridges.append(world.seq)


class OneDeadline:
    """A core with a deadline 20 s after the site was loaded; `breaks` makes it fail."""

    breaks = False

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        if self.breaks:
            raise KeyError("a mistake of ours")
        return Decision((ev.SiteChanged(site=item.site),)) if isinstance(item, facts.SiteLoaded) else NOTHING

    def apply(self, world: World, event: ev.Event) -> None:
        if isinstance(event, ev.SiteChanged):
            world.deadlines.set("test", world.now + 20)


class Rig:
    def __init__(self) -> None:
        self.clocks, self.paper, self.core = Clocks(), Paper(), OneDeadline()
        self.journal_works: list[bool] = []
        self.fatal = 0
        self.turns: list[Record] = []
        self.dispatcher = Dispatcher(
            World(),
            (self.core,),
            self.paper,
            self.turns.append,
            clock=self.clocks,
            bridge=lambda: self.paper.bridge(self.dispatcher.world),
            on_journal=self.journal_works.append,
            on_fatal=self._fatal,
        )

    def _fatal(self) -> None:
        self.fatal += 1

    def tick(self) -> list[str]:
        """What the timer would do now; the kinds of events that it brought."""
        before = len(self.turns)
        self.dispatcher._tick()
        return [type(event).__name__ for record in self.turns[before:] for event in record.events]


@pytest.fixture
async def rig() -> Any:
    rig = Rig()
    yield rig
    rig.dispatcher.close()
    await asyncio.sleep(0)


async def test_a_wall_clock_set_back_an_hour_delays_no_deadline(rig: Rig) -> None:
    rig.dispatcher.feed(facts.SiteLoaded(site=World().site))
    rig.clocks.wall -= 3600
    rig.clocks.run(19)
    assert rig.tick() == []
    rig.clocks.run(2)
    assert "DeadlinePassed" in rig.tick()
    times = [record.at for record in rig.turns]
    assert times == sorted(times)
    jumps = [record.input for record in rig.turns if isinstance(record.input, facts.ClockJumped)]
    assert len(jumps) == 1
    assert jumps[0].seconds == pytest.approx(-3600, abs=1)


async def test_a_wall_clock_set_forward_an_hour_fires_no_deadline_early(rig: Rig) -> None:
    rig.dispatcher.feed(facts.SiteLoaded(site=World().site))
    rig.clocks.wall += 3600
    rig.clocks.run(10)
    assert rig.tick() == []
    rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.turns[-1].at < 1_000_020 or isinstance(rig.turns[-1].input, facts.ClockJumped)


async def test_small_corrections_of_the_clock_are_followed(rig: Rig) -> None:
    rig.clocks.wall += 0.5
    for _ in range(600):
        rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.turns[-1].at == pytest.approx(rig.clocks.wall, abs=0.01)
    assert not [r for r in rig.turns if isinstance(r.input, facts.ClockJumped)]


async def test_a_full_disk_is_told_once_and_its_end_as_well(rig: Rig) -> None:
    rig.paper.full = True
    for _ in range(3):
        rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.journal_works == [False]
    rig.paper.full = False
    rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.journal_works == [False], "it is not tried again at every turn"
    rig.clocks.run(1.1)
    rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.journal_works == [False, True]
    assert rig.paper.bridges == [5], "the world is stored before the first record that follows the hole"
    assert [record.seq for record in rig.paper.records] == [5]
    assert len(rig.turns) == 5, "running calls go on"


async def test_a_nearly_full_disk_with_room_for_a_record_and_none_for_the_world_makes_no_hole(rig: Rig) -> None:
    rig.paper.full, rig.paper.room_for_snapshots = True, False
    rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    rig.paper.full = False
    for _ in range(3):
        rig.clocks.run(1.1)
        rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.paper.records == []
    assert rig.journal_works == [False]
    rig.paper.room_for_snapshots = True
    rig.clocks.run(1.1)
    rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.journal_works == [False, True]
    assert (rig.paper.bridges, [record.seq for record in rig.paper.records]) == ([5], [5])


async def test_a_turn_that_fails_stops_everything_before_it_can_do_harm(rig: Rig) -> None:
    rig.core.breaks = True
    with pytest.raises(KeyError):
        rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.fatal == 1
    rig.core.breaks = False
    rig.dispatcher.feed(facts.SwitchLost(reason="x"))
    assert rig.paper.records == [], "nothing follows a world that is half changed"
    with pytest.raises(CommandRejected):
        rig.dispatcher.submit(_sign_in())


def _sign_in() -> Any:
    from ctiserver.model.commands import SignIn
    from ctiserver.model.ids import AgentId

    return SignIn(id="1", by="1001", agent=AgentId("1001"))
