"""The waiting time as an interval, while it is known well enough to be told. Nothing is known yet."""

from __future__ import annotations

from ctiserver.model.ids import QueueId
from ctiserver.model.world import World


def interval(world: World, queue: QueueId, position: int) -> tuple[float, float] | None:
    """Between how many seconds whoever is at this place of the queue will still wait; None: it is not known."""
    return None
