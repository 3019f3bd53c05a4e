"""What the ACD does about faults that the auditor has confirmed: about agents, their devices and their work.

A repair uses the decisions of everyday work where there are any. One that came back too often is only told. Who waits
unserved is matched anew when the index is (`engine`).
"""

from __future__ import annotations

from acd.core import contact as contacts, devices, outcomes
from acd.core.index import Index
from ctiserver.model import effects as fx, events as ev, facts
from ctiserver.model.causes import EndReason, Parted
from ctiserver.model.faults import MAX_REPAIRS, OF_CALLS, Fault, FaultKind
from ctiserver.model.ids import AgentId, ContactId, LeaseId, QueueId, ReservationId, desk_phone
from ctiserver.model.talk import party
from ctiserver.model.turns import Decision
from ctiserver.model.work import Agent, Contact, ContactState, Reservation, WorkKind
from ctiserver.model.world import World


def decide(world: World, index: Index, found: facts.FaultsFound, now: float) -> Decision:
    """The repairs, each before the FaultFound that tells it."""
    events: list[ev.Event] = []
    effects: list[fx.Effect] = []
    for fault in found.faults:
        if fault.kind in OF_CALLS:
            continue
        repair = _repair(world, index, fault, events, effects, now) if fault.attempt <= MAX_REPAIRS else ""
        events.append(
            ev.FaultFound(
                kind=fault.kind,
                target=fault.target,
                conversation=fault.conversation,
                detail=fault.detail,
                repair=repair,
                at=now,
            )
        )
    return Decision(tuple(events), tuple(effects))


def _repair(
    world: World, index: Index, fault: Fault, events: list[ev.Event], effects: list[fx.Effect], now: float
) -> str:
    match fault.kind:
        case FaultKind.ENDPOINT_MISSING | FaultKind.ENDPOINT_STRAY if desk_phone(fault.target) is not None:
            effects.append(fx.SetPhones(phones=world.site.phones))
            return "desk phones set anew"
        case FaultKind.LEASE_STALE if (desk := desk_phone(fault.target)) is not None:
            there = desk not in world.desk_phones
            seen = facts.DeviceContact(endpoint=fault.target, present=there, at=now)
            events.extend(devices.contact_changed(world, index, seen, now))
            return "counts as registered" if there else "counts as not registered"
        case FaultKind.ENDPOINT_MISSING | FaultKind.LEASE_STALE:
            return _device(world.agents.get(fault.agent or AgentId("")), fault, events, effects, now)
        case FaultKind.ENDPOINT_STRAY:
            effects.append(fx.RemoveDevice(lease=LeaseId(fault.target), endpoint=fault.target))
            return "removed"
        case FaultKind.DEADLINE_MISSING | FaultKind.DEADLINE_STRAY | FaultKind.DEADLINE_OVERDUE:
            due = fault.due if fault.kind is FaultKind.DEADLINE_MISSING else world.deadlines.get(fault.target)
            if fault.kind is FaultKind.DEADLINE_STRAY:
                due = None
            events.append(ev.DeadlineMended(key=fault.target, due=due))
            return "set anew" if due is not None else "dropped"
        case FaultKind.RESERVATION_STUCK:
            return _withdraw(world, world.reservations.get(ReservationId(fault.target)), events, now)
        case FaultKind.WORK_STUCK:
            return _free(world, fault, events, now)
        case FaultKind.CONTACT_STUCK:
            return _contact(world, world.contacts.get(ContactId(fault.target)), events, now)
        case FaultKind.AGENT_STATE:
            return _agent(world.agents.get(AgentId(fault.target)), events, now)
        case FaultKind.BOOKS_WRONG:
            queue = QueueId(fault.target)
            mine = [c for c in world.contacts.values() if c.queue == queue and contacts.counted(c)]
            here = sum(1 for contact in mine if contact.state is not ContactState.ENDED)
            ended = sum(world.books[queue].ended.values()) if queue in world.books else 0
            events.append(ev.BookMended(queue=queue, entered=ended + here))
            return "set right"
        case FaultKind.INDEX_BROKEN | FaultKind.UNSERVED:
            if not any(isinstance(event, ev.IndexRebuilt) for event in events):
                events.append(ev.IndexRebuilt(at=now))
            return "index derived anew, all who wait are offered"
        case _:
            return ""


def _device(agent: Agent | None, fault: Fault, events: list[ev.Event], effects: list[fx.Effect], now: float) -> str:
    """The endpoint is made (again); a phone that is not registered there is no phone until it registers."""
    device = agent.device if agent is not None else None
    if agent is None or device is None or device.endpoint != fault.target:
        return ""
    effects.append(fx.ProvisionDevice(agent=agent.id, lease=device.lease, endpoint=device.endpoint))
    if fault.kind is FaultKind.ENDPOINT_MISSING:
        return "made anew"
    events.append(ev.DeviceContactChanged(agent=agent.id, endpoint=device.endpoint, present=False, at=now))
    return "counts as not registered, is asked to register"


def _withdraw(world: World, held: Reservation | None, events: list[ev.Event], now: float) -> str:
    """The offer is over: rings are ended, its agents are free, a caller who waits for it is at the head again."""
    if held is None:
        return ""
    for offered in held.agents.values():
        if offered.closed:
            continue
        if offered.ringing and not offered.withdrawing:
            events.append(ev.RingCancelled(reservation=held.id, conversation=held.conversation, agent=offered.agent))
        events.append(ev.WorkDropped(agent=offered.agent, contact=held.contact, at=now))
    contact = world.contacts.get(held.contact)
    if contact is not None and contact.state is ContactState.RESERVED and contact.reservation == held.id:
        events.append(ev.ContactRequeued(contact=contact.id, prefer=None, at=now))
    events.append(ev.ReservationClosed(reservation=held.id))
    return "withdrawn"


def _free(world: World, fault: Fault, events: list[ev.Event], now: float) -> str:
    agent = world.agents.get(fault.agent or AgentId(""))
    name = ContactId(fault.target)
    item = agent.work.get(name) if agent is not None else None
    conversation = world.conversations.get(fault.conversation) if fault.conversation is not None else None
    one = party(conversation, fault.agent) if conversation is not None else None
    if conversation is not None and one is not None and one.item == name:  # with his leg, if he has one
        events.append(ev.PartyLeft.of(conversation, one, Parted.AUDITOR, now))
        return "taken out of the call"
    if agent is None or item is None:
        return ""
    contact = world.contacts.get(name)
    if item.kind is WorkKind.WRAP_UP and contact is not None and contact.agent == agent.id:
        events.append(ev.WrapUpEnded(agent=agent.id, contact=name, how="time", at=now))
        return "wrap-up ended"
    events.append(ev.WorkDropped(agent=agent.id, contact=name, at=now))
    return "dropped"


def _contact(world: World, contact: Contact | None, events: list[ev.Event], now: float) -> str:
    if contact is None:
        return ""
    if contact.state is ContactState.ENDED:
        events.append(ev.ContactForgotten(contact=contact.id))
        return "forgotten"
    conversation = world.conversations.get(contact.conversation)
    if conversation is None or conversation.cleared:
        events.extend(outcomes.caller_gone(world, contact, now))
        return "ended"
    if conversation.contact != contact.id:  # another one is the conversation's now
        events.append(contacts.end(contact, EndReason.FAILED, now))
        return "ended"
    events.append(ev.ContactRequeued(contact=contact.id, prefer=None, at=now))
    return "back in the queue"


def _agent(agent: Agent | None, events: list[ev.Event], now: float) -> str:
    if agent is None or len(agent.work) > 1:
        return ""
    if not agent.signed_in:
        events.append(ev.AgentSignedOut(agent=agent.id, at=now, why="auditor"))
        return "signed out"
    chosen = ev.AvailabilityChosen(agent=agent.id, ready=False, reason=agent.reason, by="auditor", at=now)
    events.append(chosen)
    return "set not ready"
