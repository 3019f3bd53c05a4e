"""The journal's files as files: their names, and the records in one, whole or not.

A record is length (u32), CRC-32 (u32), msgpack body. Here: which files are ours, and walking through one of them, over
damaged places too. Not here: writing (`journal`), any meaning of a record beyond how its body begins.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

HEAD = struct.Struct("<II")
MAX_RECORD = 32 * 1024 * 1024

_SEGMENT = re.compile(r"journal-(\d{16})\.log")
_SNAPSHOT = re.compile(r"snapshot-(\d{16})\.bin")
_OTHERS = re.compile(r"epoch|(epoch|snapshot-\d{16})\.new")
# How every body begins: an array, a sequence number, a double. A place in rubbish rarely does.
_BODY = re.compile(rb"(?=[\x90-\x9f](?:[\x00-\x7f]|\xcc.|\xcd..|\xce.{4}|\xcf.{8})\xcb)", re.DOTALL)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes `start` to `end` of a segment: one whole record, or (`body` None) a stretch that is none.

    `cut`: the stretch looks like the beginning of a record that was never finished; else its bytes are wrong.
    """

    start: int
    end: int
    body: bytes | None = None
    cut: bool = False


def segments(folder: Path) -> list[tuple[int, Path]]:
    """(first sequence number, file) of each segment, in order. A name that is not exactly ours does not count."""
    return _ours(folder, _SEGMENT)


def snapshots(folder: Path) -> list[tuple[int, Path]]:
    """(sequence number, file) of each snapshot, oldest first."""
    return _ours(folder, _SNAPSHOT)


def strangers(folder: Path) -> list[Path]:
    """Files in the journal's folder that are not the journal's."""
    return sorted(
        path
        for path in folder.iterdir()
        if not any(pattern.fullmatch(path.name) for pattern in (_SEGMENT, _SNAPSHOT, _OTHERS))
    )


def _ours(folder: Path, pattern: re.Pattern[str]) -> list[tuple[int, Path]]:
    found = ((pattern.fullmatch(path.name), path) for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted((int(match[1]), path) for match, path in found if match)


def pieces(path: Path, start: int = 0) -> Iterator[Piece]:
    """The whole file from byte `start` on, piece by piece. Safe beside the writer: what it has half written is cut."""
    with path.open("rb") as file:
        file.seek(start)
        while head := file.read(HEAD.size):
            length, crc = HEAD.unpack(head) if len(head) == HEAD.size else (0, 0)
            body = file.read(length) if 0 < length <= MAX_RECORD else b""
            if body and len(body) == length and zlib.crc32(body) == crc:
                end = start + HEAD.size + length
                yield Piece(start=start, end=end, body=body)
                start = end
                continue
            file.seek(start)
            rest = file.read()
            good = _next_record(rest)
            if good == 0:  # the writer has finished it meanwhile
                file.seek(start)
                continue
            yield Piece(start=start, end=start + (len(rest) if good is None else good), cut=good is None and _cut(rest))
            if good is None:
                return
            start += good
            file.seek(start)


def _next_record(data: bytes) -> int | None:
    """Where the first whole record in these bytes begins."""
    for match in _BODY.finditer(data, HEAD.size):
        place = match.start() - HEAD.size
        length, crc = HEAD.unpack_from(data, place)
        end = place + HEAD.size + length
        if 0 < length <= MAX_RECORD and end <= len(data) and zlib.crc32(data[place + HEAD.size : end]) == crc:
            return place
    return None


def _cut(rest: bytes) -> bool:
    """Whether the bytes at the end of a file are a record's beginning (a power cut can leave zeros instead)."""
    if len(rest) < HEAD.size or not any(rest):
        return True
    length: int = HEAD.unpack_from(rest)[0]
    return 0 < length <= MAX_RECORD and len(rest) < HEAD.size + length
