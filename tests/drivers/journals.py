"""Journals for the tests of the tools: a day on the floor in virtual time, written by the real journal writer.

Here: the day (a call with a customer, digits and a note; one caller who waits), snapshots taken on the way, and how to
hurt a file. Not here: assertions.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ctiserver import journal_files, replay, turn
from ctiserver.journal import Journal
from ctiserver.model import commands as cmd, facts
from ctiserver.model.turns import Record
from tests.fakes.floor import EPOCH, Floor
from tests.scenarios.conftest import make_site

NUMBER, NAME, SECRETS = "13912345678", "Wang Xiaoming", ("secret note", "Golden Lotus Trading", "complained loudly")


def day() -> list[Record]:
    """1001 serves one caller and wraps up, another caller waits."""
    floor = Floor(make_site())
    floor.log_in("1001")
    leg = floor.switch.call("1.1", "95500", NUMBER, NAME)
    floor.settle()
    customer = facts.Customer(
        id="u1", code="K-778899", name="Golden Lotus Trading", phones=(NUMBER,), manager="Zhou Manager",
        history=(facts.CustomerNote(at=floor.now, kind="call", text="complained loudly"),),
    )  # fmt: skip
    floor.feed(facts.CustomerFound(conversation=floor.conversation().id, customer=customer))
    floor.switch.press(leg, "1")
    floor.settle()
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.advance(10)
    contact = floor.work("1001").contact
    assert floor.command(cmd.WriteNote, "1001", contact=contact, text="secret note") is None
    floor.switch.end(leg)
    floor.advance(5)
    again = {"contact": contact, "disposition": "solved", "note": "secret note"}
    assert floor.command(cmd.FinishWrapUp, "1001", ready=False, **again) is None
    floor.switch.call("2.2", "95500", "13900000002", "")
    floor.advance(30)
    assert len(floor.records) > 30
    return floor.records


def written(folder: Path, records: Iterable[Record], *, snapshots: Iterable[int] = ()) -> Path:
    """A journal folder with these records, and snapshots taken right after these sequence numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "epoch").write_text(EPOCH)
    wanted = set(snapshots)
    writer = Journal(folder)
    world, cores = replay.house()
    for record in records:
        writer.append(record)
        turn.fold(world, cores, record)
        if record.seq in wanted:
            writer.write_snapshot(record.seq, msgspec.msgpack.encode(world.state()))
    writer.close()
    return folder


def segment(folder: Path, place: int = -1) -> Path:
    return journal_files.segments(folder)[place][1]


def starts(path: Path) -> list[int]:
    """Where the records of a whole segment begin."""
    return [piece.start for piece in journal_files.pieces(path)]


def flip(path: Path, offset: int, bit: int = 3) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(bytes(data))
