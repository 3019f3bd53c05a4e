"""Longest idle: who has waited longest since his last contact (or his sign-in) is first."""

from __future__ import annotations

from acd.core.rank.base import Key, Plain, Seat
from ctiserver.model.work import Agent


class LongestIdle(Plain):
    NAMES: tuple[str, ...] = ("idle_since",)

    def key(self, agent: Agent, seat: Seat) -> Key:
        return (agent.idle_since,)
