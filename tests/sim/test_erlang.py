"""The published worked examples of Erlang B, C and A give the published answers. Each row is named by its id.

Where two sources agree the tolerance is the printed digit's. `S`: the source states input and answer; `D`: the source
states the inputs, the answer was computed independently (product form and birth-death chain).
"""

from __future__ import annotations

from math import inf, isclose

import pytest

from acd.sim import erlang

PER_30_MIN = 1 / 30


def near(found: float, stated: float, within: float) -> bool:
    return abs(found - stated) <= within


def c_of_100_calls(agents: int) -> erlang.Expected:
    """100 calls per 30 min, 3 min each, target 0.33 min: load 10."""
    return erlang.erlang_c(100 * PER_30_MIN, 3.0, agents, 0.33)


def a_of_100_calls(agents: int) -> erlang.Expected:
    """100 calls per 30 min, 3 min each, patience 5 min, target 20 s."""
    return erlang.erlang_a(100 * PER_30_MIN, 3.0, 5.0, agents, 20 / 60)


# --- Erlang C (EC-1 to EC-4: tests and guide of pyworkforce, MIT) ---------------------------------------


@pytest.mark.parametrize(
    ("row", "sl", "most_occupied", "agents", "on_roster", "got_sl", "occupancy", "waiting", "mean_wait"),
    [
        ("EC-1 S", 0.80, 0.85, 14, 20, 0.888, 0.714, 0.174, 0.1306),
        ("EC-2 S", 0.90, 0.85, 15, 22, 0.941, 0.667, 0.102, 0.0612),
        ("EC-3 S", 0.80, 0.70, 15, 22, 0.941, 0.667, 0.102, 0.0612),
    ],
)
def test_erlang_c_staffing_of_the_published_examples(
    row: str,
    sl: float,
    most_occupied: float,
    agents: int,
    on_roster: int,
    got_sl: float,
    occupancy: float,
    waiting: float,
    mean_wait: float,
) -> None:
    found = erlang.staffing(c_of_100_calls, 10.0, service_level=sl, occupancy=most_occupied)
    assert found.agents == agents, row
    assert near(found.service_level, got_sl, 5e-4)
    assert near(found.occupancy, occupancy, 5e-4)
    assert near(found.waiting, waiting, 5e-4)
    assert near(found.mean_wait, mean_wait, 5e-5)
    assert erlang.roster(found.agents, 0.3) == on_roster
    assert erlang.at_phone(20, 0.3) == 14  # S: the way back rounds down


def test_ec_4_as_many_agents_as_load_are_refused() -> None:
    """EC-4 S (pyworkforce): 10 agents for a load of 10."""
    with pytest.raises(erlang.Unstable, match="more agents than load"):
        c_of_100_calls(10)


def test_ec_5_the_widely_copied_tutorial() -> None:
    """EC-5 D ("Erlang-C formula" tutorial, inputs): 360 calls per 30 min, 240 s, 55 agents, 15 s."""
    found = erlang.erlang_c(360 / 1800, 240.0, 55, 15.0)
    assert near(found.service_level, 0.846, 5e-4)
    assert near(found.occupancy, 0.873, 5e-4)
    assert near(found.waiting, 0.239, 5e-4)
    assert near(found.mean_wait, 8.18, 5e-3)


def test_ec_6_thirteen_agents_of_the_callcenter_simulator() -> None:
    """EC-6 S (test of Callcenter-Simulator, A. Herzog, Apache-2.0): 3.5 calls/min, 3 min, mean wait 26.56 s."""
    found = erlang.erlang_c(3.5, 3.0, 13, 0.0)
    assert near(found.mean_wait * 60, 26.56, 0.01)
    assert near(found.occupancy, 0.808, 5e-4)
    assert near(found.waiting, 0.369, 5e-4)


# --- Erlang B -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "lines", "blocked"), [("EB-1 S", 1, 0.5), ("EB-2 S", 2, 0.2)])
def test_erlang_b_of_one_erlang(row: str, lines: int, blocked: float) -> None:
    assert isclose(erlang.blocking(1.0, lines), blocked, rel_tol=1e-15), row


def test_eb_3_seventeen_lines_block_less_than_two_percent() -> None:
    """EB-3 S: 10 Erlang."""
    assert near(erlang.blocking(10.0, 16), 0.0223, 5e-5)
    assert near(erlang.blocking(10.0, 17), 0.0129, 5e-5)
    assert erlang.lines_for(10.0, 0.02) == 17


def test_eb_4_with_shrinkage() -> None:
    """EB-4 S: as EB-3 with 30 %."""
    assert erlang.roster(erlang.lines_for(10.0, 0.02), 0.3) == 25


# --- Erlang A -------------------------------------------------------------------------------------------


def test_ea_1_fourteen_agents_with_callers_who_hang_up() -> None:
    """EA-1 S (pyworkforce)."""
    found = a_of_100_calls(14)
    assert near(found.waiting, 0.14526, 5e-6)
    assert near(found.abandoned, 0.013984, 5e-7)
    assert near(found.occupancy, 0.704297, 5e-7)
    assert near(found.mean_wait, 0.069919, 5e-7)
    assert near(found.service_level, 0.916792, 5e-7)


def test_ea_2_staffing_with_three_limits() -> None:
    """EA-2 S (pyworkforce guide): SL 0.80, occupancy <= 0.85, abandoned <= 5 %, shrinkage 30 %."""
    found = erlang.staffing(a_of_100_calls, 10.0, service_level=0.80, occupancy=0.85, abandoned=0.05)
    assert (found.agents, erlang.roster(found.agents, 0.3)) == (13, 19)
    assert near(found.service_level, 0.858, 5e-4)
    assert near(found.occupancy, 0.750, 5e-4)
    assert near(found.abandoned, 0.025, 5e-4)
    assert near(found.waiting, 0.226, 5e-4)
    assert near(found.mean_wait, 0.125, 5e-4)


def test_ea_3_the_callcenter_simulator_with_patience() -> None:
    """EA-3 S (Herzog): 3.5 calls/min, 3 min, patience 5 min, 13 agents: 9.91 s."""
    assert near(erlang.erlang_a(3.5, 3.0, 5.0, 13, 0.0).mean_wait * 60, 9.91, 0.01)


def test_ea_4_overloaded() -> None:
    """EA-4 D (Herzog's inputs, recomputed): 9 agents for 10.5 Erlang."""
    found = erlang.erlang_a(3.5, 3.0, 5.0, 9, 0.0)
    assert near(found.mean_wait * 60, 56.62, 0.01)
    assert near(found.abandoned, 0.189, 5e-4)


@pytest.mark.parametrize("agents", [15, 20, 25])
def test_ea_5_endless_patience_is_erlang_c(agents: int) -> None:
    """EA-5 S (pyworkforce): patience 1,000,000 min."""
    patient = erlang.erlang_a(100 * PER_30_MIN, 3.0, 1_000_000.0, agents, 0.33)
    without = c_of_100_calls(agents)
    assert near(patient.waiting, without.waiting, 1e-4)
    assert near(patient.occupancy, without.occupancy, 1e-4)
    assert near(patient.service_level, without.service_level, 1e-3)


@pytest.mark.parametrize(("agents", "patience"), [(9, 5.0), (13, 5.0), (14, 0.5), (40, 20.0)])
def test_ea_6_little(agents: int, patience: float) -> None:
    """EA-6 S: mean wait = mean length of the queue / rate. The length is taken from the chain's own balance equations,
    state by state, which the closed form does not use."""
    rate, handle = 3.5, 3.0
    states = [1.0]
    while len(states) < agents + 400:
        there = len(states)
        leaving = min(there, agents) / handle + max(0, there - agents) / patience
        states.append(states[-1] * rate / leaving)
    length = sum((there - agents) * p for there, p in enumerate(states) if there > agents) / sum(states)
    assert isclose(erlang.erlang_a(rate, handle, patience, agents, 0.0).mean_wait, length / rate, rel_tol=1e-9)


# --- what a planner may ask -----------------------------------------------------------------------------


def test_formulae_hold_for_ten_thousand_agents() -> None:
    """Products of factorials would have overflowed long before. 9,900 Erlang on 10,000 agents: 22 % of the callers
    wait (Halfin and Whitt 1981: 1 / (1 + b N(b) / n(b)), b = (1 - load / agents) sqrt(agents) = 1)."""
    found = erlang.erlang_c(33.0, 300.0, 10_000, 20.0)
    assert near(found.waiting, 0.2234, 0.005)
    patient = erlang.erlang_a(33.0, 300.0, 1e9, 10_000, 20.0)
    assert near(patient.service_level, found.service_level, 1e-4)
    assert near(patient.waiting, found.waiting, 1e-4)
    flooded = erlang.erlang_a(40.0, 300.0, 120.0, 10_000, 20.0)  # 20 % too many calls: one of six must give up
    assert isclose(flooded.abandoned, 1 / 6, rel_tol=1e-9)
    assert 0.0 < flooded.service_level < 0.3


def test_service_level_within_no_time_is_those_who_do_not_wait() -> None:
    found = a_of_100_calls(14)
    at_once = erlang.erlang_a(100 * PER_30_MIN, 3.0, 5.0, 14, 0.0)
    assert isclose(at_once.service_level, 1.0 - found.waiting, rel_tol=1e-12)
    ever = erlang.erlang_a(100 * PER_30_MIN, 3.0, 5.0, 14, 1e4)
    assert isclose(ever.service_level, 1.0 - found.abandoned, rel_tol=1e-9)


def test_edges() -> None:
    assert erlang.erlang_a(2.0, 3.0, inf, 9, 1.0) == erlang.erlang_c(2.0, 3.0, 9, 1.0)
    assert erlang.erlang_a(0.0, 3.0, 5.0, 4, 1.0).service_level == 1.0
    assert erlang.erlang_a(1.0, 3.0, 5.0, 0, 1.0).abandoned == 1.0
    with pytest.raises(erlang.Unstable):
        erlang.staffing(c_of_100_calls, 10.0, service_level=1.1)
    with pytest.raises(erlang.Unstable):
        erlang.lines_for(10.0, -1.0)
