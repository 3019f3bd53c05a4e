"""The customers' repository, read-only for calls. Implements ports_http.Customers; numbers are looked up by key."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crm.rules.phones import phone_key
from ctiserver.model.facts import Customer, CustomerNote
from ctiserver.store.database import Database
from ctiserver.store.tables import CUSTOMER_NOTES, CUSTOMER_PHONES, CUSTOMERS

HISTORY_LINES = 20


class SqlCustomers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_number(self, number: str) -> Customer | None:
        """Who has this number; of several the one with the smallest id. None if nobody has."""
        key = phone_key(number)
        if not key:
            return None
        query = (
            sa.select(CUSTOMERS)
            .join(CUSTOMER_PHONES, CUSTOMER_PHONES.c.customer_id == CUSTOMERS.c.id)
            .where(CUSTOMER_PHONES.c.number == key)
            .order_by(CUSTOMERS.c.id)
            .limit(1)
        )
        return await self._one(query)

    async def by_id(self, customer: str) -> Customer | None:
        return await self._one(sa.select(CUSTOMERS).where(CUSTOMERS.c.id == customer))

    async def with_phones(self, limit: int) -> Sequence[Customer]:
        async with self._database.read() as connection:
            rows = (await connection.execute(sa.select(CUSTOMERS).order_by(CUSTOMERS.c.code).limit(limit))).mappings()
            return [_customer(row, await _phones(connection, row["id"]), ()) for row in rows.all()]

    async def add(self, customer: Customer) -> None:
        async with self._database.write() as connection:
            await add_customer(connection, customer)

    async def _one(self, query: sa.Select[tuple[object, ...]]) -> Customer | None:
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
            if row is None:
                return None
            phones = await _phones(connection, row["id"])
            notes = (
                await connection.execute(
                    sa.select(CUSTOMER_NOTES)
                    .where(CUSTOMER_NOTES.c.customer_id == row["id"])
                    .order_by(CUSTOMER_NOTES.c.at.desc(), CUSTOMER_NOTES.c.position)
                    .limit(HISTORY_LINES)
                )
            ).mappings()
            history = tuple(CustomerNote(at=note["at"], kind=note["kind"], text=note["text"]) for note in notes)
        return _customer(row, phones, history)


async def add_customer(connection: AsyncConnection, customer: Customer) -> None:
    """Insert a customer with his phones and history."""
    await connection.execute(
        CUSTOMERS.insert().values(
            id=customer.id,
            code=customer.code,
            name=customer.name,
            classes=list(customer.classes),
            language=customer.language,
            manager=customer.manager,
        )
    )
    for position, raw in enumerate(customer.phones):
        row = {"customer_id": customer.id, "position": position, "number": phone_key(raw), "raw": raw}
        await connection.execute(CUSTOMER_PHONES.insert().values(row))
    for position, note in enumerate(customer.history):
        row = {"customer_id": customer.id, "position": position, "at": note.at, "kind": note.kind, "text": note.text}
        await connection.execute(CUSTOMER_NOTES.insert().values(row))


async def _phones(connection: AsyncConnection, customer: str) -> tuple[str, ...]:
    query = sa.select(CUSTOMER_PHONES.c.raw).where(CUSTOMER_PHONES.c.customer_id == customer)
    return tuple((await connection.execute(query.order_by(CUSTOMER_PHONES.c.position))).scalars())


def _customer(row: sa.RowMapping, phones: tuple[str, ...], history: tuple[CustomerNote, ...]) -> Customer:
    return Customer(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        classes=tuple(row["classes"]),
        language=row["language"],
        manager=row["manager"],
        phones=phones,
        history=history,
    )
