"""A customer who is sent to an outside number: he has music until somebody there answers, then the two are in his talk
bridge without an agent, until one of them hangs up.

Lives here: the outside party's leg. Not here: whether he may be sent there, and what becomes of him when nobody answers
(`acd.core.transfer`).
"""

from __future__ import annotations

from ctiserver.calls import callbacks, rings
from ctiserver.calls.moves import Plan
from ctiserver.model import effects as fx, events as ev, ids
from ctiserver.model.causes import NO_ANSWER, ClearedBy, Unreached
from ctiserver.model.talk import Conversation, Leg, LegState
from ctiserver.model.world import Ctx, World


def call(plan: Plan, world: World, conversation: Conversation, event: ev.Transferred, ctx: Ctx) -> None:
    """The customer is on his way to the music."""
    leg = ids.customer_leg(conversation.id, conversation.legs_made + 1)
    rules = world.site.outbound
    plan.events.append(
        ev.OutsideCalled(
            conversation=conversation.id,
            agent=event.agent,
            leg=leg,
            number=event.number,
            queue=event.from_queue,
            data=event.data,
            path=event.path,
            deadline=ctx.now + rules.ring_seconds,
            at=ctx.now,
        )
    )
    plan.effects.append(
        fx.CallCustomer(
            conversation=conversation.id,
            leg=leg,
            number=event.number,
            trunk=rules.trunk,
            shown=conversation.dialled,
            timeout_seconds=rules.ring_seconds + rings.SLACK,
        )
    )


def answered(plan: Plan, conversation: Conversation, leg: Leg, at: float) -> None:
    if conversation.sent_out is None or conversation.sent_out.leg != leg.id:
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
        return
    plan.events.append(ev.Talking(conversation=conversation.id, leg=leg.id, at=at))
    plan.to_talk(conversation, leg.id)


def ended(plan: Plan, conversation: Conversation, leg: Leg, cause: int, at: float) -> None:
    """Its leg is gone: before an answer the customer goes back, after it the call is over."""
    out = conversation.sent_out
    if conversation.cleared or out is None or out.leg != leg.id:
        return
    if leg.state is not LegState.CONNECTED:
        _unreached(plan, conversation, callbacks.why(cause), at)
        return
    plan.hang_up(conversation, conversation.legs[conversation.customer_leg], ClearedBy.OUTSIDE)


def due(plan: Plan, conversation: Conversation, ctx: Ctx) -> None:
    """It has rung long enough."""
    out = conversation.sent_out
    leg = conversation.legs.get(out.leg) if out is not None else None
    if leg is None or leg.state is LegState.CONNECTED or conversation.cleared:
        return
    _unreached(plan, conversation, Unreached.NO_ANSWER, ctx.now)
    plan.hang_up(conversation, leg, ClearedBy.SYSTEM, NO_ANSWER)


def _unreached(plan: Plan, conversation: Conversation, why: Unreached, at: float) -> None:
    out = conversation.sent_out
    if out is not None:
        plan.events.append(
            ev.OutsideUnreached(
                conversation=conversation.id,
                number=out.number,
                queue=out.queue,
                data=out.data,
                path=out.path,
                why=why,
                at=at,
            )
        )
