"""`hollyhock journal show` and `tail`: which records, in which words, and nobody's personal data."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ctiserver.cli import commands
from ctiserver.journal import Journal
from ctiserver.journal_tool.follow import Follower
from ctiserver.journal_tool.select import moment
from ctiserver.model import events as ev
from ctiserver.model.turns import Record
from tests.drivers.journals import NAME, NUMBER, SECRETS, day, flip, segment, starts, written

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return day()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> Path:
    folder = tmp_path_factory.mktemp("home")
    written(folder / "journal", records)
    return folder


def show(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(commands, ["journal", "show", "--folder", str(home), *arguments])


def numbers(result: Result) -> list[int]:
    """Sequence numbers of a JSON output."""
    assert result.exit_code == 0, result.output
    return [json.loads(line)["seq"] for line in result.stdout.splitlines()]


def event(records: list[Record], kind: type[ev.Event]) -> tuple[int, object]:
    return next((record.seq, one) for record in records for one in record.events if isinstance(one, kind))


def test_every_record_has_its_line_and_its_events_and_effects(home: Path, records: list[Record]) -> None:
    lines = show(home).stdout.splitlines()
    heads = [line for line in lines if not line.startswith(" " * 10)]
    assert len(heads) == len(records)
    assert heads[0] == "       1  1970-01-01 00:16:40.000  ServerStarted  version=test"
    for word, part in (("event ", "events"), ("effect", "effects")):
        assert sum(line.strip().startswith(word) for line in lines) == sum(len(getattr(r, part)) for r in records)


def test_nobody_s_personal_data_is_shown_unless_asked_for(home: Path, records: list[Record]) -> None:
    private = (NUMBER, NAME, "K-778899", "Zhou Manager", '"digit":"1"', "digit=1", *SECRETS)
    for form in ((), ("--json",)):
        masked = show(home, *form).stdout
        assert [word for word in private if word in masked] == []
        assert "•••" in masked
        whole = show(home, *form, "--personal").stdout
        missing = [word for word in private if word not in whole and "digit" not in word]
        assert missing == []
    assert json.loads(show(home, "--json", "--personal", "--limit", "1").stdout)["input"] == {
        "type": "ServerStarted",
        "version": "test",
    }


def test_a_spoken_number_is_as_private_as_a_typed_one(tmp_path: Path, records: list[Record]) -> None:
    asked = ev.PromptAsked(
        conversation="c1", request=1, media=("sound:/x/zh/d4", "sound:/x/zh/menu"), prompts=("zh/d4", "zh/menu"),
        interruptible=True,
    )  # fmt: skip
    one = Record(seq=1, at=1.0, seed=1, input=records[0].input, events=(asked,), effects=())
    written(tmp_path / "journal", [])
    writer = Journal(tmp_path / "journal")
    writer.append(one)
    writer.close()
    shown = show(tmp_path, "--json").stdout
    assert "d4" not in shown
    assert "zh/menu" in shown


def test_filters_narrow_by_number_type_and_time(home: Path, records: list[Record]) -> None:
    assert numbers(show(home, "--json", "--from", "5", "--to", "9")) == [5, 6, 7, 8, 9]
    assert numbers(show(home, "--json", "--from", "5", "--limit", "2")) == [5, 6]
    offers = [r.seq for r in records if any(isinstance(e, ev.OfferMade | ev.Talking) for e in r.events)]
    assert numbers(show(home, "--json", "--type", "OfferMade", "--type", "Talking")) == offers
    half = records[len(records) // 2].at
    text = datetime.datetime.fromtimestamp(half, datetime.UTC).isoformat()
    assert numbers(show(home, "--json", "--since", text)) == [r.seq for r in records if r.at >= half]
    wrong = show(home, "--since", "tomorrow")
    assert wrong.exit_code == 2
    assert "30m" in wrong.stderr


def test_a_conversation_is_found_with_its_legs_contact_and_offers(home: Path, records: list[Record]) -> None:
    started = [e.conversation for r in records for e in r.events if isinstance(e, ev.ConversationStarted)]
    assert len(started) == 2
    first, second = (set(numbers(show(home, "--json", "--conversation", one))) for one in started)
    wrapped, _ = event(records, ev.WrapUpEnded)
    assert wrapped in first and wrapped not in second
    missed = [r.seq for r in records if any(isinstance(e, ev.HangUpSeen | ev.ReservationClosed) for e in r.events)]
    assert set(missed) <= first | second
    assert records[0].seq not in first | second
    assert numbers(show(home, "--json", "--conversation", "c-nobody")) == []


def test_an_agent_is_found_by_what_he_asked_and_what_his_leg_did(home: Path, records: list[Record]) -> None:
    found = set(numbers(show(home, "--json", "--agent", "1001")))
    signed, _ = event(records, ev.AgentSignedIn)
    up, _ = event(records, ev.AgentLegUp)
    assert {signed, up} <= found
    assert numbers(show(home, "--json", "--agent", "1003")) == []


def test_damage_is_told_beside_the_records_and_reading_goes_on(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path / "journal", records)
    flip(segment(folder), starts(segment(folder))[4] + 30)
    result = show(tmp_path, "--json")
    assert numbers(result) == [r.seq for r in records if r.seq != 5]
    assert "not readable: journal-0000000000000001.log, bytes" in result.stderr


def test_times_are_understood_as_people_write_them() -> None:
    now = datetime.datetime(2026, 11, 22, 17, 0, 5, tzinfo=datetime.UTC).timestamp()
    assert moment("30m", now) == now - 1800
    assert moment("1d", now) == now - 86_400
    assert moment("16:00", now) == moment("2026-11-22 16:00", now) == now - 3605
    assert moment("9:00:05", now) == now - 8 * 3600
    assert moment("2026-11-23T01:00:05+08:00", now) == now


# --- tail


class Tail:
    """The command as a process of its own, since it never ends by itself."""

    def __init__(self, home: Path, folder: Path, *arguments: str) -> None:
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ctiserver.cli", "journal", "tail", "--json", *arguments],
                cwd=ROOT, env=os.environ | {"HOLLYHOCK_HOME": str(home)}, stdout=out, stderr=err,
            )  # fmt: skip

    def numbers(self) -> list[int]:
        return [json.loads(line)["seq"] for line in self._out.read_text("utf-8").splitlines()]

    def said(self) -> str:
        return self._err.read_text("utf-8")

    def until(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, (self.numbers(), self.said())
            time.sleep(0.05)


@contextmanager
def tailing(home: Path, folder: Path, *arguments: str) -> Iterator[Tail]:
    tail = Tail(home, folder, *arguments)
    try:
        yield tail
        tail.process.send_signal(signal.SIGINT)
        assert tail.process.wait(5) == 0
        assert "Traceback" not in tail.said() and "Aborted" not in tail.said()
    finally:
        if tail.process.poll() is None:
            tail.process.kill()
            tail.process.wait()


def test_tail_follows_through_a_torn_end_a_new_segment_a_restart_and_a_new_journal(
    tmp_path: Path, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    folder = home / "journal"
    home.mkdir()
    with tailing(home, tmp_path, "--limit", "3") as tail:
        tail.until(lambda: "waiting" in tail.said())
        written(folder, records[:10])
        tail.until(lambda: tail.numbers() == list(range(1, 11)))

        with segment(folder).open("ab") as file:  # killed in the middle of a record
            file.write(b"\x40\x00\x00\x00half")
        monkeypatch.setattr("ctiserver.journal.SEGMENT_BYTES", 1)
        writer = Journal(folder)  # the next server cuts it off, and its records go into other files
        for record in records[10:14]:
            writer.append(record)
        writer.close()
        tail.until(lambda: tail.numbers() == list(range(1, 15)))
        assert "not readable" not in tail.said()

        folder.rename(home / "old")
        written(folder, records[:2])
        tail.until(lambda: tail.numbers()[14:] == [1, 2])
        assert "replaced" in tail.said()


def test_tail_begins_with_the_newest_records(tmp_path: Path, home: Path, records: list[Record]) -> None:
    with tailing(home, tmp_path, "--limit", "3") as tail:
        tail.until(lambda: len(tail.numbers()) == 3)
        assert tail.numbers() == [r.seq for r in records[-3:]]


def test_a_reader_that_goes_away_ends_show_quietly(home: Path) -> None:
    show_all = f"{sys.executable} -m ctiserver.cli journal show --folder {home} --json"
    command = f"{show_all} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)


def test_a_follower_waits_at_a_torn_end_and_reads_what_is_written_in_its_place(
    tmp_path: Path, records: list[Record]
) -> None:
    folder = written(tmp_path, records[:3])
    follower = Follower(folder)
    assert list(follower.new()) == records[:3]
    with segment(folder).open("ab") as file:
        file.write(b"\x40\x00\x00\x00half and more")
    assert list(follower.new()) == []
    writer = Journal(folder)
    writer.append(records[3])
    writer.close()
    assert list(follower.new()) == [records[3]]
