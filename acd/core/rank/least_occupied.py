"""Least occupied: who was at work for the smallest share of his recent time is first.

Occupancy is a moving average of "at work" (offers, talks and wrap-ups count, idle time does not) that forgets with the
time constant MEMORY: x' = (1 - x) / MEMORY at work and -x / MEMORY when idle. All idle agents' values fall by the same
factor, so ln(x) + t / MEMORY stays as it is while an agent idles, and so does the order. Between equals (nobody has
worked yet) the longest idle is first.
"""

from __future__ import annotations

from math import exp, log

from acd.core.rank.base import Key, Seat
from ctiserver.model.work import Agent

MEMORY = 3600.0
"""Seconds: what was an hour ago counts about a third (our choice: a shift's rhythm, not yesterday's)."""
FLOOR = 1e-12
"""A logarithm needs something to bite on."""


def later(occupancy: float, seconds: float, *, working: bool) -> float:
    """The occupancy after so many more seconds."""
    left = exp(-max(0.0, seconds) / MEMORY)
    return 1.0 - (1.0 - occupancy) * left if working else occupancy * left


class LeastOccupied:
    NAMES: tuple[str, ...] = ("occupancy", "idle_since")

    def key(self, agent: Agent, seat: Seat) -> Key:
        if agent.occupancy < FLOOR:
            return (log(FLOOR), agent.idle_since)
        return (log(agent.occupancy) + agent.occupancy_at / MEMORY, agent.idle_since)

    def shown(self, key: Key, now: float) -> Key:
        """The share, 0-1."""
        return (exp(min(0.0, key[0] - now / MEMORY)), *key[1:])
