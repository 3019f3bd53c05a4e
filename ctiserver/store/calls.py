"""Reading the projection: the call list and who may hear which recording. Implements ports_http.Calls."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ctiserver.model.ids import AgentId
from ctiserver.ports_http import CallRow
from ctiserver.store import callers
from ctiserver.store.database import Database
from ctiserver.store.tables import CALL_RECORDS, CUSTOMERS, INTERACTIONS, RECORDINGS


class SqlCalls:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent(
        self, agents: Sequence[AgentId] | None, limit: int, before: float | None, search: str = ""
    ) -> Sequence[CallRow]:
        recorded = sa.exists().where(
            RECORDINGS.c.conversation == CALL_RECORDS.c.conversation, RECORDINGS.c.state == "complete"
        )
        query = (
            sa.select(
                CALL_RECORDS,
                *callers.COLUMNS,
                callers.ANSWERED_AT.label("answered_at"),
                recorded.label("recorded"),
            )
            .join(INTERACTIONS, INTERACTIONS.c.conversation == CALL_RECORDS.c.conversation)
            .join(CUSTOMERS, callers.IS_CUSTOMER, isouter=True)
            .order_by(CALL_RECORDS.c.queued_at.desc(), CALL_RECORDS.c.contact.desc())
            .limit(limit)
        )
        if agents is not None:
            query = query.where(callers.of(agents))
        if before is not None:
            query = query.where(CALL_RECORDS.c.queued_at < before)
        for word in search.split():
            query = query.where(_has(word))
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_call(row) for row in rows]

    async def recording(self, conversation: str, agents: Sequence[AgentId] | None) -> str | None:
        query = sa.select(RECORDINGS.c.file).where(RECORDINGS.c.conversation == conversation).limit(1)
        if agents is not None:
            took_part = sa.exists().where(
                CALL_RECORDS.c.conversation == conversation, CALL_RECORDS.c.agent.in_(agents)
            )
            query = query.where(took_part)
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalars().first()


def _has(word: str) -> sa.ColumnElement[bool]:
    """A call has the word in its caller, its customer or its note, in any case of letters."""
    places = (
        INTERACTIONS.c.caller_number,
        INTERACTIONS.c.caller_name,
        CUSTOMERS.c.name,
        CUSTOMERS.c.code,
        CALL_RECORDS.c.note,
    )
    return sa.or_(*(place.icontains(word, autoescape=True) for place in places))


def _call(row: sa.RowMapping) -> CallRow:
    return CallRow(
        conversation=row["conversation"],
        contact=row["contact"],
        queue=row["queue"],
        caller_number=row["caller_number"],
        caller_name=row["caller_name"],
        customer=callers.customer(row),
        queued_at=row["queued_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        talk_seconds=_between(row["answered_at"], row["ended_at"]),
        wrap_up_seconds=_between(row["wrap_up_from"], row["wrap_up_to"]),
        end_reason=row["end_reason"] or "",
        agent=row["agent"],
        disposition=row["disposition"],
        note=row["note"],
        medium=row["medium"],
        callee=row["callee"],
        recording=bool(row["recorded"]),
    )


def _between(start: float | None, end: float | None) -> float:
    return round(max(0.0, end - start), 3) if start is not None and end is not None else 0.0
