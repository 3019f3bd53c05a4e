"""Devices: what is whose phone, a browser page by lease or a desk phone of the site, and whether it can be rung.

Lives here: the decisions on taking, using and giving back a device, and on what the switch reports of contacts. Not
here: SIP endpoints (an adapter makes them), calls that are rung again on a device that is back (the conversation core).
"""

from __future__ import annotations

from acd.core.callback import may_call, number_of
from acd.core.index import Index
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import AgentId, LeaseId, desk_endpoint, desk_phone, outside_endpoint, outside_number
from ctiserver.model.site import PhoneConfig
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.work import Agent, Device, DeviceKind, in_call
from ctiserver.model.world import World

Command = cmd.TakeDevice | cmd.PhoneReady | cmd.UsePhone | cmd.UseNumber | cmd.ReleaseDevice


def command(world: World, index: Index, agent: Agent, item: Command, now: float) -> Decision:
    """Of an agent, or of a user's seat. Raises CommandRejected."""
    match item:
        case cmd.TakeDevice():
            return _take(index, agent, item, now)
        case cmd.PhoneReady():
            return _page_ready(agent, item, now)
        case cmd.UsePhone():
            return _use_phone(world, index, agent, item, now)
        case cmd.UseNumber():
            return _use_number(world, index, agent, item, now)
        case cmd.ReleaseDevice():
            return _give_back(agent, item, now)


# --- browsers ---------------------------------------------------------------------------------------


def _take(index: Index, agent: Agent, item: cmd.TakeDevice, now: float) -> Decision:
    """The page becomes the phone. The lease is the endpoint's name, so a lease is never two agents'.

    A holder whose SIP socket is gone is no phone any more: his place is free without a question.
    """
    holder = agent.device
    if desk_phone(item.lease) is not None:  # a page is no desk phone
        raise CommandRejected(Rejection.NOT_ALLOWED)
    if holder is not None and holder.lease == item.lease:
        if holder.instance == item.instance:
            return NOTHING
        return Decision((_taken(agent, item, now),))
    if index.agent_of_endpoint.get(item.lease, agent.id) != agent.id:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    if holder is not None and holder.contact and not item.take_over:
        raise CommandRejected(Rejection.PHONE_ELSEWHERE)
    provision = fx.ProvisionDevice(agent=agent.id, lease=item.lease, endpoint=item.lease)
    return Decision((_taken(agent, item, now),), (*removal(holder), provision))


def _taken(agent: Agent, item: cmd.TakeDevice, now: float) -> ev.DeviceTaken:
    return ev.DeviceTaken(
        agent=agent.id,
        lease=item.lease,
        endpoint=item.lease,
        instance=item.instance,
        previous=agent.device.lease if agent.device is not None else None,
        at=now,
    )


def _page_ready(agent: Agent, item: cmd.PhoneReady, now: float) -> Decision:
    """Said again after every registration: the calls core brings a lost talk back on it."""
    device = agent.device
    if device is None or device.lease != item.lease or device.kind is not DeviceKind.BROWSER:
        raise CommandRejected(Rejection.LEASE_LOST)
    return Decision((_ready(agent.id, device.lease, item.instance, now),))


def _ready(agent: AgentId, endpoint: str, instance: str, now: float) -> ev.DeviceReady:
    return ev.DeviceReady(agent=agent, lease=LeaseId(endpoint), endpoint=endpoint, instance=instance, at=now)


def _give_back(agent: Agent, item: cmd.ReleaseDevice, now: float) -> Decision:
    if agent.device is None or agent.device.lease != item.lease:
        raise CommandRejected(Rejection.LEASE_LOST)
    return Decision((ev.DeviceReleased(agent=agent.id, lease=item.lease, at=now),), removal(agent.device))


def removal(device: Device | None) -> tuple[fx.Effect, ...]:
    """What becomes of the endpoint of a device that is given up: a page's goes, a desk phone's stays for the next."""
    if device is None or device.kind is not DeviceKind.BROWSER:
        return ()
    return (fx.RemoveDevice(lease=device.lease, endpoint=device.endpoint),)


# --- desk phones ------------------------------------------------------------------------------------


def _use_phone(world: World, index: Index, agent: Agent, item: cmd.UsePhone, now: float) -> Decision:
    """A desk phone becomes his device in place of what he had. One who is signed out loses it without a question; in a
    call nobody loses it: the call would go on in the next one's hand."""
    phone = _known(world, item.phone)
    if phone is None:
        raise CommandRejected(Rejection.UNKNOWN_PHONE)
    holder = _holder(world, index, phone)
    if holder is agent:
        return NOTHING
    if holder is not None and in_call(holder):
        raise CommandRejected(Rejection.PHONE_IN_CALL)
    if holder is not None and holder.signed_in and not item.take_over:
        raise CommandRejected(Rejection.PHONE_ELSEWHERE)
    return Decision(_use_desk(world, agent, phone, holder, now), removal(agent.device))


def own_phone(world: World, index: Index, agent: Agent, now: float) -> tuple[ev.Event, ...]:
    """At sign-in: the desk phone that is his by configuration, unless he has a device or somebody works with it."""
    wanted = index.site_agents[agent.id].phone if agent.id in index.site_agents else ""
    phone = _known(world, wanted)
    if phone is None or agent.device is not None:
        return ()
    holder = _holder(world, index, phone)
    if holder is not None and (holder.signed_in or in_call(holder)):
        return ()
    return _use_desk(world, agent, phone, holder, now)


def _known(world: World, phone: str) -> PhoneConfig | None:
    return next((known for known in world.site.phones if known.id == phone), None)


def _holder(world: World, index: Index, phone: PhoneConfig) -> Agent | None:
    return world.agents.get(index.agent_of_endpoint.get(desk_endpoint(phone.id), AgentId("")))


def _use_desk(
    world: World, agent: Agent, phone: PhoneConfig, holder: Agent | None, now: float
) -> tuple[ev.Event, ...]:
    return _use(agent, desk_endpoint(phone.id), DeviceKind.DESK, holder, world.phone_there(phone), now)


def _use(
    agent: Agent, endpoint: str, kind: DeviceKind, holder: Agent | None, there: bool, now: float
) -> tuple[ev.Event, ...]:
    """It comes from its holder to this agent. `there`: it can be rung."""
    lease = LeaseId(endpoint)
    released = () if holder is None else (ev.DeviceReleased(agent=holder.id, lease=lease, at=now),)
    taken = ev.DeviceTaken(
        agent=agent.id,
        lease=lease,
        endpoint=endpoint,
        instance="",
        previous=agent.device.lease if agent.device is not None else None,
        kind=kind,
        contact=there,
        at=now,
    )
    return (*released, taken, *((_ready(agent.id, endpoint, "", now),) if there else ()))


def _use_number(world: World, index: Index, agent: Agent, item: cmd.UseNumber, now: float) -> Decision:
    """An outside number becomes his device: the one that he says, or the site's for him. The rules are those of any
    number that an agent dials; only one agent is at a number."""
    config = index.site_agents.get(agent.id)
    number = number_of(item.number or (config.number if config is not None else ""))
    if not world.site.outbound.trunk:
        raise CommandRejected(Rejection.NO_TRUNK)
    if not number:
        raise CommandRejected(Rejection.BAD_NUMBER)
    if not may_call(world.site, number, own=False):
        raise CommandRejected(Rejection.NUMBER_NOT_ALLOWED)
    endpoint = outside_endpoint(number)
    holder = world.agents.get(index.agent_of_endpoint.get(endpoint, AgentId("")))
    if holder is agent:
        return NOTHING
    if holder is not None and (in_call(holder) or holder.signed_in):
        raise CommandRejected(Rejection.PHONE_ELSEWHERE)
    return Decision(_use(agent, endpoint, DeviceKind.OUTSIDE, holder, True, now), removal(agent.device))


def site_changed(world: World, now: float) -> Decision:
    """The phones of the site are others now: whoever has one that is gone has none; the switch is told of all."""
    events: list[ev.Event] = []
    phones = {desk_endpoint(phone.id): phone for phone in world.site.phones}
    registering = [phone.id for phone in world.site.phones if not phone.contact]
    for name in [phone for phone in world.desk_phones if phone not in registering]:
        events.append(ev.DeskPhoneChanged(phone=name, present=False, at=now))
    for agent in world.agents.values():
        device = agent.device
        if device is not None and device.kind is DeviceKind.OUTSIDE:
            number = outside_number(device.endpoint) or ""
            if not world.site.outbound.trunk or not may_call(world.site, number, own=False):
                events.append(ev.DeviceReleased(agent=agent.id, lease=device.lease, at=now))
        if device is None or device.kind is not DeviceKind.DESK:
            continue
        phone = phones.get(device.endpoint)
        if phone is None:
            events.append(ev.DeviceReleased(agent=agent.id, lease=device.lease, at=now))
        else:
            events.extend(_contact(agent, world.phone_there(phone), now))
    effects = (fx.SetPhones(phones=world.site.phones),) if world.switch_up else ()  # else they are set at its connect
    return Decision(tuple(events), effects)


# --- what the switch sees ---------------------------------------------------------------------------


def contact_changed(world: World, index: Index, fact: facts.DeviceContact, now: float) -> tuple[ev.Event, ...]:
    agent = world.agents.get(index.agent_of_endpoint.get(fact.endpoint, AgentId("")))
    name = desk_phone(fact.endpoint)
    if name is None:
        return _contact(agent, fact.present, now) if agent is not None else ()
    phone = _known(world, name)
    return _seen(world, phone, agent, fact.present, now) if phone is not None else ()


def switch_seen(world: World, index: Index, fact: facts.SwitchSeen, now: float) -> tuple[ev.Event, ...]:
    """What the switch says about contacts is the truth."""
    contacts = dict.fromkeys(fact.contacts)
    events: list[ev.Event] = []
    for agent in world.agents.values():
        if agent.device is not None and agent.device.kind is DeviceKind.BROWSER:
            events.extend(_contact(agent, agent.device.endpoint in contacts, now))
    for phone in world.site.phones:
        there = desk_endpoint(phone.id) in contacts
        events.extend(_seen(world, phone, _holder(world, index, phone), there, now))
    return tuple(events)


def _seen(
    world: World, phone: PhoneConfig, holder: Agent | None, there: bool, now: float
) -> tuple[ev.Event, ...]:
    """A desk phone has registered or is gone; one at a fixed contact is where it is."""
    if phone.contact or there == (phone.id in world.desk_phones):
        return ()
    changed = ev.DeskPhoneChanged(phone=phone.id, present=there, at=now)
    return (changed, *(_contact(holder, there, now) if holder is not None else ()))


def _contact(agent: Agent, there: bool, now: float) -> tuple[ev.Event, ...]:
    """A page says by itself when it is a phone again; for a desk phone its contact is all there is."""
    device = agent.device
    if device is None or device.contact == there:
        return ()
    changed = ev.DeviceContactChanged(agent=agent.id, endpoint=device.endpoint, present=there, at=now)
    if device.kind is DeviceKind.DESK and there:
        return (changed, _ready(agent.id, device.endpoint, "", now))
    return (changed,)
