"""`hollyhock why` and `hollyhock replay` on journals of a day: past offers, waiting callers, deviations."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from ctiserver import journal, journal_files, replay, why
from ctiserver.cli import commands
from ctiserver.journal_tool.replaying import number_at, replay as replayed
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import made_in
from ctiserver.model.turns import Record
from tests.drivers.journals import NUMBER, SECRETS, day, segment, starts, written


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return day()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(one) for one in arguments])


def of(records: list[Record], kind: type[ev.Event]) -> list[ev.Event]:
    return [event for record in records for event in record.events if isinstance(event, kind)]


def offer(records: list[Record]) -> ev.OfferMade:
    (made,) = of(records, ev.OfferMade)
    assert isinstance(made, ev.OfferMade)
    return made


def waiting(records: list[Record]) -> ev.ContactQueued:
    queued = of(records, ev.ContactQueued)[-1]
    assert isinstance(queued, ev.ContactQueued)
    return queued


# --- why --------------------------------------------------------------------------------------------------


def test_a_past_offer_lists_every_agent_as_its_record_counted_them(tmp_path: Path, records: list[Record]) -> None:
    made = offer(records)
    answer = why.ask(written(tmp_path, records), made.reservation)
    assert (answer.record, answer.contact, answer.untold) == (made.why, made.contact, "")
    assert answer.told is not None
    assert [(one.agent, one.place) for one in answer.told.agents] == [("1001", 1), ("1002", 0), ("1003", 0)]
    assert answer.told.agents[0].keys == made.why.candidates[0].keys
    assert answer.told.excluded == made.why.excluded == {"signed_out": 2}
    assert [one.event for one in answer.history][:2] == ["ContactQueued", "OfferMade"]


@pytest.mark.parametrize("snapshots", [(), (3,), (12,), (13, 20), (5, 39)])
def test_it_does_not_matter_which_snapshots_are_left(
    tmp_path: Path, records: list[Record], snapshots: tuple[int, ...]
) -> None:
    made = offer(records)
    assert made_in(made.reservation) == 13
    answers = why.ask(written(tmp_path / "some", records, snapshots=snapshots), made.reservation)
    assert answers == why.ask(written(tmp_path / "none", records), made.reservation)


def test_an_offer_of_before_the_oldest_file_still_has_its_record(tmp_path: Path, records: list[Record]) -> None:
    """The records before it are gone, no snapshot tells of the world then: the summary is there, the list is not."""
    folder = tmp_path / "journal"
    written(folder, records)
    path = segment(folder)
    data, cut = path.read_bytes(), starts(path)[7]
    path.unlink()
    (folder / "journal-0000000000000008.log").write_bytes(data[cut:])
    answer = why.ask(folder, offer(records).reservation)
    assert (answer.record, answer.told) == (offer(records).why, None)
    assert answer.untold == "records 1 - 7 are missing"


def test_an_offer_that_this_version_would_not_make_is_told_so(
    tmp_path: Path, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path, records)
    monkeypatch.setattr("acd.core.routing._may_be_offered", lambda _contact: False)
    answer = why.ask(folder, offer(records).reservation)
    assert answer.record is not None and answer.told is None
    assert "decides otherwise" in answer.untold


def test_a_waiting_caller_is_told_who_could_serve_him(tmp_path: Path, records: list[Record]) -> None:
    answer = why.ask(written(tmp_path, records, snapshots=(20,)), waiting(records).contact)
    assert answer.record is None and answer.told is not None
    assert (answer.told.verdict, answer.told.excluded) == ("not_ready", {"not_ready": 1, "signed_out": 2})
    assert answer.told.nearest == ("1001", "1002", "1003")


def test_a_contact_that_is_over_has_its_history_and_its_last_offer(tmp_path: Path, records: list[Record]) -> None:
    answer = why.ask(written(tmp_path, records), offer(records).contact)
    assert answer.told is None and answer.record == offer(records).why
    end = next(one for one in answer.history if one.event == "ContactEnded")
    assert end.about == EndReason.ANSWERED


def test_the_command_speaks_plainly_and_names_no_caller(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records)
    made, waits = offer(records), waiting(records)
    told = run("why", made.reservation, "--folder", folder)
    assert told.exit_code == 0, told.stderr
    assert "chosen    1001 of 1 who could have it, by longest_idle" in told.stdout
    assert "1002  signed out" in told.stdout
    now = run("why", waits.contact, "--folder", tmp_path)
    assert "the agents who could take it are not ready" in now.stdout
    assert "1001: not ready (wrap_up)" in now.stdout
    for secret in (NUMBER, "13900000002", *SECRETS):
        assert secret not in told.stdout + now.stdout
    as_json = run("why", waits.contact, "--folder", folder, "--json")
    assert msgspec.json.decode(as_json.stdout, type=why.Answer) == why.ask(folder, waits.contact)


@pytest.mark.parametrize("name", ["ktest-999", "rtest-d-9", "rtest-2", "13912345678", "", "k", "../x"])
def test_what_is_no_contact_and_no_offer_is_one_line(tmp_path: Path, records: list[Record], name: str) -> None:
    answer = run("why", name, "--folder", written(tmp_path, records))
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert len(answer.stderr.splitlines()) == 1


def test_without_a_journal_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    for command in (("why", "kx-1"), ("replay",)):
        answer = run(*command, "--folder", tmp_path / "nothing")
        assert answer.exit_code == 2
        assert len(answer.stderr.splitlines()) == 1


# --- replay -----------------------------------------------------------------------------------------------


def test_a_journal_is_decided_again_bit_for_bit(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records)
    done: list[int] = []
    found = replayed(folder, 1, None, lambda part, _whole: done.append(part))
    assert (found.first, found.last, found.records, found.different) == (1, len(records), len(records), 0)
    assert done and done == sorted(done)
    answer = run("replay", "--folder", folder)
    assert answer.exit_code == 0
    assert "the same, bit for bit" in answer.stdout


@pytest.mark.parametrize(("first", "last"), [(1, 5), (13, 13), (20, 39), (14, None)])
def test_a_stretch_of_it_begins_in_the_world_before(
    tmp_path: Path, records: list[Record], first: int, last: int | None
) -> None:
    found = replayed(written(tmp_path, records, snapshots=(10,)), first, last)
    assert (found.first, found.last, found.different) == (first, last or len(records), 0)
    assert found.records == (last or len(records)) - first + 1


def test_times_name_records_too(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records)
    at = records[19].at
    assert number_at(folder, at) == next(record.seq for record in records if record.at >= at)
    assert number_at(folder, records[-1].at + 1) == len(records) + 1
    answer = run("replay", "--folder", folder, "--from", "1970-01-01T00:16:41", "--json")
    first = json.loads(answer.stdout)["first"]
    assert first == number_at(folder, 1001.0)


def test_a_decision_that_would_be_another_is_named_and_the_rest_still_agrees(
    tmp_path: Path, records: list[Record]
) -> None:
    """One offer says that another agent was chosen: only this record differs, and by what is said."""
    changed = list(records)
    place = made_in(offer(records).reservation) - 1
    events = tuple(
        msgspec.structs.replace(one, why=msgspec.structs.replace(one.why, tie_break="a coin"))
        if isinstance(one, ev.OfferMade)
        else one
        for one in records[place].events
    )
    changed[place] = msgspec.structs.replace(records[place], events=events)
    folder = written(tmp_path, changed)
    found = replayed(folder, 1, None)
    assert found.different == 1
    (only,) = found.shown
    assert (only.seq, only.input) == (place + 1, type(records[place].input).__name__)
    assert "OfferMade, differs in why.tie_break" in only.where
    answer = run("replay", "--folder", folder)
    assert answer.exit_code == 1
    assert "1 decided otherwise" in answer.stdout


def test_the_same_values_in_other_bytes_are_not_the_same(tmp_path: Path, records: list[Record]) -> None:
    """1 and 1.0 are equal, and not bit for bit."""
    record = records[0]
    body = msgspec.msgpack.encode(msgspec.structs.replace(record, at=int(record.at)))
    again = replay.Replay(None, "test")
    assert again.take(record, msgspec.msgpack.encode(record)) == ""
    assert replay.Replay(None, "test").take(record, body) == "the same values are written in other bytes"


def test_a_record_that_is_missing_ends_it(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, [one for one in records if one.seq != 9])
    answer = run("replay", "--folder", folder)
    assert answer.exit_code == 2
    assert "records 9 - 9 are missing" in answer.stderr
    assert run("replay", "--folder", folder, "--to", "8").exit_code == 0


def test_a_torn_tail_is_not_replayed(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records)
    path = segment(folder)
    path.write_bytes(path.read_bytes()[:-5])
    assert replayed(folder, 1, None).last == len(records) - 1
    assert journal_files.segments(folder) and not list(journal.read(folder, after=len(records)))
