"""An agent's day in SQL: what he handled, how long he was ready, what he missed; and words find calls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ctiserver.model import events
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, ConversationId, InteractionId, LegId, QueueId, ReservationId
from ctiserver.model.routing import INTERNAL
from ctiserver.model.turns import Record
from ctiserver.store import demo
from ctiserver.store.calls import SqlCalls
from ctiserver.store.database import Database
from ctiserver.store.days import SqlDays
from ctiserver.store.projection import Projector, clear
from tests.contract.day import START, connected, ended, offered, queued, record, started

AGENT = AgentId("1001")


async def project(database: Database, journal: Sequence[Record]) -> None:
    await Projector(database, "1", journal[-1].seq, lambda seq: [r for r in journal if r.seq >= seq]).catch_up()


def chose(ready: bool, at: float, by: str = "1001", reason: str = "") -> events.AvailabilityChosen:
    return events.AvailabilityChosen(agent=AGENT, ready=ready, reason=reason, by=by, at=START + at)


def a_call(n: int, at: float, *, talk: float, wrap_up: float) -> list[events.Event]:
    """He talks for `talk` seconds from `at` on, then wraps up."""
    contact, conversation = ContactId(f"k1-{n}"), ConversationId(f"c1-{n}")
    begun, over = START + at, START + at + talk
    return [
        started(conversation, n, begun - 9, name=f"caller {n}"),
        queued(contact, conversation, "service", begun - 5),
        offered(contact, conversation, "service", begun - 3),
        connected(contact, conversation, begun),
        ended(contact, conversation, "service", EndReason.ANSWERED, over),
        events.WrapUpStarted(agent=AGENT, contact=contact, conversation=conversation, until=over + 60, at=over),
        events.WrapUpEnded(agent=AGENT, contact=contact, how="done", at=over + wrap_up),
    ]


def missed(n: int, at: float) -> list[events.Event]:
    """It rings him in vain; the caller gives up."""
    contact, conversation = ContactId(f"k1-{n}"), ConversationId(f"c1-{n}")
    return [
        started(conversation, n, START + at),
        queued(contact, conversation, "service", START + at),
        offered(contact, conversation, "service", START + at),
        events.OfferMissed(reservation=ReservationId(f"r{n}"), contact=contact, agent=AGENT, at=START + at + 20),
        ended(contact, conversation, "service", EndReason.ABANDONED, START + at + 25),
    ]


def the_day() -> list[Record]:
    """He signs in, is ready, has two calls and a break, misses a third call, is ready again until now."""
    turns: list[list[events.Event]] = [
        [events.AgentSignedIn(agent=AGENT, at=START)],
        [chose(True, 100)],
        a_call(1, 200, talk=60, wrap_up=20),
        a_call(2, 400, talk=30, wrap_up=10),
        [chose(False, 1000, reason="lunch")],
        [chose(True, 2000)],
        missed(3, 2100),
        [chose(False, 2120, by="misses", reason="misses")],
        [chose(True, 2500, by="2001")],
    ]
    return [record(n, *turn) for n, turn in enumerate(turns, 1)]


async def test_a_day_counts_calls_ready_time_and_misses(database: Database) -> None:
    await project(database, the_day())
    day = await SqlDays(database).day(AGENT, START, START + 3000)
    assert (day.handled, day.talk_seconds, day.wrap_up_seconds, day.longest_seconds) == (2, 90.0, 30.0, 60.0)
    assert (day.ready_seconds, day.ready) == (900 + 120 + 500, True)
    assert day.missed == 1
    nobody = await SqlDays(database).day(AgentId("1002"), START, START + 3000)
    assert (nobody.handled, nobody.ready_seconds, nobody.ready, nobody.missed) == (0, 0.0, False, 0)


async def test_what_was_before_midnight_is_another_day(database: Database) -> None:
    await project(database, the_day())
    day = await SqlDays(database).day(AGENT, START + 300, START + 3000)
    assert (day.handled, day.talk_seconds, day.missed) == (1, 30.0, 1)
    assert day.ready_seconds == 700 + 120 + 500, "of the ready time across midnight only this day's part"
    later = await SqlDays(database).day(AGENT, START + 2900, START + 3000)
    assert (later.handled, later.ready_seconds, later.missed) == (0, 100.0, 0)


async def test_signing_out_ends_the_ready_time(database: Database) -> None:
    out = record(10, events.AgentSignedOut(agent=AGENT, at=START + 2600))
    await project(database, [*the_day(), out])
    day = await SqlDays(database).day(AGENT, START, START + 9000)
    assert (day.ready_seconds, day.ready) == (900 + 120 + 100, False)


async def test_a_day_read_again_from_the_whole_journal_is_the_same(database: Database) -> None:
    journal = the_day()
    await project(database, journal)
    once = await SqlDays(database).day(AGENT, START, START + 3000)
    await clear(database)
    empty = await SqlDays(database).day(AGENT, START, START + 3000)
    assert (empty.handled, empty.ready_seconds, empty.missed) == (0, 0.0, 0)
    await project(database, journal)
    assert await SqlDays(database).day(AGENT, START, START + 3000) == once


def internal(n: int, at: float, *, by: AgentId, to: AgentId, talk: float | None) -> list[events.Event]:
    """An agent calls his colleague, who answers after five seconds, or (`talk` None) does not."""
    contact, conversation, leg = ContactId(f"k9-{n}"), ConversationId(f"c9-{n}"), LegId(f"c9-{n}.c2")
    made = events.CallMade(
        contact=contact,
        conversation=conversation,
        interaction=InteractionId(f"i9-{n}"),
        agent=by,
        medium=INTERNAL,
        queue=QueueId(""),
        number=to,
        to_agent=to,
        shown="",
        at=START + at,
    )
    called = events.CustomerCalled(
        conversation=conversation, contact=contact, leg=leg, deadline=START + at + 30, at=START + at
    )
    if talk is None:
        return [made, called, ended(contact, conversation, "", EndReason.FAILED, START + at + 30)]
    return [
        made,
        called,
        events.Established(conversation=conversation, leg=leg, at=START + at + 5),
        ended(contact, conversation, "", EndReason.ANSWERED, START + at + 5 + talk),
    ]


async def test_calls_between_colleagues_are_in_the_history_and_day_of_both(database: Database) -> None:
    other = AgentId("1002")
    calls = [
        internal(1, 3000, by=AGENT, to=other, talk=40),
        internal(2, 3200, by=other, to=AGENT, talk=20),
        internal(3, 3300, by=other, to=AgentId("1003"), talk=7),
        internal(4, 3400, by=AGENT, to=other, talk=None),
    ]
    journal = [*the_day(), *(record(20 + n, *call) for n, call in enumerate(calls))]
    await project(database, journal)
    day = await SqlDays(database).day(AGENT, START, START + 4000)
    assert (day.handled, day.talk_seconds) == (2, 90.0), "customers' calls are counted apart"
    assert (day.internal, day.internal_seconds) == (2, 60.0), "from the answer on"
    his = await SqlDays(database).day(other, START, START + 4000)
    assert (his.handled, his.internal, his.internal_seconds) == (0, 3, 67.0)
    rows = await SqlCalls(database).recent((other,), 10, None)
    assert [(row.conversation, row.agent, row.callee, row.talk_seconds) for row in rows] == [
        ("c9-4", "1001", "1002", 0.0),
        ("c9-3", "1002", "1003", 7.0),
        ("c9-2", "1002", "1001", 20.0),
        ("c9-1", "1001", "1002", 40.0),
    ]
    assert {row.medium for row in rows} == {"internal"}
    assert rows[0].answered_at is None


async def test_a_missed_call_says_who_it_was_and_what_became_of_him(database: Database) -> None:
    await project(database, the_day())
    (offer,) = await SqlDays(database).missed(AGENT, 10)
    assert (offer.conversation, offer.queue, offer.number) == ("c1-3", "service", "13900000001")
    assert (offer.at, offer.end_reason) == (START + 2120, "abandoned")
    assert await SqlDays(database).missed(AgentId("1002"), 10) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("caller", ["c1-2", "c1-1"]),
        ("CALLER 2", ["c1-2"]),
        ("139000", ["c1-2", "c1-1"]),
        ("billed twice", ["c1-1"]),
        ("account 2", []),
        ("c%r", []),
        ("_", []),
    ],
)
async def test_words_find_calls_by_caller_and_note(database: Database, search: str, found: list[str]) -> None:
    await demo.seed(database, "hash", START)
    note = events.NoteWritten(
        agent=AGENT, contact=ContactId("k1-1"), conversation=ConversationId("c1-1"), text="Billed twice", at=START
    )
    await project(database, [*the_day(), record(10, note)])
    rows = await SqlCalls(database).recent((AGENT,), 10, None, search)
    assert [row.conversation for row in rows] == found
