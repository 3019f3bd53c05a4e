"""Consult and conference: what happens to the legs of those whom the agent calls in, and to his and the customer's.

Lives here: swap, cancel, merge, drop, and where the legs go when somebody comes or goes. Not here: whom the agent may
ask and what his contact becomes (`acd.core.consult`), legs that ring and end (`legs`). Where each leg sits is said
once, in `moves` (`seat_of_agent`, `seat_of_party`, `seat_of_customer`).

The customer has a partner or music at every moment: whoever he is to talk with is in the talk before he is.
"""

from __future__ import annotations

from ctiserver.calls import monitoring, rings
from ctiserver.calls.apply import party_key
from ctiserver.calls.moves import Plan, agent_legs, seat_of_agent, seat_of_party, talking_leg
from ctiserver.model import commands as cmd, effects as fx, events as ev, ids
from ctiserver.model.causes import ClearedBy, Parted
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.talk import (
    Conversation,
    Leg,
    Party,
    PartyState,
    Place,
    Role,
    Side,
    consulted,
    joined,
    live_leg,
    own_deadline,
    party,
)
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World

Command = cmd.SwapCall | cmd.CancelConsult | cmd.ConferenceCall | cmd.DropParty


def command(plan: Plan, conversation: Conversation, item: Command, ctx: Ctx) -> None:
    """Of the agent whose talk it is. Raises CommandRejected."""
    agent = talking_leg(conversation)
    if agent is None:
        raise CommandRejected(Rejection.NOT_TALKING)
    match item:
        case cmd.CancelConsult():
            cancel(plan, conversation, ctx)
        case cmd.DropParty():
            one = party(conversation, item.party)
            if one is None or one.state is not PartyState.JOINED:
                raise CommandRejected(Rejection.UNKNOWN_PARTY, item.party)
            leave(plan, conversation, one, Parted.DROPPED, ctx.now)
        case cmd.SwapCall():
            swap(plan, conversation, agent, ctx)
        case cmd.ConferenceCall():
            _merge(plan, conversation, agent, ctx)


def leave(plan: Plan, conversation: Conversation, one: Party, why: Parted, at: float) -> None:
    """What follows for the legs is decided when the event has been applied (`left`)."""
    plan.events.append(ev.PartyLeft.of(conversation, one, why, at))


def cancel(plan: Plan, conversation: Conversation, ctx: Ctx) -> None:
    one = consulted(conversation)
    if one is None:
        raise CommandRejected(Rejection.NO_CONSULT)
    leave(plan, conversation, one, Parted.CANCELLED, ctx.now)


def _there(conversation: Conversation, agent: Leg) -> tuple[Party, Leg]:
    """Who is being consulted and has answered. Raises CommandRejected."""
    one = consulted(conversation)
    if one is None:
        raise CommandRejected(Rejection.NO_CONSULT)
    leg = live_leg(conversation, one.agent)
    if one.state is not PartyState.CONSULTING or leg is None:
        raise CommandRejected(Rejection.CONSULT_RINGING)
    if agent.on_hold:
        raise CommandRejected(Rejection.HELD_ON_PHONE)
    return one, leg


def swap(plan: Plan, conversation: Conversation, agent: Leg, ctx: Ctx) -> None:
    """Raises CommandRejected."""
    _, other = _there(conversation, agent)
    side = Side.CUSTOMER if conversation.side is Side.CONSULTEE else Side.CONSULTEE
    by = conversation.agent or ids.AgentId("")
    plan.events.append(ev.Swapped(conversation=conversation.id, agent=by, side=side, at=ctx.now))
    hold, talk = ids.holding_bridge(conversation.id), ids.talk_bridge(conversation.id)
    if side is Side.CUSTOMER:
        plan.seat(conversation, other, hold)
        plan.seat(conversation, agent, talk)
        _retrieve(plan, conversation, agent, ctx.now)
        return
    if conversation.place is Place.TALKING and not heirs(conversation):
        _hold(plan, conversation, ctx.now)
    plan.seat(conversation, agent, ids.consult_bridge(conversation.id))
    plan.seat(conversation, other, ids.consult_bridge(conversation.id))


def _merge(plan: Plan, conversation: Conversation, agent: Leg, ctx: Ctx) -> None:
    one, other = _there(conversation, agent)
    plan.events.append(ev.Conferenced(conversation=conversation.id, agent=one.agent, item=one.item, at=ctx.now))
    talk = ids.talk_bridge(conversation.id)
    if conversation.side is Side.CONSULTEE:
        plan.seat(conversation, agent, talk)
    _retrieve(plan, conversation, agent, ctx.now)
    plan.seat(conversation, other, talk)


def _retrieve(plan: Plan, conversation: Conversation, agent: Leg, at: float) -> None:
    """The customer comes out of his music, to whoever is in the talk by now."""
    if conversation.place is Place.HELD:
        by = agent.agent or ids.AgentId("")
        plan.events.append(ev.Retrieved(conversation=conversation.id, agent=by, at=at))
        plan.events.append(ev.Talking(conversation=conversation.id, leg=agent.id, at=at))
        customer = conversation.legs[conversation.customer_leg]
        plan.seat(conversation, customer, ids.talk_bridge(conversation.id))


def _hold(plan: Plan, conversation: Conversation, at: float) -> None:
    by = conversation.agent or ids.AgentId("")
    plan.events.append(ev.Held(conversation=conversation.id, agent=by, at=at))
    plan.to_music(conversation)


# --- what follows when somebody comes or goes -------------------------------------------------------


def asked(world: World, event: ev.ConsultAsked | ev.ConsultQueued, ctx: Ctx) -> Decision:
    """Music for the customer, unless others are with him; the agent hears his colleague's phone ring (or, while he
    waits for one of a queue, the same)."""
    conversation = world.conversations.get(event.conversation)
    agent = talking_leg(conversation) if conversation is not None else None
    found = isinstance(event, ev.ConsultAsked) and event.queue is not None  # he has waited: nothing changes for him
    if conversation is None or conversation.cleared or agent is None or found:
        return NOTHING
    plan = Plan()
    if conversation.place is Place.TALKING and not heirs(conversation):
        _hold(plan, conversation, ctx.now)
    ring_tone(plan, conversation, agent)
    return plan.decision()


def ring_tone(plan: Plan, conversation: Conversation, agent: Leg) -> None:
    """He hears it in no bridge, as with a callback."""
    talk = ids.talk_bridge(conversation.id)
    if talk in conversation.bridges:
        plan.effects.append(fx.LeaveBridge(conversation=conversation.id, leg=agent.id, bridge=talk))
    plan.effects.append(fx.RingTone(conversation=conversation.id, leg=agent.id, on=True))


def ring(world: World, event: ev.ConsultRing, ctx: Ctx) -> Decision:
    conversation = world.conversations.get(event.conversation)
    one = party(conversation, event.agent) if conversation is not None else None
    if conversation is None or conversation.cleared or one is None:
        return NOTHING
    if one.number:
        return _ring_outside(world, conversation, one, event, ctx)
    agent = world.agents.get(event.agent)
    if agent is None or agent.device is None:
        plan = Plan()
        leave(plan, conversation, one, Parted.UNREACHABLE, ctx.now)
        return plan.decision()
    timeout = event.deadline - ctx.now + rings.SLACK
    return rings.originate(
        world, conversation, event.agent, agent.device, role=Role.CONSULTEE, timeout=timeout, ctx=ctx
    )


def _ring_outside(
    world: World, conversation: Conversation, one: Party, event: ev.ConsultRing, ctx: Ctx
) -> Decision:
    """He is nobody of ours: his answer is enough, and he is shown the number that the customer had called."""
    leg = ids.consultee_leg(conversation.id, conversation.legs_made + 1)
    originated = ev.Originated(
        conversation=conversation.id,
        leg=leg,
        agent=one.agent,
        endpoint="",
        instance="",
        reservation=None,
        take_back=False,
        role=Role.CONSULTEE,
        at=ctx.now,
    )
    outbound = world.site.outbound
    call = fx.CallCustomer(
        conversation=conversation.id,
        leg=leg,
        number=one.number,
        trunk=outbound.trunk,
        shown=conversation.dialled or outbound.shown,
        timeout_seconds=event.deadline - ctx.now + rings.SLACK,
    )
    return Decision((originated,), (call,))


def due(world: World, key: str, ctx: Ctx) -> Decision:
    """Nobody of the queue was free in time, or the outside number did not answer."""
    conversation = world.conversations.get(ids.ConversationId(key.removeprefix(party_key(ids.ConversationId("")))))
    one = consulted(conversation) if conversation is not None else None
    if conversation is None or one is None or conversation.cleared or not own_deadline(conversation):
        return NOTHING
    plan = Plan()
    leave(plan, conversation, one, Parted.MISSED, ctx.now)
    return plan.decision()


def up(world: World, event: ev.ConsultUp) -> Decision:
    """He has answered. Should the agent be lost just now, he has music until that one is back."""
    conversation = world.conversations.get(event.conversation)
    one = party(conversation, event.agent) if conversation is not None else None
    if conversation is None or conversation.cleared or one is None:
        return NOTHING
    plan = Plan()
    agent = talking_leg(conversation)
    if agent is not None:
        plan.effects.append(fx.RingTone(conversation=conversation.id, leg=agent.id, on=False))
        plan.seat(conversation, agent, ids.consult_bridge(conversation.id))
    seat = seat_of_party(conversation, one)
    if seat is not None:
        plan.seat(conversation, live_leg(conversation, event.agent), seat)
    return plan.decision()


def left(world: World, event: ev.PartyLeft, ctx: Ctx) -> Decision:
    """Whoever is left has a partner or music. A consult that came to nothing leaves the customer with his music until
    the agent takes him back; one that the agent has called off brings him back at once."""
    conversation = world.conversations.get(event.conversation)
    if conversation is None:
        return NOTHING
    plan = Plan()
    for leg in conversation.legs.values():
        if leg.agent == event.agent and leg.role is Role.CONSULTEE:
            plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
    if conversation.cleared or event.again:
        return plan.decision()
    agent = talking_leg(conversation)
    if event.was is not PartyState.JOINED:
        _consult_over(plan, conversation, agent, event)
    elif not heirs(conversation):
        _conference_over(plan, conversation, agent, ctx)
    return plan.decision()


def _consult_over(plan: Plan, conversation: Conversation, agent: Leg | None, event: ev.PartyLeft) -> None:
    if agent is None:
        return
    if event.was is not PartyState.CONSULTING:
        plan.effects.append(fx.RingTone(conversation=conversation.id, leg=agent.id, on=False))
    if event.side is Side.CONSULTEE:
        plan.seat(conversation, agent, ids.talk_bridge(conversation.id))
    if event.why is Parted.CANCELLED and not agent.on_hold:
        _retrieve(plan, conversation, agent, event.at)


def _conference_over(plan: Plan, conversation: Conversation, agent: Leg | None, ctx: Ctx) -> None:
    """The last of the others is gone: the agent is there, or the customer would be alone."""
    if conversation.place is not Place.TALKING:
        return
    if agent is None:
        plan.events.append(ev.Queued(conversation=conversation.id, at=ctx.now))
        plan.to_music(conversation)
    elif conversation.side is Side.CONSULTEE or agent.on_hold:
        _hold(plan, conversation, ctx.now)


def passed(world: World, event: ev.ContactPassed, ctx: Ctx) -> Decision:
    """One who was called in has the customer now: he is in the talk first, then the customer, then the old leg goes."""
    conversation = world.conversations.get(event.conversation)
    if conversation is None or conversation.cleared:
        return NOTHING
    plan = Plan()
    if (moved := monitoring.moved(world, event, ctx)) is not None:
        plan.events.append(moved)
    leg = talking_leg(conversation)
    if leg is not None and leg.on_hold:
        plan.to_talk(conversation, leg.id, customer=False)
        if conversation.place is Place.TALKING and not heirs(conversation):
            _hold(plan, conversation, ctx.now)
    elif leg is not None:
        plan.to_talk(conversation, leg.id, customer=False)
        if conversation.place is Place.TALKING:
            plan.events.append(ev.Talking(conversation=conversation.id, leg=leg.id, at=ctx.now))
        _retrieve(plan, conversation, leg, ctx.now)
    for old in agent_legs(conversation):
        if old.agent == event.from_agent:
            plan.hang_up(conversation, old, ClearedBy.SYSTEM)
    return plan.decision()


def passed_outside(world: World, event: ev.PassedOutside, ctx: Ctx) -> Decision:
    """Somebody outside has the customer now: he is in the talk first, then the customer, then the agent's leg goes."""
    conversation = world.conversations.get(event.conversation)
    leg = conversation.legs.get(event.leg) if conversation is not None else None
    if conversation is None or conversation.cleared or leg is None:
        return NOTHING
    plan = Plan()
    plan.to_talk(conversation, leg.id, customer=False)
    if conversation.place is not Place.TALKING:
        plan.events.append(ev.Retrieved(conversation=conversation.id, agent=event.agent, at=ctx.now))
        plan.seat(conversation, conversation.legs[conversation.customer_leg], ids.talk_bridge(conversation.id))
    plan.events.append(ev.Talking(conversation=conversation.id, leg=leg.id, at=ctx.now))
    for old in agent_legs(conversation):
        plan.hang_up(conversation, old, ClearedBy.SYSTEM)
    return plan.decision()


def all_leave(plan: Plan, conversation: Conversation, at: float) -> None:
    """The conversation is over, or waits for another agent: nobody stays beside it."""
    for one in conversation.parties:
        leave(plan, conversation, one, Parted.OVER, at)


# --- legs that are lost, and come back --------------------------------------------------------------


def leg_gone(plan: Plan, conversation: Conversation, one: Party, leg: Leg, *, on_purpose: bool, at: float) -> None:
    """The connected leg of one who was called in has ended. He may come back into a talk that he did not leave, but
    nobody calls a number again."""
    if on_purpose or one.number:
        leave(plan, conversation, one, Parted.LEFT, at)
        return
    plan.events.append(ev.AgentLegLost(conversation=conversation.id, agent=one.agent, leg=leg.id, at=at))
    others = [other for other in heirs(conversation) if other.item != one.item]
    alone = one.state is PartyState.JOINED and conversation.place is Place.TALKING and not others
    if alone and talking_leg(conversation) is None:
        plan.events.append(ev.Queued(conversation=conversation.id, at=at))
        plan.to_music(conversation)
    elif alone and conversation.side is Side.CONSULTEE:  # the agent asks another one meanwhile
        _hold(plan, conversation, at)


def heirs(conversation: Conversation) -> list[Party]:
    """Those in the conference who are there, in the order of being asked: the first keeps the customer."""
    return [one for one in joined(conversation) if live_leg(conversation, one.agent) is not None]


def without_agent(plan: Plan, conversation: Conversation, leg: Leg, *, on_purpose: bool, at: float) -> bool:
    """The agent's leg has ended while others were called in. True: all is said; False: go on as without them."""
    one, others = consulted(conversation), heirs(conversation)
    agent = leg.agent or ids.AgentId("")
    if others:
        talk = ids.talk_bridge(conversation.id)
        if conversation.place is Place.HELD:
            partner = live_leg(conversation, others[0].agent)
            assert partner is not None
            plan.events.append(ev.Retrieved(conversation=conversation.id, agent=agent, at=at))
            plan.events.append(ev.Talking(conversation=conversation.id, leg=partner.id, at=at))
            plan.seat(conversation, conversation.legs[conversation.customer_leg], talk)
        _waits(plan, conversation, one)
        lost = ev.AgentLegLost(
            conversation=conversation.id, agent=agent, leg=leg.id, at=at, left=on_purpose
        )
        plan.events.append(lost)
        return True
    if one is None or (on_purpose and conversation.side is Side.CUSTOMER):
        return False
    if on_purpose:  # he hung up on his colleague: the customer is still his, and rings back
        leave(plan, conversation, one, Parted.CANCELLED, at)
    else:
        _waits(plan, conversation, one)
    if conversation.place is not Place.HELD:  # a held customer has his music already
        plan.to_music(conversation)
    plan.events.append(ev.Queued(conversation=conversation.id, at=at))
    plan.events.append(ev.AgentLegLost(conversation=conversation.id, agent=agent, leg=leg.id, at=at))
    return True


def _waits(plan: Plan, conversation: Conversation, one: Party | None) -> None:
    """Whom he was talking with alone has music until he is back."""
    if one is not None and one.state is PartyState.CONSULTING and conversation.side is Side.CONSULTEE:
        plan.seat(conversation, live_leg(conversation, one.agent), ids.holding_bridge(conversation.id))


def agent_back(plan: Plan, conversation: Conversation, leg: Leg) -> None:
    """The agent's new leg, while he consults somebody: beside that one, or where he hears the phone ring."""
    seat = seat_of_agent(conversation)
    one = consulted(conversation)
    if seat is None:
        plan.effects.append(fx.RingTone(conversation=conversation.id, leg=leg.id, on=True))
        return
    plan.seat(conversation, leg, seat)
    if one is not None and conversation.side is Side.CONSULTEE:
        plan.seat(conversation, live_leg(conversation, one.agent), seat)


def party_back(plan: Plan, conversation: Conversation, leg: Leg, ctx: Ctx) -> None:
    """The new leg of one who was called in: where his old one was."""
    one = party(conversation, leg.agent)
    seat = seat_of_party(conversation, one) if one is not None else None
    if one is None or seat is None:
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
        return
    plan.seat(conversation, leg, seat)
    if one.state is PartyState.JOINED and conversation.place is Place.WAITING:  # the agent is lost
        plan.events.append(ev.Talking(conversation=conversation.id, leg=leg.id, at=ctx.now))
        plan.seat(conversation, conversation.legs[conversation.customer_leg], seat)
    elif one.state is PartyState.JOINED and conversation.side is Side.CONSULTEE:  # the agent asks another one
        _retrieve(plan, conversation, leg, ctx.now)
    for old in conversation.legs.values():
        if old.id != leg.id and old.agent == leg.agent:
            plan.hang_up(conversation, old, ClearedBy.SYSTEM)
    plan.events.append(ev.AgentLegBack(conversation=conversation.id, agent=one.agent, leg=leg.id, at=ctx.now))
