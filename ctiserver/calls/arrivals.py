"""Callers who come: new ones are accepted, or turned away because nobody owns the number; others are back."""

from __future__ import annotations

from ctiserver.calls.moves import Plan, look_at, talking_leg
from ctiserver.model import effects as fx, events as ev, facts, ids
from ctiserver.model.causes import UNALLOCATED
from ctiserver.model.talk import Conversation, Leg, LegState, Place
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World


def arrive(world: World, fact: facts.CallerArrived, ctx: Ctx) -> Decision:
    """A new caller: a conversation, answered at once, if the number is ours. One whom the apology has answered needs no
    answer, and none would ever be reported."""
    found = world.leg(fact.channel)
    if found is not None:
        return returned(found[0], found[1], ctx) if found[1].away else NOTHING
    number = next((known for known in world.site.numbers if known.number == fact.dialled), None)
    if number is None:
        refused = ev.CallRefused(leg=fact.channel, dialled=fact.dialled, cause=UNALLOCATED, at=fact.at)
        return Decision((refused,), (fx.RefuseCaller(leg=fact.channel, cause=UNALLOCATED), *_look(world, fact)))
    conversation = ctx.ids.conversation()
    tracks = ids.tracks(conversation) if number.record else ()
    started = ev.ConversationStarted(
        conversation=conversation,
        interaction=ctx.ids.interaction(),
        leg=fact.channel,
        dialled=fact.dialled,
        caller_number=fact.caller_number,
        caller_name=fact.caller_name,
        at=fact.at,
    )
    recording = (ev.RecordingStarted(conversation=conversation, names=tracks, at=fact.at),) if tracks else ()
    opened = (fx.OpenTracks(conversation=conversation, leg=fact.channel, names=tracks),) if tracks else ()
    begun = (fx.StartRecording(conversation=conversation, names=tracks),) if tracks else ()
    up = (ev.Established(conversation=conversation, leg=fact.channel, at=fact.at),) if fact.up else ()
    answer = () if fact.up else (fx.AnswerLeg(conversation=conversation, leg=fact.channel),)
    return Decision(
        (started, *recording, *up),
        (
            *opened,
            *answer,
            *begun,
            fx.FindCustomer(conversation=conversation, number=fact.caller_number),
        ),
    )


def _look(world: World, fact: facts.CallerArrived) -> tuple[fx.Effect, ...]:
    """Whoever lost his place to a channel that must not stay gets it back by a look at his conversation."""
    robbed = world.leg(fact.replaces) if fact.replaces is not None else None
    return (look_at(robbed[0]),) if robbed is not None else ()


def returned(conversation: Conversation, leg: Leg, ctx: Ctx) -> Decision:
    """A caller is back from the dialplan's apology: to his partner or to his music; a flow repeats its wait. While he
    was away nobody could say where the others ought to sit: they are looked at now."""
    plan = Plan()
    plan.events.append(ev.CallerReturned(conversation=conversation.id, at=ctx.now))
    agent = talking_leg(conversation)
    if leg.state is not LegState.CONNECTED:  # the apology has answered him
        plan.events.append(ev.Established(conversation=conversation.id, leg=leg.id, at=ctx.now))
    elif conversation.place is Place.TALKING and conversation.parties:
        plan.seat(conversation, leg, ids.talk_bridge(conversation.id))
    elif conversation.place is Place.TALKING and agent is not None:
        plan.to_talk(conversation, agent.id)
    elif conversation.place in (Place.WAITING, Place.HELD):
        plan.to_music(conversation)
    if conversation.place is Place.TALKING or conversation.parties:
        plan.effects.append(look_at(conversation))
    return plan.decision()
