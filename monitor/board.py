"""The lead's live board as documents: agents, queues, calls; what a turn touches. Pure: no clock, no I/O.

Documents by key: `site`, `agent/<id>`, `queue/<id>`, `call/<conversation>`. A document is the same for everybody who
may hold it, so it is rendered and encoded once, however many boards show it (`ctiserver.model.teams` says who may).
Not here: sockets (`monitor.server`), what a lead may do (`ctiserver.api.floor_api`). Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from acd.core import forecast, queue_rules, served
from acd.core.agent import reachable
from ctiserver.model import events as ev, teams
from ctiserver.model.ids import AgentId, ContactId, ConversationId, QueueId, ReservationId
from ctiserver.model.site import FloorConfig, Label, ReasonConfig
from ctiserver.model.talk import Conversation, Place
from ctiserver.model.teams import Teams
from ctiserver.model.work import AgentState, Contact, ContactState, Task, WorkItem, WorkKind, agent_state
from ctiserver.model.world import World


class FloorQueue(msgspec.Struct, frozen=True, kw_only=True):
    name: Label
    service_level_seconds: float


class FloorSite(msgspec.Struct, frozen=True, kw_only=True):
    """What the board is labelled and coloured by: only the queues and groups of whoever looks."""

    reasons: tuple[ReasonConfig, ...]
    groups: dict[str, Label]
    queues: dict[str, FloorQueue]
    floor: FloorConfig


class AgentCall(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent has in hand, the most urgent. `kind`: reserved, busy or wrap_up."""

    conversation: str
    contact: str
    kind: WorkKind
    queue: str
    number: str
    name: str
    since: float
    held: bool
    lost: bool


class FloorAgent(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. `pending`: a break waits for the end of his work; `chosen_by`: who chose the state;
    `unread`: messages that he has not acknowledged."""

    id: str
    name: Label
    group: str
    state: AgentState
    since: float
    ready: bool
    reason: str
    chosen_by: str
    pending: bool
    reachable: bool
    call: AgentCall | None
    skills: dict[str, int]
    queues: tuple[str, ...]
    own_queues: tuple[str, ...]
    """of those the ones that he does not serve by his group"""
    handled: int
    unread: int


class FloorQueueNow(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. Service levels are shares 0 ... 1, None = no wait was over; `service_now`: this quarter of an hour and
    the one before, `good_now` of `over_now` waits. `predicted`: seconds for one who came now."""

    id: str
    open: bool
    waiting: int
    longest_since: float | None
    predicted: float | None
    service_now: float | None
    service_today: float | None
    good_now: int
    over_now: int
    good_today: int
    answered_today: int
    lost_today: int
    ready: int
    busy: int
    staffed: int


class FloorCall(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation that is not over. `place`: where the customer is; `state`: of its contact ('' = none);
    `agents`: who talks to him, or is being rung; `prefer`: who alone may have it for now ('' = anybody)."""

    conversation: str
    contact: str
    queue: str
    place: Place
    state: str
    number: str
    name: str
    agents: tuple[str, ...]
    since: float
    arrived_at: float
    priority: float
    head: bool
    prefer: str
    callback: bool


Doc = FloorSite | FloorAgent | FloorQueueNow | FloorCall


class Owner(msgspec.Struct, frozen=True):
    """Whose a document is: of a group, or of a queue; with neither only of those who have everything."""

    group: str = ""
    queue: str = ""


def site_doc(world: World, mine: Teams) -> FloorSite:
    queues = teams.queues_of(world, mine)
    return FloorSite(
        reasons=world.site.reasons,
        groups={g.id: g.name for g in world.site.groups if mine.groups is None or g.id in mine.groups},
        queues={
            name: FloorQueue(name=config.name, service_level_seconds=config.service_level_seconds)
            for name in queues
            for config in (world.queue_configs[name],)
        },
        floor=world.site.floor,
    )


def render(world: World, key: str, now: float) -> tuple[Owner, Doc] | None:
    """One document and whose it is; None: there is no such thing (any more). Not for `site`."""
    kind, _, name = key.partition("/")
    if kind == "agent":
        return _agent(world, AgentId(name))
    if kind == "queue":
        return _queue(world, QueueId(name), now)
    return _call(world, ConversationId(name))


def keys(world: World) -> Iterable[str]:
    """Every document there could be now, but `site`."""
    yield from (f"agent/{name}" for name in world.agent_configs)
    yield from (f"queue/{name}" for name in world.queue_configs)
    yield from (f"call/{name}" for name in world.conversations)


_URGENT = (WorkKind.BUSY, WorkKind.RESERVED, WorkKind.WRAP_UP)


def _agent(world: World, name: AgentId) -> tuple[Owner, FloorAgent] | None:
    config, found = world.agent_configs.get(name), world.agents.get(name)
    if config is None or found is None:
        return None
    items = sorted(found.work.values(), key=lambda item: (_URGENT.index(item.kind), item.since, item.contact))
    doc = FloorAgent(
        id=name,
        name=config.name,
        group=config.group,
        state=agent_state(found),
        since=found.since,
        ready=found.ready,
        reason=found.reason,
        chosen_by=found.chosen_by,
        pending=bool(found.work) and not found.ready,
        reachable=reachable(found),
        call=_in_hand(world, items[0]) if items else None,
        skills=config.skills,
        queues=tuple(world.serves.get(name, ())),
        own_queues=config.queues,
        handled=found.handled_today,
        unread=len(found.notices),
    )
    return Owner(group=config.group), doc


def _in_hand(world: World, item: WorkItem) -> AgentCall:
    conversation = world.conversations.get(item.conversation)
    name = conversation.contact if conversation is not None and item.task is Task.CONSULT else item.contact
    contact = world.contacts.get(name or item.contact)  # a consult is about somebody else's contact
    return AgentCall(
        conversation=item.conversation,
        contact=item.contact,
        kind=item.kind,
        queue=contact.queue if contact is not None else "",
        number=conversation.caller_number if conversation is not None else "",
        name=_called(conversation) if conversation is not None else "",
        since=item.since,
        held=item.kind is WorkKind.BUSY and conversation is not None and conversation.place is Place.HELD,
        lost=item.lost_at > 0.0,
    )


def _called(conversation: Conversation) -> str:
    customer = conversation.customer
    return customer.name if customer is not None and customer.name else conversation.caller_name


def _queue(world: World, name: QueueId, now: float) -> tuple[Owner, FloorQueueNow] | None:
    if name not in world.queue_configs:
        return None
    waiting = [
        contact.entered_at
        for contact in world.contacts.values()
        if contact.queue == name and contact.state in (ContactState.WAITING, ContactState.RESERVED)
    ]
    states = [agent_state(world.agents[member]) for member in world.members[name] if member in world.agents]
    book = world.books.get(name)
    today = served.counted(book, served.midnight(world, name, now))
    lately = served.counted(book, served.lately(now))
    doc = FloorQueueNow(
        id=name,
        open=queue_rules.is_open(world, name, now),
        waiting=len(waiting),
        longest_since=min(waiting, default=None),
        predicted=forecast.predicted(world, name, len(waiting) + 1),
        service_now=served.share(lately),
        service_today=served.share(today),
        good_now=lately.good,
        over_now=lately.good + lately.late + lately.lost,
        good_today=today.good,
        answered_today=today.good + today.late,
        lost_today=today.lost,
        ready=states.count(AgentState.READY),
        busy=sum(state in (AgentState.BUSY, AgentState.RESERVED, AgentState.WRAP_UP) for state in states),
        staffed=len(states) - states.count(AgentState.NULL),
    )
    return Owner(queue=name), doc


def _call(world: World, name: ConversationId) -> tuple[Owner, FloorCall] | None:
    conversation = world.conversations.get(name)
    if conversation is None or conversation.cleared:
        return None
    contact = world.contacts.get(conversation.contact) if conversation.contact is not None else None
    if contact is not None and contact.state is ContactState.ENDED:
        contact = None
    agents = _with(world, conversation, contact)
    doc = FloorCall(
        conversation=name,
        contact=contact.id if contact is not None else "",
        queue=contact.queue if contact is not None else "",
        place=conversation.place,
        state=contact.state.value if contact is not None else "",
        number=conversation.caller_number,
        name=_called(conversation),
        agents=agents,
        since=_since(conversation, contact),
        arrived_at=conversation.arrived_at,
        priority=contact.priority if contact is not None else 0.0,
        head=contact.head if contact is not None else False,
        prefer=(contact.prefer or "") if contact is not None and contact.prefer_until else "",
        callback=conversation.callback,
    )
    if conversation.agent is not None:
        config = world.agent_configs.get(conversation.agent)
        return Owner(group=config.group if config is not None else ""), doc
    return Owner(queue=contact.queue if contact is not None else ""), doc


def _with(world: World, conversation: Conversation, contact: Contact | None) -> tuple[str, ...]:
    if conversation.agent is not None:
        return (conversation.agent,)
    held = world.reservations.get(contact.reservation or ReservationId("")) if contact is not None else None
    return tuple(offered.agent for offered in held.agents.values() if not offered.closed) if held is not None else ()


def _since(conversation: Conversation, contact: Contact | None) -> float:
    if conversation.talking_since:
        return conversation.talking_since
    return contact.entered_at if contact is not None else conversation.arrived_at


# --- what a turn touches ------------------------------------------------------------------------------


class Touched:
    """The keys whose documents may be different since they were last taken. It remembers whose documents show a
    conversation, because an event about the customer names nobody else. Every event of an offer names its agents."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._in: dict[ConversationId, dict[AgentId, None]] = {}
        """whose documents show a conversation"""
        self.fast: dict[str, None] = {}
        """agents and calls: shown at once"""
        self.queues: dict[str, None] = {}
        """figures, which change calmly"""
        self.all = False
        for agent in world.agents.values():
            for item in agent.work.values():
                self._in.setdefault(item.conversation, {})[agent.id] = None

    def turn(self, events: Iterable[ev.Event]) -> None:
        for event in events:
            if isinstance(event, ev.SiteChanged):
                self.all = True
                continue
            for name in self._agents(event):
                self._agent(name)
            conversation = getattr(event, "conversation", None)
            contact = getattr(event, "contact", None)
            if contact:
                self._contact(ContactId(contact))
            if conversation:
                self._conversation(ConversationId(conversation))
            queue = getattr(event, "queue", None)
            if queue:
                self.queues[f"queue/{queue}"] = None

    def _agents(self, event: ev.Event) -> Iterable[AgentId]:
        match event:
            case ev.OfferMade():
                return event.agents
            case ev.DeadlinePassed():
                return self._deadline(event.key)
            case _:
                agent = getattr(event, "agent", None)
                return (AgentId(agent),) if agent else ()

    def _deadline(self, key: str) -> Iterable[AgentId]:
        """The few whose own event changes what is shown."""
        kind, _, rest = key.partition(":")
        if kind == "acd.hours":
            self.queues[f"queue/{rest}"] = None
        return (AgentId(rest.partition(":")[2]),) if kind == "acd.withdraw" else ()

    def _agent(self, name: AgentId) -> None:
        self.fast[f"agent/{name}"] = None
        for queue in self._world.serves.get(name, ()):
            self.queues[f"queue/{queue}"] = None
        found = self._world.agents.get(name)
        for item in found.work.values() if found is not None else ():
            self._in.setdefault(item.conversation, {})[name] = None

    def _contact(self, name: ContactId) -> None:
        found = self._world.contacts.get(name)
        if found is not None:
            if found.callee is not None:
                self._agent(found.callee)
            self._conversation(found.conversation)
            self.queues[f"queue/{found.queue}"] = None

    def _conversation(self, name: ConversationId) -> None:
        self.fast[f"call/{name}"] = None
        for agent in self._in.get(name, ()):
            self.fast[f"agent/{agent}"] = None
        if name not in self._world.conversations:
            self._in.pop(name, None)

    def taken(self) -> tuple[str, ...]:
        """The fast ones; they count as shown from now on."""
        fast, self.fast = tuple(self.fast), {}
        return fast

    def figures(self) -> tuple[str, ...]:
        queues, self.queues = tuple(self.queues), {}
        return queues
