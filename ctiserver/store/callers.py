"""Who called, beside a row of any list: the columns, and what they say of the customer."""

from __future__ import annotations

import sqlalchemy as sa

from ctiserver.ports_http import CustomerRef
from ctiserver.store.tables import CUSTOMERS, INTERACTIONS

COLUMNS = (
    INTERACTIONS.c.caller_number,
    INTERACTIONS.c.caller_name,
    INTERACTIONS.c.customer_id,
    CUSTOMERS.c.name.label("customer_name"),
    CUSTOMERS.c.code.label("customer_code"),
)
"""For a query that joins the interaction, and the customer where there is one (`IS_CUSTOMER`, an outer join)."""
IS_CUSTOMER = CUSTOMERS.c.id == INTERACTIONS.c.customer_id


def customer(row: sa.RowMapping) -> CustomerRef | None:
    """None: not known, or no longer."""
    if row["customer_id"] is None or row["customer_name"] is None:
        return None
    return CustomerRef(id=row["customer_id"], name=row["customer_name"], code=row["customer_code"])
