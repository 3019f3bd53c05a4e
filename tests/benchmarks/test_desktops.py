"""The benchmark of desktops: what it counts, and that it cannot pass with nothing connected."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ElementTree
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from benchmarks import boards, desktops, desktops_report, desktops_result as results, floor_people, house, report
from benchmarks.boards import Sight
from benchmarks.desks import Seen
from benchmarks.desktops_result import Entry
from benchmarks.figures import NOTHING, Spread
from benchmarks.floor_people import Change
from tests.harness.site import free_port

LOGIN = house.Login(user="1001", token="t")


def test_a_change_has_arrived_when_the_last_board_was_told() -> None:
    changes = [Change("1001", "ready", 10.0), Change("1002", "not_ready", 10.5), Change("1001", "not_ready", 20.0)]
    sights = [
        Sight(0, "1001", "ready", 9.9),  # of an earlier change
        Sight(0, "1001", "ready", 10.1),
        Sight(1, "1001", "ready", 10.3),
        Sight(1, "1002", "not_ready", 10.6),
        Sight(0, "1002", "not_ready", 10.7),
        Sight(0, "1001", "not_ready", 20.1),
        Sight(1, "1001", "not_ready", 20.1),
    ]
    found = results.arrived(changes, sights, 2)
    assert found.last == pytest.approx((0.3, 0.2, 0.1))
    assert sorted(found.each) == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.2, 0.3])
    assert found.unseen == 0


def test_a_board_that_was_never_told_is_counted_and_the_next_change_does_not_make_up_for_it() -> None:
    changes = [Change("1001", "ready", 10.0), Change("1001", "ready", 20.0)]
    found = results.arrived(changes, [Sight(0, "1001", "ready", 20.1), Sight(1, "1001", "ready", 10.1)], 2)
    assert found.unseen == 2
    assert found.last == ()
    assert results.arrived(changes, [], 0).last == (), "no boards: nothing has arrived anywhere"


def test_queue_figures_count_from_the_change_and_only_those_that_can_hold_it() -> None:
    change = Change("1001", "ready", 10.0, known=10.1)
    assert results.figures_of([change], [[10.05, 10.4], [11.0], []]) == pytest.approx([0.4, 1.0])
    assert results.figures_of([Change("1001", "ready", 10.0)], [[10.4]]) == [], "its own page never knew"


def test_inp_is_the_longest_interaction_but_one_for_each_fifty() -> None:
    entries = [Entry(n, "keydown", 8.0 * n) for n in range(1, 41)]
    entries += [Entry(40, "keyup", 16.0), Entry(0, "pointermove", 900.0)]
    assert results.inp(entries, 49).inp == 320.0
    assert results.inp(entries, 50).inp == 312.0
    found = results.inp(entries, 120)
    assert (found.inp, found.worst) == (304.0, 320.0)
    assert found.p50 == results.SHORTEST_MS, "80 of 120 were too short to be told of"
    assert [slow.ms for slow in found.slowest] == [320.0, 312.0, 304.0, 296.0, 288.0]
    assert results.inp([], 100).inp == results.SHORTEST_MS


def test_a_board_notices_a_gap_in_its_deltas() -> None:
    async def run() -> boards.Shown:
        shown = boards.Shown()
        board = boards.Board(3, shown)
        board.heard(b'{"type":"snapshot","seq":5,"now":1.0,"docs":{"site":{},"agent/1001":{"id":"1001"}}}', 1.0)
        board.heard(_delta(5, 6, "ready"), 2.0)
        board.heard(b'{"type":"beat","now":1.0,"seq":6}', 2.5)
        board.heard(_delta(6, 9, "not_ready"), 3.0)
        assert shown.gaps == 0
        board.heard(_delta(10, 11, "ready"), 4.0)
        assert board.agents == 1
        return shown

    shown = asyncio.run(run())
    assert shown.gaps == 1
    assert [(one.board, one.user, one.state, one.at) for one in shown.sights] == [
        (3, "1001", "ready", 2.0),
        (3, "1001", "not_ready", 3.0),
        (3, "1001", "ready", 4.0),
    ]


def _delta(prev: int, seq: int, state: str) -> bytes:
    doc = f'{{"agent/1001":{{"id":"1001","state":"{state}"}},"queue/service":{{}}}}'
    return f'{{"type":"delta","seq":{seq},"prev":{prev},"now":1.0,"set":{doc},"del":[]}}'.encode()


class _Person(floor_people.Person):
    """Keeps what he would send."""

    def __init__(self) -> None:
        super().__init__(LOGIN, Seen())
        self.sent: list[tuple[str, dict[str, object]]] = []

    def command(self, name: str, **fields: object) -> None:
        self._commands += 1
        self.sent.append((name, fields))


def test_a_person_changes_his_state_and_notes_when_his_own_page_knew() -> None:
    async def run() -> None:
        person = _Person()
        person.heard(b'{"type":"snapshot","seq":1,"now":1.0,"docs":{"me":{"state":"ready","reason":""}}}', 1.0)
        change = person.change()
        assert person.sent == [("SetNotReady", {"reason": "break"})]
        assert (change.state, change.known, change.answered) == ("not_ready", 0.0, 0.0)
        person.heard(b'{"type":"answer","id":"1","ok":true}', 5.0)
        person.heard(b'{"type":"delta","set":{"me":{"state":"not_ready","reason":"break"},"queue/a":{}}}', 6.0)
        assert (change.known, change.answered, person.figures) == (6.0, 5.0, [6.0])
        assert person.change().state == "ready"
        person.heard(b'{"type":"answer","id":"2","ok":false,"code":"not_reachable"}', 7.0)
        assert "not_reachable" in person.seen.complaints[0]

    asyncio.run(run())


# --- nothing connected ------------------------------------------------------------------------------------------------


GOOD = Spread(count=600, p50=50.0, p99=60.0, worst=70.0)
BOARDS = results.Boards(
    boards=20,
    desktops=500,
    rate=20.0,
    seconds=30.0,
    changes=600,
    unseen=0,
    gaps=0,
    each=GOOD,
    last=GOOD,
    own=GOOD,
    answered=GOOD,
    figures=GOOD,
    late_people=GOOD,
    late_boards=GOOD,
    messages_a_second=300.0,
    bytes_a_message=600.0,
    cores={"server": 0.05, "others": 0.5},
)
IDLE = results.Idle(
    desktops=500,
    seconds=75.0,
    nobody={"server": 0.005, "asterisk": 0.005},
    everybody={"server": 0.035, "asterisk": 0.01, "desktops": 0.02, "others": 0.01},
    each=0.00006,
    messages_a_second=500.0,
    registers_a_second=6.8,
    memory_mb=(100.0, 140.0),
)
PAGE = results.Page(
    name="a lead's floor",
    interactions=120,
    inp=88.0,
    worst=120.0,
    p50=24.0,
    arrived=49.0,
    messages=16.0,
    changes=50.0,
    wanted=50.0,
    seconds=30.0,
    slowest=(results.Slow("keydown", "list-search", 120.0, 1.0, 80.0),),
    cores={"server": 0.1, "chromium": 0.5},
)
RESULT = results.Result(
    plan=results.Plan(),
    at="2026-11-23T00:00:00+00:00",
    machine={"cores": 2, "model": "x", "kernel": "y", "load_1_min": 0.1},
    versions={"python": "3.11"},
    idle=IDLE,
    boards=(BOARDS,),
    pages=(PAGE,),
    troubles=("something odd",),
)


def test_a_run_in_which_everything_was_there_complains_of_nothing() -> None:
    assert results.complaints_of_boards(BOARDS, 20, 500) == []
    assert results.complaints_of_idle(IDLE, 500) == []
    assert results.complaints_of_page(PAGE, 110) == []
    assert all(enough for _, _, enough in results.aims(RESULT))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"boards": 19}, "19 of 20 boards"),
        ({"desktops": 499}, "499 of 500 desktops"),
        ({"changes": 300}, "300 states changed"),
        ({"unseen": 1}, "never told"),
        ({"gaps": 1}, "did not follow"),
        ({"own": NOTHING}, "own page"),
    ],
)
def test_whatever_is_missing_at_the_boards_is_said(change: dict[str, object], said: str) -> None:
    (found,) = results.complaints_of_boards(msgspec.structs.replace(BOARDS, **change), 20, 500)
    assert said in found


def test_nothing_connected_is_never_good() -> None:
    """A fast nothing: no board, no desktop, no interaction."""
    none = msgspec.structs.replace(BOARDS, boards=0, desktops=0, changes=0, last=NOTHING, each=NOTHING, own=NOTHING)
    empty = msgspec.structs.replace(IDLE, desktops=0, each=0.0, messages_a_second=0.0)
    still = msgspec.structs.replace(PAGE, interactions=0, inp=16.0, arrived=0.0, changes=0.0)
    assert len(results.complaints_of_boards(none, 20, 500)) == 3
    assert len(results.complaints_of_boards(none, 0, 0)) == 3, "not even when nobody was wanted"
    assert len(results.complaints_of_idle(empty, 500)) == 1
    assert len(results.complaints_of_page(still, 110)) == 3
    result = msgspec.structs.replace(RESULT, boards=(none,), idle=empty, pages=(still,))
    assert not any(enough for _, _, enough in results.aims(result))


async def test_the_clients_say_that_they_could_not_connect() -> None:
    """With nobody at the port the real processes answer with a complaint; the run that asked them does not go on."""
    port = free_port()
    crowd = floor_people.Crowd(host="127.0.0.1", port=port, people=(LOGIN,))
    plan = boards.Plan(host="127.0.0.1", port=port, boards=(LOGIN,))
    async with (
        desktops.child("benchmarks.floor_people", crowd, floor_people.Told) as (_, people),
        desktops.child("benchmarks.boards", plan, boards.Shown) as (_, shown),
    ):
        assert (people.open, len(people.complaints)) == (0, 1)
        assert (shown.open, len(shown.complaints)) == (0, 1)


def test_a_page_that_was_told_too_little_is_said() -> None:
    quiet = msgspec.structs.replace(PAGE, arrived=10.0)
    assert "events a second arrived" in results.complaints_of_page(quiet, 110)[0]
    calm = msgspec.structs.replace(PAGE, arrived=2.0, wanted=0.0)
    assert results.complaints_of_page(calm, 110) == [], "an agent's desktop is told of others once a second"


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_terminal_shows_every_figure_and_every_trouble() -> None:
    out = StringIO()
    desktops_report.show(RESULT, Console(file=out, width=200))
    for word in ("What was wanted", "60.0 ms", "0.0060%", "88 ms", "list-search", "trouble: something odd"):
        assert word in out.getvalue()


def test_the_page_gets_tables_and_a_plot_and_keeps_its_own_words(tmp_path: Path) -> None:
    page, folder = tmp_path / "desktop-benchmarks.md", tmp_path / "benchmarks"
    page.write_text(f"# Title\n\n{report.BEGIN}\nold\n{report.END}\n\nlast words\n", "utf-8")
    for _ in range(2):
        desktops_report.publish(RESULT, page, folder)
    text = page.read_text("utf-8")
    assert text.startswith("# Title\n")
    assert text.endswith("last words\n")
    assert "\nold\n" not in text
    assert text.count("### What was wanted") == 1
    ElementTree.parse(folder / desktops_report.PLOT)
    kept = msgspec.json.decode((folder / desktops_report.FIGURES).read_bytes(), type=results.Result)
    assert kept == RESULT
