"""Reading records one after another: all that are there, and those that come.

Here: going over damage, from segment to segment, and beside a server that writes, restarts, or has not begun yet.
Reading never changes a file. A tool may look again every 200 ms; the server has no need of that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ctiserver.journal_files import pieces, segments
from ctiserver.model.turns import Record

POLL = 0.2
_DECODER = msgspec.msgpack.Decoder(Record)


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a segment that holds no record, or one that this version cannot decode."""

    path: Path
    start: int
    end: int
    why: str

    def __str__(self) -> str:
        return f"{self.path.name}, bytes {self.start} - {self.end}: {self.why}"


class NewJournal(msgspec.Struct, frozen=True):
    """The folder holds another journal than a moment ago: it begins anew."""


Entry = Record | Unreadable | NewJournal


def folder_of(chosen: Path) -> Path:
    """The journal's folder, whether the data folder or the journal's own was named."""
    return chosen / "journal" if (chosen / "journal").is_dir() or not segments(chosen) else chosen


def _read(path: Path, start: int) -> Iterator[tuple[int, Entry | None]]:
    """(where reading would go on, what is there); None for an unfinished record at the end."""
    for piece in pieces(path, start):
        if piece.body is None:
            bad = Unreadable(path=path, start=piece.start, end=piece.end, why="damaged")
            yield (piece.start, None) if piece.cut else (piece.end, bad)
            continue
        try:
            yield piece.end, _DECODER.decode(piece.body)
        except msgspec.MsgspecError:
            why = "a record that this version of Hollyhock does not know"
            yield piece.end, Unreadable(path=path, start=piece.start, end=piece.end, why=why)


def entries(folder: Path, first: int = 1) -> Iterator[Record | Unreadable]:
    """All that is in the journal now, from the segment on that holds record `first`."""
    files = segments(folder)
    for place, (_seq, path) in enumerate(files):
        if place + 1 < len(files) and files[place + 1][0] <= first:
            continue
        for _end, entry in _read(path, 0):
            if entry is not None and not isinstance(entry, NewJournal):
                yield entry


class Follower:
    """Where a reader of a living journal is: at first at the newest segment's beginning."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._inode = 0
        self._offset = 0
        if files := segments(folder):
            self._enter(files[-1][1])

    def new(self) -> Iterator[Entry]:
        """What has come since the last time."""
        while True:
            files = [path for _seq, path in segments(self._folder)]
            if self._path is not None and self._replaced():
                self._path, self._offset = None, 0
                yield NewJournal()
            if self._path is None:
                if not files:
                    return
                self._enter(files[0])
                continue
            for end, entry in _read(self._path, self._offset):
                self._offset = end
                if entry is not None:
                    yield entry
            # Another segment begins only when the one before is complete.
            later = [path for path in files if path.name > self._path.name]
            if not later:
                return
            self._enter(later[0])

    def _enter(self, path: Path) -> None:
        self._path, self._offset, self._inode = path, 0, path.stat().st_ino

    def _replaced(self) -> bool:
        assert self._path is not None
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return True
        return now.st_ino != self._inode or now.st_size < self._offset

    def follow(self) -> Iterator[Entry]:
        """For ever."""
        while True:
            yield from self.new()
            time.sleep(POLL)
