"""Who called, beside a row of any list: the columns, and what they say of the customer."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ctiserver.model.ids import AgentId
from ctiserver.model.routing import MADE
from ctiserver.ports_http import CustomerRef
from ctiserver.store.tables import CALL_RECORDS, CUSTOMERS, INTERACTIONS

COLUMNS = (
    INTERACTIONS.c.caller_number,
    INTERACTIONS.c.caller_name,
    INTERACTIONS.c.customer_id,
    CUSTOMERS.c.name.label("customer_name"),
    CUSTOMERS.c.code.label("customer_code"),
)
"""For a query that joins the interaction, and the customer where there is one (`IS_CUSTOMER`, an outer join)."""
_ANSWERED = INTERACTIONS.c.answered_at
ANSWERED_AT = sa.case(
    (
        CALL_RECORDS.c.medium.in_(MADE) & (_ANSWERED.is_(None) | (_ANSWERED > CALL_RECORDS.c.connected_at)),
        _ANSWERED,
    ),
    else_=CALL_RECORDS.c.connected_at,
)
"""When the two began to talk: a call that an agent dials is connected to him before anybody has answered."""
IS_CUSTOMER = CUSTOMERS.c.id == INTERACTIONS.c.customer_id


def of(agents: Sequence[AgentId]) -> sa.ColumnElement[bool]:
    """Calls that one of these agents had, or in which he was called by a colleague."""
    return sa.or_(CALL_RECORDS.c.agent.in_(agents), CALL_RECORDS.c.callee.in_(agents))


def customer(row: sa.RowMapping) -> CustomerRef | None:
    """None: not known, or no longer."""
    if row["customer_id"] is None or row["customer_name"] is None:
        return None
    return CustomerRef(id=row["customer_id"], name=row["customer_name"], code=row["customer_code"])
