"""The booked callbacks of a world as leads see them. Pure; the decisions are acd.core.callback's."""

from __future__ import annotations

from ctiserver.model.routing import CallbackConfig
from ctiserver.model.work import ContactState
from ctiserver.model.world import World
from ctiserver.ports_http import CustomerRef, OpenCallback


def open_callbacks(world: World) -> tuple[OpenCallback, ...]:
    """In the order in which they were booked."""
    found: list[OpenCallback] = []
    for contact in world.contacts.values():
        booking, conversation = contact.booking, world.conversations.get(contact.conversation)
        if booking is None or conversation is None or contact.state is ContactState.ENDED:
            continue
        queue = world.queue_configs.get(contact.queue)
        config = (queue.callback if queue is not None else None) or CallbackConfig()
        who = conversation.customer
        found.append(
            OpenCallback(
                contact=contact.id,
                conversation=contact.conversation,
                queue=contact.queue,
                number=booking.number,
                name=conversation.caller_name,
                customer=CustomerRef(id=who.id, name=who.name, code=who.code) if who is not None else None,
                state=contact.state.value,
                booked_at=booking.booked_at,
                queued_at=contact.queued_at,
                keep_until=booking.keep_until,
                by=booking.by,
                tries=booking.tries,
                of=config.tries,
                last=booking.last,
                retry_at=booking.retry_at or None,
            )
        )
    return tuple(found)
