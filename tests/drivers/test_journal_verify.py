"""`hollyhock journal verify` finds what is wrong with a journal, says where, what is lost and what to do."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from ctiserver import journal, journal_files
from ctiserver.asterisk.runtime_user import SPARE_ID
from ctiserver.cli import commands
from ctiserver.journal_tool.verdict import Finding, Verdict
from ctiserver.journal_tool.verify import NoJournal, verify
from ctiserver.model.turns import Record
from tests.drivers.journals import day, flip, segment, starts, written


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return day()


def check(folder: Path) -> Verdict:
    return verify(folder, version="test")


def faults(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.fault]


def only(verdict: Verdict) -> Finding:
    found = faults(verdict)
    assert len(found) == 1, found
    return found[0]


def test_a_whole_journal_is_good_and_every_record_is_folded_and_decided_again(
    tmp_path: Path, records: list[Record]
) -> None:
    folder = written(tmp_path, records, snapshots=(20, len(records)))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done: list[tuple[int, int]] = []
    verdict = verify(folder, version="test", progress=lambda *at: done.append(at))
    assert verdict.good and not verdict.findings
    assert (verdict.first, verdict.last, verdict.segments) == (1, len(records), 1)
    assert verdict.folded == verdict.decided == verdict.records == len(records)
    assert verdict.snapshots == (20, len(records))
    assert verdict.start == f"works, from the snapshot at {len(records)}"
    assert done[-1] == (segment(folder).stat().st_size,) * 2
    assert {path: path.read_bytes() for path in folder.iterdir()} == before, "it only reads"


def test_a_last_record_torn_at_any_byte_is_told_and_is_no_fault(tmp_path: Path, records: list[Record]) -> None:
    short = records[:8]
    folder = written(tmp_path, short, snapshots=(5,))
    path = segment(folder)
    whole, last = path.read_bytes(), starts(path)[-1]
    for cut in range(last + 1, len(whole)):
        path.write_bytes(whole[:cut])
        verdict = check(folder)
        assert verdict.good, cut
        (note,) = verdict.findings
        assert (note.offset, note.seq) == (last, 8)
        assert "not finished" in note.what
        assert verdict.last == 7


def test_a_flipped_bit_anywhere_in_the_middle_costs_that_record_alone_and_is_located(
    tmp_path: Path, records: list[Record]
) -> None:
    folder = written(tmp_path, records, snapshots=(30,))
    path = segment(folder)
    begins = starts(path)
    whole = path.read_bytes()
    for offset in range(begins[9], begins[10], 7):
        flip(path, offset)
        verdict = check(folder)
        damage = only(verdict)
        assert (damage.file, damage.offset, damage.seq, damage.lost) == (path.name, begins[9], 10, "record 10")
        assert "backup" in damage.do
        assert verdict.start.startswith("is refused: ")
        with pytest.raises(journal.JournalDamaged):
            journal.Journal(folder)
        assert verdict.last == len(records), "reading goes on behind it"
        # 1 - 9, then the state is unknown until the snapshot after 30 tells it.
        assert verdict.folded == verdict.decided == 9 + len(records) - 30
        path.write_bytes(whole)


def test_a_missing_segment_is_named_with_its_records(
    tmp_path: Path, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 4000)
    folder = written(tmp_path, records, snapshots=(len(records),))
    files = journal_files.segments(folder)
    assert len(files) > 3
    assert check(folder).good
    files[1][1].unlink()
    missing = only(check(folder))
    assert missing.file == files[2][1].name
    assert f"records {files[1][0]} - {files[2][0] - 1}" in missing.what
    assert "call records" in missing.lost
    assert check(folder).start == f"works, from the snapshot at {len(records)}"
    files[0][1].unlink()
    assert f"records 1 - {files[2][0] - 1}" in only(check(folder)).what


def test_a_lost_end_shows_by_the_snapshot_that_is_ahead(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records, snapshots=(len(records),))
    path = segment(folder)
    os.truncate(path, starts(path)[-5])
    ahead = only(check(folder))
    assert ahead.file == f"snapshot-{len(records):016d}.bin"
    assert f"records {len(records) - 4} - {len(records)}" in ahead.lost


def test_a_hole_of_a_full_disk_is_told_and_bridged_by_its_snapshot(tmp_path: Path, records: list[Record]) -> None:
    """As the server does it: nothing can be written for a while, then one record, and at once a snapshot."""
    folder = written(tmp_path / "all", records, snapshots=(25,))
    gap = written(tmp_path / "gap", [r for r in records if not 20 <= r.seq < 25])
    assert "no snapshot bridges" in only(check(gap)).what
    assert "without records 20 - 24" in check(gap).start
    (gap / "snapshot-0000000000000025.bin").write_bytes((folder / "snapshot-0000000000000025.bin").read_bytes())
    verdict = check(gap)
    assert verdict.good
    (note,) = verdict.findings
    assert "records 20 - 24 were never written" in note.what
    assert "snapshot at 25 bridges" in note.what
    assert verdict.folded == verdict.decided == 19 + len(records) - 25


def test_a_record_that_was_changed_with_its_checksum_is_decided_differently(
    tmp_path: Path, records: list[Record]
) -> None:
    place, offer = next((n, r) for n, r in enumerate(records) if any(type(e).__name__ == "OfferMade" for e in r.events))
    forged = [msgspec.structs.replace(e, agents=("1003",)) if hasattr(e, "agents") else e for e in offer.events]
    changed = [*records]
    changed[place] = msgspec.structs.replace(offer, events=tuple(forged))
    verdict = check(written(tmp_path, changed[: place + 1]))
    found = only(verdict)
    assert found.seq == offer.seq
    assert "OfferMade, differs in agents.0" in found.what


def test_what_an_older_version_decided_otherwise_is_a_note(tmp_path: Path, records: list[Record]) -> None:
    place, sign_in = next((n, r) for n, r in enumerate(records) if type(r.input).__name__ == "SignIn")
    changed = [*records]
    effects = next(record.effects for record in records if record.effects)
    changed[place] = msgspec.structs.replace(sign_in, effects=effects)
    folder = written(tmp_path, changed)
    assert not check(folder).good
    verdict = verify(folder, version="next")
    assert verdict.good
    assert "version test decided otherwise than this one (next)" in verdict.findings[0].what
    assert verdict.decided == len(records), "and all others are compared too"


def test_a_whole_day_decided_otherwise_by_an_older_version_stays_a_note(tmp_path: Path, records: list[Record]) -> None:
    changed = [msgspec.structs.replace(r, effects=()) if r.effects else r for r in records]
    assert sum(bool(r.effects) for r in records) > 5
    folder = written(tmp_path, changed)
    assert verify(folder, version="next").good
    assert not check(folder).good


def test_a_snapshot_that_lies_and_one_that_is_cut_short_are_told_apart(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records, snapshots=(20, 35))
    older, newer = (path for _seq, path in journal_files.snapshots(folder))
    data = older.read_bytes()
    newer_state = msgspec.msgpack.decode(newer.read_bytes())
    newer_state["agents"]["1001"]["handled_today"] += 1
    newer.write_bytes(msgspec.msgpack.encode(newer_state))
    lie = only(check(folder))
    assert (lie.file, lie.seq) == (newer.name, 35)
    assert "agents.1001.handled_today" in lie.what
    newer.unlink()
    for length in (0, 1, len(data) // 2, len(data) - 1):
        older.write_bytes(data[:length])
        cut = only(check(folder))
        assert (cut.file, cut.what) == (older.name, "the snapshot cannot be read")


def test_foreign_files_are_named(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records)
    (folder / "journal-copy.log").write_bytes(b"x")
    verdict = check(folder)
    assert verdict.good
    assert [finding.file for finding in verdict.findings] == ["journal-copy.log"]
    (folder / f"journal-{len(records) + 1:016d}.log").write_text("Dear diary, today nobody called. " * 50)
    diary = only(check(folder))
    assert diary.file == f"journal-{len(records) + 1:016d}.log" and diary.offset == 0
    segment(folder).write_bytes(segment(folder, 0).read_bytes())
    again = faults(check(folder))
    assert any("comes again" in finding.what for finding in again), again


def test_a_missing_epoch_is_told_and_the_rest_is_still_checked(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path, records)
    (folder / "epoch").unlink()
    verdict = check(folder)
    assert only(verdict).file == "epoch"
    assert (verdict.folded, verdict.decided) == (len(records), 0)


def test_a_record_of_a_later_version_is_no_crash(tmp_path: Path, records: list[Record]) -> None:
    class TeaMade(msgspec.Struct, tag=True):
        pass

    folder = written(tmp_path, records)
    path = segment(folder)
    body = msgspec.msgpack.encode((len(records) + 1, 1.0, 1, TeaMade(), (), (), ""))
    with path.open("ab") as file:
        file.write(journal_files.HEAD.pack(len(body), zlib.crc32(body)) + body)
    found = only(check(folder))
    assert "does not know it" in found.what and found.seq == len(records) + 1


def test_nothing_to_verify_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NoJournal, match="no journal here"):
        check(tmp_path)
    with pytest.raises(NoJournal, match="no such folder"):
        check(tmp_path / "nowhere")


def test_a_folder_that_may_not_be_read_is_one_line(tmp_path: Path, records: list[Record]) -> None:
    """As root the test becomes somebody else; the folder is closed to him."""
    written(tmp_path / "journal", records)
    (tmp_path / "journal").chmod(0)
    for name in ("show", "verify", "tail"):
        code, said = as_stranger(lambda name=name: CliRunner().invoke(
            commands, ["journal", name, "--folder", str(tmp_path)]
        ))  # fmt: skip
        assert code == 2, said
        assert len(said.splitlines()) == 1 and "ermission" in said, said
    (tmp_path / "journal").chmod(0o755)


def as_stranger(run: Callable[[], Result]) -> tuple[int, str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(SPARE_ID)
            result = run()
            with os.fdopen(writing, "w") as pipe:
                pipe.write(f"{result.exit_code}\n{result.output}")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, _, said = pipe.read().partition("\n")
    os.waitpid(child, 0)
    return int(code), said


def test_the_command_s_words_and_exit_codes(tmp_path: Path, records: list[Record]) -> None:
    folder = written(tmp_path / "journal", records, snapshots=(len(records),))
    run = CliRunner().invoke
    good = run(commands, ["journal", "verify", "--folder", str(tmp_path)])
    assert good.exit_code == 0
    assert good.stdout.splitlines()[-1] == "verdict  good"
    flip(segment(folder), starts(segment(folder))[4] + 30)
    bad = run(commands, ["journal", "verify", "--folder", str(folder)])
    assert bad.exit_code == 1
    assert "FAULT" in bad.stdout and "record 5" in bad.stdout and "do:" in bad.stdout
    as_json = run(commands, ["journal", "verify", "--folder", str(folder), "--json"])
    assert msgspec.json.decode(as_json.stdout)["findings"][0]["seq"] == 5
    none = run(commands, ["journal", "verify", "--folder", str(tmp_path / "empty")])
    assert none.exit_code == 2
    assert len(none.stderr.splitlines()) == 1
