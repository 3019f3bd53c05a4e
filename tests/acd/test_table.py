"""Every state x every input of agent, contact and reservation: what it becomes, and that nothing else moves.

Each row is a situation, each column an input; a cell names the agent's and the contact's state afterwards ('-' = the
contact is gone). Impossible inputs are in the table too: they must change nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.causes import LegFailure
from ctiserver.model.errors import CommandRejected
from ctiserver.model.ids import AgentId, ConversationId, LeaseId
from tests.acd.house import House, encoded

CALL = ConversationId("cx-1")
WHO = AgentId("1001")


# --- situations -----------------------------------------------------------------------------------------------------


def waiting(house: House) -> None:
    house.ready("1001")
    house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))
    house.call()


def offered(house: House) -> None:
    house.ready("1001")
    house.call()


def ringing(house: House) -> None:
    offered(house)
    house.confirm(CALL)


def withdrawing(house: House) -> None:
    """The offer was missed, its leg still there; the contact waits."""
    ringing(house)
    house.wait(20.0)


def talking(house: House) -> None:
    ringing(house)
    house.up(house.offer(CALL))


def lost(house: House) -> None:
    talking(house)
    house.lost(CALL, "1001")


def wrapping_up(house: House) -> None:
    talking(house)
    house.hang_up(CALL)


def over(house: House) -> None:
    wrapping_up(house)
    house.wait(31.0)


SITUATIONS = [waiting, offered, ringing, withdrawing, talking, lost, wrapping_up, over]

# --- inputs ---------------------------------------------------------------------------------------------------------


def a_ring(house: House) -> ev.Originated:
    """The latest ring of this story, or one that nobody knows."""
    known = house.seen(ev.Originated)
    return (
        known[-1]
        if known
        else ev.Originated(
            conversation=CALL,
            leg=ids.agent_leg(CALL, 9),
            agent=WHO,
            endpoint="",
            instance="",
            reservation=ids.ReservationId("unknown"),
            take_back=False,
            at=house.now,
        )
    )


def leg_up(house: House) -> None:
    ring = a_ring(house)
    assert ring.reservation is not None
    house.says(ev.AgentLegUp(conversation=CALL, reservation=ring.reservation, agent=WHO, leg=ring.leg, at=house.now))


def leg_failed(why: LegFailure) -> Callable[[House], None]:
    def failed(house: House) -> None:
        ring = a_ring(house)
        assert ring.reservation is not None
        house.says(
            ev.AgentLegFailed(
                conversation=CALL, reservation=ring.reservation, agent=WHO, leg=ring.leg, failure=why, at=house.now
            )
        )

    return failed


def leg_cleared(house: House) -> None:
    house.says(ev.ConnectionCleared(conversation=CALL, leg=a_ring(house).leg, agent=WHO, cause=0, at=house.now))


def command(make: Callable[[House], cmd.Command]) -> Callable[[House], None]:
    def ask(house: House) -> None:
        try:
            house.take(make(house))
        except CommandRejected:
            assert house.turn_events == ()

    return ask


def contact_id(house: House) -> ids.ContactId:
    return house.seen(ev.ContactQueued)[-1].contact


INPUTS: dict[str, Callable[[House], None]] = {
    "leg up": leg_up,
    "missed": leg_failed(LegFailure.MISSED),
    "rejected": leg_failed(LegFailure.REJECTED),
    "unreachable": leg_failed(LegFailure.UNREACHABLE),
    "too late": leg_failed(LegFailure.TOO_LATE),
    "leg cleared": leg_cleared,
    "caller gone": lambda h: h.hang_up(CALL),
    "leg lost": lambda h: h.lost(CALL, "1001"),
    "leg back": lambda h: h.back(CALL, "1001"),
    "link gone": lambda h: h.link("1001", 0),
    "contact gone": lambda h: void(h.take(facts.DeviceContact(endpoint="lease-1001", present=False, at=h.now))),
    "restart": lambda h: void(h.take(facts.ServerStarted(version="2"))),
    "ready": command(lambda h: cmd.SetReady(**h.who("1001"))),
    "break": command(lambda h: cmd.SetNotReady(**h.who("1001"), reason="meeting")),
    "sign out": command(lambda h: cmd.SignOut(**h.who("1001"))),
    "release": command(lambda h: cmd.ReleaseDevice(**h.who("1001"), lease=LeaseId("lease-1001"))),
    "finish": command(
        lambda h: cmd.FinishWrapUp(**h.who("1001"), contact=contact_id(h), disposition="solved", note="", ready=False)
    ),
    "extend": command(lambda h: cmd.ExtendWrapUp(**h.who("1001"), contact=contact_id(h))),
    "150 ms": lambda h: h.wait(0.16),
    "2 s": lambda h: h.wait(2.1),
    "15 s": lambda h: h.wait(15.1),
    "20 s": lambda h: h.wait(20.0),
    "30 s": lambda h: h.wait(30.1),
    "an hour": lambda h: h.wait(3600.5),
}


def void(_: object) -> None:
    """For lambdas that return nothing."""


AGENT = {
    "out": "null",
    "away": "not_ready",
    "ready": "ready",
    "res": "reserved",
    "busy": "busy",
    "wrap": "working_after_call",
}
CONTACT = {"w": "waiting", "r": "reserved", "c": "connected", "e": "ended", "-": "-"}

TABLE = """
               waiting      offered      ringing      withdrawing  talking      lost         wrapping_up  over
leg up         away/w       res/r        busy/c       res/w        =            =            =            =
missed         =            =            res/r        res/r        =            =            =            =
rejected       =            =            ready/w      res/r        =            =            =            =
unreachable    =            =            ready/w      res/r        =            =            =            =
too late       =            =            ready/w      res/r        =            =            =            =
leg cleared    =            =            =            res/r        =            =            =            =
caller gone    away/-       ready/-      res/e        res/e        wrap/e       wrap/e       =            =
leg lost       =            =            =            =            busy/c       =            =            =
leg back       =            =            =            =            =            busy/c       =            =
link gone      away/w       ready/w      res/w        res/w        busy/c       busy/c       wrap/e       ready/-
contact gone   away/w       ready/w      res/w        res/w        busy/c       busy/c       wrap/e       ready/-
restart        away/w       ready/w      res/w        res/w        busy/c       busy/c       wrap/e       ready/-
ready          res/r        =            =            =            =            =            =            =
break          away/w       res/r        res/r        res/w        busy/c       busy/c       wrap/e       away/-
sign out       out/w        =            =            =            =            =            =            out/-
release        away/w       ready/w      res/w        res/w        busy/c       busy/c       wrap/e       ready/-
finish         =            =            =            =            =            =            away/-       =
extend         =            =            =            =            =            =            wrap/e       =
150 ms         =            res/r        =            =            =            =            =            =
2 s            =            res/r        =            res/r        =            =            =            =
15 s           =            res/r        =            res/r        =            away/w       =            =
20 s           =            res/r        res/w        res/r        =            away/w       =            =
30 s           =            res/r        res/r        res/r        =            away/w       ready/-      =
an hour        away/-       away/-       away/-       away/-       =            away/w       ready/-      =
"""


def cells() -> list[tuple[str, str, str]]:
    head, *rows = [line for line in TABLE.splitlines() if line.strip()]
    columns = head.split()
    found: list[tuple[str, str, str]] = []
    for row in rows:
        name = row[:15].strip()
        values = row[15:].split()
        assert len(values) == len(columns), f"row {name}"
        found.extend((name, column, value) for column, value in zip(columns, values, strict=True))
    return found


def test_the_table_has_every_input_and_every_situation() -> None:
    assert {name for name, _, _ in cells()} == set(INPUTS)
    assert {column for _, column, _ in cells()} == {situation.__name__ for situation in SITUATIONS}


@pytest.mark.parametrize(("given", "situation", "becomes"), cells(), ids=lambda value: value.replace("/", "+"))
def test_cell(given: str, situation: str, becomes: str) -> None:
    """'=': the world is as before."""
    house = House()
    {found.__name__: found for found in SITUATIONS}[situation](house)
    before = encoded(house.world)
    INPUTS[given](house)
    if becomes == "=":
        assert encoded(house.world) == before
        return
    contacts = [contact.state.value for contact in house.world.contacts.values()]
    agent, contact = becomes.split("/")
    assert (house.state("1001").value, contacts[0] if contacts else "-") == (AGENT[agent], CONTACT[contact])
