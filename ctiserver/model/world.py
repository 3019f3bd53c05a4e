"""The world: the whole live state, owned by the one dispatcher. Only the cores' `apply` changes it.

Each part has one owner (talk: ctiserver.calls, work: acd.core, ivr: ivr.runtime); everybody in a turn may read.
Indexes (leg -> conversation, agent -> conversation) are derived and rebuilt, never stored.
"""

from __future__ import annotations

import msgspec

from ctiserver.model.deadlines import Deadlines
from ctiserver.model.ids import AgentId, ContactId, ConversationId, Ids, LegId, QueueId, ReservationId
from ctiserver.model.ivr import IvrSession
from ctiserver.model.routing import CalendarConfig, CapacityConfig, ServesConfig
from ctiserver.model.site import AgentConfig, PhoneConfig, QueueConfig, SiteConfig
from ctiserver.model.talk import Conversation, Leg, contacts_of
from ctiserver.model.work import Agent, Book, ClosedQueue, Contact, Forecast, LastAgent, Reservation


class Ctx(msgspec.Struct, frozen=True):
    """What a decision may know beyond the state: the turn's time (epoch seconds), its ids, its seed."""

    now: float
    ids: Ids
    seed: int


class WorldState(msgspec.Struct, kw_only=True):
    """The stored form of the world (a snapshot). `desk_phones`: those that are registered, since when. `closed_queues`:
    by the emergency switch. `last_agents`: customer -> whom he talked to last, the latest last.
    `books`: every queue's account since the first start; `forecasts`: how its line has moved."""

    seq: int = 0
    now: float = 0.0
    site: SiteConfig = msgspec.field(default_factory=SiteConfig)
    switch_up: bool = False
    conversations: dict[ConversationId, Conversation] = {}
    ivr: dict[ConversationId, IvrSession] = {}
    agents: dict[AgentId, Agent] = {}
    desk_phones: dict[str, float] = {}
    closed_queues: dict[QueueId, ClosedQueue] = {}
    last_agents: dict[str, LastAgent] = {}
    books: dict[QueueId, Book] = {}
    forecasts: dict[QueueId, Forecast] = {}
    contacts: dict[ContactId, Contact] = {}
    reservations: dict[ReservationId, Reservation] = {}
    deadlines: dict[str, float] = {}


class World:
    """The live state. `seq` is the last record applied, `now` its time."""

    __slots__ = (
        "_site",
        "agent_configs",
        "agents",
        "books",
        "calendars",
        "capacities",
        "closed_queues",
        "contacts",
        "conversation_of_contact",
        "conversation_of_leg",
        "conversations",
        "deadlines",
        "delays",
        "desk_phones",
        "forecasts",
        "ivr",
        "last_agents",
        "members",
        "now",
        "queue_configs",
        "reservations",
        "reservations_of_contact",
        "seq",
        "serves",
        "switch_up",
    )

    def __init__(self, state: WorldState | None = None) -> None:
        state = state or WorldState()
        self.seq = state.seq
        self.now = state.now
        self.site = state.site
        self.switch_up = state.switch_up
        self.conversations = state.conversations
        self.ivr = state.ivr
        self.agents = state.agents
        self.desk_phones = state.desk_phones
        self.closed_queues = state.closed_queues
        self.last_agents = state.last_agents
        self.books = state.books
        self.forecasts = state.forecasts
        self.contacts = state.contacts
        self.reservations = state.reservations
        self.deadlines = Deadlines(state.deadlines)
        self.conversation_of_leg: dict[LegId, ConversationId] = {
            leg: conversation.id for conversation in self.conversations.values() for leg in conversation.legs
        }
        self.reservations_of_contact: dict[ContactId, int] = {}
        """How many of the reservations are the contact's: those whose legs still end, too."""
        for reservation in self.reservations.values():
            made = self.reservations_of_contact.get(reservation.contact, 0)
            self.reservations_of_contact[reservation.contact] = made + 1
        self.conversation_of_contact: dict[ContactId, ConversationId] = {
            contact: conversation.id
            for conversation in self.conversations.values()
            for contact in contacts_of(conversation)
        }

    @property
    def site(self) -> SiteConfig:
        return self._site

    @site.setter
    def site(self, site: SiteConfig) -> None:
        self._site = site
        self.agent_configs: dict[AgentId, AgentConfig] = {AgentId(config.id): config for config in site.agents}
        self.queue_configs: dict[QueueId, QueueConfig] = {QueueId(config.id): config for config in site.queues}
        calendars = {calendar.id: calendar for calendar in site.calendars}
        self.calendars: dict[QueueId, CalendarConfig] = {
            QueueId(config.id): calendars[config.calendar] for config in site.queues if config.calendar in calendars
        }
        """Opening hours of the queues that have some."""
        groups = {group.id: group for group in site.groups}
        self.serves: dict[AgentId, dict[QueueId, ServesConfig]] = {}
        """Who serves which queue and how: by his group, else directly."""
        for agent in site.agents:
            group = groups.get(agent.group)
            served = {QueueId(one.queue): one for one in (group.serves if group is not None else ())}
            for direct in agent.queues:
                served.setdefault(QueueId(direct), ServesConfig(queue=direct))
            self.serves[AgentId(agent.id)] = {name: how for name, how in served.items() if name in self.queue_configs}
        self.members: dict[QueueId, dict[AgentId, ServesConfig]] = {queue: {} for queue in self.queue_configs}
        """The same the other way round."""
        for name, queues in self.serves.items():
            for served_queue, how in queues.items():
                self.members[served_queue][name] = how
        self.capacities: dict[AgentId, dict[str, CapacityConfig]] = {
            AgentId(agent.id): groups[agent.group].capacity for agent in site.agents if agent.group in groups
        }
        delays: dict[QueueId, list[float]] = {}
        for served in self.serves.values():
            for queue, how in served.items():
                if how.delay_seconds > 0:
                    delays.setdefault(queue, []).append(how.delay_seconds)
        self.delays: dict[QueueId, tuple[float, ...]] = {
            queue: tuple(sorted(dict.fromkeys(found))) for queue, found in delays.items()
        }
        """After how many seconds of waiting further groups see a queue's contacts, ascending."""

    def state(self) -> WorldState:
        """The storable form; shares the live objects, so encode it at once."""
        return WorldState(
            seq=self.seq,
            now=self.now,
            site=self.site,
            switch_up=self.switch_up,
            conversations=self.conversations,
            ivr=self.ivr,
            agents=self.agents,
            desk_phones=self.desk_phones,
            closed_queues=self.closed_queues,
            last_agents=self.last_agents,
            books=self.books,
            forecasts=self.forecasts,
            contacts=self.contacts,
            reservations=self.reservations,
            deadlines=self.deadlines.as_dict(),
        )

    def phone_there(self, phone: PhoneConfig) -> bool:
        """Whether the desk phone can be rung as far as we know: it is registered, or always at one place."""
        return bool(phone.contact) or phone.id in self.desk_phones

    def leg(self, leg: LegId) -> tuple[Conversation, Leg] | None:
        """The live leg and its conversation, or None if it is unknown or gone."""
        conversation = self.conversations.get(self.conversation_of_leg.get(leg, ConversationId("")))
        if conversation is None:
            return None
        found = conversation.legs.get(leg)
        return (conversation, found) if found is not None else None
