"""Applying: what each event does to the ACD's part of the world, and keeping the index in step.

Lives here: event type -> function. Not here: the rules, each beside what it changes (`agent`, `contact`, `waiting`,
`reservation`); the two events after which the index is derived anew (`engine`).
"""

from __future__ import annotations

from collections.abc import Callable

from acd.core import (
    agent as agents,
    callback,
    consult,
    contact as contacts,
    dial,
    forecast,
    lead,
    queue_rules,
    reservation,
    served,
    waiting,
)
from acd.core.index import Index
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, QueueId, ReservationId, is_seat
from ctiserver.model.work import Agent, Book, ClosedQueue, ContactState
from ctiserver.model.world import World

Clock = ev.ContactStepped | ev.ContactOpened | ev.PreferenceEnded


def _agent(index: Index, world: World, name: AgentId, at: float) -> None:
    """After a change of the agent: what is derived from it, in the world and in the index."""
    agent = world.agents.get(name)
    if agent is not None:
        agents.settle(world, agent, index.seen[name].state, at)
        index.agent_changed(agent)


def _apply_away(index: Index, world: World, event: ev.CallerAway | ev.CallerReturned) -> None:
    contact = index.live(event.conversation)
    if contact is not None:
        contact.away = isinstance(event, ev.CallerAway)


def _apply_desk_phone(index: Index, world: World, event: ev.DeskPhoneChanged) -> None:
    if event.present:
        world.desk_phones[event.phone] = event.at
    else:
        world.desk_phones.pop(event.phone, None)


def _apply_due(index: Index, world: World, event: ev.DeadlinePassed) -> None:
    world.deadlines.drop(event.key)
    kind, _, rest = event.key.partition(":")
    if kind == "acd.avoid":
        name, _, agent = rest.partition(":")
        contact = world.contacts.get(ContactId(name))
        if contact is not None and agent in contact.avoid:
            contact.avoid[AgentId(agent)] = 0.0
    elif kind == "acd.comfort":
        contact = world.contacts.get(ContactId(rest))
        if contact is not None and contact.state in (ContactState.WAITING, ContactState.RESERVED):
            contact.told_at = event.at
            waiting.arm(world, contact)
    elif kind in ("acd.load", "acd.over"):
        contact = world.contacts.get(ContactId(rest))
        if contact is not None:
            waiting.look_again(world, contact, kind, event.at)
    elif kind == "acd.hours":
        queue_rules.arm_hours(world, QueueId(rest), event.at)
    elif kind == "acd.withdraw":
        name, _, agent = rest.partition(":")
        reservation.withdraw_due(world, ReservationId(name), AgentId(agent))
        _agent(index, world, AgentId(agent), event.at)


def _apply_queued(index: Index, world: World, event: ev.ContactQueued) -> None:
    contacts.apply_queued(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))
    _book(world, event.queue).entered += 1
    forecast.line(world, event.queue, index.waiting.get(event.queue, 0), event.at)
    forecast.entered(world, world.contacts[event.contact], index.position(world.contacts[event.contact]))


def _book(world: World, queue: QueueId) -> Book:
    found = world.books.get(queue)
    if found is None:
        found = world.books[queue] = Book()
    return found


def _left(world: World, queue: QueueId, reason: EndReason) -> None:
    ended = _book(world, queue).ended
    ended[reason] = ended.get(reason, 0) + 1


def _apply_turned_away(index: Index, world: World, event: ev.CallerTurnedAway) -> None:
    _book(world, event.queue).entered += 1
    _left(world, event.queue, event.reason)


def _apply_switched(index: Index, world: World, event: ev.QueueSwitched) -> None:
    if event.closed:
        world.closed_queues[event.queue] = ClosedQueue(by=event.by, reason=event.reason, at=event.at)
    else:
        world.closed_queues.pop(event.queue, None)


def _apply_waiting(index: Index, world: World, event: Clock) -> None:
    waiting.apply(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))


def _apply_offer(index: Index, world: World, event: ev.OfferMade) -> None:
    reservation.offer_made(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))
    forecast.offered(world, world.contacts[event.contact], event.at)
    forecast.line(world, event.queue, index.waiting.get(event.queue, 0), event.at)
    for name in event.agents:
        _agent(index, world, name, event.at)


def _apply_joined(index: Index, world: World, event: ev.OfferJoined) -> None:
    reservation.joined(world, event)
    _agent(index, world, event.agent, event.at)


def _apply_originated(index: Index, world: World, event: ev.Originated) -> None:
    if event.reservation is not None and event.reservation in world.reservations:
        reservation.ring_changed(world, event)
        index.reservation_of_leg[event.leg] = event.reservation


def _apply_ring(index: Index, world: World, event: ev.OfferConfirmed | ev.RingAsked | ev.RingCancelled) -> None:
    reservation.ring_changed(world, event)


def _apply_offer_ended(index: Index, world: World, event: reservation.Offer) -> None:
    reservation.offer_ended(world, event)
    _agent(index, world, event.agent, event.at)


def _apply_leg_failed(index: Index, world: World, event: ev.AgentLegFailed) -> None:
    reservation.leg_gone(world, event, event.reservation)
    _agent(index, world, event.agent, event.at)


def _apply_cleared(index: Index, world: World, event: ev.ConnectionCleared) -> None:
    reservation.leg_gone(world, event, index.reservation_of_leg.get(event.leg))
    if event.agent is not None:
        _agent(index, world, event.agent, event.at)


def _apply_closed(index: Index, world: World, event: ev.ReservationClosed) -> None:
    held = world.reservations.get(event.reservation)
    for offered in held.agents.values() if held is not None else ():
        if offered.leg is not None:
            index.reservation_of_leg.pop(offered.leg, None)
    reservation.closed(world, event)


def _apply_requeued(index: Index, world: World, event: ev.ContactRequeued) -> None:
    talked = world.contacts[event.contact].agent
    reservation.requeued(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))
    forecast.back(world, world.contacts[event.contact], event.at)
    if talked is not None:
        _agent(index, world, talked, event.at)


def _apply_callback(index: Index, world: World, event: ev.CallbackPlanned | ev.CallbackDue) -> None:
    callback.apply(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))


def _apply_made(index: Index, world: World, event: ev.CallMade) -> None:
    busy = dial.apply_made(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))
    for name in busy:
        _agent(index, world, name, event.at)


def _apply_unreached(index: Index, world: World, event: ev.CustomerUnreached) -> None:
    dial.apply_unreached(world, event)


def _apply_connected(index: Index, world: World, event: ev.ContactConnected) -> None:
    made = world.reservations[event.reservation].made_at
    contact = world.contacts[event.contact]
    if contacts.counted(contact):
        served.answered(world, contact, _book(world, contact.queue), event.at)
    forecast.connected(world, world.contacts[event.contact], made, event.at)
    reservation.connected(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))
    _agent(index, world, event.agent, event.at)


def _apply_leg_lost(index: Index, world: World, event: ev.AgentLegLost | ev.AgentLegBack) -> None:
    reservation.leg_lost(world, event, index.live(event.conversation))
    consult.apply_lost(world, event)


def _apply_consult(
    index: Index, world: World, event: ev.ConsultAsked | ev.ConsultRing | ev.ConsultUp | ev.PartyLeft
) -> None:
    consult.apply(world, event)
    index.parties_changed(event.conversation)
    _agent(index, world, event.agent, event.at)


def _apply_passed(index: Index, world: World, event: ev.ContactPassed) -> None:
    consult.apply_passed(world, event)
    index.contact_changed(event.contact, world.contacts.get(event.contact))
    if contacts.counted(world.contacts[event.contact]):
        _book(world, event.queue).entered += 1
    _agent(index, world, event.agent, event.at)


def _apply_ended(index: Index, world: World, event: ev.ContactEnded) -> None:
    counted = contacts.counted(world.contacts[event.contact])
    forecast.ended(world, world.contacts[event.contact], event.at)
    if counted:
        served.ended(world.contacts[event.contact], _book(world, event.queue), event)
    reservation.ended(world, event)
    if counted:
        _left(world, event.queue, event.reason)
    index.forget_conversation(event.conversation, event.contact)
    index.contact_changed(event.contact, world.contacts.get(event.contact))
    if event.queue:  # an internal call has none
        forecast.line(world, event.queue, index.waiting.get(event.queue, 0), event.at)


def _apply_wrap_up(index: Index, world: World, event: ev.WrapUpStarted | ev.WrapUpEnded) -> None:
    reservation.wrap_up(world, event)
    _agent(index, world, event.agent, event.at)


def _apply_taken(index: Index, world: World, event: ev.DeviceTaken) -> None:
    """A seat is there from its first phone on."""
    if is_seat(event.agent) and event.agent not in world.agents:
        agent = world.agents[event.agent] = Agent(id=event.agent)
        index.agent_changed(agent)
    agents.apply(world, event)
    _agent(index, world, event.agent, event.at)


def _apply_agent(index: Index, world: World, event: ev.AgentSignedIn) -> None:
    agents.apply(world, event)
    _agent(index, world, event.agent, event.at)


def _apply_book(index: Index, world: World, event: ev.BookMended) -> None:
    _book(world, event.queue).entered = event.entered


def _apply_mended(index: Index, world: World, event: ev.DeadlineMended) -> None:
    if event.due is None:
        world.deadlines.drop(event.key)
    else:
        world.deadlines.set(event.key, event.due)


def _apply_dropped(index: Index, world: World, event: ev.WorkDropped) -> None:
    reservation.dropped(world, event)
    consult.apply_dropped(world, event)
    _agent(index, world, event.agent, event.at)


def _apply_forgotten(index: Index, world: World, event: ev.ContactForgotten) -> None:
    world.contacts.pop(event.contact, None)
    index.contact_changed(event.contact, world.contacts.get(event.contact))


APPLY: dict[type, Callable[..., None]] = {
    ev.CallerAway: _apply_away,
    ev.CallerReturned: _apply_away,
    ev.DeskPhoneChanged: _apply_desk_phone,
    ev.DeadlinePassed: _apply_due,
    ev.ContactQueued: _apply_queued,
    ev.CallerTurnedAway: _apply_turned_away,
    ev.QueueSwitched: _apply_switched,
    ev.ContactStepped: _apply_waiting,
    ev.ContactOpened: _apply_waiting,
    ev.PreferenceEnded: _apply_waiting,
    ev.OfferMade: _apply_offer,
    ev.OfferJoined: _apply_joined,
    ev.Originated: _apply_originated,
    ev.OfferConfirmed: _apply_ring,
    ev.RingAsked: _apply_ring,
    ev.RingCancelled: _apply_ring,
    ev.OfferMissed: _apply_offer_ended,
    ev.OfferRejected: _apply_offer_ended,
    ev.OfferUnreachable: _apply_offer_ended,
    ev.OfferWithdrawn: _apply_offer_ended,
    ev.AgentLegFailed: _apply_leg_failed,
    ev.ConnectionCleared: _apply_cleared,
    ev.ReservationClosed: _apply_closed,
    ev.ContactRequeued: _apply_requeued,
    ev.CallMade: _apply_made,
    ev.CustomerUnreached: _apply_unreached,
    ev.OutsideCalled: lambda index, world, event: dial.count(world, event.agent, event.at),
    ev.CallbackPlanned: _apply_callback,
    ev.CallbackDue: _apply_callback,
    ev.ContactConnected: _apply_connected,
    ev.ConsultQueued: lambda index, world, event: index.parties_changed(event.conversation),
    **dict.fromkeys((ev.ConsultAsked, ev.ConsultRing, ev.ConsultUp, ev.PartyLeft), _apply_consult),
    ev.ContactPassed: _apply_passed,
    ev.AgentLegLost: _apply_leg_lost,
    ev.AgentLegBack: _apply_leg_lost,
    ev.ContactEnded: _apply_ended,
    ev.WrapUpStarted: _apply_wrap_up,
    ev.WrapUpExtended: lambda index, world, event: reservation.wrap_up(world, event),
    ev.WrapUpEnded: _apply_wrap_up,
    **dict.fromkeys(
        (
            ev.AgentSignedIn,
            ev.AgentSignedOut,
            ev.AvailabilityChosen,
            ev.DeviceReady,
            ev.DeviceContactChanged,
            ev.DeviceReleased,
            ev.DesktopLinkChanged,
            ev.NoteWritten,
            ev.DispositionSet,
        ),
        _apply_agent,
    ),
    ev.DeviceTaken: _apply_taken,
    ev.AgentTold: lead.told,
    ev.NoticeRead: lead.told,
    ev.ContactPulled: lead.moved,
    ev.ContactPrioritised: lead.moved,
    ev.BookMended: _apply_book,
    ev.DeadlineMended: _apply_mended,
    ev.WorkDropped: _apply_dropped,
    ev.ContactForgotten: _apply_forgotten,
}
