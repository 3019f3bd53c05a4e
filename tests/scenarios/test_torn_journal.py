"""The last record of the journal torn at every byte: the recovery of a server, from the files to its first look."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.core import check
from ctiserver import turn
from ctiserver.app import recover
from ctiserver.journal import Journal
from ctiserver.journal_files import pieces, segments
from ctiserver.model import facts
from ctiserver.model.talk import Place
from ctiserver.replay import copied, difference, folded
from tests.fakes.floor import Floor
from tests.scenarios.stories import into_queue, talking


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_server_comes_back_whatever_is_left_of_the_last_record(floor: Floor, tmp_path: Path, snapshot: bool) -> None:
    """One talks, one waits. What the lost record told is seen again in the switch."""
    talking(floor)
    into_queue(floor, "2.1")
    records = floor.records
    first = Journal(tmp_path)
    for record in records:
        first.append(record)
        if snapshot and record.seq == len(records) // 2:
            half = folded(records[: record.seq])
            first.write_snapshot(record.seq, first.encode_snapshot(half.state()))
    first.close()
    (_, path), = segments(tmp_path)
    whole = path.read_bytes()
    begin = list(pieces(path))[-1].start
    wanted = copied(folded(records[:-1]))
    for cut in range(begin, len(whole)):
        path.write_bytes(whole[:cut])
        journal = Journal(tmp_path)
        assert journal.last_seq == len(records) - 1
        world, cores = recover(journal)
        assert not difference(wanted, copied(world)), f"cut at byte {cut - begin} of the last record"
        for item in (facts.ServerStarted(version="test"), floor.switch.seen()):
            seq = world.seq + 1
            done = turn.run(world, cores, item, epoch=journal.epoch, at=floor.now, seed=seq)
            journal.append(done.record)
        assert not check.faults(world, cores[2].index)
        assert sorted(c.place for c in world.conversations.values()) == [Place.TALKING, Place.WAITING]
        journal.close()
        again, _ = recover(Journal(tmp_path))
        assert not difference(copied(world), copied(again)), "and what it wrote then is read again"
