"""A new caller: accepted, or turned away because nobody owns the number."""

from __future__ import annotations

from ctiserver.model import effects as fx
from ctiserver.model import events as ev
from ctiserver.model import facts, ids
from ctiserver.model.causes import UNALLOCATED
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World


def arrive(world: World, fact: facts.CallerArrived, ctx: Ctx) -> Decision:
    """A new caller: a conversation, answered at once, if the number is ours."""
    if fact.channel in world.conversation_of_leg:
        return NOTHING
    if all(number.number != fact.dialled for number in world.site.numbers):
        refused = ev.CallRefused(leg=fact.channel, dialled=fact.dialled, cause=UNALLOCATED, at=fact.at)
        return Decision((refused,), (fx.RefuseCaller(leg=fact.channel, cause=UNALLOCATED),))
    conversation = ctx.ids.conversation()
    tracks = ids.tracks(conversation)
    started = ev.ConversationStarted(
        conversation=conversation,
        interaction=ctx.ids.interaction(),
        leg=fact.channel,
        dialled=fact.dialled,
        caller_number=fact.caller_number,
        caller_name=fact.caller_name,
        at=fact.at,
    )
    return Decision(
        (started,),
        (
            fx.OpenTracks(conversation=conversation, leg=fact.channel, names=tracks),
            fx.AnswerLeg(conversation=conversation, leg=fact.channel),
            fx.StartRecording(conversation=conversation, names=tracks),
            fx.FindCustomer(conversation=conversation, number=fact.caller_number),
        ),
    )
