"""Repositories of people and their logins. Passwords are hashed elsewhere (ctiserver.store.passwords)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ctiserver.model.ids import AgentId
from ctiserver.model.principal import Role
from ctiserver.model.site import Label
from ctiserver.ports_http import StoredLogin, User
from ctiserver.store.database import Database
from ctiserver.store.tables import SESSIONS, USERS


class SqlUsers:
    """Implements ports_http.Users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user: str) -> User | None:
        async with self._database.read() as connection:
            row = (await connection.execute(sa.select(USERS).where(USERS.c.id == user))).mappings().first()
        return _user(row) if row is not None else None

    async def add(self, user: User) -> None:
        async with self._database.write() as connection:
            await connection.execute(USERS.insert().values(user_row(user)))

    async def set_password_hash(self, user: str, password_hash: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(USERS.update().where(USERS.c.id == user).values(password_hash=password_hash))


class SqlLogins:
    """Implements ports_http.Logins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, seen_after: float) -> Sequence[StoredLogin]:
        query = sa.select(SESSIONS, USERS).join(USERS, USERS.c.id == SESSIONS.c.user_id)
        query = query.where(SESSIONS.c.seen_at > seen_after).order_by(SESSIONS.c.token_hash)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [
            StoredLogin(
                token_hash=row["token_hash"],
                user=_user(row),
                csrf=row["csrf"],
                created_at=row["created_at"],
                seen_at=row["seen_at"],
            )
            for row in rows
        ]

    async def add(self, login: StoredLogin) -> None:
        row = {
            "token_hash": login.token_hash,
            "user_id": login.user.id,
            "csrf": login.csrf,
            "created_at": login.created_at,
            "seen_at": login.seen_at,
        }
        async with self._database.write() as connection:
            await connection.execute(SESSIONS.insert().values(row))

    async def seen(self, seen: Sequence[tuple[str, float]]) -> None:
        if not seen:
            return
        statement = (
            SESSIONS.update().where(SESSIONS.c.token_hash == sa.bindparam("of")).values(seen_at=sa.bindparam("at"))
        )
        async with self._database.write() as connection:
            await connection.execute(statement, [{"of": token_hash, "at": at} for token_hash, at in seen])

    async def remove(self, token_hashes: Sequence[str]) -> None:
        if not token_hashes:
            return
        async with self._database.write() as connection:
            await connection.execute(SESSIONS.delete().where(SESSIONS.c.token_hash.in_(token_hashes)))


def user_row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "role": user.role.value,
        "password_hash": user.password_hash,
        "name_zh": user.name.zh,
        "name_en": user.name.en,
        "agent_id": user.agent,
    }


def _user(row: sa.RowMapping) -> User:
    return User(
        id=row["id"],
        role=Role(row["role"]),
        password_hash=row["password_hash"],
        name=Label(zh=row["name_zh"], en=row["name_en"]),
        agent=AgentId(row["agent_id"]) if row["agent_id"] is not None else None,
    )
