"""Calling an agent's device. Not here: why he is called, and what his answer means (`legs`)."""

from __future__ import annotations

from ctiserver.model import effects as fx, events as ev, ids
from ctiserver.model.ids import AgentId, LegId, ReservationId
from ctiserver.model.talk import Conversation, Role
from ctiserver.model.turns import Decision
from ctiserver.model.work import Device, DeviceKind
from ctiserver.model.world import Ctx, World

SLACK = 3.0
"""Seconds that Asterisk's own ring time-out lies behind our deadline: a backstop only (our choice)."""
OUTSIDE_RING = 25.0
"""Seconds that an outside number may ring when its agent is brought back, or dials: it is in a pocket."""


def longer(device: Device, seconds: float) -> float:
    """Seconds to ring this device: an outside number gets more."""
    return max(seconds, OUTSIDE_RING) if device.kind is DeviceKind.OUTSIDE else seconds


def originate(
    world: World,
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
    customer = conversation.customer
    ring = effect(
        world,
        conversation,
        leg,
        device.endpoint,
        number=conversation.caller_number,
        name=customer.name if customer is not None else conversation.caller_name,
        auto_answer=take_back or auto_answer,
        timeout=timeout,
    )
    return Decision((originated,), (ring,))


def effect(
    world: World,
    conversation: Conversation,
    leg: LegId,
    endpoint: str,
    *,
    number: str,
    name: str,
    auto_answer: bool,
    timeout: float,
) -> fx.Effect:
    """What rings the device of an agent; `number` and `name` are shown, but not at an outside number: the carrier
    takes ours only."""
    outside = ids.outside_number(endpoint)
    if outside is not None:
        outbound = world.site.outbound
        first = world.site.numbers[0].number if world.site.numbers else ""
        return fx.CallCustomer(
            conversation=conversation.id,
            leg=leg,
            number=outside,
            trunk=outbound.trunk,
            shown=outbound.shown or conversation.dialled or first,
            timeout_seconds=timeout,
        )
    return fx.RingEndpoint(
        conversation=conversation.id,
        leg=leg,
        endpoint=endpoint,
        caller_number=number,
        caller_name=name,
        auto_answer=auto_answer,
        timeout_seconds=timeout,
    )
