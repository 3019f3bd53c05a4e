"""Comfort: when a waiting caller is told something, and what: a prompt, his place, the waiting time.

Lives here: the deadline, and what is worth saying at it. Not here: how it is said (`ivr.comfort`), whether the waiting
time is known well enough (`forecast`), the order itself (`index`). Times come from the queue's configuration.

His place is the number of contacts of the same queue that rank before him, plus one (docs/adr/0016): the fair order
within the queue, whatever the contacts ask for. Somebody behind him may be served before him, by an agent whom he may
not have; a contact with a larger head start may come in before him.
"""

from __future__ import annotations

from acd.core import forecast
from ctiserver.model import events as ev
from ctiserver.model.ids import ContactId
from ctiserver.model.routing import VOICE
from ctiserver.model.site import QueueConfig
from ctiserver.model.work import Contact
from ctiserver.model.world import World


def key(contact: ContactId) -> str:
    return f"acd.comfort:{contact}"


def next_at(contact: Contact, queue: QueueConfig) -> float | None:
    """When it is time to tell the caller something; None: never (again)."""
    comfort = queue.comfort
    if comfort is None or contact.medium != VOICE:
        return None
    if not contact.told_at:
        return contact.entered_at + comfort.first_seconds
    return contact.told_at + comfort.every_seconds if comfort.every_seconds > 0 else None


def due(world: World, contact: Contact, position: int, now: float) -> tuple[ev.Event, ...]:
    """It is time for one who waits. Who is in the dialplan's apology is told nothing; the next time comes."""
    if contact.away or not world.switch_up:
        return ()
    queue = world.queue_configs.get(contact.queue)
    comfort = queue.comfort if queue is not None else None
    if comfort is None:
        return ()
    low, high = (forecast.interval(world, contact.queue, position) if comfort.wait else None) or (0.0, 0.0)
    place = position if comfort.position else 0
    if not comfort.prompt and not place and not high:
        return ()
    told = ev.ComfortDue(
        contact=contact.id,
        conversation=contact.conversation,
        queue=contact.queue,
        prompt=comfort.prompt,
        position=place,
        low=low,
        high=high,
        at=now,
    )
    return (told,)
