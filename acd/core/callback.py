"""Callbacks: who may book one, what place it keeps, and what follows when the customer was not reached.

Lives here: the decisions about bookings and tries. Not here: the call to the customer (`ctiserver.calls.callbacks`),
how a callback is offered: like any contact (`routing`). TRY_WRAP_UP is our own choice; the other limits are the queue's
(`CallbackConfig`) and the site's (`OutboundConfig`). See docs/adr/0017.
"""

from __future__ import annotations

import msgspec

from acd.core import contact as contacts, entry, outcomes
from acd.core.index import Index
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import EndReason, Unreached
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import ContactId, QueueId
from ctiserver.model.routing import CALLBACK, CallbackConfig, OutboundConfig
from ctiserver.model.site import SiteConfig
from ctiserver.model.talk import Conversation, KeptPlace
from ctiserver.model.turns import Decision
from ctiserver.model.work import Booking, Contact, ContactState, WorkKind
from ctiserver.model.world import Ctx, World

TRY_WRAP_UP = 10.0
"""Seconds of wrap-up at most after a try that reached nobody."""
LEAST_DIGITS, MOST_DIGITS = 4, 20
"""Digits of a number that can be called: a shorter one is nobody's, or an emergency call (110, 112)."""

Events = tuple[ev.Event, ...]

NO_CALLBACKS, NO_TRUNK, NUMBER, OPEN, FULL, TOO_LATE = "no_callbacks", "no_trunk", "number", "open", "full", "too_late"
"""Why a callback is refused: the queue has none; nobody can be called; the number may not be called; one is booked for
it already; as many are open as may; the caller is with an agent."""


def number_of(written: str) -> str:
    """The number as it is dialled and compared: digits, with a + in front if it was there; '' = there is none."""
    digits = "".join(sign for sign in written if sign in "0123456789")
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS or any(sign.isalpha() for sign in written):
        return ""
    return f"+{digits}" if written.strip().startswith("+") else digits


def may_call(site: SiteConfig, number: str, *, own: bool) -> bool:
    """Whether the site lets this number be called. `own`: it is the one that the caller calls from."""
    rules: OutboundConfig = site.outbound
    if not number or number.startswith(rules.never):
        return False
    return own or number.startswith(rules.prefixes)


# --- booking ------------------------------------------------------------------------------------------


def asked(world: World, index: Index, event: ev.CallbackAsked, ctx: Ctx) -> Events:
    """A caller asks to be called back. Always answered: CallbackBooked, or CallbackRefused."""
    conversation = world.conversations.get(event.conversation)
    if conversation is None or conversation.cleared:
        return ()
    live = index.live(event.conversation)
    caller = number_of(conversation.caller_number)
    number = number_of(event.number) if event.number else caller
    own = number == caller
    refused = _refusal(world, index, event.queue, number, own=own)
    if live is not None and live.state is ContactState.CONNECTED:
        refused = TOO_LATE
    if refused:
        return (ev.CallbackRefused(conversation=event.conversation, queue=event.queue, why=refused),)
    waits = _as_kept(live) if live is not None else conversation.left
    kept = waits if waits is not None and waits.queue == event.queue else None
    new = ctx.ids.conversation()
    queued = _queued(world, event, conversation, kept, ctx)
    booked = ev.CallbackBooked(
        contact=queued.contact,
        conversation=new,
        interaction=conversation.interaction,
        queue=event.queue,
        number=number,
        name=conversation.caller_name,
        dialled=conversation.dialled,
        asked_in=conversation.id,
        of=kept.contact if kept is not None else "",
        by="",
        keep_until=ctx.now + _config(world, event.queue).keep_seconds,
        at=ctx.now,
    )
    end: Events = ()
    if live is not None:
        ended = contacts.end(live, EndReason.CALLBACK_BOOKED, ctx.now)
        end = (*outcomes.withdrawn(world, live, ctx.now), ended)
    return (*end, booked, _booked(queued, booked))


def by_lead(world: World, index: Index, item: cmd.BookCallback, ctx: Ctx) -> Decision:
    """A lead has a caller called back who was lost. Raises CommandRejected."""
    number = number_of(item.number)
    if refused := _refusal(world, index, item.queue, number, own=True):
        raise CommandRejected(Rejection.CALLBACK_REFUSED, refused)
    contact = ctx.ids.contact()
    booked = ev.CallbackBooked(
        contact=contact,
        conversation=ctx.ids.conversation(),
        interaction=ctx.ids.interaction(),
        queue=item.queue,
        number=number,
        name=item.name,
        dialled=item.dialled,
        asked_in=None,
        of=item.of,
        by=item.by,
        keep_until=ctx.now + _config(world, item.queue).keep_seconds,
        at=ctx.now,
    )
    queued = ev.ContactQueued(
        contact=contact,
        conversation=booked.conversation,
        queue=item.queue,
        requires="",
        priority=0.0,
        only_agent=None,
        data={},
        path=(),
        at=ctx.now,
        queued_at=ctx.now,
        number=item.dialled,
        customer=number,
    )
    return Decision((booked, _booked(queued, booked)))


def _booked(queued: ev.ContactQueued, booked: ev.CallbackBooked) -> ev.ContactQueued:
    """The contact of a booking: a caller's, but for its medium and its conversation."""
    return msgspec.structs.replace(
        queued,
        conversation=booked.conversation,
        medium=CALLBACK,
        booking=Booking(number=booked.number, booked_at=booked.at, keep_until=booked.keep_until, by=booked.by),
    )


def _refusal(world: World, index: Index, queue: QueueId, number: str, *, own: bool) -> str:
    config = world.queue_configs.get(queue)
    if config is None or config.callback is None:
        return NO_CALLBACKS
    if not world.site.outbound.trunk:
        return NO_TRUNK
    if not may_call(world.site, number, own=own):
        return NUMBER
    there = index.callbacks.get(queue, {})
    if number in there:
        return OPEN
    return FULL if len(there) >= config.callback.max_open else ""


def _config(world: World, queue: QueueId) -> CallbackConfig:
    return contacts.queue_config(world, queue).callback or CallbackConfig()


def _as_kept(contact: Contact) -> KeptPlace:
    return KeptPlace(
        contact=contact.id,
        queue=contact.queue,
        requires=contact.requires,
        steps=contact.steps,
        step=contact.step,
        stepped_at=contact.stepped_at,
        opened=contact.opened,
        priority=contact.priority,
        queued_at=contact.queued_at,
        algorithm=contact.algorithm,
        rules=contact.rules,
        only_agent=contact.only_agent,
        data=contact.data,
        path=contact.path,
    )


def _queued(
    world: World, event: ev.CallbackAsked, conversation: Conversation, kept: KeptPlace | None, ctx: Ctx
) -> ev.ContactQueued:
    """With a place: just as he waits, or waited. Without: as if he entered the queue now."""
    wanted = ev.QueueAsked(
        conversation=event.conversation,
        queue=event.queue,
        requires=event.requires,
        priority=event.priority,
        agent=None,
        data=event.data,
        path=event.path,
    )
    queued = entry.queued(world, wanted, conversation, ctx, medium=CALLBACK)
    if kept is None:
        return queued
    return msgspec.structs.replace(
        queued,
        requires=kept.requires,
        steps=kept.steps,
        step=kept.step,
        stepped_at=kept.stepped_at,
        opened=kept.opened,
        priority=kept.priority,
        queued_at=kept.queued_at,
        algorithm=kept.algorithm,
        rules=kept.rules,
        only_agent=kept.only_agent,
        prefer=None,
        prefer_until=0.0,
        data={**kept.data, **event.data},
        path=kept.path,
        moved_from=kept.contact,
    )


# --- the caller comes by himself, or a lead ends it -----------------------------------------------------


def called_in(world: World, index: Index, events: Events, now: float) -> Events:
    """Whoever calls in again while his callback is open has its place, and the callback is over. `events`: what follows
    from his asking for an agent."""
    queued = next((event for event in events if isinstance(event, ev.ContactQueued)), None)
    conversation = world.conversations.get(queued.conversation) if queued is not None else None
    if queued is None or conversation is None or conversation.callback:
        return events
    booked = open_for(world, index, queued.queue, number_of(conversation.caller_number))
    if booked is None or not may_end(world, booked):
        return events
    kept = msgspec.structs.replace(
        queued, queued_at=min(booked.queued_at, queued.queued_at), moved_from=queued.moved_from or booked.id
    )
    return (*_end(world, booked, EndReason.WITHDRAWN, now), *(kept if one is queued else one for one in events))


def cancel(world: World, item: cmd.CancelCallback, now: float) -> Decision:
    """Raises CommandRejected."""
    contact = world.contacts.get(item.contact)
    if contact is None or contact.booking is None or contact.state is ContactState.ENDED:
        raise CommandRejected(Rejection.UNKNOWN_CALLBACK)
    if not may_end(world, contact):
        raise CommandRejected(Rejection.CALLBACK_RUNNING)
    return Decision(_end(world, contact, EndReason.WITHDRAWN, now))


def open_for(world: World, index: Index, queue: QueueId, number: str) -> Contact | None:
    """The open callback of this number in this queue."""
    return world.contacts.get(index.callbacks.get(queue, {}).get(number, ContactId("")))


def may_end(world: World, contact: Contact) -> bool:
    """Whether nobody is talking to the customer, or calling him."""
    conversation = world.conversations.get(contact.conversation)
    called = conversation is not None and bool(conversation.customer_leg)
    return contact.state not in (ContactState.CONNECTED, ContactState.ENDED) and not called


def _end(world: World, contact: Contact, reason: EndReason, now: float) -> Events:
    return (*outcomes.withdrawn(world, contact, now), contacts.end(contact, reason, now))


# --- tries --------------------------------------------------------------------------------------------


def unreached(world: World, index: Index, event: ev.CustomerUnreached, now: float) -> Events:
    """Nobody answered: a short wrap-up for the agent, and another try later if there is one. What was nobody's fault
    but the line's is no try: the contact is at the head again."""
    contact = world.contacts.get(event.contact)
    booking = contact.booking if contact is not None else None
    if contact is None or booking is None or contact.state is not ContactState.CONNECTED:
        return ()
    if event.why is Unreached.LOST:
        return (ev.ContactRequeued(contact=contact.id, prefer=event.agent, at=now),)
    config = _config(world, contact.queue)
    tries = booking.tries + 1
    retry_at = now + config.retry_seconds
    after: ev.Event
    if _is_here(world, index, contact, booking):
        after = contacts.end(contact, EndReason.WITHDRAWN, now)
    elif tries >= config.tries:
        after = contacts.end(contact, EndReason.FAILED, now)
    elif retry_at >= booking.keep_until:
        after = contacts.end(contact, EndReason.TIMED_OUT, now)
    else:
        after = ev.CallbackPlanned(
            contact=contact.id,
            conversation=contact.conversation,
            agent=event.agent,
            why=event.why,
            tries=tries,
            retry_at=retry_at,
            at=now,
        )
    seconds = min(TRY_WRAP_UP, outcomes.wrap_up_seconds(world, contact, event.agent))
    wrap = ev.WrapUpStarted(
        agent=event.agent, contact=contact.id, conversation=contact.conversation, until=now + seconds, at=now
    )
    over = ev.WrapUpEnded(agent=event.agent, contact=contact.id, how="time", at=now)
    return (after, wrap) if seconds > 0 else (after, wrap, over)


def _is_here(world: World, index: Index, contact: Contact, booking: Booking) -> bool:
    """Whether the customer is calling us while we call him: no wonder that he is busy."""
    for conversation in world.conversations.values():
        if conversation.callback or conversation.cleared or number_of(conversation.caller_number) != booking.number:
            continue
        live = index.live(conversation.id)
        if live is not None and live.queue == contact.queue:
            return True
    return False


def due(world: World, contact: Contact | None, now: float) -> Events:
    """The next try. Whoever is still wrapping up the last one is through with it."""
    if contact is None or contact.state is not ContactState.SCHEDULED:
        return ()
    agent = world.agents.get(contact.agent) if contact.agent is not None else None
    item = agent.work.get(contact.id) if agent is not None else None
    over: Events = ()
    if agent is not None and item is not None and item.kind is WorkKind.WRAP_UP:
        over = (ev.WrapUpEnded(agent=agent.id, contact=contact.id, how="time", at=now),)
    return (*over, ev.CallbackDue(contact=contact.id, at=now))


# --- apply --------------------------------------------------------------------------------------------


def apply(world: World, event: ev.CallbackPlanned | ev.CallbackDue) -> None:
    contact = world.contacts.get(event.contact)
    if contact is None or contact.booking is None:
        return
    match event:
        case ev.CallbackPlanned():
            contact.state = ContactState.SCHEDULED
            contact.reservation = None
            contact.head = False
            contact.booking = msgspec.structs.replace(
                contact.booking, tries=event.tries, retry_at=event.retry_at, last=event.why.value
            )
            world.deadlines.set(contacts.retry_key(contact.id), event.retry_at)
        case ev.CallbackDue():
            contact.state = ContactState.WAITING
            contact.stepped_at = event.at
            contact.agent = None
            contact.booking = msgspec.structs.replace(contact.booking, retry_at=0.0)
            world.deadlines.drop(contacts.retry_key(contact.id))
    contacts.arm(world, contact, event.at)
