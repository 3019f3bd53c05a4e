"""Queues: who is served first, by whom, and how a caller leaves without an agent."""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ConversationId, QueueId
from ctiserver.model.work import ContactState
from tests.acd.house import House, agent, queue, site


def served(house: House, name: str, count: int) -> list[str]:
    """The order in which one agent gets the waiting callers."""
    order: list[str] = []
    for _ in range(count):
        (contact,) = [c for c in house.world.contacts.values() if c.state is ContactState.RESERVED]
        order.append(contact.conversation)
        house.hang_up(contact.conversation)
        house.now += 1.0
    return order


# --- who is served first ----------------------------------------------------------------------------------


def test_callers_of_equal_rank_are_served_in_order_of_arrival() -> None:
    house = House()
    calls = [house.call() for _ in range(20)]  # all at the same instant, and past the 16th turn
    house.ready("1001")
    assert served(house, "1001", 20) == calls


def test_a_priority_is_a_head_start_in_seconds() -> None:
    house = House(site([queue("service"), queue("complaint", priority=60.0)], [agent("1001", "service", "complaint")]))
    first = house.call("service")
    house.now += 50.0
    second = house.call("service")
    angry = house.call("complaint")
    house.now += 70.0
    late = house.call("complaint")
    vip = house.call("service", priority=131.0)
    house.ready("1001")
    assert served(house, "1001", 5) == [vip, angry, first, second, late]


def test_one_agent_of_two_queues_serves_the_longest_waiting_across_both() -> None:
    house = House(site([queue("a"), queue("b")], [agent("1001", "a", "b")]))
    calls = []
    for name in ("b", "a", "a", "b"):
        calls.append(house.call(name))
        house.now += 1.0
    house.ready("1001")
    assert served(house, "1001", 4) == calls


def test_a_contact_that_came_back_is_served_before_its_peers() -> None:
    house = House(site(staff=[agent("1001", max_misses=99)]))
    house.ready("1001")
    first = house.call()
    vip = house.call(priority=500.0)
    offer = house.confirm(first)
    house.link("1001", 0)
    house.wait(2.1)
    house.link("1001", 1)
    assert house.offered_to(first) == "1001"
    assert house.offer(first).id != offer.id
    assert house.contact(vip).state is ContactState.WAITING


def test_a_caller_nobody_can_serve_does_not_hold_up_those_behind_him() -> None:
    house = House(site(staff=[agent("1001", skills={"english": 50})]))
    house.ready("1001")
    stuck = house.call(requires="english >= 80")
    served_now = house.call(requires="english >= 50")
    assert house.contact(stuck).state is ContactState.WAITING
    assert house.offered_to(served_now) == "1001"


# --- who serves ---------------------------------------------------------------------------------------------


def test_the_longest_idle_agent_is_chosen_and_the_record_says_why() -> None:
    staff = [agent(str(1001 + n), skills={"fault": 10 * n}) for n in range(6)] + [agent("2001", "order")]
    house = House(site([queue("service", requires="fault >= 20"), queue("order")], staff))
    house.ready("1004", "1003", "1002", "1005")
    house.take(cmd.SetNotReady(**house.who("1005"), reason="lunch"))
    house.call()
    (made,) = house.seen(ev.OfferMade)
    assert made.why.rule == "longest_idle"
    assert made.why.chosen == ("1004",)
    assert [c.agent for c in made.why.candidates] == ["1004", "1003"]
    assert made.why.candidates[0].keys < made.why.candidates[1].keys
    assert made.why.excluded == {"not_ready": 1, "signed_out": 2, "skill": 1, "queue": 1}


def test_agents_idle_since_the_same_instant_are_chosen_by_id() -> None:
    house = House()
    house.says(*(ev.AgentSignedIn(agent=AgentId(name), at=house.now) for name in ("1003", "1002", "1001")))
    for name in ("1003", "1002", "1001"):
        house.phone(name)
        house.take(cmd.SetReady(**house.who(name)))
    assert [house.offered_to(house.call()) for _ in range(3)] == ["1001", "1002", "1003"]


def test_the_record_shows_ten_candidates_of_many() -> None:
    house = House(site(staff=[agent(f"a{n:02}") for n in range(30)]), fold=False)
    house.ready(*(f"a{n:02}" for n in range(30)))
    house.call()
    assert len(house.seen(ev.OfferMade)[0].why.candidates) == 10


def test_two_callers_and_two_agents_at_once_are_matched_in_rank_order() -> None:
    house = House()
    older = house.call()
    house.now += 1
    newer = house.call()
    for name in ("1002", "1001"):
        house.take(cmd.SignIn(**house.who(name)))
        house.phone(name)
        house.now += 1
    house.says(house.available("1001", True), house.available("1002", True))
    assert (house.offered_to(older), house.offered_to(newer)) == ("1002", "1001")


def test_two_callers_of_one_turn_are_ranked_before_the_first_is_offered() -> None:
    house = House()
    low, high = house.call("nowhere"), house.call("nowhere")
    house.ready("1001")
    refused = house.seen(ev.QueueAsked)
    asks = [msgspec.structs.replace(ask, queue=QueueId("service")) for ask in refused]
    house.says(asks[0], msgspec.structs.replace(asks[1], priority=60.0))
    assert house.offered_to(high) == "1001"
    assert house.contact(low).state is ContactState.WAITING


def test_a_transfer_to_one_agent_waits_for_him_and_no_skill_keeps_it_from_him() -> None:
    house = House(site(staff=[agent("1001"), agent("1002")]))
    house.ready("1001")
    call = house.call(agent="1002", requires="latin >= 100")
    assert house.contact(call).state is ContactState.WAITING
    house.ready("1002")
    assert house.offered_to(call) == "1002"
    assert house.seen(ev.OfferMade)[0].why.excluded == {"other_agent": 1}


# --- leaving without an agent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queue_name", "more", "reason"),
    [
        ("nowhere", {}, EndReason.FAILED),
        ("service", {"agent": "9999"}, EndReason.FAILED),
        ("full", {}, EndReason.REJECTED),
    ],
)
def test_a_contact_that_cannot_be_queued_is_refused(queue_name: str, more: dict[str, str], reason: EndReason) -> None:
    house = House(site([queue("service"), queue("full", max_waiting=0)]))
    call = house.call(queue_name, **more)
    assert house.seen(ev.QueueRefused) == [ev.QueueRefused(conversation=call, reason=reason)]
    assert house.world.contacts == {}


def test_the_queue_is_full_at_its_limit_and_has_room_again() -> None:
    house = House(site([queue("service", max_waiting=2)]))
    first = house.call()
    house.call()
    house.call()
    assert len(house.seen(ev.QueueRefused)) == 1
    house.hang_up(first)
    house.call()
    assert len(house.seen(ev.QueueRefused)) == 1


def test_the_longest_wait_sends_the_caller_back_to_his_flow() -> None:
    house = House(site([queue("service", max_wait_seconds=60.0)]))
    call = house.call()
    house.wait(60.1)
    assert house.just() == ["DeadlinePassed", "ContactEnded", "QueueRefused"]
    assert house.seen(ev.QueueRefused) == [ev.QueueRefused(conversation=call, reason=EndReason.TIMED_OUT)]
    again = house.call(on=call)
    assert house.contact(again).state is ContactState.WAITING


def test_the_longest_wait_withdraws_an_offer_but_never_a_talk() -> None:
    house = House(site([queue("service", max_wait_seconds=60.0)]))
    ringing, talking = house.call(), house.call()
    house.wait(50.0)
    house.ready("1001", "1002")
    house.confirm(ringing)
    house.talk(talking)
    house.wait(9.0)
    assert [e.conversation for e in house.seen(ev.ContactEnded)] == [ringing]
    assert [e.agent for e in house.seen(ev.OfferWithdrawn)] == ["1001"]
    assert house.contact(talking).state is ContactState.CONNECTED


def test_a_waiting_caller_who_leaves_is_abandoned_once() -> None:
    house = House()
    call = house.call()
    house.hang_up(call)
    house.hang_up(call)
    assert [e.reason for e in house.seen(ev.ContactEnded)] == [EndReason.ABANDONED]


def test_a_flow_that_asks_for_a_caller_who_is_gone_or_queued_already_changes_nothing() -> None:
    house = House()
    call = house.call()
    asked = house.seen(ev.QueueAsked)[0]
    house.says(asked)
    assert len(house.world.contacts) == 1
    house.hang_up(call)
    house.says(asked)
    assert house.world.contacts == {}


# --- the site changes -----------------------------------------------------------------------------------------


def test_a_new_skill_serves_who_has_waited_for_it() -> None:
    house = House(site(staff=[agent("1001")]))
    house.ready("1001")
    call = house.call(requires="english")
    house.take(facts.SiteLoaded(site=site(staff=[agent("1001", skills={"english": 1})])))
    assert house.offered_to(call) == "1001"


def test_a_queue_that_is_taken_away_is_closed_for_those_who_wait() -> None:
    house = House(site([queue("service"), queue("order")], [agent("1001", "service", "order")]))
    waiting = house.call("order")
    house.ready("1001")
    talk = house.call("service")
    assert house.offered_to(waiting) == "1001"
    house.take(facts.SiteLoaded(site=site([queue("order")], [agent("1001", "order")])))
    assert house.seen(ev.QueueRefused) == [ev.QueueRefused(conversation=talk, reason=EndReason.CLOSED)]
    assert house.state("1001").value == "reserved"


def test_an_agent_taken_away_finishes_his_work_and_gets_no_more() -> None:
    house = House()
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.take(facts.SiteLoaded(site=site(staff=[agent("1002")])))
    house.hang_up(call)
    house.wait(31.0)
    waiting = house.call()
    assert house.contact(waiting).state is ContactState.WAITING
    assert house.state("1001").value == "null"


def test_a_caller_lost_by_his_agent_is_not_left_with_music_for_ever() -> None:
    house = House(site([queue("service", max_wait_seconds=60.0)]))
    house.ready("1001")
    call: ConversationId = house.call()
    house.talk(call)
    house.lost(call, "1001")
    house.wait(15.1)
    house.wait(60.1)
    assert house.just() == ["DeadlinePassed", "ContactEnded", "HangUpAsked"]
