"""Outcomes: what follows when a leg is up or failed, a deadline passes, the caller goes, an agent is out of reach.

Lives here: the decisions about running offers, talks and wrap-ups; they only read the world. Not here: what the
events do (`reservation`), whom to offer to (`routing`). Journal order decides between leg up, caller gone and
deadline: whoever comes later finds the reservation or contact changed and changes nothing.
"""

from __future__ import annotations

from acd.core import contact as contacts
from acd.core.agent import SPOKEN, reachable, reached
from acd.core.reservation import Offer, live, live_agents
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason, LegFailure
from ctiserver.model.ids import AgentId, ContactId, ReservationId
from ctiserver.model.work import Agent, Contact, ContactState, OfferedAgent, Reservation, WorkKind
from ctiserver.model.world import World

MAX_UNREACHED = 3
"""Rings in a row that a device did not get before its agent is set not ready (our choice)."""


def ring(world: World, reservation: Reservation, offered: OfferedAgent, now: float) -> ev.RingAsked:
    """Who joins a ring that is under way has the time that is left of it."""
    contact = world.contacts[reservation.contact]
    deadline = now + contacts.queue_config(world, contact.queue).offer_seconds
    if any(other.ringing for other in live_agents(reservation)):
        deadline = min(deadline, reservation.deadline)
    return ev.RingAsked(
        reservation=reservation.id,
        contact=reservation.contact,
        conversation=reservation.conversation,
        agent=offered.agent,
        deadline=deadline,
    )


def confirm_due(world: World, name: ReservationId, now: float) -> tuple[ev.Event, ...]:
    """No desktop confirmed in time: ring all the same."""
    reservation = world.reservations.get(name)
    if reservation is None:
        return ()
    return tuple(ring(world, reservation, offered, now) for offered in live_agents(reservation) if not offered.ringing)


def leg_up(world: World, event: ev.AgentLegUp, now: float) -> tuple[ev.Event, ...]:
    """The first live agent to answer has the contact; anything later changes nothing (the calls core ends the leg)."""
    reservation = world.reservations.get(event.reservation)
    offered = reservation.agents.get(event.agent) if reservation is not None else None
    if reservation is None or offered is None or not may_win(reservation, offered):
        return ()
    contact = world.contacts[reservation.contact]
    if contact.state is not ContactState.RESERVED or contact.reservation != reservation.id:
        return ()
    connect = ev.ContactConnected(
        contact=contact.id,
        conversation=contact.conversation,
        reservation=reservation.id,
        agent=event.agent,
        at=now,
    )
    losers = [other for other in live_agents(reservation) if other.agent != event.agent]
    events, pending = _end_offers(reservation, losers, ev.OfferWithdrawn, now)
    return (connect, *events, *_closing(reservation, pending, [*losers, offered]))


def may_win(reservation: Reservation, offered: OfferedAgent) -> bool:
    """Only a live agent whose phone rings, while nobody has won yet."""
    return not reservation.decided and live(offered) and offered.ringing


def leg_failed(world: World, event: ev.AgentLegFailed, now: float) -> tuple[ev.Event, ...]:
    """An agent's ring is over and its leg gone. Withdrawn before: only the reservation may close now."""
    reservation = world.reservations.get(event.reservation)
    offered = reservation.agents.get(event.agent) if reservation is not None else None
    if reservation is None or offered is None:
        return ()
    if not live(offered):
        return close_if_done(reservation)
    if not offered.ringing:
        return ()
    kind: type[Offer]
    match event.failure:
        case LegFailure.MISSED:
            kind = ev.OfferMissed
        case LegFailure.REJECTED:
            kind = ev.OfferRejected
        case LegFailure.UNREACHABLE | LegFailure.TOO_LATE:
            kind = ev.OfferUnreachable
    over = kind(reservation=reservation.id, contact=reservation.contact, agent=event.agent, at=now)
    agent = world.agents[event.agent]
    if isinstance(over, ev.OfferMissed):
        forced = _misses(world, agent, now)
    elif isinstance(over, ev.OfferUnreachable):
        forced = _unreached(agent, now)
    else:
        forced = ()
    return (over, *forced, *_back(world, reservation, [offered], None, now), *_closing(reservation, 0, [offered]))


def offer_due(world: World, name: ReservationId, now: float) -> tuple[ev.Event, ...]:
    """The offer's deadline: every live agent missed it."""
    reservation = world.reservations.get(name)
    if reservation is None:
        return ()
    missed = [offered for offered in live_agents(reservation) if offered.ringing]
    events, pending = _end_offers(reservation, missed, ev.OfferMissed, now)
    forced = [event for offered in missed for event in _misses(world, world.agents[offered.agent], now)]
    return (
        *events,
        *forced,
        *_back(world, reservation, missed, None, now),
        *_closing(reservation, pending, missed),
    )


def out_of_reach(world: World, agent: Agent, now: float, *, moved: bool = False) -> tuple[ev.Event, ...]:
    """The agent cannot be reached any more: running offers are withdrawn at once; they come back to him first. `moved`:
    he has another phone now, so what rings for him rings elsewhere."""
    found: list[ev.Event] = []
    for item in agent.work.values():
        reservation = world.reservations.get(item.reservation or ReservationId(""))
        offered = reservation.agents.get(agent.id) if reservation is not None else None
        if item.kind is not WorkKind.RESERVED or reservation is None or offered is None or not live(offered):
            continue
        if not reached(agent, item.medium) or (moved and item.medium in SPOKEN):
            events, pending = _end_offers(reservation, [offered], ev.OfferUnreachable, now)
            found.extend(events)
            found.extend(_back(world, reservation, [offered], agent.id, now))
            found.extend(_closing(reservation, pending, [offered]))
    return tuple(found)


def taken_away(world: World, now: float) -> tuple[ev.Event, ...]:
    """After a change of the site: nothing rings for who is no agent of it any more; the others may have it."""
    events: list[ev.Event] = []
    for reservation in world.reservations.values():
        gone = [offered for offered in live_agents(reservation) if offered.agent not in world.agent_configs]
        if gone:
            over, pending = _end_offers(reservation, gone, ev.OfferWithdrawn, now)
            back = _back(world, reservation, gone, None, now)
            events.extend((*over, *back, *_closing(reservation, pending, gone)))
    return tuple(events)


def withdrawn(world: World, contact: Contact, now: float) -> tuple[ev.Event, ...]:
    """End the contact's offer for a reason that is none of its agents' (caller gone, longest wait)."""
    reservation = world.reservations.get(contact.reservation or ReservationId(""))
    if reservation is None:
        return ()
    agents = live_agents(reservation)
    events, pending = _end_offers(reservation, agents, ev.OfferWithdrawn, now)
    return (*events, *_closing(reservation, pending, agents))


def caller_gone(
    world: World, contact: Contact, now: float, waited: EndReason = EndReason.ABANDONED
) -> tuple[ev.Event, ...]:
    """The conversation is over: the contact ends, exactly once, by what it was doing; `waited`: how, if it waited."""
    if contact.state is ContactState.CONNECTED and contact.agent is not None:
        return (contacts.end(contact, EndReason.ANSWERED, now), *wrap_up(world, contact, contact.agent, now))
    end = contacts.end(contact, waited, now)
    if contact.state is ContactState.RESERVED:
        return (*withdrawn(world, contact, now), end)
    return (end,)


def wrap_up(world: World, contact: Contact, agent: AgentId, now: float) -> tuple[ev.Event, ...]:
    """His wrap-up begins; one of no seconds is over at once."""
    seconds = wrap_up_seconds(world, contact, agent)
    wrap = ev.WrapUpStarted(
        agent=agent, contact=contact.id, conversation=contact.conversation, until=now + seconds, at=now
    )
    over = ev.WrapUpEnded(agent=agent, contact=contact.id, how="time", at=now)
    return (wrap,) if seconds > 0 else (wrap, over)


def wrap_up_seconds(world: World, contact: Contact, agent: AgentId) -> float:
    """The agent's own, else the queue's."""
    config = world.agent_configs.get(agent)
    own = config.wrap_up_seconds if config is not None else None
    return own if own is not None else contacts.queue_config(world, contact.queue).wrap_up_seconds


def caller_away(world: World, contact: Contact, now: float) -> tuple[ev.Event, ...]:
    """The caller is in the dialplan's apology: nobody rings for him now; back, he is offered again before his peers."""
    if contact.state is not ContactState.RESERVED:
        return ()
    return (*withdrawn(world, contact, now), ev.ContactRequeued(contact=contact.id, prefer=None, at=now))


def takeback_due(world: World, contact: Contact | None, now: float) -> tuple[ev.Event, ...]:
    """The lost agent did not come back: he is freed, the caller waits at the head, for him first."""
    if contact is None or contact.state is not ContactState.CONNECTED or contact.agent is None:
        return ()
    agent = world.agents[contact.agent]
    item = agent.work.get(contact.id)
    if item is None or not item.lost_at:
        return ()
    away = ev.AvailabilityChosen(agent=agent.id, ready=False, reason="device_lost", by="device_lost", at=now)
    return (away, ev.ContactRequeued(contact=contact.id, prefer=agent.id, at=now))


def wait_due(world: World, contact: Contact | None, now: float) -> tuple[ev.Event, ...]:
    """The longest wait is over and nobody has answered: the flow goes on without an agent."""
    if contact is None or contact.state not in (ContactState.WAITING, ContactState.RESERVED, ContactState.SCHEDULED):
        return ()
    return (*withdrawn(world, contact, now), *contacts.left(contact, EndReason.TIMED_OUT, now))


def left_by_key(world: World, contact: Contact | None, key: str, now: float) -> tuple[ev.Event, ...]:
    """The caller pressed a key by which he may leave. Whoever has been answered before stays with his agent."""
    if contact is None or contact.state not in (ContactState.WAITING, ContactState.RESERVED):
        return ()
    reason = EndReason.LEFT_BY_KEY
    goes_on = ev.QueueRefused(conversation=contact.conversation, reason=reason, key=key)
    return (*withdrawn(world, contact, now), contacts.end(contact, reason, now), goes_on)


def wrap_due(world: World, agent: AgentId, contact: ContactId, now: float) -> tuple[ev.Event, ...]:
    person = world.agents.get(agent)
    item = person.work.get(contact) if person is not None else None
    if item is None or item.kind is not WorkKind.WRAP_UP:
        return ()
    return (ev.WrapUpEnded(agent=agent, contact=contact, how="time", at=now),)


def close_if_done(reservation: Reservation) -> tuple[ev.Event, ...]:
    if all(offered.closed for offered in reservation.agents.values()):
        return (ev.ReservationClosed(reservation=reservation.id),)
    return ()


def _end_offers(
    reservation: Reservation,
    agents: list[OfferedAgent],
    over: type[Offer],
    now: float,
) -> tuple[list[ev.Event], int]:
    """End these agents' parts: cancel what rings. Also how many of them stay until their leg's end is seen."""
    events: list[ev.Event] = []
    pending = 0
    for offered in agents:
        if offered.ringing:
            pending += 1
            events.append(
                ev.RingCancelled(reservation=reservation.id, conversation=reservation.conversation, agent=offered.agent)
            )
        events.append(over(reservation=reservation.id, contact=reservation.contact, agent=offered.agent, at=now))
    return events, pending


def _back(
    world: World, reservation: Reservation, over: list[OfferedAgent], prefer: AgentId | None, now: float
) -> tuple[ev.Event, ...]:
    """The contact goes back to the head when no agent of the reservation is left to answer it."""
    contact = world.contacts.get(reservation.contact)
    gone = [offered.agent for offered in over]
    if others_may_answer(reservation, gone):
        return ()
    if contact is None or contact.state is not ContactState.RESERVED or contact.reservation != reservation.id:
        return ()
    requeued = ev.ContactRequeued(contact=contact.id, prefer=prefer, at=now)
    if prefer is None and contact.prefer_until and contact.prefer in gone:  # he was asked and did not take it
        return (requeued, ev.PreferenceEnded(contact=contact.id, at=now))
    return (requeued,)


def others_may_answer(reservation: Reservation, gone: list[AgentId]) -> bool:
    return any(offered.agent not in gone for offered in live_agents(reservation))


def _closing(reservation: Reservation, pending: int, over: list[OfferedAgent]) -> tuple[ev.Event, ...]:
    """The reservation closes at once when no leg of it is left: `pending` of those just ended still have one."""
    gone = [offered.agent for offered in over]
    if pending or any(not offered.closed for name, offered in reservation.agents.items() if name not in gone):
        return ()
    return (ev.ReservationClosed(reservation=reservation.id),)


def _misses(world: World, agent: Agent, now: float) -> tuple[ev.Event, ...]:
    """The miss that is just being decided may be one too many in a row: then he is set not ready."""
    config = world.agent_configs.get(agent.id)
    limit = config.max_misses if config is not None else 0
    if not agent.ready or limit <= 0 or agent.misses + 1 < limit:
        return ()
    return (ev.AvailabilityChosen(agent=agent.id, ready=False, reason="misses", by="misses", at=now),)


def _unreached(agent: Agent, now: float) -> tuple[ev.Event, ...]:
    """A device that looks reachable and cannot be rung: not his fault, but it must not draw call after call."""
    if not agent.ready or not reachable(agent) or agent.unreached + 1 < MAX_UNREACHED:
        return ()
    return (ev.AvailabilityChosen(agent=agent.id, ready=False, reason="device_lost", by="device_lost", at=now),)
