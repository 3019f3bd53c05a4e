"""The life of a call on the fake switch in virtual time: each test is one story, each ends with nothing left over."""

from __future__ import annotations

import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import ClearedBy, EndReason
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import LegId
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, ContactState, WorkKind, agent_state
from tests.fakes.floor import Floor


def into_queue(floor: Floor, channel: str = "1.1") -> LegId:
    """A caller who has pressed 1 and waits."""
    leg = floor.switch.call(channel, "95500")
    floor.settle()
    floor.switch.press(leg, "1")
    floor.settle()
    return leg


def ringing(floor: Floor) -> tuple[LegId, LegId]:
    """A caller and the leg that rings agent 1001."""
    floor.log_in("1001")
    caller = into_queue(floor)
    floor.confirm("1001")
    floor.settle()
    return caller, floor.ringing_leg("1001")


def talking(floor: Floor) -> tuple[LegId, LegId]:
    caller, leg = ringing(floor)
    floor.switch.answer(leg)
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    return caller, leg


def finish(floor: Floor, agent: str = "1001") -> None:
    """The agent files the call; nothing may be left anywhere."""
    item = floor.work(agent)
    assert item.kind is WorkKind.WRAP_UP
    refused = floor.command(
        cmd.FinishWrapUp, agent, contact=item.contact, disposition="solved", note="done", ready=True
    )
    assert refused is None
    over(floor)


def over(floor: Floor) -> None:
    floor.advance(30)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    assert not floor.world.contacts
    assert not floor.world.reservations
    floor.check_journal()


def ends(floor: Floor) -> list[EndReason]:
    return [event.reason for event in floor.events(ev.ContactEnded) if isinstance(event, ev.ContactEnded)]


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


def test_the_server_is_killed_with_calls_in_every_state_and_goes_on(floor: Floor) -> None:
    """FEATURES 6.4: talking, waiting, in a prompt; nothing is lost, the ringing offer is made again."""
    talker, agent_leg = talking(floor)
    waiter = into_queue(floor, "1.2")
    prompted = floor.switch.call("1.3", "95500")
    floor.settle()
    before = floor.world.contacts.keys()
    floor.restart()
    floor.settle()
    assert floor.world.contacts.keys() == before
    assert floor.switch.bridge_of(talker) == floor.switch.bridge_of(agent_leg) == "t"
    assert floor.switch.bridge_of(waiter) == "h"
    assert len([media for media in floor.switch.played if media == ("sound:menu",)]) == 4, "the prompt is said again"
    floor.switch.press(prompted, "1")
    floor.settle()
    assert floor.switch.bridge_of(prompted) == "h"
    for leg in (talker, waiter, prompted):
        floor.switch.end(leg)
    floor.settle()
    floor.feed_links("1001")
    finish(floor)


def test_a_caller_who_left_while_the_server_was_away_is_noticed(floor: Floor) -> None:
    caller = into_queue(floor)
    floor.switch.end(caller)
    floor.restart()
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED]


def test_a_caller_who_arrived_while_the_server_was_away_is_served(floor: Floor) -> None:
    caller = floor.switch.call("1.9", "95500")
    floor.restart()
    floor.settle()
    assert floor.switch.played == [("sound:menu",)]
    floor.switch.end(caller)
    over(floor)


def test_an_offer_interrupted_by_a_crash_is_made_again(floor: Floor) -> None:
    caller, leg = ringing(floor)
    floor.switch.end(leg)  # an agent who answers while nobody listens gets BYE at once (FACTS)
    floor.restart()
    floor.feed_links("1001")
    floor.advance(5)
    assert floor.switch.bridge_of(caller) == "h"
    assert floor.work("1001").kind is WorkKind.RESERVED
    assert len(floor.events(ev.OfferMade)) == 2


def test_a_look_begun_before_a_ring_does_not_take_the_ringing_leg_for_lost(floor: Floor) -> None:
    """The reading of the switch is under way when the offer is confirmed: it cannot know the new leg."""
    floor.log_in("1001")
    into_queue(floor)
    conversation = floor.conversation().id
    floor.feed(
        facts.EffectFailed(
            conversation=conversation, effect="JoinBridge", target="1.1", reason="timeout", status=0
        )
    )
    floor.confirm("1001")
    leg = floor.ringing_leg("1001")
    floor.settle()
    assert leg in floor.conversation().legs
    assert not floor.events(ev.AgentLegFailed)
    floor.switch.answer(leg)
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    floor.switch.end(LegId("1.1"))
    floor.settle()
    finish(floor)


def test_a_leg_of_ours_that_rings_unexpected_is_ended(floor: Floor) -> None:
    """Made by a request whose outcome we had given up on: nobody may be rung for nothing."""
    floor.log_in("1001")
    ghost = LegId("ctest-1.a1")
    floor.switch.channels[ghost] = "Ringing"
    floor.switch.later(facts.LegRinging(leg=ghost, at=floor.now))
    floor.settle()
    assert ghost not in floor.switch.channels


def test_a_caller_in_the_apology_hears_the_menu_again_when_the_server_is_back(floor: Floor) -> None:
    caller = floor.switch.call("1.1", "95500")
    floor.settle()
    floor.switch.apologise(caller)
    floor.restart()
    floor.settle()
    assert len(floor.switch.played) == 1, "nothing can be played to a caller in the dialplan"
    floor.advance(1)
    floor.switch.back(caller)
    floor.settle()
    assert len(floor.switch.played) == 2
    floor.switch.press(caller, "1")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    floor.switch.end(caller)
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED]


def test_a_waiting_caller_in_the_apology_keeps_his_place(floor: Floor) -> None:
    first = into_queue(floor)
    floor.advance(5)
    into_queue(floor, "1.2")
    queued_at = next(iter(floor.world.contacts.values())).queued_at
    floor.switch.apologise(first)
    floor.restart()
    floor.settle()
    assert floor.switch.bridge_of(first) == ""
    floor.switch.back(first)
    floor.settle()
    assert floor.switch.bridge_of(first) == "h"
    floor.log_in("1001")
    floor.settle()
    assert floor.world.contacts[floor.work("1001").contact].queued_at == queued_at


def test_a_caller_who_gave_up_in_the_apology_is_noticed(floor: Floor) -> None:
    caller = into_queue(floor)
    floor.switch.apologise(caller)
    floor.restart()
    floor.settle()
    del floor.switch.channels[caller]  # nobody tells us: the channel is not in our application
    floor.switch.snoops.clear()
    floor.advance(30)
    assert ends(floor) == [EndReason.ABANDONED]


def test_nobody_is_offered_a_call_while_the_switch_is_away(floor: Floor) -> None:
    into_queue(floor)
    floor.feed(facts.SwitchLost(reason="test"))
    floor.log_in("1001")
    floor.settle()
    assert not floor.events(ev.OfferMade)
    floor.feed(floor.switch.seen())
    floor.settle()
    assert len(floor.events(ev.OfferMade)) == 1


def test_a_caller_on_hold_stays_on_hold_when_the_agents_leg_was_lost(floor: Floor) -> None:
    caller, leg = talking(floor)
    assert floor.command(cmd.HoldCall, "1001", conversation=floor.conversation().id) is None
    floor.settle()
    floor.switch.unregister("d1001")
    floor.switch.end(leg, cause=44)
    floor.settle()
    floor.switch.register("d1001")
    floor.settle()
    assert floor.command(cmd.PhoneReady, "1001", lease="d1001", instance="page1") is None
    floor.settle()
    assert floor.conversation().place is Place.HELD
    assert floor.switch.bridge_of(caller) == "h"
    assert floor.command(cmd.RetrieveCall, "1001", conversation=floor.conversation().id) is None
    floor.settle()
    assert floor.switch.bridge_of(caller) == "t"


def test_the_recording_of_a_call_that_ended_while_the_server_was_away_is_kept(floor: Floor) -> None:
    caller, _leg = talking(floor)
    floor.switch.end(caller)
    floor.restart()
    floor.settle()
    ended = [event.name for event in floor.events(ev.RecordingEnded) if isinstance(event, ev.RecordingEnded)]
    assert len(ended) == 2


def test_a_caller_whom_the_apology_has_answered_hears_the_menu(floor: Floor) -> None:
    """He called while no server was there; his channel is up already, so nobody would ever tell of an answer."""
    caller = LegId("1.7")
    floor.switch.channels[caller] = "Up"
    floor.switch.inbound[caller] = arrived = facts.CallerArrived(
        channel=caller, dialled="95500", caller_number="13800138000", caller_name="", at=floor.now, up=True
    )
    floor.switch.later(arrived)
    floor.settle()
    assert floor.switch.played == [("sound:menu",)]
    floor.restart()
    floor.settle()
    assert len(floor.switch.played) == 2
    floor.switch.end(caller)
    over(floor)


def test_an_answered_caller_without_a_conversation_is_found_at_the_connect(floor: Floor) -> None:
    caller = floor.switch.call("1.8", "95500")
    floor.switch.channels[caller] = "Up"
    floor.restart()
    floor.settle()
    assert floor.switch.played == [("sound:menu",)]
    floor.switch.end(caller)
    over(floor)


def test_a_caller_sent_to_the_apology_at_the_end_of_his_prompt_is_not_gone(floor: Floor) -> None:
    """The order was given while the server was away and is carried out after its return: away and back again."""
    caller = floor.switch.call("1.1", "95500")
    floor.settle()
    floor.restart()
    floor.settle()
    conversation = floor.conversation().id
    floor.switch.apologise(caller)
    floor.switch.later(facts.LegAway(leg=caller, at=floor.now))
    floor.settle()
    assert not floor.conversation().cleared
    floor.switch.back(caller)
    floor.settle()
    assert floor.conversation().id == conversation
    assert len(floor.switch.played) == 3
    floor.switch.end(caller)
    over(floor)


def test_a_caller_whom_the_switch_dropped_without_a_word_is_noticed_within_two_seconds(floor: Floor) -> None:
    """He left our application and no hang-up was asked for, as if he had been sent to the apology; he is nowhere."""
    caller, leg = talking(floor)
    floor.switch.apologise(caller)
    floor.switch.later(facts.LegAway(leg=caller, at=floor.now))
    floor.settle()
    del floor.switch.channels[caller]
    floor.switch.snoops.clear()
    floor.advance(2)
    assert floor.conversation().cleared
    assert leg not in floor.switch.channels, "the agent does not listen to nobody"
    assert ends(floor) == [EndReason.ANSWERED]
    finish(floor)


def test_a_short_gap_in_the_network_is_healed_without_a_word_from_the_page(floor: Floor) -> None:
    """The leg is lost, the phone's contact is not: it is rung at once, and again while it does not answer."""
    caller, leg = talking(floor)
    floor.switch.deaf = True
    floor.switch.end(leg, cause=44)
    floor.advance(2)
    first = floor.ringing_leg("1001")
    assert floor.switch.bridge_of(caller) == "h"
    floor.switch.end(first, cause=18)
    floor.switch.deaf = False
    floor.advance(1.5)
    assert floor.switch.bridge_of(caller) == "t"
    assert agent_state(floor.agent("1001")) is AgentState.BUSY
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_kill_between_the_arrival_and_its_effects_costs_no_record(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.calm = False
    with monkeypatch.context() as killed:
        killed.setattr(floor.switch, "perform", lambda _effect: None)
        caller = floor.switch.call("1.1", "95500")
        floor.settle()
    assert not floor.switch.snoops
    floor.restart()
    floor.settle()
    done = [type(effect).__name__ for effect in floor.switch.performed]
    assert done[:3] == ["OpenTracks", "AnswerLeg", "StartRecording"]
    assert len(floor.switch.snoops) == 2
    assert floor.switch.played == [("sound:menu",)]
    floor.restart()
    floor.settle()
    assert [type(effect).__name__ for effect in floor.switch.performed].count("StartRecording") == 1
    floor.switch.end(caller)
    over(floor)


def test_a_stranger_who_took_a_callers_place_is_refused_and_the_caller_gets_it_back(floor: Floor) -> None:
    """An INVITE with Replaces puts a channel into our bridge, past the dialplan, and the caller out of it."""
    caller = into_queue(floor)
    bridge = next(b for b, legs in floor.switch.bridges.items() if caller in legs)
    thief = LegId("6.6")
    floor.switch.channels[thief] = "Up"
    floor.switch.bridges[bridge] = [thief]
    floor.switch.later(facts.LegMoved(leg=caller, bridge=None, at=floor.now))
    floor.switch.later(
        facts.CallerArrived(
            channel=thief, dialled="", caller_number="1", caller_name="", at=floor.now, up=True, replaces=caller
        )
    )
    floor.settle()
    assert thief not in floor.switch.channels
    assert floor.switch.bridge_of(caller) == "h"
    floor.switch.end(caller)
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED]


def test_nobody_rings_for_a_caller_who_is_in_the_apology(floor: Floor) -> None:
    caller = into_queue(floor)
    floor.switch.apologise(caller)
    floor.restart()
    floor.settle()
    floor.log_in("1001")
    floor.settle()
    assert not floor.events(ev.OfferMade)
    floor.switch.back(caller)
    floor.settle()
    assert len(floor.events(ev.OfferMade)) == 1
