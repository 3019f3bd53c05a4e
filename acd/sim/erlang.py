"""Erlang B, C and A: what a queue without routing would do, and how many agents it needs.

Lives here: the formulae, pure and stable for tens of thousands of agents. Not here: the simulator (`run`), which takes
its first guess from here and is tested against it. Sources: A. K. Erlang 1917 (B, C); C. Palm 1943/57 and Mandelbaum &
Zeltyn 2007 (A, callers hang up after an exponential patience). Worked examples: tests/sim/test_erlang.py.

`rate` is calls per unit of time and `handle`, `patience` and `within` are times in the same unit, whichever it is.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, expm1, floor, inf, log, log1p

import msgspec

_NEGLIGIBLE = 1e-16
"""Where the sums over the length of the queue stop, against what is summed up so far."""
_MOST = 100_000
"""Agents; nobody has more in one queue, and a target that needs more cannot be met."""


class Unstable(ValueError):
    """Callers who never hang up, and not more agents than load: the queue would grow for ever."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What to expect with so many agents. `waiting`: share of calls that wait at all; `service_level`: share of all
    calls answered within the time; `mean_wait`: of all calls, those that hang up too; `abandoned`: share."""

    agents: int
    waiting: float
    service_level: float
    mean_wait: float
    occupancy: float
    abandoned: float = 0.0


def blocking(load: float, lines: int) -> float:
    """Erlang B: the share of calls that find all lines busy. `load` in Erlang (rate x holding time)."""
    blocked = 1.0
    for line in range(1, lines + 1):
        blocked = load * blocked / (line + load * blocked)
    return blocked


def lines_for(load: float, blocked: float) -> int:
    """The fewest lines with at most this share blocked."""
    found, lines = 1.0, 0
    while found > blocked:
        lines += 1
        if lines > _MOST:
            raise Unstable(f"no number of lines up to {_MOST} keeps blocking at {blocked}")
        found = load * found / (lines + load * found)
    return lines


def erlang_c(rate: float, handle: float, agents: int, within: float) -> Expected:
    """Nobody hangs up. Raises Unstable unless there are more agents than load."""
    load = rate * handle
    if agents <= load:
        raise Unstable(f"{agents} agents cannot carry a load of {load:g}: it takes more agents than load")
    blocked = blocking(load, agents)
    waiting = blocked / (1.0 - load / agents * (1.0 - blocked))
    return Expected(
        agents=agents,
        waiting=waiting,
        service_level=1.0 - waiting * exp(-(agents - load) * within / handle),
        mean_wait=waiting * handle / (agents - load),
        occupancy=load / agents,
    )


def erlang_a(rate: float, handle: float, patience: float, agents: int, within: float) -> Expected:
    """Callers hang up after an exponential patience of this mean; infinite = Erlang C, and then Unstable may be raised.

    With k callers before him in the queue a caller waits for k + 1 departures at the rates agents / handle + i /
    patience, i = 0..k. Their sum is -patience ln(X), X ~ Beta(agents patience / handle, k + 1), so whom he is served by
    the time T has a closed form in the incomplete beta function, which is summed up by its recursion in k.
    """
    if patience == inf:
        return erlang_c(rate, handle, agents, within)
    load = rate * handle
    if load <= 0.0:
        return Expected(agents=agents, waiting=0.0, service_level=1.0, mean_wait=0.0, occupancy=0.0)
    if agents <= 0:
        return _nobody(patience)
    served, leave = agents / handle, 1.0 / patience  # rates: one of the agents becomes free, one caller loses patience
    c = served / leave
    y = -expm1(-within * leave)
    log_term = -within * leave * (c + 1.0)  # of y^k (1-y)^b C(k+b-1, k), b = c + 1, at k = 0
    by_then = 1.0 - exp(log_term)  # I_y(k+1, b): the beta part of being answered by then, at k = 0
    weight, tail, length, in_time = 1.0, 0.0, 0.0, 0.0  # weight: P(agents + k calls there) over P(agents calls there)
    k = 0
    while True:
        tail += weight
        length += k * weight
        in_time += weight * c / (c + k + 1.0) * max(0.0, by_then)
        k += 1
        if y > 0.0:
            log_term += log(y) + log1p(c / k)
            by_then -= exp(log_term)
        ratio = rate / (served + k * leave)
        weight *= ratio
        if ratio < 1.0 and weight * (k + 1) / (1.0 - ratio) < _NEGLIGIBLE * tail:
            break
    blocked = blocking(load, agents)
    whole = 1.0 / blocked - 1.0 + tail if blocked > 0.0 else inf
    waiting = tail / whole
    mean_wait = length / whole / rate
    abandoned = mean_wait * leave
    return Expected(
        agents=agents,
        waiting=waiting,
        service_level=1.0 - waiting + (in_time / whole if within > 0.0 else 0.0),
        mean_wait=mean_wait,
        occupancy=load * (1.0 - abandoned) / agents,
        abandoned=abandoned,
    )


def _nobody(patience: float) -> Expected:
    return Expected(
        agents=0, waiting=1.0, service_level=0.0, mean_wait=patience, occupancy=0.0, abandoned=1.0
    )


def staffing(
    expect: Callable[[int], Expected],
    load: float,
    *,
    service_level: float,
    occupancy: float = 1.0,
    abandoned: float = 1.0,
) -> Expected:
    """The fewest agents with at least this service level, and at most this occupancy and share of abandoned calls.

    `expect` is one of the formulae with all but the agents given; everything gets better with every agent more, so the
    number is found by halving. Raises Unstable when no number of agents is enough.
    """

    def good(agents: int) -> bool:
        try:
            found = expect(agents)
        except Unstable:
            return False
        return (
            found.service_level >= service_level and found.occupancy <= occupancy and found.abandoned <= abandoned
        )

    high = max(1, ceil(load))
    while not good(high):
        if high >= _MOST:
            raise Unstable(f"no number of agents up to {_MOST} is enough")
        high = min(_MOST, 2 * high)
    low = 0  # not enough, or not asked
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return expect(high)


def roster(agents: int, shrinkage: float) -> int:
    """How many must be on the roster so that so many are at the phone. `shrinkage`: share of paid time away from it."""
    return ceil(agents / (1.0 - shrinkage) - 1e-9)


def at_phone(rostered: int, shrinkage: float) -> int:
    """The way back: how many of the roster are at the phone."""
    return floor(rostered * (1.0 - shrinkage) + 1e-9)
