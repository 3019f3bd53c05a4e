"""The algorithms: whom each chooses, that each is a total order, and that no key changes while nobody does anything."""

from __future__ import annotations

import itertools
import random
from math import exp

import pytest
from hypothesis import given, strategies as st

from acd.core.rank.base import Algorithm as Rank, Seat
from acd.core.rank.least_occupied import FLOOR, MEMORY, later
from acd.core.rank.table import TABLE
from ctiserver.model import events as ev
from ctiserver.model.causes import ClearedBy, LegFailure
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.routing import Algorithm
from ctiserver.model.site import AgentConfig, SiteConfig
from ctiserver.model.work import Agent, AgentState, Tally
from tests.acd.house import agent, queue, site
from tests.acd.office import Office

Q = QueueId("service")
BY = ClearedBy.CUSTOMER


def office_of(algorithm: Algorithm, *staff: AgentConfig, ready: tuple[str, ...] = (), **more: object) -> Office:
    config: SiteConfig = site(
        [queue("service", algorithm=algorithm, wrap_up_seconds=0.0, **more), queue("other", wrap_up_seconds=0.0)],
        list(staff) or [agent(name, "service", "other") for name in ("1001", "1002", "1003")],
    )
    office = Office(config)
    office.ready(*(ready or tuple(one.id for one in config.agents)))
    return office


def shown(office: Office) -> dict[str, dict[str, float]]:
    """Of the latest offer: what each candidate was compared by."""
    why = office.seen(ev.OfferMade)[-1].why
    return {one.agent: dict(zip(why.names, one.keys, strict=True)) for one in why.candidates}


def work(office: Office, name: str, seconds: float, queue_name: str = "service") -> None:
    """This agent handles a call of so many seconds."""
    call = office.come(queue_name, agent=name)
    office.talk(call)
    office.wait(seconds)
    office.hang_up(call)


# --- whom each chooses ----------------------------------------------------------------------------------------


def test_longest_idle_is_who_ended_his_last_work_first_whatever_he_did_since() -> None:
    office = office_of(Algorithm.LONGEST_IDLE)
    work(office, "1001", 5.0)
    work(office, "1003", 5.0)
    missed = office.come(agent="1002")
    office.failed(office.confirm(missed), LegFailure.REJECTED)
    office.hang_up(missed)
    assert office.offered_to(office.come()) == "1002", "an offer that he refused is no work"
    assert list(shown(office)) == ["1002", "1001", "1003"]


def test_best_level_first_then_the_longest_idle() -> None:
    staff = [agent(name, skills={"fault": level}) for name, level in (("1001", 40), ("1002", 80), ("1003", 80))]
    office = office_of(Algorithm.BEST_LONGEST_IDLE, *staff, requires="fault", ready=("1001", "1003", "1002"))
    assert [office.offered_to(office.come()) for _ in range(3)] == ["1003", "1002", "1001"]


def test_only_levels_that_are_asked_for_and_wanted_count() -> None:
    """Brilliant at something else, or at what is forbidden above a level, he is no better for it."""
    staff = [
        agent("1001", skills={"fault": 50, "singing": 100}),
        agent("1002", skills={"fault": 50, "english": 20}),
        agent("1003", skills={"fault": 60, "trainee": 30}),
    ]
    asked = "fault and (english or not english) and trainee <= 40"
    office = office_of(Algorithm.BEST_LONGEST_IDLE, *staff, requires=asked)
    office.come()
    assert {name: keys["level"] for name, keys in shown(office).items()} == {"1001": -50, "1002": -70, "1003": -60}
    assert office.offered_now().keys() == {"1002"}


def test_round_robin_goes_round_even_when_an_offer_comes_to_nothing() -> None:
    office = office_of(Algorithm.ROUND_ROBIN)
    order: list[str] = []
    for _ in range(6):
        call = office.come()
        order.append(office.offered_to(call))
        office.hang_up(call)
        office.wait(1.0)
    assert order == ["1001", "1002", "1003"] * 2


def test_round_robin_goes_round_in_each_queue_by_itself() -> None:
    office = office_of(Algorithm.ROUND_ROBIN)
    office.hang_up(office.come())
    office.wait(1.0)
    work(office, "1002", 5.0, "other")
    assert office.offered_to(office.come()) == "1003"
    assert shown(office)["1002"]["offered_at"] == 0.0, "in this queue he has not had his turn, but 1003 idles longer"


def test_fewest_calls_counts_calls_of_this_queue_that_were_answered() -> None:
    office = office_of(Algorithm.FEWEST_CALLS)
    work(office, "1001", 1.0)
    for _ in range(3):
        work(office, "1002", 1.0, "other")
    office.hang_up(office.come(agent="1003"))
    work(office, "1003", 600.0)
    call = office.come()
    assert office.offered_to(call) == "1002"
    assert {name: keys["handled"] for name, keys in shown(office).items()} == {"1002": 0, "1001": 1, "1003": 1}
    assert list(shown(office)) == ["1002", "1001", "1003"]


def test_percent_gives_the_call_to_who_is_furthest_below_his_share() -> None:
    staff = [agent(name, shares={"service": share}) for name, share in (("1001", 25.0), ("1002", 75.0), ("1003", 0.0))]
    office = office_of(Algorithm.PERCENT, *staff)
    seconds = {"1001": 0.0, "1002": 0.0, "1003": 0.0}
    for _ in range(40):
        call = office.come()
        name = office.talk(call)
        office.wait(10.0)
        office.hang_up(call)
        seconds[name] += 10.0
    assert seconds == {"1001": 100.0, "1002": 300.0, "1003": 0.0}
    assert shown(office)["1003"]["no_share"] == 1.0, "who has no share is asked when nobody else can"


def test_least_occupied_is_who_was_at_work_least_of_late() -> None:
    office = office_of(Algorithm.LEAST_OCCUPIED)
    work(office, "1001", 900.0)
    work(office, "1002", 300.0)
    work(office, "1003", 600.0)
    assert office.offered_to(office.come()) == "1002"
    assert list(shown(office)) == ["1002", "1003", "1001"]


def test_who_has_done_nothing_yet_is_the_least_occupied_and_between_such_the_longest_idle() -> None:
    office = office_of(Algorithm.LEAST_OCCUPIED, ready=("1003", "1002", "1001"))
    work(office, "1003", 1.0)
    office.come()
    assert list(shown(office)) == ["1002", "1001", "1003"]


def test_best_level_then_least_occupied() -> None:
    staff = [agent(name, skills={"fault": level}) for name, level in (("1001", 40), ("1002", 80), ("1003", 80))]
    office = office_of(Algorithm.BEST_LEAST_OCCUPIED, *staff, requires="fault")
    work(office, "1002", 60.0)
    work(office, "1003", 30.0)
    assert [office.offered_to(office.come()) for _ in range(3)] == ["1003", "1002", "1001"]


def test_ring_all_rings_as_many_as_the_queue_allows_the_longest_idle_of_them() -> None:
    office = office_of(Algorithm.RING_ALL, ring_at_most=2, ready=("1003", "1001", "1002"))
    call = office.come()
    assert list(office.offer(call).agents) == ["1003", "1001"]


def test_more_may_ring_than_the_record_shows() -> None:
    staff = [agent(f"a{n:02}") for n in range(14)]
    office = office_of(Algorithm.RING_ALL, *staff, ring_at_most=12)
    call = office.come()
    assert len(office.offer(call).agents) == 12
    assert len(office.seen(ev.OfferMade)[0].why.candidates) >= 10


# --- the share of time at work --------------------------------------------------------------------------------


def integrated(spans: list[tuple[float, float]], now: float, begun: float, step: float = 0.5) -> float:
    """The share of recent time at work by brute force: time at work, each bit weighted by how long ago it was."""
    total = 0.0
    moment = begun
    while moment < now:
        middle = moment + step / 2
        if any(start <= middle < end for start, end in spans):
            total += exp(-(now - middle) / MEMORY) * step / MEMORY
        moment += step
    return total


def test_the_share_at_work_is_what_an_integration_over_his_day_gives() -> None:
    """Rings, talks and wrap-ups are work; waiting and breaks are not."""
    service = queue("service", algorithm=Algorithm.LEAST_OCCUPIED, wrap_up_seconds=20.0)
    office = Office(site([service], [agent("1001"), agent("1002")]))
    office.ready("1001", "1002")
    begun = office.now
    chance = random.Random(1)
    for _ in range(12):
        office.wait(chance.choice([5.0, 60.0, 400.0]))
        call = office.come()
        offer = office.confirm(call)
        office.wait(chance.choice([1.0, 8.0]))
        if chance.random() < 0.3:
            office.failed(offer, LegFailure.REJECTED)
            office.hang_up(call)
            continue
        office.up(offer)
        office.wait(chance.choice([30.0, 300.0, 900.0]))
        office.hang_up(call)
    office.wait(100.0)
    office.come()
    at = office.now
    found = shown(office)
    for name in ("1001", "1002"):
        expected = integrated(spans_of(office, name), at, begun)
        assert found[name]["occupancy"] == pytest.approx(expected, rel=0.01), name
    assert found["1001"]["occupancy"] != pytest.approx(found["1002"]["occupancy"], rel=0.05)


def spans_of(office: Office, name: str) -> list[tuple[float, float]]:
    """When the agent had work in hand, from the events alone; without the offer that is being made."""
    spans: list[tuple[float, float]] = []
    for made in office.seen(ev.OfferMade)[:-1]:
        if name not in made.agents:
            continue
        ends = [
            event.at
            for event in office.log
            if isinstance(event, ev.WrapUpEnded | ev.OfferRejected | ev.OfferWithdrawn)
            and (event.agent, event.contact) == (name, made.contact)
        ]
        spans.append((made.at, min(ends)))
    return spans


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1000.0),
    st.floats(0.0, 20_000.0),
)
def test_of_two_idle_agents_the_less_occupied_stays_so(one: float, two: float, apart: float, passes: float) -> None:
    now = 1_700_000_000.0
    rank = TABLE[Algorithm.LEAST_OCCUPIED]
    first = Agent(id=AgentId("1"), occupancy=one, occupancy_at=now)
    second = Agent(id=AgentId("2"), occupancy=two, occupancy_at=now + apart)
    keys = [rank.key(each, Seat(queue=Q))[0] for each in (first, second)]
    then = now + apart + passes
    values = [later(each.occupancy, then - each.occupancy_at, working=False) for each in (first, second)]
    if min(values) > FLOOR and max(values) / min(values) > 1.000001:
        assert (keys[0] < keys[1]) is (values[0] < values[1])
        for key, value in zip(keys, values, strict=True):
            assert rank.shown((key, 0.0), then)[0] == pytest.approx(value)


def test_the_share_at_work_stays_between_nothing_and_all() -> None:
    value = 0.0
    for _ in range(100):
        value = later(value, 3600.0, working=True)
    assert 0.999 < value <= 1.0
    assert later(value, -5.0, working=False) == value, "time never goes back"
    assert later(value, 1e9, working=False) == 0.0


# --- every algorithm ------------------------------------------------------------------------------------------


def people() -> list[Agent]:
    """All combinations of what the algorithms look at; many are equal in all of it."""
    found = []
    for number, (idle, occupancy, handled, offered) in enumerate(
        itertools.product((10.0, 20.0), (0.0, 0.3), (0, 2), (0.0, 15.0))
    ):
        for twin in "ab":
            tally = Tally(handled=handled, work=handled * 7.0, offered_at=offered)
            found.append(
                Agent(
                    id=AgentId(f"{number:02}{twin}"),
                    idle_since=idle,
                    occupancy=occupancy,
                    occupancy_at=30.0,
                    tallies={Q: tally},
                )
            )
    return found


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_order_is_total_and_the_key_says_what_it_is(algorithm: Algorithm) -> None:
    rank: Rank = TABLE[algorithm]
    seats = [Seat(queue=Q, tier=tier, level=level, share=10.0) for tier in (1, 2) for level in (0, 50)]
    staff = [(place, seat, one) for place, seat in enumerate(seats) for one in people()]
    keys = [(seat.tier, rank.key(one, seat), f"{one.id}{place}") for place, seat, one in staff]
    assert len(set(keys)) == len(keys)
    assert all(len(key[1]) == len(rank.NAMES) == len(rank.shown(key[1], 100.0)) for key in keys)
    shuffled = random.Random(3).sample(keys, len(keys))
    assert sorted(shuffled) == sorted(keys)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_agents_alike_in_all_are_chosen_by_id(algorithm: Algorithm) -> None:
    office = Office(site([queue("service", algorithm=algorithm, ring_at_most=1)]), fold=False)
    for name in ("1003", "1001", "1002"):
        office.ready(name)
        office.now -= 1.0
    assert [office.offered_to(office.come()) for _ in range(3)] == ["1001", "1002", "1003"]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_while_nobody_does_anything_the_order_stays(algorithm: Algorithm) -> None:
    """Agents with a past: the order is the same an hour later, and in an index that is made anew then."""
    staff = [agent(f"100{n}", skills={"x": n}, shares={"service": 20.0 * n}) for n in range(1, 5)]
    office = office_of(algorithm, *staff, requires="x", ring_at_most=1)
    for name, seconds in (("1001", 30.0), ("1003", 500.0), ("1002", 100.0)):
        work(office, name, seconds)
        office.wait(7.0)

    def order() -> list[str]:
        call = office.come()
        why = office.seen(ev.OfferMade)[-1].why
        office.says(ev.CallCleared(conversation=call, by=BY, cause=16, at=office.now))
        return [one.agent for one in why.candidates]

    first = order()
    assert all(office.state(one.id) is AgentState.READY for one in staff)
    if algorithm is not Algorithm.ROUND_ROBIN:  # there an offer is a turn
        office.wait(3600.0)
        assert order() == first
        office.restart()
        assert order() == first
    assert len(first) == 4
