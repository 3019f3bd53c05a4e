"""What the stories of this folder share: how a call comes so far, what people do, and that nothing is left behind."""

from __future__ import annotations

from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import LegId
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, WorkKind, agent_state
from tests.fakes.floor import Floor

# --- a call ---------------------------------------------------------------------------------------------------------


def into_queue(floor: Floor, channel: str = "1.1") -> LegId:
    """A caller who has pressed 1 and waits."""
    leg = floor.switch.call(channel, "95500")
    floor.settle()
    floor.switch.press(leg, "1")
    floor.settle()
    return leg


def ringing(floor: Floor) -> tuple[LegId, LegId]:
    """A caller and the leg that rings agent 1001."""
    floor.log_in("1001")
    caller = into_queue(floor)
    floor.confirm("1001")
    floor.settle()
    return caller, floor.ringing_leg("1001")


def talking(floor: Floor) -> tuple[LegId, LegId]:
    caller, leg = ringing(floor)
    floor.switch.answer(leg)
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    return caller, leg


def picks_up(floor: Floor, agent: str) -> LegId:
    """He is offered a call; his leg."""
    floor.confirm(agent)
    floor.settle()
    leg = floor.ringing_leg(agent)
    floor.switch.answer(leg)
    floor.settle()
    return leg


def send(floor: Floor, **target: str) -> Rejection | None:
    """Agent 1001 sends his customer on."""
    refused = floor.command(cmd.TransferCall, "1001", conversation=floor.conversation().id, **target)
    floor.settle()
    return refused.code if refused is not None else None


# --- its end --------------------------------------------------------------------------------------------------------


def file_call(floor: Floor, agent: str = "1001", disposition: str = "solved") -> None:
    """The agent ends his wrap-up."""
    item = floor.work(agent)
    assert item.kind is WorkKind.WRAP_UP
    refused = floor.command(
        cmd.FinishWrapUp, agent, contact=item.contact, disposition=disposition, note="done", ready=True
    )
    assert refused is None


def finish(floor: Floor, *agents: str) -> None:
    """They (1001, if nobody is named) file the call; nothing may be left anywhere."""
    for agent in agents or ("1001",):
        file_call(floor, agent)
    over(floor)


def both_finish(floor: Floor, caller: LegId, second: str) -> None:
    """The customer goes; the first agent and the second file their parts; nothing is left."""
    floor.switch.end(caller)
    floor.settle()
    finish(floor, "1001", second)


def over(floor: Floor) -> None:
    floor.advance(30)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    assert not floor.world.contacts
    assert not floor.world.reservations
    floor.check_journal()


def ends(floor: Floor) -> list[EndReason]:
    return [event.reason for event in floor.events(ev.ContactEnded) if isinstance(event, ev.ContactEnded)]


# --- a consult ------------------------------------------------------------------------------------------------------


def do(floor: Floor, kind: type[cmd.Command], agent: str = "1001", **fields: object) -> Rejection | None:
    """A command about the call; no customer may be alone in a talk afterwards."""
    refused = floor.command(kind, agent, conversation=floor.conversation().id, **fields)
    floor.settle()
    for bridge, legs in floor.switch.bridges.items():
        caller = [leg for leg in legs if leg in floor.switch.inbound]
        assert not caller or len(legs) > 1 or bridge in floor.switch.holding, "a customer alone in a talk"
    return refused.code if refused is not None else None


def rung(floor: Floor, whom: str = "1002") -> LegId:
    """The colleague's desktop has painted the pop, his phone rings."""
    assert do(floor, cmd.ConsultCall, to_agent=whom) is None
    floor.confirm(whom)
    floor.settle()
    return floor.ringing_leg(whom)


def consulting(floor: Floor, whom: str = "1002", *, ready: bool = True) -> LegId:
    if not floor.agent(whom).signed_in:
        floor.log_in(whom, ready=ready)
    leg = rung(floor, whom)
    floor.switch.answer(leg)
    floor.settle()
    return leg


def where(floor: Floor, *legs: LegId) -> str:
    return "".join(floor.switch.bridge_of(leg) or "-" for leg in legs)


def state(floor: Floor, agent: str) -> AgentState:
    return agent_state(floor.agent(agent))


def finish_both(floor: Floor, *who: str) -> None:
    """1001 and his colleague 1002, if nobody else is named."""
    finish(floor, *(who or ("1001", "1002")))
