"""The simulator on the production core agrees with queueing theory and with an independent simulator.

Ten replications with fixed seeds; the theory's value must lie in their 99 % t-interval, the difference to `ciw`'s ten
must hold 0. That the intervals are narrow enough to notice a wrong formula is tested too.
"""

from __future__ import annotations

from functools import cache

import ciw
import pytest

from acd.sim import erlang
from acd.sim.centre import Outcome
from ctiserver.model.causes import EndReason
from tests.sim import worlds

WITHIN = 20.0
AGENTS, RATE, HANDLE, PATIENCE = 6, 1 / 36.0, 180.0, 240.0  # load 5
URGENT = 0.3
HOURS = 30.0


@cache
def ours(patience: float | None = None, urgent: float = 0.0) -> list[list[Outcome]]:
    return worlds.replications(worlds.mmc(AGENTS, RATE, HANDLE, patience, hours=HOURS, urgent=urgent))


def wait(one: Outcome) -> float:
    return one.wait


def in_time(one: Outcome) -> float:
    return float(one.answered and one.wait <= WITHIN)


def gave_up(one: Outcome) -> float:
    return float(one.end is EndReason.ABANDONED)


def test_without_hanging_up_it_is_erlang_c() -> None:
    wanted = erlang.erlang_c(RATE, HANDLE, AGENTS, WITHIN)
    waits, service = worlds.band(worlds.means(ours(), wait)), worlds.band(worlds.means(ours(), in_time))
    assert waits.holds(wanted.mean_wait), (waits, wanted)
    assert service.holds(wanted.service_level), (service, wanted)
    assert not service.holds(erlang.erlang_c(RATE, HANDLE, AGENTS + 1, WITHIN).service_level)
    assert not waits.holds(wanted.mean_wait * wanted.waiting)  # the mistake of forgetting that not all wait
    assert not waits.holds(wanted.mean_wait / wanted.waiting)


def test_with_hanging_up_it_is_erlang_a() -> None:
    wanted = erlang.erlang_a(RATE, HANDLE, PATIENCE, AGENTS, WITHIN)
    runs = ours(PATIENCE)
    waits, service = worlds.band(worlds.means(runs, wait)), worlds.band(worlds.means(runs, in_time))
    left = worlds.band(worlds.means(runs, gave_up))
    assert waits.holds(wanted.mean_wait), (waits, wanted)
    assert service.holds(wanted.service_level), (service, wanted)
    assert left.holds(wanted.abandoned), (left, wanted)
    assert not waits.holds(erlang.erlang_c(RATE, HANDLE, AGENTS, WITHIN).mean_wait)
    assert not left.holds(erlang.erlang_a(RATE, HANDLE, PATIENCE * 1.5, AGENTS, WITHIN).abandoned)


def test_head_starts_of_a_week_are_the_classes_of_cobham() -> None:
    """A. Cobham 1954: with equal service times class k waits Pw (handle / agents) / ((1 - s_{k-1}) (1 - s_k)), s_k =
    occupancy by the classes up to k; the mean over all classes is Erlang C's."""
    all_calls = erlang.erlang_c(RATE, HANDLE, AGENTS, WITHIN)
    first = URGENT * RATE * HANDLE / AGENTS
    urgent = all_calls.waiting * HANDLE / AGENTS / (1.0 - first)
    usual = urgent / (1.0 - RATE * HANDLE / AGENTS)
    runs = ours(None, URGENT)
    got_urgent = worlds.band(worlds.means([[o for o in run if o.kind == "urgent"] for run in runs], wait))
    got_usual = worlds.band(worlds.means([[o for o in run if o.kind == "usual"] for run in runs], wait))
    assert got_urgent.holds(urgent), (got_urgent, urgent)
    assert got_usual.holds(usual), (got_usual, usual)
    assert not got_urgent.holds(all_calls.mean_wait)
    assert not got_urgent.holds(urgent * (1.0 - first))


# --- the independent library ----------------------------------------------------------------------------


@cache
def theirs(patience: float | None = None, urgent: float = 0.0) -> list[list[tuple[str, float, float, float]]]:
    """The same queue in ciw: class, wait, answered in time, gave up."""
    usual, first = "usual", "urgent"
    rates = {usual: RATE * (1.0 - urgent), first: RATE * urgent} if urgent else {usual: RATE}
    more: dict[str, object] = {}
    if patience is not None:
        more["reneging_time_distributions"] = {k: [ciw.dists.Exponential(rate=1 / patience)] for k in rates}
    if urgent:
        more["priority_classes"] = {usual: 1, first: 0}
    network = ciw.create_network(
        arrival_distributions={k: [ciw.dists.Exponential(rate=rate)] for k, rate in rates.items()},
        service_distributions={k: [ciw.dists.Exponential(rate=1 / HANDLE)] for k in rates},
        number_of_servers=[AGENTS],
        **more,
    )
    found = []
    for seed in range(worlds.RUNS):
        ciw.seed(1000 + seed)
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_time(worlds.WARM + HOURS * 3600.0)
        rows = []
        for record in simulation.get_all_records():
            if record.arrival_date >= worlds.WARM:
                gone = float(record.record_type == "renege")
                in_it = float(not gone and record.waiting_time <= WITHIN)
                rows.append((record.customer_class, record.waiting_time, in_it, gone))
        found.append(rows)
    return found


def mean_of(rows: list[tuple[str, float, float, float]], place: int) -> float:
    return sum(float(row[place]) for row in rows) / len(rows)


@pytest.mark.parametrize("patience", [None, PATIENCE])
def test_waits_service_level_and_hang_ups_are_those_of_ciw(patience: float | None) -> None:
    for value, place in ((wait, 1), (in_time, 2), (gave_up, 3)):
        other = [mean_of(rows, place) for rows in theirs(patience)]
        apart = worlds.difference(worlds.means(ours(patience), value), other)
        assert apart.holds(0.0), (value.__name__, apart)
    other = [mean_of(rows, 1) for rows in theirs(None if patience else PATIENCE)]
    assert not worlds.difference(worlds.means(ours(patience), wait), other).holds(0.0)  # it would notice


@pytest.mark.parametrize("kind", ["urgent", "usual"])
def test_priorities_are_those_of_ciw(kind: str) -> None:
    mine = worlds.means([[o for o in run if o.kind == kind] for run in ours(None, URGENT)], wait)
    other = [mean_of([row for row in rows if row[0] == kind], 1) for rows in theirs(None, URGENT)]
    assert worlds.difference(mine, other).holds(0.0), worlds.difference(mine, other)
