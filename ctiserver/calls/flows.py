"""What a flow asks of its caller's leg: prompts, the end of the call, out of the queue. What it plays is one list of
parts at a time; the flow itself is `ivr.runtime`'s.
"""

from __future__ import annotations

from ctiserver.calls import callbacks, keys
from ctiserver.calls.moves import Plan, live
from ctiserver.model import effects as fx, events as ev, facts, ids
from ctiserver.model.causes import ClearedBy
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import World


def playback_done(world: World, fact: facts.PlaybackDone) -> Decision:
    """What was played is over: the question for a key, or a prompt of the flow."""
    owner = ids.owner(fact.playback)
    conversation = world.conversations.get(owner) if owner is not None else None
    asked = keys.asked_by(conversation, fact.playback) if conversation is not None else None
    if conversation is not None and asked is not None:
        return Decision((ev.KeyPromptEnded(conversation=conversation.id, leg=asked.id),))
    if conversation is None or conversation.playing != fact.playback:
        return NOTHING
    ended = ev.PromptEnded(
        conversation=conversation.id,
        request=conversation.playing_request,
        ok=fact.ok,
        interrupted=conversation.playing_stopped,
    )
    return Decision((ended,))


def prompt_asked(world: World, event: ev.PromptAsked) -> Decision:
    """In place of what plays now."""
    conversation = live(world, event.conversation)
    if conversation is None or conversation.legs[conversation.customer_leg].away:
        return NOTHING  # asked again when the caller is back from the dialplan
    plan = Plan()
    plan.silence(conversation)
    playback = ids.playback(conversation.id, conversation.prompts_made + 1)
    plan.events.append(
        ev.PromptStarted(
            conversation=conversation.id,
            request=event.request,
            playback=playback,
            prompts=event.prompts,
            interruptible=event.interruptible,
        )
    )
    plan.effects.append(
        fx.PlayMedia(
            conversation=conversation.id, leg=conversation.customer_leg, playback=playback, media=event.media
        )
    )
    return plan.decision()


def prompt_stop_asked(world: World, event: ev.PromptStopAsked) -> Decision:
    """The event itself has marked the playback as stopped when this runs; the effect follows it."""
    conversation = live(world, event.conversation)
    if conversation is None or conversation.playing is None or conversation.playing_request != event.request:
        return NOTHING
    return Decision((), (fx.StopPlayback(conversation=conversation.id, playback=conversation.playing),))


def left_queue(world: World, event: ev.QueueRefused) -> Decision:
    """The flow has the caller again: out of the music (the event itself has set where he belongs)."""
    conversation = live(world, event.conversation)
    if conversation is None or ids.holding_bridge(conversation.id) not in conversation.bridges:
        return NOTHING
    plan = Plan()
    if conversation.playing is not None:
        plan.effects.append(fx.StopPlayback(conversation=conversation.id, playback=conversation.playing))
    plan.out_of(conversation, ids.holding_bridge(conversation.id))
    return plan.decision()


def hang_up_asked(world: World, event: ev.HangUpAsked) -> Decision:
    """The flow ends the call."""
    conversation = live(world, event.conversation)
    customer = callbacks.customer(conversation) if conversation is not None else None
    if conversation is None or customer is None:
        return NOTHING
    plan = Plan()
    plan.hang_up(conversation, customer, ClearedBy.SYSTEM, event.cause)
    return plan.decision()
