"""Calls that agents make: an outside number through the trunk, or a colleague.

Lives here: who may call whom, and what follows for the agents. Not here: the legs (`ctiserver.calls.callbacks`), which
numbers the site allows (`callback.may_call`). Such a call is a contact that is its agent's from the command on: it
never waits, no book of a queue counts it, and its queue says only how long the wrap-up is and what its outcomes are.
An internal call has no queue, no wrap-up and a second agent in the customer's place. See docs/adr/0024.
"""

from __future__ import annotations

from acd.core import contact as contacts, outcomes
from acd.core.agent import SPOKEN, reachable
from acd.core.callback import may_call, number_of
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import NORMAL, EndReason
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.routing import INTERNAL, MADE, OUTBOUND
from ctiserver.model.turns import Decision
from ctiserver.model.work import Agent, Contact, ContactState, LastDialled, WorkItem, WorkKind
from ctiserver.model.world import Ctx, World

HOUR = 3600.0
"""Seconds in which `per_hour` outside calls may be made, at any moment."""

Events = tuple[ev.Event, ...]


def make(world: World, agent: Agent, item: cmd.MakeCall, ctx: Ctx) -> Decision:
    """He is signed in (`desk`). Raises CommandRejected."""
    if not reachable(agent):
        raise CommandRejected(Rejection.NO_PHONE)
    if any(work.medium in SPOKEN for work in agent.work.values()):
        wraps = all(work.kind is WorkKind.WRAP_UP for work in agent.work.values() if work.medium in SPOKEN)
        raise CommandRejected(Rejection.WORK_IN_PROGRESS if wraps else Rejection.IN_A_CALL)
    if bool(item.number) is bool(item.to_agent):
        raise CommandRejected(Rejection.BAD_COMMAND, "exactly one of number, to_agent")
    colleague = item.to_agent or AgentId(item.number.strip())
    if item.to_agent or colleague in world.agent_configs:
        return Decision((_internal(world, agent, colleague, ctx),))
    number = outside_number(world, agent, item.number, ctx.now)
    return Decision((_outside(world, agent, number, _queue(world, agent, item.queue), ctx),))


def outside_number(world: World, agent: Agent, written: str, now: float) -> str:
    """The number as it is dialled, if this agent may call it now. Raises CommandRejected."""
    rules = world.site.outbound
    if not rules.trunk:
        raise CommandRejected(Rejection.NO_TRUNK)
    number = number_of(written)
    if not number:
        raise CommandRejected(Rejection.BAD_NUMBER)
    if not may_call(world.site, number, own=False):
        raise CommandRejected(Rejection.NUMBER_NOT_ALLOWED)
    if len(recent(agent, now)) >= rules.per_hour:
        raise CommandRejected(Rejection.TOO_MANY_CALLS, str(rules.per_hour))
    return number


def recent(agent: Agent, now: float) -> tuple[float, ...]:
    """When he has called outside within the last hour."""
    return tuple(at for at in agent.dialled if at > now - HOUR)


def _outside(world: World, agent: Agent, number: str, queue: QueueId, ctx: Ctx) -> ev.CallMade:
    first = world.site.numbers[0].number if world.site.numbers else ""
    return ev.CallMade(
        contact=ctx.ids.contact(),
        conversation=ctx.ids.conversation(),
        interaction=ctx.ids.interaction(),
        agent=agent.id,
        medium=OUTBOUND,
        queue=queue,
        number=number,
        to_agent=None,
        shown=world.site.outbound.shown or first,
        at=ctx.now,
    )


def _internal(world: World, agent: Agent, colleague: AgentId, ctx: Ctx) -> ev.CallMade:
    found = world.agents.get(colleague)
    if found is None or found is agent or colleague not in world.agent_configs:
        raise CommandRejected(Rejection.UNKNOWN_TARGET, colleague)
    if not found.signed_in or not reachable(found):
        raise CommandRejected(Rejection.TARGET_AWAY, colleague)
    if any(work.medium in SPOKEN for work in found.work.values()):
        raise CommandRejected(Rejection.TARGET_BUSY, colleague)
    return ev.CallMade(
        contact=ctx.ids.contact(),
        conversation=ctx.ids.conversation(),
        interaction=ctx.ids.interaction(),
        agent=agent.id,
        medium=INTERNAL,
        queue=QueueId(""),
        number=colleague,
        to_agent=colleague,
        shown="",
        at=ctx.now,
    )


def _queue(world: World, agent: Agent, asked: str) -> QueueId:
    """Whose dispositions and wrap-up the call has."""
    own = next(iter(world.serves.get(agent.id, ())), "")
    queue = QueueId(asked or world.site.outbound.queue or own)
    if queue not in world.queue_configs:
        raise CommandRejected(Rejection.UNKNOWN_QUEUE, queue)
    return queue


# --- what follows -------------------------------------------------------------------------------------


def unreached(world: World, contact: Contact, event: ev.CustomerUnreached, now: float) -> Events:
    """Nobody answered. An outside call is wrapped up all the same: something is to be written about it, too."""
    end = contacts.end(contact, EndReason.FAILED, now)
    if contact.medium == INTERNAL:
        return (end, *released(contact, now))
    return (end, *outcomes.wrap_up(world, contact, event.agent, now))


def lost(world: World, contact: Contact | None, now: float) -> Events:
    """Who called his colleague did not come back: there is no queue to which the other could go, so it is over."""
    if contact is None or contact.state is not ContactState.CONNECTED or contact.agent is None:
        return ()
    item = world.agents[contact.agent].work.get(contact.id)
    if item is None or not item.lost_at:
        return ()
    end = contacts.end(contact, EndReason.ANSWERED, now)
    return (end, *released(contact, now), ev.HangUpAsked(conversation=contact.conversation, cause=NORMAL))


def released(contact: Contact, now: float) -> Events:
    """The two of an internal call have nothing more to do with it."""
    both = [who for who in (contact.agent, contact.callee) if who is not None]
    return tuple(ev.WorkDropped(agent=who, contact=contact.id, at=now) for who in both)


# --- apply --------------------------------------------------------------------------------------------


def apply_made(world: World, event: ev.CallMade) -> list[AgentId]:
    """Whose work has changed."""
    world.contacts[event.contact] = Contact(
        id=event.contact,
        conversation=event.conversation,
        queue=event.queue,
        requires="",
        priority=0.0,
        queued_at=event.at,
        entered_at=event.at,
        stepped_at=event.at,
        medium=event.medium,
        number=event.shown,
        customer=event.number if event.medium == OUTBOUND else "",
        state=ContactState.CONNECTED,
        agent=event.agent,
        callee=event.to_agent,
        connected_at=event.at,
    )
    busy = [event.agent, *([event.to_agent] if event.to_agent is not None else ())]
    for name in busy:
        world.agents[name].work[event.contact] = WorkItem(
            contact=event.contact,
            conversation=event.conversation,
            kind=WorkKind.BUSY,
            since=event.at,
            medium=event.medium,
        )
    agent = world.agents[event.agent]
    agent.unanswered = None
    if event.medium == OUTBOUND:
        count(world, event.agent, event.at)
    return busy


def count(world: World, name: AgentId, at: float) -> None:
    """One more outside call of this agent: one that he dials, or to which he sends a customer."""
    agent = world.agents[name]
    agent.dialled = (*recent(agent, at), at)


def apply_unreached(world: World, event: ev.CustomerUnreached) -> None:
    contact, agent = world.contacts.get(event.contact), world.agents.get(event.agent)
    if contact is None or agent is None or contact.medium not in MADE:
        return
    contact.unreached = event.why.value
    conversation = world.conversations.get(event.conversation)
    number = conversation.caller_number if conversation is not None else ""
    agent.unanswered = LastDialled(number=number, to_agent=contact.callee, why=event.why.value, at=event.at)
