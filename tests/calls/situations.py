"""The situations of a call in which somebody may command something: each made on the fake switch in virtual time.

Lives here: how a situation comes about, with browsers, with desk phones or at outside numbers, and what to call the one
that a call is in. Not here: what a command does there (tables/commands.toml, which is the specification; test_commands
asks the cores).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ctiserver.calls import keys
from ctiserver.model import commands as cmd, ids
from ctiserver.model.ids import OUTSIDE_PARTY, LegId
from ctiserver.model.routing import OutboundConfig
from ctiserver.model.site import PhoneConfig, SiteConfig
from ctiserver.model.talk import PartyState, Place, Side, consulted, joined, live_leg
from ctiserver.model.work import WorkKind
from tests.fakes.floor import Floor
from tests.scenarios.conftest import label, make_site

AGENT, COLLEAGUE, THIRD = "1001", "1002", "1003"
CALLER = LegId("1.1")
KINDS = ("browser", "desk", "outside")
PHONE = {AGENT: "p1", COLLEAGUE: "p2", THIRD: "p3"}
OUTSIDER = "13800009999"
NUMBER = {AGENT: "13900001001", COLLEAGUE: "13900001002", THIRD: "13900001003"}


def site() -> SiteConfig:
    """Every agent may have any kind of phone."""
    base = make_site()
    return msgspec.structs.replace(
        base,
        phones=tuple(PhoneConfig(id=name, name=label(name)) for name in PHONE.values()),
        agents=tuple(msgspec.structs.replace(agent, number=NUMBER[agent.id]) for agent in base.agents),
        outbound=OutboundConfig(trunk="192.0.2.9:5060", prefixes=("1",), per_hour=100),
        prompts={**base.prompts, "press_key": {"zh": "sound:press_key"}},
    )


class Call:
    """One call and its people. `kind`: what their phones are."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.floor = Floor(site())

    def sit(self, agent: str) -> None:
        match self.kind:
            case "desk":
                self.floor.sit(agent, PHONE[agent], ready=agent == AGENT)
            case "outside":
                self.floor.sit_outside(agent, ready=agent == AGENT)
            case _:
                self.floor.log_in(agent, ready=agent == AGENT)

    def do(self, kind: type[cmd.Command], agent: str = AGENT, **fields: object) -> str:
        """'' or the code with which it is refused."""
        refused = self.floor.command(kind, agent, **fields)
        self.floor.settle()
        return refused.code.value if refused is not None else ""

    def call(self, kind: type[cmd.Command], agent: str = AGENT, **fields: object) -> str:
        found = self.floor.world.conversations
        name = next(iter(found)) if found else ids.ConversationId("c0-1")
        return self.do(kind, agent, conversation=name, **fields)

    def picks_up(self, agent: str) -> LegId:
        leg = self.floor.ringing_leg(agent)
        self.floor.switch.answer(leg)
        self.floor.settle()
        if self.kind == "outside":
            self.floor.switch.press(leg, keys.KEY)
            self.floor.settle()
        return leg

    def outside_leg(self) -> LegId:
        """Of whom we call outside."""
        return next(leg for leg, number in reversed(self.floor.switch.dialled.items()) if number == OUTSIDER)

    def state(self) -> str:
        """The name of the situation that the first call is in; 'gone': there is none any more."""
        world = self.floor.world
        conversation = next(iter(world.conversations.values()), None)
        if conversation is None:
            return "gone"
        if conversation.cleared:
            return "cleared"
        one = consulted(conversation)
        if conversation.agent is not None and live_leg(conversation, conversation.agent) is None:
            return "lost"
        if one is not None and one.state is PartyState.WAITING:
            return "consult_waiting"
        if one is not None and one.state is not PartyState.CONSULTING:
            return "consult_ringing"
        if one is not None:
            beside = "conference_" if joined(conversation) else ""
            both = "_held" if conversation.place is Place.HELD else ""
            outside = "_outside" if one.number else ""
            return beside + ("consulting" if conversation.side is Side.CONSULTEE else f"swapped{both}") + outside
        other = f" with {conversation.agent}" if conversation.agent not in (None, AGENT) else ""
        if joined(conversation):
            other += "_outside" if any(one.number for one in joined(conversation)) else ""
            return ("conference" if conversation.place is Place.TALKING else "conference_held") + other
        if conversation.sent_out is not None:
            return "talking outside" if conversation.place is Place.TALKING else "sent outside"
        if conversation.place is Place.WAITING:
            offered = any(item.kind is WorkKind.RESERVED for item in world.agents[ids.AgentId(AGENT)].work.values())
            return "offered" if offered else "waiting"
        leg = live_leg(conversation, conversation.agent)
        held = "held_on_phone" if leg is not None and leg.on_hold else conversation.place.value
        return held + other


# --- situations, each made from one before ----------------------------------------------------------------------------


def ivr(call: Call) -> None:
    for agent in (AGENT, COLLEAGUE, THIRD):
        call.sit(agent)
    call.floor.switch.call(CALLER, "95500")
    call.floor.settle()


def waiting(call: Call) -> None:
    ivr(call)
    call.do(cmd.SetNotReady, reason="lunch")
    call.floor.switch.press(CALLER, "1")
    call.floor.settle()


def offered(call: Call) -> None:
    waiting(call)
    call.do(cmd.SetReady)


def talking(call: Call) -> None:
    offered(call)
    call.floor.advance(0.2)
    call.picks_up(AGENT)


def held(call: Call) -> None:
    talking(call)
    call.call(cmd.HoldCall)


def held_on_phone(call: Call) -> None:
    talking(call)
    call.floor.switch.hold(call.floor.ringing_leg(AGENT))
    call.floor.settle()


def lost(call: Call) -> None:
    talking(call)
    gone(call)


def gone(call: Call) -> None:
    device = call.floor.agent(AGENT).device
    assert device is not None
    leg = call.floor.ringing_leg(AGENT)
    call.floor.switch.unregister(device.endpoint)
    call.floor.switch.end(leg, 44)
    call.floor.settle()


def consult_ringing(call: Call) -> None:
    talking(call)
    call.call(cmd.ConsultCall, to_agent=COLLEAGUE)
    call.floor.advance(0.2)


def consulting(call: Call) -> None:
    consult_ringing(call)
    call.picks_up(COLLEAGUE)


def swapped(call: Call) -> None:
    consulting(call)
    call.call(cmd.SwapCall)


def swapped_held(call: Call) -> None:
    """The customer has music, and so has the colleague."""
    swapped(call)
    call.call(cmd.HoldCall)


def conference(call: Call) -> None:
    consulting(call)
    call.call(cmd.ConferenceCall)


def conference_held(call: Call) -> None:
    conference(call)
    call.call(cmd.HoldCall)


def conference_consulting(call: Call) -> None:
    conference(call)
    call.call(cmd.ConsultCall, to_agent=THIRD)
    call.floor.advance(0.2)
    call.picks_up(THIRD)


def conference_swapped(call: Call) -> None:
    conference_consulting(call)
    call.call(cmd.SwapCall)


def consult_waiting(call: Call) -> None:
    """A queue is asked, and nobody of it is free."""
    talking(call)
    call.call(cmd.ConsultCall, queue="service")


def consulting_outside(call: Call) -> None:
    talking(call)
    call.call(cmd.ConsultCall, number=OUTSIDER)
    call.floor.switch.answer(call.outside_leg())
    call.floor.settle()


def conference_outside(call: Call) -> None:
    consulting_outside(call)
    call.call(cmd.ConferenceCall)


def cleared(call: Call) -> None:
    """The customer has gone; the agent wraps up."""
    talking(call)
    call.floor.switch.end(CALLER)
    call.floor.settle()


SITUATIONS: dict[str, Callable[[Call], None]] = {
    "ivr": ivr,
    "waiting": waiting,
    "offered": offered,
    "talking": talking,
    "held": held,
    "held_on_phone": held_on_phone,
    "lost": lost,
    "consult_ringing": consult_ringing,
    "consulting": consulting,
    "swapped": swapped,
    "swapped_held": swapped_held,
    "conference": conference,
    "conference_held": conference_held,
    "conference_consulting": conference_consulting,
    "conference_swapped": conference_swapped,
    "consult_waiting": consult_waiting,
    "consulting_outside": consulting_outside,
    "conference_outside": conference_outside,
    "cleared": cleared,
}

COMMANDS: dict[str, Callable[[Call], str]] = {
    "HoldCall": lambda call: call.call(cmd.HoldCall),
    "RetrieveCall": lambda call: call.call(cmd.RetrieveCall),
    "HangUpCall": lambda call: call.call(cmd.HangUpCall),
    "TransferCall, to a queue": lambda call: call.call(cmd.TransferCall, queue="service"),
    "TransferCall, to a colleague": lambda call: call.call(cmd.TransferCall, to_agent=THIRD),
    "TransferCall, into a flow": lambda call: call.call(cmd.TransferCall, flow="main"),
    "TransferCall, nowhere": lambda call: call.call(cmd.TransferCall),
    "ConsultCall": lambda call: call.call(cmd.ConsultCall, to_agent=THIRD),
    "ConsultCall, himself": lambda call: call.call(cmd.ConsultCall, to_agent=AGENT),
    "ConsultCall, a queue": lambda call: call.call(cmd.ConsultCall, queue="service"),
    "ConsultCall, outside": lambda call: call.call(cmd.ConsultCall, number=OUTSIDER),
    "SwapCall": lambda call: call.call(cmd.SwapCall),
    "CancelConsult": lambda call: call.call(cmd.CancelConsult),
    "CompleteConsult": lambda call: call.call(cmd.CompleteConsult),
    "ConferenceCall": lambda call: call.call(cmd.ConferenceCall),
    "LeaveConference": lambda call: call.call(cmd.LeaveConference),
    "DropParty": lambda call: call.call(cmd.DropParty, party=COLLEAGUE),
    "DropParty, outside": lambda call: call.call(cmd.DropParty, party=OUTSIDE_PARTY),
    "DropParty, nobody": lambda call: call.call(cmd.DropParty, party="9999"),
    "HangUpCall, by the colleague": lambda call: call.call(cmd.HangUpCall, COLLEAGUE),
    "HoldCall, by the colleague": lambda call: call.call(cmd.HoldCall, COLLEAGUE),
    "ConferenceCall, by the colleague": lambda call: call.call(cmd.ConferenceCall, COLLEAGUE),
    "ConsultCall, by the colleague": lambda call: call.call(cmd.ConsultCall, COLLEAGUE, to_agent=THIRD),
    "SignOut": lambda call: call.do(cmd.SignOut),
    "SignOut, by the colleague": lambda call: call.do(cmd.SignOut, COLLEAGUE),
}


def cell(kind: str, situation: str, command: str) -> tuple[str, Call]:
    """What the cores make of it: the new situation, or 'refused CODE'. And the call, to be looked at."""
    call = Call(kind)
    SITUATIONS[situation](call)
    code = COMMANDS[command](call)
    return (f"refused {code}" if code else call.state()), call
