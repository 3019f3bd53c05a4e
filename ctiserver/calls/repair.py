"""What the conversation core does about faults that the auditor has confirmed.

A difference is looked at again and reconciled; what is a stranger is ended by its id; a lost track is opened anew. A
fault that came back too often is only told.
"""

from __future__ import annotations

from ctiserver.calls.moves import Plan, look_at
from ctiserver.model import effects as fx, events as ev, facts, ids
from ctiserver.model.causes import LOST, NORMAL
from ctiserver.model.faults import MAX_REPAIRS, OF_CALLS, Fault, FaultKind
from ctiserver.model.ids import BridgeId, ConversationId, LegId
from ctiserver.model.talk import Conversation
from ctiserver.model.turns import Decision
from ctiserver.model.world import Ctx, World


def decide(world: World, found: facts.FaultsFound, ctx: Ctx) -> Decision:
    """The repairs, each told as a FaultFound."""
    plan = Plan()
    mine = [fault for fault in found.faults if fault.kind in OF_CALLS]
    tries = [fault for fault in mine if fault.attempt <= MAX_REPAIRS]
    _reopen(plan, world, [fault for fault in tries if fault.kind is FaultKind.RECORDING_LOST], ctx)
    looked: dict[ConversationId, None] = {}
    for fault in mine:
        repair = _repair(plan, world, fault, looked) if fault in tries else ""
        plan.events.append(
            ev.FaultFound(
                kind=fault.kind,
                target=fault.target,
                conversation=fault.conversation,
                detail=fault.detail,
                repair=repair,
                at=ctx.now,
            )
        )
    return plan.decision()


def _repair(plan: Plan, world: World, fault: Fault, looked: dict[ConversationId, None]) -> str:
    match fault.kind:
        case FaultKind.CALLER_UNKNOWN:
            return "taken in"  # his arrival follows as a fact of its own
        case FaultKind.CALLER_SILENT:
            return "ended by the switch"
        case FaultKind.PAGE_SILENT if fault.conversation is not None:
            leg = LegId(fault.target)
            plan.effects.append(fx.HangUpLeg(conversation=fault.conversation, leg=leg, cause=LOST))
            return "hung up as lost"
        case FaultKind.RECORDING_LOST:
            return "track opened anew"
        case FaultKind.CHANNEL_STRAY | FaultKind.RECORDING_STRAY:
            leg = LegId(fault.target)
            owner = ids.owner(leg)
            plan.effects.append(
                fx.HangUpLeg(conversation=owner, leg=leg) if owner else fx.RefuseCaller(leg=leg, cause=NORMAL)
            )
            return "hung up"
        case FaultKind.BRIDGE_STRAY if fault.conversation is not None:
            plan.effects.append(fx.CloseBridge(conversation=fault.conversation, bridge=BridgeId(fault.target)))
            return "closed"
        case _ if fault.conversation is not None:
            conversation = world.conversations.get(fault.conversation)
            if conversation is not None and fault.conversation not in looked:
                looked[fault.conversation] = None
                plan.effects.append(look_at(conversation))
            return "compared with the switch"
        case _:
            return ""


def _reopen(plan: Plan, world: World, lost: list[Fault], ctx: Ctx) -> None:
    """Tracks of talks that go on, named after the time since the answer: the recorder puts them there."""
    for name in dict.fromkeys(fault.conversation for fault in lost):
        conversation = world.conversations.get(name) if name is not None else None
        if conversation is not None and not conversation.cleared:
            _reopen_one(plan, conversation, [fault.target for fault in lost], ctx)


def _reopen_one(plan: Plan, conversation: Conversation, lost: list[str], ctx: Ctx) -> None:
    for track in conversation.recordings:
        if track in lost:
            plan.events.append(ev.RecordingEnded(conversation=conversation.id, name=track, seconds=0.0, ok=False))
    kept = tuple(track for track in conversation.recordings if track not in lost)
    offset = max(1, round((ctx.now - conversation.answered_at) * 1000))
    there = [ids.kind(track) for track in kept]
    fresh = tuple(ids.track(conversation.id, side, offset) for side in ids.SIDES if side not in there)
    if not fresh:
        return
    plan.events.append(ev.RecordingStarted(conversation=conversation.id, names=(*kept, *fresh), at=ctx.now))
    plan.effects.append(fx.OpenTracks(conversation=conversation.id, leg=conversation.customer_leg, names=fresh))
    plan.effects.append(fx.StartRecording(conversation=conversation.id, names=fresh))
