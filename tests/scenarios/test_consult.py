"""Consult, swap, complete, cancel on the fake switch in virtual time: the customer has a partner or music, always."""

from __future__ import annotations

import pytest

from acd.core import agent as agents
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import EndReason, Parted
from ctiserver.model.errors import Rejection
from ctiserver.model.talk import PartyState, Place
from ctiserver.model.work import AgentState
from tests.fakes.floor import Floor
from tests.scenarios.stories import (
    consulting,
    do,
    ends,
    finish,
    finish_both,
    into_queue,
    over,
    rung,
    state,
    talking,
    where,
)


def test_the_pop_comes_before_the_ring_and_the_colleague_is_nobodys_meanwhile(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.log_in("1002")
    assert do(floor, cmd.ConsultCall, to_agent="1002") is None
    assert floor.switch.bridge_of(caller) == "h"
    assert floor.switch.bridge_of(leg) == ""
    assert leg in floor.switch.ring_tones, "he hears that it rings"
    assert state(floor, "1002") is AgentState.RESERVED
    assert len(floor.events(ev.Originated)) == 1, "the pop comes first"
    floor.advance(0.2)
    assert len(floor.events(ev.Originated)) == 2, "and without a word of the desktop the ring follows"
    waiting = into_queue(floor, "1.2")
    assert state(floor, "1002") is AgentState.RESERVED
    assert not floor.agent("1002").work.keys() & floor.world.contacts.keys(), "no contact is offered to him"
    floor.switch.end(waiting)
    floor.switch.end(caller)
    floor.settle()
    assert state(floor, "1002") is AgentState.READY
    finish(floor)


def test_consult_and_complete(floor: Floor) -> None:
    """jambonz-feature-server#1363: the context is not lost on a transfer."""
    caller, leg = talking(floor)
    first = floor.contact()
    floor.command(cmd.WriteNote, "1001", contact=first.id, text="wants a refund")
    other = consulting(floor)
    assert where(floor, caller, leg, other) == "hcc"
    assert not floor.switch.ring_tones
    assert state(floor, "1002") is AgentState.BUSY
    item = floor.work("1002").contact
    assert do(floor, cmd.CompleteConsult) is None
    assert where(floor, caller, other) == "tt"
    assert leg not in floor.switch.channels
    assert state(floor, "1001") is AgentState.WRAP_UP
    assert floor.conversation().agent == "1002"
    assert floor.conversation().handed[-1].note == "wants a refund"
    second = floor.contact()
    assert (second.id, second.agent, second.path) == (item, "1002", (*first.path, "consult:1001"))
    assert second.data == first.data
    assert do(floor, cmd.HoldCall, "1002") is None, "it is his talk now"
    assert do(floor, cmd.RetrieveCall, "1002") is None
    floor.advance(20)
    floor.switch.end(caller)
    floor.settle()
    for agent in ("1001", "1002"):
        refused = floor.command(
            cmd.FinishWrapUp, agent, contact=floor.work(agent).contact, disposition="solved", note="", ready=True
        )
        assert refused is None
    over(floor)
    assert ends(floor) == [EndReason.ANSWERED, EndReason.ANSWERED]


def test_consult_and_cancel(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    assert do(floor, cmd.CancelConsult) is None
    assert where(floor, caller, leg) == "tt"
    assert other not in floor.switch.channels
    assert state(floor, "1002") is AgentState.READY, "a consult has no wrap-up"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_hanging_up_in_a_consult_lets_the_colleague_go_and_not_the_customer(floor: Floor) -> None:
    caller, leg = talking(floor)
    consulting(floor)
    assert do(floor, cmd.HangUpCall) is None
    assert where(floor, caller, leg) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_called_off_while_it_rings(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.log_in("1002")
    other = rung(floor)
    assert do(floor, cmd.CancelConsult) is None
    assert where(floor, caller, leg) == "tt"
    assert not floor.switch.ring_tones
    assert other not in floor.switch.channels
    assert state(floor, "1002") is AgentState.READY
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_called_off_and_his_leg_does_not_end_he_is_free_after_two_seconds(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    other = rung(floor)
    floor.calm = False
    floor.lost = lambda item: getattr(item, "leg", "") == other
    assert do(floor, cmd.CancelConsult) is None
    assert state(floor, "1002") is AgentState.RESERVED
    floor.advance(1.8)
    assert state(floor, "1002") is AgentState.RESERVED
    floor.advance(0.3)
    assert state(floor, "1002") is AgentState.READY
    floor.lost = lambda _item: False
    floor.feed(floor.switch.seen())
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize(("cause", "why"), [(21, Parted.REJECTED), (17, Parted.REJECTED), (18, Parted.UNREACHABLE)])
def test_he_does_not_take_it_and_the_customer_keeps_his_music_until_the_agent_is_back(
    floor: Floor, cause: int, why: Parted
) -> None:
    caller, leg = talking(floor)
    floor.log_in("1002")
    floor.switch.end(rung(floor), cause)
    floor.settle()
    gone = floor.conversation().party_gone
    assert gone is not None
    assert (gone.agent, gone.why) == ("1002", why)
    assert where(floor, caller, leg) == "ht"
    assert not floor.switch.ring_tones
    assert state(floor, "1002") is AgentState.READY
    assert do(floor, cmd.RetrieveCall) is None
    assert where(floor, caller, leg) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_nobody_answers_within_the_queues_time(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.log_in("1002")
    rung(floor)
    floor.advance(19)
    assert state(floor, "1002") is AgentState.RESERVED
    floor.advance(1.2)
    gone = floor.conversation().party_gone
    assert gone is not None
    assert gone.why is Parted.MISSED
    assert state(floor, "1002") is AgentState.READY
    assert floor.agent("1002").misses == 0, "a colleague's question is no missed offer"
    assert where(floor, caller, leg) == "ht"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_swap_and_back_and_complete(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    for _ in range(2):
        assert do(floor, cmd.SwapCall) is None
        assert where(floor, caller, leg, other) == "tth"
        assert floor.conversation().place is Place.TALKING
        assert do(floor, cmd.SwapCall) is None
        assert where(floor, caller, leg, other) == "hcc"
        assert floor.conversation().place is Place.HELD
    assert do(floor, cmd.RetrieveCall) is None, "to retrieve the customer is to swap"
    assert where(floor, caller, leg, other) == "tth"
    assert do(floor, cmd.CompleteConsult) is None
    assert where(floor, caller, other) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)


def test_held_while_swapped_both_have_music(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    assert do(floor, cmd.SwapCall) is None
    assert do(floor, cmd.HoldCall) is None
    assert where(floor, caller, leg, other) == "hth"
    assert do(floor, cmd.RetrieveCall) is None
    assert where(floor, caller, leg, other) == "tth"
    floor.switch.end(other)
    floor.settle()
    assert where(floor, caller, leg) == "tt", "the colleague has hung up"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_colleague_hangs_up_and_the_customer_waits_for_the_agent(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    assert do(floor, cmd.HangUpCall, "1002") is None
    assert other not in floor.switch.channels
    assert where(floor, caller, leg) == "ht"
    assert state(floor, "1002") is AgentState.READY
    assert do(floor, cmd.RetrieveCall) is None
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("moment", ["asked", "ringing", "consulting", "swapped", "conference"])
def test_the_customer_hangs_up_and_all_is_over(floor: Floor, moment: str) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    if moment == "asked":
        do(floor, cmd.ConsultCall, to_agent="1002")
    elif moment == "ringing":
        rung(floor)
    else:
        consulting(floor)
    if moment in ("swapped", "conference"):
        assert do(floor, cmd.SwapCall if moment == "swapped" else cmd.ConferenceCall) is None
    floor.switch.end(caller)
    floor.settle()
    assert floor.switch.quiet()
    assert state(floor, "1002") is AgentState.READY
    finish(floor)


@pytest.mark.parametrize("moment", ["ringing", "consulting", "swapped", "conference"])
@pytest.mark.parametrize("calm", [False, True], ids=["facts lost", "facts told"])
def test_kill_9_leaves_all_in_place(floor: Floor, moment: str, calm: bool) -> None:
    caller, leg = talking(floor)
    floor.log_in("1002")
    other = rung(floor) if moment == "ringing" else consulting(floor)
    if moment in ("swapped", "conference"):
        assert do(floor, cmd.SwapCall if moment == "swapped" else cmd.ConferenceCall) is None
    before = where(floor, caller, leg, other)
    effects = len(floor.switch.performed)
    floor.restart(lose_facts=not calm)
    floor.settle()
    assert where(floor, caller, leg, other) == before
    moves = [type(effect).__name__ for effect in floor.switch.performed[effects:]]
    assert "JoinBridge" not in moves
    assert "HangUpLeg" not in moves
    for agent in ("1001", "1002"):
        floor.feed_links(agent)
    if moment == "ringing":
        floor.switch.answer(other)
        floor.settle()
        assert where(floor, caller, leg, other) == "hcc"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_he_answers_while_nobody_listens(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.log_in("1002")
    other = rung(floor)
    floor.switch.answer(other)
    floor.restart()
    floor.settle()
    assert where(floor, caller, leg, other) == "hcc"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_he_hangs_up_while_nobody_listens(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    floor.switch.end(other)
    floor.restart()
    for agent in ("1001", "1002"):
        floor.feed_links(agent)
    floor.advance(16)
    assert where(floor, caller, leg) in ("ht", "hc")
    assert do(floor, cmd.CancelConsult) in (None, Rejection.NO_CONSULT)
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_agents_page_is_loaded_anew_while_he_consults(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    floor.reload("1001", "page2")
    floor.settle()
    new = floor.switch.auto_answered[-1]
    assert new != leg
    assert leg not in floor.switch.channels
    assert where(floor, caller, new, other) == "hcc"
    assert do(floor, cmd.CompleteConsult) is None
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)


def test_the_colleagues_page_is_loaded_anew(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    floor.reload("1002", "page2")
    floor.settle()
    new = floor.switch.auto_answered[-1]
    assert other not in floor.switch.channels
    assert where(floor, caller, leg, new) == "hcc"
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, new) == "ttt"
    floor.reload("1002", "page3")
    floor.settle()
    assert where(floor, caller, leg, floor.switch.auto_answered[-1]) == "ttt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_agents_leg_is_lost_and_back(floor: Floor, swapped: bool) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    if swapped:
        assert do(floor, cmd.SwapCall) is None
    floor.switch.unregister("d1001")
    floor.switch.end(leg, 44)
    floor.settle()
    assert where(floor, caller, other) == "hh", "both have music"
    assert do(floor, cmd.SwapCall) is Rejection.NOT_TALKING
    floor.switch.register("d1001")
    floor.reload("1001", "page2")
    floor.settle()
    new = floor.switch.auto_answered[-1]
    assert where(floor, caller, new, other) == ("tth" if swapped else "hcc")
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_agent_is_lost_for_good_and_the_colleague_is_free(floor: Floor) -> None:
    caller, leg = talking(floor)
    consulting(floor, ready=False)
    floor.switch.unregister("d1001")
    floor.switch.end(leg, 44)
    floor.advance(15.5)
    assert state(floor, "1002") is AgentState.NOT_READY
    assert floor.switch.bridge_of(caller) == "h"
    assert floor.conversation().place is Place.WAITING
    assert not floor.conversation().parties
    floor.switch.end(caller)
    over(floor)


@pytest.mark.parametrize("back", [True, False])
def test_the_colleagues_leg_is_lost(floor: Floor, back: bool) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    floor.switch.unregister("d1002")
    floor.switch.end(other, 44)
    floor.settle()
    assert state(floor, "1002") is AgentState.BUSY
    if back:
        floor.reload("1002", "page2")
        floor.settle()
        assert where(floor, caller, leg, floor.switch.auto_answered[-1]) == "hcc"
        floor.advance(20)
        assert where(floor, caller, leg, floor.switch.auto_answered[-1]) == "hcc"
    else:
        floor.advance(15.5)
        gone = floor.conversation().party_gone
        assert gone is not None
        assert gone.why is Parted.LOST
        assert where(floor, caller, leg) == "ht"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_agent_hangs_up_his_phone_on_the_colleague_and_his_customer_rings_back(floor: Floor) -> None:
    caller, leg = talking(floor)
    other = consulting(floor)
    floor.switch.end(leg)
    floor.settle()
    assert other not in floor.switch.channels
    assert where(floor, caller, floor.switch.auto_answered[-1]) == "ht"
    assert do(floor, cmd.RetrieveCall) is None
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("9999", Rejection.UNKNOWN_TARGET),
        ("1001", Rejection.UNKNOWN_TARGET),
        ("1003", Rejection.TARGET_AWAY),
        ("", Rejection.BAD_COMMAND),
    ],
)
def test_whom_he_cannot_ask(floor: Floor, target: str, code: Rejection) -> None:
    caller, leg = talking(floor)
    assert do(floor, cmd.ConsultCall, to_agent=target) is code
    assert where(floor, caller, leg) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_who_has_something_in_his_hands_or_no_phone_is_not_asked(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    floor.switch.unregister("d1002")
    floor.settle()
    assert do(floor, cmd.ConsultCall, to_agent="1002") is Rejection.TARGET_UNREACHABLE
    floor.log_in("1003", ready=False)
    consulting(floor, "1003")
    assert do(floor, cmd.ConsultCall, to_agent="1002") is Rejection.CONSULT_RUNNING
    assert do(floor, cmd.TransferCall, to_agent="1002") is Rejection.CONSULT_RUNNING
    assert floor.command(cmd.SignOut, "1003") is not None, "he is in a call"
    floor.switch.end(caller)
    floor.settle()
    assert state(floor, "1003") is AgentState.NOT_READY
    finish(floor)


def test_two_agents_ask_the_same_colleague(floor: Floor) -> None:
    caller, _ = talking(floor)
    first = floor.conversation().id
    floor.log_in("1002")
    second = into_queue(floor, "1.2")
    floor.confirm("1002")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1002"))
    floor.settle()
    floor.log_in("1003")
    assert do(floor, cmd.ConsultCall, "1002", to_agent="1003") is None
    refused = floor.command(cmd.ConsultCall, "1001", conversation=first, to_agent="1003")
    assert refused is not None
    assert refused.code is Rejection.TARGET_BUSY
    for leg in (caller, second):
        floor.switch.end(leg)
    floor.settle()
    finish_both(floor)


def test_who_is_asked_may_neither_hold_nor_swap_nor_hand_on(floor: Floor) -> None:
    caller, _ = talking(floor)
    consulting(floor)
    for kind in (cmd.HoldCall, cmd.SwapCall, cmd.CompleteConsult, cmd.ConferenceCall, cmd.CancelConsult):
        assert do(floor, kind, "1002") is Rejection.UNKNOWN_CALL
    assert floor.conversation().parties[0].state is PartyState.CONSULTING
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_the_colleague_is_not_eligible_for_a_queue_meanwhile(floor: Floor) -> None:
    caller, _ = talking(floor)
    consulting(floor)
    assert not agents.eligible(floor.agent("1002"))
    floor.switch.end(caller)
    floor.settle()
    finish(floor)
