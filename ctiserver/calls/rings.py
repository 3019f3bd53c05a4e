"""Calling an agent's device. Not here: why he is called, and what his answer means (`legs`)."""

from __future__ import annotations

from ctiserver.model import effects as fx, events as ev, ids
from ctiserver.model.ids import AgentId, ReservationId
from ctiserver.model.talk import Conversation, Role
from ctiserver.model.turns import Decision
from ctiserver.model.work import Device
from ctiserver.model.world import Ctx


def originate(
    conversation: Conversation,
    agent: AgentId,
    device: Device,
    *,
    timeout: float,
    ctx: Ctx,
    reservation: ReservationId | None = None,
    role: Role = Role.AGENT,
    take_back: bool = False,
    auto_answer: bool = False,
) -> Decision:
    """`take_back`: his page was loaded anew or his leg is lost; the page answers by itself. `auto_answer`: it does so
    for an offer."""
    make = ids.agent_leg if role is Role.AGENT else ids.consultee_leg
    leg = make(conversation.id, conversation.legs_made + 1)
    originated = ev.Originated(
        conversation=conversation.id,
        leg=leg,
        agent=agent,
        endpoint=device.endpoint,
        instance=device.instance,
        reservation=reservation,
        take_back=take_back,
        role=role,
        at=ctx.now,
    )
    ring = fx.RingEndpoint(
        conversation=conversation.id,
        leg=leg,
        endpoint=device.endpoint,
        caller_number=conversation.caller_number,
        caller_name=conversation.customer.name if conversation.customer is not None else conversation.caller_name,
        auto_answer=take_back or auto_answer,
        timeout_seconds=timeout,
    )
    return Decision((originated,), (ring,))
