"""Reading the projection: callers who went without an agent and whom nobody has served since.

Implements ports_http.LostCallers. One row a caller and queue: the last time that he went. Not here: what is done about
them, which are commands.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ctiserver.ports_http import LostCaller
from ctiserver.store import callers
from ctiserver.store.database import Database
from ctiserver.store.tables import CALL_RECORDS, CUSTOMERS, INTERACTIONS, LOST_CALLERS

_UNSERVED = ("failed", "timed_out", "closed")
"""Ends of a callback after which the caller is on the list again."""


class SqlLostCallers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, since: float, limit: int) -> Sequence[LostCaller]:
        query = _query().where(LOST_CALLERS.c.ended_at >= since, _is_open(), ~_served_since(), ~_went_again())
        query = query.order_by(LOST_CALLERS.c.ended_at.desc(), LOST_CALLERS.c.contact).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_lost(row) for row in rows]

    async def get(self, contact: str) -> LostCaller | None:
        async with self._database.read() as connection:
            found = await connection.execute(_query().where(LOST_CALLERS.c.contact == contact))
            row = found.mappings().first()
        return _lost(row) if row is not None else None


_CALLBACK = CALL_RECORDS.alias("callback")


def _query() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(
            LOST_CALLERS,
            *callers.COLUMNS,
            INTERACTIONS.c.dialled,
            CALL_RECORDS.c.queued_at,
            _CALLBACK.c.end_reason.label("callback_end"),
        )
        .join(INTERACTIONS, INTERACTIONS.c.conversation == LOST_CALLERS.c.conversation)
        .join(CALL_RECORDS, CALL_RECORDS.c.contact == LOST_CALLERS.c.contact)
        .join(CUSTOMERS, callers.IS_CUSTOMER, isouter=True)
        .join(_CALLBACK, _CALLBACK.c.contact == LOST_CALLERS.c.callback, isouter=True)
    )


def _is_open() -> sa.ColumnElement[bool]:
    """Nothing was done, or a callback was booked that came to nothing; and there is a number to call."""
    tried = _CALLBACK.c.end_reason.in_(_UNSERVED)
    return sa.and_(sa.or_(LOST_CALLERS.c.closed_at.is_(None), tried), INTERACTIONS.c.caller_number != "")


def _served_since() -> sa.ColumnElement[bool]:
    """He has talked to somebody afterwards, or does now."""
    later, who = CALL_RECORDS.alias("later"), INTERACTIONS.alias("later_who")
    return (
        sa.exists()
        .select_from(later.join(who, who.c.conversation == later.c.conversation))
        .where(
            who.c.caller_number == INTERACTIONS.c.caller_number,
            later.c.queued_at >= LOST_CALLERS.c.ended_at,
            later.c.connected_at.is_not(None),
            sa.or_(later.c.end_reason.is_(None), later.c.end_reason == "answered"),
        )
        .correlate(INTERACTIONS, LOST_CALLERS)
    )


def _went_again() -> sa.ColumnElement[bool]:
    """He called again for the same queue and went again: that row stands for him."""
    again, who = LOST_CALLERS.alias("again"), INTERACTIONS.alias("again_who")
    return (
        sa.exists()
        .select_from(again.join(who, who.c.conversation == again.c.conversation))
        .where(
            who.c.caller_number == INTERACTIONS.c.caller_number,
            again.c.queue == LOST_CALLERS.c.queue,
            again.c.ended_at > LOST_CALLERS.c.ended_at,
        )
        .correlate(INTERACTIONS, LOST_CALLERS)
    )


def _lost(row: sa.RowMapping) -> LostCaller:
    return LostCaller(
        contact=row["contact"],
        conversation=row["conversation"],
        queue=row["queue"],
        number=row["caller_number"],
        name=row["caller_name"],
        customer=callers.customer(row),
        dialled=row["dialled"],
        queued_at=row["queued_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        callback_end=row["callback_end"] or "",
    )
