"""Joining: whoever becomes free while a caller rings at all phones is rung too.

Lives here: which of the offers under way an agent joins. Not here: whom a new offer rings (`routing`), what it does
(`reservation`). Without it the phones of a missed ring, which fall silent one after the other, would leave the caller
with the first of them alone. JOIN_WITHIN is our choice: a miss is counted, so one must have had the time to answer.
"""

from __future__ import annotations

from acd.core import contact as contacts
from acd.core.index import Index
from acd.core.reservation import live_agents
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, ContactId, ReservationId
from ctiserver.model.world import World

JOIN_WITHIN = 0.5
"""Share of an offer's time after which nobody joins it any more."""


def best(world: World, index: Index, name: AgentId, confirm_within: float, now: float) -> ev.OfferJoined | None:
    """The offer that this agent, for whom no contact waits, joins: the one that goes first in his order."""
    found: list[tuple[int, contacts.RankKey]] = []
    for one in index.ringing_all:
        contact = world.contacts[one]
        pool = index.pool(contact)
        if name in pool.keys and _may_join(world, one, name, now):
            queue = contacts.queue_config(world, contact.queue)
            found.append((index.priority(name, pool), contacts.rank_key(contact, queue)))
    if not found:
        return None
    contact = world.contacts[min(found)[1][-1]]
    return ev.OfferJoined(
        reservation=contact.reservation or ReservationId(""),
        contact=contact.id,
        conversation=contact.conversation,
        agent=name,
        confirm_by=now + confirm_within,
        at=now,
    )


def _may_join(world: World, name: ContactId, agent: AgentId, now: float) -> bool:
    contact = world.contacts[name]
    held = world.reservations.get(contact.reservation or ReservationId(""))
    if held is None or held.decided or agent in held.agents:
        return False
    if contact.avoid.get(agent) or name in world.agents[agent].work:
        return False
    queue = contacts.queue_config(world, contact.queue)
    if len(live_agents(held)) >= max(1, queue.ring_at_most):
        return False
    return now <= held.made_at + queue.offer_seconds * JOIN_WITHIN
