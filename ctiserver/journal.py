"""The journal: one append-only file of turns, the truth about decisions (DESIGN section 1).

Segments `journal-<first seq>.log` of about 64 MB; a record is length (u32), CRC-32 (u32), msgpack body. One
`write()` a record: it survives kill -9 (not a power cut: fdatasync every second, off the loop). A torn tail is
cut off at opening. Snapshots `snapshot-<seq>.bin` make recovery short; the last two are kept.
No decisions live here, and nothing else in the program writes these files.
"""

from __future__ import annotations

import os
import secrets
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ctiserver.journal_files import HEAD, Piece, pieces, segments, snapshots
from ctiserver.model.turns import Record
from ctiserver.model.world import WorldState

SEGMENT_BYTES = 64 * 1024 * 1024
SNAPSHOT_RECORDS = 20_000
SNAPSHOT_SECONDS = 60.0
SNAPSHOTS_KEPT = 2
_EPOCH_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class JournalDamaged(Exception):
    """A record in the middle of the journal is unreadable: files were changed or the disk is failing."""


def read(folder: Path, after: int = 0) -> Iterator[Record]:
    """All complete records with seq > `after`, in order. Safe beside a writer: an incomplete tail ends the reading.

    Raises JournalDamaged.
    """
    decoder = msgspec.msgpack.Decoder(Record)
    files = segments(folder)
    for index, (_first, path) in enumerate(files):
        last = index + 1 == len(files)
        if not last and files[index + 1][0] <= after + 1:
            continue
        torn: Piece | None = None
        for piece in pieces(path):
            if torn is not None:  # whole records follow
                raise _damaged(torn, path)
            if piece.body is None:
                if not last:
                    raise _damaged(piece, path)
                torn = piece
                continue
            record = decoder.decode(piece.body)
            if record.seq > after:
                yield record


def _damaged(piece: Piece, path: Path) -> JournalDamaged:
    return JournalDamaged(f"{path.name} is damaged at byte {piece.start}: `hollyhock journal verify` says what to do")


def naming(folder: Path, names: tuple[str, ...], most: int) -> dict[str, list[Record]]:
    """For each name the last `most` records in which it occurs, of the newest two segments. Slow: not for the loop.

    Only what holds the name's bytes is decoded, so a segment takes a tenth of a second.
    """
    found: dict[str, deque[bytes]] = {name: deque(maxlen=most) for name in names}
    wanted = [(name.encode(), kept) for name, kept in found.items()]
    for _first, path in segments(folder)[-2:]:
        for piece in pieces(path):
            for needle, kept in wanted:
                if piece.body is not None and needle in piece.body:
                    kept.append(piece.body)
    decoder = msgspec.msgpack.Decoder(Record)
    return {name: [decoder.decode(body) for body in kept] for name, kept in found.items()}


def mentioning(folder: Path, name: str, first: int) -> Iterator[Record]:
    """The records from number `first` on in which this name occurs, in order; only those are decoded. A damaged
    stretch is passed over. Slow: not for the loop."""
    needle, decoder, files = name.encode(), msgspec.msgpack.Decoder(Record), segments(folder)
    for index, (_first, path) in enumerate(files):
        if index + 1 < len(files) and files[index + 1][0] <= first:
            continue
        for piece in pieces(path):
            if piece.body is not None and needle in piece.body:
                record = decoder.decode(piece.body)
                if record.seq >= first:
                    yield record


class Journal:
    """The writer. Opening it recovers: cuts a torn tail, loads the newest readable snapshot.

    `epoch` (four characters, made once) begins every id, so ids of different data folders never meet.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.epoch = self._epoch()
        self.last_seq = 0
        self.written = 0
        """bytes that this process has appended"""
        self.records = 0
        self._encoder = msgspec.msgpack.Encoder()
        self._buffer = bytearray()
        self._size = 0
        self._fd = -1
        self._retired: deque[int] = deque()
        self._cut_torn_tail()
        self._since_snapshot = 0

    def _epoch(self) -> str:
        path = self.folder / "epoch"
        if not path.exists():
            temporary = self.folder / "epoch.new"
            temporary.write_text("".join(secrets.choice(_EPOCH_ALPHABET) for _ in range(4)))
            temporary.rename(path)
        return path.read_text().strip()

    def _cut_torn_tail(self) -> None:
        files = segments(self.folder)
        if not files:
            return
        first, path = files[-1]
        decoder = msgspec.msgpack.Decoder(Record)
        good, last = 0, b""
        torn: Piece | None = None
        for piece in pieces(path):
            if torn is not None:  # whole records follow: this is no torn tail, and cutting would lose them
                raise _damaged(torn, path)
            if piece.body is None:
                torn = piece
            else:
                good, last = piece.end, piece.body
        if torn is not None:
            os.truncate(path, good)
        self.last_seq = decoder.decode(last).seq if last else first - 1
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._size = good

    def load(self) -> WorldState:
        """The newest readable snapshot, or an empty world; fold the records after its `seq` onto it.

        One that is newer than the last record tells of turns that are lost (a power cut, a full disk): it goes, for the
        numbers that it counts are given out again."""
        for seq, path in reversed(snapshots(self.folder)):
            if seq > self.last_seq:
                path.unlink()
                continue
            try:
                return msgspec.msgpack.decode(path.read_bytes(), type=WorldState)
            except (msgspec.MsgspecError, OSError):
                continue
        return WorldState()

    def append(self, record: Record) -> None:
        """One write(). A short write is cut off again and raised as OSError, so the file never has a hole."""
        if self._fd < 0 or self._size >= SEGMENT_BYTES:
            self._next_segment(record.seq)
        self._encoder.encode_into(record, self._buffer, HEAD.size)
        body = memoryview(self._buffer)[HEAD.size :]
        HEAD.pack_into(self._buffer, 0, len(body), zlib.crc32(body))
        total = len(self._buffer)
        body.release()
        written = os.write(self._fd, self._buffer)
        if written != total:
            os.ftruncate(self._fd, self._size)
            raise OSError(28, "journal: short write")
        self._size += total
        self.written += total
        self.records += 1
        self.last_seq = record.seq
        self._since_snapshot += 1

    def _next_segment(self, seq: int) -> None:
        path = self.folder / f"journal-{seq:016d}.log"
        fresh = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if self._fd >= 0:
            self._retired.append(self._fd)
        self._fd = fresh
        self._size = 0

    def sync(self) -> None:
        """fdatasync; call it off the loop, from one thread at a time. Finished segments are synced and closed here."""
        while self._retired:
            old = self._retired.popleft()
            os.fdatasync(old)
            os.close(old)
        if self._fd >= 0:
            os.fdatasync(self._fd)

    def snapshot_due(self, seconds_since_last: float) -> bool:
        return self._since_snapshot >= SNAPSHOT_RECORDS or (
            self._since_snapshot > 0 and seconds_since_last >= SNAPSHOT_SECONDS
        )

    def encode_snapshot(self, state: WorldState) -> bytes:
        """Encode now (the state is live); write the bytes later with `write_snapshot`."""
        self._since_snapshot = 0
        return self._encoder.encode(state)

    def write_snapshot(self, seq: int, data: bytes) -> None:
        """Write beside, sync, rename; drop all but the last two. Call it off the loop. Raises OSError.

        One whose record is not in the journal (yet) is dropped at the next start: it takes nobody's place."""
        path = self.folder / f"snapshot-{seq:016d}.bin"
        temporary = path.with_suffix(".new")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except OSError:
            temporary.unlink(missing_ok=True)  # half a snapshot on a full disk would keep it full
            raise
        there = [(number, old) for number, old in snapshots(self.folder) if number <= self.last_seq]
        ahead = [(number, old) for number, old in snapshots(self.folder) if number > self.last_seq]
        for _number, old in (*there[:-SNAPSHOTS_KEPT], *ahead[:-1]):
            old.unlink()

    def close(self) -> None:
        self.sync()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
