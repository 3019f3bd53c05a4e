"""Why an agent's device is rung, and what follows when he has the call: an offer, a take-back, a call of his own.

Not here: how it is rung (`rings`), what his leg's facts mean (`legs`).
"""

from __future__ import annotations

from ctiserver.calls import callbacks, monitoring, rings
from ctiserver.calls.apply import OWN_RING
from ctiserver.calls.moves import Plan, agent_legs, live
from ctiserver.model import effects as fx, events as ev, ids
from ctiserver.model.causes import ClearedBy, LegFailure
from ctiserver.model.routing import VOICE
from ctiserver.model.talk import Conversation, LegState, PartyState, Role, party
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.work import Device
from ctiserver.model.world import Ctx, World

TAKE_BACK_RING = 8.0
"""Seconds that a take-back call may ring; the page answers by itself within one (FACTS: 222-257 ms)."""


def ring(world: World, event: ev.RingAsked, ctx: Ctx) -> Decision:
    """An offer: his device rings until its deadline."""
    conversation = live(world, event.conversation)
    agent = world.agents.get(event.agent)
    device = agent.device if agent is not None else None
    if conversation is None or device is None:
        return _no_leg(event, LegFailure.TOO_LATE if conversation is None else LegFailure.UNREACHABLE, ctx)
    return rings.originate(
        world,
        conversation,
        event.agent,
        device,
        reservation=event.reservation,
        timeout=event.deadline - ctx.now + rings.SLACK,
        ctx=ctx,
        auto_answer=_by_itself(world, event),
    )


def _by_itself(world: World, event: ev.RingAsked) -> bool:
    """What he has picked up himself; and a call from a queue for an agent who wants that, and for nobody beside him: no
    ear is opened for a call that another has taken. A callback and a colleague's call are his to accept."""
    config, contact = world.agent_configs.get(event.agent), world.contacts.get(event.contact)
    reservation = world.reservations.get(event.reservation)
    if config is None or contact is None or reservation is None:
        return False
    wanted = config.auto_answer or contact.picked_by == event.agent
    return wanted and contact.medium == VOICE and len(reservation.agents) == 1


def cancelled(world: World, event: ev.RingCancelled, ctx: Ctx) -> Decision:
    """The offer is withdrawn: the leg that rings for it is ended."""
    conversation = world.conversations.get(event.conversation)
    for leg in conversation.legs.values() if conversation is not None else ():
        if leg.reservation == event.reservation and leg.agent == event.agent and conversation is not None:
            plan = Plan()
            plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
            return plan.decision()
    return _no_leg(event, LegFailure.TOO_LATE, ctx)


def _no_leg(event: ev.RingAsked | ev.RingCancelled, failure: LegFailure, ctx: Ctx) -> Decision:
    """Nothing rings for this reservation (any more)."""
    failed = ev.AgentLegFailed(
        conversation=event.conversation,
        reservation=event.reservation,
        agent=event.agent,
        leg=ids.LegId(""),
        failure=failure,
        at=ctx.now,
    )
    return Decision((failed,))


def connect(world: World, event: ev.ContactConnected, ctx: Ctx) -> Decision:
    """He has answered: into the talk, or, of a callback, the customer is called now."""
    conversation = live(world, event.conversation)
    if conversation is None:
        return NOTHING
    for leg in agent_legs(conversation):
        if leg.reservation == event.reservation and leg.agent == event.agent and leg.state is LegState.CONNECTED:
            if callbacks.nobody_there(conversation):
                return callbacks.call(world, conversation, leg, event, ctx)
            plan = Plan()
            if (moved := monitoring.moved(world, event, ctx)) is not None:
                plan.events.append(moved)
            plan.events.append(ev.Talking(conversation=conversation.id, leg=leg.id, at=ctx.now))
            plan.to_talk(conversation, leg.id)
            return plan.decision()
    return NOTHING


def take_back(world: World, conversation: Conversation | None, who: ids.AgentId | None, ctx: Ctx) -> Decision:
    """The agent's leg is lost (`who` None: his whose talk it is): if his phone still has a contact (a short gap in the
    network), it is rung at once."""
    name = who or (conversation.agent if conversation is not None else None)
    agent = world.agents.get(name) if name is not None else None
    if conversation is None or agent is None or agent.device is None or not agent.device.contact:
        return NOTHING  # his page says when it is there again (DeviceReady)
    if any(leg.agent == agent.id and not leg.ending for leg in conversation.legs.values()):
        return NOTHING
    return _ring_back(world, conversation, agent.id, agent.device, ctx)


def _ring_back(world: World, conversation: Conversation, agent: ids.AgentId, device: Device, ctx: Ctx) -> Decision:
    role = Role.AGENT if agent == conversation.agent else Role.CONSULTEE
    timeout = rings.longer(device, TAKE_BACK_RING)
    return rings.originate(world, conversation, agent, device, role=role, take_back=True, timeout=timeout, ctx=ctx)


def dialled(world: World, event: ev.CallMade, ctx: Ctx) -> Decision:
    """The agent dials: his own phone first, which answers by itself (his click was the acceptance)."""
    conversation, agent = live(world, event.conversation), world.agents[event.agent]
    if conversation is None or agent.device is None:
        return NOTHING  # the deadline ends it
    timeout = rings.longer(agent.device, OWN_RING + rings.SLACK)
    own = rings.originate(world, conversation, agent.id, agent.device, take_back=True, timeout=timeout, ctx=ctx)
    if event.to_agent is not None:
        return own
    asked = fx.FindCustomer(conversation=conversation.id, number=event.number)
    return Decision(own.events, (*own.effects, asked))


def device_ready(world: World, event: ev.DeviceReady, ctx: Ctx) -> Decision:
    """The agent's page is (again) a phone. A talk whose leg is lost or belongs to another page load is rung again."""
    agent = world.agents.get(event.agent)
    if agent is None or agent.device is None:
        return NOTHING
    plan = Plan()
    names = [agent.work[contact].conversation for contact in sorted(agent.work)]
    if ids.is_seat(agent.id) and (own := monitoring.call_of(world, agent.id)) is not None:
        names.append(own.id)  # a talk that he has taken over is no work of a queue
    for name in names:
        conversation = live(world, name)
        if conversation is None or not _is_there(conversation, event.agent):
            continue
        mine = [leg for leg in conversation.legs.values() if leg.agent == event.agent and not leg.ending]
        if any(leg.instance == event.instance for leg in mine):
            continue
        decision = _ring_back(world, conversation, event.agent, agent.device, ctx)
        plan.events.extend(decision.events)
        plan.effects.extend(decision.effects)
    return plan.decision()


def _is_there(conversation: Conversation, agent: ids.AgentId) -> bool:
    """Whether it is his talk, or he was called in and has answered."""
    one = party(conversation, agent)
    called_in = one is not None and one.state in (PartyState.CONSULTING, PartyState.JOINED)
    return conversation.agent == agent or called_in
