"""Explaining: for one contact, every agent of the site with his place or what keeps him from it; what would serve it.

Lives here: pure questions to a world between two turns, answered with the rules that routing itself uses (`waiting`,
`agent`, `routing.ranked`). Not here: how the world of a past moment is made (`ctiserver.replay`), any wording. It looks
at every agent, so it is asked by people and never on a call's path. Reasons are the words of `Why.excluded`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from acd.core import agent as agents, contact as contacts, waiting
from acd.core.index import Index, Pool
from acd.core.routing import rank_names, ranked, shown_rank
from ctiserver.model.explanation import AgentAnswer, Ahead, Explanation, Obstacle, Opening, Part, Step
from ctiserver.model.ids import AgentId, ContactId
from ctiserver.model.requirement import All, fits, joined, met, missing, named, parse, write
from ctiserver.model.site import AgentConfig, QueueConfig
from ctiserver.model.work import Agent, AgentState, Contact, ContactState, WorkKind
from ctiserver.model.world import World

SHOWN = 10
"""Entries of each short list; counts beside them tell the rest."""

AT_WORK = ("wrap_up", "reserved", "busy")
NEAREST = (*AT_WORK, "avoided", "delay", "not_ready", "unreachable", "signed_out", "skill")
"""Obstacles by how soon they may be over."""
NOBODY: Mapping[AgentId, None] = {}
NEVER_NOW = ("other_agent", "queue", "skill")
"""Obstacles that no waiting removes as things stand."""


def explain(
    world: World,
    name: ContactId,
    index: Index | None = None,
    taken: Mapping[AgentId, None] = NOBODY,
) -> Explanation | None:
    """Everything about one contact now; None: there is no such contact (any more). `index`: the world's, else made.
    `taken`: agents who count as reserved, though the world does not say so yet."""
    contact = world.contacts.get(name)
    if contact is None:
        return None
    index = index if index is not None else Index(world)
    queue = contacts.queue_config(world, contact.queue)
    pool = index.pool(contact)
    order = ranked(world, contact, pool, taken, len(pool.eligible))
    placed = {rank[1][-1]: (n, shown_rank(pool, rank, world.now)) for n, rank in enumerate(order, 1)}
    asked = named(parse(pool.key.requires))
    answers = []
    for config in world.site.agents:
        place, keys = placed.get(AgentId(config.id), (0, ()))
        found = () if place else _obstacles(world, contact, config, pool)
        if AgentId(config.id) in taken and AgentId(config.id) in pool.keys:
            found = (Obstacle(reason="reserved"), *found)
        skills = {skill: config.skills.get(skill, 0) for skill in asked}
        answers.append(
            AgentAnswer(
                agent=AgentId(config.id), name=config.name, place=place, keys=keys, obstacles=found, skills=skills
            )
        )
    # Without an obstacle and without a place: nothing of ours knows such an agent, and hiding it would be worse.
    excluded = Counter(one.obstacles[0].reason if one.obstacles else "unknown" for one in answers if not one.place)
    ahead, place = _ahead(world, index, contact, pool)
    return Explanation(
        contact=contact.id,
        conversation=contact.conversation,
        queue=contact.queue,
        queue_name=queue.name,
        medium=contact.medium,
        at=world.now,
        state=contact.state.value,
        verdict=_verdict(world, contact, answers),
        entered_at=contact.entered_at,
        queued_at=contact.queued_at,
        objective=queue.objective_seconds,
        queue_priority=queue.priority,
        head_start=contact.priority,
        due=contacts.due(contact, queue),
        head=contact.head,
        offers=contact.offers,
        requires=pool.key.requires,
        algorithm=pool.key.algorithm.value,
        names=rank_names(pool),
        agents=tuple(sorted(answers, key=lambda one: (one.place == 0, one.place))),
        eligible=len(order),
        excluded=dict(sorted(excluded.items())),
        parts=_parts(world, index, contact, pool),
        nearest=_nearest(answers),
        place=place,
        queue_length=index.waiting.get(contact.queue, 0),
        ahead=tuple(ahead[:SHOWN]),
        ahead_count=len(ahead),
        rules=contact.rules,
        only_agent=contact.only_agent,
        prefer=contact.prefer,
        prefer_until=contact.prefer_until,
        step=_step(world, index, contact, queue),
        opening=_opening(world, contact, queue),
    )


# --- agents -------------------------------------------------------------------------------------------


def _obstacles(world: World, contact: Contact, config: AgentConfig, pool: Pool) -> tuple[Obstacle, ...]:
    """All that keeps him from it, in the order in which agents are counted."""
    name = AgentId(config.id)
    found: list[Obstacle] = []
    if pool.key.agent and pool.key.agent != name:
        found.append(Obstacle(reason="other_agent", about=pool.key.agent))
    serves = world.serves.get(name, {}).get(contact.queue)
    if serves is None and not pool.key.named:
        found.append(Obstacle(reason="queue"))
    agent = world.agents.get(name)
    found.extend(_not_now(world, contact, agent) if agent is not None else (Obstacle(reason="signed_out"),))
    if not pool.key.named:
        if serves is not None and not pool.key.agent and serves.delay_seconds > contact.opened:
            left = contact.entered_at + serves.delay_seconds - world.now
            found.append(Obstacle(reason="delay", left=max(0.0, left)))
        if lacking := missing(config.skills, parse(pool.key.requires)):
            found.append(Obstacle(reason="skill", missing=lacking))
    if until := contact.avoid.get(name):
        found.append(Obstacle(reason="avoided", left=max(0.0, until - world.now)))
    return tuple(found)


def _not_now(world: World, contact: Contact, agent: Agent) -> tuple[Obstacle, ...]:
    """What his work, his choice and his phone say; the first is `agents.status`."""
    if not agent.signed_in:
        return (Obstacle(reason="signed_out"),)
    found: list[Obstacle] = []
    full = agent.work and not agents.has_room(agent, contact.medium, world.capacities.get(agent.id))
    if full or contact.id in agent.work:  # with room for several too: the leg of an earlier offer of it still ends
        found.append(_at_work(agent, world.now))
    if not agent.ready:
        found.append(Obstacle(reason="not_ready", about=agent.reason, since=agent.since))
    ready = msgspec.structs.replace(agent, ready=True, work={})
    if agents.status(ready, contact.medium) != agents.ELIGIBLE:
        found.append(Obstacle(reason="unreachable"))
    return tuple(found)


def _at_work(agent: Agent, now: float) -> Obstacle:
    state = agents.state(agent)
    kind = {AgentState.BUSY: WorkKind.BUSY, AgentState.RESERVED: WorkKind.RESERVED}.get(state, WorkKind.WRAP_UP)
    item = next(item for item in agent.work.values() if item.kind is kind)
    left = max(0.0, item.until - now) if kind is WorkKind.WRAP_UP else 0.0
    return Obstacle(reason=kind.value, left=left, since=item.since, about=item.contact)


def _nearest(answers: list[AgentAnswer]) -> tuple[AgentId, ...]:
    """Who needs one thing only, soonest first."""
    single = [one for one in answers if len(one.obstacles) == 1 and one.obstacles[0].reason in NEAREST]

    def soon(one: AgentAnswer) -> tuple[int, float, int, AgentId]:
        only = one.obstacles[0]
        return (NEAREST.index(only.reason), only.left or only.since, len(only.missing), one.agent)

    return tuple(one.agent for one in sorted(single, key=soon)[:SHOWN])


def _verdict(world: World, contact: Contact, answers: list[AgentAnswer]) -> str:
    if contact.state is not ContactState.WAITING:
        return "offered" if contact.state is ContactState.RESERVED else contact.state.value
    if not world.switch_up:
        return "switch_down"
    if contact.away:
        return "caller_away"
    if contact.queue not in world.queue_configs:
        return "no_queue"
    if any(one.place for one in answers):
        return "served_next"
    if contact.only_agent is not None or contact.prefer_until:
        return "waits_for_agent"
    able = [one for one in answers if all(each.reason not in NEVER_NOW for each in one.obstacles)]
    reasons = [one.obstacles[0].reason for one in able if one.obstacles]
    if not reasons:
        return "nobody_fits"
    if any(reason in AT_WORK for reason in reasons):
        return "all_busy"
    first = next(reason for reason in NEAREST if reason in reasons)
    return "nobody_signed_in" if first == "signed_out" else first


# --- what is asked for --------------------------------------------------------------------------------


def _serving(world: World, index: Index, contact: Contact) -> list[tuple[AgentConfig, float]]:
    """Who serves the queue, and after what delay, in the site's order."""
    members = index.members.get(contact.queue, {})
    return [(one, members[AgentId(one.id)].delay_seconds) for one in world.site.agents if AgentId(one.id) in members]


def _parts(world: World, index: Index, contact: Contact, pool: Pool) -> tuple[Part, ...]:
    node = parse(pool.key.requires)
    found = []
    for part in node.parts if isinstance(node, All) else (node,):
        able = [AgentId(one.id) for one, _ in _serving(world, index, contact) if met(one.skills, part)]
        free = sum(1 for name in able if index.is_eligible(name, contact.medium))
        found.append(Part(requires=write(part), agents=len(able), free=free))
    return tuple(found)


def _step(world: World, index: Index, contact: Contact, queue: QueueConfig) -> Step | None:
    """None: nothing is relaxed here."""
    steps, at = waiting.steps(contact, queue), contact.step
    if not steps:
        return None
    if at >= len(steps):
        return Step(number=len(steps) + 1, of=len(steps))
    hard, now = waiting.hard(contact, queue), waiting.requirement(contact, queue)
    following = joined(hard, steps[at + 1].requires) if at + 1 < len(steps) else hard
    more = [
        AgentId(one.id)
        for one, delay in _serving(world, index, contact)
        if delay <= contact.opened and fits(one.skills, following) and not fits(one.skills, now)
    ]
    return Step(
        number=at + 1,
        of=len(steps),
        ends_at=world.deadlines.get(waiting.step_key(contact.id)) or 0.0,
        ends_below_available=steps[at].available_below,
        ends_over_predicted=steps[at].wait_over_seconds,
        next_requires=following,
        next_agents=tuple(more[:SHOWN]),
        next_count=len(more),
        next_free=sum(1 for name in more if index.is_eligible(name, contact.medium)),
    )


def _opening(world: World, contact: Contact, queue: QueueConfig) -> Opening | None:
    at = world.deadlines.get(waiting.open_key(contact.id))
    delay = next((delay for delay in world.delays.get(contact.queue, ()) if delay > contact.opened), None)
    if at is None or delay is None:
        return None
    asked = waiting.requirement(contact, queue)
    new = []
    for config in world.site.agents:
        serves = world.serves.get(AgentId(config.id), {}).get(contact.queue)
        if serves is not None and contact.opened < serves.delay_seconds <= delay and fits(config.skills, asked):
            new.append(AgentId(config.id))
    return Opening(at=at, delay=delay, agents=tuple(new[:SHOWN]), count=len(new))


# --- the fair order -----------------------------------------------------------------------------------


def _ahead(world: World, index: Index, contact: Contact, mine: Pool) -> tuple[list[Ahead], int]:
    """Who goes before it with somebody who could serve both, best first; and its place in its own queue (0: it does not
    wait)."""
    if contact.state is not ContactState.WAITING:
        return [], 0
    key = contacts.rank_key(contact, contacts.queue_config(world, contact.queue))
    found: list[tuple[int, contacts.RankKey, Ahead]] = []
    place = 1
    for other in index.pools.values():
        if other.key.queue == contact.queue:
            place += sum(1 for rank in other.waiting if rank < key)
        if not other.waiting:
            continue
        shared = Counter(
            (index.priority(name, other), index.priority(name, mine)) for name in mine.members if name in other.members
        )
        for rank in other.waiting:
            first = [(theirs, own) for theirs, own in shared if (theirs, rank) < (own, key)]
            if not first or rank[-1] == contact.id:
                continue
            by_class = any(theirs < own for theirs, own in first)
            ahead = _why_ahead(world, contact, world.contacts[rank[-1]], by_class, sum(shared[two] for two in first))
            found.append((min(theirs for theirs, _ in first), rank, ahead))
    return [ahead for _, _, ahead in sorted(found, key=lambda one: one[:2])], place


def _why_ahead(world: World, contact: Contact, other: Contact, by_class: bool, shared: int) -> Ahead:
    mine, theirs = contacts.queue_config(world, contact.queue), contacts.queue_config(world, other.queue)
    seconds = contacts.due(contact, mine) - contacts.due(other, theirs)
    if by_class:
        by = "queue_priority"
    elif other.head and not contact.head:
        by = "came_back"
    elif seconds <= 0:
        by = "order"
    else:
        parts = {
            "waits_longer": contact.queued_at - other.queued_at,
            "head_start": theirs.priority + other.priority - mine.priority - contact.priority,
            "objective": mine.objective_seconds - theirs.objective_seconds,
        }
        by = max(parts, key=lambda part: parts[part])
    decides = by in ("waits_longer", "head_start", "objective")
    return Ahead(
        contact=other.id, queue=other.queue, by=by, seconds=seconds if decides else 0.0, agents=shared
    )
