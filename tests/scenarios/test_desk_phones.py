"""Stories of agents with a phone on the desk: the phone's own hold, a lost talk, a change of device in a talk."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LeaseId, LegId
from ctiserver.model.site import PhoneConfig, SiteConfig
from ctiserver.model.talk import Place
from ctiserver.model.work import WorkKind
from tests.fakes.floor import Floor
from tests.scenarios.conftest import label, make_site
from tests.scenarios.stories import finish, into_queue, over

AGENT = "1001"
PHONES = (
    PhoneConfig(id="p1", name=label("p1")),
    PhoneConfig(id="wall", name=label("wall"), contact="sip:wall@192.0.2.1"),
)


def office() -> SiteConfig:
    return msgspec.structs.replace(make_site(), phones=PHONES)


@pytest.fixture
def floor() -> Floor:
    return Floor(office())


def talking(floor: Floor, phone: str = "p1") -> tuple[LegId, LegId]:
    """A caller in a talk with 1001, who has answered on his desk phone."""
    floor.sit(AGENT, phone)
    caller = into_queue(floor)
    floor.confirm(AGENT)
    floor.settle()
    leg = floor.ringing_leg(AGENT)
    floor.switch.answer(leg)
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    return caller, leg


# --- the ring ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", ["p1", "wall"])
def test_the_pop_comes_before_the_ring_and_nobody_answers_but_the_agent(floor: Floor, phone: str) -> None:
    floor.sit(AGENT, phone)
    into_queue(floor)
    assert not [effect for effect in floor.switch.performed if isinstance(effect, fx.RingEndpoint)]
    floor.confirm(AGENT)
    (ring,) = [effect for effect in floor.switch.performed if isinstance(effect, fx.RingEndpoint)]
    assert (ring.endpoint, ring.auto_answer) == (f"desk-{phone}", False)
    floor.settle()
    assert floor.conversation().place is Place.WAITING


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (17, ev.OfferRejected),
        (21, ev.OfferRejected),
        (23, ev.OfferRejected),
        (0, ev.OfferRejected),
        (19, ev.OfferUnreachable),
        (18, ev.OfferUnreachable),
    ],
    ids=["486", "603", "302", "302 without its cause", "480", "no answer to the INVITE"],
)
def test_how_a_ring_ends(floor: Floor, cause: int, outcome: type[ev.Event]) -> None:
    floor.sit(AGENT, "p1")
    into_queue(floor)
    floor.confirm(AGENT)
    floor.settle()
    floor.switch.end(floor.ringing_leg(AGENT), cause)
    floor.settle()
    assert len(floor.events(outcome)) == 1


# --- hold -------------------------------------------------------------------------------------------------------


def page_holds(floor: Floor, _leg: LegId) -> Rejection | None:
    refused = floor.command(cmd.HoldCall, AGENT, conversation=floor.conversation().id)
    return refused.code if refused is not None else None


def page_retrieves(floor: Floor, _leg: LegId) -> Rejection | None:
    refused = floor.command(cmd.RetrieveCall, AGENT, conversation=floor.conversation().id)
    return refused.code if refused is not None else None


def phone_holds(floor: Floor, leg: LegId) -> Rejection | None:
    floor.switch.hold(leg)
    return None


def phone_resumes(floor: Floor, leg: LegId) -> Rejection | None:
    floor.switch.hold(leg, on=False)
    return None


Deed = Callable[[Floor, LegId], Rejection | None]
SITUATIONS: dict[str, tuple[Deed, ...]] = {
    "on": (),
    "held by the page": (page_holds,),
    "held by the phone": (phone_holds,),
    "held by both": (page_holds, phone_holds),
}
HELD = (Place.HELD, None)
TALK = (Place.TALKING, None)
TABLE: dict[tuple[str, Deed], tuple[Place, Rejection | None]] = {
    ("on", page_holds): HELD,
    ("on", page_retrieves): (Place.TALKING, Rejection.NOT_ON_HOLD),
    ("on", phone_holds): HELD,
    ("on", phone_resumes): TALK,
    ("held by the page", page_holds): (Place.HELD, Rejection.NOT_TALKING),
    ("held by the page", page_retrieves): TALK,
    ("held by the page", phone_holds): HELD,
    ("held by the page", phone_resumes): HELD,
    ("held by the phone", page_holds): (Place.HELD, Rejection.NOT_TALKING),
    ("held by the phone", page_retrieves): (Place.HELD, Rejection.HELD_ON_PHONE),
    ("held by the phone", phone_holds): HELD,
    ("held by the phone", phone_resumes): TALK,
    ("held by both", page_holds): (Place.HELD, Rejection.NOT_TALKING),
    ("held by both", page_retrieves): (Place.HELD, Rejection.HELD_ON_PHONE),
    ("held by both", phone_holds): HELD,
    ("held by both", phone_resumes): TALK,
}
"""The table of `ctiserver.calls.holds`."""


@pytest.mark.parametrize(("situation", "deed"), TABLE, ids=lambda part: getattr(part, "__name__", part))
def test_hold_by_page_and_by_phone(floor: Floor, situation: str, deed: Deed) -> None:
    caller, leg = talking(floor)
    for before in SITUATIONS[situation]:
        before(floor, leg)
        floor.settle()
    refused = deed(floor, leg)
    floor.settle()
    assert (floor.conversation().place, refused) == TABLE[situation, deed]
    held = floor.conversation().place is Place.HELD
    assert floor.switch.bridge_of(caller) == ("h" if held else "t"), "music, or the agent"
    assert len(floor.events(ev.Held)) == len(floor.events(ev.Retrieved)) + held
    floor.check_journal()


def test_a_hold_told_twice_is_one_and_the_callers_own_is_his(floor: Floor) -> None:
    caller, leg = talking(floor)
    for _ in range(2):
        floor.switch.hold(leg)
    floor.switch.hold(caller)
    floor.settle()
    assert len(floor.events(ev.Held)) == 1
    for _ in range(2):
        floor.switch.hold(leg, on=False)
    floor.settle()
    assert len(floor.events(ev.Retrieved)) == 1


def test_the_caller_leaves_while_the_phone_holds(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.switch.hold(leg)
    floor.settle()
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


# --- a lost talk ------------------------------------------------------------------------------------------------


def test_a_lost_talk_is_rung_again_until_it_is_taken_up(floor: Floor) -> None:
    """No page answers by itself: it rings, is missed once, rings again, and he lifts it."""
    caller, leg = talking(floor)
    floor.switch.end(leg, 38)
    floor.settle()
    first = floor.ringing_leg(AGENT)
    assert floor.switch.bridge_of(caller) == "h"
    floor.switch.end(first, 19)
    floor.advance(1.2)
    second = floor.ringing_leg(AGENT)
    assert second != first
    floor.switch.answer(second)
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    assert floor.switch.bridge_of(caller) == "t"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_phone_that_comes_back_is_rung_at_once(floor: Floor) -> None:
    _, leg = talking(floor)
    floor.switch.unregister("desk-p1")
    floor.switch.end(leg, 38)
    floor.settle()
    assert floor.work(AGENT).lost_at
    floor.switch.register("desk-p1")
    floor.settle()
    floor.switch.answer(floor.ringing_leg(AGENT))
    floor.settle()
    assert not floor.work(AGENT).lost_at


def test_the_phone_falls_silent_when_the_caller_is_given_to_others(floor: Floor) -> None:
    """15 s: nobody waits longer for him. What still rang him would have rung for nothing."""
    caller, leg = talking(floor)
    floor.switch.end(leg, 38)
    floor.advance(15.2)
    assert [channel for channel in floor.switch.channels if channel in floor.switch.endpoint_of] == []
    assert not floor.agent(AGENT).ready
    assert floor.switch.bridge_of(caller) == "h"
    floor.switch.end(caller)
    over(floor)


def test_a_phone_that_hangs_up_ends_the_call(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.switch.end(leg, 16)
    floor.settle()
    assert caller not in floor.switch.channels
    finish(floor)


# --- another device in a talk -----------------------------------------------------------------------------------


def test_from_the_page_to_the_desk_in_a_talk(floor: Floor) -> None:
    """The desk phone rings; the old leg goes when it is answered, not before."""
    floor.log_in(AGENT)
    caller = into_queue(floor)
    floor.confirm(AGENT)
    floor.settle()
    old = floor.ringing_leg(AGENT)
    floor.switch.answer(old)
    floor.settle()
    assert floor.command(cmd.UsePhone, AGENT, phone="wall") is None
    floor.settle()
    assert floor.switch.bridge_of(old) == "t"
    new = floor.ringing_leg(AGENT)
    floor.switch.answer(new)
    floor.settle()
    assert old not in floor.switch.channels
    assert [floor.switch.bridge_of(leg) for leg in (caller, new)] == ["t", "t"]


def test_from_the_desk_to_the_page_in_a_talk(floor: Floor) -> None:
    caller, old = talking(floor)
    lease = LeaseId("d1001")
    assert floor.command(cmd.TakeDevice, AGENT, lease=lease, instance="page1", take_over=True) is None
    floor.switch.register(lease)
    floor.settle()
    assert floor.command(cmd.PhoneReady, AGENT, lease=lease, instance="page1") is None
    floor.settle()
    assert old not in floor.switch.channels
    (new,) = [leg for leg in floor.switch.channels if leg in floor.switch.endpoint_of]
    assert [floor.switch.bridge_of(leg) for leg in (caller, new)] == ["t", "t"]


# --- the server dies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [False, True])
def test_killed_in_a_talk_on_a_desk_phone(floor: Floor, held: bool) -> None:
    """Nothing is moved; the phone needs no page to be a phone again."""
    caller, leg = talking(floor)
    if held:
        floor.switch.hold(leg)
        floor.settle()
    moved = len(floor.switch.performed)
    floor.restart()
    floor.settle()
    assert not [e for e in floor.switch.performed[moved:] if isinstance(e, fx.JoinBridge | fx.RingEndpoint)]
    assert floor.switch.bridge_of(caller) == ("h" if held else "t")
    device = floor.agent(AGENT).device
    assert device is not None
    assert (device.registered, device.contact) == (True, True)
    floor.feed(facts.LinkChanged(agent=AgentId(AGENT), links=1))
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


# --- not recorded -----------------------------------------------------------------------------------------------


def test_a_number_that_is_not_recorded_opens_no_track() -> None:
    site = office()
    number = msgspec.structs.replace(site.numbers[0], record=False)
    floor = Floor(msgspec.structs.replace(site, numbers=(number,)))
    caller, _ = talking(floor)
    kinds = (fx.OpenTracks, fx.StartRecording)
    floor.restart()
    floor.feed(facts.LinkChanged(agent=AgentId(AGENT), links=1))
    floor.settle()
    floor.switch.end(caller)
    floor.settle()
    assert floor.work(AGENT).kind is WorkKind.WRAP_UP
    finish(floor)
    assert not [effect for effect in floor.switch.performed if isinstance(effect, kinds)]
    assert not floor.events(ev.RecordingStarted)
    floor.check_journal()
