"""The projection of the journal: right rows, once each, whatever happens to the database meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ctiserver.model import events
from ctiserver.model.causes import ClearedBy, EndReason
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LegId
from ctiserver.model.turns import Record
from ctiserver.store.calls import SqlCalls
from ctiserver.store.database import Database
from ctiserver.store.projection import Projector, clear
from ctiserver.store.tables import CALL_RECORDS, INTERACTIONS, LOST_CALLERS, PROJECTION_CURSOR, RECORDINGS
from tests.contract.conftest import Postgres
from tests.contract.day import START, Day, connected, ended, made, offered, queued, record, started
from tests.harness.waiting import eventually


class Journal:
    """A journal in memory; counts how often it is read again."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records = list(records)
        self.readings = 0

    def read_from(self, seq: int) -> Iterator[Record]:
        self.readings += 1
        return iter([each for each in self.records if each.seq >= seq])


def projector(database: Database, journal: Journal, *, epoch: str = "1", limit: int = 2000) -> Projector:
    last = journal.records[-1].seq if journal.records else 0
    return Projector(database, epoch, last, journal.read_from, limit=limit)


@asynccontextmanager
async def running(made: Projector) -> AsyncIterator[Projector]:
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with database.read() as connection:
        for table in (INTERACTIONS, CALL_RECORDS, RECORDINGS):
            result = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            found[table.name] = [dict(row) for row in result.mappings()]
    return found


async def by_outcome(database: Database) -> Counter[tuple[str, str]]:
    async with database.read() as connection:
        result = (await connection.execute(sa.select(CALL_RECORDS.c.queue, CALL_RECORDS.c.end_reason))).all()
    return Counter((queue, reason or "here") for queue, reason in result)


async def test_one_call_from_arrival_to_wrap_up(database: Database) -> None:
    contact, conversation, agent = ContactId("k1-1"), ConversationId("c1-1"), AgentId("1001")
    agent_leg = events.Established(conversation=conversation, leg=LegId("c1-1.a1"), at=START + 9)
    customer_leg = events.Established(conversation=conversation, leg=LegId("1700.1"), at=START + 0.5)
    wrap_up = events.WrapUpStarted(
        agent=agent, contact=contact, conversation=conversation, until=START + 60, at=START + 30
    )
    note = events.NoteWritten(
        agent=agent, contact=contact, conversation=conversation, text="线路\0已恢复", at=START + 31
    )
    choice = events.DispositionSet(
        agent=agent, contact=contact, conversation=conversation, disposition="resolved", at=START + 32
    )
    done = events.WrapUpEnded(agent=agent, contact=contact, how="done", at=START + 40)
    tracks = [
        events.RecordingEnded(conversation=conversation, name=name, seconds=29.5, ok=True) for name in ("in", "out")
    ]
    journal = Journal(
        [
            record(1, started("c1-1", 1, START, name="张\0伟"), customer_leg),
            record(2, events.RecordingStarted(conversation=conversation, names=("in", "out"), at=START + 0.6)),
            record(3, queued("k1-1", "c1-1", "service", START + 2), offered("k1-1", "c1-1", "service", START + 3)),
            record(4, offered("k1-1", "c1-1", "service", START + 6), agent_leg),
            record(5, connected("k1-1", "c1-1", START + 9)),
            record(6, ended("k1-1", "c1-1", "service", EndReason.ANSWERED, START + 30), wrap_up, *tracks),
            record(7, note, choice, done),
        ]
    )
    await projector(database, journal).catch_up()
    found = await rows(database)
    interaction, call = found["interactions"][0], found["call_records"][0]
    assert (interaction["caller_name"], interaction["answered_at"]) == ("张伟", START + 0.5)
    assert (call["offered_at"], call["offers"], call["connected_at"]) == (START + 3, 2, START + 9)
    assert (call["path"], call["data"]) == (["main", "menu:2"], {"order": "4711"})
    assert [(row["track"], row["seconds"], row["state"]) for row in found["recordings"]] == [
        (0, 29.5, "complete"),
        (1, 29.5, "complete"),
    ]
    (shown,) = await SqlCalls(database).recent((agent,), 10, None)
    assert (shown.talk_seconds, shown.wrap_up_seconds) == (21.0, 10.0)
    assert (shown.note, shown.disposition, shown.recording) == ("线路已恢复", "resolved", True)
    assert await SqlCalls(database).recording("c1-1", (agent,)) == "c1-1.wav"
    assert await SqlCalls(database).recording("c1-1", (AgentId("1002"),)) is None


async def test_a_call_that_an_agent_makes_is_his_from_the_beginning(database: Database) -> None:
    """Answered, and in vain; and one to a colleague."""
    agent = AgentId("1001")
    leg = LegId("c1-1.c2")
    rung = events.CustomerCalled(
        conversation=ConversationId("c1-1"), contact=ContactId("k1-1"), leg=leg, deadline=START + 30, at=START + 1
    )
    answer = events.Established(conversation=ConversationId("c1-1"), leg=leg, at=START + 5)
    over = [
        events.CallCleared(conversation=ConversationId(name), by=ClearedBy.CUSTOMER, cause=16, at=START + 20)
        for name in ("c1-1", "c1-2")
    ]
    wrap_up = events.WrapUpStarted(
        agent=agent, contact=ContactId("k1-2"), conversation=ConversationId("c1-2"), until=START + 60, at=START + 20
    )
    journal = Journal(
        [
            record(1, made("k1-1", "c1-1", "service", START), rung),
            record(2, answer),
            record(3, ended("k1-1", "c1-1", "service", EndReason.ANSWERED, START + 20), over[0]),
            record(4, made("k1-2", "c1-2", "service", START + 10)),
            record(5, ended("k1-2", "c1-2", "service", EndReason.FAILED, START + 20), wrap_up, over[1]),
            record(6, made("k1-3", "c1-3", "", START + 30, internal=True)),
        ]
    )
    await projector(database, journal).catch_up()
    found = await rows(database)
    shown = ("caller_number", "dialled", "answered_at", "ended_at")
    assert [tuple(row[name] for name in shown) for row in found["interactions"]] == [
        ("02012345678", "95500", START + 5, START + 20),
        ("02012345678", "95500", None, START + 20),
        ("1002", "95500", None, None),
    ]
    assert [(row["agent"], row["connected_at"], row["end_reason"], row["offers"]) for row in found["call_records"]] == [
        ("1001", START, "answered", 0),
        ("1001", START + 10, "failed", 0),
        ("1001", START + 30, None, 0),
    ]
    async with database.read() as connection:
        assert (await connection.execute(sa.select(LOST_CALLERS))).all() == [], "nobody is to call him back"


@pytest.mark.parametrize("seed", range(3))
async def test_every_contact_that_entered_is_answered_or_ended_or_still_here(database: Database, seed: int) -> None:
    day = Day(seed, 60)
    await projector(database, Journal(day.records)).catch_up()
    assert await by_outcome(database) == day.expected
    async with database.read() as connection:
        assert (await connection.execute(sa.select(sa.func.sum(CALL_RECORDS.c.offers)))).scalar_one() == day.offers


async def test_folding_again_or_in_other_pieces_gives_the_same_rows(database: Database) -> None:
    day = Day(7, 40)
    await projector(database, Journal(day.records)).catch_up()
    once = await rows(database)
    await projector(database, Journal(day.records)).catch_up()
    assert await rows(database) == once, "a second start finds nothing to do"
    async with database.write() as connection:
        await connection.execute(PROJECTION_CURSOR.delete())
    await projector(database, Journal(day.records)).catch_up()
    assert await rows(database) == once, "the whole journal again, over the rows that are there"
    await clear(database)
    for end in range(0, len(day.records) + 17, 17):
        await projector(database, Journal(day.records[:end])).catch_up()
    assert await rows(database) == once, "in pieces of 17"


async def test_live_records_are_written_without_reading_the_journal_again(database: Database) -> None:
    day, journal = Day(1, 30), Journal()
    async with running(projector(database, journal)) as live:
        await eventually(lambda: live.healthy and journal.readings == 1, 5, "the projector runs")
        for each in day.records:
            journal.records.append(each)
            live.offer(each)
        await eventually(lambda: live.cursor == day.records[-1].seq, 10, "all records are in the tables")
        assert live.lag == 0
        assert journal.readings <= 2
    assert await by_outcome(database) == day.expected


async def test_whoever_asks_reads_what_he_has_just_written(database: Database) -> None:
    day = Day(7, 10)
    journal = Journal(day.records)
    made = projector(database, journal)
    last = day.records[-1].seq
    assert not await made.reached(last, 0.01), "nothing writes yet: the wait is bounded"
    async with running(made):
        assert await made.reached(last, 5.0)
        assert made.cursor >= last


async def test_an_overflow_is_read_from_the_journal(database: Database) -> None:
    day, journal = Day(2, 40), Journal()
    async with running(projector(database, journal, limit=5)) as live:
        await eventually(lambda: live.healthy and journal.readings == 1, 5, "the projector runs")
        for each in day.records:
            journal.records.append(each)
            live.offer(each)
        await eventually(lambda: live.cursor == day.records[-1].seq, 10, "all records are in the tables")
    assert journal.readings >= 2
    assert await by_outcome(database) == day.expected


async def test_a_record_that_was_never_offered_is_found_in_the_journal(database: Database) -> None:
    day, journal = Day(3, 20), Journal()
    async with running(projector(database, journal)) as live:
        await eventually(lambda: live.healthy and journal.readings == 1, 5, "the projector runs")
        journal.records.extend(day.records)
        for each in day.records[::3]:
            live.offer(each)
        last = day.records[::3][-1].seq
        await eventually(lambda: live.cursor >= last, 10, "all records are in the tables")
    await projector(database, journal).catch_up()
    assert await by_outcome(database) == day.expected


async def test_an_asynchronous_reader_does_as_well(database: Database) -> None:
    day = Day(4, 30)

    async def read_from(seq: int) -> AsyncIterator[Record]:
        for each in day.records:
            if each.seq >= seq:
                yield each

    await Projector(database, "1", day.records[-1].seq, read_from).catch_up()
    assert await by_outcome(database) == day.expected


async def test_a_new_journal_counts_from_one_again(database: Database) -> None:
    await projector(database, Journal([record(50, started("c1-1", 1, START))])).catch_up()
    await projector(database, Journal([record(1, started("c2-1", 2, START))]), epoch="2").catch_up()
    assert [row["conversation"] for row in (await rows(database))["interactions"]] == ["c1-1", "c2-1"]


async def test_tables_that_are_ahead_of_a_cut_journal_do_not_swallow_what_follows(database: Database) -> None:
    """A power cut may take the journal's last second, never what comes after it."""
    await projector(database, Journal([record(n, started(f"c1-{n}", n, START)) for n in (1, 2, 3)])).catch_up()
    cut = [record(1, started("c1-1", 1, START)), record(2, started("c1-2b", 2, START))]
    shorter = Projector(database, "1", 1, Journal(cut).read_from)
    await shorter.catch_up()
    assert "c1-2b" in [row["conversation"] for row in (await rows(database))["interactions"]]


async def test_one_record_that_cannot_be_stored_does_not_stop_the_others(database: Database) -> None:
    impossible = queued("k1-1", "c1-1", "service", float("nan"))
    after = record(3, started("c1-2", 2, START))
    await projector(database, Journal([record(1, started("c1-1", 1, START)), record(2, impossible), after])).catch_up()
    found = await rows(database)
    assert [row["conversation"] for row in found["interactions"]] == ["c1-1", "c1-2"]


async def test_a_journal_that_cannot_be_read_for_a_moment_is_read_later(database: Database) -> None:
    day, journal, broken = Day(8, 10), Journal(), [True]
    journal.records.extend(day.records)

    def read_from(seq: int) -> Iterator[Record]:
        if broken:
            broken.pop()
            raise ValueError("damaged")
        return journal.read_from(seq)

    made = Projector(database, "1", day.records[-1].seq, read_from)
    async with running(made):
        await eventually(lambda: made.cursor == day.records[-1].seq, 10, "all records are in the tables")
    assert await by_outcome(database) == day.expected


async def test_it_catches_up_after_sqlite_was_locked(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", wait_seconds=0.1)
    await database.migrate()
    day, journal = Day(5, 40), Journal()
    lock = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    async with running(projector(database, journal)) as live:
        await eventually(lambda: live.healthy, 5, "the projector runs")
        lock.execute("BEGIN EXCLUSIVE")
        for each in day.records[:50]:
            journal.records.append(each)
            live.offer(each)
        await eventually(lambda: not live.healthy, 5, "it noticed")
        assert live.lag == 50
        for each in day.records[50:]:
            journal.records.append(each)
            live.offer(each)
        lock.execute("ROLLBACK")
        await eventually(lambda: live.cursor == day.records[-1].seq, 10, "all records are in the tables")
    lock.close()
    assert await by_outcome(database) == day.expected
    await database.close()


async def test_it_catches_up_after_postgresql_was_stopped(postgres: Postgres) -> None:
    database = Database(postgres.url(), wait_seconds=1.0)
    await database.migrate()
    await clear(database)
    day, journal = Day(6, 40), Journal()
    async with running(projector(database, journal)) as live:
        for each in day.records[:50]:
            journal.records.append(each)
            live.offer(each)
        await eventually(lambda: live.cursor == 50, 10, "the first records are in the tables")
        await asyncio.to_thread(postgres.stop)
        try:
            for each in day.records[50:]:
                journal.records.append(each)
                live.offer(each)
            await eventually(lambda: not live.healthy, 5, "it noticed")
        finally:
            await asyncio.to_thread(postgres.start)
        await eventually(lambda: live.cursor == day.records[-1].seq, 20, "all records are in the tables")
    assert await by_outcome(database) == day.expected
    await database.close()
