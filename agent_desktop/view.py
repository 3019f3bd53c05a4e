"""What one user may see of the world, as small documents. Pure: no clock, no I/O.

A desktop holds documents by key: `me`, `site`, `queue/<id>`, `work/<contact>`. `keys_of` says which ones a user
may hold now, `render` makes one. The server sends the difference; so an old snapshot plus its deltas is the fresh
snapshot by construction (DESIGN 5.8). Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent_desktop import others
from agent_desktop.docs import (
    CallbackDoc,
    CallerDoc,
    DeskPhoneDoc,
    Doc,
    MeDoc,
    PartnerDoc,
    PhoneChoice,
    PhoneDoc,
    QueueDoc,
    QueueNameDoc,
    SiteDoc,
    UnansweredDoc,
    WorkDoc,
)
from agent_desktop.others import agent_name as agent_name, queue_name as queue_name
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, QueueId, desk_endpoint, desk_phone, outside_number
from ctiserver.model.routing import CallbackConfig
from ctiserver.model.site import Label
from ctiserver.model.talk import Conversation, Place
from ctiserver.model.work import (
    Agent,
    AgentState,
    Contact,
    ContactState,
    Device,
    DeviceKind,
    Reservation,
    Task,
    WorkItem,
    WorkKind,
    agent_state,
    in_call,
)
from ctiserver.model.world import World


def keys_of(world: World, agent: AgentId) -> tuple[str, ...]:
    """The documents that this agent may hold now, in a fixed order."""
    config = world.agent_configs.get(agent)
    found = world.agents.get(agent)
    queues = tuple(f"queue/{queue}" for queue in world.serves.get(agent, ())) if config is not None else ()
    work = tuple(f"work/{contact}" for contact in sorted(found.work)) if found is not None else ()
    return ("me", "site", *queues, *work)


def render(world: World, agent: AgentId, key: str) -> Doc | None:
    """One document as this agent sees it; None if it is not his (any more)."""
    match key.partition("/"):
        case ("me", _, _):
            return me(world, agent)
        case ("site", _, _):
            return site(world)
        case ("queue", _, queue):
            return queue_doc(world, QueueId(queue))
        case ("work", _, contact):
            found = world.agents.get(agent)
            item = found.work.get(ContactId(contact)) if found is not None else None
            return work(world, agent, item) if item is not None else None
        case _:
            return None


def me(world: World, agent: AgentId) -> MeDoc | None:
    config = world.agent_configs.get(agent)
    if config is None:
        return None
    found = world.agents.get(agent) or Agent(id=agent)
    device = found.device
    phone = None
    if device is not None:
        phone = PhoneDoc(
            kind=DeviceKind.BROWSER if device.kind is DeviceKind.BROWSER else DeviceKind.DESK,
            desk=_beside(world, device),
            lease=device.lease,
            instance=device.instance,
            registered=device.registered,
            contact=device.contact,
        )
    return MeDoc(
        agent=agent,
        name=config.name,
        signed_in=found.signed_in,
        state=agent_state(found),
        since=found.since,
        ready=found.ready,
        reason=found.reason,
        chosen_by=found.chosen_by,
        pending=bool(found.work) and not found.ready,
        phone=phone,
        own_phone=_desk_phone(world, config.phone),
        own_number=config.number,
        links=found.links,
        misses=found.misses,
        handled=found.handled_today,
        queues=tuple(world.serves.get(agent, ())),
        unanswered=_unanswered(world, found),
        notices=tuple(found.notices),
    )


def _unanswered(world: World, agent: Agent) -> UnansweredDoc | None:
    last = agent.unanswered
    if last is None:
        return None
    name = agent_name(world, last.to_agent) if last.to_agent is not None else None
    return UnansweredDoc(number=last.number, name=name, why=last.why, at=last.at)


def site(world: World) -> SiteDoc:
    return SiteDoc(
        desk_phones=bool(world.site.phones),
        outside=bool(world.site.outbound.trunk and world.site.outbound.prefixes),
        reasons=world.site.reasons,
        dispositions=world.site.dispositions,
        queues={
            queue.id: QueueNameDoc(
                name=queue.name,
                disposition_required=queue.disposition_required,
                wrap_up_seconds=queue.wrap_up_seconds,
                service_level_seconds=queue.service_level_seconds,
            )
            for queue in world.site.queues
        },
    )


def queue_doc(world: World, queue: QueueId) -> QueueDoc | None:
    """Counts over the queue's contacts and agents; the server asks for it at most a few times a second."""
    config = world.queue_configs.get(queue)
    if config is None:
        return None
    waiting = [
        contact.queued_at
        for contact in world.contacts.values()
        if contact.queue == queue and contact.state in (ContactState.WAITING, ContactState.RESERVED)
    ]
    states = [agent_state(world.agents[member]) for member in world.members[queue] if member in world.agents]
    return QueueDoc(
        id=queue,
        name=config.name,
        waiting=len(waiting),
        longest_since=min(waiting, default=None),
        ready=sum(state is AgentState.READY for state in states),
        staffed=sum(state is not AgentState.NULL for state in states),
        talking=sum(state is AgentState.BUSY for state in states),
    )


def _beside(world: World, device: Device) -> DeskPhoneDoc | None:
    """The phone that rings beside the page: one on the desk, or one at an outside number, named by it."""
    number = outside_number(device.endpoint)
    if number is not None:
        return DeskPhoneDoc(id=number, name=Label(zh=f"外线 {number}", en=f"outside line {number}"))
    return _desk_phone(world, desk_phone(device.endpoint))


def _desk_phone(world: World, name: str | None) -> DeskPhoneDoc | None:
    found = next((phone for phone in world.site.phones if phone.id == name), None)
    return DeskPhoneDoc(id=found.id, name=found.name) if found is not None else None


def phones(world: World, agent: AgentId) -> tuple[PhoneChoice, ...]:
    """The desk phones of the site as this agent may choose among them, his own first, then in the site's order."""
    config = world.agent_configs.get(agent)
    own = config.phone if config is not None else ""
    users = {a.device.endpoint: a for a in world.agents.values() if a.device is not None and a.id != agent}
    choices: list[PhoneChoice] = []
    for phone in world.site.phones:
        user = users.get(desk_endpoint(phone.id))
        named = world.agent_configs.get(user.id) if user is not None and (user.signed_in or in_call(user)) else None
        choices.append(
            PhoneChoice(
                id=phone.id,
                name=phone.name,
                there=world.phone_there(phone),
                own=phone.id == own,
                user=named.name if named is not None else None,
                in_call=user is not None and in_call(user),
            )
        )
    return tuple(sorted(choices, key=lambda choice: not choice.own))


def work(world: World, agent: AgentId, item: WorkItem) -> WorkDoc | None:
    """The pop: who calls, by which way, since when, and what can be done now."""
    conversation = world.conversations.get(item.conversation)
    if conversation is None or item.leaving:
        return None
    asked = item.task is Task.CONSULT  # then the contact is that of the agent who asks
    contact = world.contacts.get(item.contact if not asked else conversation.contact or ContactId(""))
    if contact is None:
        return None
    reservation = world.reservations.get(item.reservation) if item.reservation is not None else None
    offered = reservation.agents.get(agent) if reservation is not None else None
    offer = item.kind is WorkKind.RESERVED
    talking = item.kind is WorkKind.BUSY
    return WorkDoc(
        contact=item.contact,
        conversation=item.conversation,
        reservation=item.reservation if offer else None,
        task=item.task,
        side=conversation.side,
        parties=others.parties(world, conversation, agent) if item.kind is not WorkKind.WRAP_UP else (),
        party_gone=others.party_gone(world, conversation),
        kind="offer" if offer else item.kind.value,
        since=item.since,
        queue=contact.queue,
        medium=contact.medium,
        caller=CallerDoc(number=conversation.caller_number, name=conversation.caller_name),
        dialled=conversation.dialled,
        customer=conversation.customer,
        path=contact.path,
        data=contact.data,
        arrived_at=conversation.arrived_at,
        queued_at=contact.queued_at,
        ring_deadline=_ring_deadline(item, reservation),
        confirmed=others.rings(conversation, agent) or (offered is not None and (offered.confirmed or offered.ringing)),
        ringing=others.rings(conversation, agent)
        or (offered is not None and offered.ringing and not offered.withdrawing),
        talking_since=(conversation.talking_since or None) if talking else None,
        held=talking and conversation.place is Place.HELD,
        lost=item.lost_at > 0.0,
        recording=talking and bool(conversation.recordings),
        listened=talking and conversation.monitor is not None and world.site.floor.tell_listening,
        until=(item.until or None) if not asked else None,
        note=item.note,
        handed=others.handed(world, conversation, contact, asked=asked),
        calling=talking and conversation.place is Place.CALLING,
        called_since=_called_since(conversation) if talking else None,
        unreached_why=contact.unreached,
        partner=_partner(world, agent, contact),
        unreached=item.kind is WorkKind.WRAP_UP and contact.end_reason is not EndReason.ANSWERED,
        callback=_callback(world, contact),
    )


def _called_since(conversation: Conversation) -> float | None:
    leg = conversation.legs.get(conversation.customer_leg)
    return leg.created_at if leg is not None and conversation.place is Place.CALLING else None


def _partner(world: World, agent: AgentId, contact: Contact) -> PartnerDoc | None:
    if contact.callee is None or contact.agent is None:
        return None
    other = contact.callee if agent == contact.agent else contact.agent
    return PartnerDoc(agent=other, name=agent_name(world, other), calls=other == contact.agent)


def _ring_deadline(item: WorkItem, reservation: Reservation | None) -> float | None:
    if item.kind is not WorkKind.RESERVED:
        return None
    return item.until if item.task is Task.CONSULT else reservation.deadline if reservation is not None else None


def _callback(world: World, contact: Contact) -> CallbackDoc | None:
    booking = contact.booking
    if booking is None:
        return None
    queue = world.queue_configs.get(contact.queue)
    config = (queue.callback if queue is not None else None) or CallbackConfig()
    return CallbackDoc(
        tries=booking.tries,
        of=config.tries,
        last=booking.last,
        retry_at=booking.retry_at or None,
        booked_at=booking.booked_at,
    )


def agents_in(event: ev.Event) -> Iterable[AgentId]:
    """Whose documents an event may change (beside those who show its conversation)."""
    if isinstance(event, ev.OfferMade):
        return event.agents
    if isinstance(event, ev.CallMade) and event.to_agent is not None:
        return (event.agent, event.to_agent)
    agent = getattr(event, "agent", None)
    return (AgentId(agent),) if agent else ()
