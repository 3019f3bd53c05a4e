"""Blind transfer: the agent sends his customer on and is through with him.

Lives here: whom he may be sent to, and what follows for the contact. Not here: the legs (`ctiserver.calls.transfers`),
a flow (`ivr.runtime`). A transfer to a queue or an agent is a new contact of the same conversation (DESIGN section 4);
the old one was answered, and its agent wraps it up. The customer's data, his path and the notes go with him.
"""

from __future__ import annotations

from acd.core import outcomes, queue_rules
from acd.core.index import Index
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.routing import INTERNAL
from ctiserver.model.talk import Place
from ctiserver.model.turns import Decision
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import Ctx, World

LONGEST_PATH = 30
"""Steps of the customer's way that are kept; a call that is passed on for ever must not grow for ever."""


def blind(world: World, index: Index, item: cmd.TransferCall, ctx: Ctx) -> Decision:
    """Raises CommandRejected."""
    conversation = world.conversations.get(item.conversation)
    contact = index.live(item.conversation)
    if conversation is None or contact is None or conversation.cleared or contact.agent != item.agent:
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    work = world.agents[item.agent].work.get(contact.id)
    lost = work is None or work.lost_at > 0
    if contact.state is not ContactState.CONNECTED or lost or conversation.place is Place.CALLING:
        raise CommandRejected(Rejection.NOT_TALKING)
    if contact.medium == INTERNAL:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    if [bool(item.queue), bool(item.to_agent), bool(item.flow)].count(True) != 1:
        raise CommandRejected(Rejection.BAD_COMMAND, "exactly one of queue, to_agent, flow")
    queue = _queue(world, index, item, contact, ctx)
    transferred = ev.Transferred(
        conversation=conversation.id,
        contact=contact.id,
        agent=item.agent,
        from_queue=contact.queue,
        queue=queue,
        to_agent=item.to_agent or None,
        flow=item.flow,
        note=work.note if work is not None else "",
        at=ctx.now,
    )
    ended = outcomes.caller_gone(world, contact, ctx.now)
    if queue is None:
        return Decision((transferred, *ended))
    asked = ev.QueueAsked(
        conversation=conversation.id,
        queue=queue,
        requires="",
        priority=contact.priority,
        agent=item.to_agent or None,
        data=dict(contact.data),
        path=(*contact.path, f"transfer:{item.agent}")[-LONGEST_PATH:],
    )
    return Decision((transferred, *ended, asked))


def _queue(world: World, index: Index, item: cmd.TransferCall, contact: Contact, ctx: Ctx) -> QueueId | None:
    """In which queue he will wait; None: a flow has him. Nobody is sent where he could not be taken."""
    if item.flow:
        if all(flow.id != item.flow for flow in world.site.flows):
            raise CommandRejected(Rejection.UNKNOWN_TARGET, item.flow)
        return None
    if item.to_agent:
        found = world.agents.get(AgentId(item.to_agent))
        if found is None or item.to_agent not in world.agent_configs or item.to_agent == item.agent:
            raise CommandRejected(Rejection.UNKNOWN_TARGET, item.to_agent)
        if not found.signed_in:
            raise CommandRejected(Rejection.TARGET_AWAY, item.to_agent)
        return contact.queue
    queue = QueueId(item.queue)
    if queue not in world.queue_configs:
        raise CommandRejected(Rejection.UNKNOWN_TARGET, item.queue)
    rules = queue_rules.Rules(world, index, ctx)
    if (refused := rules.refuses(queue)) is not None:
        raise CommandRejected(Rejection.TARGET_CLOSED, refused.value)
    return queue
