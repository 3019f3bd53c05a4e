"""What follows from an item by itself, without matching anybody: input or event type -> function.

Lives here: which rule an item calls. Not here: the rules (`entry`, `waiting`, `outcomes`, `desk`, `devices`), and items
whose decision has effects too (`engine`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from acd.core import (
    agent as agents,
    callback,
    comfort,
    consult,
    contact as contacts,
    desk,
    devices,
    dial,
    forecast,
    outcomes,
    queue_rules,
    transfer,
    waiting,
)
from acd.core.index import Index, Pool
from ctiserver.model import events as ev, facts
from ctiserver.model.causes import ClearedBy, EndReason
from ctiserver.model.ids import AgentId, ContactId, QueueId, ReservationId
from ctiserver.model.routing import INTERNAL, MADE
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import Ctx, World

Events = tuple[ev.Event, ...]
Waits = (
    ev.ContactQueued
    | ev.ContactStepped
    | ev.ContactOpened
    | ev.PreferenceEnded
    | ev.ContactRequeued
    | ev.CallbackDue
)
Reach = ev.DeviceReady | ev.DeviceReleased | ev.DeviceContactChanged | ev.DesktopLinkChanged


def _queue_asked(index: Index, world: World, item: ev.QueueAsked, ctx: Ctx) -> Events:
    events = queue_rules.Rules(world, index, ctx).asked(item)
    return callback.called_in(world, index, events, ctx.now)


def _connection_cleared(index: Index, world: World, item: ev.ConnectionCleared, ctx: Ctx) -> Events:
    held = world.reservations.get(index.reservation_of_leg.get(item.leg, ReservationId("")))
    closed_now = outcomes.close_if_done(held) if held is not None else ()
    return (*closed_now, *consult.leg_cleared(world, item, ctx.now))


def _caller_gone(index: Index, world: World, item: ev.CallCleared | ev.ConversationForgotten, ctx: Ctx) -> Events:
    contact = index.live(item.conversation)
    if contact is not None and contact.medium == INTERNAL:
        return (contacts.end(contact, EndReason.ANSWERED, ctx.now), *dial.released(contact, ctx.now))
    by_lead = isinstance(item, ev.CallCleared) and item.by is ClearedBy.LEAD
    gone = EndReason.WITHDRAWN if by_lead else EndReason.ABANDONED
    return outcomes.caller_gone(world, contact, ctx.now, gone) if contact is not None else ()


def _taken_over(index: Index, world: World, item: ev.CallTakenOver, ctx: Ctx) -> Events:
    """The agent is through with the customer, who was answered."""
    contact = index.live(item.conversation)
    if contact is None or contact.state is not ContactState.CONNECTED:
        return ()
    return outcomes.caller_gone(world, contact, ctx.now)


def _unreached(index: Index, world: World, item: ev.CustomerUnreached, ctx: Ctx) -> Events:
    contact = world.contacts.get(item.contact)
    if contact is not None and contact.medium in MADE:
        return dial.unreached(world, contact, item, ctx.now) if contact.state is ContactState.CONNECTED else ()
    return callback.unreached(world, index, item, ctx.now)


def _caller_away(index: Index, world: World, item: ev.CallerAway, ctx: Ctx) -> Events:
    contact = index.live(item.conversation)
    return outcomes.caller_away(world, contact, ctx.now) if contact is not None else ()


def _leave_asked(index: Index, world: World, item: ev.LeaveAsked, ctx: Ctx) -> Events:
    return outcomes.left_by_key(world, index.live(item.conversation), item.key, ctx.now)


def _device_taken(index: Index, world: World, item: ev.DeviceTaken, ctx: Ctx) -> Events:
    agent = world.agents.get(item.agent)
    return outcomes.out_of_reach(world, agent, ctx.now, moved=True) if agent is not None else ()


def _reach_changed(index: Index, world: World, item: Reach, ctx: Ctx) -> Events:
    agent = world.agents.get(item.agent)
    return outcomes.out_of_reach(world, agent, ctx.now) if agent and not agents.reachable(agent) else ()


def _signed_out(index: Index, world: World, item: ev.AgentSignedOut, ctx: Ctx) -> Events:
    """Nobody waits for him alone any more, and in some queues nobody waits when there is no agent."""
    pools = index.pools_of.get(item.agent, {})
    alone = [key for pool in pools.values() if pool.key.agent and not pool.key.named for key in pool.waiting]
    ended = (event for key in sorted(alone) for event in waiting.prefer_due(world.contacts.get(key[-1]), ctx.now))
    return (*ended, *queue_rules.Rules(world, index, ctx).deserted(item.agent))


def _requeued(index: Index, world: World, item: ev.ContactRequeued | ev.CallbackDue, ctx: Ctx) -> Events:
    return closed(world, [item.contact], ctx.now) or _waits_again(index, world, item, ctx)


def closed(world: World, names: list[ContactId], now: float) -> Events:
    """Nobody waits in a queue, or for one agent, that is no longer there."""
    events: list[ev.Event] = []
    for name in names:
        contact = world.contacts.get(name)
        if contact is None or contact.state not in (ContactState.WAITING, ContactState.SCHEDULED):
            continue
        if not contacts.has_queue(world, contact.queue):
            events.extend(contacts.left(contact, EndReason.CLOSED, now))
        elif contact.only_agent is not None and contact.only_agent not in world.agent_configs:
            events.extend(contacts.left(contact, EndReason.FAILED, now))
    return tuple(events)


def _due(index: Index, world: World, item: ev.DeadlinePassed, ctx: Ctx) -> Events:
    kind, _, rest = item.key.partition(":")
    now = ctx.now
    name = ReservationId(rest)
    contact = world.contacts.get(ContactId(rest))
    match kind:
        case "acd.confirm":
            return outcomes.confirm_due(world, name, now)
        case "acd.offer":
            return outcomes.offer_due(world, name, now)
        case "acd.withdraw":
            held = world.reservations.get(ReservationId(rest.partition(":")[0]))
            return outcomes.close_if_done(held) if held is not None else ()
        case "acd.maxwait":
            return outcomes.wait_due(world, contact, now)
        case "acd.step":
            return waiting.step_due(contact, "time", now)
        case "acd.load":
            return _too_long(index, world, contact, ctx.now)
        case "acd.over":
            return queue_rules.Rules(world, index, ctx).over_due(contact)
        case "acd.hours":
            return queue_rules.Rules(world, index, ctx).closing(QueueId(rest))
        case "acd.open":
            return waiting.open_due(world, contact, now)
        case "acd.comfort" if contact is not None and contact.state is ContactState.WAITING:
            return comfort.due(world, contact, index.position(contact), now)
        case "acd.prefer":
            return waiting.prefer_due(contact, now)
        case "acd.retry":
            return callback.due(world, contact, now)
        case "acd.takeback":
            internal = contact is not None and contact.medium == INTERNAL
            return dial.lost(world, contact, now) if internal else consult.takeback_due(world, contact, now)
        case "acd.consult":
            agent, _, thing = rest.partition(":")
            return consult.due(world, AgentId(agent), ContactId(thing), now)
        case "acd.gone":
            return agents.gone(world, AgentId(rest), now)
        case "acd.lost":
            return agents.lost(world, AgentId(rest), now)
        case "acd.wrap":
            agent, _, wrapped = rest.partition(":")
            return outcomes.wrap_due(world, AgentId(agent), ContactId(wrapped), now)
        case _:
            return ()


def site_changed(index: Index, world: World, planned: Iterable[ContactId], now: float) -> Events:
    """Whoever waited alone for an agent who can no longer have it does not any more; steps may have too few agents.
    `planned`: contacts that are being offered in this very turn."""
    over = [event for contact in world.contacts.values() for event in waiting.pointless(world, contact, now)]
    return (*over, *_too_few(index, world, index.pools.values(), now, planned))


def _switched(index: Index, world: World, item: ev.QueueSwitched, ctx: Ctx) -> Events:
    return queue_rules.Rules(world, index, ctx).closing(item.queue)


def _too_long(index: Index, world: World, contact: Contact | None, now: float) -> Events:
    """The step in force is over when the wait that is left is predicted to be longer than it allows."""
    if contact is None or contact.state is not ContactState.WAITING:
        return ()
    step = waiting.step(contact, contacts.queue_config(world, contact.queue))
    if step is None or not step.wait_over_seconds:
        return ()
    wait = forecast.predicted(world, contact.queue, index.position(contact))
    return waiting.step_due(contact, "predicted", now) if wait is not None and wait > step.wait_over_seconds else ()


def rebuilt(index: Index, world: World, planned: Iterable[ContactId], now: float) -> Events:
    """After a repair of the index: steps may have too few agents. `planned`: as above."""
    return _too_few(index, world, index.pools.values(), now, planned)


def _offered(index: Index, world: World, item: ev.OfferMade | ev.OfferJoined, ctx: Ctx) -> Events:
    """An agent less is free: steps that end when too few are."""
    taken = item.agents if isinstance(item, ev.OfferMade) else (item.agent,)
    pools = {pool.key: pool for name in taken for pool in _left_by(index, name)}
    return _too_few(index, world, pools.values(), ctx.now)


def _made(index: Index, world: World, item: ev.CallMade, ctx: Ctx) -> Events:
    busy = (item.agent, *((item.to_agent,) if item.to_agent is not None else ()))
    pools = {pool.key: pool for name in busy for pool in _left_by(index, name)}
    return _too_few(index, world, pools.values(), ctx.now)


def _less_free(index: Index, world: World, item: ev.AvailabilityChosen | Reach | ev.DeviceTaken, ctx: Ctx) -> Events:
    match item:
        case ev.AvailabilityChosen():
            reach: Events = ()
        case ev.DeviceTaken():
            reach = _device_taken(index, world, item, ctx)
        case _:
            reach = _reach_changed(index, world, item, ctx)
    return (*reach, *_too_few(index, world, _left_by(index, item.agent), ctx.now))


def _left_by(index: Index, name: AgentId) -> list[Pool]:
    """The pools in which he would be, were he free."""
    if not index.floored:
        return []
    return [pool for pool in index.pools_of.get(name, {}).values() if pool.floors and name not in pool.keys]


def _too_few(
    index: Index, world: World, pools: Iterable[Pool], now: float, planned: Iterable[ContactId] = ()
) -> Events:
    """Steps of these pools' contacts that end since fewer agents are free than they ask for; best contact first, as
    pools come in an order that depends on history."""
    short = [
        index.place(name)
        for pool in pools
        for name, floor in pool.floors.items()
        if len(pool.eligible) < floor and name not in planned
    ]
    return tuple(
        event for key in sorted(short) for event in waiting.step_due(world.contacts.get(key[-1]), "available", now)
    )


def _waits_again(index: Index, world: World, item: Waits, ctx: Ctx) -> Events:
    """A step that asks for more free agents than there are, or for a shorter wait than is predicted while nobody is
    free, is over as soon as it begins."""
    contact = world.contacts.get(item.contact)
    if contact is None or contact.state is not ContactState.WAITING:
        return ()
    pool = index.pool_of(contact.id)
    floor = pool.floors.get(contact.id)
    if floor is not None and len(pool.eligible) < floor:
        return waiting.step_due(contact, "available", ctx.now)
    return () if pool.eligible else _too_long(index, world, contact, ctx.now)


FOLLOWS: dict[type, Callable[..., Events]] = {
    facts.LinkChanged: lambda index, world, item, ctx: desk.link_changed(world, item, ctx.now),
    facts.DeviceContact: lambda index, world, item, ctx: devices.contact_changed(world, index, item, ctx.now),
    facts.SwitchSeen: lambda index, world, item, ctx: devices.switch_seen(world, index, item, ctx.now),
    facts.ServerStarted: lambda index, world, item, ctx: desk.server_started(world, ctx.now),
    ev.QueueAsked: _queue_asked,
    ev.ContactQueued: _waits_again,
    ev.ContactStepped: _waits_again,
    ev.ContactOpened: _waits_again,
    ev.PreferenceEnded: _waits_again,
    ev.CallMade: _made,
    ev.OfferMade: _offered,
    ev.OfferJoined: _offered,
    ev.AgentLegUp: lambda index, world, item, ctx: outcomes.leg_up(world, item, ctx.now),
    ev.AgentLegLost: lambda index, world, item, ctx: consult.leg_lost(world, index, item, ctx.now),
    ev.AgentLegFailed: lambda index, world, item, ctx: outcomes.leg_failed(world, item, ctx.now),
    ev.ConnectionCleared: _connection_cleared,
    ev.CallTakenOver: _taken_over,
    ev.CallCleared: _caller_gone,
    ev.ConversationForgotten: _caller_gone,
    ev.CallerAway: _caller_away,
    ev.LeaveAsked: _leave_asked,
    ev.DeviceTaken: _less_free,
    ev.DeviceReady: _less_free,
    ev.DeviceReleased: _less_free,
    ev.DeviceContactChanged: _less_free,
    ev.DesktopLinkChanged: _less_free,
    ev.AvailabilityChosen: _less_free,
    ev.AgentSignedOut: _signed_out,
    ev.ContactRequeued: _requeued,
    ev.QueueSwitched: _switched,
    ev.CallbackDue: _requeued,
    ev.CallbackAsked: lambda index, world, item, ctx: callback.asked(world, index, item, ctx),
    ev.CustomerUnreached: _unreached,
    ev.OutsideUnreached: lambda index, world, item, ctx: transfer.unreached(world, item, ctx),
    ev.DeadlinePassed: _due,
}
"""What an item leads to by itself. `SiteChanged` has effects too, so the engine decides on it as a whole."""
