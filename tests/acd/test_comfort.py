"""What a waiting caller is told and when, his place in the queue, and leaving by a key."""

from __future__ import annotations

import pytest

from acd.core import check, forecast
from ctiserver.model import events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.faults import FaultKind
from ctiserver.model.ids import ConversationId
from ctiserver.model.routing import ComfortConfig
from ctiserver.model.work import ContactState
from tests.acd.house import House, agent, queue, site

COMFORT = ComfortConfig(prompt="patience", first_seconds=20.0, every_seconds=60.0, position=True)


def house_with(comfort: ComfortConfig | None = COMFORT, **more: object) -> House:
    return House(site([queue("service", comfort=comfort, **more), queue("other")]))


def told(house: House) -> list[tuple[str, str, int]]:
    """Who was told what, and his place."""
    return [(e.conversation, e.prompt, e.position) for e in house.seen(ev.ComfortDue)]


def key(house: House, conversation: ConversationId, pressed: str = "1") -> None:
    house.says(ev.LeaveAsked(conversation=conversation, key=pressed))


# --- when ---------------------------------------------------------------------------------------------


def test_a_waiting_caller_is_told_first_after_20_s_and_then_every_minute() -> None:
    house = house_with()
    begin = house.now
    call = house.call()
    house.wait(145.0)
    assert [e.at - begin for e in house.seen(ev.ComfortDue)] == [20.0, 80.0, 140.0]
    assert told(house) == [(call, "patience", 1)] * 3


def test_once_is_once() -> None:
    house = house_with(ComfortConfig(prompt="patience", first_seconds=5.0, every_seconds=0.0))
    house.call()
    house.wait(3000.0)
    assert len(told(house)) == 1


def test_a_queue_without_comfort_tells_nothing_and_so_does_one_with_nothing_to_say() -> None:
    for comfort in (None, ComfortConfig(first_seconds=5.0), ComfortConfig(first_seconds=5.0, wait=True)):
        house = house_with(comfort)
        house.call()
        house.wait(100.0)
        assert told(house) == []


def test_who_is_being_offered_is_told_nothing_and_later_again() -> None:
    house = house_with()
    call = house.call()
    house.wait(10.0)
    house.ready("1001")
    house.confirm(call)
    house.wait(15.0)  # the 20 s pass while it rings
    assert told(house) == []
    house.wait(56.0)  # nobody answers; the next time is a minute after the first
    assert told(house) == [(call, "patience", 1)]


def test_who_talks_is_told_nothing_and_no_clock_runs() -> None:
    house = house_with()
    house.ready("1001")
    call = house.call()
    house.talk(call)
    assert not [name for name in house.world.deadlines.keys() if name.startswith("acd.comfort")]
    house.wait(200.0)
    assert told(house) == []


def test_who_lost_his_agent_waits_again_and_is_told_again() -> None:
    house = house_with()
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.lost(call, "1001")
    house.wait(15.1)
    assert house.contact(call).state is ContactState.WAITING
    assert told(house) == []
    house.wait(60.0)
    assert told(house) == [(call, "patience", 1)]


def test_who_is_in_the_apology_is_told_nothing() -> None:
    house = house_with()
    call = house.call()
    house.says(ev.CallerAway(conversation=call, at=house.now))
    house.wait(30.0)
    assert told(house) == []
    house.says(ev.CallerReturned(conversation=call, at=house.now))
    house.wait(60.0)
    assert told(house) == [(call, "patience", 1)]


def test_comfort_that_is_configured_later_reaches_those_who_wait() -> None:
    house = house_with(None)
    call = house.call()
    house.wait(5.0)
    house.take(facts.SiteLoaded(site=site([queue("service", comfort=COMFORT), queue("other")])))
    house.wait(16.0)
    assert told(house) == [(call, "patience", 1)]
    house.take(facts.SiteLoaded(site=site([queue("service"), queue("other")])))
    house.wait(300.0)
    assert len(told(house)) == 1


def test_the_clock_survives_a_restart() -> None:
    house = house_with()
    house.call()
    house.wait(10.0)
    house.restart()
    house.wait(11.0)
    assert len(told(house)) == 1


def test_a_clock_that_is_lost_or_left_over_is_found() -> None:
    house = house_with()
    call = house.call()
    name = f"acd.comfort:{house.contact(call).id}"
    due = house.world.deadlines.get(name)
    house.world.deadlines.drop(name)
    (fault,) = check.faults(house.world, house.acd.index)
    assert (fault.kind, fault.target, fault.due) == (FaultKind.DEADLINE_MISSING, name, due)
    assert due is not None
    house.world.deadlines.set(name, due)
    house.world.deadlines.set("acd.comfort:k0", due)
    (fault,) = check.faults(house.world, house.acd.index)
    assert (fault.kind, fault.target) == (FaultKind.DEADLINE_STRAY, "acd.comfort:k0")


# --- his place ----------------------------------------------------------------------------------------


def test_the_place_is_that_in_the_fair_order() -> None:
    """Arrival less head start; whatever they ask for, and not those of other queues."""
    house = house_with(ComfortConfig(first_seconds=60.0, every_seconds=0.0, position=True))
    first = house.call()
    house.call("other")
    house.wait(10.0)
    second = house.call(requires="english")
    house.wait(10.0)
    ahead = house.call(priority=15.0)  # counts as one who came 5 s before the second
    house.wait(10.0)
    last = house.call()
    house.wait(100.0)
    places = {conversation: position for conversation, _, position in told(house)}
    assert places == {first: 1, second: 3, ahead: 2, last: 4}


def test_the_place_moves_up_when_others_are_served_or_leave_and_not_by_itself() -> None:
    house = house_with(ComfortConfig(first_seconds=10.0, every_seconds=10.0, position=True))
    first, second, third = house.call(), house.call(), house.call()
    house.wait(11.0)
    house.hang_up(first)
    house.wait(10.0)
    house.ready("1001")  # the second is offered
    house.confirm(second)
    house.wait(9.0)
    assert [position for who, _, position in told(house) if who == third] == [3, 2, 1]


def test_whoever_comes_back_from_an_offer_is_first_again() -> None:
    house = house_with(ComfortConfig(first_seconds=30.0, every_seconds=0.0, position=True))
    first, second = house.call(), house.call()
    house.ready("1001")
    house.confirm(first)
    house.wait(21.0)
    house.says(house.available("1001", False))
    house.wait(20.0)
    assert told(house)[-2:] == [(first, "", 1), (second, "", 2)]


# --- the waiting time ---------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [(70.0, 250.0), None])
def test_the_waiting_time_is_told_while_it_is_known(
    monkeypatch: pytest.MonkeyPatch, known: tuple[float, float] | None
) -> None:
    asked: list[tuple[str, int]] = []

    def interval(world: object, name: str, position: int) -> tuple[float, float] | None:
        asked.append((name, position))
        return known

    monkeypatch.setattr(forecast, "interval", interval)
    house = house_with(ComfortConfig(prompt="patience", first_seconds=20.0, every_seconds=0.0, wait=True))
    house.call()
    house.call()
    house.wait(25.0)
    assert asked == [("service", 1), ("service", 2)]
    assert {(e.low, e.high, e.position) for e in house.seen(ev.ComfortDue)} == {(*(known or (0.0, 0.0)), 0)}


# --- leaving by a key ---------------------------------------------------------------------------------


def test_who_leaves_by_a_key_goes_on_in_his_flow() -> None:
    house = house_with()
    call = house.call()
    key(house, call, "1")
    assert house.just() == ["LeaveAsked", "ContactEnded", "QueueRefused"]
    assert [e.reason for e in house.seen(ev.ContactEnded)] == [EndReason.LEFT_BY_KEY]
    assert house.seen(ev.QueueRefused) == [ev.QueueRefused(conversation=call, reason=EndReason.LEFT_BY_KEY, key="1")]
    assert house.world.contacts == {}
    assert not house.world.deadlines.as_dict()
    house.call("other", on=call)  # and may wait elsewhere
    assert house.contact(call).queue == "other"


def test_who_leaves_while_somebody_rings_for_him_ends_the_ring() -> None:
    house = house_with()
    house.ready("1001")
    call = house.call()
    offer = house.confirm(call)
    key(house, call)
    assert house.just()[:3] == ["LeaveAsked", "RingCancelled", "OfferWithdrawn"]
    assert [e.reason for e in house.seen(ev.ContactEnded)] == [EndReason.LEFT_BY_KEY]
    house.up(offer)  # he answered at the same moment: too late
    assert not house.seen(ev.ContactConnected)
    house.cleared(offer, "1001")
    assert house.state("1001").value == "ready"


def test_who_was_answered_a_moment_before_stays_with_his_agent() -> None:
    house = house_with()
    house.ready("1001")
    call = house.call()
    house.talk(call)
    key(house, call)
    assert house.just() == ["LeaveAsked"]
    assert house.contact(call).state is ContactState.CONNECTED


def test_a_key_twice_or_of_one_who_is_gone_is_nothing() -> None:
    house = house_with()
    call = house.call()
    key(house, call)
    key(house, call)
    assert len(house.seen(ev.ContactEnded)) == 1
    house.hang_up(call)
    key(house, call)
    key(house, ConversationId("cx-99"))
    assert len(house.seen(ev.ContactEnded)) == 1


def test_who_left_moves_those_behind_him_up() -> None:
    house = house_with(ComfortConfig(first_seconds=10.0, every_seconds=10.0, position=True))
    first, second = house.call(), house.call()
    house.wait(11.0)
    key(house, first)
    house.wait(10.0)
    assert [position for who, _, position in told(house) if who == second] == [2, 1]


def test_agents_of_any_queue_may_come_and_the_sums_hold() -> None:
    house = House(site([queue("service", comfort=COMFORT)], [agent("1001")]))
    calls = [house.call() for _ in range(4)]
    house.wait(21.0)
    key(house, calls[1])
    house.hang_up(calls[2])
    house.ready("1001")
    house.talk(calls[0])
    ends = [e.reason for e in house.seen(ev.ContactEnded)]
    assert ends == [EndReason.LEFT_BY_KEY, EndReason.ABANDONED]
    assert house.contact(calls[3]).state is ContactState.WAITING
