"""Consult of an outside number, on the fake switch in virtual time: an expert whom no queue has. By the rules of any
outside call: numbers that begin with 1 may be dialled, those with 1900 not; two calls an hour and agent."""

from __future__ import annotations

import msgspec
import pytest

from agent_desktop import view
from ctiserver.model import commands as cmd
from ctiserver.model.causes import EndReason, Parted
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import OUTSIDE_PARTY, AgentId, LegId
from ctiserver.model.routing import OutboundConfig
from ctiserver.model.work import AgentState
from tests.fakes.floor import Floor
from tests.scenarios.conftest import label, make_site
from tests.scenarios.stories import consulting, do, ends, finish, finish_both, state, talking, where

EXPERT = "13900007777"


@pytest.fixture
def floor() -> Floor:
    rules = OutboundConfig(trunk="192.0.2.9:5060", prefixes=("1",), never=("1900",), per_hour=2, ring_seconds=30.0)
    return Floor(msgspec.structs.replace(make_site(), outbound=rules))


def rung(floor: Floor) -> tuple[LegId, LegId, LegId]:
    """The caller, his agent, and the expert whose phone rings."""
    caller, leg = talking(floor)
    assert do(floor, cmd.ConsultCall, number="139 0000 7777") is None
    expert = next(leg for leg, number in floor.switch.dialled.items() if number == EXPERT)
    assert where(floor, caller, leg, expert) == "h--"
    assert leg in floor.switch.ring_tones
    return caller, leg, expert


def asked(floor: Floor) -> tuple[LegId, LegId, LegId]:
    caller, leg, expert = rung(floor)
    floor.switch.answer(expert)
    floor.settle()
    assert where(floor, caller, leg, expert) == "hcc"
    assert leg not in floor.switch.ring_tones
    return caller, leg, expert


def conference(floor: Floor) -> tuple[LegId, LegId, LegId]:
    caller, leg, expert = asked(floor)
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, expert) == "ttt"
    return caller, leg, expert


@pytest.mark.parametrize("ends_it", ["caller", "expert"])
@pytest.mark.parametrize("way", ["complete", "swap and complete", "leave", "hang up"])
def test_the_customer_goes_on_with_the_expert_and_the_agent_wraps_up(floor: Floor, way: str, ends_it: str) -> None:
    caller, leg, expert = conference(floor) if way in ("leave", "hang up") else asked(floor)
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert [one.name for one in shown.parties] == [label(EXPERT)]
    if way == "swap and complete":
        assert do(floor, cmd.SwapCall) is None
        assert where(floor, caller, leg, expert) == "tth"
    last = {"leave": cmd.LeaveConference, "hang up": cmd.HangUpCall}.get(way, cmd.CompleteConsult)
    assert do(floor, last) is None
    assert where(floor, caller, expert) == "tt"
    assert leg not in floor.switch.channels
    assert state(floor, "1001") is AgentState.WRAP_UP
    assert len(floor.switch.snoops) == 2, "the record goes on"
    floor.switch.end(caller if ends_it == "caller" else expert)
    floor.settle()
    assert floor.switch.quiet()
    finish(floor)
    assert ends(floor) == [EndReason.ANSWERED]


def test_swap_back_and_cancel(floor: Floor) -> None:
    caller, leg, expert = asked(floor)
    assert do(floor, cmd.SwapCall) is None
    assert do(floor, cmd.SwapCall) is None
    assert where(floor, caller, leg, expert) == "hcc"
    assert do(floor, cmd.CancelConsult) is None
    assert where(floor, caller, leg) == "tt"
    assert expert not in floor.switch.channels
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("way", ["dropped", "hangs up", "lost"])
def test_the_expert_is_out_of_the_conference(floor: Floor, way: str) -> None:
    """Nobody calls a number again that was lost."""
    caller, leg, expert = conference(floor)
    if way == "dropped":
        assert do(floor, cmd.DropParty, party=OUTSIDE_PARTY) is None
    else:
        floor.switch.end(expert, 16 if way == "hangs up" else 44)
    floor.settle()
    assert where(floor, caller, leg) == "tt"
    assert expert not in floor.switch.channels
    assert not floor.conversation().parties
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("busy", Parted.REJECTED),
        ("no answer", Parted.MISSED),
        ("no route", Parted.UNREACHABLE),
        ("trunk down", Parted.UNREACHABLE),
    ],
)
def test_the_expert_is_not_reached(floor: Floor, way: str, why: Parted) -> None:
    caller, leg = talking(floor)
    floor.switch.trunk_up = way != "trunk down"
    assert do(floor, cmd.ConsultCall, number=EXPERT) is None
    if way == "no answer":
        floor.advance(30)
    elif way != "trunk down":
        floor.switch.end(next(iter(floor.switch.dialled)), {"busy": 17, "no route": 3}[way])
    floor.settle()
    gone = floor.conversation().party_gone
    assert gone is not None
    assert gone.why is why
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert shown.party_gone is not None
    assert shown.party_gone.name == label(EXPERT)
    assert where(floor, caller, leg) == "ht"
    assert do(floor, cmd.RetrieveCall) is None
    assert where(floor, caller, leg) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_whom_he_may_ask(floor: Floor) -> None:
    caller, _, _ = conference(floor)
    assert do(floor, cmd.ConsultCall, number="1900123456") is Rejection.NUMBER_NOT_ALLOWED
    assert do(floor, cmd.ConsultCall, number="x") is Rejection.BAD_NUMBER
    assert do(floor, cmd.ConsultCall, number="13900008888") is Rejection.TOO_MANY_PARTIES, "one number at a time"
    assert do(floor, cmd.DropParty, party=OUTSIDE_PARTY) is None
    assert do(floor, cmd.ConsultCall, number="13900008888") is None
    assert do(floor, cmd.CancelConsult) is None
    assert do(floor, cmd.ConsultCall, number=EXPERT) is Rejection.TOO_MANY_CALLS, "both were counted"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_colleague_keeps_the_customer_before_the_expert_does(floor: Floor) -> None:
    caller, leg, expert = conference(floor)
    other = consulting(floor)
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, expert, other) == "tttt"
    assert do(floor, cmd.LeaveConference) is None
    assert floor.conversation().agent == "1002"
    assert where(floor, caller, expert, other) == "ttt"
    assert do(floor, cmd.LeaveConference, "1002") is None
    assert where(floor, caller, expert) == "tt"
    floor.switch.end(expert)
    floor.settle()
    finish_both(floor)


def test_a_colleague_who_is_lost_just_now_is_let_go_when_the_expert_keeps_the_customer(floor: Floor) -> None:
    """He would come back to nobody who called him in."""
    caller, _, expert = conference(floor)
    other = consulting(floor)
    assert do(floor, cmd.ConferenceCall) is None
    floor.switch.unregister("d1002")
    floor.switch.end(other, 44)
    floor.settle()
    assert do(floor, cmd.LeaveConference) is None
    assert where(floor, caller, expert) == "tt"
    assert not floor.agent("1002").work
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_in_a_conference_the_expert_joins_and_is_not_handed_the_customer(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    assert do(floor, cmd.ConferenceCall) is None
    assert do(floor, cmd.ConsultCall, number=EXPERT) is None
    expert = next(iter(floor.switch.dialled))
    floor.switch.answer(expert)
    floor.settle()
    assert do(floor, cmd.CompleteConsult) is Rejection.NOT_ALLOWED
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, other, expert) == "tttt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("moment", ["rings", "asked", "swapped", "conference", "handed over"])
@pytest.mark.parametrize("calm", [False, True], ids=["facts lost", "facts told"])
def test_kill_9_leaves_all_in_place(floor: Floor, moment: str, calm: bool) -> None:
    made = {"rings": rung, "conference": conference}.get(moment, asked)
    caller, leg, expert = made(floor)
    if moment == "swapped":
        assert do(floor, cmd.SwapCall) is None
    if moment == "handed over":
        assert do(floor, cmd.CompleteConsult) is None
    before, effects = where(floor, caller, leg, expert), len(floor.switch.performed)
    floor.restart(lose_facts=not calm)
    floor.feed_links("1001")
    floor.settle()
    assert where(floor, caller, leg, expert) == before
    moves = [type(effect).__name__ for effect in floor.switch.performed[effects:]]
    assert "JoinBridge" not in moves
    assert "HangUpLeg" not in moves
    if moment == "rings":
        floor.switch.answer(expert)
        floor.settle()
        assert where(floor, caller, leg, expert) == "hcc"
    floor.switch.end(caller)
    floor.settle()
    assert floor.switch.quiet()
    finish(floor)


def test_he_answers_and_hangs_up_while_nobody_listens(floor: Floor) -> None:
    caller, leg, expert = rung(floor)
    floor.switch.answer(expert)
    floor.restart()
    floor.feed_links("1001")
    floor.settle()
    assert where(floor, caller, leg, expert) == "hcc"
    floor.switch.end(expert)
    floor.restart()
    floor.feed_links("1001")
    floor.settle()
    assert where(floor, caller, leg) == "ht"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_agent_is_lost_for_good_and_the_customer_keeps_the_expert(floor: Floor) -> None:
    caller, leg, expert = conference(floor)
    floor.switch.unregister("d1001")
    floor.switch.end(leg, 44)
    floor.settle()
    assert where(floor, caller, expert) == "tt"
    floor.advance(16)
    assert where(floor, caller, expert) == "tt"
    assert floor.conversation().agent is None
    floor.switch.end(expert)
    floor.settle()
    assert floor.switch.quiet()
    floor.advance(40)
    assert not floor.world.conversations
    floor.check_journal()


def test_the_agent_is_lost_while_he_asks(floor: Floor) -> None:
    """The expert has music until he is back; if he is not, the customer waits for the next agent."""
    caller, leg, expert = asked(floor)
    floor.switch.unregister("d1001")
    floor.switch.end(leg, 44)
    floor.settle()
    assert where(floor, caller, expert) == "hh"
    floor.advance(16)
    assert expert not in floor.switch.channels
    assert where(floor, caller) == "h"
    assert floor.contact().head
    floor.switch.end(caller)
    floor.advance(40)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    floor.check_journal()
