"""The world: the whole live state, owned by the one dispatcher. Only the cores' `apply` changes it.

Each part has one owner (talk: ctiserver.calls, work: acd.core, ivr: ivr.runtime); everybody in a turn may read.
Indexes (leg -> conversation, agent -> conversation) are derived and rebuilt, never stored.
"""

from __future__ import annotations

import msgspec

from ctiserver.model.deadlines import Deadlines
from ctiserver.model.ids import AgentId, ContactId, ConversationId, Ids, LegId, QueueId, ReservationId
from ctiserver.model.ivr import IvrSession
from ctiserver.model.site import AgentConfig, PhoneConfig, QueueConfig, SiteConfig
from ctiserver.model.talk import Conversation, Leg
from ctiserver.model.work import Agent, Contact, Reservation


class Ctx(msgspec.Struct, frozen=True):
    """What a decision may know beyond the state: the turn's time (epoch seconds), its ids, its seed."""

    now: float
    ids: Ids
    seed: int


class WorldState(msgspec.Struct, kw_only=True):
    """The stored form of the world (a snapshot). `desk_phones`: those that are registered, since when."""

    seq: int = 0
    now: float = 0.0
    site: SiteConfig = msgspec.field(default_factory=SiteConfig)
    switch_up: bool = False
    conversations: dict[ConversationId, Conversation] = {}
    ivr: dict[ConversationId, IvrSession] = {}
    agents: dict[AgentId, Agent] = {}
    desk_phones: dict[str, float] = {}
    contacts: dict[ContactId, Contact] = {}
    reservations: dict[ReservationId, Reservation] = {}
    deadlines: dict[str, float] = {}


class World:
    """The live state. `seq` is the last record applied, `now` its time."""

    __slots__ = (
        "_site",
        "agent_configs",
        "agents",
        "contacts",
        "conversation_of_contact",
        "conversation_of_leg",
        "conversations",
        "deadlines",
        "desk_phones",
        "ivr",
        "now",
        "queue_configs",
        "reservations",
        "seq",
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
        self.contacts = state.contacts
        self.reservations = state.reservations
        self.deadlines = Deadlines(state.deadlines)
        self.conversation_of_leg: dict[LegId, ConversationId] = {
            leg: conversation.id for conversation in self.conversations.values() for leg in conversation.legs
        }
        self.conversation_of_contact: dict[ContactId, ConversationId] = {
            conversation.contact: conversation.id
            for conversation in self.conversations.values()
            if conversation.contact is not None
        }

    @property
    def site(self) -> SiteConfig:
        return self._site

    @site.setter
    def site(self, site: SiteConfig) -> None:
        self._site = site
        self.agent_configs: dict[AgentId, AgentConfig] = {AgentId(config.id): config for config in site.agents}
        self.queue_configs: dict[QueueId, QueueConfig] = {QueueId(config.id): config for config in site.queues}

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
