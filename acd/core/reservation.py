"""Reservations: the only place where an agent and a contact move together.

Lives here: what the events of offers, talks and wrap-ups do to contact, agents and deadlines. Not here: when such an
event comes about (`outcomes`) and whom to offer to (`routing`). Seconds: the queue's configuration, DESIGN section 4,
and the constants below.

A reservation holds 1..n agents. An agent of it is *live* (offered or ringing), *withdrawing* (we ended his ring and
wait for the leg's end) or *closed*. Only a live one can win; he stays in the agent's hands until he is closed.
"""

from __future__ import annotations

from acd.core import contact as contacts
from acd.core.agent import reachable
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, QueueId, ReservationId
from ctiserver.model.routing import INTERNAL, OUTBOUND
from ctiserver.model.work import (
    Agent,
    Contact,
    ContactState,
    LastAgent,
    OfferedAgent,
    Reservation,
    Tally,
    WorkItem,
    WorkKind,
)
from ctiserver.model.world import World

WITHDRAW_AFTER = 2.0
"""Seconds after which an agent is freed although the end of his leg was not seen (DESIGN section 4)."""
UNREACHABLE_PAUSE = 2.0
"""Seconds that a contact avoids an agent whose device could not be rung: no hot loop (our choice)."""
TAKE_BACK = 15.0
"""Seconds that a caller waits for his lost agent before he goes back to the queue."""

REMEMBERED = 20_000
"""Customers of whom we remember whom they talked to last; the oldest is forgotten first (our choice)."""

Offer = ev.OfferMissed | ev.OfferRejected | ev.OfferUnreachable | ev.OfferWithdrawn


def confirm_key(reservation: ReservationId) -> str:
    return f"acd.confirm:{reservation}"


def offer_key(reservation: ReservationId) -> str:
    return f"acd.offer:{reservation}"


def withdraw_key(reservation: ReservationId, agent: AgentId) -> str:
    """Each agent of a reservation has his own: who is withdrawn later must not keep who was withdrawn before."""
    return f"acd.withdraw:{reservation}:{agent}"


def wrap_key(agent: AgentId, contact: ContactId) -> str:
    return f"acd.wrap:{agent}:{contact}"


def takeback_key(contact: ContactId) -> str:
    return f"acd.takeback:{contact}"


def live(offered: OfferedAgent) -> bool:
    return not offered.withdrawing and not offered.closed


def live_agents(reservation: Reservation) -> list[OfferedAgent]:
    return [offered for offered in reservation.agents.values() if live(offered)]


def offer_made(world: World, event: ev.OfferMade) -> None:
    contact = world.contacts[event.contact]
    held = world.reservations_of_contact
    held[event.contact] = held.get(event.contact, 0) + 1
    world.reservations[event.reservation] = Reservation(
        id=event.reservation,
        contact=event.contact,
        conversation=event.conversation,
        agents={agent: OfferedAgent(agent=agent) for agent in event.agents},
        made_at=event.at,
        confirm_by=event.confirm_by,
        deadline=event.deadline,
    )
    contact.state = ContactState.RESERVED
    contact.reservation = event.reservation
    contact.offers += 1
    for agent in event.agents:
        _reserve(world, contact, agent, event)
    world.deadlines.set(confirm_key(event.reservation), event.confirm_by)


def joined(world: World, event: ev.OfferJoined) -> None:
    held = world.reservations[event.reservation]
    held.agents[event.agent] = OfferedAgent(agent=event.agent)
    held.confirm_by = event.confirm_by
    _reserve(world, world.contacts[event.contact], event.agent, event)
    world.deadlines.set(confirm_key(event.reservation), event.confirm_by)


def _reserve(world: World, contact: Contact, agent: AgentId, event: ev.OfferMade | ev.OfferJoined) -> None:
    world.agents[agent].work[contact.id] = WorkItem(
        contact=contact.id,
        conversation=event.conversation,
        kind=WorkKind.RESERVED,
        since=event.at,
        reservation=event.reservation,
        medium=contact.medium,
    )
    tally(world.agents[agent], contact.queue).offered_at = event.at


def ring_changed(world: World, event: ev.OfferConfirmed | ev.RingAsked | ev.RingCancelled | ev.Originated) -> None:
    reservation = world.reservations.get(event.reservation or ReservationId(""))
    offered = reservation.agents.get(event.agent) if reservation is not None else None
    if reservation is None or offered is None or offered.closed:
        return
    match event:
        case ev.OfferConfirmed():
            offered.confirmed = True
        case ev.Originated():
            offered.leg = event.leg
        case ev.RingAsked():
            offered.ringing = True
            reservation.deadline = event.deadline
            world.deadlines.set(offer_key(reservation.id), event.deadline)
        case ev.RingCancelled():
            offered.withdrawing = True
    _deadlines(world, reservation)


def offer_ended(world: World, event: Offer) -> None:
    """One agent's part of an offer is over. With his ring cancelled before, he stays until his leg's end is seen."""
    agent = world.agents[event.agent]
    contact = world.contacts.get(event.contact)
    if isinstance(event, ev.OfferMissed):
        agent.misses += 1
    if isinstance(event, ev.OfferUnreachable):
        agent.unreached += 1 if reachable(agent) else 0
    elif not isinstance(event, ev.OfferWithdrawn):
        agent.unreached = 0  # it rang
    if contact is not None and not isinstance(event, ev.OfferWithdrawn):
        _avoid(world, contact, event)
    reservation = world.reservations.get(event.reservation)
    offered = reservation.agents.get(event.agent) if reservation is not None else None
    if reservation is None or offered is None or offered.closed:
        return
    if stays(offered):
        world.deadlines.set(withdraw_key(reservation.id, event.agent), event.at + WITHDRAW_AFTER)
    else:
        close(world, reservation, offered)
    _deadlines(world, reservation)


def stays(offered: OfferedAgent) -> bool:
    """Until the end of his leg is seen: else his phone could ring for two."""
    return offered.withdrawing


def _avoid(world: World, contact: Contact, event: Offer) -> None:
    """Rejected: not this agent for an offer's time. Not reached by the switch: a short pause. Missed: he ranks last."""
    match event:
        case ev.OfferRejected():
            pause = contacts.queue_config(world, contact.queue).offer_seconds
        case ev.OfferUnreachable() if not reachable(world.agents[event.agent]):
            return  # he gets no offer anyway until he is back, and then this one first
        case ev.OfferUnreachable():
            pause = UNREACHABLE_PAUSE
        case _:
            pause = 0.0
    contact.avoid[event.agent] = event.at + pause if pause else 0.0
    if pause:
        world.deadlines.set(contacts.avoid_key(contact.id, event.agent), event.at + pause)


def leg_gone(world: World, event: ev.AgentLegFailed | ev.ConnectionCleared, name: ReservationId | None) -> None:
    """The leg of an agent being withdrawn is seen to be gone: he is free. A live one waits for the decision."""
    reservation = world.reservations.get(name) if name is not None else None
    offered = reservation.agents.get(event.agent or AgentId("")) if reservation is not None else None
    if reservation is None or offered is None or not ends_with_leg(offered):
        return
    close(world, reservation, offered)
    _deadlines(world, reservation)


def ends_with_leg(offered: OfferedAgent) -> bool:
    """Whether the end of his leg is all that he waits for. Of a live one the calls say first why it ended."""
    return offered.withdrawing and not offered.closed


def withdraw_due(world: World, name: ReservationId, agent: AgentId) -> None:
    """The leg's end was not seen in time: the agent is freed all the same, the auditor hunts the leg."""
    reservation = world.reservations.get(name)
    offered = reservation.agents.get(agent) if reservation is not None else None
    if reservation is not None and offered is not None and offered.withdrawing and not offered.closed:
        close(world, reservation, offered)


def close(world: World, reservation: Reservation, offered: OfferedAgent) -> None:
    """The agent has nothing more to do with the reservation."""
    offered.closed = True
    offered.ringing = False
    world.deadlines.drop(withdraw_key(reservation.id, offered.agent))
    agent = world.agents[offered.agent]
    item = agent.work.get(reservation.contact)
    if item is not None and item.kind is WorkKind.RESERVED and item.reservation == reservation.id:
        del agent.work[reservation.contact]


def closed(world: World, event: ev.ReservationClosed) -> None:
    """All its agents are closed (or won) by now: nothing changes for them here."""
    reservation = world.reservations.pop(event.reservation, None)
    if reservation is None:
        return
    held = world.reservations_of_contact
    left = held.pop(reservation.contact, 1) - 1
    if left:
        held[reservation.contact] = left
    of_agents = [withdraw_key(reservation.id, agent) for agent in reservation.agents]
    for key in (confirm_key(reservation.id), offer_key(reservation.id), *of_agents):
        world.deadlines.drop(key)
    contacts.forget_if_done(world, reservation.contact)


def _deadlines(world: World, reservation: Reservation) -> None:
    """Drop what no agent of the reservation waits for any more."""
    asked = ringing = False
    for offered in reservation.agents.values():
        if live(offered):
            ringing = ringing or offered.ringing
            asked = asked or not offered.ringing
    if not asked:
        world.deadlines.drop(confirm_key(reservation.id))
    if not ringing:
        world.deadlines.drop(offer_key(reservation.id))


def requeued(world: World, event: ev.ContactRequeued) -> None:
    """Back to the head. After a talk (agent lost) the agent is freed too."""
    contact = world.contacts[event.contact]
    if contact.state is ContactState.CONNECTED and contact.agent is not None:
        agent = world.agents[contact.agent]
        agent.work.pop(contact.id, None)
        agent.idle_since = event.at
        world.deadlines.drop(takeback_key(contact.id))
        contact.state = ContactState.WAITING
        contact.stepped_at = event.at
        contact.told_at = event.at
        contacts.arm(world, contact, event.at)
    contact.state = ContactState.WAITING
    contact.head = True
    contact.prefer = event.prefer or contact.prefer
    contact.reservation = None
    contact.agent = None
    contact.picked_by = event.prefer if event.picked_up else None


def connected(world: World, event: ev.ContactConnected) -> None:
    contact = world.contacts[event.contact]
    reservation = world.reservations[event.reservation]
    agent = world.agents[event.agent]
    reservation.decided = True
    reservation.won_by = event.agent
    reservation.agents[event.agent].closed = True
    reservation.agents[event.agent].ringing = False
    _deadlines(world, reservation)
    contact.state = ContactState.CONNECTED
    contact.agent = event.agent
    contact.connected_at = event.at
    contact.prefer_until = 0.0
    contacts.drop_waiting_deadlines(world, contact)
    agent.work[contact.id] = WorkItem(
        contact=contact.id,
        conversation=event.conversation,
        kind=WorkKind.BUSY,
        since=event.at,
        reservation=event.reservation,
        medium=contact.medium,
    )
    agent.misses = 0
    agent.unreached = 0
    if contact.booking is None:
        remember(world, contact, event.at)


def remember(world: World, contact: Contact, at: float) -> None:
    """Whom this customer talked to last: a caller's agent from the answer on, a callback's when the talk is over
    (before, nobody may have answered)."""
    if contact.customer and contact.agent is not None:
        world.last_agents.pop(contact.customer, None)
        world.last_agents[contact.customer] = LastAgent(agent=contact.agent, at=at)
        if len(world.last_agents) > REMEMBERED:
            del world.last_agents[next(iter(world.last_agents))]


def leg_lost(world: World, event: ev.AgentLegLost | ev.AgentLegBack, contact: Contact | None) -> None:
    """The agent's leg vanished in the talk, or is back."""
    item = world.agents[event.agent].work.get(contact.id) if contact is not None else None
    if contact is None or item is None or item.kind is not WorkKind.BUSY:
        return
    if isinstance(event, ev.AgentLegLost):
        if item.lost_at:
            return  # heard again: that gives him no more time
        item.lost_at = event.at
        world.deadlines.set(takeback_key(contact.id), event.at + TAKE_BACK)
    else:
        item.lost_at = 0.0
        world.deadlines.drop(takeback_key(contact.id))


def ended(world: World, event: ev.ContactEnded) -> None:
    """The contact is over. A talking agent's item stays: his wrap-up follows."""
    contact = world.contacts[event.contact]
    if contact.state is not ContactState.CONNECTED:  # else they were dropped when it was connected
        contacts.drop_waiting_deadlines(world, contact)
    contact.state = ContactState.ENDED
    contact.end_reason = event.reason
    world.deadlines.drop(takeback_key(contact.id))
    world.deadlines.drop(contacts.retry_key(contact.id))
    if contact.agent is not None and event.reason is EndReason.ANSWERED and contact.medium != INTERNAL:
        agent = world.agents[contact.agent]
        agent.handled_today += 1
        counted = tally(agent, contact.queue)
        counted.handled += 1
        counted.ended_at = event.at
        if contact.booking is not None or contact.medium == OUTBOUND:
            remember(world, contact, event.at)
    contacts.forget_if_done(world, contact.id)


def wrap_up(world: World, event: ev.WrapUpStarted | ev.WrapUpExtended | ev.WrapUpEnded) -> None:
    agent = world.agents[event.agent]
    item = agent.work.get(event.contact)
    if item is None:
        return
    match event:
        case ev.WrapUpStarted():
            item.kind = WorkKind.WRAP_UP
            item.since = event.at
            item.until = event.until
            item.lost_at = 0.0
            world.deadlines.set(wrap_key(event.agent, event.contact), event.until)
        case ev.WrapUpExtended():
            item.until = event.until
            world.deadlines.set(wrap_key(event.agent, event.contact), event.until)
        case ev.WrapUpEnded():
            del agent.work[event.contact]
            agent.idle_since = event.at
            world.deadlines.drop(wrap_key(event.agent, event.contact))
            contact = world.contacts.get(event.contact)
            if contact is not None and contact.connected_at:
                tally(agent, contact.queue).work += event.at - contact.connected_at
            contacts.forget_if_done(world, event.contact)


def tally(agent: Agent, queue: QueueId) -> Tally:
    """The agent's own account of this queue, begun when it is first needed."""
    found = agent.tallies.get(queue)
    if found is None:
        found = agent.tallies[queue] = Tally()
    return found


def dropped(world: World, event: ev.WorkDropped) -> None:
    """The agent has nothing more to do with this contact, whatever its state says."""
    agent = world.agents.get(event.agent)
    item = agent.work.pop(event.contact, None) if agent is not None else None
    if agent is None or item is None:
        return
    agent.idle_since = event.at
    world.deadlines.drop(wrap_key(event.agent, event.contact))
    if item.kind is WorkKind.BUSY:  # else the clock is that of another, who has lost his leg in the talk
        world.deadlines.drop(takeback_key(event.contact))
    contacts.forget_if_done(world, event.contact)
