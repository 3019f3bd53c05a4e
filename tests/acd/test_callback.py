"""Booking while the caller still waits: his contact ends as booked, its place, skills and clocks go on."""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import QueueId
from ctiserver.model.routing import CallbackConfig, GroupConfig, OutboundConfig, ServesConfig, StepConfig
from ctiserver.model.work import ContactState
from tests.acd.house import House, agent, label, queue, site

NUMBER = "13900000001"


def office() -> House:
    """`late` agents see the queue after 60 s; the first step lasts 40 s."""
    service = queue("service", steps=(StepConfig(for_seconds=40.0), StepConfig()), callback=CallbackConfig(max_open=2))
    late = GroupConfig(id="late", name=label("late"), serves=(ServesConfig(queue="service", delay_seconds=60.0),))
    made = site([service], [agent("1001"), agent("1002", "nothing", group="late")], [], (late,))
    return House(msgspec.structs.replace(made, outbound=OutboundConfig(trunk="192.0.2.2:5060")))


def book(house: House, conversation: str) -> None:
    house.says(ev.CallbackAsked(conversation=conversation, queue=QueueId("service"), number=""))  # type: ignore[arg-type]


def test_who_waits_ends_as_booked_and_nothing_of_his_waiting_is_lost() -> None:
    house = office()
    call = house.call(number=NUMBER, priority=30.0, requires="", data={"order": "7"})
    waited = house.contact(call)
    house.wait(70.0)
    book(house, call)
    end, booked, queued = (
        house.seen(ev.ContactEnded)[-1],
        house.seen(ev.CallbackBooked)[-1],
        house.seen(ev.ContactQueued)[-1],
    )
    assert (end.contact, end.reason) == (waited.id, EndReason.CALLBACK_BOOKED)
    assert queued.moved_from == booked.of == waited.id
    kept = house.world.contacts[queued.contact]
    assert (kept.queued_at, kept.priority, kept.data) == (waited.queued_at, 30.0, {"order": "7"})
    assert kept.step == 1, "the first step is over"
    assert kept.opened == 60.0, "the late ones may have him"
    house.ready("1002")
    assert kept.state is ContactState.RESERVED


def test_a_step_goes_on_where_it_was() -> None:
    house = office()
    call = house.call(number=NUMBER)
    house.wait(30.0)
    book(house, call)
    kept = house.world.contacts[house.seen(ev.ContactQueued)[-1].contact]
    assert kept.step == 0
    house.wait(11.0)
    assert kept.step == 1, "ten of its forty seconds were left"


def test_an_agent_who_is_rung_for_him_is_rung_no_more() -> None:
    """And the callback, whose place came up long ago, is offered to him as soon as his leg is gone."""
    house = office()
    house.ready("1001")
    call = house.call(number=NUMBER)
    house.confirm(call)
    book(house, call)
    assert "RingCancelled" in house.just()
    old = house.seen(ev.OfferMade)[-1]
    house.says(
        ev.ConnectionCleared(
            conversation=call, leg=house.seen(ev.Originated)[-1].leg, agent=old.agents[0], cause=16, at=house.now
        )
    )
    assert house.seen(ev.OfferMade)[-1].contact == house.seen(ev.ContactQueued)[-1].contact


def test_he_who_talks_already_books_nothing() -> None:
    house = office()
    house.ready("1001")
    call = house.call(number=NUMBER)
    house.talk(call)
    book(house, call)
    assert house.seen(ev.CallbackRefused)[-1].why == "too_late"


@pytest.mark.parametrize("others", [1, 2])
def test_a_queue_keeps_as_many_as_it_may(others: int) -> None:
    house = office()
    for n in range(others):
        book(house, house.call(number=f"1380000000{n}"))
    book(house, house.call(number=NUMBER))
    refused = [event.why for event in house.seen(ev.CallbackRefused)]
    assert refused == (["full"] if others == 2 else [])
