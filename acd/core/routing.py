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

from collections.abc import Mapping

from acd.core import agent as agents, asking, contact as contacts, joining
from acd.core.index import AgentKey, Index, Pool
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, ContactId, ConversationId
from ctiserver.model.routing import Algorithm
from ctiserver.model.work import Agent, Contact, ContactState
from ctiserver.model.world import Ctx, World

CONFIRM_WITHIN = 0.15
"""Seconds that the ring waits for the desktop to have painted the offer."""
SHOWN = 10
"""Candidates kept in the why-record."""

ASKED_FIRST, IN_TURN, LET_PASS = 0.0, 1.0, 2.0
"""The first part of an agent's rank: preferred; as the algorithm says; he has missed an offer of this contact."""


class Pass:
    """One matching pass: what is planned in it counts as taken, since the world changes only afterwards. `changing` is
    decided already: a contact that steps or ends by it is not offered by what it asked for before."""

    def __init__(self, world: World, index: Index, ctx: Ctx, changing: tuple[ev.Event, ...] = ()) -> None:
        self.events: list[ev.Event] = []
        self._world = world
        self._index = index
        self._ctx = ctx
        self.planned: dict[ContactId, None] = {
            event.contact: None for event in changing if isinstance(event, ev.ContactStepped | ev.ContactEnded)
        }
        self._agents: dict[AgentId, None] = {}
        self._asked: dict[ConversationId, None] = {}

    def agent(self, name: AgentId) -> None:
        """The agent may have become eligible: he is asked for a consult, or contacts are served until he has one or
        none is left for him; then he may join a ring for all."""
        if self._index.asking and name not in self._agents:
            asks = asking.for_agent(self._world, self._index, name, self._asked)
            if asks is not None:
                self.request(asks)
        while name not in self._agents:
            found = self._first_contact(name)
            if found is None:
                break
            self.contact(found.id)
        if self._index.ringing_all and name not in self._agents:
            joined = joining.best(self._world, self._index, name, CONFIRM_WITHIN, self._ctx.now)
            if joined is not None:
                self.events.append(joined)
                self._agents[name] = None

    def request(self, name: ConversationId) -> None:
        """Somebody there asks for anybody of a queue: the first who is free, if anybody is."""
        one = asking.waits(self._world.conversations.get(name))
        agent = asking.best(self._world, self._index, one, self._agents) if one is not None else None
        if agent is not None and name not in self._asked:
            self.events.append(asking.asked(self._world, name, agent, CONFIRM_WITHIN, self._ctx))
            self._agents[agent] = None
            self._asked[name] = None

    def contact(self, name: ContactId) -> None:
        """The contact may be waiting: offer it, after those who rank before it with the same agent."""
        to_serve = {name: None}  # in order: each lets the next go first
        while to_serve:
            name = next(reversed(to_serve))
            contact = self._world.contacts.get(name)
            if contact is None or not _may_be_offered(contact) or name in self.planned:
                del to_serve[name]
                continue
            pool = self._index.pool_of(name)
            candidates = self._candidates(contact, pool)
            if not candidates:
                del to_serve[name]
                continue
            first = self._goes_first(candidates[: self._ring_at_most(contact, pool)], to_serve)
            if first is None:
                self._offer(contact, pool, candidates)
            else:
                to_serve[first] = None

    def _goes_first(
        self, candidates: list[tuple[float, AgentKey]], to_serve: Mapping[ContactId, None]
    ) -> ContactId | None:
        """Who is to be served before the last of `to_serve`, if these agents are to have that one. Groups may rank
        queues in opposite ways, so that contacts would wait for each other: who lets others go first is not let go
        first again."""
        for _, key in candidates:
            first = self._first_contact(key[-1])
            if first is not None and first.id not in to_serve:
                return first.id
        return None

    def everything(self) -> None:
        """After a change of the whole site: every request, then every waiting contact, best first."""
        for name in asking.in_order(self._world, self._index.asking):
            self.request(name)
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
                if contact.id in self.planned or contact.away or not_now(contact, self._world.agents[agent]):
                    continue
                best = (priority, key)
                break
        return self._world.contacts[best[1][-1]] if best is not None else None

    def _candidates(self, contact: Contact, pool: Pool) -> list[tuple[float, AgentKey]]:
        """As many as are shown, or may be rung at once if that is more, and the next one."""
        return ranked(self._world, contact, pool, self._agents, max(SHOWN, self._ring_at_most(contact, pool) + 1))

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
        self._take(chosen)
        self.planned[contact.id] = None

    def _take(self, chosen: tuple[AgentId, ...]) -> None:
        for agent in chosen:
            self._agents[agent] = None

    def _why(
        self, contact: Contact, pool: Pool, candidates: list[tuple[float, AgentKey]], chosen: tuple[AgentId, ...]
    ) -> ev.Why:
        names = rank_names(pool)
        queue = contacts.queue_config(self._world, contact.queue)
        return ev.Why(
            rule=pool.key.algorithm.value,
            chosen=chosen,
            candidates=tuple(
                [
                    ev.Candidate(agent=rank[1][-1], keys=shown_rank(pool, rank, self._ctx.now))
                    for rank in candidates[:SHOWN]
                ]
            ),
            excluded=self._excluded(contact, pool, candidates),
            tie_break=_decided_by(candidates[len(chosen) - 1 : len(chosen) + 1], names),
            names=names,
            step=contact.step,
            requires=pool.key.requires,
            rules=contact.rules,
            prefer=contact.prefer,
            priority=self._index.priority(chosen[0], pool),
            due=contacts.due(contact, queue),
            head=contact.head,
        )

    def _excluded(
        self, contact: Contact, pool: Pool, candidates: list[tuple[float, AgentKey]]
    ) -> dict[str, int]:
        """How many agents were out of the question, by the first reason why; from counters, nobody is scanned. With the
        candidates shown they are all agents of the site."""
        site, queue = len(self._index.site_agents), contact.queue
        taken = sum(1 for agent in self._agents if agent in pool.keys) if self._agents else 0
        avoided = held = 0
        for agent, until in contact.avoid.items():
            if agent in pool.keys:
                avoided += bool(until) and agent not in self._agents
                held += not until and self._holds(agent, contact)
        if pool.key.agent:
            counted = {"other_agent": site - len(pool.members)}
        else:
            status, delayed = self._index.standing(queue, pool.key.medium)
            counted = {"queue": site - len(self._index.members.get(queue, {}))}
            for reason in sorted(status):
                counted[reason] = status[reason]
            counted.pop(agents.ELIGIBLE, None)
            counted["delay"] = sum(n for delay, n in delayed.items() if delay > pool.key.opened) if delayed else 0
            counted["skill"] = status.get(agents.ELIGIBLE, 0) - counted["delay"] - len(pool.eligible)
        counted["reserved"] = counted.get("reserved", 0) + taken + held
        counted["avoided"] = avoided
        counted["ranked_lower"] = len(pool.eligible) - taken - held - avoided - min(SHOWN, len(candidates))
        return {reason: n for reason, n in sorted(counted.items()) if n}

    def _holds(self, agent: AgentId, contact: Contact) -> bool:
        """The leg of an earlier offer of this contact still ends."""
        return agent not in self._agents and contact.id in self._world.agents[agent].work


def not_now(contact: Contact, agent: Agent) -> bool:
    """He has just let it pass, or the leg of an earlier offer of it still ends (he has room for several)."""
    return bool(contact.avoid.get(agent.id)) or contact.id in agent.work


def ranked(
    world: World, contact: Contact, pool: Pool, taken: Mapping[AgentId, None], most: int
) -> list[tuple[float, AgentKey]]:
    """The best agents for the contact, best first, at most `most`; nobody of `taken`."""
    found: list[tuple[float, AgentKey]] = []
    late: list[tuple[float, AgentKey]] = []
    prefer = contact.prefer
    if prefer is not None and prefer not in taken and prefer not in contact.avoid:
        key = pool.keys.get(prefer)
        if key is not None and not not_now(contact, world.agents[prefer]):
            found.append((ASKED_FIRST, key))
    for key in pool.eligible:
        if len(found) == most:
            return found
        agent = key[-1]
        if agent in taken or not_now(contact, world.agents[agent]) or (found and agent == prefer):
            continue
        if agent not in contact.avoid:
            found.append((IN_TURN, key))
        else:
            late.append((LET_PASS, key))
    return (found + late)[:most]


def rank_names(pool: Pool) -> tuple[str, ...]:
    """What the parts of an agent's rank are called, before his id."""
    return ("turn", "tier", *pool.algorithm.NAMES)


def shown_rank(pool: Pool, rank: tuple[float, AgentKey], now: float) -> tuple[float, ...]:
    """The same parts in units for people."""
    turn, (tier, key, _) = rank
    return (turn, float(tier), *pool.algorithm.shown(key, now))


def _decided_by(two: list[tuple[float, AgentKey]], names: tuple[str, ...]) -> str:
    """What the first of two candidates was better in; '' when there is no second."""
    if len(two) < 2:
        return ""
    (turn, (tier, key, _)), (other_turn, (other_tier, other_key, _)) = two
    pairs = zip(names, (turn, tier, *key), (other_turn, other_tier, *other_key), strict=True)
    return next((name for name, mine, other in pairs if mine != other), "agent id")


def _may_be_offered(contact: Contact) -> bool:
    return contact.state is ContactState.WAITING and not contact.away
