"""What the conversation core does when the switch reports something of one leg."""

from __future__ import annotations

from ctiserver.calls import callbacks, holds, keys, monitoring, outside, parties
from ctiserver.calls.moves import Plan, agent_legs, talking_leg
from ctiserver.model import effects as fx, events as ev, facts, ids
from ctiserver.model.causes import LOST, NORMAL, ON_PURPOSE, REJECTIONS, ClearedBy, LegFailure, Parted, Unreached
from ctiserver.model.ids import AgentId, ReservationId
from ctiserver.model.talk import Conversation, Leg, LegState, PartyState, Place, Role, Side, consulted, live_leg, party
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World

LegFact = (
    facts.LegRinging
    | facts.LegUp
    | facts.LegEnding
    | facts.LegAway
    | facts.LegEnded
    | facts.LegMoved
    | facts.LegHold
    | facts.LegSilent
    | facts.DigitPressed
)


def decide(world: World, fact: LegFact, ctx: Ctx) -> Decision:
    """Facts of unknown legs change nothing; facts set state, so twice is once.

    A leg of ours that comes up although nobody expects it is ended (DESIGN 5.3): it would ring an agent for nothing.
    """
    found = world.leg(fact.leg)
    if found is None:
        owner = ids.owner(fact.leg)
        if owner is not None and isinstance(fact, facts.LegRinging | facts.LegUp):
            return Decision((), (fx.HangUpLeg(conversation=owner, leg=fact.leg),))
        return NOTHING
    conversation, leg = found
    match fact:
        case facts.LegRinging():
            if leg.state is not LegState.INITIATED or (leg.role is Role.CUSTOMER and not conversation.callback):
                return NOTHING
            return Decision((ev.Delivered(conversation=conversation.id, leg=leg.id, at=fact.at),))
        case facts.LegUp():
            return _up(world, conversation, leg, fact.at, ctx)
        case facts.LegEnding():
            if leg.ending_cause == fact.cause:
                return NOTHING
            return Decision((ev.HangUpSeen(conversation=conversation.id, leg=leg.id, cause=fact.cause),))
        case facts.LegAway():
            if leg.role is not Role.CUSTOMER or leg.away or conversation.cleared:
                return NOTHING
            return Decision((ev.CallerAway(conversation=conversation.id, at=fact.at),))
        case facts.LegEnded():
            return ended(world, conversation, leg, fact.cause, fact.at)
        case facts.LegMoved():
            if leg.bridge == fact.bridge:
                return NOTHING
            return Decision((ev.LegPlaced(conversation=conversation.id, leg=leg.id, bridge=fact.bridge),))
        case facts.DigitPressed() if leg.asked:
            plan = Plan()
            keys.pressed(plan, conversation, leg, fact.digit, fact.at)
            return plan.decision()
        case facts.DigitPressed():
            if leg.role is not Role.CUSTOMER or conversation.cleared:
                return NOTHING
            digit = ev.DigitReceived(
                conversation=conversation.id, leg=leg.id, digit=fact.digit, masked=fact.masked, at=fact.at
            )
            return Decision((digit,))
        case facts.LegHold():
            if leg.role is Role.LEAD:
                return NOTHING  # whoever listens and puts his phone aside holds nobody
            return holds.by_phone(conversation, leg, fact.on, ctx)
        case facts.LegSilent():
            if leg.role is Role.CUSTOMER or leg.state is not LegState.CONNECTED or leg.ending:
                return NOTHING
            # Not "ending": that would be on purpose, and this is a lost leg (music, take-back).
            return Decision((), (fx.HangUpLeg(conversation=conversation.id, leg=leg.id, cause=LOST),))


def seen_up(world: World, event: ev.LegSeenUp, ctx: Ctx) -> Decision:
    """A look has found the leg answered; what else it found is applied by now."""
    found = world.leg(event.leg)
    return _up(world, *found, event.at, ctx) if found is not None else NOTHING


def key_pressed(world: World, event: ev.KeyPressed | ev.KeyPromptEnded, ctx: Ctx) -> Decision:
    """The key was pressed and the question is silent: now he is there."""
    found = world.leg(event.leg)
    if found is None or keys.awaited(found[1]):
        return NOTHING
    return _up(world, *found, ctx.now, ctx)


def _up(world: World, conversation: Conversation, leg: Leg, at: float, ctx: Ctx) -> Decision:
    if leg.ending or conversation.cleared:
        # It was answered while we were ending it (StasisStart may come after our DELETE): end it again.
        return Decision((), (fx.HangUpLeg(conversation=conversation.id, leg=leg.id),))
    if leg.state is LegState.CONNECTED:
        return NOTHING
    plan = Plan()
    if keys.awaited(leg):
        keys.ask(plan, world, conversation, leg, at)
        return plan.decision()
    plan.events.append(ev.Established(conversation=conversation.id, leg=leg.id, at=at))
    if leg.role is Role.CUSTOMER:
        if conversation.callback:
            callbacks.answered(plan, world, conversation, leg, ctx)
        return plan.decision()
    if leg.role is Role.LEAD:
        monitoring.joined(plan, conversation, leg, ctx)
    elif leg.role is Role.OUTSIDE:
        outside.answered(plan, conversation, leg, at)
    elif leg.role is Role.CONSULTEE:
        _consultee_up(plan, conversation, leg, at, ctx)
    elif leg.take_back:
        _taken_back(plan, world, conversation, leg, ctx)
    elif _offer_lives(world, leg):
        plan.events.append(
            ev.AgentLegUp(
                conversation=conversation.id,
                reservation=leg.reservation or ReservationId(""),
                agent=leg.agent or AgentId(""),
                leg=leg.id,
                at=at,
            )
        )
    else:
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
    return plan.decision()


def _consultee_up(plan: Plan, conversation: Conversation, leg: Leg, at: float, ctx: Ctx) -> None:
    one = party(conversation, leg.agent)
    if leg.take_back:
        parties.party_back(plan, conversation, leg, ctx)
    elif one is not None and one.state is PartyState.RINGING:
        up = ev.ConsultUp(conversation=conversation.id, agent=one.agent, item=one.item, leg=leg.id, at=at)
        plan.events.append(up)
    else:
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)


def _offer_lives(world: World, leg: Leg) -> bool:
    reservation = world.reservations.get(leg.reservation or ReservationId(""))
    offered = reservation.agents.get(leg.agent or AgentId("")) if reservation is not None else None
    return reservation is not None and not reservation.decided and offered is not None and not offered.withdrawing


def _taken_back(plan: Plan, world: World, conversation: Conversation, leg: Leg, ctx: Ctx) -> None:
    """The page is back: its new leg into the talk first, then the old one goes. Or he dials, and his phone is there."""
    if conversation.agent != leg.agent or leg.agent is None:
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
        return
    if conversation.place is Place.CALLING and not conversation.customer_leg:
        callbacks.dial(plan, world, conversation, leg, ctx)
        return
    was_lost = conversation.place is Place.WAITING
    apart = conversation.side is Side.CONSULTEE  # then he comes back to his colleague, and the customer keeps his music
    if conversation.place is Place.CALLING:
        plan.effects.append(fx.RingTone(conversation=conversation.id, leg=leg.id, on=True))
    elif not conversation.held and not (was_lost and apart):
        plan.events.append(ev.Talking(conversation=conversation.id, leg=leg.id, at=ctx.now))
    elif was_lost:
        plan.events.append(ev.Held(conversation=conversation.id, agent=leg.agent, at=ctx.now))
    if conversation.place is not Place.CALLING and consulted(conversation) is not None:
        parties.agent_back(plan, conversation, leg)
        if was_lost and not conversation.held and not apart:
            customer = conversation.legs[conversation.customer_leg]
            plan.seat(conversation, customer, ids.talk_bridge(conversation.id))
    elif conversation.place is not Place.CALLING:
        plan.to_talk(conversation, leg.id, customer=was_lost and not conversation.held)
    for old in agent_legs(conversation):
        if old.id != leg.id and old.agent == leg.agent:
            plan.hang_up(conversation, old, ClearedBy.SYSTEM)
    plan.events.append(ev.AgentLegBack(conversation=conversation.id, agent=leg.agent, leg=leg.id, at=ctx.now))


def ended(
    world: World,
    conversation: Conversation,
    leg: Leg,
    cause: int,
    at: float,
    *,
    failure: LegFailure | None = None,
    over: bool = False,
    lost: bool = False,
) -> Decision:
    """A leg is gone. `failure` overrides what the cause says about an offer's ring; `over`: so is the caller; `lost`:
    it ended while nobody listened, so that a customer who was being called had no fair try."""
    cause = leg.ending_cause or cause
    plan = Plan()
    plan.events.append(
        ev.ConnectionCleared(conversation=conversation.id, leg=leg.id, agent=leg.agent, cause=cause, at=at)
    )
    if leg.role is Role.CUSTOMER and conversation.callback and leg.state is not LegState.CONNECTED:
        if leg.id == conversation.customer_leg and not conversation.cleared:
            why = Unreached.LOST if lost else Unreached.NO_ANSWER if leg.asked else callbacks.why(cause)
            callbacks.unreached(plan, conversation, why, at)
    elif leg.role is Role.OUTSIDE:
        if not over:
            outside.ended(plan, conversation, leg, cause, at)
    elif leg.role is Role.CUSTOMER:
        _customer_gone(plan, conversation, leg, cause or NORMAL, at)
    elif leg.role is Role.LEAD and not over:
        monitoring.leg_gone(plan, conversation, leg, cause, at)
    elif leg.role is Role.CONSULTEE:
        if not over and not conversation.cleared and not leg.ending:
            _consultee_gone(plan, conversation, leg, cause, at)
    elif leg.state is not LegState.CONNECTED or leg.ending:
        if leg.reservation is not None and leg.state is not LegState.CONNECTED:
            plan.events.append(
                ev.AgentLegFailed(
                    conversation=conversation.id,
                    reservation=leg.reservation,
                    agent=leg.agent or AgentId(""),
                    leg=leg.id,
                    failure=failure or _failure(leg, cause),
                    at=at,
                )
            )
        callbacks.own_phone_gone(plan, conversation, leg, cause, at)
    elif not over and not conversation.cleared and talking_leg(conversation) is leg:
        _talk_leg_gone(plan, conversation, leg, cause, at)
    return plan.decision()


def _consultee_gone(plan: Plan, conversation: Conversation, leg: Leg, cause: int, at: float) -> None:
    """The leg of one who was called in has ended, and not by us."""
    one = party(conversation, leg.agent)
    if one is None:
        return
    if leg.state is LegState.CONNECTED:
        if live_leg(conversation, leg.agent) is leg:
            parties.leg_gone(plan, conversation, one, leg, on_purpose=cause in ON_PURPOSE, at=at)
    elif not leg.take_back and one.state is PartyState.RINGING:
        rejected = _failure(leg, cause) is LegFailure.REJECTED
        parties.leave(plan, conversation, one, Parted.REJECTED if rejected else Parted.UNREACHABLE, at)


def _failure(leg: Leg, cause: int) -> LegFailure:
    if leg.ending:
        return LegFailure.TOO_LATE
    if leg.asked:  # answered, and no key: a voicemail, or nobody who wanted it
        return LegFailure.MISSED
    # Of a desk phone's 302 Asterisk often loses the cause (measured: half of them on a busy machine); nothing else ends
    # a ringing desk phone without one.
    redirected = not cause and ids.desk_phone(leg.endpoint) is not None
    return LegFailure.REJECTED if cause in REJECTIONS or redirected else LegFailure.UNREACHABLE


def _customer_gone(plan: Plan, conversation: Conversation, leg: Leg, cause: int, at: float) -> None:
    by = conversation.hang_up_by or ClearedBy.CUSTOMER
    monitoring.over(plan, conversation, at)
    parties.all_leave(plan, conversation, at)
    plan.events.append(ev.CallCleared(conversation=conversation.id, by=by, cause=cause, at=at))
    for other in conversation.legs.values():
        if other.id != leg.id:
            plan.hang_up(conversation, other, ClearedBy.SYSTEM)
    for bridge in conversation.bridges:
        plan.close_bridge(conversation, bridge)


def _talk_leg_gone(plan: Plan, conversation: Conversation, leg: Leg, cause: int, at: float) -> None:
    """The agent's leg ended in the talk. On purpose: he ends the call. Else music, and he may come back. While his
    customer is still being called there is nobody to have music: the try is over."""
    if conversation.place is Place.CALLING:
        # Of a leg in no bridge Asterisk tells a BYE without a cause, as it does of a vanished transport (measured).
        given_up = cause in ON_PURPOSE or (not cause and conversation.made_by is not None)
        callbacks.unreached(plan, conversation, Unreached.AGENT if given_up else Unreached.LOST, at)
        return
    if parties.without_agent(plan, conversation, leg, on_purpose=cause in ON_PURPOSE, at=at):
        return
    if cause in ON_PURPOSE:
        plan.hang_up(conversation, conversation.legs[conversation.customer_leg], ClearedBy.AGENT)
        return
    if conversation.place is not Place.HELD:  # a held customer has his music already
        plan.to_music(conversation)
    plan.events.append(ev.Queued(conversation=conversation.id, at=at))
    plan.events.append(
        ev.AgentLegLost(conversation=conversation.id, agent=leg.agent or AgentId(""), leg=leg.id, at=at)
    )
