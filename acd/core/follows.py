"""What follows from an item by itself, without matching anybody: input or event type -> function.

Lives here: which rule an item calls. Not here: the rules (`entry`, `waiting`, `outcomes`, `desk`, `devices`), and items
whose decision has effects too (`engine`).
"""

from __future__ import annotations

from collections.abc import Callable

from acd.core import agent as agents, contact as contacts, desk, devices, entry, outcomes, waiting
from acd.core.index import Index, Pool
from ctiserver.model import events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, ReservationId
from ctiserver.model.work import ContactState
from ctiserver.model.world import Ctx, World

Events = tuple[ev.Event, ...]
Reach = ev.DeviceReady | ev.DeviceReleased | ev.DeviceContactChanged | ev.DesktopLinkChanged


def _queue_asked(index: Index, world: World, item: ev.QueueAsked, ctx: Ctx) -> Events:
    live = index.live(item.conversation)
    return entry.asked(world, item, live, index.waiting.get(item.queue, 0), ctx)


def _connection_cleared(index: Index, world: World, item: ev.ConnectionCleared, ctx: Ctx) -> Events:
    held = world.reservations.get(index.reservation_of_leg.get(item.leg, ReservationId("")))
    return outcomes.close_if_done(held) if held is not None else ()


def _caller_gone(index: Index, world: World, item: ev.CallCleared | ev.ConversationForgotten, ctx: Ctx) -> Events:
    contact = index.live(item.conversation)
    return outcomes.caller_gone(world, contact, ctx.now) if contact is not None else ()


def _caller_away(index: Index, world: World, item: ev.CallerAway, ctx: Ctx) -> Events:
    contact = index.live(item.conversation)
    return outcomes.caller_away(world, contact, ctx.now) if contact is not None else ()


def _device_taken(index: Index, world: World, item: ev.DeviceTaken, ctx: Ctx) -> Events:
    """Whatever rings for him rings elsewhere."""
    agent = world.agents.get(item.agent)
    return outcomes.out_of_reach(world, agent, ctx.now) if agent is not None else ()


def _reach_changed(index: Index, world: World, item: Reach, ctx: Ctx) -> Events:
    agent = world.agents.get(item.agent)
    return outcomes.out_of_reach(world, agent, ctx.now) if agent and not agents.reachable(agent) else ()


def _signed_out(index: Index, world: World, item: ev.AgentSignedOut, ctx: Ctx) -> Events:
    """Nobody waits for him alone any more."""
    pools = index.pools_of.get(item.agent, {})
    alone = [key[-1] for pool in pools.values() if pool.key.agent and not pool.key.named for key in pool.waiting]
    return tuple(event for name in alone for event in waiting.prefer_due(world.contacts.get(name), ctx.now))


def _requeued(index: Index, world: World, item: ev.ContactRequeued, ctx: Ctx) -> Events:
    return closed(world, [item.contact], ctx.now)


def closed(world: World, names: list[ContactId], now: float) -> Events:
    """Nobody waits in a queue that is no longer there."""
    events: list[ev.Event] = []
    for name in names:
        contact = world.contacts.get(name)
        if contact is None or contact.state is not ContactState.WAITING:
            continue
        if not contacts.has_queue(world, contact.queue):
            events.extend(contacts.left(contact, EndReason.CLOSED, now))
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
            held = world.reservations.get(name)
            return outcomes.close_if_done(held) if held is not None else ()
        case "acd.maxwait":
            return outcomes.wait_due(world, contact, now)
        case "acd.step":
            return waiting.step_due(contact, "time", now)
        case "acd.open":
            return waiting.open_due(world, contact, now)
        case "acd.prefer":
            return waiting.prefer_due(contact, now)
        case "acd.takeback":
            return outcomes.takeback_due(world, contact, now)
        case "acd.lost":
            return agents.lost(world, AgentId(rest), now)
        case "acd.wrap":
            agent, _, wrapped = rest.partition(":")
            return outcomes.wrap_due(world, AgentId(agent), ContactId(wrapped), now)
        case _:
            return ()


def _offered(index: Index, world: World, item: ev.OfferMade, ctx: Ctx) -> Events:
    """An agent less is free: steps that end when too few are."""
    return tuple(event for name in item.agents for event in _too_few(index, world, name, ctx.now))


def _less_free(index: Index, world: World, item: ev.AvailabilityChosen | Reach, ctx: Ctx) -> Events:
    reach = () if isinstance(item, ev.AvailabilityChosen) else _reach_changed(index, world, item, ctx)
    return (*reach, *_too_few(index, world, item.agent, ctx.now))


def _too_few(index: Index, world: World, name: AgentId, now: float) -> Events:
    events: list[ev.Event] = []
    for pool in index.pools_of.get(name, {}).values():
        if pool.floors and name not in pool.keys:
            events.extend(_stepped_by_load(world, pool, now))
    return tuple(events)


def _stepped_by_load(world: World, pool: Pool, now: float) -> Events:
    free = len(pool.eligible)
    short = [name for name, floor in pool.floors.items() if free < floor]
    return tuple(event for name in short for event in waiting.step_due(world.contacts.get(name), "available", now))


def _entered(index: Index, world: World, item: ev.ContactQueued | ev.ContactStepped, ctx: Ctx) -> Events:
    """A step that asks for more free agents than there are is over as soon as it begins."""
    contact = world.contacts.get(item.contact)
    if contact is None or contact.state is not ContactState.WAITING:
        return ()
    pool = index.pool_of(contact.id)
    floor = pool.floors.get(contact.id)
    if floor is None or len(pool.eligible) >= floor:
        return ()
    return waiting.step_due(contact, "available", ctx.now)


FOLLOWS: dict[type, Callable[..., Events]] = {
    facts.LinkChanged: lambda index, world, item, ctx: desk.link_changed(world, item, ctx.now),
    facts.DeviceContact: lambda index, world, item, ctx: devices.contact_changed(world, index, item, ctx.now),
    facts.SwitchSeen: lambda index, world, item, ctx: devices.switch_seen(world, index, item, ctx.now),
    facts.ServerStarted: lambda index, world, item, ctx: desk.server_started(world, ctx.now),
    ev.QueueAsked: _queue_asked,
    ev.ContactQueued: _entered,
    ev.ContactStepped: _entered,
    ev.OfferMade: _offered,
    ev.AgentLegUp: lambda index, world, item, ctx: outcomes.leg_up(world, item, ctx.now),
    ev.AgentLegFailed: lambda index, world, item, ctx: outcomes.leg_failed(world, item, ctx.now),
    ev.ConnectionCleared: _connection_cleared,
    ev.CallCleared: _caller_gone,
    ev.ConversationForgotten: _caller_gone,
    ev.CallerAway: _caller_away,
    ev.DeviceTaken: _device_taken,
    ev.DeviceReady: _less_free,
    ev.DeviceReleased: _less_free,
    ev.DeviceContactChanged: _less_free,
    ev.DesktopLinkChanged: _less_free,
    ev.AvailabilityChosen: _less_free,
    ev.AgentSignedOut: _signed_out,
    ev.ContactRequeued: _requeued,
    ev.DeadlinePassed: _due,
}
"""What an item leads to by itself. `SiteChanged` has effects too, so the engine decides on it as a whole."""


