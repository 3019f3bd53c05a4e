"""The journal survives what files go through: torn tails, damage, full disks, a reader beside the writer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctiserver import journal, journal_files
from ctiserver.journal import Journal, JournalDamaged
from ctiserver.model import events as ev, facts
from ctiserver.model.turns import Record
from ctiserver.model.world import WorldState


def record(seq: int) -> Record:
    event = ev.SwitchLinkChanged(up=bool(seq % 2), reason="测试")
    return Record(seq=seq, at=float(seq), seed=seq, input=facts.SwitchLost(reason="x"), events=(event,), effects=())


def filled(folder: Path, count: int) -> list[Record]:
    writer = Journal(folder)
    records = [record(seq) for seq in range(1, count + 1)]
    for one in records:
        writer.append(one)
    writer.close()
    return records


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    records = filled(tmp_path, 50)
    assert list(journal.read(tmp_path)) == records
    assert list(journal.read(tmp_path, after=48)) == records[48:]


def test_a_tail_torn_at_every_byte_is_cut_and_writing_goes_on(tmp_path: Path) -> None:
    records = filled(tmp_path, 3)
    path = next(tmp_path.glob("journal-*.log"))
    whole = path.read_bytes()
    two = len(whole) - len(_last(whole))
    for cut in range(two, len(whole)):
        path.write_bytes(whole[:cut])
        assert list(journal.read(tmp_path)) == records[:2]
        writer = Journal(tmp_path)
        assert writer.last_seq == 2
        writer.append(records[2])
        writer.close()
        assert list(journal.read(tmp_path)) == records


def _last(data: bytes) -> bytes:
    start = 0
    while True:
        length = int.from_bytes(data[start : start + 4], "little") + 8
        if start + length == len(data):
            return data[start:]
        start += length


def test_damage_in_an_older_segment_is_an_error_not_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 400)
    filled(tmp_path, 20)
    first = min(tmp_path.glob("journal-*.log"))
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 0xFF
    first.write_bytes(bytes(data))
    with pytest.raises(JournalDamaged, match=first.name):
        list(journal.read(tmp_path))


def test_segments_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 400)
    records = filled(tmp_path, 30)
    assert len(list(tmp_path.glob("journal-*.log"))) > 3
    assert list(journal.read(tmp_path)) == records
    assert list(journal.read(tmp_path, after=17)) == records[17:]
    assert Journal(tmp_path).last_seq == 30


def test_a_reader_beside_the_writer_stops_before_an_unfinished_record(tmp_path: Path) -> None:
    records = filled(tmp_path, 2)
    path = next(tmp_path.glob("journal-*.log"))
    with path.open("ab") as file:
        file.write(b"\x40\x00\x00\x00half")
    assert list(journal.read(tmp_path)) == records


def test_a_full_disk_raises_and_leaves_no_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Journal(tmp_path)
    writer.append(record(1))
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[: len(data) // 2]))
    with pytest.raises(OSError, match="short write"):
        writer.append(record(2))
    monkeypatch.setattr(os, "write", real)
    writer.append(record(2))
    writer.close()
    assert [one.seq for one in journal.read(tmp_path)] == [1, 2]


def test_the_two_newest_snapshots_are_kept_and_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    filled(tmp_path, 5)
    writer = Journal(tmp_path)
    for seq in (1, 3, 5):
        writer.write_snapshot(seq, writer.encode_snapshot(WorldState(seq=seq)))
    assert [path.name for path in sorted(tmp_path.glob("snapshot-*.bin"))] == [
        "snapshot-0000000000000003.bin",
        "snapshot-0000000000000005.bin",
    ]
    assert writer.load().seq == 5
    (tmp_path / "snapshot-0000000000000005.bin").write_bytes(b"rubbish")
    assert writer.load().seq == 3


def test_a_snapshot_of_lost_turns_is_dropped_at_the_next_start_and_pushes_no_other_out(tmp_path: Path) -> None:
    """The numbers that it counts are given out again: later it would pass for a state that never was."""
    filled(tmp_path, 5)
    writer = Journal(tmp_path)
    for seq in (3, 5, 8, 9):
        writer.write_snapshot(seq, writer.encode_snapshot(WorldState(seq=seq)))
    names = sorted(int(path.stem.removeprefix("snapshot-")) for path in tmp_path.glob("snapshot-*.bin"))
    assert names == [3, 5, 9]
    writer.close()
    again = Journal(tmp_path)
    assert again.load().seq == 5
    for seq in range(6, 12):
        again.append(record(seq))
    again.close()
    assert Journal(tmp_path).load().seq == 5


def test_a_snapshot_that_does_not_fit_leaves_no_half_one_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, 2)
    writer = Journal(tmp_path)

    def full(_fd: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        writer.write_snapshot(2, b"state")
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".new"]


def test_the_epoch_is_made_once(tmp_path: Path) -> None:
    assert Journal(tmp_path).epoch == Journal(tmp_path).epoch
    assert len(Journal(tmp_path).epoch) == 4


def test_damage_within_the_newest_segment_stops_the_server_instead_of_losing_what_follows(tmp_path: Path) -> None:
    records = filled(tmp_path, 9)
    path = next(tmp_path.glob("journal-*.log"))
    whole = path.read_bytes()
    fourth = [piece.start for piece in journal_files.pieces(path)][3]
    path.write_bytes(whole[: fourth + 20] + bytes([whole[fourth + 20] ^ 4]) + whole[fourth + 21 :])
    with pytest.raises(JournalDamaged, match=f"byte {fourth}"):
        Journal(tmp_path)
    assert path.stat().st_size == len(whole), "nothing is cut off"
    with pytest.raises(JournalDamaged, match=f"byte {fourth}"):
        list(journal.read(tmp_path))
    assert [piece.start for piece in journal_files.pieces(path) if piece.body is None] == [fourth]
    assert sum(piece.body is not None for piece in journal_files.pieces(path)) == len(records) - 1


@pytest.mark.parametrize("junk", [b"\0" * 40, b"\xff" * 40, b"text of a stranger " * 30, os.urandom(3000)])
def test_reading_finds_the_next_whole_record_after_any_rubbish(tmp_path: Path, junk: bytes) -> None:
    records = filled(tmp_path, 4)
    path = next(tmp_path.glob("journal-*.log"))
    whole = path.read_bytes()
    second = [piece.start for piece in journal_files.pieces(path)][1]
    path.write_bytes(whole[:second] + junk + whole[second:])
    found = list(journal_files.pieces(path))
    assert [(p.start, p.end) for p in found if p.body is None] == [(second, second + len(junk))]
    assert sum(piece.body is not None for piece in found) == len(records)
    path.write_bytes(whole + junk)
    assert [(p.start, p.end) for p in journal_files.pieces(path) if p.body is None] == [
        (len(whole), len(whole) + len(junk))
    ]


def test_a_stranger_s_file_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    records = filled(tmp_path, 3)
    for name in ("journal-copy.log", "journal-1.log", "snapshot-old.bin", "notes.txt"):
        (tmp_path / name).write_text("not ours")
    writer = Journal(tmp_path)
    assert writer.last_seq == 3
    assert writer.load().seq == 0
    assert list(journal.read(tmp_path)) == records
    assert [path.name for path in journal_files.strangers(tmp_path)] == [
        "journal-1.log",
        "journal-copy.log",
        "notes.txt",
        "snapshot-old.bin",
    ]
