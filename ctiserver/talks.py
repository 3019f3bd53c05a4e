"""The talks of a world as team leads see them, and the lead's own place. Pure; the decisions are ctiserver.calls'."""

from __future__ import annotations

import msgspec

from ctiserver.calls.moves import talking_leg
from ctiserver.model import ids
from ctiserver.model.causes import MonitorMode
from ctiserver.model.ids import AgentId, ConversationId, QueueId
from ctiserver.model.site import Label
from ctiserver.model.talk import Conversation, LegState, Place
from ctiserver.model.world import World


class MonitorNow(msgspec.Struct, frozen=True, kw_only=True):
    """The lead who is in a talk: `user`; `there`: his phone has answered."""

    user: str
    mode: MonitorMode
    since: float
    mode_since: float
    there: bool


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that is some agent's, or that a lead is in. `state`: talking, held, waiting (for another agent, or
    for this one to come back), calling (a callback's customer is being called) or ivr. `queue` '' = none any more."""

    conversation: str
    agent: str | None
    agent_name: Label | None
    queue: str
    queue_name: Label | None
    number: str
    caller: str
    customer: str
    state: str
    since: float
    monitor: MonitorNow | None
    may_listen: bool


class SeatPhone(msgspec.Struct, frozen=True, kw_only=True):
    """A lead's phone: `desk` is the desk phone's id ('' = his page)."""

    lease: str
    instance: str
    desk: str
    contact: bool


def talks(world: World) -> list[Talk]:
    """In the order in which the callers came."""
    return [
        _talk(world, conversation)
        for conversation in world.conversations.values()
        if not conversation.cleared and (conversation.agent is not None or conversation.monitor is not None)
    ]


def _talk(world: World, conversation: Conversation) -> Talk:
    contact = world.contacts.get(conversation.contact) if conversation.contact is not None else None
    queue = world.queue_configs.get(contact.queue) if contact is not None else None
    agent = world.agent_configs.get(conversation.agent) if conversation.agent is not None else None
    monitor = conversation.monitor
    leg = conversation.legs.get(monitor.leg) if monitor is not None else None
    return Talk(
        conversation=conversation.id,
        agent=conversation.agent,
        agent_name=agent.name if agent is not None else None,
        queue=contact.queue if contact is not None else QueueId(""),
        queue_name=queue.name if queue is not None else None,
        number=conversation.caller_number,
        caller=conversation.caller_name,
        customer=conversation.customer.name if conversation.customer is not None else "",
        state=conversation.place.value,
        since=conversation.talking_since or conversation.arrived_at,
        may_listen=conversation.place in (Place.TALKING, Place.HELD) and talking_leg(conversation) is not None,
        monitor=MonitorNow(
            user=monitor.by,
            mode=monitor.mode,
            since=monitor.since,
            mode_since=monitor.mode_since,
            there=leg is not None and leg.state is LegState.CONNECTED,
        )
        if monitor is not None
        else None,
    )


def agent_of(world: World, conversation: str) -> AgentId | None:
    """Whose talk it is."""
    found = world.conversations.get(ConversationId(conversation))
    return found.agent if found is not None and not found.cleared else None


def seat_phone(world: World, seat: AgentId) -> SeatPhone | None:
    """The phone that hangs on this seat; None while its user has none."""
    agent = world.agents.get(seat)
    device = agent.device if agent is not None else None
    if device is None:
        return None
    return SeatPhone(
        lease=device.lease,
        instance=device.instance,
        desk=ids.desk_phone(device.endpoint) or "",
        contact=device.contact,
    )
