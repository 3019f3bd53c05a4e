"""Indexes of the ACD: derived from the world, kept in step by the engine's `apply`, rebuilt after recovery.

Lives here: waiting contacts and eligible agents in order, members of a queue by status, who has which endpoint.
Not here: any fact that is not in the world (`check` compares an index with a rebuilt one).

Contacts that the same agents qualify for, ranked by the same algorithm, form a *pool*: a match is the pool's first
contact with its first agent. A pool is made when its first contact arrives: that looks at every agent of the queue
once, every later contact like it at none.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from typing import NamedTuple, TypeVar

from acd.core import agent as agents, waiting
from acd.core.contact import RankKey, queue_config, rank_key
from acd.core.rank.base import Algorithm, Seat
from acd.core.rank.table import TABLE
from ctiserver.model.errors import InvariantBroken
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LegId, QueueId, ReservationId
from ctiserver.model.requirement import Requirement, met, parse, wanted
from ctiserver.model.routing import VOICE, Algorithm as Name, ServesConfig
from ctiserver.model.site import AgentConfig
from ctiserver.model.talk import PartyState
from ctiserver.model.work import Agent, AgentState, Contact, ContactState
from ctiserver.model.world import World

MAX_POOLS = 16_384
"""Pools without a waiting contact are dropped above this number (flows could ask for ever new requirements)."""


class PoolKey(NamedTuple):
    """What makes contacts alike. `agent` '' = anyone who fits; else the one who alone may have them: `named` (chosen by
    a person or a flow: no queue and no skill keeps the caller from him) or preferred for a while."""

    queue: QueueId
    medium: str
    requires: Requirement
    agent: AgentId
    named: bool
    algorithm: Name
    opened: float


AgentKey = tuple[int, tuple[float, ...], AgentId]
"""Tier, the algorithm's key, id: the smallest is first."""

_Key = TypeVar("_Key", RankKey, AgentKey)


class Pool:
    """Contacts that the same agents qualify for; both lists sorted. `floors`: of the waiting ones whose step ends when
    too few agents are free, how many they want."""

    __slots__ = ("algorithm", "eligible", "floors", "key", "keys", "members", "waiting")

    def __init__(self, key: PoolKey) -> None:
        self.key = key
        self.algorithm: Algorithm = TABLE[key.algorithm]
        self.waiting: list[RankKey] = []
        self.eligible: list[AgentKey] = []
        self.keys: dict[AgentId, AgentKey] = {}
        self.members: dict[AgentId, Seat] = {}
        self.floors: dict[ContactId, int] = {}

    def rank(self, agent: Agent) -> AgentKey:
        seat = self.members[agent.id]
        return (seat.tier, self.algorithm.key(agent, seat), agent.id)

    def put(self, agent: Agent, *, eligible: bool) -> None:
        """Bring the agent's place up to date."""
        if not eligible:
            if (gone := self.keys.pop(agent.id, None)) is not None:
                _remove(self.eligible, gone)
            return
        old, new = self.keys.get(agent.id), self.rank(agent)
        if old == new:
            return
        if old is not None:
            _remove(self.eligible, old)
        insort(self.eligible, new)
        self.keys[agent.id] = new


class Seen:
    """What the index knows of an agent. `status` and the counts made of it are about voice."""

    __slots__ = ("endpoint", "idle", "idle_since", "linked", "occupancy_at", "state", "status")

    def __init__(self, agent: Agent, capacity: agents.Capacity | None) -> None:
        self.status = agents.status(agent, VOICE, capacity)
        self.state: AgentState = agents.state(agent)
        self.idle_since = agent.idle_since
        self.occupancy_at = agent.occupancy_at
        self.idle = not agent.work
        self.linked = agent.links >= 1
        self.endpoint = agent.device.endpoint if agent.device is not None else ""

    def ranks_as(self, old: Seen) -> bool:
        """Whether nothing that any pool looks at is different; with work in hand, tallies may be."""
        return (
            self.idle
            and old.idle
            and self.status == old.status
            and self.linked == old.linked
            and self.idle_since == old.idle_since
            and self.occupancy_at == old.occupancy_at
        )


class Index:
    """All indexes of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.site_agents: dict[AgentId, AgentConfig] = world.agent_configs
        self.members = world.members
        self.pools: dict[PoolKey, Pool] = {}
        self.pools_of: dict[AgentId, dict[PoolKey, Pool]] = {}
        self.counts: dict[QueueId, dict[str, int]] = {}
        """queue -> status -> how many of those who serve it"""
        self._counts_of: dict[AgentId, list[dict[str, int]]] = {}  # those of his queues
        self.delayed: dict[QueueId, dict[float, int]] = {}
        """queue -> a group's delay -> how many of its agents are free"""
        self._delays_of: dict[AgentId, list[tuple[QueueId, float]]] = {}  # only of those who have one
        for one, served in world.serves.items():
            if late := [(queue, how.delay_seconds) for queue, how in served.items() if how.delay_seconds > 0]:
                self._delays_of[one] = late
        self.waiting: dict[QueueId, int] = {}
        self.ringing_all: dict[ContactId, None] = {}
        """contacts being offered to several at once, whom others may join"""
        self._order: dict[QueueId, list[RankKey]] = {}  # of each queue's waiting contacts, whatever their pool
        self.asking: dict[ConversationId, None] = {}
        """conversations whose agent asks for anybody of a queue, and has found nobody"""
        self.seen: dict[AgentId, Seen] = {}
        self.agent_of_endpoint: dict[str, AgentId] = {}
        self.contact_of: dict[ConversationId, ContactId] = {}
        self.reservation_of_leg: dict[LegId, ReservationId] = {}
        self.callbacks: dict[QueueId, dict[str, ContactId]] = {}
        """queue -> number -> the open callback for it"""
        self._unspoken = False  # whether there is or was a pool of a medium that rings no phone
        self.floored: dict[ContactId, None] = {}
        """contacts in any pool's floors"""
        self._booked: dict[ContactId, tuple[QueueId, str]] = {}
        self._placed: dict[ContactId, tuple[Pool, RankKey]] = {}
        for agent in world.agents.values():
            self.agent_changed(agent)
        for contact_id, contact in world.contacts.items():
            self.contact_changed(contact_id, contact)
        for reservation in world.reservations.values():
            for offered in reservation.agents.values():
                if offered.leg is not None:
                    self.reservation_of_leg[offered.leg] = reservation.id
        for conversation in world.conversations.values():
            self.parties_changed(conversation.id)

    # --- agents -------------------------------------------------------------------------------------

    def agent_changed(self, agent: Agent) -> None:
        """Bring everything about the agent up to date."""
        name = agent.id
        old, new = self.seen.get(name), Seen(agent, self._world.capacities.get(name))
        self.seen[name] = new
        if old is None or old.endpoint != new.endpoint:
            if old is not None and self.agent_of_endpoint.get(old.endpoint) == name:
                del self.agent_of_endpoint[old.endpoint]
            if new.endpoint:
                self.agent_of_endpoint[new.endpoint] = name
        if old is not None and new.ranks_as(old):
            return
        if old is None or old.status != new.status:
            self._count(name, old.status if old is not None else None, new.status)
        pools = self.pools_of.get(name)
        if not pools:
            return
        able = {medium: new.status == agents.ELIGIBLE for medium in agents.SPOKEN}
        if old is not None and old.status != agents.ELIGIBLE and not able[VOICE] and not self._unspoken:
            return  # he is in none of these pools, and stays out
        for key, pool in pools.items():
            medium = key.medium
            if medium not in able:
                able[medium] = self.is_eligible(name, medium)
            pool.put(agent, eligible=able[medium])

    def _count(self, name: AgentId, old: str | None, new: str) -> None:
        mine = self._counts_of.get(name)
        if mine is None:
            served = self._world.serves.get(name, {})
            mine = self._counts_of[name] = [self.counts.setdefault(queue, defaultdict(int)) for queue in served]
        for count in mine:
            if old is not None:
                count[old] -= 1
            count[new] += 1
        for queue, delay in self._delays_of.get(name, ()):
            free = self.delayed.setdefault(queue, {})
            free[delay] = free.get(delay, 0) + (new == agents.ELIGIBLE) - (old == agents.ELIGIBLE)

    def is_eligible(self, name: AgentId, medium: str) -> bool:
        """Whether he could get a contact of this medium now."""
        agent = self._world.agents.get(name)
        return agent is not None and agents.eligible(agent, medium, self._world.capacities.get(name))

    def standing(self, queue: QueueId, medium: str) -> tuple[dict[str, int], dict[float, int]]:
        """How many of the queue's agents have which status for a medium, and how many of the free ones have which group
        delay. What rings his phone is counted all the time (one phone: voice and callback alike); other media are
        counted when asked, one look at each agent of the queue."""
        if medium in agents.SPOKEN:
            return self.counts.get(queue, {}), self.delayed.get(queue, {})
        counts: dict[str, int] = {}
        delayed: dict[float, int] = {}
        for name, how in self.members.get(queue, {}).items():
            status = agents.status(self._world.agents[name], medium, self._world.capacities.get(name))
            counts[status] = counts.get(status, 0) + 1
            if status == agents.ELIGIBLE and how.delay_seconds > 0:
                delayed[how.delay_seconds] = delayed.get(how.delay_seconds, 0) + 1
        return counts, delayed

    def priority(self, agent: AgentId, pool: Pool) -> int:
        """Of what priority this pool's contacts are for this agent: his own first, then as his group says."""
        if pool.key.agent:
            return 0
        how = self.members[pool.key.queue].get(agent)
        return how.priority if how is not None else 1

    def parties_changed(self, name: ConversationId) -> None:
        """Whether the conversation asks for anybody of a queue."""
        conversation = self._world.conversations.get(name)
        if conversation is not None and any(one.state is PartyState.WAITING for one in conversation.parties):
            self.asking[name] = None
        else:
            self.asking.pop(name, None)

    # --- contacts -----------------------------------------------------------------------------------

    def contact_changed(self, name: ContactId, contact: Contact | None) -> None:
        """Bring everything about the contact up to date; None: it is forgotten."""
        if contact is not None:
            if contact.state is not ContactState.ENDED:
                self.contact_of[contact.conversation] = name
            elif self.contact_of.get(contact.conversation) == name:
                del self.contact_of[contact.conversation]
        if name in self._booked or (contact is not None and contact.booking is not None):
            self._callback(name, contact)
        if contact is not None and contact.state is ContactState.RESERVED and self._rings_all(contact):
            self.ringing_all[name] = None
        else:
            self.ringing_all.pop(name, None)
        placed = self._placed.get(name)
        if contact is None or contact.state is not ContactState.WAITING:
            if placed is not None:
                self._take_out(name, *placed)
            return
        pool, key = self.pool(contact), rank_key(contact, queue_config(self._world, contact.queue))
        if placed is not None:
            if placed[0] is pool and placed[1] == key:
                self._floor(pool, contact)
                return
            self._take_out(name, *placed)
        insort(pool.waiting, key)
        self.waiting[contact.queue] = self.waiting.get(contact.queue, 0) + 1
        insort(self._order.setdefault(contact.queue, []), key)
        self._placed[name] = (pool, key)
        self._floor(pool, contact)

    def position(self, contact: Contact) -> int:
        """The place of a waiting contact in the fair order of its queue; 1 is served first."""
        return bisect_left(self._order[contact.queue], self._placed[contact.id][1]) + 1

    def _callback(self, name: ContactId, contact: Contact | None) -> None:
        if contact is not None and contact.booking is not None and contact.state is not ContactState.ENDED:
            self._booked[name] = contact.queue, contact.booking.number
            self.callbacks.setdefault(contact.queue, {})[contact.booking.number] = name
        elif name in self._booked:
            queue, number = self._booked.pop(name)
            self.callbacks[queue].pop(number, None)

    def _rings_all(self, contact: Contact) -> bool:
        chosen = contact.algorithm or queue_config(self._world, contact.queue).algorithm
        return chosen is Name.RING_ALL

    def _take_out(self, name: ContactId, pool: Pool, key: RankKey) -> None:
        _remove(pool.waiting, key)
        _remove(self._order[pool.key.queue], key)
        pool.floors.pop(name, None)
        self.floored.pop(name, None)
        self.waiting[pool.key.queue] -= 1
        del self._placed[name]

    def _floor(self, pool: Pool, contact: Contact) -> None:
        step = waiting.step(contact, queue_config(self._world, contact.queue))
        if step is not None and step.available_below and not pool.key.agent:
            pool.floors[contact.id] = step.available_below
            self.floored[contact.id] = None
        else:
            pool.floors.pop(contact.id, None)
            self.floored.pop(contact.id, None)

    def live(self, conversation: ConversationId) -> Contact | None:
        """The conversation's contact that has not ended."""
        return self._world.contacts.get(self.contact_of.get(conversation, ContactId("")))

    def forget_conversation(self, conversation: ConversationId, contact: ContactId) -> None:
        if self.contact_of.get(conversation) == contact:
            del self.contact_of[conversation]

    def pool_of(self, waiting: ContactId) -> Pool:
        """The pool in which this waiting contact is."""
        return self._placed[waiting][0]

    def place(self, waiting: ContactId) -> RankKey:
        """Where this waiting contact ranks."""
        return self._placed[waiting][1]

    def pool(self, contact: Contact) -> Pool:
        """The contact's pool, made if needed."""
        config = queue_config(self._world, contact.queue)
        only, named = contact.only_agent, contact.only_agent is not None
        asked = "" if named else waiting.requirement(contact, config)
        if not named and (only := waiting.alone(contact)) is not None:
            asked = waiting.hard(contact, config)
        key = PoolKey(
            contact.queue,
            contact.medium,
            asked,
            only or AgentId(""),
            named,
            contact.algorithm or config.algorithm,
            0.0 if only else contact.opened,
        )
        found = self.pools.get(key)
        if found is None:
            if len(self.pools) >= MAX_POOLS:
                self._drop_empty_pools()
            found = self.pools[key] = self._made(key)
        return found

    def _made(self, key: PoolKey) -> Pool:
        pool = Pool(key)
        self._unspoken = self._unspoken or key.medium not in agents.SPOKEN
        serving = self.members.get(key.queue)
        asked = parse(key.requires)
        skills = wanted(asked)
        if serving is None:  # the queue was removed: nobody serves it
            names: list[AgentId] = []
        elif key.agent:
            names = [key.agent] if key.agent in self.site_agents and (key.named or key.agent in serving) else []
        else:
            names = [name for name, how in serving.items() if sees(how, key.opened)]
        for name in names:
            config = self.site_agents[name]
            if not key.named and not met(config.skills, asked):
                continue
            how = serving.get(name) if serving is not None else None
            share = how.share if how is not None else 0.0
            pool.members[name] = Seat(
                queue=key.queue,
                tier=how.tier if how is not None else 1,
                level=sum(config.skills.get(skill, 0) for skill in skills),
                share=config.shares.get(key.queue, share),
            )
            self.pools_of.setdefault(name, {})[key] = pool
            if self.is_eligible(name, key.medium):
                ranked = pool.rank(self._world.agents[name])
                pool.keys[name] = ranked
                pool.eligible.append(ranked)
        pool.eligible.sort()
        return pool

    def _drop_empty_pools(self) -> None:
        for key in [key for key, pool in self.pools.items() if not pool.waiting]:
            for member in self.pools[key].members:
                del self.pools_of[member][key]
            del self.pools[key]

    def snapshot(self) -> dict[str, object]:
        """Comparable content; what differs only by history (empty pools, zero counts) is left out."""
        agents_of = self._world.agents
        return {
            "pools": {
                k: (p.waiting, p.eligible, list(p.members), dict(p.floors)) for k, p in self.pools.items() if p.waiting
            },
            "idle pools": [
                key
                for key, pool in self.pools.items()
                if pool.eligible
                != sorted(pool.rank(agents_of[a]) for a in pool.members if self.is_eligible(a, key.medium))
            ],
            "counts": {q: {s: n for s, n in sorted(count.items()) if n} for q, count in self.counts.items()},
            "delayed": {q: {d: n for d, n in sorted(free.items()) if n} for q, free in self.delayed.items()},
            "order": {queue: order for queue, order in self._order.items() if order},
            "waiting": {queue: n for queue, n in self.waiting.items() if n},
            "seen": {a: (s.status, s.state, s.idle_since, s.endpoint) for a, s in self.seen.items()},
            "ringing all": sorted(self.ringing_all),
            "endpoints": dict(self.agent_of_endpoint),
            "contacts": dict(self.contact_of),
            "asking": sorted(self.asking),
            "legs": dict(self.reservation_of_leg),
            "callbacks": {queue: there for queue, there in self.callbacks.items() if there},
        }


def sees(how: ServesConfig, opened: float) -> bool:
    """Whether a group may have contacts that are open to groups with this delay."""
    return how.delay_seconds <= opened


def _remove(ordered: list[_Key], key: _Key) -> None:
    at = bisect_left(ordered, key)
    if at >= len(ordered) or ordered[at] != key:
        raise InvariantBroken(f"the index has lost {key}")
    del ordered[at]
