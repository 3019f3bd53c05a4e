"""Reading the projection: the audit log of what leads and administrators did. Implements ports_http.AuditLog."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ctiserver.model.ids import AgentId
from ctiserver.ports_http import AuditRow
from ctiserver.store.database import Database
from ctiserver.store.tables import LEAD_LOG


class SqlLeadLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(
        self, agents: Sequence[AgentId] | None, user: str, limit: int, before: float | None
    ) -> Sequence[AuditRow]:
        query = sa.select(LEAD_LOG).order_by(LEAD_LOG.c.at.desc(), LEAD_LOG.c.id.desc()).limit(limit)
        if agents is not None:
            query = query.where(sa.or_(LEAD_LOG.c.by_user == user, LEAD_LOG.c.agent.in_(agents)))
        if before is not None:
            query = query.where(LEAD_LOG.c.at < before)
        async with self._database.read() as connection:
            found = (await connection.execute(query)).mappings().all()
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
            for row in found
        ]
