"""Agents at an outside number, on the fake switch in virtual time: only the key is the acceptance."""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.causes import Unreached
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LegId, seat
from ctiserver.model.routing import OutboundConfig
from ctiserver.model.work import AgentState, DeviceKind, WorkKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site

HOME = "13900004444"


@pytest.fixture
def floor() -> Floor:
    base = make_site()
    agents = (msgspec.structs.replace(base.agents[0], number=HOME), *base.agents[1:])
    rules = OutboundConfig(trunk="192.0.2.9:5060", prefixes=("1",), never=("1900",))
    prompts = {**base.prompts, "press_key": {"zh": "sound:press_key"}}
    return Floor(msgspec.structs.replace(base, agents=agents, outbound=rules, prompts=prompts))


def at_home(floor: Floor, *, number: str = "", ready: bool = True) -> None:
    floor.sit_outside("1001", number=number, ready=ready)


def rung(floor: Floor) -> tuple[LegId, LegId]:
    """A caller who waits, and the leg that rings at the agent's number."""
    caller = floor.switch.call("in-1", "95500")
    floor.advance(3)
    floor.switch.press(caller, "1")
    floor.advance(3)
    floor.confirm("1001")
    floor.settle()
    return caller, at_number(floor)


def at_number(floor: Floor) -> LegId:
    return next(leg for leg, number in reversed(floor.switch.dialled.items()) if number == HOME)


def over(floor: Floor, caller: LegId) -> None:
    floor.switch.end(caller)
    floor.settle()
    for contact in list(floor.agent("1001").work):
        floor.command(cmd.FinishWrapUp, "1001", contact=contact, disposition="solved", note="", ready=False)
    floor.advance(40)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    floor.check_journal()


def test_he_answers_presses_the_key_and_talks(floor: Floor) -> None:
    at_home(floor)
    caller, leg = rung(floor)
    floor.switch.answer(leg)
    floor.settle()
    assert floor.switch.played[-1] == ("sound:press_key",) * 4
    assert floor.switch.bridge_of(caller) == "h", "the caller still has his music"
    assert floor.work("1001").kind is WorkKind.RESERVED
    floor.switch.press(leg, "5")
    floor.settle()
    assert floor.work("1001").kind is WorkKind.RESERVED, "not this key"
    floor.switch.press(leg, "1")
    floor.settle()
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(leg) == "t"
    assert leg not in floor.switch.playing.values(), "he was moved when the question was silent"
    assert agent_state(floor.agent("1001")) is AgentState.BUSY
    floor.switch.end(leg)
    floor.settle()
    assert caller not in floor.switch.channels, "he has laid down: the call is over"
    over(floor, caller)


def test_a_voicemail_never_has_the_customer(floor: Floor) -> None:
    """It answers and talks and presses nothing: a missed offer when the deadline comes, as for any phone."""
    at_home(floor)
    caller, leg = rung(floor)
    floor.switch.answer(leg)
    floor.advance(20)
    assert leg not in floor.switch.channels
    assert floor.switch.bridge_of(caller) == "h"
    assert floor.events(ev.OfferMissed)
    assert not floor.events(ev.ContactConnected)
    assert floor.agent("1001").misses == 1
    floor.command(cmd.SetNotReady, "1001", reason="lunch")
    over(floor, caller)


def test_a_voicemail_that_hangs_up_before_is_a_miss_too(floor: Floor) -> None:
    at_home(floor)
    caller, leg = rung(floor)
    floor.switch.answer(leg)
    floor.settle()
    floor.switch.end(leg)
    floor.settle()
    assert floor.agent("1001").misses == 1
    floor.command(cmd.SetNotReady, "1001", reason="lunch")
    over(floor, caller)


@pytest.mark.parametrize("moment", ["rings", "asked", "pressed", "talks"])
def test_the_server_is_killed(floor: Floor, moment: str) -> None:
    at_home(floor)
    caller, leg = rung(floor)
    if moment != "rings":
        floor.switch.answer(leg)
        floor.settle()
    if moment == "talks":
        floor.switch.press(leg, "1")
        floor.settle()
    if moment == "pressed":
        floor.feed(facts.DigitPressed(leg=leg, digit="1", at=floor.now))
    floor.restart()
    floor.feed(facts.LinkChanged(agent=AgentId("1001"), links=1))
    floor.settle()
    if moment in ("rings", "asked"):  # his desktop was away: the offer was withdrawn with its ring
        floor.advance(5)
        if leg in floor.switch.channels:
            floor.switch.answer(leg)
            floor.settle()
            floor.switch.press(leg, "1")
    floor.advance(3)
    over(floor, caller)


def test_his_own_call_begins_with_the_key_too(floor: Floor) -> None:
    at_home(floor)
    assert floor.command(cmd.MakeCall, "1001", number="13900005555") is None
    floor.settle()
    mine = at_number(floor)
    floor.switch.answer(mine)
    floor.settle()
    assert "13900005555" not in floor.switch.dialled.values(), "a voicemail calls nobody"
    floor.switch.press(mine, "1")
    floor.settle()
    his = next(leg for leg, number in floor.switch.dialled.items() if number == "13900005555")
    floor.switch.answer(his)
    floor.settle()
    assert floor.switch.bridge_of(his) == floor.switch.bridge_of(mine) == "t"
    over(floor, his)


def test_after_a_kill_he_is_asked_again(floor: Floor) -> None:
    """Nobody knows how much of the question he has heard."""
    at_home(floor)
    assert floor.command(cmd.MakeCall, "1001", number="13900005555") is None
    floor.settle()
    mine = at_number(floor)
    floor.switch.answer(mine)
    floor.settle()
    assert len(floor.switch.played) == 1
    floor.restart()
    floor.feed(facts.LinkChanged(agent=AgentId("1001"), links=1))
    floor.settle()
    assert floor.switch.played == [("sound:press_key",) * 4] * 2
    assert list(floor.switch.playing.values()) == [mine], "the first question was stopped, the second is heard"
    floor.switch.press(mine, "1")
    floor.settle()
    his = next(leg for leg, number in floor.switch.dialled.items() if number == "13900005555")
    floor.switch.answer(his)
    floor.settle()
    assert floor.switch.bridge_of(his) == floor.switch.bridge_of(mine) == "t"
    over(floor, his)


def calls_him(floor: Floor) -> None:
    """1002 calls 1001, who is at home."""
    at_home(floor, ready=False)
    floor.log_in("1002", ready=False)
    assert floor.command(cmd.MakeCall, "1002", to_agent="1001") is None
    floor.settle()


@pytest.mark.parametrize("killed", [False, True])
def test_a_colleague_calls_him_at_home_and_he_accepts_by_the_key(floor: Floor, killed: bool) -> None:
    calls_him(floor)
    his = at_number(floor)
    assert floor.conversation().customer_leg == his
    floor.switch.answer(his)
    floor.settle()
    if killed:
        floor.restart()
        for agent in ("1001", "1002"):
            floor.feed(facts.LinkChanged(agent=AgentId(agent), links=1))
        floor.settle()
    mine = floor.ringing_leg("1002")
    assert floor.switch.played[-1] == ("sound:press_key",) * 4
    assert mine in floor.switch.ring_tones, "a voicemail is nobody"
    assert not floor.switch.bridge_of(his)
    floor.switch.press(his, "1")
    floor.settle()
    assert floor.switch.bridge_of(his) == floor.switch.bridge_of(mine) == "t"
    assert his not in floor.switch.playing.values()
    floor.switch.end(his)
    floor.settle()
    assert not floor.agent("1001").work
    over(floor, his)


@pytest.mark.parametrize("way", ["voicemail", "voicemail hangs up", "busy", "trunk down"])
def test_a_colleague_calls_him_and_he_is_not_there(floor: Floor, way: str) -> None:
    floor.switch.trunk_up = way != "trunk down"
    calls_him(floor)
    match way:
        case "busy":
            floor.switch.end(at_number(floor), 17)
        case "voicemail hangs up":
            his = at_number(floor)
            floor.switch.answer(his)
            floor.advance(10)
            floor.switch.end(his)
        case "voicemail":
            floor.switch.answer(at_number(floor))
            floor.advance(floor.world.site.outbound.ring_seconds + 1)
        case _:
            pass
    floor.settle()
    why = [event.why for event in floor.events(ev.CustomerUnreached) if isinstance(event, ev.CustomerUnreached)]
    expected = {"busy": Unreached.BUSY, "trunk down": Unreached.FAILED}
    assert why == [expected.get(way, Unreached.NO_ANSWER)]
    assert not floor.agent("1001").work
    assert not floor.agent("1002").work
    floor.advance(40)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    floor.check_journal()


def test_a_customer_is_handed_to_a_colleague_at_home(floor: Floor) -> None:
    """Asked first: he answers, presses the key, is told, and has the customer."""
    at_home(floor, ready=False)
    floor.log_in("1002")
    caller = floor.switch.call("in-1", "95500")
    floor.advance(3)
    floor.switch.press(caller, "1")
    floor.advance(3)
    mine = floor.ringing_leg("1002")
    floor.switch.answer(mine)
    floor.settle()
    talk = floor.conversation().id
    assert floor.command(cmd.ConsultCall, "1002", conversation=talk, to_agent="1001") is None
    floor.confirm("1001")
    floor.settle()
    his = at_number(floor)
    floor.switch.answer(his)
    floor.settle()
    refused = floor.command(cmd.CompleteConsult, "1002", conversation=talk)
    assert refused is not None
    assert refused.code is Rejection.CONSULT_RINGING, "a voicemail takes no customer"
    assert mine in floor.switch.ring_tones
    floor.switch.press(his, "1")
    floor.settle()
    assert floor.switch.bridge_of(his) == floor.switch.bridge_of(mine) == "c"
    assert floor.command(cmd.CompleteConsult, "1002", conversation=talk) is None
    floor.settle()
    assert floor.switch.bridge_of(his) == floor.switch.bridge_of(caller) == "t"
    over(floor, caller)


def test_a_lead_listens_in_the_house_only(floor: Floor) -> None:
    refused = floor.command(cmd.UseNumber, seat("lead"), number=HOME)
    assert refused is not None
    assert refused.code is Rejection.NOT_ALLOWED


def test_his_line_is_lost_in_the_talk_and_he_is_called_again(floor: Floor) -> None:
    at_home(floor)
    caller, leg = rung(floor)
    floor.switch.answer(leg)
    floor.settle()
    floor.switch.press(leg, "1")
    floor.settle()
    floor.switch.end(leg, 44)
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    again = at_number(floor)
    assert again != leg
    floor.switch.answer(again)
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h", "not before the key"
    floor.switch.press(again, "1")
    floor.settle()
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(again) == "t"
    over(floor, caller)


def test_which_number_may_be_a_phone(floor: Floor) -> None:
    floor.feed(facts.LinkChanged(agent=AgentId("1001"), links=1))
    for agent, number, refused in (
        ("1001", "0208880000", Rejection.NUMBER_NOT_ALLOWED),
        ("1001", "1900123456", Rejection.NUMBER_NOT_ALLOWED),
        ("1001", "x", Rejection.BAD_NUMBER),
        ("1002", "", Rejection.BAD_NUMBER),
    ):
        answer = floor.command(cmd.UseNumber, agent, number=number)
        assert answer is not None
        assert answer.code is refused
    at_home(floor)
    device = floor.agent("1001").device
    assert device is not None
    assert device.kind is DeviceKind.OUTSIDE
    answer = floor.command(cmd.UseNumber, "1002", number=HOME)
    assert answer is not None
    assert answer.code is Rejection.PHONE_ELSEWHERE
    changed = msgspec.structs.replace(floor.world.site, outbound=OutboundConfig(trunk="192.0.2.9:5060"))
    floor.feed(facts.SiteLoaded(site=changed))
    assert floor.agent("1001").device is None, "the site does not allow it any more"
    floor.feed(facts.SiteLoaded(site=make_site()))
    answer = floor.command(cmd.UseNumber, "1001", number=HOME)
    assert answer is not None
    assert answer.code is Rejection.NO_TRUNK


def test_the_offer_is_rung_through_the_trunk(floor: Floor) -> None:
    at_home(floor, number="139 0000 4444")
    caller, leg = rung(floor)
    call = next(e for r in floor.records for e in r.effects if isinstance(e, fx.CallCustomer))
    assert (call.leg, call.number, call.trunk, call.shown) == (leg, HOME, "192.0.2.9:5060", "95500")
    floor.switch.end(leg, 17)
    floor.settle()
    assert floor.events(ev.OfferRejected)
    floor.command(cmd.SetNotReady, "1001", reason="lunch")
    over(floor, caller)
