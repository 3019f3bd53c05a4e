"""The databases that the store must work on: SQLite, and a real PostgreSQL that the tests start themselves.

PostgreSQL is Debian's package `postgresql`; it refuses to run as root, so as root it runs as an unprivileged user. A
missing server fails the tests with the reason; nothing is skipped.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from ctiserver.store.database import Database, sqlite_url
from ctiserver.store.tables import METADATA

_HOMES = Path("/usr/lib/postgresql")
_USER = "nobody"


class Postgres:
    """A throw-away cluster on a free loopback port."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="hollyhock-pg-"))
        self._bin = _binaries()
        self._user = _USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self._folder, self._user)

    def url(self) -> str:
        return f"postgresql://hollyhock@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "hollyhock", "--auth=trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        data, sockets = self._folder / "data", self._folder
        self._process = subprocess.Popen(
            [self._bin / "postgres", "-D", data, "-p", str(self.port), "-h", "127.0.0.1", "-k", sockets, "-F"],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-t", "20", tries=100)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(2)  # fast shutdown: ends running sessions
            self._process.wait(timeout=20)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str, tries: int = 1) -> None:
        said = b""
        for left in reversed(range(tries)):
            done = subprocess.run(
                [self._bin / program, *arguments], user=self._user, cwd=self._folder, capture_output=True, check=False
            )
            if done.returncode == 0:
                return
            said = done.stderr
            if left:
                assert self._process is None or self._process.poll() is None, "postgres ended at start"
                time.sleep(0.1)
        raise AssertionError(f"{program} failed: {said.decode(errors='replace')[-500:]}")


def _binaries() -> Path:
    found = sorted(_HOMES.glob("*/bin/initdb"))
    if not found:
        pytest.fail("no PostgreSQL under /usr/lib/postgresql: install Debian's package `postgresql`")
    return found[-1].parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def a_postgres() -> Iterator[Postgres]:
    """A new cluster, running; gone afterwards."""
    server = Postgres()
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with a_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "store.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.url()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Migrated and empty."""
    opened = Database(database_url, wait_seconds=1.0)
    await opened.migrate()
    async with opened.write() as connection:
        for table in reversed(METADATA.sorted_tables):
            if table.name != "roles":
                await connection.execute(table.delete())
    yield opened
    await opened.close()
    await asyncio.sleep(0)
