"""What the state machine has found, told as stories: each was a fault once."""

from __future__ import annotations

from ctiserver.model import events as ev, facts, ids
from ctiserver.model.causes import LegFailure
from ctiserver.model.faults import Fault, FaultKind
from ctiserver.model.routing import Algorithm, CapacityConfig, GroupConfig, OverflowConfig, ServesConfig
from tests.acd import inputs, situations
from tests.acd.house import House, agent, label, queue, site
from tests.acd.machine import CallCenter


def all_ring() -> House:
    house = House(site([queue("service", algorithm=Algorithm.RING_ALL)]))
    house.ready("1001", "1002", "1003")
    return house


def chatting() -> House:
    """One agent who may have three chats at once."""
    media = {"chat": CapacityConfig(max=3, alone=False)}
    groups = (GroupConfig(id="web", name=label("web"), serves=(ServesConfig(queue="service"),), capacity=media),)
    house = House(site(staff=[agent("1001", "service", group="web")], groups=groups))
    house.ready("1001")
    return house


def test_each_of_those_who_rang_is_free_two_seconds_after_his_own_withdrawal() -> None:
    """They had one clock together: whoever was withdrawn later kept the first one waiting."""
    house = all_ring()
    house.confirm(house.call())
    house.link("1001", 0)
    house.wait(1.5)
    house.link("1002", 0)
    house.wait(0.6)
    assert house.state("1001") == "ready", "his leg's end was never seen; his two seconds are over"
    assert house.state("1002") == "reserved"
    house.wait(1.5)
    assert house.state("1002") == "ready"


def test_a_missed_chat_does_not_come_back_to_one_in_whose_hands_it_still_is() -> None:
    """With room for three he was offered it a second time while its first offer was being taken from him."""
    house = chatting()
    offer = house.confirm(house.chat())
    house.wait(20.1)
    assert house.offer_is_withdrawing(offer)
    assert house.contact(offer.conversation).state == "waiting"
    house.cleared(offer, "1001")
    assert house.offered_to(offer.conversation) == "1001"


def test_no_phone_is_needed_for_a_chat_and_none_of_it_is_taken_away_with_the_phone() -> None:
    house = chatting()
    first, second = house.chat(), house.chat()
    house.take(facts.DeviceContact(endpoint="lease-1001", present=False, at=house.now))
    assert (house.offered_to(first), house.offered_to(second)) == ("1001", "1001")
    house.link("1001", 0)
    assert [house.contact(one).state for one in (first, second)] == ["waiting", "waiting"]


def test_whoever_is_moved_to_another_queue_while_he_hears_the_apology_is_not_offered_there() -> None:
    """The new contact did not know that its caller was away: an agent would have answered to nobody."""
    over = queue("service", overflow=(OverflowConfig(to="other", after_seconds=30.0),))
    house = House(site([over, queue("other")], [agent("1001", "other")]))
    house.ready("1001")
    conversation = house.call()
    house.says(ev.CallerAway(conversation=conversation, at=house.now))
    house.wait(31.0)
    moved = house.seen(ev.ContactQueued)[-1]
    assert (moved.queue, house.world.contacts[moved.contact].state) == ("other", "waiting")
    house.says(ev.CallerReturned(conversation=conversation, at=house.now))
    assert house.world.contacts[moved.contact].state == "reserved"


def test_a_callback_waits_for_no_next_try_of_a_queue_that_is_gone() -> None:
    """It would have come back to a queue that nobody serves, and stayed a day."""
    house = House(situations.config())
    situations.scheduled(house)
    house.take(inputs.without_queue(house))
    assert house.seen(ev.ContactEnded)[-1].reason == "closed"


def test_after_a_repair_nobody_is_offered_before_one_whose_step_is_just_ending() -> None:
    """The repair ended the first caller's step and offered the second one in the same breath."""
    day = CallCenter()
    day.open(present=["1001", "1002"], number=0)
    day.trouble(name="1001", number=0, other=False, over=False, what="seen")
    day.rush(name="service", count=2, late=False)
    day.trouble(name="1001", number=1, other=False, over=False, what="site")
    day.trouble(name="1001", number=0, other=False, over=False, what="repair")
    day.teardown()


def test_a_ring_for_all_takes_no_agent_from_one_who_goes_before() -> None:
    """The first caller was rejected by one agent and waited for the other; the second one, rung at both, took him."""
    house = House(site([queue("service", algorithm=Algorithm.RING_ALL)], [agent("1001"), agent("1002")]))
    house.ready("1001", "1002")
    first = house.call()
    house.failed(house.confirm(first), LegFailure.REJECTED, "1001")
    house.link("1001", 0)
    house.link("1002", 0)
    house.wait(2.1)
    second = house.call()
    house.take(facts.SwitchSeen(channels=(), bridges=(), contacts=()))
    house.link("1001", 1)
    house.link("1002", 1)
    house.take(facts.SwitchSeen(channels=(), bridges=(), contacts=("lease-1001", "lease-1002")))
    assert (house.offered_to(first), house.offered_to(second)) == ("1002", "1001")


def test_hearing_twice_that_the_agents_leg_is_lost_gives_him_no_more_time() -> None:
    house = House()
    house.ready("1001")
    conversation = house.call()
    house.talk(conversation)
    house.lost(conversation, "1001")
    house.wait(14.0)
    house.lost(conversation, "1001")
    house.wait(1.5)
    assert house.contact(conversation).state == "waiting"


def test_the_repair_of_a_lost_offer_leaves_the_clock_of_the_winners_lost_leg() -> None:
    """Two rang, one won, the other's leg still ends: dropping him dropped the winner's take-back, and his caller would
    have waited for ever."""
    house = all_ring()
    conversation = house.call()
    offer = house.confirm(conversation)
    house.up(offer, "1002")
    house.lost(conversation, "1002")
    assert house.world.deadlines.get(f"acd.takeback:{house.contact(conversation).id}") is not None
    house.take(facts.FaultsFound(faults=(Fault(kind=FaultKind.RESERVATION_STUCK, target=offer.id),)))
    assert house.seen(ev.WorkDropped) != []
    house.wait(15.1)
    assert house.contact(conversation).agent is None
    assert house.seen(ev.ContactRequeued)[-1].prefer == ids.AgentId("1002")
