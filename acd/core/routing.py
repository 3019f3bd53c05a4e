"""Routing: which contact is offered to which agent.

Lives here: the ranking of both sides and the matching pass. Not here: what an offer does (`reservation`), how an
algorithm ranks (`rank`), what a contact asks for (`waiting`).

A contact ranks by (the queue's priority for the agent's group, at the head or not, when it is due, order of arrival),
an agent by (asked first, tier, the algorithm's key, id), last those who missed an offer of this very contact. Both are
total orders. See docs/adr/0006 and 0014.

A pass looks only at what the event in hand has changed: an agent who may have become eligible, or a contact that
may wait or may be had by more agents. Before the event nobody waited who could be served, so that is enough, and cheap.
"""

from __future__ import annotations

from acd.core import agent as agents, contact as contacts
from acd.core.index import AgentKey, Index, Pool
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, ContactId
from ctiserver.model.routing import Algorithm
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import Ctx, World

CONFIRM_WITHIN = 0.15
"""Seconds that the ring waits for the desktop to have painted the offer."""
SHOWN = 10
"""Candidates kept in the why-record."""

ASKED_FIRST, IN_TURN, LET_PASS = 0.0, 1.0, 2.0
"""The first part of an agent's rank: preferred; as the algorithm says; he has missed an offer of this contact."""


class Pass:
    """One matching pass: what is planned in it counts as taken, since the world changes only afterwards."""

    def __init__(self, world: World, index: Index, ctx: Ctx) -> None:
        self.events: list[ev.Event] = []
        self._world = world
        self._index = index
        self._ctx = ctx
        self.planned: dict[ContactId, None] = {}
        self._agents: dict[AgentId, None] = {}

    def agent(self, name: AgentId) -> None:
        """The agent may have become eligible: serve contacts until he has one or none is left for him."""
        while name not in self._agents:
            found = self._first_contact(name)
            if found is None:
                return
            self.contact(found.id)

    def contact(self, name: ContactId) -> None:
        """The contact may be waiting: offer it, after those who rank before it with the same agent."""
        asking = {name: None}  # in order: each lets the next go first
        while asking:
            name = next(reversed(asking))
            contact = self._world.contacts.get(name)
            if contact is None or not _may_be_offered(contact) or name in self.planned:
                del asking[name]
                continue
            pool = self._index.pool_of(name)
            candidates = self._candidates(contact, pool)
            if not candidates:
                del asking[name]
                continue
            first = self._first_contact(candidates[0][1][-1])
            # Groups may rank queues in opposite ways, so that contacts would wait for each other: who lets others go
            # first already is not let go first again.
            if first is None or first.id in asking:
                self._offer(contact, pool, candidates)
            else:
                asking[first.id] = None

    def everything(self) -> None:
        """After a change of the whole site: every waiting contact, best first."""
        waiting = [key for pool in self._index.pools.values() for key in pool.waiting]
        for key in sorted(waiting):
            self.contact(key[-1])

    def _first_contact(self, agent: AgentId) -> Contact | None:
        """The best waiting contact that this agent may get, over all his queues."""
        best: tuple[int, contacts.RankKey] | None = None
        for pool in self._index.pools_of.get(agent, {}).values():
            if not pool.waiting or agent not in pool.keys:
                continue
            priority = self._index.priority(agent, pool)
            for key in pool.waiting:
                if best is not None and best <= (priority, key):
                    break
                contact = self._world.contacts[key[-1]]
                if contact.id in self.planned or contact.away or contact.avoid.get(agent):
                    continue
                best = (priority, key)
                break
        return self._world.contacts[best[1][-1]] if best is not None else None

    def _candidates(self, contact: Contact, pool: Pool) -> list[tuple[float, AgentKey]]:
        """The best agents for the contact, best first: as many as are shown, or may be rung at once if that is more."""
        found: list[tuple[float, AgentKey]] = []
        late: list[tuple[float, AgentKey]] = []
        enough = max(SHOWN, self._ring_at_most(contact, pool))
        prefer = contact.prefer
        if prefer is not None and prefer not in self._agents and prefer not in contact.avoid:
            key = pool.keys.get(prefer)
            if key is not None:
                found.append((ASKED_FIRST, key))
        for key in pool.eligible:
            if len(found) == enough:
                return found
            agent = key[-1]
            until = contact.avoid.get(agent)
            if agent in self._agents or until or (found and agent == prefer):
                continue
            if until is None:
                found.append((IN_TURN, key))
            else:
                late.append((LET_PASS, key))
        return (found + late)[:enough]

    def _ring_at_most(self, contact: Contact, pool: Pool) -> int:
        """How many phones may ring for it at once."""
        if pool.key.algorithm is not Algorithm.RING_ALL:
            return 1
        return max(1, contacts.queue_config(self._world, contact.queue).ring_at_most)

    def _offer(self, contact: Contact, pool: Pool, candidates: list[tuple[float, AgentKey]]) -> None:
        now = self._ctx.now
        queue = contacts.queue_config(self._world, contact.queue)
        chosen = tuple(key[-1] for _, key in candidates[: self._ring_at_most(contact, pool)])
        self.events.append(
            ev.OfferMade(
                reservation=self._ctx.ids.reservation(),
                contact=contact.id,
                conversation=contact.conversation,
                queue=contact.queue,
                agents=chosen,
                confirm_by=now + CONFIRM_WITHIN,
                deadline=now + CONFIRM_WITHIN + queue.offer_seconds,
                why=self._why(contact, pool, candidates, chosen),
                at=now,
            )
        )
        for agent in chosen:
            self._agents[agent] = None
        self.planned[contact.id] = None

    def _why(
        self, contact: Contact, pool: Pool, candidates: list[tuple[float, AgentKey]], chosen: tuple[AgentId, ...]
    ) -> ev.Why:
        now, shown = self._ctx.now, pool.algorithm.shown
        return ev.Why(
            rule=pool.key.algorithm.value,
            chosen=chosen,
            candidates=tuple(
                ev.Candidate(agent=agent, keys=(first, float(tier), *shown(key, now)))
                for first, (tier, key, agent) in candidates[:SHOWN]
            ),
            excluded=self._excluded(contact, pool),
            tie_break="agent id",
            names=("turn", "tier", *pool.algorithm.NAMES),
            step=contact.step,
            requires=pool.key.requires,
        )

    def _excluded(self, contact: Contact, pool: Pool) -> dict[str, int]:
        """How many agents were out of the question, by the first reason why; from counters, nobody is scanned."""
        taken = sum(1 for agent in self._agents if agent in pool.members)
        avoided = sum(1 for agent, until in contact.avoid.items() if until and agent in pool.keys)
        if pool.key.agent:
            counted = {"other_agent": len(self._index.site_agents) - len(pool.members)}
        else:
            status = self._index.counts.get(contact.queue, {})
            counted = {reason: n for reason, n in sorted(status.items()) if reason != agents.ELIGIBLE}
            counted["skill"] = status.get(agents.ELIGIBLE, 0) - len(pool.eligible)
            counted["queue"] = len(self._index.site_agents) - len(self._index.members.get(contact.queue, {}))
        counted["reserved"] = counted.get("reserved", 0) + taken
        counted["avoided"] = avoided
        return {reason: n for reason, n in counted.items() if n}


def _may_be_offered(contact: Contact) -> bool:
    return contact.state is ContactState.WAITING and not contact.away
