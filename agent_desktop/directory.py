"""The directory: whom a customer can be sent to, with presence. Pure; asked for when a transfer is opened.

Not here: whether a transfer is accepted (`acd.core.transfer`): what is shown may have changed by then.
"""

from __future__ import annotations

import msgspec

from agent_desktop import view
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.site import Label
from ctiserver.model.work import Agent, AgentState, ContactState, WorkKind, agent_state
from ctiserver.model.world import World


class AgentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: epoch seconds; `ringing`: the contact that rings at him and that the viewer may pick up, "" for none."""

    id: str
    name: Label
    state: AgentState
    since: float
    reason: str
    ringing: str = ""


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: Label
    waiting: int
    ready: int
    closed: bool


class FlowEntry(msgspec.Struct, frozen=True, kw_only=True):
    id: str


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """Agents who are signed in, the ready ones first; queues and flows in the site's order."""

    agents: tuple[AgentEntry, ...]
    queues: tuple[QueueEntry, ...]
    flows: tuple[FlowEntry, ...]


_FIRST = (AgentState.READY, AgentState.WRAP_UP, AgentState.BUSY, AgentState.RESERVED, AgentState.NOT_READY)


def directory(world: World, me: AgentId) -> Directory:
    present = [
        (name, found, agent_state(found))
        for name, found in world.agents.items()
        if name != me and found.signed_in and name in world.agent_configs
    ]
    present.sort(key=lambda one: (_FIRST.index(one[2]), one[0]))
    agents = tuple(
        AgentEntry(
            id=name,
            name=view.agent_name(world, name),
            state=state,
            since=found.since,
            reason=found.reason,
            ringing=_ringing(world, found, me),
        )
        for name, found, state in present
    )
    queues = [view.queue_doc(world, QueueId(queue.id)) for queue in world.site.queues]
    return Directory(
        agents=agents,
        queues=tuple(
            QueueEntry(
                id=doc.id,
                name=doc.name,
                waiting=doc.waiting,
                ready=doc.ready,
                closed=QueueId(doc.id) in world.closed_queues,
            )
            for doc in queues
            if doc is not None
        ),
        flows=tuple(FlowEntry(id=name) for name in dict.fromkeys(flow.id for flow in world.site.flows)),
    )


def _ringing(world: World, colleague: Agent, me: AgentId) -> str:
    """Of a queue that is the viewer's too, and not for the colleague by name."""
    for item in colleague.work.values():
        contact = world.contacts.get(item.contact)
        if item.kind is not WorkKind.RESERVED or contact is None or contact.reservation != item.reservation:
            continue
        if contact.state is ContactState.RESERVED and contact.only_agent is None:
            return contact.id if contact.queue in world.serves.get(me, {}) else ""
    return ""
