"""Best level first: the highest level of what is asked for; between equal levels another algorithm decides."""

from __future__ import annotations

from acd.core.rank.base import Algorithm, Key, Seat
from ctiserver.model.work import Agent


class BestLevel:
    """The level is shown as a negative number, as it is compared: smaller is better."""

    def __init__(self, then: Algorithm) -> None:
        self._then = then
        self.NAMES: tuple[str, ...] = ("level", *then.NAMES)

    def key(self, agent: Agent, seat: Seat) -> Key:
        return (-float(seat.level), *self._then.key(agent, seat))

    def shown(self, key: Key, now: float) -> Key:
        return (key[0], *self._then.shown(key[1:], now))
