"""The conversation core: legs, prompts, queue music, ring, connect, hold, retrieve, drop, record, take-back.

Pure: decides events and effects, does nothing itself. Only this core emits leg, bridge, playback and recording
effects (DESIGN section 4). The server owns the customer's leg for the whole conversation; agents' legs come and go.
What the switch really holds is compared in `reconcile`.
"""

from __future__ import annotations

from ctiserver.calls import (
    arrivals,
    callbacks,
    holds,
    keys,
    legs,
    monitoring,
    outside,
    parties,
    reconcile,
    repair,
    rings,
    transfers,
)
from ctiserver.calls.apply import (
    FORGET_AFTER,
    OWN_RING,
    apply as apply_event,
    away_key,
    dial_key,
    forget_key,
    lead_key,
    look_key,
    party_key,
    takeback_key,
)
from ctiserver.calls.moves import Plan, agent_legs, in_hand
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts, ids
from ctiserver.model.causes import NORMAL, REJECTED, ClearedBy, LegFailure, Parted, Unreached
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.routing import VOICE
from ctiserver.model.talk import Conversation, LegState, PartyState, Place, Role, Side, consulted, live_leg, party
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.work import Device
from ctiserver.model.world import Ctx, World

RING_SLACK = 3.0
"""Seconds that Asterisk's own ring time-out lies behind our deadline: a backstop only (our choice)."""
TAKE_BACK_RING = 8.0
"""Seconds that a take-back call may ring; the page answers by itself within one (FACTS: 222-257 ms)."""

LOOKS = (away_key(ids.ConversationId("")), look_key(ids.ConversationId("")))
"""What the deadlines begin with at which a conversation is compared with the switch."""

_Ending = ev.ConnectionCleared | ev.RecordingEnded | ev.DeadlinePassed | ev.WrapUpEnded | ev.ContactEnded


class Calls:
    """ctiserver.model.turns.Core for conversations."""

    def apply(self, world: World, event: ev.Event) -> None:
        apply_event(world, event)

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        match item:
            case facts.SiteLoaded():
                changed = ev.SiteChanged(site=item.site, by=item.by, revision=item.revision, changed=item.changed)
                return Decision((changed,))
            case facts.CallerArrived():
                return arrivals.arrive(world, item, ctx)
            case (
                facts.LegRinging()
                | facts.LegUp()
                | facts.LegEnding()
                | facts.LegAway()
                | facts.LegEnded()
                | facts.LegMoved()
                | facts.LegHold()
                | facts.LegSilent()
                | facts.DigitPressed()
            ):
                return legs.decide(world, item, ctx)
            case facts.PlaybackDone():
                return _playback_done(world, item)
            case facts.RecordingDone():
                return _recording_done(world, item)
            case facts.CustomerFound():
                if item.conversation in world.conversations:
                    return Decision((ev.CustomerIdentified(conversation=item.conversation, customer=item.customer),))
                return NOTHING
            case facts.SwitchSeen():
                return reconcile.everything(world, item, ctx)
            case facts.ConversationSeen():
                return reconcile.one(world, item, ctx)
            case facts.FaultsFound():
                return repair.decide(world, item, ctx)
            case facts.SwitchLost() | facts.ServerStarted():
                reason = item.reason if isinstance(item, facts.SwitchLost) else "server started"
                return Decision((ev.SwitchLinkChanged(up=False, reason=reason),)) if world.switch_up else NOTHING
            case facts.EffectFailed():
                return reconcile.effect_failed(world, item, ctx)
            case cmd.HoldCall() | cmd.RetrieveCall() | cmd.HangUpCall():
                return _command(world, item, ctx)
            case (
                cmd.MonitorCall()
                | cmd.ChangeMonitor()
                | cmd.StopMonitor()
                | cmd.TakeOverCall()
                | cmd.DisconnectCall()
            ):
                return monitoring.command(world, item, ctx)
            case cmd.SwapCall() | cmd.CancelConsult() | cmd.ConferenceCall() | cmd.DropParty():
                return _command(world, item, ctx)
            case ev.ConsultAsked() | ev.ConsultQueued():
                return parties.asked(world, item, ctx)
            case ev.ConsultRing():
                return parties.ring(world, item, ctx)
            case ev.ConsultUp():
                return parties.up(world, item)
            case ev.PartyLeft():
                return parties.left(world, item, ctx)
            case ev.ContactPassed():
                return parties.passed(world, item, ctx)
            case ev.PassedOutside():
                return parties.passed_outside(world, item, ctx)
            case ev.DeadlinePassed() if item.key.startswith(party_key(ids.ConversationId(""))):
                return parties.due(world, item.key, ctx)
            case ev.PromptAsked():
                return _prompt_asked(world, item)
            case ev.PromptStopAsked():
                return _prompt_stop_asked(world, item)
            case ev.HangUpAsked():
                return _hang_up_asked(world, item)
            case ev.QueueRefused():
                return _left_queue(world, item)
            case ev.ContactQueued() | ev.ContactRequeued():
                return _queued(world, item, ctx)
            case ev.RingAsked():
                return _ring(world, item, ctx)
            case ev.RingCancelled():
                return _ring_cancelled(world, item, ctx)
            case ev.ContactConnected():
                return _connect(world, item, ctx)
            case ev.DeadlinePassed() if item.key.startswith(LOOKS):
                return reconcile.look(world, item.key)
            case ev.KeyPressed() | ev.KeyPromptEnded():
                return legs.key_pressed(world, item, ctx)
            case ev.LegSeenUp():
                return legs.seen_up(world, item, ctx)
            case ev.AgentLegLost():
                return NOTHING if item.left else _take_back(world, _live(world, item.conversation), item.agent, ctx)
            case ev.DeadlinePassed() if item.key.startswith(takeback_key(ids.ConversationId(""))):
                name = ids.ConversationId(item.key.removeprefix(takeback_key(ids.ConversationId(""))))
                return _take_back(world, _live(world, name), None, ctx)
            case ev.Transferred():
                return transfers.sent_on(world, item, ctx)
            case ev.Talking() | ev.AgentLegBack():
                return monitoring.follow(world, item, ctx)
            case ev.DeviceReleased() | ev.DeviceTaken() if ids.is_seat(item.agent):
                return monitoring.device_moved(world, item.agent, ctx)
            case ev.DeadlinePassed() if item.key.startswith(lead_key(ids.ConversationId(""))):
                return monitoring.unanswered(world, item.key, ctx)
            case ev.DeviceReady():
                return _device_ready(world, item, ctx)
            case ev.CallMade():
                return _made(world, item, ctx)
            case ev.CallbackBooked():
                return callbacks.booked(world, item)
            case ev.DeadlinePassed() if item.key.startswith(dial_key(ids.ConversationId(""))):
                name = ids.ConversationId(item.key.removeprefix(dial_key(ids.ConversationId(""))))
                return _dialled_long_enough(world, _live(world, name), ctx)
            case ev.ContactEnded() if item.conversation in world.conversations:
                over = callbacks.over(world, item)
                return over if over is not NOTHING else _tidy(world, item)
            case (
                ev.ConnectionCleared()
                | ev.RecordingEnded()
                | ev.DeadlinePassed()
                | ev.WrapUpEnded()
                | ev.ContactEnded()
            ):
                return _tidy(world, item)
            case _:
                return NOTHING


def _playback_done(world: World, fact: facts.PlaybackDone) -> Decision:
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


def _recording_done(world: World, fact: facts.RecordingDone) -> Decision:
    owner = ids.owner(fact.name)
    conversation = world.conversations.get(owner) if owner is not None else None
    if conversation is None or fact.name not in conversation.recordings:
        return NOTHING
    return Decision(
        (ev.RecordingEnded(conversation=conversation.id, name=fact.name, seconds=fact.seconds, ok=fact.ok),)
    )


def _live(world: World, conversation: ids.ConversationId) -> Conversation | None:
    """The conversation if its customer is still there."""
    found = world.conversations.get(conversation)
    return found if found is not None and not found.cleared else None


_Command = cmd.HoldCall | cmd.RetrieveCall | cmd.HangUpCall | parties.Command


def _command(world: World, command: _Command, ctx: Ctx) -> Decision:
    conversation = _live(world, command.conversation)
    plan = Plan()
    called_in = party(conversation, command.agent) if conversation is not None else None
    if conversation is not None and called_in is not None and isinstance(command, cmd.HangUpCall):
        there = called_in.state in (PartyState.CONSULTING, PartyState.JOINED)
        parties.leave(plan, conversation, called_in, Parted.LEFT if there else Parted.REJECTED, ctx.now)
        return plan.decision()
    if conversation is None or command.agent not in (conversation.agent, conversation.callee):
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    if command.agent != conversation.agent:
        _callee(plan, conversation, command)
        return plan.decision()
    match command:
        case cmd.SwapCall() | cmd.CancelConsult() | cmd.ConferenceCall() | cmd.DropParty():
            parties.command(plan, conversation, command, ctx)
        case cmd.HoldCall():
            holds.hold(plan, conversation, command.agent, ctx)
        case cmd.RetrieveCall():
            holds.retrieve(plan, conversation, command.agent, ctx)
        case cmd.HangUpCall() if conversation.place is Place.CALLING:
            callbacks.unreached(plan, conversation, Unreached.AGENT, ctx.now)
        case cmd.HangUpCall() if conversation.side is Side.CONSULTEE and consulted(conversation) is not None:
            parties.cancel(plan, conversation, ctx)  # it ends what he hears: nobody loses a customer by it
        case cmd.HangUpCall() if parties.heirs(conversation):
            leg = live_leg(conversation, command.agent)
            gone = ev.AgentLegLost(
                conversation=conversation.id,
                agent=command.agent,
                leg=leg.id if leg is not None else ids.LegId(""),
                at=ctx.now,
                left=True,
            )
            plan.events.append(gone)
        case cmd.HangUpCall():
            plan.hang_up(conversation, conversation.legs[conversation.customer_leg], ClearedBy.AGENT)
    return plan.decision()


def _callee(plan: Plan, conversation: Conversation, command: _Command) -> None:
    """The one who was called by a colleague: he may refuse, and hang up."""
    leg = callbacks.customer(conversation)
    if not isinstance(command, cmd.HangUpCall):
        raise CommandRejected(Rejection.NOT_ALLOWED)
    if leg is not None:
        plan.hang_up(conversation, leg, ClearedBy.AGENT, REJECTED if conversation.place is Place.CALLING else NORMAL)


def _prompt_asked(world: World, event: ev.PromptAsked) -> Decision:
    conversation = _live(world, event.conversation)
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


def _prompt_stop_asked(world: World, event: ev.PromptStopAsked) -> Decision:
    """The event itself has marked the playback as stopped when this runs; the effect follows it."""
    conversation = _live(world, event.conversation)
    if conversation is None or conversation.playing is None or conversation.playing_request != event.request:
        return NOTHING
    return Decision((), (fx.StopPlayback(conversation=conversation.id, playback=conversation.playing),))


def _hang_up_asked(world: World, event: ev.HangUpAsked) -> Decision:
    conversation = _live(world, event.conversation)
    customer = callbacks.customer(conversation) if conversation is not None else None
    if conversation is None or customer is None:
        return NOTHING
    plan = Plan()
    plan.hang_up(conversation, customer, ClearedBy.SYSTEM, event.cause)
    return plan.decision()


def _queued(world: World, event: ev.ContactQueued | ev.ContactRequeued, ctx: Ctx) -> Decision:
    """A waiting contact has music; a requeued one usually has it already. Whoever was being rung to come back into his
    talk has lost it: his phone falls silent."""
    contact = world.contacts.get(event.contact)
    conversation = _live(world, contact.conversation) if contact is not None else None
    if conversation is None:
        return NOTHING
    plan = Plan()
    parties.all_leave(plan, conversation, ctx.now)
    for leg in agent_legs(conversation):
        if leg.take_back and leg.state is not LegState.CONNECTED:
            plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
    if conversation.place is not Place.WAITING and not callbacks.nobody_there(conversation):
        plan.events.append(ev.Queued(conversation=conversation.id, at=ctx.now))
        plan.to_music(conversation)
    return plan.decision()


def _left_queue(world: World, event: ev.QueueRefused) -> Decision:
    """The flow has the caller again: out of the music (the event itself has set where he belongs)."""
    conversation = _live(world, event.conversation)
    if conversation is None or ids.holding_bridge(conversation.id) not in conversation.bridges:
        return NOTHING
    plan = Plan()
    if conversation.playing is not None:
        plan.effects.append(fx.StopPlayback(conversation=conversation.id, playback=conversation.playing))
    plan.out_of(conversation, ids.holding_bridge(conversation.id))
    return plan.decision()


def _ring(world: World, event: ev.RingAsked, ctx: Ctx) -> Decision:
    conversation = _live(world, event.conversation)
    agent = world.agents.get(event.agent)
    device = agent.device if agent is not None else None
    if conversation is None or device is None:
        failure = LegFailure.TOO_LATE if conversation is None else LegFailure.UNREACHABLE
        return Decision(
            (
                ev.AgentLegFailed(
                    conversation=event.conversation,
                    reservation=event.reservation,
                    agent=event.agent,
                    leg=ids.LegId(""),
                    failure=failure,
                    at=ctx.now,
                ),
            )
        )
    return rings.originate(
        world,
        conversation,
        event.agent,
        device,
        reservation=event.reservation,
        timeout=event.deadline - ctx.now + RING_SLACK,
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


def _ring_cancelled(world: World, event: ev.RingCancelled, ctx: Ctx) -> Decision:
    conversation = world.conversations.get(event.conversation)
    for leg in conversation.legs.values() if conversation is not None else ():
        if leg.reservation == event.reservation and leg.agent == event.agent and conversation is not None:
            plan = Plan()
            plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
            return plan.decision()
    gone = ev.AgentLegFailed(
        conversation=event.conversation,
        reservation=event.reservation,
        agent=event.agent,
        leg=ids.LegId(""),
        failure=LegFailure.TOO_LATE,
        at=ctx.now,
    )
    return Decision((gone,))


def _connect(world: World, event: ev.ContactConnected, ctx: Ctx) -> Decision:
    conversation = _live(world, event.conversation)
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


def _take_back(world: World, conversation: Conversation | None, who: ids.AgentId | None, ctx: Ctx) -> Decision:
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


def _made(world: World, event: ev.CallMade, ctx: Ctx) -> Decision:
    """The agent dials: his own phone first, which answers by itself (his click was the acceptance)."""
    conversation, agent = _live(world, event.conversation), world.agents[event.agent]
    if conversation is None or agent.device is None:
        return NOTHING  # the deadline ends it
    timeout = rings.longer(agent.device, OWN_RING + RING_SLACK)
    own = rings.originate(world, conversation, agent.id, agent.device, take_back=True, timeout=timeout, ctx=ctx)
    if event.to_agent is not None:
        return own
    asked = fx.FindCustomer(conversation=conversation.id, number=event.number)
    return Decision(own.events, (*own.effects, asked))


def _device_ready(world: World, event: ev.DeviceReady, ctx: Ctx) -> Decision:
    """The agent's page is (again) a phone. A talk whose leg is lost or belongs to another page load is rung again."""
    agent = world.agents.get(event.agent)
    if agent is None or agent.device is None:
        return NOTHING
    plan = Plan()
    names = [agent.work[contact].conversation for contact in sorted(agent.work)]
    if ids.is_seat(agent.id) and (own := monitoring.call_of(world, agent.id)) is not None:
        names.append(own.id)  # a talk that he has taken over is no work of a queue
    for name in names:
        conversation = _live(world, name)
        if conversation is None or not _is_there(conversation, event.agent):
            continue
        mine = [leg for leg in conversation.legs.values() if leg.agent == event.agent and not leg.ending]
        if any(leg.instance == event.instance for leg in mine):
            continue
        decision = _ring_back(world, conversation, event.agent, agent.device, ctx)
        plan.events.extend(decision.events)
        plan.effects.extend(decision.effects)
    return plan.decision()


def _dialled_long_enough(world: World, conversation: Conversation | None, ctx: Ctx) -> Decision:
    if conversation is None:
        return NOTHING
    if conversation.sent_out is None:
        return callbacks.due(world, conversation.id, ctx)
    plan = Plan()
    outside.due(plan, conversation, ctx)
    return plan.decision()


def _is_there(conversation: Conversation, agent: ids.AgentId) -> bool:
    """Whether it is his talk, or he was called in and has answered."""
    one = party(conversation, agent)
    called_in = one is not None and one.state in (PartyState.CONSULTING, PartyState.JOINED)
    return conversation.agent == agent or called_in


def _tidy(world: World, event: _Ending) -> Decision:
    """Drop an ended conversation when nothing of it is left, or when it has waited long enough."""
    match event:
        case ev.DeadlinePassed():
            prefix = forget_key(ids.ConversationId(""))
            if not event.key.startswith(prefix):
                return NOTHING
            name = ids.ConversationId(event.key.removeprefix(prefix))
        case ev.WrapUpEnded():
            name = world.conversation_of_contact.get(event.contact, ids.ConversationId(""))
        case _:
            name = event.conversation
    conversation = world.conversations.get(name)
    if conversation is None or not conversation.cleared or in_hand(world, conversation):
        return NOTHING
    overdue = world.now >= conversation.cleared_at + FORGET_AFTER
    if not overdue and (conversation.legs or conversation.recordings):
        return NOTHING
    plan = Plan()
    for leg in conversation.legs.values():  # overdue: ask once more, the switch answers 404 if it is gone
        plan.effects.append(fx.HangUpLeg(conversation=conversation.id, leg=leg.id))
    plan.events.append(ev.ConversationForgotten(conversation=conversation.id))
    return plan.decision()
