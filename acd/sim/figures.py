"""The figures of a simulated day: waiting, service level, abandoned, occupancy; by interval and by queue.

Lives here: what is counted how, once. A call counts in the interval in which it arrived and in the queue in which it
was last. Service level: share of all calls that were answered within the queue's own time, those that hung up count
against it (as Erlang A here). Waits are of all calls that have an end or an answer, hung up ones too. Occupancy: share
of paid time spent on offers, talks and wrap-ups, of all agents together, since they are shared by the queues.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import msgspec

from acd.sim.centre import Day, Outcome
from acd.sim.scenario import Scenario
from ctiserver.model.causes import EndReason

DEFAULT_WITHIN = 20.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds and shares; None: nothing to make it of. `other`: ends that are neither answer nor hang-up."""

    calls: int
    answered: int
    abandoned: int
    other: int
    here: int
    in_time: int
    service_level: float | None
    abandoned_share: float | None
    mean_wait: float | None
    median_wait: float | None
    p90_wait: float | None
    p99_wait: float | None
    longest_wait: float | None
    mean_answer: float | None


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """`begin`, `end`: seconds of the day. `agents`: on average present; `occupancy`: None when nobody was."""

    begin: float
    end: float
    agents: float
    occupancy: float | None
    all: Row
    queues: dict[str, Row]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. `ended`: contacts by queue and end reason; with `here` they make up `entered`, exactly."""

    calls: int
    steps: int
    occupancy: float | None
    agents_hours: float
    all: Row
    queues: dict[str, Row]
    intervals: list[Interval]
    entered: dict[str, int]
    ended: dict[str, dict[str, int]]
    here: dict[str, int]


def figures(scenario: Scenario, day: Day) -> Figures:
    within = {queue.id: queue.service_level_seconds for queue in scenario.site.queues}
    count = len(day.staffed)
    by_place: list[list[Outcome]] = [[] for _ in range(count)]
    for outcome in day.outcomes:
        by_place[min(count - 1, int((outcome.at - scenario.begin) / scenario.interval))].append(outcome)
    intervals = []
    for place, outcomes in enumerate(by_place):
        begin = scenario.begin + place * scenario.interval
        end = min(begin + scenario.interval, scenario.end)
        intervals.append(
            Interval(
                begin=begin,
                end=end,
                agents=day.staffed[place] / (end - begin),
                occupancy=_share(day.busy[place], day.staffed[place]),
                all=row(outcomes, within),
                queues=_by_queue(outcomes, within),
            )
        )
    return Figures(
        calls=len(day.outcomes),
        steps=day.steps,
        occupancy=_share(sum(day.busy), sum(day.staffed)),
        agents_hours=sum(day.staffed) / 3600.0,
        all=row(day.outcomes, within),
        queues=_by_queue(day.outcomes, within),
        intervals=intervals,
        entered=dict(sorted(day.entered.items())),
        ended={queue: {reason.value: n for reason, n in sorted(by.items())} for queue, by in sorted(day.ended.items())},
        here=dict(sorted(day.here.items())),
    )


def _by_queue(outcomes: Sequence[Outcome], within: dict[str, float]) -> dict[str, Row]:
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.queue, []).append(outcome)
    return {queue: row(found[queue], within) for queue in sorted(found)}


def row(outcomes: Sequence[Outcome], within: dict[str, float]) -> Row:
    """What these calls make together. `within`: seconds of each queue's service level."""
    answered = [o for o in outcomes if o.answered]
    ended = [o for o in outcomes if o.end is not None and not o.answered]
    here = len(outcomes) - len(answered) - len(ended)
    abandoned = sum(1 for o in ended if o.end is EndReason.ABANDONED)
    in_time = sum(1 for o in answered if o.wait <= within.get(o.queue, DEFAULT_WITHIN))
    waits = sorted(o.wait for o in (*answered, *ended))
    known = len(waits)
    return Row(
        calls=len(outcomes),
        answered=len(answered),
        abandoned=abandoned,
        other=len(ended) - abandoned,
        here=here,
        in_time=in_time,
        service_level=_share(in_time, known),
        abandoned_share=_share(abandoned, known),
        mean_wait=_share(sum(waits), known),
        median_wait=percentile(waits, 0.5),
        p90_wait=percentile(waits, 0.9),
        p99_wait=percentile(waits, 0.99),
        longest_wait=waits[-1] if waits else None,
        mean_answer=mean(o.wait for o in answered),
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that is not exceeded by this share of them."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
