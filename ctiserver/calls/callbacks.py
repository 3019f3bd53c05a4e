"""Customers whom we call: the agent's leg is there first, then the customer is called.

Lives here: callbacks and calls that agents dial: calling the customer (or, in an internal call, the colleague), his
answer, and tries that come to nothing. Not here: when a callback's turn has come and how often it is tried
(`acd.core.callback`), who may dial what (`acd.core.dial`). One try is one customer's leg; a callback outlives it.
"""

from __future__ import annotations

from ctiserver.calls import rings
from ctiserver.calls.moves import Plan, agent_legs, talking_leg
from ctiserver.model import effects as fx, events as ev, ids
from ctiserver.model.causes import (
    NO_ANSWER,
    NO_USER_RESPONSE,
    NORMAL,
    REJECTED,
    REJECTIONS,
    USER_BUSY,
    ClearedBy,
    Unreached,
)
from ctiserver.model.routing import CallbackConfig
from ctiserver.model.talk import Conversation, Leg, LegState, Place
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World


def customer(conversation: Conversation) -> Leg | None:
    """The customer's leg, if he has one; of a callback only while he is called or there."""
    return conversation.legs.get(conversation.customer_leg)


def nobody_there(conversation: Conversation) -> bool:
    """A callback whose customer is not in the talk (yet)."""
    leg = customer(conversation)
    return conversation.callback and (leg is None or leg.state is not LegState.CONNECTED)


def booked(world: World, event: ev.CallbackBooked) -> Decision:
    """Who it is, for the pop: the customer whom the caller's conversation knew, else whoever has the number."""
    asked_in = world.conversations.get(event.asked_in) if event.asked_in is not None else None
    if asked_in is not None and asked_in.customer is not None:
        return Decision((ev.CustomerIdentified(conversation=event.conversation, customer=asked_in.customer),))
    return Decision((), (fx.FindCustomer(conversation=event.conversation, number=event.number),))


def call(world: World, conversation: Conversation, agent: Leg, event: ev.ContactConnected, ctx: Ctx) -> Decision:
    """The agent has answered: he hears it ring while the customer is called."""
    queue = world.queue_configs.get(world.contacts[event.contact].queue)
    config = queue.callback if queue is not None and queue.callback is not None else CallbackConfig()
    plan = Plan()
    ring(plan, world, conversation, agent, event.contact, config.ring_seconds, ctx)
    return plan.decision()


def dial(plan: Plan, world: World, conversation: Conversation, agent: Leg, ctx: Ctx) -> None:
    """The agent's own phone is there: whom he dialled is called."""
    if conversation.contact is not None:
        ring(plan, world, conversation, agent, conversation.contact, world.site.outbound.ring_seconds, ctx)


def ring(
    plan: Plan, world: World, conversation: Conversation, agent: Leg, contact: ids.ContactId, seconds: float, ctx: Ctx
) -> None:
    leg = ids.customer_leg(conversation.id, conversation.legs_made + 1)
    device = world.agents[conversation.callee].device if conversation.callee is not None else None
    endpoint = device.endpoint if device is not None else ""
    called = ev.CustomerCalled(
        conversation=conversation.id,
        contact=contact,
        leg=leg,
        deadline=ctx.now + seconds,
        endpoint=endpoint,
        at=ctx.now,
    )
    plan.events.append(called)
    plan.effects.append(_originate(world, conversation, leg, endpoint, seconds + rings.SLACK))
    plan.effects.append(fx.RingTone(conversation=conversation.id, leg=agent.id, on=True))


def _originate(
    world: World, conversation: Conversation, leg: ids.LegId, endpoint: str, timeout: float
) -> fx.Effect:
    """A colleague's phone rings as for any call and shows who calls; his answer (or key) is his acceptance."""
    if conversation.callee is None:
        return fx.CallCustomer(
            conversation=conversation.id,
            leg=leg,
            number=conversation.caller_number,
            trunk=world.site.outbound.trunk,
            shown=conversation.dialled,
            timeout_seconds=timeout,
        )
    caller = world.agent_configs.get(conversation.made_by) if conversation.made_by is not None else None
    return rings.effect(
        world,
        conversation,
        leg,
        endpoint,
        number=conversation.made_by or "",
        name=getattr(caller.name, world.site.languages[0], caller.name.en) if caller is not None else "",
        auto_answer=False,
        timeout=timeout,
    )


def answered(plan: Plan, world: World, conversation: Conversation, leg: Leg, ctx: Ctx) -> None:
    """The customer is there: recorded like any other, and together with the agent who called him."""
    agent = talking_leg(conversation)
    if agent is None:  # his end is known before the customer's answer: then this leg is being ended already
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
        return
    number = next((known for known in world.site.numbers if known.number == conversation.dialled), None)
    tracks = ids.tracks(conversation.id) if number is not None and number.record else ()
    if tracks:
        plan.events.append(ev.RecordingStarted(conversation=conversation.id, names=tracks, at=ctx.now))
        plan.effects.append(fx.OpenTracks(conversation=conversation.id, leg=leg.id, names=tracks))
    plan.events.append(ev.Talking(conversation=conversation.id, leg=agent.id, at=ctx.now))
    plan.effects.append(fx.RingTone(conversation=conversation.id, leg=agent.id, on=False))
    plan.to_talk(conversation, agent.id)
    if tracks:
        plan.effects.append(fx.StartRecording(conversation=conversation.id, names=tracks))


def own_phone_gone(plan: Plan, conversation: Conversation, leg: Leg, cause: int, at: float) -> None:
    """The agent who dials: his own phone did not come, so nobody was called."""
    if conversation.place is not Place.CALLING or conversation.customer_leg or leg.agent != conversation.agent:
        return
    if all(other.id == leg.id for other in agent_legs(conversation)):
        unreached(plan, conversation, Unreached.AGENT if cause in REJECTIONS else Unreached.LOST, at)


def due(world: World, name: ids.ConversationId, ctx: Ctx) -> Decision:
    """It has rung long enough."""
    conversation = world.conversations[name]
    if conversation.place is not Place.CALLING:
        return NOTHING
    plan = Plan()
    why = Unreached.NO_ANSWER if conversation.customer_leg else Unreached.LOST
    unreached(plan, conversation, why, ctx.now, cause=NO_ANSWER)
    return plan.decision()


def unreached(plan: Plan, conversation: Conversation, why: Unreached, at: float, *, cause: int = NORMAL) -> None:
    """This try is over: every leg of it ends, the conversation stays for the next."""
    if conversation.contact is None or conversation.agent is None:
        return
    plan.events.append(
        ev.CustomerUnreached(
            conversation=conversation.id,
            contact=conversation.contact,
            agent=conversation.agent,
            why=why,
            at=at,
        )
    )
    for leg in conversation.legs.values():
        ended = any(isinstance(event, ev.ConnectionCleared) and event.leg == leg.id for event in plan.events)
        if not ended:
            plan.hang_up(conversation, leg, ClearedBy.SYSTEM, cause if leg.id == conversation.customer_leg else NORMAL)


def why(cause: int) -> Unreached:
    """What the end of a customer's ringing leg says."""
    if cause == USER_BUSY:
        return Unreached.BUSY
    if cause == REJECTED:
        return Unreached.REJECTED
    return Unreached.NO_ANSWER if cause in (NO_ANSWER, NO_USER_RESPONSE) else Unreached.FAILED


def over(world: World, event: ev.ContactEnded) -> Decision:
    """The callback has ended and nobody is there: so has its conversation."""
    conversation = world.conversations.get(event.conversation)
    if conversation is None or conversation.cleared or not nobody_there(conversation):
        return NOTHING
    plan = Plan()
    plan.events.append(ev.CallCleared(conversation=conversation.id, by=ClearedBy.SYSTEM, cause=NORMAL, at=event.at))
    for leg in conversation.legs.values():
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
    for bridge in conversation.bridges:
        plan.close_bridge(conversation, bridge)
    return plan.decision()
