"""The life of a call on the fake switch in virtual time: each test is one story, each ends with nothing left over."""

from __future__ import annotations

from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import ClearedBy, EndReason
from ctiserver.model.errors import Rejection
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, ContactState, WorkKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.stories import ends, finish, into_queue, over, ringing, talking


def test_a_call_goes_through_menu_queue_agent_and_wrap_up(floor: Floor) -> None:
    floor.log_in("1001")
    caller = floor.switch.call("1.1", "95500", name="张伟")
    floor.settle()
    assert floor.switch.played == [("sound:menu",)]
    floor.switch.press(caller, "1")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    assert agent_state(floor.agent("1001")) is AgentState.RESERVED
    assert not floor.events(ev.Originated), "the pop comes before the ring"
    floor.confirm("1001")
    floor.settle()
    leg = floor.ringing_leg("1001")
    floor.switch.answer(leg)
    floor.settle()
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(leg) == "t"
    assert agent_state(floor.agent("1001")) is AgentState.BUSY
    floor.advance(60)
    floor.switch.end(caller)
    floor.settle()
    assert leg not in floor.switch.channels
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP
    assert floor.switch.quiet()
    finish(floor)
    assert agent_state(floor.agent("1001")) is AgentState.READY
    assert ends(floor) == [EndReason.ANSWERED]


def test_the_ring_follows_150_ms_later_when_the_desktop_says_nothing(floor: Floor) -> None:
    floor.log_in("1001")
    into_queue(floor)
    floor.advance(0.04)
    assert not floor.events(ev.Originated)
    floor.advance(0.15)
    assert len(floor.events(ev.Originated)) == 1


def test_a_caller_who_hangs_up_in_a_prompt_leaves_nothing(floor: Floor) -> None:
    caller = floor.switch.call("1.1", "95500")
    floor.settle()
    assert floor.switch.playing
    floor.switch.end(caller)
    over(floor)
    assert ends(floor) == []


def test_a_caller_who_hangs_up_in_the_queue_is_abandoned(floor: Floor) -> None:
    caller = into_queue(floor)
    floor.advance(20)
    floor.switch.end(caller)
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED]


def test_no_agent_rings_for_a_caller_who_left(floor: Floor) -> None:
    """freeswitch#2529."""
    caller, leg = ringing(floor)
    floor.switch.end(caller)
    floor.settle()
    assert leg not in floor.switch.channels
    assert agent_state(floor.agent("1001")) is AgentState.READY
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED]


def test_missed_offer_returns_contact_to_head_of_queue(floor: Floor) -> None:
    ringing(floor)
    later = into_queue(floor, "1.2")
    floor.log_in("1002", ready=False)
    floor.advance(20.5)
    assert len(floor.events(ev.OfferMissed)) == 1
    assert floor.command(cmd.SetReady, "1002") is None
    floor.settle()
    offered = floor.work("1002").contact
    assert floor.world.contacts[offered].queued_at < floor.now - 20, "the first caller goes first"
    assert floor.switch.bridge_of(later) == "h"


def test_an_agent_who_has_missed_too_many_is_back_with_one_click(floor: Floor) -> None:
    """kazoo#6609: an agent is not logged out for ever after misses. He stays signed in, sees why he is not ready, and
    the caller who waited all the while is his."""
    caller, _ = ringing(floor)
    while floor.agent("1001").ready:
        floor.advance(30)
    missed, agent = len(floor.events(ev.OfferMissed)), floor.agent("1001")
    assert missed == floor.world.agent_configs[agent.id].max_misses
    assert (agent.signed_in, agent.reason, agent.chosen_by) == (True, "misses", "misses")
    assert agent_state(agent) is AgentState.NOT_READY
    assert floor.switch.bridge_of(caller) == "h"
    floor.advance(600)
    assert len(floor.events(ev.OfferMissed)) == missed, "nobody is rung who is not there"
    assert floor.command(cmd.SetReady, "1001") is None
    assert floor.agent("1001").misses == 0, "counted anew"
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_rejected_offer_goes_to_another_agent(floor: Floor) -> None:
    caller, leg = ringing(floor)
    floor.log_in("1002")
    floor.switch.end(leg, cause=17)
    floor.settle()
    assert len(floor.events(ev.OfferRejected)) == 1
    assert floor.switch.bridge_of(caller) == "h", "music goes on"
    assert floor.work("1002").kind is WorkKind.RESERVED


def test_an_agent_whose_phone_vanished_while_ringing_is_not_blamed(floor: Floor) -> None:
    _caller, leg = ringing(floor)
    floor.switch.unregister("d1001")
    floor.settle()
    assert leg not in floor.switch.channels
    assert len(floor.events(ev.OfferUnreachable)) == 1
    assert not floor.events(ev.OfferMissed)
    floor.advance(16)
    agent = floor.agent("1001")
    assert (agent.ready, agent.reason) == (False, "device_lost")


def test_the_agent_answers_at_the_same_moment_as_the_caller_hangs_up(floor: Floor) -> None:
    """kazoo acdc todo: nobody is left on a line without a partner, and the call counts once."""
    caller, leg = ringing(floor)
    floor.switch.end(caller)
    floor.switch.answer(leg)
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED]
    assert agent_state(floor.agent("1001")) is AgentState.READY


def test_the_agent_answers_at_the_deadline(floor: Floor) -> None:
    _caller, leg = ringing(floor)
    deadline = floor.world.reservations[floor.work("1001").reservation or ""].deadline  # type: ignore[index]
    floor.advance(deadline - floor.now - 0.001)
    floor.switch.answer(leg)  # its fact arrives 1 ms after the deadline
    floor.settle()
    assert len(floor.events(ev.OfferMissed)) == 1
    assert not floor.events(ev.ContactConnected)
    assert leg not in floor.switch.channels
    assert floor.contact().state in (ContactState.WAITING, ContactState.RESERVED)


def test_hold_gives_music_and_retrieve_the_partner(floor: Floor) -> None:
    caller, leg = talking(floor)
    conversation = floor.conversation().id
    assert floor.command(cmd.HoldCall, "1001", conversation=conversation) is None
    floor.settle()
    assert (floor.switch.bridge_of(caller), floor.switch.bridge_of(leg)) == ("h", "t")
    again = floor.command(cmd.HoldCall, "1001", conversation=conversation)
    assert again is not None
    assert again.code is Rejection.NOT_TALKING
    assert floor.command(cmd.RetrieveCall, "1001", conversation=conversation) is None
    floor.settle()
    assert (floor.switch.bridge_of(caller), floor.switch.bridge_of(leg)) == ("t", "t")
    stranger = floor.command(cmd.HangUpCall, "1002", conversation=conversation)
    assert stranger is not None
    assert floor.command(cmd.HangUpCall, "1001", conversation=conversation) is None
    floor.settle()
    assert [e.by for e in floor.events(ev.CallCleared) if isinstance(e, ev.CallCleared)] == [ClearedBy.AGENT]
    finish(floor)


def test_the_agent_hangs_up_on_his_phone(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.switch.end(leg, cause=16)
    floor.settle()
    assert caller not in floor.switch.channels
    finish(floor)


def test_a_reload_in_talk_brings_the_agent_back_into_the_call(floor: Floor) -> None:
    """amazon-connect-streams#33, #513: the call outlives the page, and the new page has its sound."""
    caller, old = talking(floor)
    floor.reload("1001", "page2")
    floor.settle()
    new = floor.ringing_leg("1001")
    assert new != old
    assert old not in floor.switch.channels
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(new) == "t"
    assert agent_state(floor.agent("1001")) is AgentState.BUSY
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_reload_while_the_customer_is_on_hold_keeps_him_on_hold(floor: Floor) -> None:
    caller, _old = talking(floor)
    assert floor.command(cmd.HoldCall, "1001", conversation=floor.conversation().id) is None
    floor.reload("1001", "page2")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    assert floor.command(cmd.RetrieveCall, "1001", conversation=floor.conversation().id) is None
    floor.settle()
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(floor.ringing_leg("1001")) == "t"


def test_a_lost_agent_gives_the_customer_music_and_then_another_agent(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.log_in("1002")
    floor.switch.end(leg, cause=44)
    floor.switch.unregister("d1001")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    assert not floor.events(ev.CallCleared)
    floor.advance(16)
    assert floor.agent("1001").ready is False
    assert floor.work("1002").kind is WorkKind.RESERVED
    floor.confirm("1002")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1002"))
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    floor.switch.end(caller)
    floor.settle()
    finish(floor, "1002")
    assert ends(floor) == [EndReason.ANSWERED]


def test_a_lost_agent_who_comes_back_is_put_into_his_call_again(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.switch.unregister("d1001")
    floor.switch.end(leg, cause=44)
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    floor.advance(3)
    floor.switch.register("d1001")
    floor.settle()
    assert floor.command(cmd.PhoneReady, "1001", lease="d1001", instance="page1") is None
    floor.settle()
    assert floor.switch.bridge_of(caller) == "t"
    assert len(floor.switch.auto_answered) == 1
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_an_unknown_number_is_turned_away(floor: Floor) -> None:
    caller = floor.switch.call("1.1", "12345")
    floor.settle()
    assert caller not in floor.switch.channels
    assert not floor.world.conversations


def test_wrap_up_ends_by_itself_at_its_deadline(floor: Floor) -> None:
    caller, _leg = talking(floor)
    floor.switch.end(caller)
    floor.settle()
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP
    over(floor)
    assert agent_state(floor.agent("1001")) is AgentState.READY


def test_a_break_asked_for_in_talk_holds_after_the_work(floor: Floor) -> None:
    caller, _leg = talking(floor)
    assert floor.command(cmd.SetNotReady, "1001", reason="lunch") is None
    assert agent_state(floor.agent("1001")) is AgentState.BUSY
    floor.switch.end(caller)
    floor.advance(40)
    assert agent_state(floor.agent("1001")) is AgentState.NOT_READY
    assert floor.agent("1001").reason == "lunch"
