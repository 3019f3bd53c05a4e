"""Routing: which contact is offered to which agent.

Lives here: the ranking of both sides and the matching pass. Not here: what an offer does (`reservation`).

A contact's rank is the same for every agent (`contact.rank_key`), across all queues. An agent's rank for a contact is
(preferred, idle since, id): the agent whom a lost caller had first, then the longest idle, last those who missed
an offer of this very contact. Both are total orders. See docs/adr/0006.

A pass looks only at what the event in hand has changed: an agent who may have become eligible, or a contact that
may wait. Before the event nobody waited who could be served, so that is enough, and it is cheap.
"""

from __future__ import annotations

from acd.core import agent as agents
from acd.core import contact as contacts
from acd.core.index import Index, Pool
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, ContactId
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import Ctx, World

CONFIRM_WITHIN = 0.15
"""Seconds that the ring waits for the desktop to have painted the offer."""
SHOWN = 10
"""Candidates kept in the why-record."""


class Pass:
    """One matching pass: what is planned in it counts as taken, since the world changes only afterwards."""

    def __init__(self, world: World, index: Index, ctx: Ctx) -> None:
        self.events: list[ev.Event] = []
        self._world = world
        self._index = index
        self._ctx = ctx
        self._agents: dict[AgentId, None] = {}
        self._contacts: dict[ContactId, None] = {}

    def agent(self, name: AgentId) -> None:
        """The agent may have become eligible: serve contacts until he has one or none is left for him."""
        while self._index.is_eligible(name) and name not in self._agents:
            found = self._first_contact(name)
            if found is None:
                return
            self.contact(found.id)

    def contact(self, name: ContactId) -> None:
        """The contact may be waiting: offer it, after those who rank before it with the same agent."""
        contact = self._world.contacts.get(name)
        while contact is not None and _may_be_offered(contact) and name not in self._contacts:
            pool = self._index.pool_of(name)
            candidates = self._candidates(contact, pool)
            if not candidates:
                return
            first = self._first_contact(candidates[0].agent)
            if first is None or first.id == name:
                self._offer(contact, pool, candidates)
            else:  # it ranks before ours, so this ends
                self.contact(first.id)

    def everything(self) -> None:
        """After a change of the whole site: every waiting contact, best first."""
        waiting = [key for pool in self._index.pools.values() for key in pool.waiting]
        for key in sorted(waiting):
            self.contact(key[-1])

    def _first_contact(self, agent: AgentId) -> Contact | None:
        """The best waiting contact that this agent may get, over all his queues."""
        best: contacts.RankKey | None = None
        for pool in self._index.pools_of.get(agent, ()):
            for key in pool.waiting:
                if best is not None and best <= key:
                    break
                contact = self._world.contacts[key[-1]]
                if contact.id in self._contacts or contact.away or contact.avoid.get(agent):
                    continue
                best = key
                break
        return self._world.contacts[best[-1]] if best is not None else None

    def _candidates(self, contact: Contact, pool: Pool) -> list[ev.Candidate]:
        """The best agents for the contact, best first, at most SHOWN."""
        found: list[ev.Candidate] = []
        late: list[ev.Candidate] = []
        prefer = contact.prefer
        if prefer is not None and prefer in pool.members and self._free(prefer) and not contact.avoid.get(prefer):
            found.append(ev.Candidate(agent=prefer, keys=(0.0, self._world.agents[prefer].idle_since)))
        for idle_since, agent in pool.eligible:
            if len(found) == SHOWN:
                return found
            until = contact.avoid.get(agent)
            if agent in self._agents or until or (found and agent == prefer):
                continue
            if until is None:
                found.append(ev.Candidate(agent=agent, keys=(1.0, idle_since)))
            else:
                late.append(ev.Candidate(agent=agent, keys=(2.0, idle_since)))
        return (found + late)[:SHOWN]

    def _free(self, agent: AgentId) -> bool:
        return self._index.is_eligible(agent) and agent not in self._agents

    def _offer(self, contact: Contact, pool: Pool, candidates: list[ev.Candidate]) -> None:
        chosen = candidates[0].agent
        now = self._ctx.now
        queue = contacts.queue_config(self._world, contact.queue)
        why = ev.Why(
            rule="longest_idle",
            chosen=(chosen,),
            candidates=tuple(candidates),
            excluded=self._excluded(contact, pool),
            tie_break="agent id",
        )
        self.events.append(
            ev.OfferMade(
                reservation=self._ctx.ids.reservation(),
                contact=contact.id,
                conversation=contact.conversation,
                queue=contact.queue,
                agents=(chosen,),
                confirm_by=now + CONFIRM_WITHIN,
                deadline=now + CONFIRM_WITHIN + queue.offer_seconds,
                why=why,
                at=now,
            )
        )
        self._agents[chosen] = None
        self._contacts[contact.id] = None

    def _excluded(self, contact: Contact, pool: Pool) -> dict[str, int]:
        """How many agents were out of the question, by the first reason why; from counters, nobody is scanned."""
        taken = sum(1 for agent in self._agents if agent in pool.members)
        avoided = sum(1 for agent, until in contact.avoid.items() if until and self._free(agent))
        if contact.only_agent is not None:
            counted = {"other_agent": len(self._index.site_agents) - len(pool.members)}
        else:
            status = self._index.counts.get(contact.queue, {})
            counted = {reason: n for reason, n in sorted(status.items()) if reason != agents.ELIGIBLE}
            counted["skill"] = status.get(agents.ELIGIBLE, 0) - len(pool.eligible)
            counted["queue"] = len(self._index.site_agents) - len(self._index.members.get(contact.queue, []))
        counted["reserved"] = counted.get("reserved", 0) + taken
        counted["avoided"] = avoided
        return {reason: n for reason, n in counted.items() if n}


def _may_be_offered(contact: Contact) -> bool:
    return contact.state is ContactState.WAITING and not contact.away
