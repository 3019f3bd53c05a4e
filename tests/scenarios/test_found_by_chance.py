"""Stories that days played by chance (test_random_days.py) have told: each was a fault once, told here by hand."""

from __future__ import annotations

import random

import pytest

from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.ids import LegId
from ctiserver.model.talk import Place
from tests.fakes.floor import Floor
from tests.fakes.moody import MoodySwitch
from tests.fakes.switch import Refused
from tests.scenarios.conftest import make_site
from tests.scenarios.stories import consulting, finish, into_queue, over, ringing, send, talking
from tests.scenarios.test_monitoring import ask, seated


def refuse(monkeypatch: pytest.MonkeyPatch, floor: Floor, kind: type[fx.Effect], times: int = 1) -> None:
    """The switch refuses the next effects of this kind with 500."""
    floor.calm = False
    perform, left = floor.switch.perform, [None] * times

    def refusing(effect: fx.Effect) -> None:
        if isinstance(effect, kind) and left:
            left.pop()
            raise Refused(500, "test")
        perform(effect)

    monkeypatch.setattr(floor.switch, "perform", refusing)


def lost_link(floor: Floor) -> None:
    floor.feed(facts.SwitchLost(reason="test"))
    floor.settle()


def unheard(floor: Floor) -> None:
    """What was told while the link was away is lost; then it is back."""
    floor.switch.forget_facts()
    floor.feed(floor.switch.seen())
    floor.settle()


def test_the_old_leg_ends_and_the_new_one_answers_while_the_link_is_away(floor: Floor) -> None:
    """One look finds both: the lost talk is decided and applied before the new leg takes it over."""
    caller, old = talking(floor)
    floor.switch.deaf = True
    floor.reload("1001", "page2")
    new = floor.ringing_leg("1001")
    lost_link(floor)
    floor.switch.end(old, cause=44)
    floor.switch.channels[new] = "Up"
    unheard(floor)
    assert floor.conversation().place is Place.TALKING
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(new) == "t"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_look_that_finds_the_agent_back_does_not_give_the_caller_music(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way to the music was refused, and the look finds the new leg answered: the caller goes to it and stays."""
    caller, leg = talking(floor)
    floor.switch.deaf = True
    floor.switch.on_ring = lambda _endpoint, ringing: floor.switch.channels.update({ringing: "Up"})
    refuse(monkeypatch, floor, fx.JoinBridge)
    floor.switch.end(leg, cause=44)
    floor.settle()
    new = floor.ringing_leg("1001")
    assert floor.conversation().place is Place.TALKING
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(new) == "t"


def test_a_hold_that_was_never_carried_out_is_when_the_agent_is_lost_too(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held while the link is away, and the agent's leg ends there as well: the caller has music afterwards."""
    caller, leg = talking(floor)
    lost_link(floor)
    with monkeypatch.context() as away:
        away.setattr(floor.switch, "perform", lambda _effect: None)
        assert floor.command(cmd.HoldCall, "1001", conversation=floor.conversation().id) is None
    floor.switch.unregister("d1001")
    floor.switch.end(leg, cause=44)
    unheard(floor)
    assert floor.conversation().held
    assert floor.switch.bridge_of(caller) == "h"


def test_a_caller_and_his_agent_who_left_while_the_link_was_away_leave_no_bridge(floor: Floor) -> None:
    caller, leg = talking(floor)
    lost_link(floor)
    floor.switch.end(caller)
    floor.switch.end(leg, cause=44)
    unheard(floor)
    assert not floor.events(ev.AgentLegLost)
    assert floor.switch.quiet()
    finish(floor)


def test_a_server_killed_between_two_rings_of_a_lost_agent_comes_back_the_same(floor: Floor) -> None:
    """The next ring's time is taken from the turn's, when the records are folded too."""
    caller, leg = talking(floor)
    floor.switch.deaf = True
    floor.switch.end(leg, cause=44)
    floor.advance(2)
    rung = floor.ringing_leg("1001")
    del floor.switch.channels[rung]
    floor.feed(facts.LegEnded(leg=rung, cause=18, at=floor.now))
    floor.check_journal()
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_look_that_fails_is_made_again(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was refused, and so was the look: the caller would ring for ever."""
    refuse(monkeypatch, floor, fx.AnswerLeg)
    refuse(monkeypatch, floor, fx.LookAt, times=2)
    caller = floor.switch.call("1.1", "95500")
    floor.settle()
    assert floor.conversation().place is Place.NEW
    floor.advance(2.5)
    assert floor.switch.played == [("sound:menu",)]
    floor.switch.end(caller)
    over(floor)


def test_a_bridge_that_could_not_be_closed_is_closed_later(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its conversation is forgotten by then."""
    caller = into_queue(floor)
    refuse(monkeypatch, floor, fx.CloseBridge, times=3)
    floor.switch.end(caller)
    floor.settle()
    assert not floor.world.conversations
    assert floor.switch.bridges
    over(floor)


def test_a_leg_that_could_not_be_ended_is_ended_after_its_conversation(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's phone rings for a call that is long over."""
    caller, leg = ringing(floor)
    refuse(monkeypatch, floor, fx.HangUpLeg, times=8)
    floor.switch.end(caller)
    floor.advance(1)
    assert LegId(leg) in floor.switch.channels
    over(floor)


def test_an_agents_phone_stops_ringing_when_the_caller_is_sent_to_the_apology(floor: Floor) -> None:
    caller, leg = ringing(floor)
    floor.switch.apologise(caller)
    floor.switch.later(facts.LegAway(leg=caller, at=floor.now))
    floor.settle()
    assert leg not in floor.switch.channels
    assert not floor.agent("1001").work
    floor.switch.back(caller)
    floor.settle()
    assert len(floor.events(ev.OfferMade)) == 2
    assert not floor.events(ev.OfferMissed)
    floor.switch.end(caller)
    over(floor)


def test_a_ring_whose_end_was_lost_is_ended_although_the_caller_is_in_the_apology(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, leg = ringing(floor)
    lost_link(floor)
    with monkeypatch.context() as away:
        away.setattr(floor.switch, "perform", lambda _effect: None)
        floor.advance(21)  # the offer's deadline passes while nothing can be done
    floor.switch.apologise(caller)
    unheard(floor)
    assert leg not in floor.switch.channels


def test_a_ring_whose_end_was_lost_is_ended_at_once_when_the_caller_has_gone_too(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, leg = ringing(floor)
    lost_link(floor)
    with monkeypatch.context() as away:
        away.setattr(floor.switch, "perform", lambda _effect: None)
        floor.advance(21)
    floor.switch.end(caller)
    unheard(floor)
    assert leg not in floor.switch.channels
    over(floor)


@pytest.mark.parametrize("link", ["there", "away"])
def test_an_agent_hangs_up_on_a_caller_who_is_in_the_apology(link: str) -> None:
    """Nobody tells of the end of a channel outside our application: it is looked for, and the agent wraps up."""
    switch = MoodySwitch(random.Random(1))
    floor = Floor(make_site(), switch=switch)
    caller, leg = talking(floor)
    floor.command(cmd.HoldCall, "1001", conversation=floor.conversation().id)
    floor.settle()
    switch.apologise(caller)
    floor.settle()
    assert floor.conversation().legs[caller].away
    if link == "away":
        lost_link(floor)
        switch.linked = False
        floor.command(cmd.HangUpCall, "1001", conversation=floor.conversation().id)
        floor.settle()
        switch.linked = True
        unheard(floor)
    else:
        switch.end(leg, 16)
        floor.settle()
    assert caller not in switch.channels
    finish(floor)


def test_sent_into_a_flow_he_leaves_the_talk_even_if_the_first_try_fails(
    monkeypatch: pytest.MonkeyPatch, floor: Floor
) -> None:
    """A look takes him out of whatever bridge of his call he is in: in the talk he would hear no prompt."""
    caller, _ = talking(floor)
    refuse(monkeypatch, floor, fx.LeaveBridge)
    assert send(floor, flow="main") is None
    floor.settle()
    assert floor.conversation().place is Place.IVR
    assert floor.switch.bridge_of(caller) == ""
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("first", [cmd.HoldCall, cmd.RetrieveCall])
def test_sent_into_a_flow_in_the_moment_of_hold_or_retrieve(floor: Floor, first: type[cmd.Command]) -> None:
    """He leaves the bridge to which he was sent last, though nothing has told yet that he is there."""
    caller, _ = talking(floor)
    call = floor.conversation().id
    if first is cmd.RetrieveCall:
        assert floor.command(cmd.HoldCall, "1001", conversation=call) is None
        floor.settle()
    assert floor.command(first, "1001", conversation=call) is None
    assert send(floor, flow="main") is None
    assert floor.switch.bridge_of(caller) == ""
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("there", [False, True])
def test_caller_and_lead_are_gone_while_the_link_is_away_and_the_log_says_it_once(floor: Floor, there: bool) -> None:
    caller, agent = talking(floor)
    seated(floor)
    floor.switch.deaf = not there
    assert ask(floor, cmd.MonitorCall) is None
    lead = floor.conversation().monitor
    assert lead is not None
    lost_link(floor)
    for leg in (lead.leg, agent, caller):
        floor.switch.end(leg)
    unheard(floor)
    assert len(floor.events(ev.MonitorStopped)) == 1
    finish(floor)


def test_put_aside_and_the_agent_lost_while_the_link_is_away_the_customer_has_music(
    monkeypatch: pytest.MonkeyPatch, floor: Floor
) -> None:
    """To the state he had his music already; that nothing had been carried out was seen a beat later only."""
    caller, agent = talking(floor)
    floor.log_in("1002")
    floor.calm = False
    lost_link(floor)
    with monkeypatch.context() as away:
        away.setattr(floor.switch, "perform", lambda _effect: None)
        assert floor.command(cmd.ConsultCall, "1001", conversation=floor.conversation().id, to_agent="1002") is None
        floor.switch.end(agent, cause=44)
    assert floor.switch.bridge_of(caller) == "t"
    unheard(floor)
    assert floor.switch.bridge_of(caller) == "h"
    assert not floor.audit()
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_retrieved_while_link_and_caller_are_away_all_sit_together_when_he_is_back(
    monkeypatch: pytest.MonkeyPatch, floor: Floor
) -> None:
    """Where his agent and the colleague sit is compared when he is there again, not at the auditor's next beat."""
    caller, agent = talking(floor)
    other = consulting(floor)
    floor.calm = False
    floor.switch.apologise(caller)
    lost_link(floor)
    with monkeypatch.context() as away:
        away.setattr(floor.switch, "perform", lambda _effect: None)
        assert floor.command(cmd.RetrieveCall, "1001", conversation=floor.conversation().id) is None
    unheard(floor)
    assert floor.switch.bridge_of(agent) == "c"
    floor.switch.back(caller)
    floor.settle()
    assert [floor.switch.bridge_of(leg) for leg in (caller, agent, other)] == ["t", "t", "h"]
    assert not floor.audit()
    floor.switch.end(caller)
    floor.settle()
    finish(floor)
