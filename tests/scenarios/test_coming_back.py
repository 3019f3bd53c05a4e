"""Calls while the server, the switch or a caller was away for a moment: nobody is lost, nothing is left over."""

from __future__ import annotations

import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import LegId
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, WorkKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.stories import ends, finish, into_queue, over, ringing, talking


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
