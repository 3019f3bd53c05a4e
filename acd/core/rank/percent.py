"""Percent allocation: who is furthest below the share of the queue's work that should be his is first.

Compared is work / share: the sum of all work is the same for everybody, so the order is that of (part of the work /
share), Avaya's rule (oracle AV-5). Who has no share comes last; between equals the longest idle.
"""

from __future__ import annotations

from acd.core.rank.base import Key, Plain, Seat, tally
from ctiserver.model.work import Agent


class Percent(Plain):
    NAMES: tuple[str, ...] = ("no_share", "work_per_share", "idle_since")

    def key(self, agent: Agent, seat: Seat) -> Key:
        if seat.share <= 0.0:
            return (1.0, 0.0, agent.idle_since)
        return (0.0, tally(agent, seat.queue).work / seat.share, agent.idle_since)
