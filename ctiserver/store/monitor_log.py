"""Reading the projection: who has listened to whom. Implements ports_talks.MonitorLog."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ctiserver.ports_talks import MonitorRow
from ctiserver.store.database import Database
from ctiserver.store.tables import MONITOR_LOG


class SqlMonitorLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, limit: int, before: float | None) -> Sequence[MonitorRow]:
        query = sa.select(MONITOR_LOG).order_by(MONITOR_LOG.c.at.desc(), MONITOR_LOG.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(MONITOR_LOG.c.at < before)
        async with self._database.read() as connection:
            found = (await connection.execute(query)).mappings().all()
        return [
            MonitorRow(
                at=row["at"],
                what=row["what"],
                by=row["by_user"],
                listened=row["listened"],
                conversation=row["conversation"],
                mode=row["mode"],
                why=row["why"],
            )
            for row in found
        ]
