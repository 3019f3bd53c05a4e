"""Reading the projection: an agent's day in figures, and the calls that rang him in vain. Implements ports_http.Days.

Not here: how he stands now (`agent_desktop.view`). A call counts once it is over and was answered.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId
from ctiserver.model.routing import INTERNAL
from ctiserver.ports_http import Day, MissedOffer
from ctiserver.store import callers
from ctiserver.store.database import Database
from ctiserver.store.tables import AVAILABILITY, CALL_RECORDS, CUSTOMERS, INTERACTIONS, MISSED_OFFERS


class SqlDays:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def day(self, agent: AgentId, since: float, now: float) -> Day:
        async with self._database.read() as connection:
            calls = (await connection.execute(_calls(agent, since))).mappings().one()
            inside = (await connection.execute(_internal(agent, since))).mappings().one()
            pieces = (await connection.execute(_ready(agent, since))).all()
            missed = (await connection.execute(_missed(agent, since))).scalar_one()
        ready = sum(max(0.0, (now if until is None else until) - max(begun, since)) for begun, until in pieces)
        return Day(
            at=now,
            handled=calls["handled"],
            talk_seconds=round(calls["talk"] or 0.0, 3),
            longest_seconds=round(calls["longest"] or 0.0, 3),
            wrap_up_seconds=round(calls["wrap_up"] or 0.0, 3),
            ready_seconds=round(ready, 3),
            ready=any(until is None for _, until in pieces),
            missed=missed,
            internal=inside["handled"],
            internal_seconds=round(inside["talk"] or 0.0, 3),
        )

    async def missed(self, agent: AgentId, limit: int) -> Sequence[MissedOffer]:
        query = (
            sa.select(
                MISSED_OFFERS.c.at,
                CALL_RECORDS.c.contact,
                CALL_RECORDS.c.conversation,
                CALL_RECORDS.c.queue,
                CALL_RECORDS.c.end_reason,
                *callers.COLUMNS,
            )
            .join(CALL_RECORDS, CALL_RECORDS.c.contact == MISSED_OFFERS.c.contact)
            .join(INTERACTIONS, INTERACTIONS.c.conversation == CALL_RECORDS.c.conversation)
            .join(CUSTOMERS, callers.IS_CUSTOMER, isouter=True)
            .where(MISSED_OFFERS.c.agent == agent)
            .order_by(MISSED_OFFERS.c.at.desc(), MISSED_OFFERS.c.reservation)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_offer(row) for row in rows]


def _calls(agent: AgentId, since: float) -> sa.Select[int, float, float, float]:
    return _answered(since).where(CALL_RECORDS.c.agent == agent, CALL_RECORDS.c.medium != INTERNAL)


def _internal(agent: AgentId, since: float) -> sa.Select[int, float, float, float]:
    return _answered(since).where(callers.of([agent]), CALL_RECORDS.c.medium == INTERNAL)


def _answered(since: float) -> sa.Select[int, float, float, float]:
    talk = CALL_RECORDS.c.ended_at - callers.ANSWERED_AT
    return (
        sa.select(
            sa.func.count().label("handled"),
            sa.func.sum(talk).label("talk"),
            sa.func.max(talk).label("longest"),
            sa.func.sum(CALL_RECORDS.c.wrap_up_to - CALL_RECORDS.c.wrap_up_from).label("wrap_up"),
        )
        .join_from(CALL_RECORDS, INTERACTIONS, INTERACTIONS.c.conversation == CALL_RECORDS.c.conversation)
        .where(
            # Even a callback waits no week: the index on (agent, queued_at) leaves one agent's recent rows.
            CALL_RECORDS.c.queued_at >= since - 7 * 86_400.0,
            callers.ANSWERED_AT >= since,
            CALL_RECORDS.c.end_reason == EndReason.ANSWERED.value,
        )
    )


def _ready(agent: AgentId, since: float) -> sa.Select[float, float | None]:
    return sa.select(AVAILABILITY.c.since, AVAILABILITY.c.until).where(
        AVAILABILITY.c.agent == agent,
        AVAILABILITY.c.ready,
        sa.or_(AVAILABILITY.c.until.is_(None), AVAILABILITY.c.until > since),
    )


def _missed(agent: AgentId, since: float) -> sa.Select[int]:
    return (
        sa.select(sa.func.count())
        .select_from(MISSED_OFFERS)
        .where(MISSED_OFFERS.c.agent == agent, MISSED_OFFERS.c.at >= since)
    )


def _offer(row: sa.RowMapping) -> MissedOffer:
    return MissedOffer(
        contact=row["contact"],
        conversation=row["conversation"],
        queue=row["queue"],
        number=row["caller_number"],
        name=row["caller_name"],
        customer=callers.customer(row),
        at=row["at"],
        end_reason=row["end_reason"] or "",
    )
