"""Asking: an agent asks for anybody of a queue to be called in beside him.

Lives here: which request an agent who becomes free is asked for, and whom a request gets. Not here: what being asked
is like (`consult`), a matching pass (`routing`). A request is no contact: it is in no line, no book and no forecast. It
goes before the queue's contacts, in the order of asking, for a customer and an agent are held up by it. Its agents
rank by their group's delay, tier, longest idle, id; who let it pass is not asked for it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from acd.core import contact as contacts
from acd.core.index import Index
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, ConversationId
from ctiserver.model.requirement import met, parse
from ctiserver.model.routing import VOICE
from ctiserver.model.talk import Conversation, Party, PartyState, consulted
from ctiserver.model.world import Ctx, World


def waits(conversation: Conversation | None) -> Party | None:
    """The request of this conversation that has found nobody yet."""
    one = consulted(conversation) if conversation is not None and not conversation.cleared else None
    return one if one is not None and one.state is PartyState.WAITING else None


def in_order(world: World, names: Iterable[ConversationId]) -> list[ConversationId]:
    """The requests among them, in the order of asking."""
    found = [(one.since, name) for name in names if (one := waits(world.conversations.get(name))) is not None]
    return [name for _, name in sorted(found)]


def admits(world: World, one: Party, name: AgentId) -> bool:
    """Whether he may be asked for it, were he free: he serves the queue, has its skills, did not let it pass."""
    config = world.agent_configs.get(name)
    if one.queue is None or config is None or name in one.let_pass:
        return False
    if name not in world.members.get(one.queue, {}):
        return False
    return met(config.skills, parse(contacts.queue_config(world, one.queue).requires))


def for_agent(
    world: World, index: Index, name: AgentId, planned: Mapping[ConversationId, None]
) -> ConversationId | None:
    """The request for which this agent is asked, if he is free."""
    if not index.is_eligible(name, VOICE):
        return None
    for asking in in_order(world, index.asking):
        one = waits(world.conversations.get(asking))
        if asking not in planned and one is not None and admits(world, one, name):
            return asking
    return None


def best(world: World, index: Index, one: Party, taken: Mapping[AgentId, None]) -> AgentId | None:
    """The free agent who is asked first."""
    found: list[tuple[float, int, float, AgentId]] = []
    for name, how in (index.members.get(one.queue, {}) if one.queue is not None else {}).items():
        if name not in taken and index.is_eligible(name, VOICE) and admits(world, one, name):
            found.append((how.delay_seconds, how.tier, world.agents[name].idle_since, name))
    return min(found)[-1] if found else None


def asked(world: World, name: ConversationId, agent: AgentId, confirm_within: float, ctx: Ctx) -> ev.ConsultAsked:
    """Raises nothing: the caller knows that the request waits."""
    one = waits(world.conversations.get(name))
    assert one is not None
    return ev.ConsultAsked(
        conversation=name,
        asked_by=one.asked_by,
        agent=agent,
        item=ctx.ids.contact(),
        reservation=ctx.ids.reservation(),
        confirm_by=ctx.now + confirm_within,
        at=ctx.now,
        queue=one.queue,
    )
