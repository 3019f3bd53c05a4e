"""The conversation core: what is decided where, the agent's own commands, queue music, and the end of a conversation.

Pure: decides events and effects, does nothing itself. Only this core emits leg, bridge, playback and recording
effects (DESIGN section 4). The server owns the customer's leg for the whole conversation; agents' legs come and go.
What the switch really holds is compared in `reconcile`.
"""

from __future__ import annotations

from ctiserver.calls import (
    arrivals,
    callbacks,
    flows,
    holds,
    legs,
    monitoring,
    outside,
    parties,
    reconcile,
    repair,
    ringing,
    transfers,
)
from ctiserver.calls.apply import (
    FORGET_AFTER,
    apply as apply_event,
    away_key,
    dial_key,
    forget_key,
    lead_key,
    look_key,
    party_key,
    takeback_key,
)
from ctiserver.calls.moves import Plan, agent_legs, in_hand, live
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts, ids
from ctiserver.model.causes import NORMAL, REJECTED, ClearedBy, Parted, Unreached
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.talk import Conversation, LegState, PartyState, Place, Side, consulted, live_leg, party
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.world import Ctx, World

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
                return flows.playback_done(world, item)
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
                return flows.prompt_asked(world, item)
            case ev.PromptStopAsked():
                return flows.prompt_stop_asked(world, item)
            case ev.HangUpAsked():
                return flows.hang_up_asked(world, item)
            case ev.QueueRefused():
                return flows.left_queue(world, item)
            case ev.ContactQueued() | ev.ContactRequeued():
                return _queued(world, item, ctx)
            case ev.RingAsked():
                return ringing.ring(world, item, ctx)
            case ev.RingCancelled():
                return ringing.cancelled(world, item, ctx)
            case ev.ContactConnected():
                return ringing.connect(world, item, ctx)
            case ev.DeadlinePassed() if item.key.startswith(LOOKS):
                return reconcile.look(world, item.key)
            case ev.KeyPressed() | ev.KeyPromptEnded():
                return legs.key_pressed(world, item, ctx)
            case ev.LegSeenUp():
                return legs.seen_up(world, item, ctx)
            case ev.AgentLegLost():
                if item.left:
                    return NOTHING
                return ringing.take_back(world, live(world, item.conversation), item.agent, ctx)
            case ev.DeadlinePassed() if item.key.startswith(takeback_key(ids.ConversationId(""))):
                name = ids.ConversationId(item.key.removeprefix(takeback_key(ids.ConversationId(""))))
                return ringing.take_back(world, live(world, name), None, ctx)
            case ev.Transferred():
                return transfers.sent_on(world, item, ctx)
            case ev.Talking() | ev.AgentLegBack():
                return monitoring.follow(world, item, ctx)
            case ev.DeviceReleased() | ev.DeviceTaken() if ids.is_seat(item.agent):
                return monitoring.device_moved(world, item.agent, ctx)
            case ev.DeadlinePassed() if item.key.startswith(lead_key(ids.ConversationId(""))):
                return monitoring.unanswered(world, item.key, ctx)
            case ev.DeviceReady():
                return ringing.device_ready(world, item, ctx)
            case ev.CallMade():
                return ringing.dialled(world, item, ctx)
            case ev.CallbackBooked():
                return callbacks.booked(world, item)
            case ev.DeadlinePassed() if item.key.startswith(dial_key(ids.ConversationId(""))):
                name = ids.ConversationId(item.key.removeprefix(dial_key(ids.ConversationId(""))))
                return _dialled_long_enough(world, live(world, name), ctx)
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


def _recording_done(world: World, fact: facts.RecordingDone) -> Decision:
    owner = ids.owner(fact.name)
    conversation = world.conversations.get(owner) if owner is not None else None
    if conversation is None or fact.name not in conversation.recordings:
        return NOTHING
    return Decision(
        (ev.RecordingEnded(conversation=conversation.id, name=fact.name, seconds=fact.seconds, ok=fact.ok),)
    )


_Command = cmd.HoldCall | cmd.RetrieveCall | cmd.HangUpCall | parties.Command


def _command(world: World, command: _Command, ctx: Ctx) -> Decision:
    conversation = live(world, command.conversation)
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


def _queued(world: World, event: ev.ContactQueued | ev.ContactRequeued, ctx: Ctx) -> Decision:
    """A waiting contact has music; a requeued one usually has it already. Whoever was being rung to come back into his
    talk has lost it: his phone falls silent."""
    contact = world.contacts.get(event.contact)
    conversation = live(world, contact.conversation) if contact is not None else None
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


def _dialled_long_enough(world: World, conversation: Conversation | None, ctx: Ctx) -> Decision:
    if conversation is None:
        return NOTHING
    if conversation.sent_out is None:
        return callbacks.due(world, conversation.id, ctx)
    plan = Plan()
    outside.due(plan, conversation, ctx)
    return plan.decision()


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
