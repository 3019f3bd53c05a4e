"""Fewest calls: who has handled the fewest contacts of this queue since his sign-in is first; then the longest idle."""

from __future__ import annotations

from acd.core.rank.base import Key, Plain, Seat, tally
from ctiserver.model.work import Agent


class FewestCalls(Plain):
    NAMES: tuple[str, ...] = ("handled", "idle_since")

    def key(self, agent: Agent, seat: Seat) -> Key:
        return (float(tally(agent, seat.queue).handled), agent.idle_since)
