"""Round robin: whose last offer from this queue is the longest ago is first, answered or not; then the longest idle."""

from __future__ import annotations

from acd.core.rank.base import Key, Plain, Seat, tally
from ctiserver.model.work import Agent


class RoundRobin(Plain):
    NAMES: tuple[str, ...] = ("offered_at", "idle_since")

    def key(self, agent: Agent, seat: Seat) -> Key:
        return (tally(agent, seat.queue).offered_at, agent.idle_since)
