"""A team lead in a call, on the fake switch in virtual time: where his leg sits and who could hear him."""

from __future__ import annotations

import copy

import msgspec
import pytest

from agent_desktop import view
from ctiserver.model import commands as cmd, effects as fx, events as ev, ids
from ctiserver.model.causes import ClearedBy, EndReason, MonitorEnd, MonitorMode
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.site import FloorConfig
from ctiserver.model.talk import Role
from ctiserver.model.work import AgentState, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import FLOW, make_site
from tests.scenarios.stories import both_finish, consulting, do, ends, finish, finish_both, picks_up, send, talking

LEAD = ids.seat("2001")
LISTEN, WHISPER, BARGE = MonitorMode.LISTEN, MonitorMode.WHISPER, MonitorMode.BARGE


def seated(floor: Floor, lead: str = LEAD, instance: str = "lead page") -> None:
    """The lead's page is a phone; he has no agent's seat."""
    lease = f"d{lead[1:]}"
    assert floor.command(cmd.TakeDevice, lead, lease=lease, instance=instance, take_over=True) is None
    floor.switch.register(lease)
    floor.settle()
    assert floor.command(cmd.PhoneReady, lead, lease=lease, instance=instance) is None


def ask(floor: Floor, kind: type[cmd.Command], lead: str = LEAD, **more: object) -> Rejection | None:
    refused = floor.command(kind, lead, conversation=floor.conversation().id, **more)
    floor.settle()
    return refused.code if refused is not None else None


def listening(floor: Floor, mode: MonitorMode = LISTEN) -> LegId:
    """The lead is in the call; returns his leg."""
    seated(floor)
    assert ask(floor, cmd.MonitorCall, mode=mode) is None
    monitor = floor.conversation().monitor
    assert monitor is not None
    return monitor.leg


def silent(floor: Floor, leg: LegId) -> bool:
    """He sits with them in the talk bridge and nobody can hear him."""
    return floor.switch.bridge_of(leg) == "t" and leg in floor.switch.muted


def hears(floor: Floor) -> list[LegId]:
    """On whose legs the whispering lead's voice comes out."""
    there = [name for legs in floor.switch.bridges.values() for name in legs if ids.kind(name) == "w"]
    return [floor.switch.snoops[name] for name in there]


def ended(floor: Floor) -> MonitorEnd:
    (stopped,) = floor.events(ev.MonitorStopped)
    assert isinstance(stopped, ev.MonitorStopped)
    return stopped.why


def over(floor: Floor, caller: LegId) -> None:
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_he_listens_muted_in_the_talk_and_both_go_on_as_before(floor: Floor) -> None:
    """dynamics-365#3017: the microphone is never open, not for one packet."""
    caller, agent = talking(floor)
    lead = listening(floor)
    assert floor.switch.auto_answered == [lead], "his own click: his phone answers by itself"
    assert silent(floor, lead)
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(agent) == "t"
    joins = [e for r in floor.records for e in r.effects if isinstance(e, fx.JoinBridge) and e.leg == lead]
    assert [join.mute for join in joins] == [True]
    assert ask(floor, cmd.StopMonitor) is None
    assert lead not in floor.switch.channels
    assert ended(floor) is MonitorEnd.STOPPED
    assert floor.conversation().agent == "1001"
    over(floor, caller)


def test_the_log_says_who_listened_to_whom_how_and_when(floor: Floor) -> None:
    caller, _ = talking(floor)
    listening(floor)
    floor.advance(5)
    ask(floor, cmd.ChangeMonitor, mode=BARGE)
    floor.advance(5)
    ask(floor, cmd.StopMonitor)
    log = [e for r in floor.records for e in r.events if isinstance(e, ev.MonitorEvent)]
    told = [(type(e).__name__, e.by, e.listened, e.mode) for e in log]
    assert told == [
        ("MonitorStarted", LEAD, "1001", LISTEN),
        ("MonitorJoined", LEAD, "1001", LISTEN),
        ("MonitorChanged", LEAD, "1001", BARGE),
        ("MonitorStopped", LEAD, "1001", BARGE),
    ]
    assert 5 < log[2].at - log[1].at < 5.5
    assert 5 < log[3].at - log[2].at < 5.5
    over(floor, caller)


def test_hold_leaves_him_with_the_agent_and_the_customer_with_music(floor: Floor) -> None:
    caller, agent = talking(floor)
    lead = listening(floor)
    call = floor.conversation().id
    assert floor.command(cmd.HoldCall, "1001", conversation=call) is None
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    assert silent(floor, lead)
    assert floor.command(cmd.RetrieveCall, "1001", conversation=call) is None
    floor.settle()
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(agent) == "t"
    assert silent(floor, lead)
    over(floor, caller)


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_he_stays_with_the_customer_through_a_transfer(floor: Floor, mode: MonitorMode) -> None:
    """asterisk#2123: a supervisor loses the call on a transfer."""
    caller, first = talking(floor)
    lead = listening(floor, mode)
    floor.log_in("1002")
    assert hears(floor) == ([first] if mode is WHISPER else [])
    assert send(floor, to_agent="1002") is None
    assert floor.switch.bridge_of(caller) == "h", "music, and nothing of the lead"
    assert lead in floor.switch.channels
    assert hears(floor) == []
    second = picks_up(floor, "1002")
    assert hears(floor) == ([second] if mode is WHISPER else []), "made anew with the new leg"
    assert silent(floor, lead) is (mode is LISTEN)
    moved = floor.events(ev.MonitorMoved)
    assert [m.listened for m in moved if isinstance(m, ev.MonitorMoved)] == ["1002"]
    both_finish(floor, caller, "1002")
    assert ended(floor) is MonitorEnd.CALL_OVER


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_the_agents_page_is_reloaded_and_the_lead_hears_the_new_leg(floor: Floor, mode: MonitorMode) -> None:
    caller, first = talking(floor)
    lead = listening(floor, mode)
    floor.reload("1001", "page2")
    floor.settle()
    (agent,) = [leg for leg in floor.conversation().legs.values() if leg.role is Role.AGENT]
    assert agent.id != first
    assert floor.switch.bridge_of(agent.id) == "t"
    assert hears(floor) == ([agent.id] if mode is WHISPER else [])
    assert silent(floor, lead) is (mode is LISTEN)
    over(floor, caller)


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_the_caller_hangs_up_and_everybody_is_free(floor: Floor, mode: MonitorMode) -> None:
    caller, _ = talking(floor)
    listening(floor, mode)
    floor.switch.end(caller)
    floor.settle()
    assert ended(floor) is MonitorEnd.CALL_OVER
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP
    finish(floor)


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_the_server_is_killed_and_he_is_where_he_was_and_as_silent(floor: Floor, mode: MonitorMode) -> None:
    caller, agent = talking(floor)
    lead = listening(floor, mode)
    floor.switch.muted.discard(lead)  # the join that was to mute him was never carried out
    floor.restart()
    floor.settle()
    assert (lead in floor.switch.muted) is (mode is LISTEN)
    assert floor.switch.bridge_of(lead) == ("w" if mode is WHISPER else "t")
    assert hears(floor) == ([agent] if mode is WHISPER else [])
    over(floor, caller)


def test_killed_while_his_phone_was_answering(floor: Floor) -> None:
    caller, _ = talking(floor)
    seated(floor)
    floor.command(cmd.MonitorCall, LEAD, conversation=floor.conversation().id)
    floor.restart()
    floor.settle()
    monitor = floor.conversation().monitor
    assert monitor is not None
    assert silent(floor, monitor.leg)
    over(floor, caller)


def test_whisper_reaches_the_agent_only_and_back_to_listening_nobody(floor: Floor) -> None:
    caller, agent = talking(floor)
    lead = listening(floor)
    assert ask(floor, cmd.ChangeMonitor, mode=WHISPER) is None
    assert floor.switch.bridge_of(lead) == "w"
    assert hears(floor) == [agent]
    assert ask(floor, cmd.ChangeMonitor, mode=BARGE) is None
    assert floor.switch.bridge_of(lead) == "t"
    assert lead not in floor.switch.muted
    assert hears(floor) == []
    assert ask(floor, cmd.ChangeMonitor, mode=LISTEN) is None
    assert silent(floor, lead)
    assert not [b for b in floor.switch.bridges if ids.kind(b) == "w"]
    over(floor, caller)


def test_the_agents_leg_is_lost_in_a_whisper_and_comes_back(floor: Floor) -> None:
    caller, agent = talking(floor)
    listening(floor, WHISPER)
    floor.switch.end(agent, 44)
    floor.settle()
    back = floor.conversation()
    (leg,) = [leg for leg in back.legs.values() if leg.role is Role.AGENT]
    assert leg.id != agent
    assert hears(floor) == [leg.id]
    over(floor, caller)


def test_he_hangs_up_his_own_phone_and_only_he_is_gone(floor: Floor) -> None:
    caller, agent = talking(floor)
    lead = listening(floor)
    floor.switch.end(lead)
    floor.settle()
    assert ended(floor) is MonitorEnd.LEFT
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(agent) == "t"
    over(floor, caller)


def test_his_own_hold_button_holds_nobody(floor: Floor) -> None:
    caller, _ = talking(floor)
    lead = listening(floor)
    floor.switch.hold(lead)
    floor.settle()
    assert floor.switch.bridge_of(caller) == "t"
    over(floor, caller)


def test_his_page_is_loaded_anew_and_he_is_out_of_the_call(floor: Floor) -> None:
    caller, _ = talking(floor)
    lead = listening(floor)
    seated(floor, instance="another load")
    floor.settle()
    assert lead not in floor.switch.channels
    assert ended(floor) is MonitorEnd.LOST
    over(floor, caller)


def test_a_phone_that_does_not_answer_and_one_that_is_away(floor: Floor) -> None:
    caller, _ = talking(floor)
    assert ask(floor, cmd.MonitorCall) is Rejection.NO_PHONE
    seated(floor)
    floor.switch.deaf = True
    assert ask(floor, cmd.MonitorCall) is None
    monitor = floor.conversation().monitor
    assert monitor is not None
    floor.switch.end(monitor.leg, 19)
    floor.settle()
    assert ended(floor) is MonitorEnd.UNREACHED
    floor.switch.deaf = False
    assert ask(floor, cmd.MonitorCall) is None
    over(floor, caller)


def test_one_lead_a_call_and_one_call_a_lead(floor: Floor) -> None:
    caller, _ = talking(floor)
    listening(floor)
    other = ids.seat("2002")
    seated(floor, other)
    assert ask(floor, cmd.MonitorCall) is Rejection.MONITORING_ELSEWHERE
    assert ask(floor, cmd.MonitorCall, other) is Rejection.MONITORED
    assert ask(floor, cmd.ChangeMonitor, other, mode=BARGE) is Rejection.NOT_MONITORING
    assert ask(floor, cmd.StopMonitor, other) is Rejection.NOT_MONITORING
    over(floor, caller)


def test_nobody_listens_to_a_caller_who_waits(floor: Floor) -> None:
    caller, _ = talking(floor)
    seated(floor)
    assert send(floor, queue="service") is None
    assert ask(floor, cmd.MonitorCall) is Rejection.NOT_TALKING
    over(floor, caller)


def test_a_lead_ends_a_call(floor: Floor) -> None:
    talking(floor)
    assert ask(floor, cmd.DisconnectCall) is None
    (cleared,) = floor.events(ev.CallCleared)
    assert isinstance(cleared, ev.CallCleared)
    assert cleared.by is ClearedBy.LEAD
    finish(floor)


def test_a_seat_takes_no_work(floor: Floor) -> None:
    seated(floor)
    for command in (cmd.SignIn, cmd.SetReady):
        refused = floor.command(command, LEAD)
        assert refused is not None
        assert refused.code is Rejection.UNKNOWN_AGENT


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_consult_conference_and_the_agent_leaves_and_the_lead_stays_with_the_customer(
    floor: Floor, mode: MonitorMode
) -> None:
    caller, first = talking(floor)
    lead = listening(floor, mode)
    second = consulting(floor)
    assert floor.switch.bridge_of(caller) == "h"
    assert hears(floor) == ([first] if mode is WHISPER else [])
    assert do(floor, cmd.ConferenceCall) is None
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(second) == "t"
    assert silent(floor, lead) is (mode is LISTEN)
    assert hears(floor) == ([first] if mode is WHISPER else []), "the agent whose talk it is, not his colleague"
    assert ask(floor, cmd.TakeOverCall) is Rejection.CONSULT_RUNNING
    assert do(floor, cmd.LeaveConference) is None
    assert silent(floor, lead) is (mode is LISTEN)
    assert hears(floor) == ([second] if mode is WHISPER else [])
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)
    assert ended(floor) is MonitorEnd.CALL_OVER


@pytest.mark.parametrize("told", [False, True])
def test_the_agent_sees_that_somebody_listens_only_if_the_site_says_so(told: bool) -> None:
    floor = Floor(msgspec.structs.replace(make_site(), floor=FloorConfig(tell_listening=told)))
    caller, _ = talking(floor)
    listening(floor)
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert shown.listened is told
    ask(floor, cmd.StopMonitor)
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert shown.listened is False
    over(floor, caller)


# --- take over


def taken_over(floor: Floor, mode: MonitorMode = LISTEN) -> tuple[LegId, LegId]:
    """The lead has the agent's place: the caller's leg and the lead's."""
    caller, agent = talking(floor)
    lead = listening(floor, mode)
    assert ask(floor, cmd.TakeOverCall) is None
    assert agent not in floor.switch.channels
    return caller, lead


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_he_takes_over_and_the_agent_wraps_up(floor: Floor, mode: MonitorMode) -> None:
    caller, lead = taken_over(floor, mode)
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(lead) == "t"
    assert lead not in floor.switch.muted
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP
    assert ended(floor) is MonitorEnd.TAKEN_OVER
    assert not [b for b in floor.switch.bridges if ids.kind(b) == "w"]
    item = floor.work("1001")
    floor.command(cmd.FinishWrapUp, "1001", contact=item.contact, disposition="solved", note="", ready=True)
    floor.advance(30)
    assert floor.conversation().agent == LEAD, "the talk goes on when the agent's part is filed"
    assert ask(floor, cmd.HangUpCall) is None
    floor.advance(30)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    floor.check_journal()


def test_a_customer_on_hold_is_taken_over(floor: Floor) -> None:
    caller, agent = talking(floor)
    lead = listening(floor)
    floor.command(cmd.HoldCall, "1001", conversation=floor.conversation().id)
    floor.settle()
    assert ask(floor, cmd.TakeOverCall) is None
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(lead) == "t"
    assert agent not in floor.switch.channels
    assert ask(floor, cmd.HoldCall) is None
    assert floor.switch.bridge_of(caller) == "h"
    assert ask(floor, cmd.RetrieveCall) is None
    assert floor.switch.bridge_of(caller) == "t"
    over(floor, caller)


@pytest.mark.parametrize("held", [False, True])
def test_the_caller_hangs_up_after_the_take_over(floor: Floor, held: bool) -> None:
    caller, lead = taken_over(floor)
    if held:
        assert ask(floor, cmd.HoldCall) is None
    floor.switch.end(caller)
    floor.settle()
    assert lead not in floor.switch.channels
    finish(floor)
    assert ends(floor) == [EndReason.ANSWERED]
    assert cleared_by(floor) is ClearedBy.CUSTOMER


@pytest.mark.parametrize("held", [False, True])
def test_the_lead_puts_his_phone_down_after_the_take_over(floor: Floor, held: bool) -> None:
    caller, lead = taken_over(floor)
    if held:
        assert ask(floor, cmd.HoldCall) is None
    floor.switch.end(lead, 16)
    floor.settle()
    assert caller not in floor.switch.channels
    finish(floor)
    assert ends(floor) == [EndReason.ANSWERED]
    assert cleared_by(floor) is ClearedBy.AGENT


def cleared_by(floor: Floor) -> ClearedBy:
    (cleared,) = floor.events(ev.CallCleared)
    assert isinstance(cleared, ev.CallCleared)
    return cleared.by


@pytest.mark.parametrize("held", [False, True])
def test_killed_after_the_take_over(floor: Floor, held: bool) -> None:
    caller, lead = taken_over(floor)
    if held:
        assert ask(floor, cmd.HoldCall) is None
    floor.restart()
    floor.settle()
    assert (floor.switch.bridge_of(caller), floor.switch.bridge_of(lead)) == ("h" if held else "t", "t")
    assert floor.conversation().agent == LEAD
    if held:
        assert ask(floor, cmd.RetrieveCall) is None
        assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(lead) == "t"
    over(floor, caller)


def test_his_page_is_reloaded_after_the_take_over_and_he_is_rung_again(floor: Floor) -> None:
    caller, lead = taken_over(floor)
    seated(floor, instance="another load")
    floor.settle()
    (leg,) = [leg.id for leg in floor.conversation().legs.values() if leg.role is Role.AGENT]
    assert leg != lead
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(leg) == "t"
    over(floor, caller)


def test_his_page_is_gone_for_a_while_and_the_customer_has_music_until_he_is_back(floor: Floor) -> None:
    caller, lead = taken_over(floor)
    floor.switch.unregister("d2001")
    floor.switch.end(lead, 44)
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    assert ask(floor, cmd.TransferCall, queue="service") is Rejection.NOT_TALKING
    floor.advance(9)
    seated(floor, instance="another load")
    floor.settle()
    (leg,) = [leg.id for leg in floor.conversation().legs.values() if leg.role is Role.AGENT]
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(leg) == "t"
    floor.advance(20)
    assert floor.conversation().agent == LEAD, "the time within which he was to be back is not held against him"
    assert [name for name in floor.switch.channels if ids.kind(name) in ("a", "l")] == [leg]
    over(floor, caller)


@pytest.mark.parametrize("target", ["to_agent", "queue"])
@pytest.mark.parametrize("held", [False, True])
def test_he_sends_the_customer_on_with_all_that_was_known_of_him(target: str, held: bool) -> None:
    flow = copy.deepcopy(FLOW)
    flow["nodes"]["service"]["data"] = {"order": "4711"}  # type: ignore[index]
    floor = Floor(make_site(flow))
    caller, _ = talking(floor)
    floor.command(cmd.WriteNote, "1001", contact=floor.contact().id, text="wants a refund")
    first = floor.contact()
    lead = listening(floor)
    assert ask(floor, cmd.TakeOverCall) is None
    floor.log_in("1002")
    floor.command(cmd.FinishWrapUp, "1001", contact=first.id, disposition="solved", note="wants a refund", ready=False)
    assert first.id not in floor.world.contacts, "the agent's part is filed long before"
    if held:
        assert ask(floor, cmd.HoldCall) is None
    where: dict[str, str] = {"to_agent": "1002"} if target == "to_agent" else {"queue": "service"}
    assert ask(floor, cmd.TransferCall, **where) is None
    assert floor.switch.bridge_of(caller) == "h", "music until somebody answers"
    assert lead not in floor.switch.channels
    second = floor.contact()
    assert second.data == {"order": "4711"}
    assert second.path == (*first.path, f"transfer:{LEAD}")
    assert [one.note for one in floor.conversation().handed] == ["wants a refund", ""]
    assert ask(floor, cmd.HangUpCall) is Rejection.UNKNOWN_CALL, "he is no more his"
    picks_up(floor, "1002")
    assert floor.switch.bridge_of(caller) == "t"
    floor.switch.end(caller)
    floor.settle()
    finish(floor, "1002")
    assert ends(floor) == [EndReason.ANSWERED, EndReason.ANSWERED]
    assert floor.agent(LEAD).work == {}


def test_what_a_lead_may_not_do_with_a_customer(floor: Floor) -> None:
    """Outside numbers are an agent's, whose calls are counted; a call that he only listens to is not his."""
    caller, _ = talking(floor)
    listening(floor)
    assert ask(floor, cmd.TransferCall, queue="service") is Rejection.UNKNOWN_CALL
    assert ask(floor, cmd.TakeOverCall) is None
    assert ask(floor, cmd.TransferCall, number="02012345678") is Rejection.NOT_ALLOWED
    assert ask(floor, cmd.TransferCall, queue="nowhere") is Rejection.UNKNOWN_TARGET
    assert ask(floor, cmd.TransferCall) is Rejection.BAD_COMMAND
    assert ask(floor, cmd.ConsultCall, to_agent="1002") is Rejection.UNKNOWN_CALL
    other = ids.seat("2002")
    seated(floor, other)
    assert ask(floor, cmd.TransferCall, other, queue="service") is Rejection.UNKNOWN_CALL
    over(floor, caller)


def test_his_leg_is_lost_for_good_and_the_customer_waits_for_an_agent_again(floor: Floor) -> None:
    caller, lead = taken_over(floor)
    way = floor.contact().path
    floor.switch.unregister("d2001")
    floor.settle()
    floor.switch.end(lead, 44)
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h", "music at once"
    floor.advance(10)
    assert floor.conversation().agent == LEAD
    floor.log_in("1002")
    floor.advance(6)
    assert floor.conversation().agent is None
    assert floor.contact().path == (*way, f"transfer:{LEAD}"), "the way that he came is known"
    picks_up(floor, "1002")
    assert floor.switch.bridge_of(caller) == "t"
    both_finish(floor, caller, "1002")


def test_nobody_takes_over_what_he_does_not_hear(floor: Floor) -> None:
    caller, _ = talking(floor)
    assert ask(floor, cmd.TakeOverCall) is Rejection.NOT_MONITORING
    listening(floor)
    assert send(floor, queue="service") is None
    assert ask(floor, cmd.TakeOverCall) is Rejection.NOT_TALKING
    over(floor, caller)
