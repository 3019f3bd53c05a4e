"""Is this journal whole, and does it still mean what it meant? Reading only, also beside a running server.

Checked: every record's length and CRC, the sequence, the snapshots, that the records folded give the snapshots, and
that every recorded input decided again gives the recorded events and effects. Not here: how the verdict is shown.
After a hole the state is unknown until a snapshot tells it; records between are read but not decided again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from ctiserver import journal, turn
from ctiserver.journal_files import Piece, pieces, segments, snapshots, strangers
from ctiserver.journal_tool.verdict import Finding, Verdict
from ctiserver.model import facts
from ctiserver.model.turns import Record
from ctiserver.model.world import World, WorldState
from ctiserver.replay import Cores, copied, deviation, difference, house

_MOST = 5
"""of one kind of finding are told one by one"""
_PATIENCE = 200
"""records decided differently; after so many nothing is decided again any more, since each costs a copy of the state"""
_RESTORE = "copy the whole journal folder away, then put this file back from the backup (operator guide: After a crash)"


class NoJournal(Exception):
    """One line: nothing here that could be verified."""


def verify(folder: Path, *, version: str, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Verdict:
    """Look at everything. `progress` hears bytes done and bytes in all. Raises NoJournal, OSError."""
    if not folder.is_dir():
        raise NoJournal(f"{folder}: no such folder")
    check = _Check(folder, version)
    files = segments(folder)
    if not files and not check.states:
        raise NoJournal(f"{folder}: no journal here")
    total = sum(path.stat().st_size for _first, path in files) or 1
    before = 0
    for first, path in files:
        check.enter(first, path)
        told = 0.0
        for piece in pieces(path):
            check.piece(piece)
            if time.monotonic() - told > 0.1:
                told = time.monotonic()
                progress(before + piece.end, total)
        before += path.stat().st_size
    check.end(folder)
    progress(total, total)
    return check.verdict


class _Check:
    """The walk through all pieces of all segments."""

    def __init__(self, folder: Path, version: str) -> None:
        self.verdict = Verdict(folder=str(folder), findings=[])
        self.states: dict[int, WorldState] = {}
        self._version = version
        self._writer = version  # which version wrote what is read now
        self._decoder = msgspec.msgpack.Decoder(Record)
        self._path = folder
        self._named = 0
        self._at_beginning = False
        self._bad: tuple[Path, Piece] | None = None
        self._again = False
        self._expected = 1
        self._fold: tuple[World, Cores] | None = house()
        self._decide: tuple[World, Cores] | None = house()
        self._counts: dict[str, int] = {}
        self._worst: dict[str, bool] = {}
        self._look_around(folder)

    def _look_around(self, folder: Path) -> None:
        """Snapshots are read now: a running server replaces them. Everything else in the folder is named."""
        for seq, path in snapshots(folder):
            try:
                state = msgspec.msgpack.decode(path.read_bytes(), type=WorldState)
                if state.seq != seq:
                    raise ValueError
                self.states[seq] = state
            except FileNotFoundError:
                continue
            except (msgspec.MsgspecError, ValueError):
                self._say(
                    "snapshot", Finding(
                        fault=True, file=path.name, seq=seq, what="the snapshot cannot be read",
                        lost="nothing, as long as the other one and all records after it are whole",
                        do="nothing at once: a running server writes a new one; delete this one when it has",
                    ),
                )  # fmt: skip
        for path in strangers(folder):
            finding = Finding(fault=False, file=path.name, what="is no file of the journal", do="move it away")
            self._say("stranger", finding)
        try:
            self._epoch: str = (folder / "epoch").read_text().strip()
        except FileNotFoundError:
            self._epoch = ""
            self._decide = None
            self._say(
                "epoch", Finding(
                    fault=True, file="epoch", what="is missing, so nothing can be decided again",
                    lost="how ids began so far", do="put it back from the backup before the server starts",
                ),
            )  # fmt: skip

    def _say(self, kind: str, finding: Finding) -> None:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._worst[kind] = self._worst.get(kind, False) or finding.fault
        if self._counts[kind] <= _MOST:
            self.verdict.findings.append(finding)

    # ---- the walk

    def enter(self, first: int, path: Path) -> None:
        self._path, self._named, self._at_beginning = path, first, True
        self.verdict.segments += 1

    def piece(self, piece: Piece) -> None:
        if piece.body is None:
            self._bad = self._path, piece
            return
        try:
            record = self._decoder.decode(piece.body)
        except msgspec.MsgspecError as error:
            self._say(
                "unknown", Finding(
                    fault=True, file=self._path.name, offset=piece.start, seq=self._expected,
                    what=f"the record is whole, but this version of Hollyhock does not know it ({error})",
                    lost="nothing in the file", do="use the version of Hollyhock that wrote it, or a later one",
                ),
            )  # fmt: skip
            self._fold = self._decide = None
            self._expected += 1
            return
        self._sequence(record, piece)
        self._bad = None
        self._at_beginning = False
        if record.seq >= self._expected:
            self._record(record, piece)

    def _sequence(self, record: Record, piece: Piece) -> None:
        """What is missing before this record, and why."""
        if self._at_beginning and record.seq != self._named and self._bad is None:
            self._say(
                "name", Finding(
                    fault=True, file=self._path.name, seq=record.seq,
                    what=f"is named for record {self._named} and begins with record {record.seq}", do=_RESTORE,
                ),
            )  # fmt: skip
        if record.seq < self._expected:
            if not self._again:
                self._say(
                    "again", Finding(
                        fault=True, file=self._path.name, offset=piece.start, seq=record.seq,
                        what=f"record {record.seq} comes again after record {self._expected - 1}:"
                        " a file is there twice, or belongs to another journal",
                        do="move the file away that does not belong here",
                    ),
                )  # fmt: skip
            self._again = True
            return
        self._again = False
        if self._bad is not None:
            self._damage(*self._bad, record.seq)
        elif record.seq > self._expected:
            self._hole(record.seq, piece)
        if record.seq > self._expected:
            self._fold = self._decide = None
            self._adopt(record.seq - 1)

    def _damage(self, path: Path, bad: Piece, following: int | None) -> None:
        """`following`: the next whole record's number, None when none follows."""
        if following is None:
            lost = f"record {self._expected} and what came after it in this file"
        elif following == self._expected:
            lost = "nothing: no record is missing"
        else:
            lost = _numbers(self._expected, following - 1)
        self._say(
            "damage", Finding(
                fault=True, file=path.name, offset=bad.start, seq=self._expected,
                what=f"{bad.end - bad.start} bytes are damaged: changed by hand, or the disk is failing", lost=lost,
                do=f"look at the disk (dmesg, smartctl); {_RESTORE}",
            ),
        )  # fmt: skip

    def _hole(self, seq: int, piece: Piece) -> None:
        missing = _numbers(self._expected, seq - 1)
        bridge = next((one for one in sorted(self.states) if one >= seq - 1), None)
        if self._at_beginning:
            self._say(
                "hole", Finding(
                    fault=True, file=self._path.name, offset=piece.start, seq=self._expected,
                    what=f"{missing} should come before this file: a segment is missing",
                    lost=f"{missing}: call records of that time cannot be made again"
                    + ("" if bridge else "; the live state is lost too, no snapshot comes after"),
                    do="put the missing segment back from the backup",
                ),
            )  # fmt: skip
            return
        self._say(
            "hole", Finding(
                fault=bridge is None, file=self._path.name, offset=piece.start, seq=self._expected,
                what=f"{missing} were never written: the journal could not be written then (disk full?)"
                + (f"; the snapshot at {bridge} bridges the hole" if bridge else "; no snapshot bridges the hole"),
                lost=f"{missing}: what was decided then is not in call records",
                do="" if bridge else "restart the server only after a snapshot is written (it makes one every minute)",
            ),
        )  # fmt: skip

    def _record(self, record: Record, piece: Piece) -> None:
        verdict = self.verdict
        if not verdict.records:
            verdict.first, verdict.began = record.seq, record.at
        verdict.records += 1
        verdict.last, verdict.ended = record.seq, record.at
        if isinstance(record.input, facts.ServerStarted):
            self._writer = record.input.version
        self._expected = record.seq + 1
        if self._decide is not None:
            self._decide_again(record, piece)
        if self._fold is not None:
            try:
                turn.fold(*self._fold, record)
                verdict.folded += 1
            except Exception as error:  # whatever a record made of: the check must get to its end and say where
                self._unfoldable(record, piece, error)
        if record.seq in self.states:
            self._snapshot(record.seq)

    def _decide_again(self, record: Record, piece: Piece) -> None:
        assert self._decide is not None
        where = deviation(*self._decide, record, self._epoch, piece.body or b"")
        self.verdict.decided += 1
        if not where:
            return
        older = self._writer != self._version
        by = f"version {self._writer} decided otherwise than this one ({self._version})" if older else where
        self._say(
            "decided", Finding(
                fault=not older, file=self._path.name, offset=piece.start, seq=record.seq,
                what=f"{type(record.input).__name__} is decided differently now: {by}",
                do="" if older else "if nobody changed the file or the program: report it with this record",
            ),
        )  # fmt: skip
        self._decide = None  # goes on from the recorded events, which are the truth
        if self._fold is not None and self._counts["decided"] <= _PATIENCE:
            world, cores = house(copied(self._fold[0]))
            try:
                turn.fold(world, cores, record)
                self._decide = world, cores
            except Exception:  # told when the fold itself comes to it
                self._decide = None

    def _unfoldable(self, record: Record, piece: Piece, error: Exception) -> None:
        self._fold = self._decide = None
        self._say(
            "fold", Finding(
                fault=True, file=self._path.name, offset=piece.start, seq=record.seq,
                what=f"the events of this record cannot be applied ({type(error).__name__})",
                lost="the state after it, until the next snapshot", do="report it with this record",
            ),
        )  # fmt: skip

    def _snapshot(self, seq: int) -> None:
        if self._fold is None:
            self._adopt(seq)
            return
        state = self.states[seq]
        if where := difference(self._fold[0].state(), state):
            self._say(
                "snapshot", Finding(
                    fault=True, file=f"snapshot-{seq:016d}.bin", seq=seq,
                    what=f"the snapshot is not what its records give (first at {where})",
                    do="report it; with the server stopped and this file moved away, the records count",
                ),
            )  # fmt: skip
        else:
            self.verdict.snapshots += (seq,)
        self._fold = house(_copy(state))  # as a start from this snapshot would go on

    def _adopt(self, seq: int) -> None:
        """The state is unknown: a snapshot at exactly this record tells it again."""
        if seq in self.states:
            self._fold = house(_copy(self.states[seq]))
            self._decide = house(_copy(self.states[seq])) if self._epoch else None

    # ---- the end

    def end(self, folder: Path) -> None:
        self._findings_of_the_end()
        self.verdict.start = self._start(folder)

    def _start(self, folder: Path) -> str:
        """What recovery would do, asked of its own reader."""
        best = max((seq for seq in self.states if seq <= self.verdict.last), default=0)
        where = f"from the snapshot at {best}" if best else "from the first record"
        expected = best + 1
        try:
            for record in journal.read(folder, after=best):
                if record.seq != expected:
                    return (
                        f"goes on {where}, without {_numbers(expected, record.seq - 1)}: calls and agents may be wrong"
                    )
                expected = record.seq + 1
        except journal.JournalDamaged as error:
            return f"is refused: {error}"
        except msgspec.MsgspecError:
            return "fails: a record is not known to this version"
        return f"works, {where}"

    def _findings_of_the_end(self) -> None:
        if self._bad is not None and self._bad[0] == self._path:
            self._tail(self._bad[1])
        elif self._bad is not None:
            self._damage(*self._bad, None)
        ahead = [seq for seq in self.states if seq > self.verdict.last]
        for seq in ahead:
            self._say(
                "ahead", Finding(
                    fault=True, file=f"snapshot-{seq:016d}.bin", seq=seq,
                    what=f"the snapshot is newer than the journal, which ends at record {self.verdict.last}",
                    lost=f"{_numbers(self.verdict.last + 1, seq)}: a file's end is missing, or a power cut took it",
                    do="copy the whole journal folder away, then put its newest .log file back from the backup",
                ),
            )  # fmt: skip
        for kind, count in self._counts.items():
            if count > _MOST:
                what = f"{count - _MOST} more findings like those above ({kind})"
                more = Finding(fault=self._worst[kind], file="the journal", what=what)
                self.verdict.findings.append(more)

    def _tail(self, bad: Piece) -> None:
        if not bad.cut:
            self._say(
                "damage", Finding(
                    fault=True, file=self._path.name, offset=bad.start, seq=self._expected,
                    what=f"the last {bad.end - bad.start} bytes are no whole record, and not the beginning of one",
                    lost=f"record {self._expected}, if they were records",
                    do="look at the disk (dmesg, smartctl), and copy this file away if its end matters:"
                    " the next start of the server cuts it off",
                ),
            )  # fmt: skip
            return
        self._say(
            "tail", Finding(
                fault=False, file=self._path.name, offset=bad.start, seq=self._expected,
                what=f"the last {bad.end - bad.start} bytes are a record that was not finished: it is being written"
                " now, or a power cut tore it",
                do="nothing: the next start of the server cuts it off",
            ),
        )  # fmt: skip


def _numbers(first: int, last: int) -> str:
    return f"record {first}" if first == last else f"records {first} - {last}"


def _copy(state: WorldState) -> WorldState:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=WorldState)
