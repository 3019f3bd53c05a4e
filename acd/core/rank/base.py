"""What a rank key may look at, and what an algorithm is.

A key is made when something about the agent changes and kept until the next change, so it may not depend on the time
that has passed since: the order of two idle agents must stay what it is while nobody does anything. Smaller is better.
The engine puts the tier before the key and the agent's id behind it, which makes every order total.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from ctiserver.model.ids import QueueId
from ctiserver.model.work import Agent, Tally

Key = tuple[float, ...]
NO_TALLY = Tally()


class Seat(msgspec.Struct, frozen=True):
    """What an agent is to the contacts of one pool. `level`: his levels of the skills that are asked for, summed up
    (100 is best); `share`: percent of the queue's work that should be his, 0.0 = nothing was said."""

    queue: QueueId
    tier: int = 1
    level: int = 0
    share: float = 0.0


class Algorithm(Protocol):
    """One way to rank agents. `NAMES` names the parts of the key."""

    NAMES: tuple[str, ...]

    def key(self, agent: Agent, seat: Seat) -> Key: ...

    def shown(self, key: Key, now: float) -> Key:
        """The key in units for people, as of `now`: what the why-record keeps."""
        ...


class Plain:
    """An algorithm whose key is readable as it is."""

    def shown(self, key: Key, now: float) -> Key:
        return key


def tally(agent: Agent, queue: QueueId) -> Tally:
    return agent.tallies.get(queue, NO_TALLY)
