"""The projector: keeps the SQL call tables behind the journal, in order, exactly once.

Rows and cursor are written in one transaction, so a crash anywhere repeats or skips nothing. The queue in front is
bounded and never waited for: what does not fit, or came while the database was away, is read from the journal again.
It may lag; nothing on the call path reads what it writes (DESIGN section 1).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from ctiserver.model.turns import Record
from ctiserver.ports_http import DatabaseUnavailable
from ctiserver.store.database import Database
from ctiserver.store.fold import Put, RowChange, fold
from ctiserver.store.tables import (
    AVAILABILITY,
    CALL_RECORDS,
    INTERACTIONS,
    LEAD_LOG,
    LOST_CALLERS,
    METADATA,
    MISSED_OFFERS,
    MONITOR_LOG,
    PROJECTION_CURSOR,
    RECORDINGS,
)

log = structlog.get_logger(__name__)

CURSOR = "calls"
BATCH = 1000
"""records of one transaction at most"""
_CURSOR_EVERY = 1000
"""records that change no row move the stored cursor only so often; reading them again is harmless"""
_GATHER_SECONDS = 1.0
"""how long records gather into one transaction, unless somebody waits to read them: many of one kind are cheap"""
_BACK_OFF = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

ReadFrom = Callable[[int], Iterable[Record] | AsyncIterator[Record]]


class Projector:
    """One task (`run`) and one entry (`offer`).

    `epoch` names the journal: a new one counts from 1 again. `last_seq` is its last record at the start: a power cut
    can leave the tables ahead of it. `read_from(seq)` gives the journal's records from `seq` on; a plain iterator is
    read in a thread. `limit` records wait at most.
    """

    def __init__(
        self, database: Database, epoch: str, last_seq: int, read_from: ReadFrom, *, limit: int = 5000
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._last_seq = last_seq
        self._read_from = read_from
        self._limit = limit
        self._queue: deque[Record] = deque()
        self._missed = True  # at start: whatever happened since the cursor
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._newest = 0
        self._written = 0
        self._cursor = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.healthy = False
        """the last attempt to write worked"""

    @property
    def cursor(self) -> int:
        """The last record in the tables, if it changes any."""
        return self._cursor

    @cursor.setter
    def cursor(self, seq: int) -> None:
        self._cursor = seq
        reached = [future for at, future in self._waiting if at <= seq]
        self._waiting = [(at, future) for at, future in self._waiting if at > seq]
        for future in reached:
            if not future.done():
                future.set_result(None)

    async def reached(self, seq: int, within: float) -> bool:
        """Wait until record `seq` is in the tables, at most `within` seconds: one reads what one has written."""
        if seq <= self._cursor:
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((seq, future))
        self._hurry.set()
        try:
            async with asyncio.timeout(within):
                await future
        except TimeoutError:
            return False
        finally:
            self._waiting = [entry for entry in self._waiting if entry[1] is not future]
        return True

    @property
    def lag(self) -> int:
        """Records offered and not yet in the tables."""
        return max(0, self._newest - self.cursor)

    def offer(self, record: Record) -> None:
        """Hand on a record that is in the journal. Never waits, never raises."""
        self._newest = record.seq
        if len(self._queue) >= self._limit:
            self._queue.clear()
            self._missed = True
        if not self._missed:
            self._queue.append(record)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        attempt = 0
        while True:
            try:
                if not self.healthy:
                    self.cursor = await self._stored_cursor()
                    self.healthy = True
                await self._work()
                attempt = 0
            except Exception as error:  # whatever it is: a projection that stopped for good would tell nobody
                if not isinstance(error, DatabaseUnavailable):
                    log.error("projection_failed", error=type(error).__name__, lag=self.lag)
                elif self.healthy or attempt == 0:
                    log.warning("projection_waits_for_database", reason=str(error), lag=self.lag)
                self.healthy = False
                self._queue.clear()
                self._missed = True
                await asyncio.sleep(_BACK_OFF[min(attempt, len(_BACK_OFF) - 1)])
                attempt += 1

    async def catch_up(self) -> None:
        """Write what the journal holds now, once; without `run`. Raises DatabaseUnavailable."""
        self.cursor = await self._stored_cursor()
        await self._read_again()

    async def _work(self) -> None:
        """Write all there is, then wait for more. Returns or raises; `run` loops."""
        if self._missed:
            self._missed = False  # from here on offers queue up; what comes twice is dropped by its seq
            await self._read_again()
        batch: list[Record] = []
        while self._queue and len(batch) < BATCH and not self._missed:
            record = self._queue.popleft()
            if record.seq <= (batch[-1].seq if batch else self.cursor):
                continue
            if record.seq > (batch[-1].seq if batch else self.cursor) + 1:
                await self._write(batch)
                await self._read_again(up_to=record.seq)
                batch = [] if record.seq <= self.cursor else [record]
                continue
            batch.append(record)
        if batch:
            await self._write(batch)
        elif not self._queue and not self._missed:
            self._wake.clear()
            await self._wake.wait()
            if not self._waiting:
                self._hurry.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), _GATHER_SECONDS)

    async def _read_again(self, up_to: int | None = None) -> None:
        source = self._read_from(self.cursor + 1)
        if isinstance(source, AsyncIterator):
            batch: list[Record] = []
            async for record in source:
                if record.seq > self.cursor:
                    batch.append(record)
                if len(batch) >= BATCH:
                    await self._write(batch)
                    batch = []
            await self._write(batch)
            return
        iterator = iter(source)
        while some := await asyncio.to_thread(_take, iterator, BATCH):
            await self._write([record for record in some if record.seq > self.cursor])
            if up_to is not None and self.cursor >= up_to:
                return

    async def _write(self, records: Sequence[Record]) -> None:
        if not records:
            return
        try:
            await self._write_together(records)
        except (SQLAlchemyError, ValueError, TypeError, OverflowError) as error:
            # Not 'away' (that is DatabaseUnavailable): a row that cannot be stored must not hold up all later ones.
            if len(records) > 1:
                for record in records:
                    await self._write([record])
                return
            log.error("projection_record_skipped", seq=records[0].seq, error=type(error).__name__)
            await self._write_together([], cursor=records[0].seq)

    async def _write_together(self, records: Sequence[Record], cursor: int | None = None) -> None:
        to = records[-1].seq if cursor is None else cursor
        changes = [change for record in records for change in fold(record)]
        if changes or to - self._written >= _CURSOR_EVERY:
            await self._database.transact(lambda connection: _write_rows(connection, changes, self._epoch, to))
            self._written = to
        self.cursor = to

    async def _stored_cursor(self) -> int:
        query = sa.select(PROJECTION_CURSOR).where(PROJECTION_CURSOR.c.name == CURSOR)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        stored = self._written = int(row["seq"]) if row is not None and row["epoch"] == self._epoch else 0
        return min(stored, max(self._newest, self._last_seq))


async def clear(database: Database) -> None:
    """Empty the projected tables and the cursor: the next start reads the whole journal again."""
    projected = (RECORDINGS, LOST_CALLERS, MISSED_OFFERS, AVAILABILITY, MONITOR_LOG, LEAD_LOG)
    async with database.write() as connection:
        for table in (*projected, CALL_RECORDS, INTERACTIONS, PROJECTION_CURSOR):
            await connection.execute(table.delete())


def _take(iterator: Iterator[Record], count: int) -> list[Record]:
    return list(islice(iterator, count))


def _insert(table: sa.Table, dialect: str) -> Any:
    """Both dialects spell ON CONFLICT alike; the common insert does not know it."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _write_rows(connection: sa.Connection, changes: Sequence[RowChange], epoch: str, to: int) -> None:
    dialect = connection.dialect.name
    for statement, rows in _together(dialect, changes):
        connection.execute(statement, rows)
    _move_cursor(connection, dialect, epoch, to)


def _together(dialect: str, changes: Sequence[RowChange]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Statements of one shape with all their rows: one execution each instead of one a row.

    The changes of one row keep their order: they are in steps, one after another. The rows of one step have nothing to
    do with each other.
    """
    steps: list[dict[Any, list[dict[str, Any]]]] = []
    step_of: dict[tuple[str, Any], int] = {}
    for change in changes:
        row = (change.table, next(iter((change.key if isinstance(change, Put) else change.where).values())))
        step = step_of[row] = step_of.get(row, -1) + 1
        if step == len(steps):
            steps.append({})
        statement, values = _statement(dialect, change)
        steps[step].setdefault(statement, []).append(values)
    for groups in steps:
        yield from groups.items()


def _statement(dialect: str, change: RowChange) -> tuple[Any, dict[str, Any]]:
    """Statements of one shape are built once: building costs more than running them."""
    if isinstance(change, Put):
        return _put(dialect, change.table, tuple(change.key), tuple(change.values)), change.key | change.values
    null = tuple(name for name, value in change.where.items() if value is None)
    equal = {f"w_{name}": value for name, value in change.where.items() if value is not None}
    values = {f"v_{name}": value for name, value in change.values.items()}
    added = {f"a_{name}": value for name, value in change.add.items()}
    statement = _change(change.table, null, tuple(equal), tuple(values), tuple(added))
    return statement, equal | values | added


@lru_cache(maxsize=64)
def _put(dialect: str, table: str, key: tuple[str, ...], values: tuple[str, ...]) -> Any:
    of = METADATA.tables[table]
    insert = _insert(of, dialect).values({name: sa.bindparam(name, type_=of.c[name].type) for name in (*key, *values)})
    return insert.on_conflict_do_update(
        index_elements=list(key), set_={name: insert.excluded[name] for name in values}
    )


@lru_cache(maxsize=64)
def _change(
    table: str, null: tuple[str, ...], equal: tuple[str, ...], values: tuple[str, ...], added: tuple[str, ...]
) -> sa.Update:
    """Names of parameters are the columns' with a prefix, so a column may be compared and set in one statement."""
    of = METADATA.tables[table]
    where: list[sa.ColumnElement[bool]] = [of.c[name].is_(None) for name in null]
    where += [of.c[name[2:]] == sa.bindparam(name, type_=of.c[name[2:]].type) for name in equal]
    new = {name[2:]: sa.bindparam(name, type_=of.c[name[2:]].type) for name in values}
    more = {name[2:]: of.c[name[2:]] + sa.bindparam(name, type_=of.c[name[2:]].type) for name in added}
    return of.update().where(*where).values(new | more)


def _move_cursor(connection: sa.Connection, dialect: str, epoch: str, seq: int) -> None:
    statement = _insert(PROJECTION_CURSOR, dialect).values(name=CURSOR, epoch=epoch, seq=seq)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"epoch": epoch, "seq": seq})
    )
