"""Calls of a day: drawn by chance or read from a list, of which nothing is lost."""

from __future__ import annotations

import random
from math import inf, sqrt

import msgspec
import pytest

from acd.sim.calls import BadCalls, clock, drawn, read
from acd.sim.centre import Centre
from acd.sim.reading import BadScenario, load
from acd.sim.scenario import Kind, Scenario, Spread
from tests.sim.worlds import mmc


def scenario(**more: object) -> Scenario:
    plain = mmc(2, 0.0, 60.0, hours=0.0)
    kind = Kind(id="bill", queue="q", talk=Spread(mean=60.0), wrap=Spread(mean=9.0, sd=0.0), **more)  # type: ignore[arg-type]
    return msgspec.structs.replace(plain, kinds=(kind, msgspec.structs.replace(kind, id="fault")), end=86_400.0)


def faults(text: str) -> list[str]:
    with pytest.raises(BadCalls) as refused:
        read(text, scenario(), random.Random(1))
    return refused.value.faults


def test_a_list_of_real_calls() -> None:
    head = "\ufeffarrival,service,patience,kind,wrap,customer\n"
    text = head + "09:00:01.5,30,,fault,,\n\n08:30,61.5,20,bill,4,anna\n30000,1,5,bill,0,\n"
    first, second, third = read(text, scenario(), random.Random(1))
    assert (first.at, first.kind.id, first.talk, first.patience, first.wrap) == (30_000.0, "bill", 1.0, 5.0, 0.0)
    assert (second.at, second.customer, second.wrap) == (30_600.0, "anna", 4.0)
    assert (third.at, third.patience, third.wrap) == (32_401.5, inf, 9.0), "nobody hangs up, wrap-up as the kind says"


def test_every_fault_is_told_with_line_and_column_and_nothing_is_used() -> None:
    text = "arrival,service,kind,patience\n8:61,30,bill,\n100,x,nobody,-1\n100,30,bill\n90000,30,bill,5\n"
    assert faults(text) == [
        "line 2, column 1 (arrival): '8:61' is no time of the day",
        "line 3, column 2 (service): 'x' is no number of seconds",
        "line 3, column 4 (patience): -1 is not 0 or more",
        "line 3, column 3 (kind): 'nobody' is no kind of this scenario (known: bill, fault)",
        "line 4: 3 columns, the first line has 4",
        "line 5, column 1 (arrival): not within the simulated time, 00:00 to 24:00",
    ]


def test_the_first_line_must_name_the_columns() -> None:
    unnamed = "line 1: no column arrival, service, kind: the first line must name the columns"
    assert faults("100,30,bill\n")[-1] == unnamed
    assert faults("arrival,service,kind,colour\n") == [
        "line 1, column 4 (colour): unknown column (known: arrival, service, patience, kind, wrap, customer)"
    ]
    assert faults("arrival,service,kind,kind\n") == ["line 1, column 4 (kind): is there twice"]
    assert faults("") == [unnamed]


def test_a_broken_file_and_a_thousand_faults() -> None:
    assert faults('arrival,service,kind\n1,2,"bi"l\n')[0].startswith("line 2: ")
    many = faults("arrival,service,kind\n" + "x,1,bill\n" * 1000)
    assert len(many) == 21
    assert many[-1] == "and 980 more"


def test_arrivals_follow_the_rates_of_the_day() -> None:
    """Poisson: in each piece as many as its rate says, give or take four standard deviations."""
    rates = ((8 * 3600.0, 600.0), (10 * 3600.0, 0.0), (11 * 3600.0, 60.0), (13 * 3600.0, 0.0))
    calls = drawn(scenario(rates=rates), random.Random(3))
    for begin, end, wanted in ((0, 8, 0), (8, 10, 2 * 1200), (10, 11, 0), (11, 13, 2 * 120), (13, 24, 0)):
        found = sum(1 for call in calls if begin * 3600 <= call.at < end * 3600)
        assert abs(found - wanted) <= 4 * sqrt(wanted), (begin, found)
    assert calls == sorted(calls, key=lambda call: call.at)


@pytest.mark.parametrize(
    ("spread", "sd"),
    [(Spread(mean=100.0), 100.0), (Spread(mean=100.0, sd=40.0), 40.0), (Spread(mean=100.0, sd=0.0), 0.0)],
)
def test_means_and_deviations_are_as_said(spread: Spread, sd: float) -> None:
    chance = random.Random(2)
    values = [spread.draw(chance) for _ in range(40_000)]
    mean = sum(values) / len(values)
    assert mean == pytest.approx(100.0, rel=0.02)
    assert sqrt(sum((v - mean) ** 2 for v in values) / len(values)) == pytest.approx(sd, rel=0.04, abs=1e-9)


def test_a_list_with_last_agents() -> None:
    """The second call of a customer goes to whom he talked to first, when the queue has that rule."""
    text = """
    [[queues]]
    id = "q"
    wrap_up_seconds = 0.0
    rules = [{ id = "again", prefer = "last_agent" }]
    [[staff]]
    name = "a"
    count = 3
    queues = ["q"]
    [[kinds]]
    id = "bill"
    talk = 10
    """
    site = load(text, lambda _path: pytest.fail("it names no site"))
    others = "100,10,bill,\n200,10,bill,\n300,10,bill,\n"
    rows = f"arrival,service,kind,customer\n10,10,bill,anna\n{others}400,10,bill,anna\n"
    done = Centre(site, read(rows, site, random.Random(1))).run()
    first, *between, again = [one.agent for one in done.outcomes]
    assert again == first
    assert first not in between[:2], "without the rule it would be the longest idle"


# --- scenarios ------------------------------------------------------------------------------------------


def test_faults_of_a_scenario_are_told_all_at_once() -> None:
    text = """
    colour = "red"
    begin = "18:00"
    end = "08:00"
    zone = "Mars/Olympus"
    [[queues]]
    id = "q"
    requires = "billing >="
    offer = 3
    [[staff]]
    name = "a"
    count = -1
    shifts = ["8-12", "17:00-09:00"]
    queues = ["nowhere"]
    [[kinds]]
    id = "bill"
    queue = "r"
    talk = { average = 3 }
    calls_per_hour = { "25:00" = 3 }
    """
    with pytest.raises(BadScenario) as refused:
        load(text, lambda _path: pytest.fail("it names no site"))
    told = "\n".join(refused.value.faults)
    for part in (
        "colour: unknown key",
        "queues[0].offer: unknown key",
        "queues[0].requires: expected a level, found the end",
        "end: must be after begin",
        "staff[0].count: -1 is not a number between 0 and 20000",
        "staff[0].shifts: '8-12' is not like 08:00-12:30",
        "staff[0].shifts: '17:00-09:00' ends before it begins",
        "kinds[0].queue: r is not a queue (known: q)",
        "kinds[0].talk: a number of seconds, or { mean = 180 }",
        "kinds[0].calls_per_hour: '25:00' is no time of the day",
        "agent a: nowhere is not a queue",
        "day: 2026-03-02 in zone Mars/Olympus",
    ):
        assert part in told, part


def test_local_midnight_and_shifts_that_touch() -> None:
    text = """
    day = "2026-07-01"
    zone = "Europe/Berlin"
    [[queues]]
    id = "q"
    [[staff]]
    name = "a"
    count = 1
    queues = ["q"]
    shifts = ["12:00-24:00", "08:00-12:00"]
    [[kinds]]
    id = "bill"
    talk = 60
    """
    read_ = load(text, lambda _path: pytest.fail("it names no site"))
    assert read_.midnight == 1_782_856_800.0
    assert [(shift.begin, shift.end) for shift in read_.shifts] == [(8 * 3600.0, 86_400.0)]
    assert clock(8 * 3600.0 + 61) == "08:01:01"
