"""Contacts: rank, requirement, entering and leaving a queue.

Lives here: the order in which contacts are served, the longest wait, when a contact is forgotten. Not here: what a
contact asks for while it waits (`waiting`), what moves a contact and an agent together (`reservation`). Limits come
from the queue's configuration.
"""

from __future__ import annotations

from acd.core import waiting
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import ContactId, ConversationId, QueueId
from ctiserver.model.routing import MADE
from ctiserver.model.site import Label, QueueConfig
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import World

RankKey = tuple[int, float, int, int, ContactId]
"""Smaller is served first: not at the head, when it is due, then the order in which ids were made. Nothing in it
depends on the time that has passed, so it is right until the contact or the queue's configuration changes."""


def maxwait_key(contact: ContactId) -> str:
    return f"acd.maxwait:{contact}"


def retry_key(contact: ContactId) -> str:
    return f"acd.retry:{contact}"


def avoid_key(contact: ContactId, agent: str) -> str:
    return f"acd.avoid:{contact}:{agent}"


def due(contact: Contact, queue: QueueConfig) -> float:
    """When the contact ought to be served: the one measure by which contacts of all queues are compared."""
    return contact.queued_at + queue.objective_seconds - queue.priority - contact.priority


def rank_key(contact: Contact, queue: QueueConfig) -> RankKey:
    made, part = _made(contact.id)
    return (0 if contact.head else 1, due(contact, queue), made, part, contact.id)


def _made(contact: ContactId) -> tuple[int, int]:
    """The turn and the place in it where the id was made (`k<epoch>-<hex>[-n]`): text order would put 10 before 9."""
    parts = contact.split("-")
    try:
        return int(parts[1], 16), int(parts[2]) if len(parts) > 2 else 1
    except (IndexError, ValueError):
        return 0, 0


def queue_config(world: World, queue: QueueId) -> QueueConfig:
    """The queue's configuration; defaults for a queue that was removed while work of it is in hand."""
    found = world.queue_configs.get(queue)
    return found if found is not None else QueueConfig(id=queue, name=Label(zh=queue, en=queue))


def has_queue(world: World, queue: QueueId) -> bool:
    return queue in world.queue_configs


def apply_queued(world: World, event: ev.ContactQueued) -> None:
    world.contacts[event.contact] = Contact(
        id=event.contact,
        conversation=event.conversation,
        queue=event.queue,
        requires=event.requires,
        priority=event.priority,
        queued_at=event.queued_at,
        entered_at=event.at,
        stepped_at=event.stepped_at or event.at,
        medium=event.medium,
        number=event.number,
        customer=event.customer,
        steps=event.steps,
        algorithm=event.algorithm,
        rules=event.rules,
        been=event.been,
        only_agent=event.only_agent,
        prefer=event.prefer,
        prefer_until=event.prefer_until,
        data=dict(event.data),
        path=event.path,
        step=event.step,
        opened=event.opened,
        booking=event.booking,
        head=event.head,
        away=caller_away(world, event.conversation),
    )
    contact = world.contacts[event.contact]
    world.deadlines.set(maxwait_key(contact.id), longest_wait(world, contact, event.at))
    waiting.arm_new(world, contact)


def caller_away(world: World, name: ConversationId) -> bool:
    """Whether the caller is in the dialplan's apology: he may be moved to another queue meanwhile."""
    conversation = world.conversations.get(name)
    leg = conversation.legs.get(conversation.customer_leg) if conversation is not None else None
    return leg is not None and leg.away


def arm(world: World, contact: Contact, at: float) -> None:
    """It waits (again), from `at` on: its longest wait, and what else runs while it waits."""
    world.deadlines.set(maxwait_key(contact.id), longest_wait(world, contact, at))
    waiting.arm(world, contact)


def longest_wait(world: World, contact: Contact, at: float) -> float:
    """Until when it may wait: a callback whose customer is not on the line, as long as it is kept."""
    conversation = world.conversations.get(contact.conversation)
    if contact.booking is not None and (conversation is None or not conversation.customer_leg):
        return contact.booking.keep_until
    return at + queue_config(world, contact.queue).max_wait_seconds


def arm_maxwait_anew(world: World, contact: Contact, before: float) -> None:
    """The queue's longest wait was `before` seconds: what it is now counts from when the contact began to wait."""
    due = world.deadlines.get(maxwait_key(contact.id))
    now = queue_config(world, contact.queue).max_wait_seconds
    if due is not None and now != before:
        world.deadlines.set(maxwait_key(contact.id), due - before + now)


def counted(contact: Contact) -> bool:
    """Whether its queue's book has it: not calls that agents make."""
    return contact.medium not in MADE


def end(contact: Contact, reason: EndReason, now: float) -> ev.ContactEnded:
    return ev.ContactEnded(
        contact=contact.id, conversation=contact.conversation, queue=contact.queue, reason=reason, at=now
    )


def left(contact: Contact, reason: EndReason, now: float) -> tuple[ev.Event, ...]:
    """The contact leaves its queue without an agent and the flow goes on.

    After a talk (its agent was lost) the flow is over: then the call is ended, nobody would ever hear the caller.
    """
    after: ev.Event = (
        ev.HangUpAsked(conversation=contact.conversation, cause=16)
        if contact.connected_at
        else ev.QueueRefused(conversation=contact.conversation, reason=reason)
    )
    return (end(contact, reason, now), after)


def drop_waiting_deadlines(world: World, contact: Contact) -> None:
    world.deadlines.drop(maxwait_key(contact.id))
    for agent in sorted(contact.avoid):
        world.deadlines.drop(avoid_key(contact.id, agent))
    contact.avoid = {}
    waiting.drop(world, contact)


def forget_if_done(world: World, name: ContactId) -> None:
    """An ended contact stays while somebody still has it in hand (wrap-up, a leg being withdrawn)."""
    contact = world.contacts.get(name)
    if contact is None or contact.state is not ContactState.ENDED:
        return
    in_hand = contact.agent is not None and name in world.agents[contact.agent].work
    if not in_hand and name not in world.reservations_of_contact:
        del world.contacts[name]
