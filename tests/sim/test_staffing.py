"""The staffing search finds the fewest agents, and the command line tells what it found."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from acd.sim import erlang, staffing
from acd.sim.calls import drawn
from acd.sim.reading import load
from acd.sim.scenario import Scenario
from ctiserver.cli import commands
from ctiserver.site import DEMO_SITE

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "simulator" / "example.toml"
PLAIN = """
end = "03:00"
interval_minutes = 60
[[queues]]
id = "q"
wrap_up_seconds = 0.0
[[staff]]
name = "a"
count = 3
queues = ["q"]
[[kinds]]
id = "bill"
talk = { mean = 120 }
patience = { mean = 120 }
calls_per_hour = { "00:00" = 60, "01:00" = 240, "02:00" = 60 }
"""


def scenario(text: str = PLAIN) -> Scenario:
    return load(text, lambda _path: pytest.fail("it names no site"))


def reached(found: Scenario, days: list[list[object]], begin: float, end: float) -> bool:
    return staffing._reached(found, days, begin, end, 0.8)  # type: ignore[arg-type]


def test_per_day_one_agent_fewer_is_too_few() -> None:
    plain = scenario()
    days = [drawn(plain, random.Random(seed)) for seed in range(3)]
    found = staffing.per_day(plain, days, 0.8)
    (row,) = found.rows
    (count,) = row.counts
    assert reached(plain.staffed([count]), days, plain.begin, plain.end)  # type: ignore[arg-type]
    assert not reached(plain.staffed([count - 1]), days, plain.begin, plain.end)  # type: ignore[arg-type]


def test_per_interval_follows_the_load_and_is_near_erlang() -> None:
    """Load 2, 8 and 2; with one queue and no skills Erlang A is right but for chance and what an hour leaves over."""
    plain = scenario()
    days = [drawn(plain, random.Random(seed)) for seed in range(5)]
    found = staffing.per_interval(plain, days, 0.8)
    theory = [
        erlang.staffing(lambda n, r=r: erlang.erlang_a(r / 3600, 120.0, 120.0, n, 20.0), 8.0, service_level=0.8).agents
        for r in (60, 240, 60)
    ]
    assert all(abs(sum(row.counts) - wanted) <= 1 for row, wanted in zip(found.rows, theory, strict=True)), found.rows
    for row in found.rows:
        assert reached(found.scenario, days, row.begin, row.end)  # type: ignore[arg-type]


def test_several_pools_none_can_spare_an_agent() -> None:
    """Two skills: all of one pool cannot stand in for the other."""
    text = PLAIN.replace('id = "q"\n', 'id = "q"\nrequires = "billing"\n', 1) + """
    [[kinds]]
    id = "fault"
    queue = "f"
    talk = { mean = 200 }
    calls_per_hour = 40
    [[queues]]
    id = "f"
    requires = "fault"
    wrap_up_seconds = 0.0
    [[staff]]
    name = "b"
    count = 3
    queues = ["f"]
    skills = { fault = 10 }
    """
    text = text.replace('queues = ["q"]', 'queues = ["q"]\nskills = { billing = 10 }').replace(
        'id = "bill"', 'id = "bill"\nqueue = "q"'
    )
    both = scenario(text)
    days = [drawn(both, random.Random(seed)) for seed in range(2)]
    found = staffing.per_day(both, days, 0.8)
    counts = found.rows[0].counts
    assert reached(both.staffed(counts), days, both.begin, both.end)  # type: ignore[arg-type]
    for place in range(2):
        fewer = [count - (at == place) for at, count in enumerate(counts)]
        assert not reached(both.staffed(fewer), days, both.begin, both.end)  # type: ignore[arg-type]


def test_a_queue_that_nobody_serves_cannot_be_staffed() -> None:
    nobody = scenario(PLAIN.replace('id = "q"', 'id = "q"\nrequires = "latin"', 1))
    with pytest.raises(staffing.Unreachable):
        staffing.per_day(nobody, [drawn(nobody, random.Random(1))], 0.8)


@pytest.mark.parametrize(("total", "weights"), [(10, [1, 1, 1]), (7, [5, 0, 2]), (0, [3, 1]), (3, [0, 0])])
def test_shares_add_up(total: int, weights: list[int]) -> None:
    found = staffing.shares(total, weights)
    assert sum(found) == total
    assert all(abs(part - total * w / (sum(weights) or 1)) < 1 for part, w in zip(found, weights, strict=True) if w)


# --- hollyhock sim --------------------------------------------------------------------------------------


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(commands, ["sim", *(str(one) for one in arguments)])
    return done.exit_code, done.output


def test_the_example_of_the_docs(tmp_path: Path) -> None:
    """Simulated twice with the same seed: the same JSON; every call of it in exactly one column."""
    code, told = run(EXAMPLE, "--out", tmp_path / "one")
    assert code == 0, told
    assert "By interval" in told
    assert run(EXAMPLE, "--out", tmp_path / "two")[0] == 0
    first, second = ((tmp_path / name / "sim.json").read_bytes() for name in ("one", "two"))
    assert first == second
    figures = json.loads(first)
    parts = ("answered", "abandoned", "other", "here")
    assert figures["calls"] == sum(figures["all"][part] for part in parts) > 2000
    plot = (tmp_path / "one" / "sim.svg").read_text()
    for title in ("Waiting", "Service level", "Occupancy", "Agents"):
        assert title in plot


def test_real_calls_on_a_real_site(tmp_path: Path) -> None:
    """The demo site's queues and agents, calls from a list."""
    path = tmp_path / "s.toml"
    path.write_text(f'site = "{DEMO_SITE}"\n[[kinds]]\nid = "bill"\nqueue = "service"\ntalk = 60\n', encoding="utf-8")
    calls = tmp_path / "c.csv"
    calls.write_text("arrival,service,kind\n09:00,60,bill\n09:00:10,30,bill\n", encoding="utf-8")
    code, told = run(path, "--csv", calls, "--out", tmp_path / "out")
    assert code == 0, told
    assert json.loads((tmp_path / "out" / "sim.json").read_bytes())["all"]["answered"] == 2


def test_what_is_wrong_is_told_in_lines(tmp_path: Path) -> None:
    calls = tmp_path / "c.csv"
    calls.write_text("arrival,service,kind\n09:00,sixty,bill\n", encoding="utf-8")
    code, told = run(EXAMPLE, "--csv", calls)
    assert code == 2
    assert told.strip() == f"hollyhock: {calls}: line 2, column 2 (service): 'sixty' is no number of seconds"
    path = tmp_path / "s.toml"
    path.write_text("kinds = 3", encoding="utf-8")
    assert run(path) == (2, f"hollyhock: {path}: kinds: must be written as [[kinds]]\n")
    assert run(tmp_path / "none.toml") == (2, f"hollyhock: {tmp_path / 'none.toml'}: No such file or directory\n")
    assert run(EXAMPLE, "--staff", "80")[0] == 2


def test_staffing_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(PLAIN, encoding="utf-8")
    code, told = run(path, "--staff", "0.8", "--seeds", "2", "--out", tmp_path)
    assert code == 0, told
    assert "Fewest agents for the target" in told
    rows = msgspec.json.decode((tmp_path / "sim.json").read_bytes())["staffing"]
    assert [row["begin"] for row in rows] == [0.0, 3600.0, 7200.0]
    path.write_text(PLAIN.replace('id = "q"', 'id = "q"\nrequires = "latin"', 1), encoding="utf-8")
    code, told = run(path, "--staff", "0.8", "--seeds", "1")
    assert code == 1
    assert "cannot be reached" in told
