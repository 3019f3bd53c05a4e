"""The algorithms by name: the one place that knows them all. Another one is a small file and a line here."""

from __future__ import annotations

from acd.core.rank.base import Algorithm
from acd.core.rank.best_level import BestLevel
from acd.core.rank.fewest_calls import FewestCalls
from acd.core.rank.least_occupied import LeastOccupied
from acd.core.rank.longest_idle import LongestIdle
from acd.core.rank.percent import Percent
from acd.core.rank.round_robin import RoundRobin
from ctiserver.model.routing import Algorithm as Name

TABLE: dict[Name, Algorithm] = {
    Name.LONGEST_IDLE: LongestIdle(),
    Name.LEAST_OCCUPIED: LeastOccupied(),
    Name.BEST_LONGEST_IDLE: BestLevel(LongestIdle()),
    Name.BEST_LEAST_OCCUPIED: BestLevel(LeastOccupied()),
    Name.PERCENT: Percent(),
    Name.ROUND_ROBIN: RoundRobin(),
    Name.FEWEST_CALLS: FewestCalls(),
    Name.RING_ALL: LongestIdle(),  # who is among those rung, when there are more than may ring
}
