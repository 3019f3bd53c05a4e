"""Textbook queues as scenarios, replications of them, and Student's t for judging these."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import sqrt

import msgspec

from acd.sim.calls import drawn
from acd.sim.centre import Centre, Outcome
from acd.sim.scenario import Kind, Scenario, Shift, Spread
from ctiserver.model.site import AgentConfig, Label, QueueConfig, SiteConfig

RUNS = 10
WARM = 3600.0
"""Seconds at the beginning whose calls are not counted: it begins empty."""
T99 = {9: 3.250, 18: 2.878}
"""Two-sided 99 % quantiles of Student's t by degrees of freedom (any table)."""


def label(name: str) -> Label:
    return Label(zh=name, en=name)


def queue(name: str, **more: object) -> QueueConfig:
    plain = {"wrap_up_seconds": 0.0, "max_waiting": 10**9, "max_wait_seconds": 1e9, **more}
    return QueueConfig(id=name, name=label(name), **plain)  # type: ignore[arg-type]


def mmc(
    agents: int, per_second: float, handle: float, patience: float | None = None, *, hours: float, urgent: float = 0.0
) -> Scenario:
    """One queue, everything exponential. `urgent`: that share of the calls has a head start of a week."""
    end = WARM + hours * 3600.0
    patient = Spread(mean=patience) if patience is not None else None
    usual = Kind(
        id="usual",
        queue="q",
        talk=Spread(mean=handle),
        patience=patient,
        rates=((0.0, per_second * (1.0 - urgent) * 3600.0),),
    )
    rates = ((0.0, per_second * urgent * 3600.0),)
    first = msgspec.structs.replace(usual, id="urgent", priority=604_800.0, rates=rates)
    staff = tuple(AgentConfig(id=f"a{n:04d}", name=label("a"), queues=("q",)) for n in range(agents))
    return Scenario(
        site=SiteConfig(queues=(queue("q"),), agents=staff),
        kinds=(usual, first) if urgent else (usual,),
        shifts=tuple(Shift(agent=one.id, begin=0.0, end=end) for one in staff),
        end=end,
    )


def replications(scenario: Scenario) -> list[list[Outcome]]:
    """The finished calls after the warm-up of each of RUNS days of different chance."""
    found = []
    for seed in range(RUNS):
        day = Centre(scenario, drawn(scenario, random.Random(seed))).run()
        found.append([one for one in day.outcomes if one.at >= WARM and (one.answered or one.end is not None)])
    return found


def means(runs: Sequence[Sequence[Outcome]], value: Callable[[Outcome], float]) -> list[float]:
    return [sum(value(one) for one in run) / len(run) for run in runs]


class Band(msgspec.Struct, frozen=True):
    """A mean and half the width of its 99 % confidence interval."""

    mean: float
    half: float

    def holds(self, value: float) -> bool:
        return abs(value - self.mean) <= self.half


def band(values: Sequence[float]) -> Band:
    return Band(sum(values) / len(values), T99[len(values) - 1] * sqrt(_variance(values) / len(values)))


def difference(one: Sequence[float], other: Sequence[float]) -> Band:
    """Of two independent sets of replications; 0 must lie in it when they measure the same."""
    spread = sqrt(_variance(one) / len(one) + _variance(other) / len(other))
    return Band(band(one).mean - band(other).mean, T99[len(one) + len(other) - 2] * spread)


def _variance(values: Sequence[float]) -> float:
    middle = sum(values) / len(values)
    return sum((value - middle) ** 2 for value in values) / (len(values) - 1)
