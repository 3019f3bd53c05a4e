"""Offers: made, confirmed, answered, missed, rejected, unreachable, withdrawn."""

from __future__ import annotations

import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason, LegFailure
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, ReservationId
from ctiserver.model.work import AgentState, ContactState
from tests.acd.house import House, agent, site


@pytest.fixture
def house() -> House:
    return House()


def test_a_call_is_offered_rung_answered_and_wrapped_up(house: House) -> None:
    house.ready("1001")
    call = house.call()
    assert house.just() == ["ConversationStarted", "QueueAsked", "ContactQueued", "OfferMade"]
    assert house.state("1001") is AgentState.RESERVED
    offer = house.confirm(call)
    assert house.just() == ["OfferConfirmed", "RingAsked", "Originated"]
    house.now += 3.0
    house.up(offer)
    assert house.just() == ["AgentLegUp", "ContactConnected", "ReservationClosed"]
    assert house.state("1001") is AgentState.BUSY
    house.now += 60.0
    house.hang_up(call)
    assert house.just() == ["CallCleared", "ContactEnded", "WrapUpStarted"]
    assert house.seen(ev.ContactEnded)[0].reason is EndReason.ANSWERED
    assert house.state("1001") is AgentState.WRAP_UP
    house.wait(30.0)
    assert house.state("1001") is AgentState.READY
    assert house.world.contacts == {}


def test_the_ring_does_not_wait_longer_than_150_ms_for_the_desktop(house: House) -> None:
    house.ready("1001")
    house.call()
    house.wait(0.14)
    assert house.seen(ev.RingAsked) == []
    house.wait(0.02)
    (ring,) = house.seen(ev.RingAsked)
    assert ring.deadline == pytest.approx(house.now + 20.0, abs=0.02)


def test_a_late_confirmation_does_not_ring_twice(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.wait(0.2)
    house.confirm(call)
    assert house.just() == ["OfferConfirmed"]
    house.confirm(call)
    assert house.just() == []
    assert len(house.seen(ev.RingAsked)) == 1


def test_a_missed_offer_returns_the_contact_to_the_head_and_to_somebody_else(house: House) -> None:
    house.ready("1001", "1002")
    call = house.call()
    house.confirm(call)
    assert house.offered_to(call) == "1001"
    house.now += 1.0
    later = house.call()
    assert house.offered_to(later) == "1002"
    house.confirm(later)
    waiting = house.call()
    house.wait(19.5)
    assert house.contact(call).head
    assert house.state("1001") is AgentState.RESERVED, "he stays until his leg's end is seen"
    missed = house.seen(ev.OfferMissed)[0]
    assert missed.agent == "1001"
    assert house.contact(waiting).state is ContactState.WAITING


def test_a_missed_agent_is_free_when_his_leg_is_gone(house: House) -> None:
    house.ready("1001")
    call = house.call()
    offer = house.confirm(call)
    house.wait(20.0)
    assert house.contact(call).state is ContactState.WAITING
    house.failed(offer, LegFailure.TOO_LATE)
    assert "ReservationClosed" in house.just()
    assert house.offered_to(call) == "1001", "the only one is asked again"


def test_a_leg_whose_end_is_never_seen_frees_the_agent_after_two_seconds(house: House) -> None:
    house.ready("1001")
    call = house.call()
    first = house.confirm(call)
    house.wait(20.0)
    house.wait(1.9)
    assert house.state("1001") is AgentState.RESERVED
    house.wait(0.2)
    assert house.offer(call).id != first.id


def test_the_end_of_an_older_leg_does_not_free_the_agent_of_a_newer_ring(house: House) -> None:
    house.ready("1001")
    call = house.call()
    first = house.confirm(call)
    house.wait(22.1)
    second = house.confirm(call)
    house.wait(20.0)
    house.cleared(first, "1001")
    assert house.offer_is_withdrawing(second)
    house.cleared(second, "1001")
    assert second.id not in house.world.reservations


def test_the_third_miss_in_a_row_sets_the_agent_not_ready(house: House) -> None:
    house.ready("1001")
    call = house.call()
    for _ in range(3):
        house.failed(house.confirm(call), LegFailure.MISSED)
    (chosen,) = [e for e in house.seen(ev.AvailabilityChosen) if not e.ready]
    assert (chosen.reason, chosen.by) == ("misses", "misses")
    assert house.state("1001") is AgentState.NOT_READY
    assert house.contact(call).state is ContactState.WAITING
    house.take(cmd.SetReady(**house.who("1001")))
    assert house.offered_to(call) == "1001"


def test_an_answered_call_ends_the_row_of_misses(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.failed(house.confirm(call), LegFailure.MISSED)
    house.talk(call)
    assert house.world.agents[AgentId("1001")].misses == 0


def test_a_rejected_contact_goes_to_another_agent(house: House) -> None:
    house.ready("1001", "1002")
    call = house.call()
    house.failed(house.confirm(call), LegFailure.REJECTED)
    assert house.offered_to(call) == "1002"
    assert house.state("1001") is AgentState.READY
    assert house.world.agents[AgentId("1001")].misses == 0


def test_the_only_agent_who_rejects_is_asked_again_after_an_offers_time_and_gets_other_calls_before(
    house: House,
) -> None:
    house.ready("1001")
    call = house.call()
    house.failed(house.confirm(call), LegFailure.REJECTED)
    house.wait(10.0)
    assert house.contact(call).state is ContactState.WAITING
    other = house.call()
    assert house.offered_to(other) == "1001"
    house.hang_up(other)
    assert house.state("1001") is AgentState.READY
    house.wait(10.1)
    assert house.offered_to(call) == "1001"


def test_an_unreachable_device_is_not_counted_as_a_miss_and_not_hammered(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.failed(house.confirm(call), LegFailure.UNREACHABLE)
    house.wait(1.9)
    assert house.contact(call).state is ContactState.WAITING
    house.wait(0.2)
    assert house.offered_to(call) == "1001"
    assert house.world.agents[AgentId("1001")].misses == 0


def test_a_device_that_cannot_be_rung_three_times_in_a_row_does_not_draw_every_call(house: House) -> None:
    house.ready("1001", "1002")
    for _ in range(3):
        call = house.call()
        assert house.offered_to(call) == "1001"
        house.failed(house.confirm(call), LegFailure.UNREACHABLE)
        assert house.offered_to(call) == "1002"
        house.hang_up(call)
    agent = house.world.agents[AgentId("1001")]
    assert (agent.ready, agent.reason, agent.misses) == (False, "device_lost", 0)


def test_a_caller_who_leaves_while_it_rings_is_abandoned_and_the_ring_ends(house: House) -> None:
    house.ready("1001")
    call = house.call()
    offer = house.confirm(call)
    house.hang_up(call)
    assert house.just() == ["CallCleared", "RingCancelled", "OfferWithdrawn", "ContactEnded"]
    assert house.state("1001") is AgentState.RESERVED
    house.failed(offer, LegFailure.TOO_LATE)
    assert house.state("1001") is AgentState.READY
    assert house.world.contacts == {}
    assert house.seen(ev.ContactEnded)[0].reason is EndReason.ABANDONED


def test_a_caller_who_leaves_before_it_rings_frees_the_agent_at_once(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.hang_up(call)
    assert house.just() == ["CallCleared", "OfferWithdrawn", "ReservationClosed", "ContactEnded"]
    assert house.state("1001") is AgentState.READY


@pytest.mark.parametrize("first", ["caller", "agent"])
def test_when_answer_and_hang_up_cross_the_first_one_counts(house: House, first: str) -> None:
    house.ready("1001")
    call = house.call()
    offer = house.confirm(call)
    if first == "caller":
        house.hang_up(call)
        house.up(offer)
        house.failed(offer, LegFailure.TOO_LATE)
        assert [e.reason for e in house.seen(ev.ContactEnded)] == [EndReason.ABANDONED]
        assert house.seen(ev.ContactConnected) == []
        assert house.state("1001") is AgentState.READY
    else:
        house.up(offer)
        house.hang_up(call)
        assert [e.reason for e in house.seen(ev.ContactEnded)] == [EndReason.ANSWERED]
        assert house.state("1001") is AgentState.WRAP_UP


def test_an_answer_after_the_deadline_changes_nothing(house: House) -> None:
    house.ready("1001")
    call = house.call()
    offer = house.confirm(call)
    house.wait(20.0)
    house.up(offer)
    assert house.just() == ["AgentLegUp"]
    assert house.contact(call).state is ContactState.WAITING


def test_repeated_leg_facts_count_once(house: House) -> None:
    house.ready("1001")
    call = house.call()
    offer = house.confirm(call)
    house.up(offer)
    house.up(offer)
    house.failed(offer, LegFailure.MISSED)
    assert len(house.seen(ev.ContactConnected)) == 1
    assert house.seen(ev.OfferMissed) == []
    assert house.state("1001") is AgentState.BUSY


def test_an_offer_is_withdrawn_at_once_when_the_desktop_goes_and_comes_back_to_it_first(house: House) -> None:
    house.ready("1001")
    call = house.call()
    offer = house.confirm(call)
    house.link("1001", 0)
    assert house.just() == ["DesktopLinkChanged", "RingCancelled", "OfferUnreachable", "ContactRequeued"]
    house.failed(offer, LegFailure.TOO_LATE)
    house.wait(1.0)
    house.link("1001", 1)
    assert house.offered_to(call) == "1001"
    assert house.offer(call).id != offer.id


def test_a_confirmation_of_an_unknown_or_finished_offer_is_refused(house: House) -> None:
    house.ready("1001", "1002")
    call = house.call()
    offer = house.confirm(call)
    assert house.rejected(cmd.ConfirmOffer(**house.who("1002"), reservation=offer.id)) is Rejection.UNKNOWN_OFFER
    house.up(offer)
    assert house.rejected(cmd.ConfirmOffer(**house.who("1001"), reservation=offer.id)) is Rejection.UNKNOWN_OFFER
    other = ReservationId("rx-1")
    assert house.rejected(cmd.ConfirmOffer(**house.who("1001"), reservation=other)) is Rejection.UNKNOWN_OFFER


def test_a_server_restart_withdraws_the_offer_and_leaves_the_talk_alone(house: House) -> None:
    house.ready("1001", "1002")
    talk = house.call()
    house.talk(talk)
    ringing = house.call()
    house.confirm(ringing)
    house.take(facts.ServerStarted(version="2"))
    assert house.contact(talk).state is ContactState.CONNECTED
    assert house.contact(ringing).state is ContactState.WAITING
    house.wait(3.0)
    house.link("1002", 1)
    assert house.offered_to(ringing) == "1002"


def test_two_agents_of_one_reservation_the_first_leg_up_wins() -> None:
    house = House(site(staff=[agent("1001"), agent("1002")]))
    house.ready("1001", "1002")
    for name in ("1001", "1002"):
        house.take(cmd.SetNotReady(**house.who(name), reason="lunch"))
    call = house.call()
    only = house.ring_all(call, "1001", "1002")
    for name in ("1001", "1002"):
        house.take(cmd.ConfirmOffer(**house.who(name), reservation=only.id))
    house.up(only, "1002")
    assert only.decided
    assert only.won_by == "1002"
    assert house.state("1002") is AgentState.BUSY
    assert house.state("1001") is AgentState.RESERVED
    house.up(only, "1001")
    house.failed(only, LegFailure.TOO_LATE, "1001")
    assert house.state("1001") is AgentState.READY
    assert house.world.reservations == {}
    assert len(house.seen(ev.ContactConnected)) == 1


def test_an_agent_withdrawn_from_a_ring_all_cannot_win_it_any_more() -> None:
    house = House(site(staff=[agent("1001"), agent("1002")]))
    house.ready("1001", "1002")
    for name in ("1001", "1002"):
        house.take(cmd.SetNotReady(**house.who(name), reason="lunch"))
    call = house.call()
    both = house.ring_all(call, "1001", "1002")
    house.wait(0.2)
    house.link("1001", 0)
    assert house.just() == ["DesktopLinkChanged", "RingCancelled", "OfferUnreachable"]
    house.up(both, "1001")
    assert house.seen(ev.ContactConnected) == []
    house.failed(both, LegFailure.REJECTED, "1002")
    assert house.contact(call).state is ContactState.WAITING
    assert house.state("1002") is AgentState.READY
    house.failed(both, LegFailure.TOO_LATE, "1001")
    assert both.id not in house.world.reservations


def test_a_missed_contact_goes_to_somebody_else_first() -> None:
    house = House()
    house.ready("1001", "1002")
    call = house.call()
    house.failed(house.confirm(call), LegFailure.MISSED)
    assert house.offered_to(call) == "1002"
    assert house.seen(ev.OfferMade)[-1].why.candidates[-1].keys[0] == 2.0
