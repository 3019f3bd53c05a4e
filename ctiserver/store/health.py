"""What a database says of itself when it is asked by somebody who wants to know whether all is well.

Here: the questions, all bounded by the database's own waits; nothing is changed. Not here: what the answers mean.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import sqlalchemy as sa

from ctiserver.store.database import MIGRATIONS, Database
from ctiserver.store.projection import CURSOR
from ctiserver.store.tables import PROJECTION_CURSOR


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`revision` is the migration that the database is at (None: none yet), `newest` the code's.

    `known`: the code knows that migration. `epoch`, `seq`: how far the call tables are; '' and 0 when they are empty.
    `clock`: the database server's own, in epoch seconds (None: it runs in our process).
    """

    revision: str | None
    newest: str
    known: bool
    epoch: str = ""
    seq: int = 0
    clock: float | None = None


def sqlite_file(database: Database) -> Path | None:
    """The file of an SQLite database, None for a database server."""
    if database.dialect != "sqlite" or not database.url.database:
        return None
    return Path(database.url.database)


async def examine(database: Database) -> Health:
    """Raises DatabaseUnavailable, or the driver's error when the database refuses us."""
    newest, revisions = _revisions()
    clock: float | None = None
    async with database.read() as connection:
        there = await connection.run_sync(lambda plain: sa.inspect(plain).get_table_names())
        revision = None
        if "alembic_version" in there:
            revision = (await connection.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar()
        if database.dialect == "postgresql":
            clock = (await connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())::float8"))).scalar()
        row = None
        if PROJECTION_CURSOR.name in there:
            query = sa.select(PROJECTION_CURSOR).where(PROJECTION_CURSOR.c.name == CURSOR)
            row = (await connection.execute(query)).mappings().first()
    if PROJECTION_CURSOR.name in there:
        async with database.write() as connection:  # takes the lock and the right to write, and changes no row
            await connection.execute(PROJECTION_CURSOR.update().where(sa.false()).values(seq=0))
    return Health(
        revision=revision,
        newest=newest,
        known=revision is None or revision in revisions,
        epoch=str(row["epoch"]) if row is not None else "",
        seq=int(row["seq"]) if row is not None else 0,
        clock=clock,
    )


def _revisions() -> tuple[str, list[str]]:
    """The newest migration of the code, and all of them."""
    from alembic.config import Config  # here, as in `database`: a start must not wait for it
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    return scripts.get_current_head() or "", [script.revision for script in scripts.walk_revisions()]
