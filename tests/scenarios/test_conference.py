"""Conferences on the fake switch in virtual time: three and more, leaving, dropping, and people who are lost."""

from __future__ import annotations

import pytest

from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import LegId
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState
from tests.fakes.floor import Floor
from tests.scenarios.stories import consulting, do, ends, finish, finish_both, over, state, talking, where


def three(floor: Floor) -> tuple[LegId, LegId, LegId]:
    caller, leg = talking(floor)
    other = consulting(floor)
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, other) == "ttt"
    assert floor.conversation().place is Place.TALKING
    return caller, leg, other


def test_three_hear_each_other_and_the_agent_leaves(floor: Floor) -> None:
    caller, leg, other = three(floor)
    assert do(floor, cmd.LeaveConference) is None
    assert leg not in floor.switch.channels
    assert where(floor, caller, other) == "tt"
    assert floor.conversation().agent == "1002"
    assert state(floor, "1001") is AgentState.WRAP_UP
    assert state(floor, "1002") is AgentState.BUSY
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)
    assert ends(floor) == [EndReason.ANSWERED, EndReason.ANSWERED]


@pytest.mark.parametrize("way", ["command", "phone"])
def test_hanging_up_in_a_conference_is_leaving_it(floor: Floor, way: str) -> None:
    caller, leg, other = three(floor)
    if way == "command":
        assert do(floor, cmd.HangUpCall) is None
    else:
        floor.switch.end(leg)
        floor.settle()
    assert where(floor, caller, other) == "tt"
    assert state(floor, "1001") is AgentState.WRAP_UP
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)


def test_merged_while_the_agent_is_with_the_customer(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    assert do(floor, cmd.SwapCall) is None
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, other) == "ttt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_agent_takes_the_colleague_out(floor: Floor) -> None:
    caller, leg, other = three(floor)
    assert do(floor, cmd.DropParty, party="1003") is Rejection.UNKNOWN_PARTY
    assert do(floor, cmd.DropParty, party="1002") is None
    assert other not in floor.switch.channels
    assert where(floor, caller, leg) == "tt"
    assert state(floor, "1002") is AgentState.READY
    assert do(floor, cmd.HoldCall) is None
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("way", ["command", "phone"])
def test_the_colleague_leaves(floor: Floor, way: str) -> None:
    caller, leg, other = three(floor)
    if way == "command":
        assert do(floor, cmd.HangUpCall, "1002") is None
    else:
        floor.switch.end(other)
        floor.settle()
    assert where(floor, caller, leg) == "tt"
    assert state(floor, "1002") is AgentState.READY
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_four_by_a_second_consult_from_the_conference(floor: Floor) -> None:
    caller, leg, other = three(floor)
    third = consulting(floor, "1003")
    assert where(floor, caller, leg, other, third) == "tctc", "the others talk on"
    assert do(floor, cmd.SwapCall) is None
    assert where(floor, caller, leg, other, third) == "ttth"
    assert do(floor, cmd.HoldCall) is Rejection.CONSULT_RUNNING, "two would be left in silence"
    assert do(floor, cmd.LeaveConference) is Rejection.CONSULT_RUNNING
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, other, third) == "tttt"
    assert do(floor, cmd.LeaveConference) is None
    assert floor.conversation().agent == "1002", "who was called in first keeps him"
    assert [one.agent for one in floor.conversation().parties] == ["1003"]
    assert do(floor, cmd.DropParty, "1002", party="1003") is None
    assert where(floor, caller, other) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)


def test_the_second_consult_is_called_off(floor: Floor) -> None:
    caller, leg, other = three(floor)
    consulting(floor, "1003")
    assert do(floor, cmd.CancelConsult) is None
    assert where(floor, caller, leg, other) == "ttt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_first_colleague_leaves_while_the_agent_asks_a_second_one(floor: Floor) -> None:
    caller, leg, other = three(floor)
    third = consulting(floor, "1003")
    floor.switch.end(other)
    floor.settle()
    assert where(floor, caller, leg, third) == "hcc", "the customer is not left alone"
    assert do(floor, cmd.CompleteConsult) is None
    assert where(floor, caller, third) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor, "1001", "1003")


def test_hold_in_a_conference_is_for_the_customer(floor: Floor) -> None:
    caller, leg, other = three(floor)
    assert do(floor, cmd.HoldCall) is None
    assert where(floor, caller, leg, other) == "htt"
    floor.log_in("1003")
    assert do(floor, cmd.ConsultCall, to_agent="1003") is Rejection.NOT_TALKING
    assert do(floor, cmd.RetrieveCall) is None
    assert where(floor, caller, leg, other) == "ttt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("held", [False, True])
def test_the_agent_is_lost_and_the_others_talk_on(floor: Floor, held: bool) -> None:
    caller, leg, other = three(floor)
    if held:
        assert do(floor, cmd.HoldCall) is None
    floor.switch.unregister("d1001")
    floor.switch.end(leg, 44)
    floor.settle()
    assert where(floor, caller, other) == "tt"
    floor.switch.register("d1001")
    floor.reload("1001", "page2")
    floor.settle()
    assert where(floor, caller, floor.switch.auto_answered[-1], other) == "ttt"
    floor.advance(20)
    assert floor.conversation().agent == "1001"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_agent_is_lost_for_good_and_the_colleague_keeps_the_customer(floor: Floor) -> None:
    caller, leg, other = three(floor)
    floor.switch.unregister("d1001")
    floor.switch.end(leg, 44)
    floor.advance(15.5)
    assert where(floor, caller, other) == "tt"
    assert floor.conversation().agent == "1002"
    assert not floor.events(ev.ContactRequeued)
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)


def test_both_are_lost_and_the_customer_has_music(floor: Floor) -> None:
    caller, leg, other = three(floor)
    for agent, gone in (("1001", leg), ("1002", other)):
        floor.switch.unregister(f"d{agent}")
        floor.switch.end(gone, 44)
        floor.settle()
    assert where(floor, caller) == "h"
    floor.switch.register("d1002")
    floor.reload("1002", "page2")
    floor.settle()
    assert where(floor, caller, floor.switch.auto_answered[-1]) == "tt"
    floor.switch.register("d1001")
    floor.reload("1001", "page2")
    floor.settle()
    assert where(floor, caller, floor.switch.auto_answered[-1]) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_both_are_lost_for_good(floor: Floor) -> None:
    caller, leg, other = three(floor)
    for agent, gone in (("1002", other), ("1001", leg)):
        floor.switch.unregister(f"d{agent}")
        floor.switch.end(gone, 44)
        floor.settle()
    assert where(floor, caller) == "h"
    floor.advance(16)
    assert floor.conversation().place is Place.WAITING
    assert not floor.conversation().parties
    floor.switch.end(caller)
    over(floor)


def test_the_first_of_three_leaves_while_he_is_the_only_one_there(floor: Floor) -> None:
    caller, leg, other = three(floor)
    floor.switch.unregister("d1002")
    floor.switch.end(other, 44)
    floor.settle()
    assert do(floor, cmd.LeaveConference) is Rejection.NO_CONFERENCE
    assert do(floor, cmd.DropParty, party="1002") is None
    assert where(floor, caller, leg) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("first", ["agent", "colleague"])
def test_who_is_in_the_conference_is_lost_while_the_agent_asks_another(floor: Floor, first: str) -> None:
    """Found by chance: the customer was alone in the talk."""
    caller, leg, other = three(floor)
    third = consulting(floor, "1003")
    if first == "agent":
        floor.switch.unregister("d1001")
        floor.switch.end(leg, 44)
        floor.settle()
        floor.switch.end(other)
        floor.settle()
        assert where(floor, caller) == "h"
        floor.switch.register("d1001")
        floor.reload("1001", "page2")
        floor.settle()
        leg = floor.switch.auto_answered[-1]
    else:
        floor.switch.unregister("d1002")
        floor.switch.end(other, 44)
        floor.settle()
    assert where(floor, caller, leg, third) == "hcc"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)
