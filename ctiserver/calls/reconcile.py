"""Coming back (DESIGN 5.3): what the switch really holds against what the state believes, and unclear effects.

Asterisk is the truth about media. Missing legs have ended; expected ones are put where they belong; what is ours
by its id but not expected is dropped, and so is whoever has no business in our application or bridges; a caller's
channel without a conversation is a new arrival. The auditor asks the same rules what they would change (`audit`).
"""

from __future__ import annotations

from collections.abc import Mapping

from ctiserver.calls import arrivals, keys, legs, monitoring, parties
from ctiserver.calls.moves import Plan, look_at, seat_of_agent, seat_of_customer, seat_of_party, talking_leg
from ctiserver.model import effects as fx, events as ev, facts, ids
from ctiserver.model.causes import NORMAL, UNALLOCATED, ClearedBy, LegFailure
from ctiserver.model.errors import LINK_LOST
from ctiserver.model.facts import SeenBridge, SeenChannel
from ctiserver.model.ids import BridgeId, LegId
from ctiserver.model.talk import Conversation, LegState, Place, Role, Side, live_leg
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World

MAX_LOOKS = 5
"""How often unclear effects may make us look at one conversation: a bound on repairing (our choice)."""
NOT_FOUND = 404
REMOVING = ("CloseBridge", "LookAt")
LEFT = ("HangUpLeg", "RingEndpoint", "CallCustomer")
"""Effects whose failure may leave something of ours in the switch; the second two of them once their conversation is
forgotten (before, its legs are compared)."""


def everything(world: World, seen: facts.SwitchSeen, ctx: Ctx) -> Decision:
    """Compare the whole switch with the whole state."""
    plan = Plan()
    if not world.switch_up:
        plan.events.append(ev.SwitchLinkChanged(up=True))
    channels = {channel.id: channel for channel in seen.channels}
    bridges = {bridge.id: bridge for bridge in seen.bridges}
    for conversation in world.conversations.values():
        compare(plan, world, conversation, channels, bridges, ctx)
        monitoring.again(plan, conversation)
        keys.again(plan, world, conversation, channels, ctx.now)
    for channel in seen.channels:
        stray_channel(plan, world, channel, ctx)
    for bridge in seen.bridges:
        stray_bridge(plan, world, bridge)
    return plan.decision()


def one(world: World, seen: facts.ConversationSeen, ctx: Ctx) -> Decision:
    """Compare one conversation, after an effect whose outcome was unclear."""
    conversation = world.conversations.get(seen.conversation)
    plan = Plan()
    if conversation is not None:
        channels = {channel.id: channel for channel in seen.channels}
        bridges = {bridge.id: bridge for bridge in seen.bridges}
        compare(plan, world, conversation, channels, bridges, ctx, frozenset(seen.legs))
    for channel in seen.channels:
        if ids.owner(channel.id) == seen.conversation:
            stray_channel(plan, world, channel, ctx)
    for bridge in seen.bridges:
        stray_bridge(plan, world, bridge)
    return plan.decision()


def compare(
    plan: Plan,
    world: World,
    conversation: Conversation,
    channels: Mapping[LegId, SeenChannel],
    bridges: Mapping[BridgeId, SeenBridge],
    ctx: Ctx,
    known: frozenset[LegId] | None = None,
) -> None:
    """`known`: the legs that the reading can tell of; None is all. A ring decided after a look runs after it."""
    never_opened = _never_opened(conversation, channels, known)
    for track in conversation.recordings if not never_opened else ():
        if LegId(track) not in channels and (known is None or LegId(track) in known):
            # Its snoop has ended while nobody listened; what it recorded is in the spool.
            plan.events.append(ev.RecordingEnded(conversation=conversation.id, name=track, seconds=0.0, ok=True))
    missing = conversation.customer_leg in conversation.legs and conversation.customer_leg not in channels
    if missing and (known is None or conversation.customer_leg in known):
        gone = conversation.legs[conversation.customer_leg]
        _take(plan, legs.ended(world, conversation, gone, 0, ctx.now, lost=known is None))
        for leg in list(conversation.legs.values()):  # the others: end what is there, note what is not
            if leg.role is Role.CUSTOMER or (known is not None and leg.id not in known):
                continue
            if leg.id not in channels:
                _take(plan, legs.ended(world, conversation, leg, 0, ctx.now, over=True))
            elif leg.ending:  # asked for before, and it is still there
                plan.effects.append(fx.HangUpLeg(conversation=conversation.id, leg=leg.id))
        return
    away = _away(plan, conversation, channels, ctx)
    names = conversation.recordings if never_opened else ()
    if names:
        customer = conversation.customer_leg
        plan.effects.append(fx.OpenTracks(conversation=conversation.id, leg=customer, names=names))
    for leg in list(conversation.legs.values()):
        if (known is not None and leg.id not in known) or (away and leg.role is Role.CUSTOMER and not leg.ending):
            continue
        seen = channels.get(leg.id)
        if seen is None:
            failure = LegFailure.TOO_LATE if leg.ending else LegFailure.UNREACHABLE
            _take(plan, legs.ended(world, conversation, leg, 0, ctx.now, failure=failure))
        elif leg.ending:
            plan.effects.append(fx.HangUpLeg(conversation=conversation.id, leg=leg.id))
            if away and known is None and leg.role is Role.CUSTOMER:  # nobody tells of its end
                plan.effects.append(fx.LookAt(conversation=conversation.id, legs=tuple(conversation.legs)))
        elif monitoring.unwanted(conversation, leg):
            plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
        elif leg.state is not LegState.CONNECTED:
            if leg.asked and not leg.key:
                continue  # it is up and waits for the key, or for the offer's end
            if leg.prompt is not None:  # the end of the question was told while nobody listened
                plan.events.append(ev.KeyPromptEnded(conversation=conversation.id, leg=leg.id))
            elif seen.state == "Up" and (leg.role is not Role.CUSTOMER or conversation.callback):
                plan.events.append(ev.LegSeenUp(conversation=conversation.id, leg=leg.id, at=ctx.now))
            elif seen.state == "Up":
                _take(plan, legs.decide(world, facts.LegUp(leg=leg.id, at=ctx.now), ctx))
            elif leg.role is Role.CUSTOMER and not conversation.callback:
                # its answer was decided and never sent, or is still under way
                plan.effects.append(fx.AnswerLeg(conversation=conversation.id, leg=leg.id))
    if names:
        plan.effects.append(fx.StartRecording(conversation=conversation.id, names=names))
    if not conversation.cleared and not away:
        _place(plan, conversation, channels, bridges)
        monitoring.compare(plan, conversation, channels, bridges, known, ctx.now)


def _never_opened(
    conversation: Conversation, channels: Mapping[LegId, SeenChannel], known: frozenset[LegId] | None
) -> bool:
    """Tracks of a caller who is there end with his leg only: with none of them, a kill came between the decision to
    record and its effects. A record that begins late is better than none."""
    customer = channels.get(conversation.customer_leg)
    return (
        known is None
        and customer is not None
        and customer.in_app
        and not conversation.cleared
        and bool(conversation.recordings)
        and all(LegId(track) not in channels for track in conversation.recordings)
    )


def _away(plan: Plan, conversation: Conversation, channels: Mapping[LegId, SeenChannel], ctx: Ctx) -> bool:
    """Whether the caller is in the dialplan's apology; nothing can be done for him until he is back, but his
    agents' legs are compared."""
    leg = conversation.legs.get(conversation.customer_leg)
    seen = channels.get(conversation.customer_leg)
    if leg is None or seen is None or conversation.cleared:
        return False
    if seen.in_app:
        if leg.away:
            _take(plan, arrivals.returned(conversation, leg, ctx))
        return False
    plan.events.append(ev.CallerAway(conversation=conversation.id, at=ctx.now))
    return True


def look(world: World, key: str) -> Decision:
    """A caller has been in the apology for so long that he may be gone without a word, or a look has failed."""
    name = ids.ConversationId(key.partition(":")[2])
    conversation = world.conversations.get(name)
    return Decision((), (look_at(conversation) if conversation is not None else fx.LookAt(conversation=name),))


def _place(
    plan: Plan,
    conversation: Conversation,
    channels: Mapping[LegId, SeenChannel],
    bridges: Mapping[BridgeId, SeenBridge],
) -> None:
    """Put the legs where the state wants them, if they sit elsewhere."""
    hold = ids.holding_bridge(conversation.id)
    wanted: list[tuple[LegId, BridgeId]] = []
    agent = talking_leg(conversation)
    called_in = conversation.parties
    if agent is not None and agent.id not in channels:
        if conversation.place is Place.TALKING or parties.heirs(conversation):
            return  # just lost: its end has moved the others
        agent = None
        called_in = () if conversation.side is Side.CONSULTEE else called_in  # it has moved whom he talked with
    if conversation.place in (Place.TALKING, Place.HELD) and agent is not None:
        seat = seat_of_agent(conversation)
        if seat is not None:
            wanted.append((agent.id, seat))
        elif any(agent.id in bridge.legs for bridge in bridges.values()):
            parties.ring_tone(plan, conversation, agent)
    for one in called_in:
        leg, seat = live_leg(conversation, one.agent), seat_of_party(conversation, one)
        if leg is not None and seat is not None and leg.id in channels:
            wanted.append((leg.id, seat))
    out = conversation.legs.get(conversation.sent_out.leg) if conversation.sent_out is not None else None
    if out is not None and conversation.place is Place.TALKING and out.id in channels:
        wanted.append((out.id, ids.talk_bridge(conversation.id)))
    if (seat := seat_of_customer(conversation)) is not None:
        wanted.append((conversation.customer_leg, seat))
    else:
        for name, bridge_seen in bridges.items():
            if conversation.customer_leg in bridge_seen.legs and name in conversation.bridges:
                plan.out_of(conversation, name)
    opened: set[BridgeId] = set()
    for leg_id, bridge in wanted:
        present = bridges.get(bridge)
        if present is not None and leg_id in present.legs:
            continue
        if present is None and bridge not in opened:
            opened.add(bridge)
            plan.effects.append(fx.OpenBridge(conversation=conversation.id, bridge=bridge, holding=bridge == hold))
            if bridge not in conversation.bridges:
                plan.events.append(ev.BridgeOpened(conversation=conversation.id, bridge=bridge))
        plan.effects.append(
            fx.JoinBridge(conversation=conversation.id, leg=leg_id, bridge=bridge, holding=bridge == hold)
        )


def stray_channel(plan: Plan, world: World, channel: SeenChannel, ctx: Ctx) -> None:
    """A channel that no conversation expects."""
    owner = ids.owner(channel.id)
    if owner is not None:
        conversation = world.conversations.get(owner)
        expected = conversation is not None and (
            channel.id in conversation.legs
            or monitoring.expects(conversation, channel.id)
            or (channel.id in conversation.recordings and not conversation.cleared)
        )
        if not expected:
            plan.effects.append(fx.HangUpLeg(conversation=owner, leg=channel.id))
    elif channel.id in world.conversation_of_leg:
        return
    elif channel.inbound:
        _take(plan, arrivals.arrive(world, arrival(channel), ctx))
    elif channel.in_app:  # somebody put it into our application: nobody will ever speak to it
        plan.effects.append(fx.RefuseCaller(leg=channel.id, cause=UNALLOCATED))


def arrival(channel: SeenChannel) -> facts.CallerArrived:
    """The arrival that nobody heard of."""
    return facts.CallerArrived(
        channel=channel.id,
        dialled=channel.dialled,
        caller_number=channel.caller_number,
        caller_name=channel.caller_name,
        at=channel.created_at,
        up=channel.state == "Up",
    )


def stray_bridge(plan: Plan, world: World, bridge: SeenBridge) -> None:
    """A bridge of ours that its conversation has not, or no longer; in one that it has, a stranger."""
    owner = ids.owner(bridge.id)
    if owner is None:
        return
    known = world.conversations.get(owner)
    if known is None or bridge.id not in known.bridges:
        plan.effects.append(fx.CloseBridge(conversation=owner, bridge=bridge.id))
        return
    for leg in bridge.legs:
        if ids.owner(leg) is None and leg not in world.conversation_of_leg:
            plan.effects.append(fx.RefuseCaller(leg=leg, cause=NORMAL))


def _take(plan: Plan, decision: Decision) -> None:
    plan.events.extend(decision.events)
    plan.effects.extend(decision.effects)


def effect_failed(world: World, failed: facts.EffectFailed, ctx: Ctx) -> Decision:
    """A refusal that tells the truth sets it; an unclear one makes us look (nothing is resent, DESIGN 5.2)."""
    if failed.conversation is None or failed.reason == LINK_LOST:
        return NOTHING  # after a lost link everything is compared anyway (SwitchSeen)
    conversation = world.conversations.get(failed.conversation)
    if failed.status != NOT_FOUND and (failed.effect in REMOVING or (conversation is None and failed.effect in LEFT)):
        return Decision((ev.LookLater(conversation=failed.conversation, at=ctx.now),))
    if conversation is None:
        return NOTHING
    target = LegId(failed.target)
    leg = conversation.legs.get(target)
    gone = failed.status == NOT_FOUND
    match failed.effect:
        case "RingEndpoint" if leg is not None:
            decision = legs.ended(world, conversation, leg, 0, ctx.now, failure=LegFailure.UNREACHABLE)
            # Refused or timed out: it may exist all the same, so it is ended by its id.
            end = fx.HangUpLeg(conversation=conversation.id, leg=target)
            return Decision(decision.events, (*decision.effects, end))
        case "CallCustomer" if leg is not None:
            decision = legs.ended(world, conversation, leg, 0, ctx.now)
            end = fx.HangUpLeg(conversation=conversation.id, leg=target)
            return Decision(decision.events, (*decision.effects, end))
        case "HangUpLeg" | "AnswerLeg" if gone and leg is not None:
            return legs.ended(world, conversation, leg, 0, ctx.now)
        case "PlayMedia":
            return _prompt_failed(conversation, failed.target)
        case "StopPlayback" if gone and (asked := keys.asked_by(conversation, failed.target)) is not None:
            return Decision((ev.KeyPromptEnded(conversation=conversation.id, leg=asked.id),))
        case "StopPlayback" if gone:  # its end was told before, or while nobody listened
            return _prompt_failed(conversation, failed.target)
        case "StartRecording" | "OpenTracks":
            tracks = failed.target.split(",")
            return Decision(
                tuple(
                    ev.RecordingEnded(conversation=conversation.id, name=name, seconds=0.0, ok=False)
                    for name in conversation.recordings
                    if name in tracks
                )
            )
        case "HangUpLeg" | "AnswerLeg" if gone:
            return NOTHING  # its end was told before the answer to our request
        case "StopPlayback" | "CloseBridge" | "RingTone":
            return NOTHING  # the thing is gone, which is what we wanted, or its end will be told
        case _:
            pass
    if conversation.looks >= MAX_LOOKS:
        return NOTHING
    return Decision(
        (ev.LookBegun(conversation=conversation.id, looks=conversation.looks + 1),),
        (look_at(conversation),),
    )


def _prompt_failed(conversation: Conversation, playback: str) -> Decision:
    if conversation.playing != playback:
        return NOTHING
    ended = ev.PromptEnded(
        conversation=conversation.id, request=conversation.playing_request, ok=False, interrupted=False
    )
    return Decision((ended,))
