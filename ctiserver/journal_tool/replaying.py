"""`hollyhock replay`: a stretch of a journal decided again. Must give what was recorded, bit for bit.

Here: which records, and what comes of it. Not here: the check of one record (`ctiserver.replay.deviation`, which
`journal verify` uses too), whether the files are whole (`verify`), how it is shown (`asking`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ctiserver.journal import JournalDamaged
from ctiserver.journal_files import pieces, segments
from ctiserver.model.turns import Record
from ctiserver.replay import Replay, world_after

MOST = 20
"""Differences that are told one by one."""
Progress = Callable[[int, int], None]


class Different(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is decided otherwise now."""

    seq: int
    at: float
    input: str
    where: str


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """`records` from `first` to `last` were decided again, `different` of them otherwise; `shown`: the first of those.
    `began`, `ended`: epoch seconds. `seconds`: how long it took."""

    first: int
    last: int
    began: float
    ended: float
    records: int
    different: int
    shown: tuple[Different, ...]
    seconds: float


def stretch(folder: Path, first: int, last: int | None) -> Iterator[tuple[Record, bytes, float]]:
    """Records `first` to `last` with their bytes in the file, and which part of all bytes is read. Raises
    JournalDamaged where a record is missing in the middle."""
    files = segments(folder)
    total = sum(path.stat().st_size for _, path in files) or 1
    decoder, before, expected = msgspec.msgpack.Decoder(Record), 0, 0
    for index, (_, path) in enumerate(files):
        size = path.stat().st_size
        if index + 1 == len(files) or files[index + 1][0] > first:
            for piece in pieces(path):
                if piece.body is None:
                    continue  # a torn tail, or a hole: then the next number is wrong
                record = decoder.decode(piece.body)
                if last is not None and record.seq > last:
                    return
                if expected and record.seq != expected:
                    raise JournalDamaged(f"records {expected} - {record.seq - 1} are missing: see `journal verify`")
                expected = record.seq + 1
                if record.seq >= first:
                    yield record, piece.body, (before + piece.end) / total
        before += size


def number_at(folder: Path, moment: float) -> int:
    """The number of the first record that is not before this moment; one more than the last when all are."""
    seq = 0
    for record, _, _ in stretch(folder, 1, None):
        if record.at >= moment:
            return record.seq
        seq = record.seq
    return seq + 1


def replay(folder: Path, first: int, last: int | None, progress: Progress = lambda _done, _all: None) -> Replayed:
    """Decide these records again, from the world before the first of them. `progress` hears parts of a million.

    Raises JournalDamaged, CannotTell, OSError.
    """
    began, told = time.monotonic(), 0.0
    files = segments(folder)
    first = max(first, files[0][0] if files else 1)
    epoch = (folder / "epoch").read_text().strip()
    again = Replay(world_after(folder, first - 1)[0].state() if first > 1 else None, epoch)
    shown: list[Different] = []
    count, start, end = 0, 0.0, 0.0
    for record, body, part in stretch(folder, first, last):
        start, end = start or record.at, record.at
        if where := again.take(record, body):
            count += 1
            if count <= MOST:
                shown.append(Different(seq=record.seq, at=record.at, input=type(record.input).__name__, where=where))
        if time.monotonic() - told > 0.1:
            told = time.monotonic()
            progress(int(part * 1_000_000), 1_000_000)
    return Replayed(
        first=first,
        last=again.seq,
        began=start,
        ended=end,
        records=again.decided,
        different=count,
        shown=tuple(shown),
        seconds=round(time.monotonic() - began, 3),
    )
