"""The other people of a call, as small documents: who had the customer before, who is in it now. Pure, like `view`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ctiserver.model.causes import Parted
from ctiserver.model.ids import QUEUE_PARTY, AgentId, QueueId
from ctiserver.model.site import Label
from ctiserver.model.talk import Conversation, Party, PartyGone, PartyState, live_leg, party
from ctiserver.model.work import Contact
from ctiserver.model.world import World


class HandedDoc(msgspec.Struct, frozen=True, kw_only=True):
    """An agent who had the customer before and sent him on."""

    name: Label
    queue: Label
    note: str
    at: float


class PartyDoc(msgspec.Struct, frozen=True, kw_only=True):
    """Another agent in the call; a queue that is asked, or somebody at an outside number (`ids.QUEUE_PARTY`,
    `ids.OUTSIDE_PARTY`). `state`: how far he has come ('agent': it is his talk). `lost`: his phone is gone."""

    agent: str
    name: Label
    state: str
    since: float
    lost: bool


class PartyGoneDoc(msgspec.Struct, frozen=True, kw_only=True):
    """Who was called in last and is not there any more, and why."""

    agent: str
    name: Label
    why: Parted
    at: float


def rings(conversation: Conversation, agent: AgentId) -> bool:
    """Whether he is rung as one who is called in."""
    one = party(conversation, agent)
    return one is not None and one.state is PartyState.RINGING


def handed(world: World, conversation: Conversation, contact: Contact, *, asked: bool) -> tuple[HandedDoc, ...]:
    """Those who had him before; not himself, when he wraps it up. `asked`: for one who is called in by him who has the
    contact, which makes that one the last of them."""
    before = (
        HandedDoc(name=agent_name(world, one.agent), queue=queue_name(world, one.queue), note=one.note, at=one.at)
        for one in conversation.handed
        if one.at <= contact.entered_at
    )
    return (*before, *(_asks(world, conversation, contact) if asked else ()))


def _asks(world: World, conversation: Conversation, contact: Contact) -> Iterable[HandedDoc]:
    """What the agent who asks has written until now: he sees it as it grows."""
    if contact.agent is None:
        return
    item = world.agents[contact.agent].work.get(contact.id)
    yield HandedDoc(
        name=agent_name(world, contact.agent),
        queue=queue_name(world, contact.queue),
        note=item.note if item is not None else "",
        at=contact.connected_at,
    )


def parties(world: World, conversation: Conversation, me: AgentId) -> tuple[PartyDoc, ...]:
    """The other agents in the call: whose talk it is first, then in the order of being asked."""
    if not conversation.parties:
        return ()
    found: list[PartyDoc] = []
    if conversation.agent is not None and conversation.agent != me:
        found.append(_party_doc(world, conversation, conversation.agent, "agent", conversation.talking_since))
    for one in conversation.parties:
        if one.agent != me:
            doc = _party_doc(world, conversation, one.agent, one.state.value, one.since)
            found.append(msgspec.structs.replace(doc, name=_name(world, one)))
    return tuple(found)


def _party_doc(world: World, conversation: Conversation, agent: AgentId, state: str, since: float) -> PartyDoc:
    there = state in _NOT_YET or live_leg(conversation, agent) is not None
    return PartyDoc(agent=agent, name=agent_name(world, agent), state=state, since=since, lost=not there)


_NOT_YET = (PartyState.WAITING.value, PartyState.ASKED.value, PartyState.RINGING.value)


def _name(world: World, one: Party | PartyGone) -> Label:
    """Of an agent, a queue that is asked, or a number."""
    if one.number:
        return Label(zh=one.number, en=one.number)
    return queue_name(world, one.queue) if one.queue and one.agent == QUEUE_PARTY else agent_name(world, one.agent)


def party_gone(world: World, conversation: Conversation) -> PartyGoneDoc | None:
    """Whoever was called in last, once he is not there any more."""
    gone = conversation.party_gone
    if gone is None:
        return None
    return PartyGoneDoc(agent=gone.agent, name=_name(world, gone), why=gone.why, at=gone.at)


def agent_name(world: World, agent: AgentId) -> Label:
    """Of an agent who is not in the configuration any more: his id."""
    config = world.agent_configs.get(agent)
    return config.name if config is not None else Label(zh=agent, en=agent)


def queue_name(world: World, queue: QueueId) -> Label:
    """Of a queue that is not in the configuration any more: its id."""
    config = world.queue_configs.get(queue)
    return config.name if config is not None else Label(zh=queue, en=queue)


