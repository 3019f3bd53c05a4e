"""Reading the projection: what leads and administrators did, and who has listened to whom.

Implements ports_http.AuditLog and ports_talks.MonitorLog. Both are read a page at a time, newest first.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ctiserver.model.ids import AgentId
from ctiserver.ports_http import AuditRow
from ctiserver.ports_talks import MonitorRow
from ctiserver.store.database import Database
from ctiserver.store.tables import LEAD_LOG, MONITOR_LOG


class SqlLeadLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(
        self, agents: Sequence[AgentId] | None, user: str, limit: int, before: float | None
    ) -> Sequence[AuditRow]:
        where = [] if agents is None else [sa.or_(LEAD_LOG.c.by_user == user, LEAD_LOG.c.agent.in_(agents))]
        return [
            AuditRow(
                at=row["at"],
                by=row["by_user"],
                what=row["what"],
                agent=row["agent"],
                conversation=row["conversation"],
                contact=row["contact"],
                detail=row["detail"],
            )
            for row in await _newest(self._database, LEAD_LOG, limit, before, *where)
        ]


class SqlMonitorLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, limit: int, before: float | None) -> Sequence[MonitorRow]:
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
            for row in await _newest(self._database, MONITOR_LOG, limit, before)
        ]


async def _newest(
    database: Database, table: sa.Table, limit: int, before: float | None, *where: sa.ColumnElement[bool]
) -> Sequence[sa.RowMapping]:
    """The last rows, or the last before that time (epoch seconds)."""
    query = sa.select(table).where(*where).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.at < before)
    async with database.read() as connection:
        return (await connection.execute(query)).mappings().all()
