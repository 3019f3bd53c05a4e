"""Transfers: what happens to the legs. Not here: whether, and to whom (`acd.core.transfer`).

The customer is never alone in a bridge: he has music before the agent's leg is dropped, and keeps it until somebody
answers; a flow has him on his own channel.
"""

from __future__ import annotations

from ctiserver.calls import outside
from ctiserver.calls.moves import Plan, agent_legs
from ctiserver.model import events as ev, ids
from ctiserver.model.causes import ClearedBy
from ctiserver.model.talk import Place
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World


def sent_on(world: World, event: ev.Transferred, ctx: Ctx) -> Decision:
    conversation = world.conversations.get(event.conversation)
    if conversation is None or conversation.cleared:
        return NOTHING
    plan = Plan()
    if not event.flow:
        if conversation.place is not Place.HELD:  # a held customer has his music already
            plan.to_music(conversation)
        plan.events.append(ev.Queued(conversation=conversation.id, at=ctx.now))
    else:  # out of where he was sent last: that he has come there may not have been told yet
        seat = ids.holding_bridge if event.held else ids.talk_bridge
        plan.out_of(conversation, seat(conversation.id))
    if event.number:
        outside.call(plan, world, conversation, event, ctx)
    for leg in agent_legs(conversation):
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
    return plan.decision()
