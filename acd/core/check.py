"""The checker: the properties of DESIGN section 8 that concern the ACD, tested on a whole world.

Lives here: plain, independent questions (no index is used to answer them), each in one pass; asked by tests after every
turn and by the auditor at every beat. Not here: any repair (`repair`). A detail is an English sentence without personal
data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from acd.core import (
    agent as agents,
    asking,
    consult,
    contact as contacts,
    queue_rules,
    reservation as reservations,
    waiting,
)
from acd.core.index import Index
from ctiserver.model.facts import SeenEndpoint
from ctiserver.model.faults import Fault, FaultKind
from ctiserver.model.ids import (
    OUTSIDE_PARTY,
    QUEUE_PARTY,
    AgentId,
    ContactId,
    ConversationId,
    ReservationId,
    desk_endpoint,
    desk_phone,
    is_lease,
)
from ctiserver.model.routing import VOICE
from ctiserver.model.talk import PartyState, party
from ctiserver.model.work import Agent, Contact, ContactState, Device, DeviceKind, Reservation, Task, WorkItem, WorkKind
from ctiserver.model.world import World


def faults(world: World, index: Index | None = None) -> list[Fault]:
    """What does not hold between two turns; empty when all is well. `index`: must equal one rebuilt from the world."""
    found = [
        *_agents(world),
        *_parties(world),
        *_contacts(world),
        *_reservations(world),
        *_unserved(world),
        *_deadlines(world),
        *_books(world),
    ]
    if index is not None:
        found.extend(_index(world, index))
    return list({fault.key: fault for fault in reversed(found)}.values())[::-1]


def _agents(world: World) -> Iterator[Fault]:
    holders = [agent for agent in world.agents.values() if agent.device is not None]
    count = Counter(agent.device.endpoint for agent in holders if agent.device is not None)
    for agent in holders:
        if agent.device is not None and count[agent.device.endpoint] > 1:
            yield _agent(agent, f"device {agent.device.endpoint} is the phone of more than one agent")
    for agent in world.agents.values():
        if agent.device is not None and agent.device.kind is DeviceKind.DESK:
            yield from _desk_phone(world, agent, agent.device)
        spoken = sum(1 for item in agent.work.values() if item.medium in agents.SPOKEN)
        if spoken > 1:
            yield _agent(agent, f"agent {agent.id} has {spoken} voice items")
        if not agent.signed_in and (agent.ready or agent.work):
            yield _agent(agent, f"agent {agent.id} is signed out and ready or at work")
        if agent.ready and agent.reason:
            yield _agent(agent, f"agent {agent.id} is ready with a reason")
        for name, item in agent.work.items():
            wrong = _item(world, agent, name, item)
            if wrong:
                yield _work(agent.id, name, item.conversation, wrong)


def _desk_phone(world: World, agent: Agent, device: Device) -> Iterator[Fault]:
    phone = next((known for known in world.site.phones if desk_endpoint(known.id) == device.endpoint), None)
    if phone is None:
        yield _agent(agent, f"agent {agent.id} uses {device.endpoint}, which is no phone of the site")
    elif device.contact != world.phone_there(phone):
        yield _agent(agent, f"agent {agent.id} and the site differ on whether {device.endpoint} is there")


def _item(world: World, agent: Agent, name: ContactId, item: WorkItem) -> str:
    """Why he cannot have this in hand; empty: he can."""
    if item.task is Task.CONSULT:
        return _consult(world, agent, item)
    contact = world.contacts.get(name)
    if contact is None:
        return f"agent {agent.id} works on {name}, which is not known"
    match item.kind:
        case WorkKind.RESERVED:
            held = world.reservations.get(item.reservation or ReservationId(""))
            if held is None or agent.id not in held.agents or held.agents[agent.id].closed or held.contact != name:
                return f"agent {agent.id} is reserved without a reservation"
        case WorkKind.BUSY:
            if contact.state is not ContactState.CONNECTED or agent.id not in (contact.agent, contact.callee):
                return f"agent {agent.id} is busy with {name}, which is {contact.state.value}"
        case WorkKind.WRAP_UP:
            if contact.state not in (ContactState.ENDED, ContactState.SCHEDULED) or contact.agent != agent.id:
                return f"agent {agent.id} wraps up {name}, which is {contact.state.value}"
    return ""


def _consult(world: World, agent: Agent, item: WorkItem) -> str:
    """A consult lives in its conversation, or ends with his leg."""
    conversation = world.conversations.get(item.conversation)
    one = party(conversation, agent.id) if conversation is not None else None
    if item.leaving:
        return "" if one is None else f"agent {agent.id} has left a consult and is still in it"
    if conversation is None or conversation.cleared or conversation.agent is None or one is None:
        return f"agent {agent.id} is in a consult that is over"
    there = one.state in (PartyState.CONSULTING, PartyState.JOINED)
    if one.item != item.contact or there is not (item.kind is WorkKind.BUSY):
        return f"agent {agent.id} is {item.kind.value} with a consult that is {one.state.value}"
    return ""


def _parties(world: World) -> Iterator[Fault]:
    """Whoever was called in knows of it."""
    for conversation in world.conversations.values():
        for one in conversation.parties:
            if one.agent in (QUEUE_PARTY, OUTSIDE_PARTY):
                continue
            agent = world.agents.get(one.agent)
            if agent is None or one.item not in agent.work:
                yield _work(one.agent, one.item, conversation.id, f"agent {one.agent} does not know of his consult")


def _contacts(world: World) -> Iterator[Fault]:
    seen: dict[str, ContactId] = {}
    in_hand = dict.fromkeys(
        [
            *(name for agent in world.agents.values() for name in agent.work),
            *(held.contact for held in world.reservations.values()),
        ]
    )
    for name, contact in world.contacts.items():
        if contact.state is not ContactState.ENDED:
            if contact.conversation in seen:
                yield _contact(contact, f"{name} and {seen[contact.conversation]} are contacts of one conversation")
            seen[contact.conversation] = name
            conversation = world.conversations.get(contact.conversation)
            if conversation is None or conversation.cleared:
                yield _contact(contact, f"{name} is {contact.state.value} for a caller who is gone")
        match contact.state:
            case ContactState.WAITING:
                if contact.reservation is not None or contact.agent is not None:
                    yield _contact(contact, f"{name} waits and is somewhere else too")
            case ContactState.RESERVED:
                held = world.reservations.get(contact.reservation or ReservationId(""))
                if held is None or held.contact != name or held.decided or not reservations.live_agents(held):
                    yield _contact(contact, f"{name} is reserved without a live reservation")
            case ContactState.CONNECTED:
                agent = world.agents.get(contact.agent or AgentId(""))
                item = agent.work.get(name) if agent is not None else None
                if item is None or item.kind is not WorkKind.BUSY:
                    yield _contact(contact, f"{name} is connected to nobody")
            case ContactState.SCHEDULED:
                if contact.booking is None or not contact.booking.retry_at:
                    yield _contact(contact, f"{name} is to be tried again, nobody knows when")
            case ContactState.ENDED:
                if contact.end_reason is None:
                    yield _contact(contact, f"{name} ended without a reason")
                if name not in in_hand:
                    yield _contact(contact, f"{name} ended and is in nobody's hands, and is still there")


def _reservations(world: World) -> Iterator[Fault]:
    holding: dict[AgentId, ReservationId] = {}
    for held in world.reservations.values():
        if all(offered.closed for offered in held.agents.values()):
            yield _reservation(held, f"reservation {held.id} has no open agent and is still there")
        live = reservations.live_agents(held)
        contact = world.contacts.get(held.contact)
        if live and (contact is None or contact.reservation != held.id or held.decided):
            yield _reservation(held, f"reservation {held.id} is live and its contact is elsewhere")
        for offered in held.agents.values():
            if offered.closed:
                continue
            agent = world.agents.get(offered.agent)
            item = agent.work.get(held.contact) if agent is not None else None
            if agent is None or item is None or item.kind is not WorkKind.RESERVED or item.reservation != held.id:
                yield _reservation(held, f"agent {offered.agent} does not know of reservation {held.id}")
                continue
            if item.medium in agents.SPOKEN:
                if offered.agent in holding:
                    other = holding[offered.agent]
                    yield _reservation(held, f"agent {offered.agent} is in two reservations, {other} and {held.id}")
                holding[offered.agent] = held.id
            if reservations.live(offered) and not agents.reached(agent, item.medium):
                yield _reservation(held, f"agent {offered.agent} is offered {held.contact} and cannot be reached")


def _unserved(world: World) -> Iterator[Fault]:
    if not world.switch_up:
        return
    for conversation in world.conversations.values():
        one = asking.waits(conversation)
        for config in world.site.agents if one is not None else ():
            name_of = AgentId(config.id)
            if one is not None and _free(world, name_of, VOICE) and asking.admits(world, one, name_of):
                detail = f"{conversation.id} asks for anybody of {one.queue} while agent {name_of} is free"
                yield Fault(kind=FaultKind.UNSERVED, target=one.item, conversation=conversation.id, detail=detail)
                break
    able: dict[object, list[AgentId]] = {}  # who of the free may get contacts like this one
    for name, contact in world.contacts.items():
        if contact.state is not ContactState.WAITING or contact.away or contact.queue not in world.queue_configs:
            continue
        like = (
            *(contact.queue, contact.medium, contact.only_agent, waiting.alone(contact), contact.opened),
            waiting.requirement(contact, world.queue_configs[contact.queue]),
        )
        if like not in able:
            able[like] = [
                AgentId(config.id)
                for config in world.site.agents
                if _free(world, AgentId(config.id), contact.medium) and waiting.admits(world, config, contact)
            ]
        for agent in able[like]:
            if not contact.avoid.get(agent) and name not in world.agents[agent].work:
                detail = f"{name} waits while agent {agent} is free for it"
                yield Fault(kind=FaultKind.UNSERVED, target=name, conversation=contact.conversation, detail=detail)
                break


def _books(world: World) -> Iterator[Fault]:
    """Every queue: entered = ended for each reason + still here."""
    here = Counter(
        contact.queue
        for contact in world.contacts.values()
        if contact.state is not ContactState.ENDED and contacts.counted(contact)
    )
    for queue, book in world.books.items():
        ended = sum(book.ended.values())
        if book.entered != ended + here[queue]:
            detail = f"queue {queue}: {book.entered} entered, {ended} left, {here[queue]} are here"
            yield Fault(kind=FaultKind.BOOKS_WRONG, target=queue, detail=detail)


def _free(world: World, name: AgentId, medium: str) -> bool:
    agent = world.agents.get(name)
    return agent is not None and agents.eligible(agent, medium, world.capacities.get(name))


# --- deadlines ----------------------------------------------------------------------------------------


def wanted(world: World) -> dict[str, float]:
    """The ACD's deadlines as the state wants them: key and time. What cannot be known any more begins now."""
    return {
        **{key: due for agent in world.agents.values() for key, due in _of_agent(world, agent)},
        **{key: due for contact in world.contacts.values() for key, due in _of_contact(world, contact)},
        **dict(queue_rules.wanted(world)),
        **{key: due for held in world.reservations.values() for key, due in _of_reservation(world, held)},
    }


def _deadlines(world: World) -> Iterator[Fault]:
    """Every item of work has a deadline where nothing else would end it, and every deadline of ours has a cause."""
    due = wanted(world)
    present = [key for key in world.deadlines.keys() if key.startswith("acd.")]
    if len(due) == len(present) and all(key in due for key in present):
        return
    there = dict.fromkeys(present)
    for key, at in due.items():
        if key not in there:
            yield _missing(world, key, at)
    for key in present:
        if key not in due:
            yield Fault(kind=FaultKind.DEADLINE_STRAY, target=key, detail=f"deadline {key} has no cause")


def _missing(world: World, key: str, due: float) -> Fault:
    """A deadline that is not there, told as what it leaves standing for ever."""
    detail = f"deadline {key} is missing"
    kind, _, rest = key.partition(":")
    if kind in ("acd.confirm", "acd.offer", "acd.withdraw"):
        return _reservation(world.reservations[ReservationId(rest.partition(":")[0])], detail)
    if kind in ("acd.wrap", "acd.consult"):
        agent, _, name = rest.partition(":")
        item = world.agents[AgentId(agent)].work[ContactId(name)]
        return _work(AgentId(agent), ContactId(name), item.conversation, detail)
    return Fault(kind=FaultKind.DEADLINE_MISSING, target=key, detail=detail, due=due)


def overdue(world: World, now: float, patience: float) -> list[Fault]:
    """Deadlines of all cores that should have fired more than `patience` seconds ago."""
    return [
        Fault(kind=FaultKind.DEADLINE_OVERDUE, target=key, detail=f"deadline {key} did not fire")
        for key in world.deadlines.before(now - patience)
    ]


def _of_agent(world: World, agent: Agent) -> Iterator[tuple[str, float]]:
    if agent.signed_in and agent.ready and not agents.reachable(agent):
        yield agents.lost_key(agent.id), world.now + agents.LOST_AFTER
    if agents.is_gone(world, agent):
        yield agents.gone_key(agent.id), world.now
    for name, item in agent.work.items():
        if item.task is Task.CONSULT:
            if item.until:
                yield consult.consult_key(agent.id, name), item.until
            continue
        if item.kind is WorkKind.WRAP_UP:
            yield reservations.wrap_key(agent.id, name), item.until
        if item.lost_at:
            yield reservations.takeback_key(name), item.lost_at + reservations.TAKE_BACK


def _of_contact(world: World, contact: Contact) -> Iterator[tuple[str, float]]:
    if contact.state is ContactState.SCHEDULED and contact.booking is not None:
        yield contacts.maxwait_key(contact.id), contact.booking.keep_until
        yield contacts.retry_key(contact.id), contact.booking.retry_at
    if contact.state in (ContactState.WAITING, ContactState.RESERVED):
        yield contacts.maxwait_key(contact.id), contacts.longest_wait(world, contact, world.now)
        yield from waiting.wanted(world, contact)
    for agent, until in contact.avoid.items():
        if until:
            yield contacts.avoid_key(contact.id, agent), until


def _of_reservation(world: World, held: Reservation) -> Iterator[tuple[str, float]]:
    live = reservations.live_agents(held)
    if any(not offered.ringing for offered in live):
        yield reservations.confirm_key(held.id), held.confirm_by
    if any(offered.ringing for offered in live):
        yield reservations.offer_key(held.id), held.deadline
    for offered in held.agents.values():
        if offered.withdrawing and not offered.closed:
            yield reservations.withdraw_key(held.id, offered.agent), world.now


# --- devices, index -------------------------------------------------------------------------------------


def devices(world: World, endpoints: tuple[SeenEndpoint, ...]) -> list[Fault]:
    """Agents' browsers and the site's desk phones as we know them, against the switch's endpoints."""
    there = {endpoint.id: endpoint.contact for endpoint in endpoints}
    wanted: dict[str, tuple[AgentId | None, bool | None]] = {}  # who has it, whether it counts as registered
    for agent in world.agents.values():
        if agent.device is not None and agent.device.kind is DeviceKind.BROWSER:
            wanted[agent.device.endpoint] = agent.id, agent.device.contact
    for phone in world.site.phones:
        wanted[desk_endpoint(phone.id)] = None, None if phone.contact else phone.id in world.desk_phones
    found: list[Fault] = []
    for name, (agent_id, registered) in wanted.items():
        if name not in there:
            detail = f"the switch has no endpoint {name}"
            found.append(Fault(kind=FaultKind.ENDPOINT_MISSING, target=name, agent=agent_id, detail=detail))
        elif registered is None or registered == there[name] or (agent_id is not None and not registered):
            continue  # a page that died leaves its contact in the switch until it expires (ADR 7)
        else:
            detail = f"endpoint {name}: the switch and we differ on whether it is registered"
            found.append(Fault(kind=FaultKind.LEASE_STALE, target=name, agent=agent_id, detail=detail))
    for name in there:
        if name not in wanted and (is_lease(name) or desk_phone(name) is not None):
            detail = f"endpoint {name} is nobody's device"
            found.append(Fault(kind=FaultKind.ENDPOINT_STRAY, target=name, detail=detail))
    return found


def _index(world: World, index: Index) -> Iterator[Fault]:
    kept, rebuilt = index.snapshot(), Index(world).snapshot()
    for part, value in kept.items():
        if value != rebuilt[part]:
            yield Fault(kind=FaultKind.INDEX_BROKEN, target=part, detail=f"index {part} differs from the state")


# --- words ------------------------------------------------------------------------------------------------


def _agent(agent: Agent, detail: str) -> Fault:
    return Fault(kind=FaultKind.AGENT_STATE, target=agent.id, agent=agent.id, detail=detail)


def _work(agent: AgentId, contact: ContactId, conversation: ConversationId, detail: str) -> Fault:
    return Fault(kind=FaultKind.WORK_STUCK, target=contact, agent=agent, conversation=conversation, detail=detail)


def _contact(contact: Contact, detail: str) -> Fault:
    return Fault(kind=FaultKind.CONTACT_STUCK, target=contact.id, conversation=contact.conversation, detail=detail)


def _reservation(held: Reservation, detail: str) -> Fault:
    return Fault(kind=FaultKind.RESERVATION_STUCK, target=held.id, conversation=held.conversation, detail=detail)
