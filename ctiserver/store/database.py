"""The database connection: SQLite (default) or PostgreSQL behind one small class, and the migration at start.

Lives here: engine set-up, transactions, mapping of driver errors to DatabaseUnavailable. Must not live here: SQL of
any table. SQLite runs in WAL mode with foreign keys; writers begin with BEGIN IMMEDIATE, because a transaction that
reads first and writes later loses updates or fails on upgrade (FACTS, libraries). All waits are bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ctiserver.ports_http import DatabaseUnavailable

T = TypeVar("T")
_WRITES = "hollyhock_writes"
MIGRATIONS = Path(__file__).parent / "migrations"


class BadDatabaseUrl(Exception):
    """The URL is neither SQLite nor PostgreSQL; the message can be shown."""


def async_url(url: str) -> sa.URL:
    """The SQLAlchemy URL with an asyncio driver. Raises BadDatabaseUrl."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise BadDatabaseUrl("the database URL cannot be read") from error
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+asyncpg")
        case other:
            raise BadDatabaseUrl(f"the database must be sqlite or postgresql, not {other}")


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


class Database:
    """One engine. `wait_seconds` bounds every wait: for a lock, a connection, an answer."""

    def __init__(self, url: str, *, wait_seconds: float = 5.0) -> None:
        self.url = async_url(url)
        self.wait_seconds = wait_seconds
        self._engine = _engine(self.url, wait_seconds)
        self._plain: sa.Engine | None = None

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading. Raises DatabaseUnavailable."""
        async with _unavailable(), self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end of the block. Raises DatabaseUnavailable."""
        async with _unavailable(), self._engine.connect() as connection:
            await connection.execution_options(**{_WRITES: True})
            async with connection.begin():
                yield connection

    async def migrate(self) -> None:
        """Bring the schema to the newest version, in a thread of its own. Raises DatabaseUnavailable."""
        async with _unavailable():
            await asyncio.to_thread(_migrate, self.url, self.wait_seconds)

    async def transact(self, work: Callable[[sa.Connection], T]) -> T:
        """One write transaction, given as plain code. Raises DatabaseUnavailable.

        On SQLite it runs in a thread as a whole: aiosqlite would change threads several times a statement, which
        costs more than the statements. On PostgreSQL it runs on the async driver.
        """
        if self.dialect != "sqlite":
            async with self.write() as connection:
                return await connection.run_sync(work)
        async with _unavailable():
            return await asyncio.to_thread(self._transact, work)

    def _transact(self, work: Callable[[sa.Connection], T]) -> T:
        if self._plain is None:
            self._plain = sa.create_engine(
                self.url.set(drivername="sqlite+pysqlite"),
                connect_args={"timeout": self.wait_seconds, "check_same_thread": False},
                pool_timeout=self.wait_seconds,
            )
            _tune_sqlite(self._plain, self.wait_seconds)
        with self._plain.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            return work(connection)

    async def close(self) -> None:
        if self._plain is not None:
            await asyncio.to_thread(self._plain.dispose)
        await self._engine.dispose()


@asynccontextmanager
async def _unavailable() -> AsyncIterator[None]:
    """Driver errors that say 'the database is away' become one error; mistakes in SQL stay what they are."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError) as error:
        raise DatabaseUnavailable(type(error).__name__) from error
    except DBAPIError as error:
        if error.connection_invalidated or _away(error):
            raise DatabaseUnavailable(type(error).__name__) from error
        raise


def _away(error: DBAPIError) -> bool:
    """PostgreSQL: SQLSTATE 08 connection, 53 resources, 57 operator intervention, 40 serialisation, 55P03 lock.

    42P01 (no such table) is a database that is not migrated yet; SQLite says the same with an OperationalError.
    """
    state = str(getattr(error.orig, "sqlstate", "") or getattr(error.orig, "pgcode", "") or "")
    return state[:2] in ("08", "53", "57", "40") or state in ("55P03", "42P01")


def _engine(url: sa.URL, wait_seconds: float) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, connect_args={"timeout": wait_seconds}, pool_timeout=wait_seconds)
        _tune_sqlite(engine.sync_engine, wait_seconds)
        return engine
    return create_async_engine(
        url,
        connect_args={"timeout": wait_seconds, "command_timeout": wait_seconds},
        pool_timeout=wait_seconds,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=5,
    )


def _tune_sqlite(engine: sa.Engine, wait_seconds: float) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is off: ours below is the only one
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(wait_seconds * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(url: sa.URL, wait_seconds: float) -> None:
    asyncio.run(_migrate_alone(url, wait_seconds))


async def _migrate_alone(url: sa.URL, wait_seconds: float) -> None:
    """Alembic is synchronous: it gets its own loop (the server's must not wait) and its own connection."""
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": max(wait_seconds, 30.0)})
    if url.get_backend_name() == "sqlite":
        _tune_sqlite(engine.sync_engine, max(wait_seconds, 30.0))
    try:
        async with engine.connect() as connection:
            await connection.execution_options(**{_WRITES: True})
            async with connection.begin():
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # here, not above: a restarted server must not wait 0.14 s for it
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        # Two servers that start together must not create the same tables twice.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(804155)"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
