"""Entry: a caller (or a booked callback) asks for an agent of a queue, and the queue's rules on what is known of him.

Lives here: `QueueAsked` -> `ContactQueued` or `QueueRefused`, and which rules apply. Not here: how a contact ranks
(`contact`), what its steps ask for (`waiting`).
"""

from __future__ import annotations

import msgspec

from acd.core import waiting
from acd.core.contact import has_queue, queue_config
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.requirement import joined
from ctiserver.model.routing import VOICE, Algorithm, RuleConfig
from ctiserver.model.site import QueueConfig
from ctiserver.model.talk import Conversation
from ctiserver.model.work import Contact
from ctiserver.model.world import Ctx, World


class Ruled(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules that apply say together."""

    rules: tuple[str, ...] = ()
    requires: str = ""
    priority: float = 0.0
    algorithm: Algorithm | None = None
    prefer: AgentId | None = None
    prefer_seconds: float = 0.0


def asked(world: World, event: ev.QueueAsked, live: Contact | None, queued: int, ctx: Ctx) -> tuple[ev.Event, ...]:
    """A flow wants an agent for its caller. `live`: its present contact, `queued`: how many wait in the queue."""
    conversation = world.conversations.get(event.conversation)
    if conversation is None or conversation.cleared or live is not None:
        return ()
    if not has_queue(world, event.queue):
        return (ev.QueueRefused(conversation=event.conversation, reason=EndReason.FAILED),)
    if event.agent is not None and event.agent not in world.agent_configs:
        return (ev.QueueRefused(conversation=event.conversation, reason=EndReason.FAILED),)
    if queued >= queue_config(world, event.queue).max_waiting:
        return (ev.QueueRefused(conversation=event.conversation, reason=EndReason.REJECTED),)
    return (queued_by(world, event, conversation, ctx),)


def queued_by(world: World, event: ev.QueueAsked, conversation: Conversation, ctx: Ctx) -> ev.ContactQueued:
    """The contact of a caller, as the rules of its queue make it."""
    queue = queue_config(world, event.queue)
    ruled = rules(world, queue, conversation, event)
    return ev.ContactQueued(
        contact=ctx.ids.contact(),
        conversation=event.conversation,
        queue=event.queue,
        requires=joined(event.requires, ruled.requires),
        steps=event.steps,
        priority=event.priority + ruled.priority,
        only_agent=event.agent,
        prefer=ruled.prefer,
        prefer_until=_prefer_until(world, event, queue, ruled, ctx.now),
        algorithm=ruled.algorithm,
        rules=ruled.rules,
        data=event.data,
        path=event.path,
        number=conversation.dialled,
        customer=remembered_as(conversation),
        queued_at=ctx.now,
        at=ctx.now,
    )


def remembered_as(conversation: Conversation) -> str:
    """Under which name we remember whom this caller talked to: the customer, else the number he calls from."""
    return conversation.customer.id if conversation.customer is not None else conversation.caller_number


# --- rules --------------------------------------------------------------------------------------------


def rules(world: World, queue: QueueConfig, conversation: Conversation, event: ev.QueueAsked) -> Ruled:
    found = Ruled()
    for rule in queue.rules:
        if not all(_holds(name, value, conversation, event) for name, value in rule.when.items()):
            continue
        prefer = found.prefer or _preferred(world, rule, conversation)
        found = Ruled(
            rules=(*found.rules, rule.id),
            requires=joined(found.requires, rule.requires),
            priority=found.priority + rule.priority,
            algorithm=found.algorithm or rule.algorithm,
            prefer=prefer,
            prefer_seconds=found.prefer_seconds if found.prefer else rule.prefer_seconds,
        )
    return found


def _holds(name: str, value: str, conversation: Conversation, event: ev.QueueAsked) -> bool:
    match name:
        case "number":
            return conversation.dialled == value
        case "medium":
            return value == VOICE
        case "class":
            return conversation.customer is not None and value in conversation.customer.classes
        case "path":
            return value in event.path
        case _:
            return event.data.get(name.removeprefix("data.")) == value


def _preferred(world: World, rule: RuleConfig, conversation: Conversation) -> AgentId | None:
    match rule.prefer:
        case "":
            return None
        case "last_agent":
            last = world.last_agents.get(remembered_as(conversation))
            return last.agent if last is not None else None
        case "account_manager":
            manager = conversation.customer.manager if conversation.customer is not None else ""
            return AgentId(manager) if AgentId(manager) in world.agent_configs else None
        case _:
            return AgentId(rule.prefer)


def _prefer_until(world: World, event: ev.QueueAsked, queue: QueueConfig, ruled: Ruled, now: float) -> float:
    """Until when the preferred agent alone may have it; 0.0: nobody waits for one who could not have it."""
    if ruled.prefer is None or event.agent is not None or ruled.prefer_seconds <= 0:
        return 0.0
    hard = joined(queue.requires, event.requires, ruled.requires)
    holds = waiting.preference_holds(world, ruled.prefer, QueueId(queue.id), hard)
    return now + ruled.prefer_seconds if holds else 0.0
