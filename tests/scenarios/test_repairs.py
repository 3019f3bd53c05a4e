"""Every kind of fault in virtual time: planted in the switch or in the state, found, repaired by one turn, gone.

What is planted in the state is in no journal, so only faults of the switch are checked against a replay.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from acd.core import check
from ctiserver.calls import audit
from ctiserver.model import events as ev, facts, ids
from ctiserver.model.faults import MAX_REPAIRS, Fault, FaultKind
from ctiserver.model.ids import AgentId, BridgeId, ContactId, ConversationId, LegId, ReservationId
from ctiserver.model.talk import Place
from ctiserver.model.work import ContactState, OfferedAgent, Reservation, WorkItem, WorkKind
from ivr import runtime
from tests.fakes.floor import Floor
from tests.scenarios.stories import into_queue, ringing, talking


def found(floor: Floor) -> list[Fault]:
    return [
        *floor.audit(),
        *check.faults(floor.world, floor.acd.index),
        *check.overdue(floor.world, floor.now, 2.0),
        *audit.deadlines(floor.world),
        *runtime.faults(floor.world),
    ]


def repaired(floor: Floor, *kinds: FaultKind) -> None:
    """The auditor finds these and no others; one turn later, when its effects are done, nothing."""
    floor.calm = False
    faults = found(floor)
    assert [fault.kind for fault in faults] == list(kinds), faults
    before = len(floor.events(ev.FaultFound))
    floor.feed(facts.FaultsFound(faults=tuple(faults)))
    if FaultKind.DEADLINE_OVERDUE in kinds:
        floor.feed(facts.Tick())
    floor.settle()
    told = floor.events(ev.FaultFound)[before:]
    assert [event.kind for event in told] == list(kinds)  # type: ignore[attr-defined]
    assert all(event.repair for event in told)  # type: ignore[attr-defined]
    assert not found(floor)


# --- the switch -----------------------------------------------------------------------------------------


def test_a_leg_that_is_gone_is_brought_back(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.switch.end(leg, cause=44)
    floor.switch.forget_facts()
    repaired(floor, FaultKind.LEG_MISSING)
    assert floor.conversation().place is Place.TALKING
    assert floor.switch.bridge_of(caller) == "t"
    floor.check_journal()


def test_a_caller_who_is_gone_ends_the_call(floor: Floor) -> None:
    caller, _leg = talking(floor)
    floor.switch.end(caller)
    floor.switch.forget_facts()
    repaired(floor, FaultKind.LEG_MISSING)
    assert floor.conversation().cleared
    floor.check_journal()


def test_a_deleted_bridge_is_made_again(floor: Floor) -> None:
    caller = into_queue(floor)
    floor.switch.bridges.clear()
    repaired(floor, FaultKind.BRIDGE_MISSING)
    assert floor.switch.bridge_of(caller) == "h"
    floor.check_journal()


def test_a_leg_outside_its_bridge_is_put_back(floor: Floor) -> None:
    caller, _leg = talking(floor)
    floor.switch.bridges[ids.talk_bridge(floor.conversation().id)].remove(caller)
    repaired(floor, FaultKind.LEG_MISPLACED)
    assert floor.switch.bridge_of(caller) == "t"
    floor.check_journal()


def test_an_agents_leg_that_answered_unheard_is_connected(floor: Floor) -> None:
    _caller, leg = ringing(floor)
    floor.switch.channels[leg] = "Up"
    repaired(floor, FaultKind.LEG_STATE)
    assert floor.conversation().place is Place.TALKING
    floor.check_journal()


def test_a_leg_that_was_to_end_is_ended_again(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, leg = ringing(floor)
    floor.calm = False
    with monkeypatch.context() as lost:
        lost.setattr(floor.switch, "perform", lambda _effect: None)
        floor.switch.end(caller)
        floor.settle()  # the caller has left: the ring is to end, and nothing is done
    assert leg in floor.switch.channels
    repaired(floor, FaultKind.LEG_LEFT, FaultKind.BRIDGE_STRAY)
    assert floor.switch.quiet()


def test_strangers_are_ended_and_what_is_left_over_is_removed(floor: Floor) -> None:
    talking(floor)
    conversation = floor.conversation().id
    floor.switch.channels[LegId("stranger")] = "Up"
    floor.switch.channels[LegId("local")] = "Up"
    floor.switch.away.add(LegId("local"))  # in no application of ours
    floor.switch.bridges[ids.talk_bridge(conversation)].append(LegId("local"))
    floor.switch.channels[LegId("cgone-1.a1")] = "Ringing"
    floor.switch.bridges[BridgeId("cgone-1-h")] = []
    floor.switch.snoops[f"{conversation}.ri99"] = floor.conversation().customer_leg
    floor.switch.devices.add("d0123456789abcdef")
    stray, gone = FaultKind.CHANNEL_STRAY, FaultKind.BRIDGE_STRAY
    repaired(floor, stray, stray, FaultKind.RECORDING_STRAY, stray, gone, FaultKind.ENDPOINT_STRAY)
    assert len(floor.switch.channels) == 2
    assert set(floor.switch.snoops) == set(ids.tracks(conversation))
    floor.check_journal()


def test_a_lost_track_is_opened_anew_and_the_other_goes_on(floor: Floor) -> None:
    talking(floor)
    conversation = floor.conversation()
    answered = conversation.answered_at
    floor.advance(12.345)
    del floor.switch.snoops[ids.snoop_out(conversation.id)]
    at = round((floor.now - answered) * 1000)
    repaired(floor, FaultKind.RECORDING_LOST)
    assert conversation.recordings == (ids.snoop_in(conversation.id), ids.track(conversation.id, "ro", at))
    floor.check_journal()


def test_both_tracks_that_ended_in_the_talk_are_opened_anew(floor: Floor) -> None:
    talking(floor)
    conversation = floor.conversation()
    for name in ids.tracks(conversation.id):
        del floor.switch.snoops[name]
        floor.switch.later(facts.RecordingDone(name=name, seconds=1.0, ok=False, at=floor.now))
    floor.calm = False
    floor.settle()
    assert conversation.recordings == ()
    repaired(floor, FaultKind.RECORDING_LOST, FaultKind.RECORDING_LOST)
    assert [ids.kind(name) for name in conversation.recordings] == ["ri", "ro"]
    floor.check_journal()


def test_endpoints_and_leases_are_made_true(floor: Floor) -> None:
    for agent in ("1001", "1002"):
        floor.log_in(agent)
    floor.switch.devices.discard("d1001")
    floor.switch.contacts.discard("d1002")
    repaired(floor, FaultKind.ENDPOINT_MISSING, FaultKind.LEASE_STALE)
    device = floor.agent("1002").device
    assert device is not None
    assert not device.contact
    floor.check_journal()


# --- the state ------------------------------------------------------------------------------------------


def test_a_reservation_whose_deadline_was_lost_is_withdrawn(floor: Floor) -> None:
    _caller, leg = ringing(floor)
    (name,) = floor.world.reservations
    floor.world.deadlines.drop(f"acd.offer:{name}")
    repaired(floor, FaultKind.RESERVATION_STUCK)
    assert leg not in floor.switch.channels
    assert name not in floor.world.reservations
    assert len(floor.events(ev.OfferMade)) == 2, "he waits at the head, and the agent is free"


def test_a_wrap_up_whose_deadline_was_lost_ends(floor: Floor) -> None:
    caller, _leg = talking(floor)
    floor.switch.end(caller)
    floor.settle()
    item = floor.work("1001")
    floor.world.deadlines.drop(f"acd.wrap:1001:{item.contact}")
    repaired(floor, FaultKind.WORK_STUCK)
    assert not floor.agent("1001").work


def plant_work(floor: Floor) -> None:
    item = WorkItem(contact=ContactId("kgone"), conversation=ConversationId("cgone-1"), kind=WorkKind.BUSY, since=1.0)
    floor.agent("1001").work[item.contact] = item
    floor.acd.rebuild(floor.world)


def plant_reserved(floor: Floor) -> None:
    """A reservation of nobody: its contact is forgotten, its leg's end was never seen, nothing will end it."""
    name, contact = ReservationId("rgone"), ContactId("kgone")
    floor.world.reservations[name] = Reservation(
        id=name, contact=contact, conversation=ConversationId("cgone-1"), made_at=1.0, confirm_by=1.0, deadline=1.0,
        agents={AgentId("1001"): OfferedAgent(agent=AgentId("1001"), withdrawing=True)},
    )  # fmt: skip
    floor.acd.rebuild(floor.world)


def plant_contact(floor: Floor) -> None:
    """A contact that waits for a caller who is gone."""
    caller = into_queue(floor)
    contact = msgspec.structs.replace(floor.contact(), id=ContactId("ktest-999"))
    floor.switch.end(caller)
    floor.advance(15)
    floor.world.contacts[contact.id] = contact
    floor.world.books[contact.queue].entered += 1
    floor.world.deadlines.set(f"acd.maxwait:{contact.id}", floor.now + 100)
    floor.acd.rebuild(floor.world)


def plant_ended(floor: Floor) -> None:
    plant_contact(floor)
    floor.contact().state = ContactState.ENDED
    floor.world.books[floor.contact().queue].entered -= 1
    floor.world.deadlines.drop(f"acd.maxwait:{floor.contact().id}")
    floor.acd.rebuild(floor.world)


def plant_book(floor: Floor) -> None:
    into_queue(floor)
    floor.world.books[floor.contact().queue].entered += 3


def plant_state(floor: Floor) -> None:
    floor.agent("1001").reason = "lunch"


def plant_stray_deadline(floor: Floor) -> None:
    floor.world.deadlines.set("acd.offer:rgone", floor.now + 100)


def plant_overdue(floor: Floor) -> None:
    """The heap has lost an entry of the book."""
    into_queue(floor)
    (key,) = [key for key in floor.world.deadlines.keys() if key.startswith("acd.maxwait")]
    floor.world.deadlines._heap = [entry for entry in floor.world.deadlines._heap if entry[1] != key]
    floor.calm = False
    floor.advance(3605)


def plant_missing_deadline(floor: Floor) -> None:
    into_queue(floor)
    floor.world.deadlines.drop(f"acd.maxwait:{floor.contact().id}")


def plant_flow(floor: Floor) -> None:
    """A caller in the menu whose prompt nobody guards any more."""
    floor.switch.call("1.1", "95500")
    floor.settle()
    (key,) = [key for key in floor.world.deadlines.keys() if key.startswith("ivr.")]
    floor.world.deadlines.drop(key)




def plant_ended_call(floor: Floor) -> None:
    """An ended call waits for an agent's leg whose end is never told, and nothing will forget it."""
    caller, leg = ringing(floor)
    floor.lost = lambda item: getattr(item, "leg", "") == leg
    floor.calm = False
    floor.switch.end(caller)
    floor.advance(3)  # the agent is free of it
    floor.world.deadlines.drop(f"calls.forget:{floor.conversation().id}")
    del floor.conversation().legs[leg]
    floor.world.conversation_of_leg.pop(leg)


def plant_index(floor: Floor) -> None:
    for pool in floor.acd.index.pools.values():
        pool.eligible.clear()
    floor.acd.index.counts.clear()


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (plant_work, (FaultKind.WORK_STUCK,)),
        (plant_reserved, (FaultKind.RESERVATION_STUCK,)),
        (plant_contact, (FaultKind.CONTACT_STUCK,)),
        (plant_ended, (FaultKind.CONTACT_STUCK,)),
        (plant_state, (FaultKind.AGENT_STATE,)),
        (plant_stray_deadline, (FaultKind.DEADLINE_STRAY,)),
        (plant_missing_deadline, (FaultKind.DEADLINE_MISSING,)),
        (plant_overdue, (FaultKind.DEADLINE_OVERDUE,)),
        (plant_flow, (FaultKind.DEADLINE_MISSING,)),
        (plant_ended_call, (FaultKind.DEADLINE_MISSING,)),
        (plant_index, (FaultKind.INDEX_BROKEN,)),
        (plant_book, (FaultKind.BOOKS_WRONG,)),
    ],
)
def test_what_nothing_else_would_ever_end_is_ended(
    floor: Floor, plant: Callable[[Floor], None], kinds: tuple[FaultKind, ...]
) -> None:
    floor.log_in("1001", ready=plant in (plant_state, plant_index))
    plant(floor)
    repaired(floor, *kinds)


def test_a_caller_whom_a_broken_index_forgot_is_served(floor: Floor) -> None:
    into_queue(floor)
    floor.log_in("1001", ready=False)
    agent = floor.agent("1001")
    agent.ready = True  # and the index does not know
    floor.calm = False
    faults = check.faults(floor.world)
    assert [fault.kind for fault in faults] == [FaultKind.UNSERVED]
    floor.feed(facts.FaultsFound(faults=tuple(faults)))
    assert len(floor.events(ev.OfferMade)) == 1


def test_a_repair_that_did_not_help_often_enough_is_left_to_people(floor: Floor) -> None:
    into_queue(floor)
    floor.switch.bridges.clear()
    floor.calm = False
    faults = tuple(msgspec.structs.replace(fault, attempt=MAX_REPAIRS + 1) for fault in found(floor))
    floor.feed(facts.FaultsFound(faults=faults))
    assert not floor.records[-1].effects
    assert [event.repair for event in floor.events(ev.FaultFound)] == [""]  # type: ignore[attr-defined]


