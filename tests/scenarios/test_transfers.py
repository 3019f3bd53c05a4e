"""Blind transfers on the fake switch in virtual time: the customer has music or a partner, his story goes along."""

from __future__ import annotations

import msgspec
import pytest

from agent_desktop import view
from ctiserver.model import commands as cmd, effects as fx, events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.routing import OutboundConfig
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, ContactState, WorkKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site
from tests.scenarios.stories import both_finish, ends, finish, picks_up, send, talking


def test_to_a_colleague_with_the_note_and_the_way_that_the_customer_came(floor: Floor) -> None:
    """jambonz-feature-server#1363: the context is not lost on a transfer."""
    caller, leg = talking(floor)
    floor.log_in("1002")
    first = floor.contact()
    floor.command(cmd.WriteNote, "1001", contact=first.id, text="wants a refund")
    assert send(floor, to_agent="1002") is None
    assert floor.switch.bridge_of(caller) == "h", "music while the colleague's phone rings"
    assert leg not in floor.conversation().legs
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP
    pop = view.work(floor.world, AgentId("1002"), floor.work("1002"))
    assert pop is not None
    assert pop.path == (*first.path, "transfer:1001")
    own = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert own is not None
    assert own.handed == ()
    assert [(one.name.en, one.note) for one in pop.handed] == [("agent 1", "wants a refund")]
    new = picks_up(floor, "1002")
    assert floor.conversation().place is Place.TALKING
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(new) == "t"
    both_finish(floor, caller, "1002")
    assert ends(floor) == [EndReason.ANSWERED, EndReason.ANSWERED]


def test_to_a_queue_whose_agents_ring_at_once(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    assert send(floor, queue="service") is None
    assert floor.work("1002").kind is WorkKind.RESERVED
    picks_up(floor, "1002")
    both_finish(floor, caller, "1002")


def test_nobody_is_free_so_the_customer_waits_with_music_and_the_first_agent_may_get_him_back(floor: Floor) -> None:
    caller, _ = talking(floor)
    assert send(floor, queue="service") is None
    floor.advance(5)
    assert floor.switch.bridge_of(caller) == "h"
    assert [contact.state for contact in floor.world.contacts.values()] == [ContactState.ENDED, ContactState.WAITING]
    item = floor.work("1001")
    floor.command(cmd.FinishWrapUp, "1001", contact=item.contact, disposition="solved", note="", ready=True)
    floor.settle()
    picks_up(floor, "1001")
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_customer_on_hold_is_sent_on_without_leaving_his_music(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    floor.command(cmd.HoldCall, "1001", conversation=floor.conversation().id)
    floor.settle()
    joined = len([e for r in floor.records for e in r.effects if isinstance(e, fx.JoinBridge)])
    assert send(floor, to_agent="1002") is None
    assert floor.switch.bridge_of(caller) == "h"
    assert len([e for r in floor.records for e in r.effects if isinstance(e, fx.JoinBridge)]) == joined, "he was moved"
    picks_up(floor, "1002")
    assert not floor.conversation().held
    both_finish(floor, caller, "1002")


def test_into_a_flow_from_its_beginning(floor: Floor) -> None:
    caller, leg = talking(floor)
    played = len(floor.switch.played)
    assert send(floor, flow="main") is None
    assert floor.switch.bridge_of(caller) == ""
    assert leg not in floor.conversation().legs
    assert floor.switch.played[played:] == [("sound:menu",)]
    floor.switch.press(caller, "1")
    floor.settle()
    assert floor.conversation().place is Place.WAITING
    floor.switch.end(caller)
    floor.settle()
    finish(floor)
    assert ends(floor) == [EndReason.ANSWERED, EndReason.ABANDONED]


def test_the_first_agents_wrap_up_stays_on_his_screen_when_the_customer_gives_up_waiting(floor: Floor) -> None:
    """The second contact is over and nobody has it in hand, the first agent still writes about his."""
    caller, _ = talking(floor)
    assert send(floor, queue="service") is None
    floor.switch.end(caller)
    floor.settle()
    floor.advance(12)
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert shown.kind == "wrap_up"
    floor.restart()
    floor.settle()
    assert view.work(floor.world, AgentId("1001"), floor.work("1001")) is not None
    finish(floor)


def test_the_customer_hangs_up_in_the_same_moment(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    floor.switch.end(caller)
    floor.command(cmd.TransferCall, "1001", conversation=floor.conversation().id, to_agent="1002")
    floor.settle()
    assert agent_state(floor.agent("1002")) is AgentState.READY, "nobody rings for a caller who left"
    finish(floor)


def test_the_colleague_does_not_answer_and_the_next_one_does(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    assert send(floor, queue="service") is None
    floor.confirm("1002")
    floor.settle()
    floor.switch.end(floor.ringing_leg("1002"), 21)
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"queue": "nowhere"}, Rejection.UNKNOWN_TARGET),
        ({"flow": "nowhere"}, Rejection.UNKNOWN_TARGET),
        ({"to_agent": "9999"}, Rejection.UNKNOWN_TARGET),
        ({"to_agent": "1001"}, Rejection.UNKNOWN_TARGET),
        ({"to_agent": "1002"}, Rejection.TARGET_AWAY),
        ({}, Rejection.BAD_COMMAND),
        ({"queue": "service", "flow": "main"}, Rejection.BAD_COMMAND),
    ],
)
def test_refused_with_a_reason_and_nothing_changes(floor: Floor, target: dict[str, str], code: Rejection) -> None:
    caller, _ = talking(floor)
    before = msgspec.json.encode(floor.conversation())
    assert send(floor, **target) is code
    assert msgspec.json.encode(floor.conversation()) == before
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_closed_queue_takes_nobody(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.feed(cmd.CloseQueue(id="x", by="lead", agent=AgentId(""), queue="service", reason="fire drill"))
    assert send(floor, queue="service") is Rejection.TARGET_CLOSED
    assert floor.conversation().place is Place.TALKING
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_only_the_agent_who_talks_may_send_him_on(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1002")
    refused = floor.command(cmd.TransferCall, "1002", conversation=floor.conversation().id, queue="service")
    assert refused is not None
    assert refused.code is Rejection.UNKNOWN_CALL
    floor.switch.end(caller)
    floor.settle()
    finish(floor)
    assert not floor.events(ev.Transferred)


# --- to an outside number ---------------------------------------------------------------------------------------------

EXPERT = "13900002222"


@pytest.fixture
def abroad() -> Floor:
    """The site may call numbers that begin with 1."""
    rules = OutboundConfig(trunk="192.0.2.9:5060", prefixes=("1",), per_hour=2, ring_seconds=25.0)
    return Floor(msgspec.structs.replace(make_site(), outbound=rules))


def outside_leg(floor: Floor) -> LegId:
    return next(leg for leg, number in reversed(floor.switch.dialled.items()) if number == EXPERT)


def test_to_an_outside_number_where_somebody_answers(abroad: Floor) -> None:
    """Music, then the two are together without an agent, recorded as before, until one of them goes."""
    caller, leg = talking(abroad)
    assert send(abroad, number=EXPERT) is None
    assert abroad.switch.bridge_of(caller) == "h", "music while it rings"
    assert leg not in abroad.switch.channels
    assert abroad.work("1001").kind is WorkKind.WRAP_UP
    out = outside_leg(abroad)
    abroad.switch.answer(out)
    abroad.settle()
    assert abroad.switch.bridge_of(caller) == abroad.switch.bridge_of(out) == "t"
    assert len(abroad.switch.snoops) == 2
    for item in list(abroad.agent("1001").work.values()):
        abroad.command(cmd.FinishWrapUp, "1001", contact=item.contact, disposition="solved", note="", ready=True)
    abroad.advance(60)
    assert abroad.switch.bridge_of(caller) == abroad.switch.bridge_of(out) == "t", "the agent's wrap-up ends nothing"
    abroad.switch.end(out)
    abroad.settle()
    abroad.advance(30)
    assert abroad.switch.quiet()
    assert not abroad.world.conversations
    abroad.check_journal()
    assert ends(abroad) == [EndReason.ANSWERED]


@pytest.mark.parametrize("way", ["busy", "no answer", "no trunk"])
def test_nobody_answers_outside_and_the_customer_is_at_the_head_of_his_queue(abroad: Floor, way: str) -> None:
    caller, _ = talking(abroad)
    first = abroad.contact()
    conversation = abroad.conversation().id
    waiting = abroad.switch.call("in-9", "95500")
    abroad.advance(3)
    abroad.switch.press(waiting, "1")
    abroad.advance(5)
    abroad.switch.trunk_up = way != "no trunk"
    assert abroad.command(cmd.TransferCall, "1001", conversation=conversation, number=EXPERT) is None
    abroad.settle()
    match way:
        case "busy":
            abroad.switch.end(outside_leg(abroad), 17)
        case "no answer":
            abroad.advance(25.1)
    abroad.settle()
    assert abroad.switch.bridge_of(caller) == "h"
    back = next(one for one in abroad.world.contacts.values() if one.path and one.path[-1] == "transfer:1001")
    assert back.state is ContactState.WAITING
    assert back.path == (*first.path, "transfer:1001")
    abroad.log_in("1002")
    abroad.settle()
    assert abroad.work("1002").contact == back.id, "he goes before who waits since before"
    pop = view.work(abroad.world, AgentId("1002"), abroad.work("1002"))
    assert pop is not None
    abroad.switch.end(waiting)
    picks_up(abroad, "1002")
    assert abroad.switch.bridge_of(caller) == "t"
    both_finish_whatever(abroad, caller)


def both_finish_whatever(floor: Floor, caller: LegId) -> None:
    floor.switch.end(caller)
    floor.settle()
    for agent in ("1001", "1002"):
        for item in list(floor.agent(agent).work.values()):
            floor.command(cmd.FinishWrapUp, agent, contact=item.contact, disposition="solved", note="", ready=False)
    floor.advance(40)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    floor.check_journal()


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("way", ["customer hangs up", "kill", "kill, outside gone"])
def test_what_may_happen_while_it_rings_outside_and_in_the_talk(abroad: Floor, way: str, answered: bool) -> None:
    caller, _ = talking(abroad)
    assert send(abroad, number=EXPERT) is None
    out = outside_leg(abroad)
    if answered:
        abroad.switch.answer(out)
        abroad.settle()
    match way:
        case "kill":
            abroad.restart()
            abroad.settle()
            abroad.switch.answer(out)
            abroad.settle()
            assert abroad.switch.bridge_of(caller) == abroad.switch.bridge_of(out) == "t"
        case "kill, outside gone":
            abroad.switch.end(out)
            abroad.restart()
            abroad.settle()
            assert (abroad.switch.bridge_of(caller) == "h") is not answered, "he waits again, or it is over"
    abroad.switch.end(caller)
    abroad.settle()
    assert out not in abroad.switch.channels
    abroad.feed_links("1001")
    both_finish_whatever(abroad, caller)


def test_answered_while_nobody_listened(abroad: Floor) -> None:
    caller, _ = talking(abroad)
    assert send(abroad, number=EXPERT) is None
    out = outside_leg(abroad)
    abroad.switch.answer(out)
    abroad.restart()
    abroad.settle()
    assert abroad.switch.bridge_of(caller) == abroad.switch.bridge_of(out) == "t"
    abroad.feed_links("1001")
    both_finish_whatever(abroad, caller)


def test_where_a_customer_may_not_be_sent(abroad: Floor) -> None:
    """The rules are those of a call that the agent dials, and it counts as one."""
    caller, _ = talking(abroad)
    assert send(abroad, number="0208880000") is Rejection.NUMBER_NOT_ALLOWED
    assert send(abroad, number="x") is Rejection.BAD_NUMBER
    assert send(abroad, number=EXPERT, queue="service") is Rejection.BAD_COMMAND
    for _ in range(2):
        assert send(abroad, number=EXPERT) is None
        abroad.switch.end(outside_leg(abroad), 17)
        abroad.settle()
        for item in list(abroad.agent("1001").work.values()):
            if item.kind is WorkKind.WRAP_UP:
                abroad.command(
                    cmd.FinishWrapUp, "1001", contact=item.contact, disposition="solved", note="", ready=True
                )
        abroad.settle()
        picks_up(abroad, "1001")
    assert send(abroad, number=EXPERT) is Rejection.TOO_MANY_CALLS
    both_finish_whatever(abroad, caller)
