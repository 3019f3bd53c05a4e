"""Entry: a caller (or a booked callback) asks for an agent of a queue, and the queue's rules on what is known of him.

Lives here: `QueueAsked` -> `ContactQueued`, and which rules on the customer's data apply. Not here: whether the queue
takes him (`queue_rules`), how a contact ranks (`contact`), what its steps ask for (`waiting`).
"""

from __future__ import annotations

import msgspec

from acd.core import waiting
from acd.core.contact import queue_config
from ctiserver.model import events as ev
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


def queued(
    world: World,
    event: ev.QueueAsked,
    conversation: Conversation,
    ctx: Ctx,
    *,
    been: tuple[QueueId, ...] = (),
    moved: Contact | None = None,
    medium: str = VOICE,
) -> ev.ContactQueued:
    """The contact of a caller, as the rules of its queue make it. One that was `moved` here from another queue keeps
    its time of arrival, and its head start if this queue's rules give less; it begins with the first step (oracle
    RC-5)."""
    queue = queue_config(world, event.queue)
    ruled = rules(world, queue, conversation, event, medium)
    head_start = event.priority + ruled.priority
    return ev.ContactQueued(
        contact=ctx.ids.contact(),
        medium=medium,
        conversation=event.conversation,
        queue=event.queue,
        requires=joined(event.requires, ruled.requires),
        steps=event.steps,
        priority=max(head_start, moved.priority) if moved is not None else head_start,
        only_agent=event.agent,
        prefer=ruled.prefer,
        prefer_until=_prefer_until(world, event, queue, ruled, ctx.now),
        algorithm=ruled.algorithm,
        rules=ruled.rules,
        data=event.data,
        path=event.path,
        number=conversation.dialled,
        customer=remembered_as(conversation),
        queued_at=moved.queued_at if moved is not None else ctx.now,
        moved_from=moved.id if moved is not None else None,
        been=been,
        at=ctx.now,
    )


def remembered_as(conversation: Conversation) -> str:
    """Under which name we remember whom this caller talked to: the customer, else the number he calls from."""
    return conversation.customer.id if conversation.customer is not None else conversation.caller_number


# --- rules --------------------------------------------------------------------------------------------


def rules(world: World, queue: QueueConfig, conversation: Conversation, event: ev.QueueAsked, medium: str) -> Ruled:
    found = Ruled()
    for rule in queue.rules:
        if not all(_holds(name, value, conversation, event, medium) for name, value in rule.when.items()):
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


def _holds(name: str, value: str, conversation: Conversation, event: ev.QueueAsked, medium: str) -> bool:
    match name:
        case "number":
            return conversation.dialled == value
        case "medium":
            return value == medium
        case "class":
            return conversation.customer is not None and value in conversation.customer.classes
        case "path":
            return value in event.path
        case _:
            return event.data.get(name.removeprefix("data.")) == value


def _preferred(world: World, rule: RuleConfig, conversation: Conversation) -> AgentId | None:
    """Whom the rule means, if he is at work: else the next rule that means somebody holds."""
    match rule.prefer:
        case "":
            return None
        case "last_agent":
            last = world.last_agents.get(remembered_as(conversation))
            name = last.agent if last is not None else AgentId("")
        case "account_manager":
            name = AgentId(conversation.customer.manager if conversation.customer is not None else "")
        case _:
            name = AgentId(rule.prefer)
    agent = world.agents.get(name) if name in world.agent_configs else None
    return name if agent is not None and agent.signed_in else None


def _prefer_until(world: World, event: ev.QueueAsked, queue: QueueConfig, ruled: Ruled, now: float) -> float:
    """Until when the preferred agent alone may have it; 0.0: nobody waits for one who could not have it."""
    if ruled.prefer is None or event.agent is not None or ruled.prefer_seconds <= 0:
        return 0.0
    hard = joined(queue.requires, event.requires, ruled.requires)
    holds = waiting.preference_holds(world, ruled.prefer, QueueId(queue.id), hard)
    return now + ruled.prefer_seconds if holds else 0.0
