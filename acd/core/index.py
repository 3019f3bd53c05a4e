"""Indexes of the ACD: derived from the world, kept in step by the engine's `apply`, rebuilt after recovery.

Lives here: waiting contacts and eligible agents in order, members of a queue by status, who has which endpoint.
Not here: any fact that is not in the world (`check` compares an index with a rebuilt one).

Contacts of one queue with the same requirement form a *pool*: the same agents qualify for all of them, so a match is
the pool's first contact with its first agent. A pool is made when its first contact arrives.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TypeVar

from acd.core import agent as agents
from acd.core.contact import RankKey, rank_key
from acd.core.skills import Requirement, fits, frozen
from ctiserver.model.errors import InvariantBroken
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LegId, QueueId, ReservationId
from ctiserver.model.site import AgentConfig
from ctiserver.model.work import Agent, AgentState, Contact, ContactState
from ctiserver.model.world import World

MAX_POOLS = 512
"""Pools without a waiting contact are dropped above this number (flows could ask for ever new requirements)."""

PoolKey = tuple[QueueId, Requirement, AgentId]
"""Queue, requirement, and the one agent who is wanted ('' = anyone who fits)."""
AgentKey = tuple[float, AgentId]
"""Idle since, id: the longest idle agent is first."""


_Key = TypeVar("_Key", RankKey, AgentKey)


class Pool:
    """Contacts that the same agents qualify for; both lists sorted."""

    __slots__ = ("eligible", "key", "members", "waiting")

    def __init__(self, key: PoolKey) -> None:
        self.key = key
        self.waiting: list[RankKey] = []
        self.eligible: list[AgentKey] = []
        self.members: dict[AgentId, None] = {}


class Seen:
    """What the index knows of an agent."""

    __slots__ = ("endpoint", "idle_since", "state", "status")

    def __init__(self, agent: Agent) -> None:
        self.status = agents.status(agent)
        self.state: AgentState = agents.state(agent)
        self.idle_since = agent.idle_since
        self.endpoint = agent.device.endpoint if agent.device is not None else ""


class Index:
    """All indexes of one world."""

    def __init__(self, world: World) -> None:
        self.site_agents: dict[AgentId, AgentConfig] = world.agent_configs
        self.members: dict[QueueId, list[AgentId]] = {QueueId(queue.id): [] for queue in world.site.queues}
        for config in world.site.agents:
            for name in config.queues:
                if QueueId(name) in self.members:
                    self.members[QueueId(name)].append(AgentId(config.id))
        self.pools: dict[PoolKey, Pool] = {}
        self.pools_of: dict[AgentId, list[Pool]] = {}
        self.counts: dict[QueueId, dict[str, int]] = {}
        self.waiting: dict[QueueId, int] = {}
        self.seen: dict[AgentId, Seen] = {}
        self.agent_of_endpoint: dict[str, AgentId] = {}
        self.contact_of: dict[ConversationId, ContactId] = {}
        self.reservation_of_leg: dict[LegId, ReservationId] = {}
        self._placed: dict[ContactId, tuple[PoolKey, RankKey]] = {}
        for agent in world.agents.values():
            self.agent_changed(agent)
        for name, contact in world.contacts.items():
            self.contact_changed(name, contact)
        for reservation in world.reservations.values():
            for offered in reservation.agents.values():
                if offered.leg is not None:
                    self.reservation_of_leg[offered.leg] = reservation.id

    # --- agents -------------------------------------------------------------------------------------

    def agent_changed(self, agent: Agent) -> None:
        """Bring everything about the agent up to date."""
        old, new = self.seen.get(agent.id), Seen(agent)
        self.seen[agent.id] = new
        if old is None or old.endpoint != new.endpoint:
            if old is not None and self.agent_of_endpoint.get(old.endpoint) == agent.id:
                del self.agent_of_endpoint[old.endpoint]
            if new.endpoint:
                self.agent_of_endpoint[new.endpoint] = agent.id
        if old is not None and (old.status, old.idle_since) == (new.status, new.idle_since):
            return
        config = self.site_agents.get(agent.id)
        for name in config.queues if config is not None else ():
            count = self.counts.setdefault(QueueId(name), {})
            if old is not None:
                count[old.status] -= 1
            count[new.status] = count.get(new.status, 0) + 1
        for pool in self.pools_of.get(agent.id, ()):
            if old is not None and old.status == agents.ELIGIBLE:
                _remove(pool.eligible, (old.idle_since, agent.id))
            if new.status == agents.ELIGIBLE:
                insort(pool.eligible, (new.idle_since, agent.id))

    def is_eligible(self, agent: AgentId) -> bool:
        seen = self.seen.get(agent)
        return seen is not None and seen.status == agents.ELIGIBLE

    # --- contacts -----------------------------------------------------------------------------------

    def contact_changed(self, name: ContactId, contact: Contact | None) -> None:
        """Bring everything about the contact up to date; None: it is forgotten."""
        if contact is not None:
            if contact.state is not ContactState.ENDED:
                self.contact_of[contact.conversation] = name
            elif self.contact_of.get(contact.conversation) == name:
                del self.contact_of[contact.conversation]
        placed = self._placed.get(name)
        key = rank_key(contact) if contact is not None and contact.state is ContactState.WAITING else None
        if placed is not None and placed[1] != key:
            _remove(self.pools[placed[0]].waiting, placed[1])
            self.waiting[placed[0][0]] -= 1
            del self._placed[name]
            placed = None
        if contact is not None and key is not None and placed is None:
            pool = self.pool(contact)
            insort(pool.waiting, key)
            self.waiting[contact.queue] = self.waiting.get(contact.queue, 0) + 1
            self._placed[name] = (pool.key, key)

    def forget_conversation(self, conversation: ConversationId, contact: ContactId) -> None:
        if self.contact_of.get(conversation) == contact:
            del self.contact_of[conversation]

    def pool_of(self, waiting: ContactId) -> Pool:
        """The pool in which this waiting contact is."""
        return self.pools[self._placed[waiting][0]]

    def pool(self, contact: Contact) -> Pool:
        """The contact's pool, made if needed."""
        key = (contact.queue, frozen(contact.requires), contact.only_agent or AgentId(""))
        found = self.pools.get(key)
        if found is None:
            if len(self.pools) >= MAX_POOLS:
                self._drop_empty_pools()
            found = self.pools[key] = self._made(key)
        return found

    def _made(self, key: PoolKey) -> Pool:
        queue, requires, only = key
        pool = Pool(key)
        if queue not in self.members:  # the queue was removed: nobody serves it
            members = []
        elif only:  # a named agent was chosen by a person or a flow: no skill keeps the caller from him
            members = [only] if only in self.site_agents else []
        else:
            members = [a for a in self.members.get(queue, []) if fits(self.site_agents[a].skills, requires)]
        pool.members = dict.fromkeys(members)
        pool.eligible = sorted((self.seen[a].idle_since, a) for a in pool.members if self.is_eligible(a))
        for member in pool.members:
            self.pools_of.setdefault(member, []).append(pool)
        return pool

    def _drop_empty_pools(self) -> None:
        for key in [key for key, pool in self.pools.items() if not pool.waiting]:
            for member in self.pools[key].members:
                self.pools_of[member].remove(self.pools[key])
            del self.pools[key]

    def snapshot(self) -> dict[str, object]:
        """Comparable content; what differs only by history (empty pools, zero counts) is left out."""
        return {
            "pools": {k: (p.waiting, p.eligible, list(p.members)) for k, p in self.pools.items() if p.waiting},
            "idle pools": [
                key
                for key, pool in self.pools.items()
                if pool.eligible != sorted((self.seen[a].idle_since, a) for a in pool.members if self.is_eligible(a))
            ],
            "counts": {q: {s: n for s, n in sorted(count.items()) if n} for q, count in self.counts.items()},
            "waiting": {queue: n for queue, n in self.waiting.items() if n},
            "seen": {a: (s.status, s.state, s.idle_since, s.endpoint) for a, s in self.seen.items()},
            "endpoints": dict(self.agent_of_endpoint),
            "contacts": dict(self.contact_of),
            "legs": dict(self.reservation_of_leg),
        }


def _remove(ordered: list[_Key], key: _Key) -> None:
    at = bisect_left(ordered, key)
    if at >= len(ordered) or ordered[at] != key:
        raise InvariantBroken(f"the index has lost {key}")
    del ordered[at]
