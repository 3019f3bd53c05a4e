"""Blind transfer: the agent sends his customer on and is through with him.

Lives here: whom he may be sent to, and what follows for the contact. Not here: the legs (`ctiserver.calls.transfers`),
a flow (`ivr.runtime`), which numbers may be called (`dial`). A transfer to a queue or an agent is a new contact of the
same conversation (DESIGN section 4); the old one was answered, and its agent wraps it up. So is the way back of
one whom nobody answered outside. The customer's data, his path and the notes go with him.
"""

from __future__ import annotations

import msgspec

from acd.core import contact as contacts, dial, entry, outcomes, queue_rules
from acd.core.index import Index
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import NORMAL
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
    if conversation.parties:
        raise CommandRejected(Rejection.CONSULT_RUNNING)
    targets = (item.queue, item.to_agent, item.flow, item.number)
    if [bool(target) for target in targets].count(True) != 1:
        raise CommandRejected(Rejection.BAD_COMMAND, "exactly one of queue, to_agent, flow, number")
    number = dial.outside_number(world, world.agents[item.agent], item.number, ctx.now) if item.number else ""
    queue = _queue(world, index, item, contact, ctx)
    path = (*contact.path, f"transfer:{item.agent}")[-LONGEST_PATH:]
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
        number=number,
        data=dict(contact.data) if number else {},
        path=path if number else (),
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
        path=path,
    )
    return Decision((transferred, *ended, asked))


def unreached(world: World, event: ev.OutsideUnreached, ctx: Ctx) -> tuple[ev.Event, ...]:
    """Nobody answered there: he is at the head of the queue that he came from, whatever its rules say of newcomers."""
    conversation = world.conversations.get(event.conversation)
    if conversation is None or conversation.cleared:
        return ()
    if not contacts.has_queue(world, event.queue):
        return (ev.HangUpAsked(conversation=event.conversation, cause=NORMAL),)
    asked = ev.QueueAsked(
        conversation=event.conversation,
        queue=event.queue,
        requires="",
        priority=0.0,
        agent=None,
        data=event.data,
        path=event.path,
    )
    return (msgspec.structs.replace(entry.queued(world, asked, conversation, ctx), head=True),)


def _queue(world: World, index: Index, item: cmd.TransferCall, contact: Contact, ctx: Ctx) -> QueueId | None:
    """In which queue he will wait; None: a flow or an outside number has him. Nobody is sent where none takes him."""
    if item.number:
        return None
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
