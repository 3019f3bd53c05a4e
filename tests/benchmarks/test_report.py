"""The page and the plots that a full run publishes."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from io import StringIO
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import plan, report
from benchmarks.figures import Spread
from benchmarks.plan import Condition, Kind
from benchmarks.result import InMenus, Result, Row


def _spread(p50: float, p99: float) -> Spread:
    return Spread(count=100, p50=p50, p99=p99, worst=p99)


def _row(kind: Kind, rate: float, server: float, asterisk: float) -> Row:
    return Row(
        kind=kind,
        condition=Condition(rate=rate, rtp=False, record=True),
        calls=200,
        failures=0,
        server_ms=server,
        asterisk_ms=asterisk,
        off_by=0.02,
        times={"queued_to_shown": _spread(1.0, rate), "dial_to_ring": _spread(10.0, 30.0)},
    )


def _result() -> Result:
    return Result(
        plan=plan.short(),
        at="2026-11-22T20:00:00+00:00",
        machine={"cores": 2, "model": "a CPU", "kernel": "6.1", "load_1_min": 0.1},
        versions={"python": "3.11"},
        idle_cores={"server": 0.02, "asterisk": 0.01},
        memory_mb={"server": (100.0, 101.0)},
        windows=(),
        rows=(
            _row(Kind.STRAIGHT, 5.0, 3.0, 12.0),
            _row(Kind.YARDSTICK, 5.0, 0.5, 12.0),
            _row(Kind.STRAIGHT, 20.0, 2.0, 10.0),
            _row(Kind.YARDSTICK, 20.0, 0.5, 10.0),
            _row(Kind.WHOLE, 20.0, 4.0, 30.0),
        ),
        in_menus=(
            InMenus(
                callers=200,
                record=False,
                digits=700,
                digits_a_second=50.0,
                digit_to_prompt=_spread(1.0, 5.0),
                digit_to_sound=_spread(2.0, 9.0),
                event_to_turn=_spread(1.0, 5.0),
                failures=0,
                cores={"server": 0.1, "asterisk": 0.4},
            ),
        ),
        replayed=None,
        profiles={},
        troubles=("something odd",),
    )


def test_the_ratio_counts_our_server_and_not_the_idle_one_beside_app_queue() -> None:
    rows = dict(report.aims(_result())[1:])
    assert rows["server + Asterisk: 1.5 x app_queue"] == "1.20 - 1.25 x"
    assert rows["pop p99 50 ms at 20 calls/s, 500 desktops"] == "20.0 ms", "only windows of 20 calls/s count"
    assert rows["server: 3 ms CPU a call"] == "queue and talk 2.0 - 3.0, whole call 4.0"


def test_what_is_missing_is_a_dash() -> None:
    assert report.ratio({Kind.STRAIGHT: _row(Kind.STRAIGHT, 5.0, 1.0, 1.0)}) is None
    (_, first, second) = report.cpu(_result())
    assert first[6:8] == ("-", "-"), "nobody went through the menu at 5 calls/s"
    assert second[6:8] == ("4.0", "30.0")


def test_a_page_gets_tables_and_plots_and_keeps_its_own_words(tmp_path: Path) -> None:
    page, folder = tmp_path / "benchmarks.md", tmp_path / "benchmarks"
    page.write_text(f"# Title\n\n{report.BEGIN}\nold figures\n{report.END}\n\nlast words\n", "utf-8")
    for _ in range(2):
        report.publish(_result(), page, folder)
    text = page.read_text("utf-8")
    assert text.startswith("# Title\n")
    assert text.endswith("last words\n")
    assert "old figures" not in text
    assert text.count("### CPU, ms a call") == 1
    assert "| 5 calls/s, no RTP, recorded | 3.0 | 12.0 | 12.0 | 1.25 |" in text
    for name in (report.CPU, report.TIMES):
        ElementTree.parse(folder / name)
        assert f"({folder.name}/{name})" in text
    kept = msgspec.json.decode((folder / report.FIGURES).read_bytes(), type=Result)
    assert kept == _result()


def test_the_terminal_shows_all_tables_and_every_trouble() -> None:
    out = StringIO()
    report.show(_result(), Console(file=out, width=200))
    for word in ("What was wanted", "app_queue", "queued -> pop", "Callers in the menus", "trouble: something odd"):
        assert word in out.getvalue()
