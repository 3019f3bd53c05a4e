"""A scenario: who calls when, who works when, by which configuration. Data only, and what it draws from.

Lives here: the form. Not here: reading it (`reading`), drawing calls (`calls`). Times of the day are seconds since the
day's local midnight.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Protocol

import msgspec

from ctiserver.model.site import AgentConfig, SiteConfig

DAY = 86_400.0
_MADE = "~"
"""Begins the id of an agent whom a pool makes; no configured id begins so."""


class Chance(Protocol):
    """A seeded generator; the caller makes it (`random.Random` is one)."""

    def expovariate(self, lambd: float, /) -> float: ...

    def lognormvariate(self, mu: float, sigma: float, /) -> float: ...


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds that differ from call to call. `sd` None: exponential; 0: always the mean; else lognormal."""

    mean: float
    sd: float | None = None

    def draw(self, chance: Chance) -> float:
        if self.mean <= 0.0:
            return 0.0
        if self.sd is None:
            return chance.expovariate(1.0 / self.mean)
        if self.sd == 0.0:
            return self.mean
        spread = log(1.0 + (self.sd / self.mean) ** 2)
        return chance.lognormvariate(log(self.mean) - spread / 2.0, sqrt(spread))


AT_ONCE = Spread(mean=0.0, sd=0.0)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of call. `rates`: (from, calls per hour) in order of time. `patience` None: nobody hangs up. `wrap` None:
    wrap-up is as long as the configuration says. `answer`: from the ring to the agent's answer."""

    id: str
    queue: str
    talk: Spread
    patience: Spread | None = None
    wrap: Spread | None = None
    answer: Spread = AT_ONCE
    rates: tuple[tuple[float, float], ...] = ()
    requires: str = ""
    priority: float = 0.0
    number: str = ""
    classes: tuple[str, ...] = ()
    data: dict[str, str] = {}


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's presence. He ends what he has in hand before he goes."""

    agent: str
    begin: float
    end: float


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """Agents who are like each other: the staffing search takes more or fewer of them. `spans`: when they are there."""

    like: AgentConfig
    count: int
    spans: tuple[tuple[float, float], ...]


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`midnight`: epoch seconds of the day's local midnight. Calls arrive and figures are kept from `begin` to `end`.
    `shifts` are those of agents in `site` who belong to no pool, until `staffed` has added the pools' own."""

    site: SiteConfig
    kinds: tuple[Kind, ...]
    shifts: tuple[Shift, ...]
    pools: tuple[Pool, ...] = ()
    midnight: float = 0.0
    begin: float = 0.0
    end: float = DAY
    interval: float = 1800.0

    def kind(self, name: str) -> Kind | None:
        return next((kind for kind in self.kinds if kind.id == name), None)

    def bare(self) -> Scenario:
        """Without the agents of pools."""
        own = dict.fromkeys(agent.id for agent in self.site.agents if not agent.id.startswith(_MADE))
        site = msgspec.structs.replace(self.site, agents=tuple(a for a in self.site.agents if a.id in own))
        shifts = tuple(shift for shift in self.shifts if shift.agent in own)
        return msgspec.structs.replace(self, site=site, shifts=shifts)

    def staffed(self, counts: Sequence[int]) -> Scenario:
        """With so many agents of each pool, in its own times of presence."""
        pairs = zip(self.pools, counts, strict=True)
        return self.placed([[(span, count) for span in pool.spans] for pool, count in pairs])

    def placed(self, wanted: Sequence[Sequence[tuple[tuple[float, float], int]]]) -> Scenario:
        """With so many agents of each pool in each of these spans, which follow each other. The first ones of a pool
        are there most; spans that touch are one shift."""
        bare = self.bare()
        agents, shifts = list(bare.site.agents), list(bare.shifts)
        for pool, spans in zip(self.pools, wanted, strict=True):
            for number in range(max((count for _, count in spans), default=0)):
                name = f"{_MADE}{pool.like.id}-{number + 1:05d}"
                agents.append(msgspec.structs.replace(pool.like, id=name))
                shifts.extend(Shift(agent=name, begin=a, end=b) for a, b in _present(spans, number))
        site = msgspec.structs.replace(bare.site, agents=tuple(agents))
        return msgspec.structs.replace(bare, site=site, shifts=tuple(shifts))


def _present(spans: Sequence[tuple[tuple[float, float], int]], number: int) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for (begin, end), count in spans:
        if count <= number:
            continue
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


class Call(msgspec.Struct, frozen=True):
    """One call as it would go if it were answered: seconds of the day, then seconds. `wrap` None: as configured;
    `customer`: who it is, for the rules on whom he talked to last ('' = nobody in particular)."""

    at: float
    kind: Kind
    talk: float
    patience: float
    wrap: float | None
    answer: float
    customer: str = ""
