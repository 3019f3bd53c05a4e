"""A team lead in a call: he listens, whispers or barges. The legs of it; one lead a conversation, one call a lead.

| Mode    | The lead's leg sits in                                 | Who hears him |
|---------|--------------------------------------------------------|---------------|
| listen  | the talk bridge, muted there                           | nobody        |
| barge   | the talk bridge                                        | both          |
| whisper | a bridge of his own with a snoop on the agent's leg    | the agent     |

He may take the agent's place (take over): then his leg is the talk's, without a contact of any queue; the agent wraps
his up. He may hold and send him on as an agent does (`acd.core.transfer`). If that leg is lost and not back in time,
the customer waits again in the queue that he came from.

He stays with the customer through hold, transfer and a lost agent: in the talk bridge he waits for whoever comes next,
and the snoop is made anew with every new agent's leg. He keeps nobody's talk alive: all ends with the customer.
Mute is of the joining, so there is no moment in which his microphone is open (measured: nothing of him at -150 dBFS).
Not here: who may listen to whom (the server's side), his device (acd.core.devices).
"""

from __future__ import annotations

from collections.abc import Mapping

from ctiserver.calls.apply import lead_key
from ctiserver.calls.moves import Plan, agent_legs, talking_leg
from ctiserver.model import commands as cmd, effects as fx, events as ev, ids
from ctiserver.model.causes import ON_PURPOSE, ClearedBy, MonitorEnd, MonitorMode
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.facts import SeenBridge, SeenChannel
from ctiserver.model.ids import AgentId, BridgeId, ConversationId, LegId
from ctiserver.model.talk import Conversation, Leg, LegState, Monitoring, Place, Role
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx, World

Command = cmd.MonitorCall | cmd.ChangeMonitor | cmd.StopMonitor | cmd.TakeOverCall | cmd.DisconnectCall
RING = 20.0
"""Seconds that his phone may ring: a page answers at once, a desk phone when he picks it up (our choice)."""


def _acted(conversation: Conversation, item: cmd.DisconnectCall, ctx: Ctx) -> ev.LeadActed:
    return ev.LeadActed(
        by=item.by, what="DisconnectCall", agent=conversation.agent, conversation=conversation.id, at=ctx.now
    )


def command(world: World, item: Command, ctx: Ctx) -> Decision:
    """Raises CommandRejected."""
    conversation = world.conversations.get(item.conversation)
    if conversation is None or conversation.cleared:
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    match item:
        case cmd.MonitorCall():
            return _begin(world, conversation, item, ctx)
        case cmd.DisconnectCall():
            customer = conversation.legs.get(conversation.customer_leg)  # a booked callback has none
            if customer is None or conversation.place is Place.CALLING:
                raise CommandRejected(Rejection.NOT_TALKING)
            plan = Plan()
            if not customer.ending:
                plan.events.append(_acted(conversation, item, ctx))
            plan.hang_up(conversation, customer, ClearedBy.LEAD)
            return plan.decision()
        case _:
            pass
    monitor = conversation.monitor
    if monitor is None or monitor.lead != item.agent:
        raise CommandRejected(Rejection.NOT_MONITORING)
    plan = Plan()
    if isinstance(item, cmd.TakeOverCall):
        _take_over(plan, world, conversation, monitor, ctx)
    elif isinstance(item, cmd.StopMonitor):
        stop(plan, conversation, MonitorEnd.STOPPED, ctx.now)
    elif monitor.mode is not item.mode:
        _change(plan, conversation, monitor, item.mode, ctx)
    return plan.decision()


def _begin(world: World, conversation: Conversation, item: cmd.MonitorCall, ctx: Ctx) -> Decision:
    device = world.agents[item.agent].device if item.agent in world.agents else None
    if conversation.monitor is not None:
        other = conversation.monitor.lead != item.agent
        raise CommandRejected(Rejection.MONITORED if other else Rejection.MONITORING_ELSEWHERE)
    if conversation.place not in (Place.TALKING, Place.HELD) or talking_leg(conversation) is None:
        raise CommandRejected(Rejection.NOT_TALKING)
    if conversation.agent == item.agent or call_of(world, item.agent) is not None:
        raise CommandRejected(Rejection.MONITORING_ELSEWHERE)
    if device is None or not device.contact:
        raise CommandRejected(Rejection.NO_PHONE)
    leg = ids.lead_leg(conversation.id, conversation.legs_made + 1)
    started = ev.MonitorStarted(
        conversation=conversation.id,
        leg=leg,
        lead=item.agent,
        by=item.by,
        listened=conversation.agent,
        mode=item.mode,
        endpoint=device.endpoint,
        instance=device.instance,
        at=ctx.now,
    )
    ring = fx.RingEndpoint(
        conversation=conversation.id,
        leg=leg,
        endpoint=device.endpoint,
        caller_number=conversation.caller_number,
        caller_name=conversation.customer.name if conversation.customer is not None else conversation.caller_name,
        auto_answer=True,
        timeout_seconds=RING,
    )
    return Decision((started,), (ring,))


def call_of(world: World, lead: AgentId) -> Conversation | None:
    """The call that this lead is in."""
    for conversation in world.conversations.values():
        monitor = conversation.monitor
        if not conversation.cleared and ((monitor is not None and monitor.lead == lead) or conversation.agent == lead):
            return conversation
    return None


def joined(plan: Plan, conversation: Conversation, leg: Leg, ctx: Ctx) -> None:
    """His phone has answered."""
    monitor = conversation.monitor
    if monitor is None or monitor.leg != leg.id:
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
        return
    plan.events.append(
        ev.MonitorJoined(
            conversation=conversation.id,
            lead=monitor.lead,
            by=monitor.by,
            listened=conversation.agent,
            mode=monitor.mode,
            at=ctx.now,
        )
    )
    put(plan, conversation, monitor, monitor.mode)


def put(plan: Plan, conversation: Conversation, monitor: Monitoring, mode: MonitorMode) -> None:
    """His leg to where this mode has it. He is silent wherever he is not meant to be heard, from the first packet."""
    if mode is MonitorMode.WHISPER:
        bridge = ids.whisper_bridge(conversation.id)
        plan.open_bridge(conversation, bridge, holding=False)
        _open_whisper(plan, conversation, monitor)
    else:
        bridge = ids.talk_bridge(conversation.id)
        plan.open_bridge(conversation, bridge, holding=False)
    plan.effects.append(_join(conversation, monitor, bridge, mode))


def _open_whisper(plan: Plan, conversation: Conversation, monitor: Monitoring) -> None:
    """A snoop on the leg of whoever talks now; the one before ends with its leg, or here."""
    agent = talking_leg(conversation)
    if agent is None or agent.id == monitor.whispers_to:
        return
    _end_snoop(plan, conversation, monitor)
    snoop = ids.whisper_snoop(conversation.id, conversation.legs_made + 1)
    plan.events.append(ev.WhisperOpened(conversation=conversation.id, snoop=snoop, leg=agent.id))
    plan.effects.append(
        fx.OpenWhisper(
            conversation=conversation.id, leg=agent.id, snoop=snoop, bridge=ids.whisper_bridge(conversation.id)
        )
    )


def _end_snoop(plan: Plan, conversation: Conversation, monitor: Monitoring) -> None:
    """The old snoop, unless its leg is gone or going: it went with it."""
    if monitor.snoop is None:
        return
    held = conversation.legs.get(monitor.whispers_to or LegId(""))
    if held is not None and not held.ending:
        plan.effects.append(fx.HangUpLeg(conversation=conversation.id, leg=monitor.snoop))


def _close_whisper(plan: Plan, conversation: Conversation, monitor: Monitoring) -> None:
    if monitor.snoop is not None:
        _end_snoop(plan, conversation, monitor)
        plan.events.append(ev.WhisperClosed(conversation=conversation.id))
    plan.close_bridge(conversation, ids.whisper_bridge(conversation.id))


def _change(
    plan: Plan, conversation: Conversation, monitor: Monitoring, mode: MonitorMode, ctx: Ctx
) -> None:
    plan.events.append(
        ev.MonitorChanged(
            conversation=conversation.id,
            lead=monitor.lead,
            by=monitor.by,
            listened=conversation.agent,
            mode=mode,
            at=ctx.now,
        )
    )
    if not _there(conversation, monitor):
        return  # he is put where he belongs when his phone answers
    put(plan, conversation, monitor, mode)
    if monitor.mode is MonitorMode.WHISPER:
        _close_whisper(plan, conversation, monitor)


def _take_over(plan: Plan, world: World, conversation: Conversation, monitor: Monitoring, ctx: Ctx) -> None:
    """His leg into the talk, heard by the customer, before the agent's goes: the customer is never alone."""
    agent = conversation.agent
    contact = world.contacts.get(conversation.contact) if conversation.contact is not None else None
    if agent is None or contact is None or not _there(conversation, monitor):
        raise CommandRejected(Rejection.NOT_TALKING)
    if conversation.place not in (Place.TALKING, Place.HELD, Place.WAITING):
        raise CommandRejected(Rejection.NOT_TALKING)
    if conversation.callee is not None:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    if conversation.parties:
        raise CommandRejected(Rejection.CONSULT_RUNNING)
    work = world.agents[agent].work.get(contact.id)
    told(plan, conversation, monitor, MonitorEnd.TAKEN_OVER, ctx.now)
    plan.events.append(
        ev.CallTakenOver(
            conversation=conversation.id,
            contact=contact.id,
            agent=agent,
            queue=contact.queue,
            note=work.note if work is not None else "",
            leg=monitor.leg,
            lead=monitor.lead,
            by=monitor.by,
            at=ctx.now,
            data=dict(contact.data),
            path=contact.path,
            priority=contact.priority,
        )
    )
    plan.events.append(ev.Talking(conversation=conversation.id, leg=monitor.leg, at=ctx.now))
    if monitor.mode is not MonitorMode.BARGE:
        put(plan, conversation, monitor, MonitorMode.BARGE)
    if conversation.place is not Place.TALKING:
        plan.customer_to_talk(conversation)
    _close_whisper(plan, conversation, monitor)
    for leg in agent_legs(conversation):
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)


def _there(conversation: Conversation, monitor: Monitoring) -> bool:
    leg = conversation.legs.get(monitor.leg)
    return leg is not None and leg.state is LegState.CONNECTED and not leg.ending


def follow(world: World, event: ev.Talking | ev.AgentLegBack, ctx: Ctx) -> Decision:
    """The customer talks, perhaps to another agent or on another leg of the same one."""
    conversation = world.conversations.get(event.conversation)
    monitor = conversation.monitor if conversation is not None else None
    if conversation is None or monitor is None or conversation.cleared:
        return NOTHING
    plan = Plan()
    if monitor.mode is MonitorMode.WHISPER and _there(conversation, monitor):
        _open_whisper(plan, conversation, monitor)
    return plan.decision()


def moved(world: World, event: ev.ContactConnected | ev.ContactPassed, ctx: Ctx) -> ev.MonitorMoved | None:
    """For the log: from now on the lead listens to another agent."""
    conversation = world.conversations.get(event.conversation)
    monitor = conversation.monitor if conversation is not None else None
    if monitor is None or conversation is None or conversation.cleared:
        return None
    return ev.MonitorMoved(
        conversation=conversation.id,
        lead=monitor.lead,
        by=monitor.by,
        listened=event.agent,
        mode=monitor.mode,
        at=ctx.now,
    )


def stop(plan: Plan, conversation: Conversation, why: MonitorEnd, at: float) -> None:
    """Whoever is in the call leaves it, and it goes on as it was."""
    monitor = conversation.monitor
    if monitor is None:
        return
    told(plan, conversation, monitor, why, at)
    leg = conversation.legs.get(monitor.leg)
    if leg is not None:
        plan.hang_up(conversation, leg, ClearedBy.SYSTEM)
    _close_whisper(plan, conversation, monitor)


def told(plan: Plan, conversation: Conversation, monitor: Monitoring, why: MonitorEnd, at: float) -> None:
    plan.events.append(
        ev.MonitorStopped(
            conversation=conversation.id,
            lead=monitor.lead,
            by=monitor.by,
            listened=conversation.agent,
            mode=monitor.mode,
            why=why,
            at=at,
        )
    )


def leg_gone(plan: Plan, conversation: Conversation, leg: Leg, cause: int, at: float) -> None:
    """His leg has ended: so has his listening, unless it had already."""
    monitor = conversation.monitor
    if monitor is None or monitor.leg != leg.id:
        return
    if leg.state is not LegState.CONNECTED:
        why = MonitorEnd.UNREACHED
    else:
        why = MonitorEnd.LEFT if cause in ON_PURPOSE else MonitorEnd.LOST
    told(plan, conversation, monitor, why, at)
    _close_whisper(plan, conversation, monitor)


def over(plan: Plan, conversation: Conversation, at: float) -> None:
    """The customer is gone; who calls this ends all legs and bridges of the conversation."""
    monitor = conversation.monitor
    if monitor is not None:
        told(plan, conversation, monitor, MonitorEnd.CALL_OVER, at)
        if monitor.snoop is not None:
            _end_snoop(plan, conversation, monitor)
            plan.events.append(ev.WhisperClosed(conversation=conversation.id))


def device_moved(world: World, lead: AgentId, ctx: Ctx) -> Decision:
    """His phone is another one or gone, or his page was loaded anew: he is out of the call that he was listening to."""
    conversation = call_of(world, lead)
    monitor = conversation.monitor if conversation is not None else None
    if conversation is None or monitor is None or monitor.lead != lead:
        return NOTHING
    plan = Plan()
    stop(plan, conversation, MonitorEnd.LOST, ctx.now)
    return plan.decision()


# --- a talk that was taken over


def unanswered(world: World, key: str, ctx: Ctx) -> Decision:
    """The lead's leg was lost and is not back: the customer waits for an agent again, or, where there is no queue for
    him, the call is over."""
    conversation = world.conversations.get(ConversationId(key.removeprefix(lead_key(ConversationId("")))))
    last = conversation.taken if conversation is not None else None
    if conversation is None or last is None or conversation.cleared or conversation.agent is None:
        return NOTHING
    plan = Plan()
    if last.queue not in world.queue_configs:
        plan.hang_up(conversation, conversation.legs[conversation.customer_leg], ClearedBy.SYSTEM)
        return plan.decision()
    plan.events.append(
        ev.Transferred(
            conversation=conversation.id,
            contact=last.contact,
            agent=conversation.agent,
            from_queue=last.queue,
            queue=last.queue,
            to_agent=None,
            flow="",
            note="",
            at=ctx.now,
        )
    )
    plan.events.append(
        ev.QueueAsked(
            conversation=conversation.id,
            queue=last.queue,
            requires="",
            priority=last.priority,
            agent=None,
            data=last.data,
            path=(*last.path, f"transfer:{conversation.agent}"),
        )
    )
    return plan.decision()


# --- coming back (DESIGN 5.3)


def expects(conversation: Conversation, channel: LegId) -> bool:
    """Whether a channel that is no leg is the snoop of a whispering lead."""
    monitor = conversation.monitor
    return monitor is not None and monitor.snoop == channel and not conversation.cleared


def unwanted(conversation: Conversation, leg: Leg) -> bool:
    """A lead's leg that nobody listens with."""
    monitor = conversation.monitor
    return leg.role is Role.LEAD and (monitor is None or monitor.leg != leg.id)


def compare(
    plan: Plan,
    conversation: Conversation,
    channels: Mapping[LegId, SeenChannel],
    bridges: Mapping[BridgeId, SeenBridge],
    known: frozenset[LegId] | None,
    at: float,
) -> None:
    """The lead's leg where it belongs, his snoop beside it. Without a leg he is not in the call."""
    monitor = conversation.monitor
    if monitor is not None and monitor.leg not in conversation.legs:
        stop(plan, conversation, MonitorEnd.LOST, at)
        return
    if monitor is None or not _there(conversation, monitor) or monitor.leg not in channels:
        return
    if known is not None and monitor.leg not in known:
        return
    whispers = monitor.mode is MonitorMode.WHISPER
    bridge = ids.whisper_bridge(conversation.id) if whispers else ids.talk_bridge(conversation.id)
    present = bridges.get(bridge)
    if present is None:
        opened = any(isinstance(effect, fx.OpenBridge) and effect.bridge == bridge for effect in plan.effects)
        if not opened:
            plan.effects.append(fx.OpenBridge(conversation=conversation.id, bridge=bridge, holding=False))
        if not opened and bridge not in conversation.bridges:
            plan.events.append(ev.BridgeOpened(conversation=conversation.id, bridge=bridge))
    if whispers:
        _compare_snoop(plan, conversation, monitor, channels, present, known)
    if present is None or monitor.leg not in present.legs:
        plan.effects.append(_join(conversation, monitor, bridge, monitor.mode))


def _compare_snoop(
    plan: Plan,
    conversation: Conversation,
    monitor: Monitoring,
    channels: Mapping[LegId, SeenChannel],
    present: SeenBridge | None,
    known: frozenset[LegId] | None,
) -> None:
    """A snoop that is gone, or in no bridge, although its agent is there: a new one."""
    agent = talking_leg(conversation)
    if agent is None or agent.id not in channels or monitor.snoop is None or agent.id != monitor.whispers_to:
        return
    if known is not None and monitor.snoop not in known:
        return
    if monitor.snoop in channels and present is not None and monitor.snoop in present.legs:
        return
    snoop = ids.whisper_snoop(conversation.id, conversation.legs_made + 1)
    if monitor.snoop in channels:
        plan.effects.append(fx.HangUpLeg(conversation=conversation.id, leg=monitor.snoop))
    plan.events.append(ev.WhisperOpened(conversation=conversation.id, snoop=snoop, leg=agent.id))
    bridge = ids.whisper_bridge(conversation.id)
    plan.effects.append(fx.OpenWhisper(conversation=conversation.id, leg=agent.id, snoop=snoop, bridge=bridge))


def again(plan: Plan, conversation: Conversation) -> None:
    """After a lost link nobody knows whether the last join was carried out, so whether he is muted: he joins again. He
    hears a click, the others nothing."""
    monitor = conversation.monitor
    if monitor is None or not _there(conversation, monitor) or conversation.cleared:
        return
    if monitor.mode is not MonitorMode.WHISPER:
        join = _join(conversation, monitor, ids.talk_bridge(conversation.id), monitor.mode)
        if join not in plan.effects:
            plan.effects.append(join)


def _join(
    conversation: Conversation, monitor: Monitoring, bridge: BridgeId, mode: MonitorMode
) -> fx.JoinBridge:
    mute = mode is MonitorMode.LISTEN
    return fx.JoinBridge(conversation=conversation.id, leg=monitor.leg, bridge=bridge, holding=False, mute=mute)
