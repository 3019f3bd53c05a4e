"""Where conversations and the switch disagree, as the auditor sees it: one reading against the state.

The rules are those of `reconcile`: a fault is what it would change. Not here: whether a difference is only something
under way (the auditor looks twice and asks for idle lanes), nor any repair (`repair`).
"""

from __future__ import annotations

from collections.abc import Iterator

from ctiserver.calls import reconcile
from ctiserver.calls.apply import FORGET_AFTER, dial_key, forget_key, lead_key, party_key
from ctiserver.calls.moves import Plan, in_hand
from ctiserver.model import effects as fx, events as ev, facts, ids
from ctiserver.model.faults import Fault, FaultKind
from ctiserver.model.ids import ConversationId, Ids
from ctiserver.model.talk import Conversation, LegState, Place, own_deadline
from ctiserver.model.world import Ctx, World


def faults(world: World, seen: facts.SwitchReading) -> list[Fault]:
    """What is not as it should be, each once. The world is only read."""
    ctx = Ctx(now=world.now, ids=Ids("", world.seq), seed=0)
    channels = {channel.id: channel for channel in seen.channels}
    bridges = {bridge.id: bridge for bridge in seen.bridges}
    found: list[Fault] = []
    ours: dict[str, None] = dict.fromkeys(world.conversation_of_leg)  # no strangers: not asked about one by one
    for conversation in world.conversations.values():
        if not conversation.cleared:
            ours.update(dict.fromkeys(conversation.recordings))
        plan = Plan()
        reconcile.compare(plan, world, conversation, channels, bridges, ctx)
        if plan.events or plan.effects:
            found.extend(_differences(conversation, plan))
        found.extend(_unrecorded(conversation))
    for channel in seen.channels:
        if channel.id in ours:
            continue
        plan = Plan()
        reconcile.stray_channel(plan, world, channel, ctx)
        found.extend(_strays(plan, channel.id))
    for bridge in seen.bridges:
        plan = Plan()
        reconcile.stray_bridge(plan, world, bridge)
        found.extend(_strays(plan, bridge.id))
    return list({fault.key: fault for fault in reversed(found)}.values())[::-1]


def deadlines(world: World) -> list[Fault]:
    """Ended conversations that nothing would ever forget: no deadline in the book, no wrap-up that ends them; and
    customers who would be called for ever."""
    return [*_forgetting(world), *_calling(world), *_taken_over(world), *_asked(world)]


def _asked(world: World) -> list[Fault]:
    """A queue or an outside number is not asked for ever."""
    return [
        Fault(
            kind=FaultKind.DEADLINE_MISSING,
            target=party_key(conversation.id),
            conversation=conversation.id,
            detail=f"deadline {party_key(conversation.id)} is missing",
            due=own_deadline(conversation),
        )
        for conversation in world.conversations.values()
        if own_deadline(conversation) and world.deadlines.get(party_key(conversation.id)) is None
    ]


def _taken_over(world: World) -> list[Fault]:
    """A customer whose lead is lost waits for him for a while only."""
    return [
        Fault(
            kind=FaultKind.DEADLINE_MISSING,
            target=lead_key(conversation.id),
            conversation=conversation.id,
            detail=f"deadline {lead_key(conversation.id)} is missing",
            due=world.now,
        )
        for conversation in world.conversations.values()
        if conversation.place is Place.WAITING
        and not conversation.cleared
        and conversation.agent is not None
        and ids.is_seat(conversation.agent)
        and world.deadlines.get(lead_key(conversation.id)) is None
    ]


def _calling(world: World) -> list[Fault]:
    return [
        Fault(
            kind=FaultKind.DEADLINE_MISSING,
            target=dial_key(conversation.id),
            conversation=conversation.id,
            detail=f"deadline {dial_key(conversation.id)} is missing",
            due=world.now,
        )
        for conversation in world.conversations.values()
        if _is_calling(conversation) and world.deadlines.get(dial_key(conversation.id)) is None
    ]


def _is_calling(conversation: Conversation) -> bool:
    if conversation.place is Place.CALLING:
        return True
    out = conversation.legs.get(conversation.sent_out.leg) if conversation.sent_out is not None else None
    return out is not None and out.state is not LegState.CONNECTED and not conversation.cleared


def _forgetting(world: World) -> list[Fault]:
    return [
        Fault(
            kind=FaultKind.DEADLINE_MISSING,
            target=forget_key(conversation.id),
            conversation=conversation.id,
            detail=f"deadline {forget_key(conversation.id)} is missing",
            due=conversation.cleared_at + FORGET_AFTER,
        )
        for conversation in world.conversations.values()
        if conversation.cleared
        and not in_hand(world, conversation)
        and world.deadlines.get(forget_key(conversation.id)) is None
    ]


def _differences(compared: Conversation, plan: Plan) -> Iterator[Fault]:
    """What comparing one conversation would change. A missing leg explains all else."""
    conversation = compared.id
    gone = [event.leg for event in plan.events if isinstance(event, ev.ConnectionCleared)]
    for leg in gone:
        if compared.legs[leg].away:
            continue  # he gave up in the apology, where nobody tells us; he is looked for there
        yield _fault(FaultKind.LEG_MISSING, leg, conversation, f"the switch has no leg {leg}")
    monitor = compared.monitor
    if monitor is not None and not gone and any(isinstance(event, ev.MonitorStopped) for event in plan.events):
        yield _fault(FaultKind.LEG_MISSING, monitor.leg, conversation, f"a lead without a leg is in {conversation}")
        return
    if gone:
        return
    for event in plan.events:
        match event:
            case ev.RecordingEnded():
                yield _lost(event.name, conversation)
            case ev.CallerAway() if compared.legs[compared.customer_leg].away:
                pass  # known; a look says it again to come back to it
            case ev.CallerAway() | ev.CallerReturned():
                detail = f"{conversation}: the caller is not where we think: the dialplan or our application"
                yield _fault(FaultKind.LEG_STATE, conversation, conversation, detail)
            case ev.LegSeenUp() | ev.Established():
                yield _fault(FaultKind.LEG_STATE, event.leg, conversation, f"{event.leg} is answered in the switch")
            case _:
                pass
    missing = [effect.bridge for effect in plan.effects if isinstance(effect, fx.OpenBridge)]
    for bridge in missing:
        yield _fault(FaultKind.BRIDGE_MISSING, bridge, conversation, f"the switch has no bridge {bridge}")
    for effect in plan.effects:
        match effect:
            case fx.HangUpLeg():
                detail = f"{effect.leg} was to end and is still there"
                yield _fault(FaultKind.LEG_LEFT, effect.leg, conversation, detail)
            case fx.AnswerLeg():
                yield _fault(FaultKind.LEG_STATE, effect.leg, conversation, f"{effect.leg} is not answered")
            case fx.JoinBridge() if effect.bridge not in missing:
                detail = f"{effect.leg} does not sit in {effect.bridge}"
                yield _fault(FaultKind.LEG_MISPLACED, effect.leg, conversation, detail)
            case fx.LeaveBridge():
                detail = f"{effect.leg} still sits in {effect.bridge}"
                yield _fault(FaultKind.LEG_MISPLACED, effect.leg, conversation, detail)
            case fx.OpenWhisper():
                detail = f"the lead of {conversation} whispers into nothing"
                yield _fault(FaultKind.LEG_MISPLACED, effect.snoop, conversation, detail)
            case fx.OpenTracks():
                yield from (_lost(name, conversation) for name in effect.names)
            case _:
                pass


def _unrecorded(conversation: Conversation) -> Iterator[Fault]:
    """A side of a running talk that nobody records."""
    leg = conversation.legs.get(conversation.customer_leg)
    if leg is None or leg.state is not LegState.CONNECTED or leg.away or leg.ending or not conversation.recorded:
        return
    sides = [ids.kind(name) for name in conversation.recordings]
    yield from (_lost(f"{conversation.id}.{side}", conversation.id) for side in ids.SIDES if side not in sides)


def _strays(plan: Plan, target: str) -> Iterator[Fault]:
    """What no conversation expects. A refusal of an unknown number is one of an unknown caller."""
    for event in plan.events:
        if isinstance(event, ev.ConversationStarted | ev.CallRefused):
            yield _fault(FaultKind.CALLER_UNKNOWN, event.leg, None, f"nobody heard of the caller {event.leg}")
            return
    for effect in plan.effects:
        match effect:
            case fx.HangUpLeg() if ids.kind(effect.leg) in ids.SIDES:
                yield _fault(
                    FaultKind.RECORDING_STRAY, effect.leg, effect.conversation, f"{effect.leg} listens for nobody"
                )
            case fx.HangUpLeg():
                yield _fault(
                    FaultKind.CHANNEL_STRAY, effect.leg, effect.conversation, f"{effect.leg} is in no conversation"
                )
            case fx.RefuseCaller():
                owner = ids.owner(target)
                yield _fault(FaultKind.CHANNEL_STRAY, effect.leg, owner, f"{effect.leg} is a stranger in {target}")
            case fx.CloseBridge():
                yield _fault(
                    FaultKind.BRIDGE_STRAY, effect.bridge, effect.conversation, f"no conversation has {effect.bridge}"
                )
            case _:
                pass


def _lost(name: str, conversation: ConversationId) -> Fault:
    return _fault(FaultKind.RECORDING_LOST, name, conversation, f"nothing is recorded on {name}")


def _fault(kind: FaultKind, target: str, conversation: ConversationId | None, detail: str) -> Fault:
    return Fault(kind=kind, target=target, conversation=conversation, detail=detail)
