"""Faults around a lead in a call and a consult: planted, found by the auditor, repaired by one turn, gone.

The faults of everything else, and how they are planted and judged: test_repairs.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ctiserver.model import commands as cmd, effects as fx, events as ev, ids
from ctiserver.model.causes import MonitorEnd, MonitorMode
from ctiserver.model.faults import FaultKind
from ctiserver.model.ids import BridgeId, LegId
from tests.fakes.floor import Floor
from tests.scenarios.stories import consulting, do, finish, talking
from tests.scenarios.test_monitoring import BARGE, LISTEN, WHISPER, ask, ended, hears, listening, over, silent
from tests.scenarios.test_repairs import repaired


def lead_leg_left(floor: Floor, lead: LegId) -> None:
    """He left, and the end of his leg was never carried out: he sits in the talk and hears all."""
    perform = floor.switch.perform
    ends = (fx.HangUpLeg, fx.CloseBridge)
    floor.switch.perform = lambda effect: None if isinstance(effect, ends) else perform(effect)  # type: ignore[method-assign]
    floor.calm = False
    assert ask(floor, cmd.StopMonitor) is None
    floor.switch.perform = perform  # type: ignore[method-assign]
    assert lead in floor.switch.channels


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_a_leads_leg_that_was_to_end_is_ended_again(floor: Floor, mode: MonitorMode) -> None:
    caller, _ = talking(floor)
    lead = listening(floor, mode)
    lead_leg_left(floor, lead)
    left = (FaultKind.CHANNEL_STRAY, FaultKind.BRIDGE_STRAY) if mode is WHISPER else ()
    repaired(floor, FaultKind.LEG_LEFT, *left)
    assert lead not in floor.switch.channels
    assert hears(floor) == []
    floor.check_journal()
    over(floor, caller)


def test_a_leads_leg_that_nobody_listens_with_is_ended(floor: Floor) -> None:
    """The state knows the leg and nobody who is in the call with it: an ear that is nobody's."""
    caller, _ = talking(floor)
    lead = listening(floor)
    floor.conversation().monitor = None
    repaired(floor, FaultKind.LEG_LEFT)
    assert lead not in floor.switch.channels
    assert floor.switch.bridge_of(caller) == "t"


def test_a_leads_leg_left_alone_in_the_bridge_of_a_call_that_is_over_is_ended(floor: Floor) -> None:
    caller, _ = talking(floor)
    talk = ids.talk_bridge(floor.conversation().id)
    lead = listening(floor)
    floor.switch.end(caller)
    floor.settle()
    finish(floor)
    floor.calm = False
    floor.switch.channels[lead] = "Up"
    floor.switch.bridges[talk] = [lead]
    repaired(floor, FaultKind.CHANNEL_STRAY, FaultKind.BRIDGE_STRAY)
    assert floor.switch.quiet()
    floor.check_journal()


def test_a_lead_in_the_state_whose_leg_is_gone_from_it_is_out_of_the_call(floor: Floor) -> None:
    """Else nobody could ever listen to this call, nor he to another."""
    caller, _ = talking(floor)
    lead = listening(floor, WHISPER)
    floor.switch.end(lead)
    floor.switch.forget_facts()
    floor.conversation().legs.pop(lead)
    floor.world.conversation_of_leg.pop(lead)
    repaired(floor, FaultKind.LEG_MISSING)
    assert ended(floor) is MonitorEnd.LOST
    assert not floor.switch.bridges.get(ids.whisper_bridge(floor.conversation().id))
    assert hears(floor) == []
    assert ask(floor, cmd.MonitorCall) is None
    assert silent(floor, floor.conversation().monitor.leg)  # type: ignore[union-attr]
    assert floor.switch.bridge_of(caller) == "t"


@pytest.mark.parametrize("mode", list(MonitorMode))
def test_a_lead_whose_leg_is_gone_in_the_switch_is_out_of_the_call(floor: Floor, mode: MonitorMode) -> None:
    caller, agent = talking(floor)
    lead = listening(floor, mode)
    floor.switch.end(lead)
    floor.switch.forget_facts()
    repaired(floor, FaultKind.LEG_MISSING)
    assert ended(floor) is MonitorEnd.LOST
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(agent) == "t"
    floor.check_journal()
    over(floor, caller)


@pytest.mark.parametrize("mode", [LISTEN, BARGE])
def test_a_leads_leg_outside_the_talk_is_put_back_as_silent_as_he_was(floor: Floor, mode: MonitorMode) -> None:
    caller, _ = talking(floor)
    lead = listening(floor, mode)
    floor.switch.bridges[ids.talk_bridge(floor.conversation().id)].remove(lead)
    floor.switch.muted.discard(lead)
    repaired(floor, FaultKind.LEG_MISPLACED)
    assert silent(floor, lead) is (mode is LISTEN)
    floor.check_journal()
    over(floor, caller)


def snoop_gone(floor: Floor, snoop: LegId) -> None:
    floor.switch._snoop_over(snoop)


def snoop_outside(floor: Floor, snoop: LegId) -> None:
    floor.switch.bridges[ids.whisper_bridge(floor.conversation().id)].remove(snoop)


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [(snoop_gone, (FaultKind.LEG_MISPLACED,)), (snoop_outside, (FaultKind.LEG_LEFT, FaultKind.LEG_MISPLACED))],
)
def test_a_whisper_that_reaches_nobody_is_opened_anew(
    floor: Floor, plant: Callable[[Floor, LegId], None], kinds: tuple[FaultKind, ...]
) -> None:
    caller, agent = talking(floor)
    lead = listening(floor, WHISPER)
    monitor = floor.conversation().monitor
    assert monitor is not None
    assert monitor.snoop is not None
    old = monitor.snoop
    plant(floor, old)
    repaired(floor, *kinds)
    assert hears(floor) == [agent]
    assert old not in floor.switch.snoops
    assert floor.switch.bridge_of(lead) == "w"
    floor.check_journal()
    over(floor, caller)


def test_a_whisper_that_was_forgotten_is_closed(floor: Floor) -> None:
    """A snoop and its bridge on the leg of an agent to whom nobody whispers: he would hear whatever is said in it."""
    caller, agent = talking(floor)
    listening(floor, LISTEN)
    call = floor.conversation().id
    snoop = ids.whisper_snoop(call, 99)
    floor.switch.snoops[snoop] = agent
    floor.switch.bridges[ids.whisper_bridge(call)] = [snoop]
    repaired(floor, FaultKind.CHANNEL_STRAY, FaultKind.BRIDGE_STRAY)
    assert hears(floor) == []
    floor.check_journal()
    over(floor, caller)


def test_a_consult_leg_whose_conversation_is_gone_is_ended(floor: Floor) -> None:
    floor.switch.channels[LegId("cgone-1.b2")] = "Up"
    floor.switch.bridges[BridgeId("cgone-1-c")] = [LegId("cgone-1.b2")]
    repaired(floor, FaultKind.CHANNEL_STRAY, FaultKind.BRIDGE_STRAY)
    assert floor.switch.quiet()
    floor.check_journal()


def test_a_consult_leg_of_a_consult_that_is_over_is_ended(floor: Floor) -> None:
    caller, agent = talking(floor)
    other = consulting(floor)
    assert do(floor, cmd.CancelConsult) is None
    floor.calm = False
    floor.switch.channels[other] = "Up"
    repaired(floor, FaultKind.CHANNEL_STRAY)
    assert other not in floor.switch.channels
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(agent) == "t"
    floor.check_journal()
    over(floor, caller)


@pytest.mark.parametrize("joined", [False, True])
def test_one_who_was_called_in_and_whose_leg_is_gone_is_rung_again(floor: Floor, joined: bool) -> None:
    caller, _ = talking(floor)
    other = consulting(floor)
    if joined:
        assert do(floor, cmd.ConferenceCall) is None
    floor.switch.end(other)
    floor.switch.forget_facts()
    repaired(floor, FaultKind.LEG_MISSING)
    back = [leg.id for leg in floor.conversation().legs.values() if leg.agent == "1002"]
    assert back != [other]
    assert [floor.switch.bridge_of(leg) for leg in back] == ["t" if joined else "c"]
    assert floor.events(ev.AgentLegBack)
    floor.check_journal()
    assert caller in floor.switch.channels
