"""Blind transfer: the agent sends his customer on and is through with him.

Lives here: whom he may be sent to, and what follows for the contact. Not here: the legs (`ctiserver.calls.transfers`),
a flow (`ivr.runtime`), which numbers may be called (`dial`). A transfer to a queue or an agent is a new contact of the
same conversation (DESIGN section 4); the old one was answered, and its agent wraps it up. So is the way back of
one whom nobody answered outside. The customer's data, his path and the notes go with him, also when a lead has taken
the talk over and sends him on.
"""

from __future__ import annotations

import msgspec

from acd.core import contact as contacts, dial, entry, outcomes, queue_rules
from acd.core.index import Index
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import NORMAL
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import AgentId, QueueId, is_seat
from ctiserver.model.routing import INTERNAL
from ctiserver.model.talk import Conversation, Place, TakenOver, live_leg
from ctiserver.model.turns import Decision
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import Ctx, World

LONGEST_PATH = 30
"""Steps of the customer's way that are kept; a call that is passed on for ever must not grow for ever."""


def blind(world: World, index: Index, item: cmd.TransferCall, ctx: Ctx) -> Decision:
    """Raises CommandRejected."""
    conversation = world.conversations.get(item.conversation)
    if conversation is None or conversation.cleared:
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    own: TakenOver | Contact
    ended: tuple[ev.Event, ...] = ()
    if is_seat(item.agent):
        own, note = _taken_over(conversation, item), ""
    else:
        own, note = _of_agent(world, index, conversation, item)
        ended = outcomes.caller_gone(world, own, ctx.now)
    if conversation.parties:
        raise CommandRejected(Rejection.CONSULT_RUNNING)
    targets = (item.queue, item.to_agent, item.flow, item.number)
    if [bool(target) for target in targets].count(True) != 1:
        raise CommandRejected(Rejection.BAD_COMMAND, "exactly one of queue, to_agent, flow, number")
    number = dial.outside_number(world, world.agents[item.agent], item.number, ctx.now) if item.number else ""
    queue = _queue(world, index, item, own.queue, ctx)
    path = (*own.path, f"transfer:{item.agent}")[-LONGEST_PATH:]
    transferred = ev.Transferred(
        conversation=conversation.id,
        contact=own.contact if isinstance(own, TakenOver) else own.id,
        agent=item.agent,
        from_queue=own.queue,
        queue=queue,
        to_agent=item.to_agent or None,
        flow=item.flow,
        note=note,
        at=ctx.now,
        number=number,
        data=dict(own.data) if number else {},
        path=path if number else (),
        held=conversation.place is Place.HELD,
    )
    if queue is None:
        return Decision((transferred, *ended))
    asked = ev.QueueAsked(
        conversation=conversation.id,
        queue=queue,
        requires="",
        priority=own.priority,
        agent=item.to_agent or None,
        data=dict(own.data),
        path=path,
    )
    return Decision((transferred, *ended, asked))


def _of_agent(
    world: World, index: Index, conversation: Conversation, item: cmd.TransferCall
) -> tuple[Contact, str]:
    """The contact that the agent talks to, and what he has written. Raises CommandRejected."""
    contact = index.live(conversation.id)
    if contact is None or contact.agent != item.agent:
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    work = world.agents[item.agent].work.get(contact.id)
    if contact.state is not ContactState.CONNECTED or work is None or work.lost_at:
        raise CommandRejected(Rejection.NOT_TALKING)
    if conversation.place is Place.CALLING:
        raise CommandRejected(Rejection.NOT_TALKING)
    if contact.medium == INTERNAL:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    return contact, work.note


def _taken_over(conversation: Conversation, item: cmd.TransferCall) -> TakenOver:
    """What a lead has taken over: no contact is his, so the customer goes on with what the agent's had. Outside numbers
    are for agents: their limit is an agent's. Raises CommandRejected."""
    if conversation.taken is None or conversation.agent != item.agent:
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    if live_leg(conversation, item.agent) is None:
        raise CommandRejected(Rejection.NOT_TALKING)
    if item.number:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    return conversation.taken


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


def _queue(world: World, index: Index, item: cmd.TransferCall, own: QueueId, ctx: Ctx) -> QueueId | None:
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
        return own
    queue = QueueId(item.queue)
    if queue not in world.queue_configs:
        raise CommandRejected(Rejection.UNKNOWN_TARGET, item.queue)
    rules = queue_rules.Rules(world, index, ctx)
    if (refused := rules.refuses(queue)) is not None:
        raise CommandRejected(Rejection.TARGET_CLOSED, refused.value)
    return queue
