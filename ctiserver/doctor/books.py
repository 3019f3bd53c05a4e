"""Checks of what is kept: the journal's end and the database.

The whole journal is `hollyhock journal verify`'s business. Numbers: a stored cursor moves at least every 1,000 records
(ctiserver.store.projection), so twice as many behind is no habit any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ctiserver.doctor.report import Finding, State, fault, ok, warning
from ctiserver.doctor.subject import PATIENCE, Subject
from ctiserver.journal_files import Piece, pieces, segments, snapshots, strangers
from ctiserver.model.turns import Record
from ctiserver.model.world import WorldState

if TYPE_CHECKING:
    from ctiserver.store.health import Health

FUTURE = 2.0
LAG = 2_000
_VERIFY = "run `hollyhock journal verify`: it says what is lost and what to do"


class End(msgspec.Struct, frozen=True):
    """The last whole record of the journal: `seq` 0 when there is none. `epoch` is the journal's name."""

    seq: int = 0
    at: float = 0.0
    epoch: str = ""


def journal(subject: Subject) -> Iterator[Finding]:
    """Can its end be read, and the newest snapshot; is it of this time?"""
    folder = subject.home / "journal"
    if not folder.exists():
        yield ok("journal", "none yet: the first start makes it")
        return
    try:
        files = segments(folder)
        last, bad = _last(folder)
    except (OSError, msgspec.MsgspecError) as error:
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else "a record of another version"
        yield fault("journal", f"cannot be read: {why}", "run the doctor as its owner or as root; else: " + _VERIFY)
        return
    if bad is not None and not bad.cut:
        name = files[-1][1].name
        yield fault("journal", f"{name} is damaged at byte {bad.start}", f"do not restart the server; {_VERIFY}")
    elif bad is not None:
        yield ok("journal", f"{files[-1][1].name} ends in an unfinished record: a start cuts it off")
    if last.at > time.time() + FUTURE:
        ahead = last.at - time.time()
        yield fault(
            "journal",
            f"its last record lies {ahead:.0f} s in the future",
            "set the clock right before the server starts",
        )
    elif bad is None:
        size = sum(path.stat().st_size for _first, path in files)
        yield ok("journal", f"{last.seq} records in {len(files)} file(s), {size / 1e6:.1f} MB, its end is whole")
    yield from _snapshots(subject)
    for path in strangers(folder):
        yield warning("journal", f"{path.name} is no file of the journal", "move it away")


def _last(folder: Path) -> tuple[End, Piece | None]:
    """The last record, and a stretch of the newest segment that is none."""
    bad: Piece | None = None
    body: bytes | None = None
    for _first, path in reversed(segments(folder)):
        for piece in pieces(path):
            if piece.body is None:
                bad = bad or piece
            else:
                body = piece.body
        if body is not None:
            break
    epoch = folder / "epoch"
    name = epoch.read_text().strip() if epoch.exists() else ""
    if body is None:
        return End(epoch=name), bad
    record = msgspec.msgpack.decode(body, type=Record)
    return End(record.seq, record.at, name), bad


def _snapshots(subject: Subject) -> Iterator[Finding]:
    found = snapshots(subject.home / "journal")
    unreadable: list[str] = []
    newest = 0
    for seq, path in found:
        try:
            msgspec.msgpack.decode(path.read_bytes(), type=WorldState)
        except FileNotFoundError:  # a running server replaces them
            continue
        except (msgspec.MsgspecError, OSError):
            unreadable.append(path.name)
            continue
        newest = seq
    if unreadable:
        yield fault(
            "snapshot",
            f"{', '.join(unreadable)} cannot be read; a start uses {'the other one' if newest else 'all records'}",
            "let the server write another (one a minute), then delete it",
        )
    elif found:
        yield ok("snapshot", f"{len(found)} readable, the newest of record {newest}")


def database(subject: Subject) -> Iterator[Finding]:
    """Can it be reached and written, is it of our version, how far behind the journal is it?"""
    yield from asyncio.run(_database(subject))


async def _database(subject: Subject) -> list[Finding]:
    from ctiserver.store.database import BadDatabaseUrl, Database  # here: the other checks need not wait for SQL
    from ctiserver.store.health import examine, sqlite_file

    try:
        opened = Database(subject.settings.database_url, wait_seconds=PATIENCE / 2)
    except BadDatabaseUrl as error:
        return [fault("database", str(error), "correct HOLLYHOCK_DATABASE_URL")]
    file = sqlite_file(opened)
    if file is not None and not file.exists():
        if subject.used:
            advice = "put it back from the backup, else people and customers begin anew as the demo's"
            return [fault("database", f"{file} is gone although a server has run here", advice)]
        return [ok("database", f"{file} is not there yet: the first start makes it")]
    where = opened.url.render_as_string(hide_password=True)
    try:
        async with asyncio.timeout(PATIENCE + 1):
            health = await examine(opened)
    except Exception as error:  # the drivers have many families of errors, and each is an answer here
        if file is not None:
            advice = "calls go on, books and logins wait; see who holds the file (fuser) and who may write it"
        else:
            advice = "calls go on, books and logins wait; start it, or correct HOLLYHOCK_DATABASE_URL"
        return [fault("database", f"{where}: {_reason(error)}", advice)]
    finally:
        await opened.close()
    found = [_migration(health, where, subject)]
    if found[0].state is not State.FAULT:
        found += _projection(health, subject)
    if health.clock is not None and abs(health.clock - time.time()) > FUTURE:
        apart = abs(health.clock - time.time())
        told = f"the database's clock and ours are {apart:.0f} s apart"
        found.append(warning("clock", told, "synchronise both machines by NTP"))
    return found


def _reason(error: BaseException) -> str:
    """The innermost words, one line; drivers put them at different depths."""
    while error.__cause__ is not None:
        if isinstance(error, TimeoutError):
            break
        error = error.__cause__
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (str(getattr(error, "strerror", None) or error).splitlines() or [type(error).__name__])[0][:200]


def _migration(health: Health, where: str, subject: Subject) -> Finding:
    if not health.known:
        return fault(
            "database",
            f"{where} is at migration {health.revision}, which this version does not know: a newer Hollyhock made it",
            "use that newer version, or restore the database of this one",
        )
    if health.revision is None:
        return ok("database", f"{where} answers and is empty: the first start makes its tables")
    if health.revision != health.newest:
        told = f"{where} is at migration {health.revision}, the code at {health.newest}"
        if subject.ready() is not None:
            return warning("database", told, "the running server is older than this code: restart it")
        return ok("database", f"{told}: the next start migrates it", "make a backup first")
    return ok("database", f"{where} answers, can be written, migration {health.revision}")


def _projection(health: Health, subject: Subject) -> Iterator[Finding]:
    try:
        last, _bad = _last(subject.home / "journal")
    except (OSError, msgspec.MsgspecError):
        return  # told by `journal`
    if health.revision is None or not last.seq:
        return
    if health.epoch and health.epoch != last.epoch:
        yield warning(
            "call records", "are of another journal than the one here", "a start makes them anew from the journal here"
        )
    elif health.seq > last.seq:
        yield warning(
            "call records",
            f"know record {health.seq}, the journal ends at {last.seq}: an older journal was restored",
            "restore the newer journal, if there is one",
        )
    elif last.seq - health.seq > LAG and subject.ready() is not None:
        behind = last.seq - health.seq
        yield warning("call records", f"{behind} records behind the journal", "they catch up; if not: log/server.log")
    else:
        # The cursor moves when a record changes a table, so a small distance says nothing.
        behind = last.seq - health.seq
        yield ok("call records", f"at most {behind} records behind the journal" if behind else "as far as the journal")
