"""The checker: the properties of DESIGN section 8 that concern the ACD, tested on a whole world.

Lives here: plain, slow, independent questions (no index is used to answer them); asked by tests after every turn and by
the auditor now and then. Not here: any repair. Each violation is one English sentence without personal data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from acd.core import agent as agents
from acd.core import contact as contacts
from acd.core import reservation as reservations
from acd.core.devices import present
from acd.core.index import Index
from acd.core.skills import fits, frozen
from ctiserver.model.ids import AgentId, ContactId, ReservationId, desk_endpoint
from ctiserver.model.site import AgentConfig
from ctiserver.model.work import Agent, Contact, ContactState, Device, DeviceKind, Reservation, WorkItem, WorkKind
from ctiserver.model.world import World


def violations(world: World, index: Index | None = None) -> list[str]:
    """What does not hold between two turns; empty when all is well. `index`: must equal one rebuilt from the world."""
    found = [
        *_agents(world),
        *_contacts(world),
        *_reservations(world),
        *_unserved(world),
        *_deadlines(world),
    ]
    if index is not None:
        found.extend(_index(world, index))
    return found


def admitted(site_agent: AgentConfig, contact: Contact) -> bool:
    """Whether the agent may ever get the contact: the named one, or a member of the queue with the skills."""
    if contact.only_agent is not None:
        return contact.only_agent == site_agent.id
    return contact.queue in site_agent.queues and fits(site_agent.skills, frozen(contact.requires))


def _agents(world: World) -> Iterator[str]:
    devices = [agent.device.endpoint for agent in world.agents.values() if agent.device is not None]
    for endpoint in sorted(endpoint for endpoint, count in Counter(devices).items() if count > 1):
        yield f"device {endpoint} is the phone of more than one agent"
    for agent in world.agents.values():
        if agent.device is not None and agent.device.kind is DeviceKind.DESK:
            yield from _desk_phone(world, agent, agent.device)
        if len(agent.work) > 1:
            yield f"agent {agent.id} has {len(agent.work)} voice items"
        if not agent.signed_in and (agent.ready or agent.work):
            yield f"agent {agent.id} is signed out and ready or at work"
        if agent.ready and agent.reason:
            yield f"agent {agent.id} is ready with a reason"
        for name, item in agent.work.items():
            yield from _item(world, agent, name, item)


def _desk_phone(world: World, agent: Agent, device: Device) -> Iterator[str]:
    phone = next((known for known in world.site.phones if desk_endpoint(known.id) == device.endpoint), None)
    if phone is None:
        yield f"agent {agent.id} uses {device.endpoint}, which is no phone of the site"
    elif device.contact != present(world, phone):
        yield f"agent {agent.id} and the site differ on whether {device.endpoint} is there"


def _item(world: World, agent: Agent, name: ContactId, item: WorkItem) -> Iterator[str]:
    contact = world.contacts.get(name)
    if contact is None:
        yield f"agent {agent.id} works on {name}, which is not known"
        return
    match item.kind:
        case WorkKind.RESERVED:
            held = world.reservations.get(item.reservation or ReservationId(""))
            if held is None or agent.id not in held.agents or held.agents[agent.id].closed or held.contact != name:
                yield f"agent {agent.id} is reserved without a reservation"
        case WorkKind.BUSY:
            if contact.state is not ContactState.CONNECTED or contact.agent != agent.id:
                yield f"agent {agent.id} is busy with {name}, which is {contact.state.value}"
        case WorkKind.WRAP_UP:
            if contact.state is not ContactState.ENDED or contact.agent != agent.id:
                yield f"agent {agent.id} wraps up {name}, which is {contact.state.value}"


def _contacts(world: World) -> Iterator[str]:
    seen: dict[str, ContactId] = {}
    for name, contact in world.contacts.items():
        holders = [agent.id for agent in world.agents.values() if name in agent.work]
        if contact.state is not ContactState.ENDED:
            if contact.conversation in seen:
                yield f"{name} and {seen[contact.conversation]} are contacts of one conversation"
            seen[contact.conversation] = name
            conversation = world.conversations.get(contact.conversation)
            if conversation is None or conversation.cleared:
                yield f"{name} is {contact.state.value} for a caller who is gone"
        match contact.state:
            case ContactState.WAITING:
                if contact.reservation is not None or contact.agent is not None:
                    yield f"{name} waits and is somewhere else too"
            case ContactState.RESERVED:
                held = world.reservations.get(contact.reservation or ReservationId(""))
                if held is None or held.contact != name or held.decided or not reservations.live_agents(held):
                    yield f"{name} is reserved without a live reservation"
            case ContactState.CONNECTED:
                item = world.agents[contact.agent].work.get(name) if contact.agent is not None else None
                if item is None or item.kind is not WorkKind.BUSY:
                    yield f"{name} is connected to nobody"
            case ContactState.ENDED:
                if contact.end_reason is None:
                    yield f"{name} ended without a reason"
                if not holders and all(held.contact != name for held in world.reservations.values()):
                    yield f"{name} ended and is in nobody's hands, and is still there"


def _reservations(world: World) -> Iterator[str]:
    holding: dict[AgentId, ReservationId] = {}
    for held in world.reservations.values():
        if all(offered.closed for offered in held.agents.values()):
            yield f"reservation {held.id} has no open agent and is still there"
        live = reservations.live_agents(held)
        contact = world.contacts.get(held.contact)
        if live and (contact is None or contact.reservation != held.id or held.decided):
            yield f"reservation {held.id} is live and its contact is elsewhere"
        for offered in held.agents.values():
            if offered.closed:
                continue
            if offered.agent in holding:
                yield f"agent {offered.agent} is in two reservations, {holding[offered.agent]} and {held.id}"
            holding[offered.agent] = held.id
            item = world.agents[offered.agent].work.get(held.contact)
            if item is None or item.kind is not WorkKind.RESERVED or item.reservation != held.id:
                yield f"agent {offered.agent} does not know of reservation {held.id}"
            if reservations.live(offered) and not agents.reachable(world.agents[offered.agent]):
                yield f"agent {offered.agent} is offered {held.contact} and cannot be reached"


def _unserved(world: World) -> Iterator[str]:
    if not world.switch_up:
        return
    queues = [queue.id for queue in world.site.queues]
    free = [a for a in world.site.agents if agents.eligible(world.agents[AgentId(a.id)])]
    for name, contact in world.contacts.items():
        if contact.state is not ContactState.WAITING or contact.away or contact.queue not in queues:
            continue
        for site_agent in free:
            if admitted(site_agent, contact) and not contact.avoid.get(AgentId(site_agent.id)):
                yield f"{name} waits while agent {site_agent.id} is free for it"


def _deadlines(world: World) -> Iterator[str]:
    """Every item of work has a deadline where nothing else would end it, and every deadline of ours has a cause."""
    wanted = dict.fromkeys(
        [
            *(key for agent in world.agents.values() for key in _of_agent(agent)),
            *(key for contact in world.contacts.values() for key in _of_contact(contact)),
            *(key for held in world.reservations.values() for key in _of_reservation(held)),
        ]
    )
    present = [key for key in world.deadlines.as_dict() if key.startswith("acd.")]
    yield from (f"deadline {key} is missing" for key in wanted if key not in present)
    yield from (f"deadline {key} has no cause" for key in present if key not in wanted)


def _of_agent(agent: Agent) -> Iterator[str]:
    if agent.signed_in and agent.ready and not agents.reachable(agent):
        yield agents.lost_key(agent.id)
    for name, item in agent.work.items():
        if item.kind is WorkKind.WRAP_UP:
            yield reservations.wrap_key(agent.id, name)
        if item.lost_at:
            yield reservations.takeback_key(name)


def _of_contact(contact: Contact) -> Iterator[str]:
    if contact.state in (ContactState.WAITING, ContactState.RESERVED):
        yield contacts.maxwait_key(contact.id)
    yield from (contacts.avoid_key(contact.id, agent) for agent, until in contact.avoid.items() if until)


def _of_reservation(held: Reservation) -> Iterator[str]:
    live = reservations.live_agents(held)
    if any(not offered.ringing for offered in live):
        yield reservations.confirm_key(held.id)
    if any(offered.ringing for offered in live):
        yield reservations.offer_key(held.id)
    if any(offered.withdrawing and not offered.closed for offered in held.agents.values()):
        yield reservations.withdraw_key(held.id)


def _index(world: World, index: Index) -> Iterator[str]:
    kept, rebuilt = index.snapshot(), Index(world).snapshot()
    for part, value in kept.items():
        if value != rebuilt[part]:
            yield f"index {part} differs: {value} is not {rebuilt[part]}"
