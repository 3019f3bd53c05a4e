"""`hollyhock replay --with changed.toml`: which contacts would have gone elsewhere, and how long all would wait.

Here: the comparison and its words. Three stand side by side: what was recorded, the recording played again with the
recorded rules (what that differs from the record is how far the rest can be trusted), and with the changed ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from acd.sim.retrace import ASSUMED, Outcome, Past, retrace
from ctiserver.journal_tool.lines import stamp
from ctiserver.model.site import SiteConfig

SHOWN = 30
"""Contacts that are listed one by one; the JSON has all."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One queue, by the queue that callers asked for. Waits in seconds, of those who were answered; `level`: share of
    all, answered within the queue's service level."""

    callers: int
    answered: int
    gave_up: int
    level: float
    mean_wait: float
    worst_tenth: float
    """nine of ten answered waited less"""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that would have gone elsewhere: agents ('' = nobody) and waits with the recorded and changed rules."""

    at: float
    conversation: str
    queue: str
    old_queue: str
    new_queue: str
    old_agent: str
    new_agent: str
    old_wait: float
    new_wait: float


class Retraced(msgspec.Struct, frozen=True, kw_only=True):
    """`as_recorded`: of all visits, those that the recorded rules played again give to the same agent (or nobody).
    `queues`: name -> recorded, old rules played again, changed rules."""

    assumed: tuple[str, ...]
    begin: float
    end: float
    visits: int
    as_recorded: int
    queues: dict[str, tuple[Figures, Figures, Figures]]
    moved: tuple[Moved, ...]


def compare(past: Past, recorded: list[Outcome], changed: SiteConfig) -> Retraced:
    """Plays the past twice."""
    old, new = retrace(past), retrace(past, changed)
    levels: dict[str, float] = {}
    for site in (*(site for _, site in past.sites), changed):
        levels.update({queue.id: queue.service_level_seconds for queue in site.queues})
    queues = {}
    for name in sorted({visit.asked.queue for visit in past.visits}):
        places = [place for place, visit in enumerate(past.visits) if visit.asked.queue == name]
        level = levels.get(name, 20.0)
        queues[str(name)] = (
            _figures([recorded[place] for place in places], level),
            _figures([old[place] for place in places], level),
            _figures([new[place] for place in places], level),
        )
    moved = [
        Moved(
            at=visit.at,
            conversation=visit.asked.conversation,
            queue=visit.asked.queue,
            old_queue=one.queue,
            new_queue=other.queue,
            old_agent=one.agent,
            new_agent=other.agent,
            old_wait=round(one.wait, 3),
            new_wait=round(other.wait, 3),
        )
        for visit, one, other in zip(past.visits, old, new, strict=True)
        if (one.agent, one.queue) != (other.agent, other.queue)
    ]
    return Retraced(
        assumed=ASSUMED,
        begin=past.begin,
        end=past.end,
        visits=len(past.visits),
        as_recorded=sum(one.agent == other.agent for one, other in zip(recorded, old, strict=True)),
        queues=queues,
        moved=tuple(moved),
    )


def _figures(outcomes: list[Outcome], level: float) -> Figures:
    waits = sorted(one.wait for one in outcomes if one.agent)
    within = sum(wait <= level for wait in waits)
    return Figures(
        callers=len(outcomes),
        answered=len(waits),
        gave_up=sum(one.end == "abandoned" for one in outcomes),
        level=round(within / len(outcomes), 4) if outcomes else 0.0,
        mean_wait=round(sum(waits) / len(waits), 2) if waits else 0.0,
        worst_tenth=round(waits[min(len(waits) - 1, int(0.9 * len(waits)))], 2) if waits else 0.0,
    )


def lines(found: Retraced) -> Iterator[str]:
    yield "assumed"
    yield from (f"  - {one}" for one in found.assumed)
    yield ""
    yield f"stretch   {stamp(found.begin)} to {stamp(found.end)} UTC, {found.visits} callers who asked for an agent"
    share = found.as_recorded / found.visits if found.visits else 1.0
    yield f"trust     the recorded rules, played again, give {found.as_recorded} ({share:.1%}) the agent that they had"
    yield ""
    head = f"{'callers':>8} {'answered':>9} {'gave up':>8} {'in time':>8} {'mean wait':>10} {'9 of 10':>9}"
    yield f"{'queue':<16} {'rules':<9} {head}"
    for name, three in found.queues.items():
        for rules, one in zip(("recorded", "old", "changed"), three, strict=True):
            said = f"{one.callers:>8} {one.answered:>9} {one.gave_up:>8} {one.level:>8.1%}"
            yield f"{name:<16} {rules:<9} {said} {one.mean_wait:>8.1f} s {one.worst_tenth:>7.1f} s"
            name = ""
    yield ""
    yield f"{len(found.moved)} contacts would have gone elsewhere (old rules -> changed rules)"
    for each in found.moved[:SHOWN]:
        queue = each.queue if each.old_queue == each.new_queue else f"{each.old_queue} -> {each.new_queue}"
        agents = f"{each.old_agent or 'nobody'} -> {each.new_agent or 'nobody'}"
        waits = f"{each.old_wait:.1f} s -> {each.new_wait:.1f} s"
        yield f"  {stamp(each.at)}  {each.conversation}  {queue}  {agents}  waited {waits}"
    if len(found.moved) > SHOWN:
        yield f"  and {len(found.moved) - SHOWN} more: --json has all"
