"""Who is calling: numbers as keys, the desk that answers a call's look-up, the customer's card."""

from __future__ import annotations

import sqlite3

import pytest

from crm.rules.phones import phone_key
from crm.server import CustomerDesk
from ctiserver.store.customers import SqlCustomers
from tests.api.house import House


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("139 0000 0001", "+8613900000001"),
        ("+86-139-0000-0001", "+8613900000001"),
        ("008613900000001", "+8613900000001"),
        ("(010) 5550 0001", "+861055500001"),
        ("010-55500001 转 801", "+861055500001"),
        ("１３９０００００００１", "+8613900000001"),
        ("+44 7700 900123", "+447700900123"),
        ("95500", "95500"),
        ("110", "110"),
        ("1001", "1001"),
        ("", ""),
        ("anonymous", ""),
        ("转801", ""),
        ("9" * 64, "9" * 32),
    ],
)
def test_a_number_has_one_key_however_it_is_written(written: str, key: str) -> None:
    assert phone_key(written) == key


async def test_the_desk_finds_a_caller_and_remembers_him_while_the_database_is_away(house: House) -> None:
    desk = CustomerDesk(SqlCustomers(house.database), house.clock)
    found = await desk.find("+8613900000001")
    assert found is not None
    house.clock.now += 3600
    await house.database.close()
    path = house.folder / "hollyhock.db"
    for name in (path, path.with_suffix(".db-wal"), path.with_suffix(".db-shm")):
        name.unlink(missing_ok=True)
    sqlite3.connect(path).close()  # an empty file: no such table
    assert await desk.find("139 0000 0001") == found
    assert await desk.find("13900000003") is None
    assert await desk.find("anonymous") is None


async def test_a_card_is_for_people_who_are_logged_in(house: House) -> None:
    assert (await house.client.get("/api/v1/customers/cu-0007")).status == 401
    await house.log_in()
    card = await (await house.client.get("/api/v1/customers/cu-0007")).json()
    assert (card["name"], card["language"], len(card["history"])) == ("Emily Carter", "en", 2)
    for unknown in ("nobody", "%00", "a" * 100):
        assert (await house.client.get(f"/api/v1/customers/{unknown}")).status == 404
