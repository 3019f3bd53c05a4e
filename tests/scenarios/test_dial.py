"""Calls that agents make, on the fake switch in virtual time: outside numbers through the trunk, and colleagues.

The trunk is up; numbers that begin with 1 may be dialled, those with 1900 not; three calls an hour and agent.
"""

from __future__ import annotations

import msgspec
import pytest

from agent_desktop import view
from agent_desktop.docs import PartnerDoc, WorkDoc
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.causes import EndReason, Unreached
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.routing import INTERNAL, OUTBOUND, OutboundConfig
from ctiserver.model.site import SiteConfig
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, WorkKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site
from tests.scenarios.stories import file_call, over

NUMBER = "13900001111"


def site() -> SiteConfig:
    rules = OutboundConfig(trunk="192.0.2.9:5060", prefixes=("1",), never=("1900",), per_hour=3, ring_seconds=30.0)
    return msgspec.structs.replace(make_site(), outbound=rules)


@pytest.fixture
def floor() -> Floor:
    return Floor(site())


def dial(floor: Floor, agent: str = "1001", **whom: str) -> Rejection | None:
    refused = floor.command(cmd.MakeCall, agent, **(whom or {"number": NUMBER}))
    floor.settle()
    return refused.code if refused is not None else None


def called(floor: Floor) -> LegId:
    """The leg of whom we call."""
    leg = floor.conversation().customer_leg
    assert leg
    return leg


def wraps(floor: Floor, agent: str = "1001") -> WorkDoc:
    item = floor.work(agent)
    assert item.kind is WorkKind.WRAP_UP
    shown = view.work(floor.world, AgentId(agent), item)
    assert shown is not None
    return shown


def all_over(floor: Floor, agent: str = "1001") -> None:
    """He finishes his wrap-up, if he has one; nothing is left of the call."""
    if floor.agent(agent).work:
        file_call(floor, agent)
    over(floor)


def outcomes(floor: Floor) -> list[Unreached]:
    return [event.why for event in floor.events(ev.CustomerUnreached) if isinstance(event, ev.CustomerUnreached)]


# --- outside ----------------------------------------------------------------------------------------------------------


def test_he_dials_hears_it_ring_and_talks(floor: Floor) -> None:
    floor.log_in("1001", ready=False)
    assert dial(floor) is None
    mine = floor.ringing_leg("1001")
    assert mine in floor.switch.auto_answered, "his click was the acceptance"
    his = called(floor)
    assert floor.switch.dialled[his] == NUMBER
    assert mine in floor.switch.ring_tones
    assert agent_state(floor.agent("1001")) is AgentState.BUSY
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert (shown.medium, shown.calling, shown.caller.number) == (OUTBOUND, True, NUMBER)
    assert shown.called_since == pytest.approx(floor.now, abs=0.2)
    assert any(isinstance(effect, fx.FindCustomer) and effect.number == NUMBER for effect in _effects(floor))
    floor.switch.answer(his)
    floor.settle()
    assert floor.switch.bridge_of(his) == floor.switch.bridge_of(mine) == "t"
    assert mine not in floor.switch.ring_tones
    assert len(floor.switch.snoops) == 2, "recorded like any other"
    assert floor.command(cmd.HoldCall, "1001", conversation=floor.conversation().id) is None
    floor.settle()
    assert floor.switch.bridge_of(his) == "h"
    assert floor.command(cmd.RetrieveCall, "1001", conversation=floor.conversation().id) is None
    floor.settle()
    floor.switch.end(his)
    floor.settle()
    assert wraps(floor).unreached is False
    all_over(floor)
    assert [event.reason for event in floor.events(ev.ContactEnded)] == [EndReason.ANSWERED]
    assert not floor.world.books, "no queue's book counts it"


def _effects(floor: Floor) -> list[fx.Effect]:
    return [effect for record in floor.records for effect in record.effects]


TRUNK_DOWN = 0


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (17, Unreached.BUSY),
        (21, Unreached.REJECTED),
        (19, Unreached.NO_ANSWER),
        (1, Unreached.FAILED),
        (TRUNK_DOWN, Unreached.FAILED),
    ],
    ids=["busy", "refused", "no answer", "no such number", "trunk down"],
)
def test_wrap_up_is_not_skipped_after_a_failed_outbound_call(floor: Floor, cause: int, why: Unreached) -> None:
    """amazon-connect-streams#567: the agent is not ready for the next caller before he has written about this one. A
    number that he may not dial is no call (`test_numbers_that_he_may_not_dial`): nothing is to be written about it."""
    floor.log_in("1001")
    floor.switch.trunk_up = cause != TRUNK_DOWN
    dial(floor)
    if cause != TRUNK_DOWN:
        floor.switch.end(called(floor), cause)
    floor.settle()
    shown = wraps(floor)
    assert (shown.unreached, shown.unreached_why) == (True, why)
    me = view.me(floor.world, AgentId("1001"))
    assert me is not None
    assert me.unanswered is not None
    assert (me.unanswered.number, me.unanswered.why) == (NUMBER, why)
    assert shown.until is not None
    assert shown.until - floor.now > 29, "as long as after any other call"
    caller = floor.switch.call("in-1", "95500")
    floor.advance(3)
    floor.switch.press(caller, "1")
    floor.advance(3)
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP, "nothing is offered to him meanwhile"
    floor.switch.end(caller)
    floor.settle()
    all_over(floor)
    assert outcomes(floor) == [why]


def test_nobody_answers_within_the_time(floor: Floor) -> None:
    floor.log_in("1001")
    dial(floor)
    his = called(floor)
    floor.advance(30.1)
    assert his not in floor.switch.channels
    assert wraps(floor).unreached_why == Unreached.NO_ANSWER
    all_over(floor)


def test_he_gives_up_while_it_rings(floor: Floor) -> None:
    floor.log_in("1001")
    dial(floor)
    assert floor.command(cmd.HangUpCall, "1001", conversation=floor.conversation().id) is None
    floor.settle()
    assert wraps(floor).unreached_why == Unreached.AGENT
    all_over(floor)


def test_the_trunk_refuses_the_number(floor: Floor) -> None:
    floor.log_in("1001")
    floor.switch.trunk_up = False
    dial(floor)
    assert wraps(floor).unreached_why == Unreached.FAILED
    all_over(floor)


def test_his_own_phone_does_not_answer(floor: Floor) -> None:
    """Then nobody was called, and the number was not rung for nothing."""
    floor.log_in("1001")
    floor.switch.deaf = True
    dial(floor)
    assert not floor.switch.dialled
    floor.advance(15)
    assert wraps(floor).unreached_why == Unreached.LOST
    assert not floor.switch.dialled
    all_over(floor)


def test_routing_offers_him_nothing_from_the_command_on(floor: Floor) -> None:
    floor.log_in("1001")
    caller = floor.switch.call("in-1", "95500")
    floor.advance(3)
    floor.command(cmd.MakeCall, "1001", number=NUMBER)
    floor.switch.press(caller, "1")
    floor.settle()
    assert [item.medium for item in floor.agent("1001").work.values()] == [OUTBOUND]
    floor.switch.end(called(floor))
    floor.settle()
    item = floor.work("1001")
    floor.command(cmd.FinishWrapUp, "1001", contact=item.contact, disposition="", note="", ready=True)
    floor.settle()
    assert floor.work("1001").kind is WorkKind.RESERVED, "now he is offered who waits"
    floor.switch.end(caller)
    floor.settle()
    all_over(floor)


def test_the_page_is_reloaded_while_it_rings_and_in_the_talk(floor: Floor) -> None:
    floor.log_in("1001")
    dial(floor)
    floor.reload("1001", "page2")
    floor.settle()
    his = called(floor)
    assert floor.ringing_leg("1001") in floor.switch.ring_tones
    floor.switch.answer(his)
    floor.settle()
    floor.reload("1001", "page3")
    floor.settle()
    assert floor.switch.bridge_of(floor.ringing_leg("1001")) == floor.switch.bridge_of(his) == "t"
    floor.switch.end(his)
    floor.settle()
    all_over(floor)


def test_he_is_lost_for_good_and_the_customer_waits_at_the_head_of_the_queue(floor: Floor) -> None:
    floor.log_in("1001")
    dial(floor)
    his = called(floor)
    floor.switch.answer(his)
    floor.settle()
    floor.switch.unregister("d1001")
    floor.switch.end(floor.ringing_leg("1001"), 44)
    floor.advance(16)
    assert floor.conversation().place is Place.WAITING
    assert floor.switch.bridge_of(his) == "h"
    floor.log_in("1002")
    floor.settle()
    floor.confirm("1002")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1002"))
    floor.settle()
    assert floor.switch.bridge_of(his) == "t"
    floor.switch.end(his)
    floor.settle()
    all_over(floor, "1002")


@pytest.mark.parametrize("answered", [False, True])
def test_the_server_is_killed_and_comes_back(floor: Floor, answered: bool) -> None:
    floor.log_in("1001")
    dial(floor)
    his = called(floor)
    if answered:
        floor.switch.answer(his)
        floor.settle()
    floor.restart()
    floor.feed_links("1001")
    floor.settle()
    if not answered:
        floor.switch.answer(his)
        floor.settle()
    assert floor.switch.bridge_of(floor.ringing_leg("1001")) == floor.switch.bridge_of(his) == "t"
    floor.switch.end(his)
    floor.settle()
    all_over(floor)


def test_the_server_is_killed_before_his_own_phone_was_asked(floor: Floor) -> None:
    floor.log_in("1001")
    floor.lost = lambda item: isinstance(item, facts.LegUp)
    dial(floor)
    floor.lost = lambda item: False
    floor.restart()
    floor.feed_links("1001")
    floor.settle()
    his = called(floor)
    floor.switch.answer(his)
    floor.settle()
    assert floor.switch.bridge_of(his) == "t"
    floor.switch.end(his)
    floor.settle()
    all_over(floor)


@pytest.mark.parametrize(
    ("written", "refused"),
    [
        ("hello", Rejection.BAD_NUMBER),
        ("110", Rejection.BAD_NUMBER),
        ("02088880000", Rejection.NUMBER_NOT_ALLOWED),
        ("1900123456", Rejection.NUMBER_NOT_ALLOWED),
        ("", Rejection.BAD_COMMAND),
    ],
)
def test_numbers_that_he_may_not_dial(floor: Floor, written: str, refused: Rejection) -> None:
    floor.log_in("1001")
    assert dial(floor, number=written) is refused
    assert not floor.world.conversations


def test_who_may_dial(floor: Floor) -> None:
    assert dial(floor) is Rejection.NOT_SIGNED_IN
    floor.log_in("1001")
    assert dial(floor, number=NUMBER, queue="nowhere") is Rejection.UNKNOWN_QUEUE
    assert dial(floor, number=NUMBER, to_agent="1002") is Rejection.BAD_COMMAND
    assert dial(floor) is None
    assert dial(floor) is Rejection.IN_A_CALL
    floor.switch.end(called(floor), 17)
    floor.settle()
    assert dial(floor) is Rejection.WORK_IN_PROGRESS, "the wrap-up first"
    all_over(floor)
    floor.switch.unregister("d1001")
    floor.settle()
    assert dial(floor) is Rejection.NO_PHONE


def test_three_calls_an_hour(floor: Floor) -> None:
    floor.log_in("1001")
    for _ in range(3):
        assert dial(floor, number="139 0000-1111") is None
        floor.switch.end(called(floor), 17)
        floor.settle()
        all_over(floor)
    assert dial(floor) is Rejection.TOO_MANY_CALLS
    floor.log_in("1002")
    assert dial(floor, "1002") is None, "each has his own"
    floor.switch.end(called(floor), 17)
    floor.settle()
    all_over(floor, "1002")
    floor.advance(3600)
    assert dial(floor) is None
    floor.switch.end(called(floor), 17)
    floor.settle()
    all_over(floor)


def test_without_a_trunk_nobody_dials(floor: Floor) -> None:
    floor.feed(facts.SiteLoaded(site=make_site()))
    floor.log_in("1001")
    assert dial(floor) is Rejection.NO_TRUNK


# --- colleagues -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", [{"to_agent": "1002"}, {"number": "1002"}])
def test_a_colleague_is_rung_with_the_name_of_who_calls_and_both_are_busy(floor: Floor, whom: dict[str, str]) -> None:
    floor.log_in("1001")
    floor.log_in("1002")
    assert dial(floor, **whom) is None
    his = called(floor)
    assert floor.switch.endpoint_of[his] == "d1002"
    assert his not in floor.switch.auto_answered
    pop = view.work(floor.world, AgentId("1002"), floor.work("1002"))
    assert pop is not None
    assert pop.partner == PartnerDoc(agent="1001", name=floor.world.site.agents[0].name, calls=True)
    assert [agent_state(floor.agent(agent)) for agent in ("1001", "1002")] == [AgentState.BUSY] * 2
    floor.switch.answer(his)
    floor.settle()
    assert floor.switch.bridge_of(floor.ringing_leg("1001")) == floor.switch.bridge_of(his) == "t"
    assert not floor.switch.snoops, "nothing is recorded"
    assert floor.command(cmd.HangUpCall, "1002", conversation=floor.conversation().id) is None
    floor.settle()
    assert [agent_state(floor.agent(agent)) for agent in ("1001", "1002")] == [AgentState.READY] * 2, "no wrap-up"
    assert floor.agent("1001").handled_today == 0
    all_over(floor)


@pytest.mark.parametrize("way", ["refuses", "hangs up", "his phone", "no answer"])
def test_the_colleague_does_not_take_it(floor: Floor, way: str) -> None:
    floor.log_in("1001")
    floor.log_in("1002", ready=False)
    dial(floor, to_agent="1002")
    match way:
        case "refuses":
            floor.switch.end(called(floor), 17)
        case "hangs up":
            assert floor.command(cmd.HangUpCall, "1002", conversation=floor.conversation().id) is None
        case "his phone":
            floor.switch.end(called(floor), 20)
        case _:
            floor.advance(31)
    floor.settle()
    assert not floor.agent("1001").work
    assert not floor.agent("1002").work
    me = view.me(floor.world, AgentId("1001"))
    assert me is not None
    assert me.unanswered is not None
    assert me.unanswered.name is not None
    why = {"refuses": "busy", "hangs up": "rejected", "his phone": "failed", "no answer": "no_answer"}
    assert me.unanswered.why == why[way]
    all_over(floor)


def test_whom_he_may_call_inside(floor: Floor) -> None:
    floor.log_in("1001")
    assert dial(floor, to_agent="1001") is Rejection.UNKNOWN_TARGET
    assert dial(floor, to_agent="4711") is Rejection.UNKNOWN_TARGET
    assert dial(floor, to_agent="1002") is Rejection.TARGET_AWAY
    floor.log_in("1002")
    floor.log_in("1003")
    assert dial(floor, "1003", to_agent="1002") is None
    assert dial(floor, to_agent="1002") is Rejection.TARGET_BUSY
    floor.switch.end(called(floor))
    floor.settle()
    all_over(floor)


def test_an_internal_call_is_nobody_s_to_hold_but_the_caller_s_and_is_not_sent_on(floor: Floor) -> None:
    floor.log_in("1001")
    floor.log_in("1002")
    dial(floor, to_agent="1002")
    his, conversation = called(floor), floor.conversation().id
    floor.switch.answer(his)
    floor.settle()
    refused = floor.command(cmd.HoldCall, "1002", conversation=conversation)
    assert refused is not None
    assert refused.code is Rejection.NOT_ALLOWED
    refused = floor.command(cmd.TransferCall, "1001", conversation=conversation, queue="service")
    assert refused is not None
    assert refused.code is Rejection.NOT_ALLOWED
    assert floor.command(cmd.HoldCall, "1001", conversation=conversation) is None
    floor.settle()
    assert floor.switch.bridge_of(his) == "h"
    floor.restart()
    for agent in ("1001", "1002"):
        floor.feed_links(agent)
    floor.settle()
    assert floor.switch.bridge_of(his) == "h"
    floor.switch.end(floor.ringing_leg("1001"))
    floor.settle()
    assert not floor.agent("1002").work
    all_over(floor)


def test_who_called_is_lost_for_good(floor: Floor) -> None:
    """There is no queue to which his colleague could go back: the call is over."""
    floor.log_in("1001")
    floor.log_in("1002")
    dial(floor, to_agent="1002")
    floor.switch.answer(called(floor))
    floor.settle()
    floor.switch.unregister("d1001")
    floor.switch.end(floor.ringing_leg("1001"), 44)
    floor.advance(16)
    assert not floor.agent("1001").work
    assert not floor.agent("1002").work
    all_over(floor)
    assert [contact.medium for contact in floor.events(ev.CallMade) if isinstance(contact, ev.CallMade)] == [INTERNAL]
