"""The simulated day runs the production core, and no call is lost in it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from acd.core import check
from acd.core.engine import Acd
from acd.sim.calls import drawn
from acd.sim.centre import Centre, conserved
from acd.sim.figures import figures
from acd.sim.reading import load
from acd.sim.scenario import Call, Kind, Scenario, Shift, Spread
from ctiserver import turn
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.errors import InvariantBroken
from ctiserver.model.site import AgentConfig, SiteConfig
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.world import Ctx, World, WorldState
from tests.sim.worlds import label, mmc, queue

BUSY = """
begin = "08:00"
end = "10:00"
interval_minutes = 15
[[queues]]
id = "service"
requires = "billing"
max_waiting = 6
steps = [{ requires = "billing >= 50", for_seconds = 20.0 }]
offer_seconds = 5.0
[[queues]]
id = "complaint"
priority = 30.0
max_wait_seconds = 90.0
algorithm = "ring_all"
ring_at_most = 2
[[groups]]
id = "all"
serves = [{ queue = "service" }, { queue = "complaint", priority = 2, delay_seconds = 10.0 }]
[[staff]]
name = "good"
count = 4
group = "all"
skills = { billing = 80 }
shifts = ["08:00-09:00", "09:20-10:00"]
[[staff]]
name = "new"
count = 3
queues = ["service", "complaint"]
skills = { billing = 20 }
shifts = ["08:30-09:30"]
[[kinds]]
id = "bill"
queue = "service"
calls_per_hour = 120
talk = { mean = 150 }
wrap = { mean = 20 }
answer = { mean = 3 }
patience = { mean = 60 }
[[kinds]]
id = "fault"
queue = "complaint"
calls_per_hour = 40
talk = { mean = 200, sd = 100 }
answer = { mean = 4, sd = 1 }
patience = { mean = 200 }
"""
"""Everything at once: hang-ups while it rings, missed offers, full queues, shifts that end in a talk."""


def busy() -> Scenario:
    return load(BUSY, lambda _path: pytest.fail("it names no site"))


class Said(msgspec.Struct, frozen=True):
    events: tuple[ev.Event, ...]


class Others:
    """The cores besides the ACD: what they say is in the input."""

    def decide(self, world: World, item: Item | Said, ctx: Ctx) -> Decision:
        return Decision(item.events) if isinstance(item, Said) else NOTHING

    def apply(self, world: World, event: ev.Event) -> None: ...


def test_the_loop_does_what_the_servers_turn_does() -> None:
    """Every input of a busy day again, through ctiserver.turn: the same events, and a world without faults."""
    scenario = busy()
    centre = Centre(scenario, drawn(scenario, random.Random(4)))
    centre.drive.record = record = []
    day = centre.run()
    assert check.faults(centre.drive.world, centre.drive.acd.index) == []
    reasons = {reason for by in day.ended.values() for reason in by}
    assert {EndReason.ANSWERED, EndReason.ABANDONED, EndReason.TIMED_OUT} <= reasons, "the day is not busy enough"
    assert EndReason.REJECTED in {outcome.end for outcome in day.outcomes}

    again = Centre(scenario, drawn(scenario, random.Random(4)))  # it makes conversations as the calls core would
    world, acd = again.drive.world, again.drive.acd
    seq = world.seq
    told = iter(record)

    def one_turn(said: tuple[ev.Event, ...], item: Item | None) -> None:
        drive = again.drive
        drive.steps += 1
        at, was, happened = next(told)
        assert (at, was) == (drive.now, said if item is None else item)
        done = turn.run(
            world, (Others(), acd), Said(said) if item is None else item, epoch="s", at=at, seed=0  # type: ignore[arg-type]
        )
        assert list(done.record.events) == happened
        assert check.faults(world) == []
        for event in done.record.events:
            hear = drive._hear.get(type(event))
            if hear is not None:
                hear(event)

    assert seq == 1  # the site is loaded in the constructor, before anybody listens
    again.drive._turn = one_turn  # type: ignore[method-assign]
    assert again.run() == day
    assert next(told, None) is None


def test_same_seed_same_day_other_seed_other_day() -> None:
    scenario = busy()
    first, same, other = (Centre(scenario, drawn(scenario, random.Random(seed))).run() for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_every_call_is_counted_once_in_every_table() -> None:
    scenario = busy()
    calls = drawn(scenario, random.Random(7))
    day = Centre(scenario, calls).run()
    found = figures(scenario, day)
    rows = [found.all, *found.queues.values()]
    for row in rows:
        assert row.calls == row.answered + row.abandoned + row.other + row.here
    assert found.all.calls == len(calls)
    assert sum(row.calls for row in found.queues.values()) == len(calls)
    for name in ("calls", "answered", "abandoned", "other", "here", "in_time"):
        assert sum(getattr(interval.all, name) for interval in found.intervals) == getattr(found.all, name)
        for interval in found.intervals:
            assert sum(getattr(row, name) for row in interval.queues.values()) == getattr(interval.all, name)
    assert found.all.here > 0, "nobody is there at the end: the case is not tested"
    for queue_name, entered in found.entered.items():
        assert entered == sum(found.ended[queue_name].values()) + found.here.get(queue_name, 0)


def test_a_lost_call_is_noticed() -> None:
    scenario = busy()
    calls = drawn(scenario, random.Random(7))
    day = Centre(scenario, calls).run()
    day.ended["service"][EndReason.ABANDONED] -= 1
    with pytest.raises(InvariantBroken, match="service"):
        conserved(day, len(calls))
    day.ended["service"][EndReason.ABANDONED] += 1
    day.outcomes[0].end = None
    with pytest.raises(InvariantBroken, match="without an end"):
        conserved(day, len(calls))


def one_queue(calls: Sequence[tuple[float, float]], shifts: Sequence[tuple[float, float]], **more: Any) -> Any:
    """(arrival, talk) and one agent's shifts; wrap-up 10 s, answered 2 s after the ring."""
    kind = Kind(id="k", queue="q", talk=Spread(mean=0.0))
    agent = AgentConfig(id="a", name=label("a"), queues=("q",))
    scenario = Scenario(
        site=SiteConfig(queues=(queue("q", wrap_up_seconds=10.0, **more),), agents=(agent,)),
        kinds=(kind,),
        shifts=tuple(Shift(agent="a", begin=begin, end=end) for begin, end in shifts),
        end=1000.0,
        interval=100.0,
    )
    day = Centre(scenario, [Call(at, kind, talk, 300.0, None, 2.0) for at, talk in calls]).run()
    return day, figures(scenario, day)


def test_times_by_hand() -> None:
    """Answered 2 s after the offer, 50 s of talk, 10 s of wrap-up; the second waits for the first: 40 s and 2 s."""
    day, found = one_queue([(100.0, 50.0), (122.0, 50.0)], [(0.0, 1000.0)])
    assert [one.wait for one in day.outcomes] == [2.0, pytest.approx(42.0)]
    assert sum(day.busy) == pytest.approx(2 * 62.0)
    assert found.intervals[1].occupancy == pytest.approx(1.0)
    assert found.intervals[2].occupancy == pytest.approx(0.24)
    assert found.all.service_level == 0.5


def test_he_ends_what_he_has_in_hand_before_he_goes() -> None:
    """His shift ends in the talk: he is there until the wrap-up is done, the next caller waits for the next shift."""
    day, found = one_queue([(100.0, 50.0), (130.0, 10.0)], [(0.0, 120.0), (300.0, 400.0)])
    assert found.agents_hours * 3600.0 == pytest.approx(162.0 + 100.0)
    assert day.outcomes[1].wait == pytest.approx(172.0)


def test_an_agent_who_does_not_answer_in_time_misses_the_offer_and_is_back_after_a_minute() -> None:
    kind = Kind(id="k", queue="q", talk=Spread(mean=0.0))
    scenario = mmc(1, 0.0, 0.0, hours=0.0)
    site = msgspec.structs.replace(
        scenario.site, agents=tuple(msgspec.structs.replace(one, max_misses=1) for one in scenario.site.agents)
    )
    scenario = msgspec.structs.replace(scenario, site=site, kinds=(kind,))
    day = Centre(scenario, [Call(10.0, kind, 5.0, 130.0, None, 60.0)]).run()
    assert [(one.answered, one.end) for one in day.outcomes] == [(False, EndReason.ABANDONED)]
    assert sum(day.busy) == pytest.approx(20.0 + 20.0), "offered at 10 s and at 90 s, 20 s each"


def test_overflow_and_closing_are_the_cores_business() -> None:
    """A full queue refuses; the call is over with that reason."""
    day, found = one_queue([(100.0, 500.0), (110.0, 5.0), (120.0, 5.0)], [(0.0, 1000.0)], max_waiting=1)
    assert [one.end for one in day.outcomes][2] is EndReason.REJECTED
    assert found.all.other == 1


def test_acd_alone_is_enough() -> None:
    """A world made by hand has no hidden state: its index can be derived anew at any time."""
    scenario = busy()
    centre = Centre(scenario, drawn(scenario, random.Random(4)))
    centre.drive.run(scenario.midnight + 9 * 3600.0)
    world = msgspec.msgpack.decode(msgspec.msgpack.encode(centre.drive.world.state()), type=WorldState)
    assert Acd(World(world)).index.snapshot() == centre.drive.acd.index.snapshot()
