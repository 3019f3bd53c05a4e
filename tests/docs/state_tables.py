"""Writes docs/state-tables.md: what the real cores answer to every command and happening in every situation.

`python -m tests.docs.state_tables` writes the file; a test checks that it is fresh. The cores run on the fake switch in
virtual time (tests.fakes.floor), so the tables say what the code does, not what somebody meant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from ctiserver.model import commands as cmd, facts, ids
from ctiserver.model.ids import AgentId, LegId, QueueId
from ctiserver.model.routing import CallbackConfig, OutboundConfig
from ctiserver.model.site import PhoneConfig
from ctiserver.model.talk import Place
from ctiserver.model.work import agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import label, make_site

TARGET = Path(__file__).parents[2] / "docs" / "state-tables.md"
AGENT = "1001"
CALLER = LegId("1.1")

# --- situations, each made from the one before ----------------------------------------------------------------------


def signed_out(floor: Floor) -> None:
    """A fresh day."""


def without_phone(floor: Floor) -> None:
    floor.feed(facts.LinkChanged(agent=AgentId(AGENT), links=1))
    floor.command(cmd.SignIn, AGENT)


def not_ready(floor: Floor) -> None:
    floor.log_in(AGENT, ready=False)


def ready(floor: Floor) -> None:
    floor.log_in(AGENT)


def offered(floor: Floor) -> None:
    ready(floor)
    floor.switch.call(CALLER, "95500")
    floor.settle()
    floor.switch.press(CALLER, "1")
    floor.settle()


def ringing(floor: Floor) -> None:
    offered(floor)
    floor.confirm(AGENT)
    floor.settle()


def talking(floor: Floor) -> None:
    ringing(floor)
    floor.switch.answer(floor.ringing_leg(AGENT))
    floor.settle()


def on_hold(floor: Floor) -> None:
    talking(floor)
    floor.command(cmd.HoldCall, AGENT, conversation=floor.conversation().id)
    floor.settle()


def leg_lost(floor: Floor) -> None:
    talking(floor)
    floor.switch.unregister(f"d{AGENT}")  # else he is rung again at once
    _leg_ends(44)(floor)


def wrapping_up(floor: Floor) -> None:
    talking(floor)
    floor.switch.end(CALLER)
    floor.settle()


def called_back(floor: Floor) -> None:
    """A callback that a lead has booked rings the agent; there is no customer's leg yet."""
    ready(floor)
    booked = cmd.BookCallback(id="1", by="2001", queue=QueueId("service"), number="13800138000", dialled="95500")
    floor.feed(booked)
    floor.confirm(AGENT)
    floor.settle()


def calling(floor: Floor) -> None:
    called_back(floor)
    _answers(floor)


def dialling(floor: Floor) -> None:
    """He has dialled an outside number, which rings."""
    not_ready(floor)
    floor.command(cmd.MakeCall, AGENT, number="13900001111")
    floor.settle()


def dialled(floor: Floor) -> None:
    dialling(floor)
    _customer_answers(floor)


def unreached(floor: Floor) -> None:
    calling(floor)
    floor.advance(CALLBACK.ring_seconds + 0.1)


CALLBACK = CallbackConfig(tries=2, retry_seconds=60.0, ring_seconds=20.0)

SITUATIONS: dict[str, Callable[[Floor], None]] = {
    "signed out": signed_out,
    "signed in, no phone": without_phone,
    "not ready": not_ready,
    "ready": ready,
    "offered": offered,
    "ringing": ringing,
    "talking": talking,
    "on hold": on_hold,
    "leg lost": leg_lost,
    "wrap-up": wrapping_up,
    "callback rings": called_back,
    "calling customer": calling,
    "nobody answered": unreached,
    "outside call rings": dialling,
    "outside call talks": dialled,
}

# --- what can happen ------------------------------------------------------------------------------------------------

COMMANDS: tuple[type[cmd.Command], ...] = (
    cmd.SignIn,
    cmd.SignOut,
    cmd.TakeDevice,
    cmd.PhoneReady,
    cmd.UsePhone,
    cmd.ReleaseDevice,
    cmd.SetReady,
    cmd.SetNotReady,
    cmd.ConfirmOffer,
    cmd.HoldCall,
    cmd.RetrieveCall,
    cmd.HangUpCall,
    cmd.MakeCall,
    cmd.WriteNote,
    cmd.FinishWrapUp,
    cmd.ExtendWrapUp,
)


def _legs(floor: Floor, kind: str) -> list[LegId]:
    """'a': the agent's, 'c': of a customer who is called."""
    return [leg for leg in floor.switch.channels if ids.kind(leg) == kind]


def _customer_answers(floor: Floor) -> None:
    for leg in _legs(floor, "c"):
        floor.switch.answer(leg)
    floor.settle()


def _leg_ends(cause: int) -> Callable[[Floor], None]:
    def end(floor: Floor) -> None:
        for leg in _legs(floor, "a"):
            floor.switch.end(leg, cause)
        floor.settle()

    return end


def _phone(on: bool) -> Callable[[Floor], None]:
    def hold(floor: Floor) -> None:
        for leg in _legs(floor, "a"):
            floor.switch.hold(leg, on=on)
        floor.settle()

    return hold


def _phone_holds_and_resumes(floor: Floor) -> None:
    _phone(True)(floor)
    _phone(False)(floor)


def _answers(floor: Floor) -> None:
    for leg in _legs(floor, "a"):
        floor.switch.answer(leg)
    floor.settle()


def _caller_gone(floor: Floor) -> None:
    for leg in (CALLER, *_legs(floor, "c")):
        floor.switch.end(leg)
    floor.settle()


def _page_gone(floor: Floor) -> None:
    floor.feed(facts.LinkChanged(agent=AgentId(AGENT), links=0))
    floor.settle()


def _wait(seconds: float) -> Callable[[Floor], None]:
    return lambda floor: floor.advance(seconds)


HAPPENINGS: dict[str, Callable[[Floor], None]] = {
    "agent answers": _answers,
    "agent rejects (cause 21)": _leg_ends(21),
    "agent's leg vanishes (cause 44)": _leg_ends(44),
    "his phone itself holds": _phone(True),
    "and resumes": _phone_holds_and_resumes,
    "agent's page gone": _page_gone,
    "caller hangs up": _caller_gone,
    "customer answers": _customer_answers,
    "15.2 s pass": _wait(15.2),
    "30.2 s pass": _wait(30.2),
}

# --- the tables -----------------------------------------------------------------------------------------------------


def _stage(situation: Callable[[Floor], None]) -> Floor:
    phone = PhoneConfig(id="p1", name=label("p1"), contact="sip:p1@192.0.2.1")
    site = make_site()
    queue = msgspec.structs.replace(site.queues[0], callback=CALLBACK)
    outbound = OutboundConfig(trunk="192.0.2.2:5060", prefixes=("1",))
    floor = Floor(msgspec.structs.replace(site, phones=(phone,), queues=(queue,), outbound=outbound))
    situation(floor)
    return floor


def _place(floor: Floor) -> Place | None:
    return floor.conversation().place if floor.world.conversations else None


def _state(floor: Floor) -> str:
    """Agent state / contact state / where the customer is meant to sit."""
    contact = floor.contact().state.value if floor.world.contacts else "-"
    place = _place(floor)
    live = place is not None and not floor.conversation().cleared
    return f"{agent_state(floor.agent(AGENT)).value} / {contact} / {place.value if live and place else '-'}"


def _fields(floor: Floor, kind: type[cmd.Command]) -> dict[str, object]:
    device = floor.agent(AGENT).device
    item = next(iter(floor.agent(AGENT).work.values()), None)
    known: dict[str, object] = {
        "reason": "lunch",
        "lease": device.lease if device is not None else "d1001",
        "instance": "page1",
        "take_over": False,
        "phone": "p1",
        "reservation": (item.reservation if item is not None else None) or "none",
        "conversation": item.conversation if item is not None else "none",
        "contact": item.contact if item is not None else "none",
        "text": "a note",
        "disposition": "solved",
        "note": "a note",
        "ready": True,
        "number": "13900001111",
    }
    return {name: known[name] for name in kind.__struct_fields__ if name in known}


def _asked(situation: Callable[[Floor], None], kind: type[cmd.Command]) -> str:
    floor = _stage(situation)
    before = _state(floor)
    refused = floor.command(kind, AGENT, **_fields(floor, kind))
    if refused is not None:
        return refused.code.value
    floor.settle()
    after = _state(floor)
    return "**yes**" if after == before else f"**yes**: {after}"


def _happened(situation: Callable[[Floor], None], happening: Callable[[Floor], None]) -> str:
    floor = _stage(situation)
    before = _state(floor)
    happening(floor)
    after = _state(floor)
    return "-" if after == before else after


def _table(corner: str, columns: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {corner} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _by_situation(names: list[str], cell: Callable[[Callable[[Floor], None], int], str]) -> list[list[str]]:
    return [
        [name, *(cell(situation, number) for number in range(len(names)))] for name, situation in SITUATIONS.items()
    ]


def render() -> str:
    """The whole document."""
    situations = _table(
        "Situation",
        ["agent / contact / place of the customer", "customer's leg in bridge"],
        [
            [name, _state(floor), {"h": "holding", "t": "talk"}.get(floor.switch.bridge_of(CALLER), "-")]
            for name, floor in ((name, _stage(make)) for name, make in SITUATIONS.items())
        ],
    )
    happenings = list(HAPPENINGS.values())
    happened = _table(
        "Situation",
        list(HAPPENINGS),
        _by_situation(list(HAPPENINGS), lambda situation, number: _happened(situation, happenings[number])),
    )
    asked = []
    for part in (COMMANDS[:8], COMMANDS[8:]):
        names = [kind.__name__ for kind in part]
        rows = _by_situation(names, lambda situation, number, part=part: _asked(situation, part[number]))  # type: ignore[misc]
        asked.append(_table("Situation", names, rows))
    return "\n".join(
        [
            "# State tables",
            "",
            "Made by `python -m tests.docs.state_tables` from the real cores on a fake switch: do not edit.",
            "One agent, one caller, the queue of the test site (20 s to answer, 30 s wrap-up, disposition required),",
            "his browser as his phone, and one desk phone at a fixed contact, which UsePhone takes. In the last five",
            "there is no caller: a lead has booked a callback (20 s of ringing, 60 s to the next of two tries), or the",
            "agent has dialled an outside number.",
            "States are written as agent / contact / place of the customer; `-` is none, or no change.",
            "",
            "## Situations",
            "",
            situations,
            "",
            "## Commands of the agent: accepted, and what it is 0.1 s later; or the code of the refusal",
            "",
            asked[0],
            "",
            asked[1],
            "",
            "An accepted command without a state has changed nothing in these three (perhaps a note or a reason).",
            "",
            "## What happens to him: 0.1 s later, or after the time named",
            "",
            happened,
            "",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"{TARGET} written", file=sys.stderr)
