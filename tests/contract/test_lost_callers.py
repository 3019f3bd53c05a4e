"""Who is on the list of callers to call back, on SQLite and PostgreSQL: each test is a few calls of one day."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import ContactId, ConversationId, InteractionId, LegId, QueueId
from ctiserver.model.turns import Record
from ctiserver.store.database import Database
from ctiserver.store.lost import SqlLostCallers
from ctiserver.store.projection import Projector, clear
from tests.contract.day import START, connected, ended, queued, record

NUMBER, OTHER = "13900000001", "13900000002"


class Book:
    """Writes what happens into the projection and reads the list."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: Iterator[int] = itertools.count(1)
        self.records: list[Record] = []
        self.list = SqlLostCallers(database)

    def _add(self, *of: ev.Event) -> None:
        self.records.append(record(len(self.records) + 1, *of))

    def call(
        self, reason: EndReason | None, at: float, *, number: str = NUMBER, queue: str = "service", name: str = ""
    ) -> str:
        """A caller who waits ten seconds and goes, or is answered (None: he talks still). His contact."""
        n = next(self._numbers)
        conversation, contact = ConversationId(f"c1-{n}"), ContactId(f"k1-{n}")
        self._add(
            ev.ConversationStarted(
                conversation=conversation,
                interaction=InteractionId(f"i1-{n}"),
                leg=LegId(f"{n}"),
                dialled="95500",
                caller_number=number,
                caller_name=name,
                at=START + at,
            )
        )
        self._add(queued(contact, conversation, queue, START + at))
        if reason in (None, EndReason.ANSWERED):
            self._add(connected(contact, conversation, START + at + 10))
        if reason is not None:
            self._add(ended(contact, conversation, queue, reason, START + at + 10))
        return contact

    def call_back(
        self, of: str, at: float, reason: EndReason | None, *, number: str = NUMBER, by: str = "2001"
    ) -> None:
        n = next(self._numbers)
        conversation, contact = ConversationId(f"c1-{n}"), ContactId(f"k1-{n}")
        booked = ev.CallbackBooked(
            contact=contact,
            conversation=conversation,
            interaction=InteractionId(f"i1-{n}"),
            queue=QueueId("service"),
            number=number,
            name="",
            dialled="95500",
            asked_in=None,
            of=of,
            by=by,
            keep_until=START + 90_000,
            at=START + at,
        )
        self._add(booked, queued(contact, conversation, "service", START + at))
        self._add(connected(contact, conversation, START + at + 5))
        if reason is not None:
            self._add(ended(contact, conversation, "service", reason, START + at + 60))

    def dismiss(self, contact: str, at: float) -> None:
        self._add(ev.LostDismissed(contact=ContactId(contact), by="2001", at=START + at))

    async def open(self, since: float = 0.0) -> list[str]:
        await Projector(self._database, "1", len(self.records), lambda seq: iter(self.records[seq - 1 :])).catch_up()
        return [row.contact for row in await self.list.open(START + since, 100)]


@pytest.fixture
async def book(database: Database) -> Book:
    await clear(database)
    return Book(database)


async def test_who_hung_up_or_left_is_on_it_newest_first(book: Book) -> None:
    first = book.call(EndReason.ABANDONED, 0, name="张伟")
    book.call(EndReason.ANSWERED, 5, number="13900000009")
    book.call(EndReason.TIMED_OUT, 6, number="13900000008")
    second = book.call(EndReason.LEFT_BY_KEY, 20, number=OTHER)
    assert await book.open() == [second, first]
    row = await book.list.get(first)
    assert row is not None
    assert (row.number, row.name, row.queue, row.dialled) == (NUMBER, "张伟", "service", "95500")
    assert row.reason == "abandoned"
    assert (row.queued_at, row.ended_at) == (START, START + 10)
    assert await book.open(since=15) == [second]
    assert await book.list.get("nobody") is None


@pytest.mark.parametrize("later", [EndReason.ANSWERED, None])
async def test_who_was_served_later_or_talks_now_is_not(book: Book, later: EndReason | None) -> None:
    book.call(EndReason.ABANDONED, 0)
    book.call(later, 100, queue="order")
    assert await book.open() == []


async def test_being_served_before_does_not_count_nor_does_somebody_else(book: Book) -> None:
    book.call(EndReason.ANSWERED, 0)
    lost = book.call(EndReason.ABANDONED, 100)
    book.call(EndReason.ANSWERED, 200, number=OTHER)
    assert await book.open() == [lost]


async def test_who_went_twice_is_there_once_and_stays_away_when_dismissed(book: Book) -> None:
    book.call(EndReason.ABANDONED, 0)
    again = book.call(EndReason.ABANDONED, 100)
    order = book.call(EndReason.ABANDONED, 200, queue="order")
    assert await book.open() == [order, again], "once a queue"
    book.dismiss(again, 300)
    assert await book.open() == [order]
    third = book.call(EndReason.ABANDONED, 400)
    assert await book.open() == [third, order], "he has called again"


async def test_a_booked_callback_takes_him_off_until_it_fails(book: Book) -> None:
    lost = book.call(EndReason.ABANDONED, 0)
    other = book.call(EndReason.LEFT_BY_KEY, 50, number=OTHER)
    book.call_back(lost, 100, None)
    book.call_back(other, 110, EndReason.FAILED, number=OTHER, by="")
    assert await book.open() == [other]
    row = await book.list.get(other)
    assert row is not None
    assert row.callback_end == "failed"
    book.call_back(other, 200, EndReason.ANSWERED, number=OTHER)
    assert await book.open() == []


async def test_a_caller_without_a_number_cannot_be_called_back(book: Book) -> None:
    book.call(EndReason.ABANDONED, 0, number="")
    assert await book.open() == []


async def test_reading_the_journal_twice_changes_nothing(book: Book, database: Database) -> None:
    lost = book.call(EndReason.ABANDONED, 0)
    book.dismiss(book.call(EndReason.ABANDONED, 10, number=OTHER), 30)
    before = await book.open()
    await clear(database)
    assert await book.open() == before == [lost]
