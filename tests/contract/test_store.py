"""One suite for SQLite and PostgreSQL: schema, people, logins, customers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from ctiserver.model.ids import AgentId
from ctiserver.model.principal import Role
from ctiserver.model.site import Label
from ctiserver.ports_http import DatabaseUnavailable, StoredLogin, User
from ctiserver.store import demo
from ctiserver.store.customers import SqlCustomers
from ctiserver.store.database import BadDatabaseUrl, Database, async_url
from ctiserver.store.tables import CUSTOMERS, METADATA, ROLES, USERS
from ctiserver.store.users import SqlLogins, SqlUsers

NOW = 1_780_000_000.0


def a_user(name: str = "1001", role: Role = Role.AGENT) -> User:
    return User(id=name, role=role, password_hash="hash", name=Label(zh="王芳", en="Wang"), agent=AgentId(name))


def a_login(user: User, n: int = 1) -> StoredLogin:
    return StoredLogin(token_hash=f"{n:064x}", user=user, csrf="c", created_at=NOW, seen_at=NOW + n)


async def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await demo.seed(database, "hash", NOW)
    await database.migrate()
    assert not await demo.is_empty(database)


async def test_the_roles_are_those_of_the_one_table(database: Database) -> None:
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(ROLES.c.id).order_by(ROLES.c.id))).scalars().all()
    assert list(rows) == sorted(Role)


async def test_a_user_comes_back_as_he_was(database: Database) -> None:
    users = SqlUsers(database)
    await users.add(a_user())
    assert await users.get("1001") == a_user()
    assert await users.get("1002") is None
    await users.set_password_hash("1001", "new")
    assert (await users.get("1001")) == User(
        id="1001", role=Role.AGENT, password_hash="new", name=Label(zh="王芳", en="Wang"), agent=AgentId("1001")
    )


async def test_two_users_cannot_be_the_same_agent(database: Database) -> None:
    users = SqlUsers(database)
    await users.add(a_user())
    twin = User(id="other", role=Role.LEAD, password_hash="h", name=Label(zh="", en=""), agent=AgentId("1001"))
    with pytest.raises(IntegrityError):
        await users.add(twin)


async def test_logins_are_kept_seen_and_removed(database: Database) -> None:
    await SqlUsers(database).add(a_user())
    logins = SqlLogins(database)
    for n in (1, 2, 3):
        await logins.add(a_login(a_user(), n))
    assert list(await logins.load(NOW)) == [a_login(a_user(), n) for n in (1, 2, 3)]
    await logins.seen([(f"{1:064x}", NOW + 50)])
    assert [each.seen_at - NOW for each in await logins.load(NOW + 2)] == [50.0, 3.0]
    await logins.remove([f"{2:064x}", f"{3:064x}", "unknown"])
    assert len(await logins.load(NOW)) == 1
    await logins.remove([])
    await logins.seen([])


async def test_a_login_goes_with_its_user(database: Database) -> None:
    await SqlUsers(database).add(a_user())
    await SqlLogins(database).add(a_login(a_user()))
    async with database.write() as connection:
        await connection.execute(USERS.delete())
    assert await SqlLogins(database).load(0.0) == []


async def test_a_login_of_nobody_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await SqlLogins(database).add(a_login(a_user()))


async def test_the_demo_data_goes_only_into_an_empty_database(database: Database) -> None:
    assert await demo.is_empty(database)
    assert await demo.seed(database, "hash", NOW)
    assert not await demo.seed(database, "other", NOW + 1)
    async with database.read() as connection:
        people = (await connection.execute(sa.select(USERS.c.id, USERS.c.role).order_by(USERS.c.id))).all()
        assert (await connection.execute(sa.select(sa.func.count()).select_from(CUSTOMERS))).scalar_one() == 8
    assert [tuple(each) for each in people] == [
        *((str(n), "agent") for n in range(1001, 1007)),
        ("2001", "lead"),
        ("admin", "admin"),
    ]


@pytest.mark.parametrize("number", ["13900000001", "+86 139 0000 0001", "+8613900000001", "0086 13900000001"])
async def test_a_customer_is_found_however_his_number_is_written(database: Database, number: str) -> None:
    await demo.seed(database, "hash", NOW)
    found = await SqlCustomers(database).by_number(number)
    assert found is not None
    assert found.name == "张伟"
    assert [note.kind for note in found.history] == ["call", "complaint"]
    assert found.phones == ("13900000001", "010-55500001")


async def test_strange_numbers_find_nobody_and_break_nothing(database: Database) -> None:
    await demo.seed(database, "hash", NOW)
    customers = SqlCustomers(database)
    for number in ("", "anonymous", "1001", "95500", "9" * 64, "\0", "'; drop table customers; --", "+", "〇"):
        assert await customers.by_number(number) is None
    assert await customers.by_id("cu-0007") is not None
    assert await customers.by_id("nobody") is None


async def test_writers_that_read_first_lose_no_update(database: Database) -> None:
    """Thirty writers at once, each reading a value and writing one more: BEGIN IMMEDIATE or a row lock keeps all."""
    await SqlUsers(database).add(a_user())
    async with database.write() as connection:
        await connection.execute(USERS.update().values(password_hash="0"))

    async def one_more() -> None:
        for _attempt in range(50):
            try:
                async with database.write() as connection:
                    row = sa.select(USERS.c.password_hash).with_for_update()
                    count = int((await connection.execute(row)).scalar_one())
                    await connection.execute(USERS.update().values(password_hash=str(count + 1)))
                return
            except DatabaseUnavailable:
                continue
        raise AssertionError("a writer never got its turn")

    await asyncio.gather(*(one_more() for _ in range(30)))
    user = await SqlUsers(database).get("1001")
    assert user is not None
    assert user.password_hash == "30"


@pytest.mark.parametrize("attempt", [lambda db: SqlUsers(db).get("x"), lambda db: SqlLogins(db).load(0.0)])
async def test_a_database_that_is_not_there_is_one_error(attempt: Callable[[Database], object]) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:9/none", wait_seconds=0.5)
    with pytest.raises(DatabaseUnavailable):
        await attempt(nowhere)  # type: ignore[misc]
    with pytest.raises(DatabaseUnavailable):
        await nowhere.migrate()
    await nowhere.close()


def test_only_sqlite_and_postgresql_urls_are_taken() -> None:
    assert async_url("sqlite:////data/x.db").drivername == "sqlite+aiosqlite"
    assert async_url("postgresql://u:p@h/db").drivername == "postgresql+asyncpg"
    for url in ("mysql://h/db", "nonsense", ""):
        with pytest.raises(BadDatabaseUrl):
            async_url(url)
