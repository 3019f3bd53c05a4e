"""How many agents it takes: the fewest for a target service level, found on the simulator.

Lives here: the search. It begins with what Erlang says and goes on by halving, every candidate on the same drawn days
(several, so that one lucky day does not decide). Not here: drawing the days (`calls`), the figures (`figures`).

First all pools grow and shrink together, in the proportion of their counts; then each in turn, the largest first, is
made as small as it can be with the others as they are. No single agent can then be spared; another mix of pools with
fewer in all may exist. *Per day*: with the times of presence of the scenario. *Per interval*:
for each interval in turn, those before it fixed; each is simulated from two intervals before, so that it begins with
the queue it would find. A target counts for every queue by itself, in its own time; who is not answered counts against
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import msgspec

from acd.sim import erlang
from acd.sim.centre import Centre, Day
from acd.sim.figures import DEFAULT_WITHIN
from acd.sim.scenario import Call, Scenario

BEFORE = 2
"""Intervals that are simulated before the one that is looked at."""
MOST = 20_000
"""Agents at once."""

Spans = list[tuple[tuple[float, float], int]]
Progress = Callable[[float], None]


class Unreachable(Exception):
    """No number of agents reaches the target: a queue that nobody of the pools serves, or shifts that leave a gap."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """`guess`: Erlang's, without skills; `counts`: agents of each pool."""

    begin: float
    end: float
    guess: int
    counts: list[int]


class Staffed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, by interval or in one row for the day; `runs`: simulations it took."""

    scenario: Scenario
    rows: list[Found]
    runs: int


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """A total given to pools in the proportion of their weights; what is left over goes to the largest remainders."""
    whole = sum(weights)
    exact = [total * weight / whole if whole else total / len(weights) for weight in weights]
    found = [int(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda place: (found[place] - exact[place], place))
    for place in order[: total - sum(found)]:
        found[place] += 1
    return found


def guess(scenario: Scenario, days: Sequence[Sequence[Call]], begin: float, end: float, target: float) -> int:
    """Erlang's answer for the calls that arrive in this time."""
    calls = [call for day in days for call in day if begin <= call.at < end]
    if not calls:
        return 0
    queues = {queue.id: queue for queue in scenario.site.queues}
    within = min((queues[c.kind.queue].service_level_seconds for c in calls), default=DEFAULT_WITHIN)
    rate = len(calls) / len(days) / (end - begin)
    handle = sum(
        c.talk + c.answer + (c.wrap if c.wrap is not None else queues[c.kind.queue].wrap_up_seconds) for c in calls
    ) / len(calls)
    patience = sum(c.patience for c in calls) / len(calls)
    try:
        found = erlang.staffing(
            lambda agents: erlang.erlang_a(rate, handle, patience if patience < inf else inf, agents, within),
            rate * handle,
            service_level=target,
        )
    except erlang.Unstable:
        return max(1, round(rate * handle))
    return found.agents


def per_day(
    scenario: Scenario, days: Sequence[Sequence[Call]], target: float, progress: Progress | None = None
) -> Staffed:
    """The fewest agents in all for the whole day."""
    weights = _weights(scenario)
    steps = _intervals(scenario)
    first = max((guess(scenario, days, begin, end, target) for begin, end in steps), default=1)
    runs = 0

    def good(counts: list[int]) -> bool:
        nonlocal runs
        runs += len(days)
        found = _reached(scenario.staffed(counts), days, scenario.begin, scenario.end, target)
        if progress is not None:
            progress(min(0.99, runs / ((10.0 + 4.0 * len(weights)) * len(days))))
        return found

    counts = _fewest(good, first, weights)
    row = Found(begin=scenario.begin, end=scenario.end, guess=first, counts=counts)
    return Staffed(scenario=scenario.staffed(counts), rows=[row], runs=runs)


def per_interval(
    scenario: Scenario, days: Sequence[Sequence[Call]], target: float, progress: Progress | None = None
) -> Staffed:
    """The fewest agents in each interval; the times of presence of the pools are not looked at."""
    weights = _weights(scenario)
    steps = _intervals(scenario)
    guesses = [guess(scenario, days, begin, end, target) for begin, end in steps]
    placed = [shares(number, weights) for number in guesses]
    runs = 0
    for place, (begin, end) in enumerate(steps):
        since = steps[max(0, place - BEFORE)][0]
        until = steps[min(place + 1, len(steps) - 1)][1]
        window = msgspec.structs.replace(scenario, begin=since, end=until)
        calls = [[call for call in day if since <= call.at < end] for day in days]
        if not any(begin <= call.at for day in calls for call in day):
            placed[place] = [0] * len(weights)
            continue

        def good(
            counts: list[int], at: int = place, window: Scenario = window, calls: list[list[Call]] = calls
        ) -> bool:
            nonlocal runs
            runs += len(days)
            tried = [*placed[:at], counts, *([counts] if at + 1 < len(steps) else []), *placed[at + 2 :]]
            return _reached(_placed(window, steps, tried), calls, *steps[at], target)

        placed[place] = _fewest(good, guesses[place], weights)
        if progress is not None:
            progress((place + 1) / len(steps))
    rows = [
        Found(begin=begin, end=end, guess=guesses[place], counts=placed[place])
        for place, (begin, end) in enumerate(steps)
    ]
    return Staffed(scenario=_placed(scenario, steps, placed), rows=rows, runs=runs)


def _weights(scenario: Scenario) -> list[int]:
    if not scenario.pools:
        raise Unreachable("there is no [[staff]] with a count, so nobody can be added")
    counts = [pool.count for pool in scenario.pools]
    return counts if sum(counts) else [1] * len(counts)


def _intervals(scenario: Scenario) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    begin = scenario.begin
    while begin < scenario.end:
        end = min(scenario.end, begin + scenario.interval)
        found.append((begin, end))
        begin = end
    return found


def _placed(scenario: Scenario, steps: Sequence[tuple[float, float]], counts: Sequence[Sequence[int]]) -> Scenario:
    wanted: list[Spans] = [
        [(span, part[pool]) for span, part in zip(steps, counts, strict=True)] for pool in range(len(scenario.pools))
    ]
    return scenario.placed(wanted)


def _reached(
    scenario: Scenario, days: Sequence[Sequence[Call]], begin: float, end: float, target: float
) -> bool:
    """Whether the calls that arrive in this time are served as wanted, all days together, in every queue."""
    within = {queue.id: queue.service_level_seconds for queue in scenario.site.queues}
    calls: dict[str, int] = {}
    in_time: dict[str, int] = {}
    for day in days:
        done: Day = Centre(scenario, day).run()
        for outcome in done.outcomes:
            if not begin <= outcome.at < end:
                continue
            calls[outcome.queue] = calls.get(outcome.queue, 0) + 1
            if outcome.answered and outcome.wait <= within.get(outcome.queue, DEFAULT_WITHIN):
                in_time[outcome.queue] = in_time.get(outcome.queue, 0) + 1
    return all(in_time.get(queue, 0) >= target * count for queue, count in calls.items())


def _fewest(enough: Callable[[list[int]], bool], first: int, weights: Sequence[int]) -> list[int]:
    """Of each pool so many that they are enough together and none can be spared. Raises Unreachable."""
    counts = shares(_together(lambda total: enough(shares(total, weights)), max(1, first)), weights)
    for place in sorted(range(len(counts)), key=lambda place: (-counts[place], place)):
        if len(counts) == 1:
            break

        def fewer(count: int, place: int = place) -> bool:
            return count >= 0 and enough([*counts[:place], count, *counts[place + 1 :]])

        high, step = counts[place], 1
        while fewer(high - step):
            high, step = high - step, step * 2
        low = max(-1, high - step)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fewer(middle) else (middle, high)
        counts[place] = high
    return counts


def _together(good: Callable[[int], bool], first: int) -> int:
    """The smallest number that is good, looked for around the first guess."""
    if good(first):
        high, step = first, 1
        low = max(0, high - step)
        while low > 0 and good(low):
            high, step = low, step * 2
            low = max(0, high - step)
    else:
        low, step = first, 1
        high = low + step
        while not good(high):
            if high > min(MOST, 8 * first + 64):
                raise Unreachable(f"{high} agents are not enough: does anybody serve every queue, at every time?")
            low, step = high, step * 2
            high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return high
