"""Logins: tokens, who is behind them, when they end.

A token is 32 random bytes in a cookie; only its SHA-256 is kept, in SQL and here. This process is the only writer,
so once loaded the copy in memory is the truth: a database that goes away logs nobody out. What it missed meanwhile
(last-seen times, logouts) is written when it is back. A login ends by logout or after 12 hours without a request.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable

import msgspec
import structlog

from ctiserver.model.principal import Principal
from ctiserver.ports_http import DatabaseUnavailable, Logins, StoredLogin, User

log = structlog.get_logger(__name__)

IDLE_SECONDS = 12 * 3600.0
LOGINS_PER_USER = 10
_FLUSH_SECONDS = 60.0


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One login as handlers see it."""

    principal: Principal
    csrf: str


class _Kept(msgspec.Struct, kw_only=True):
    login: Login
    stored: StoredLogin
    seen_at: float
    written_at: float


class LoginBook:
    """All live logins. Implements ports_http.LoginWatch. `now` is epoch seconds."""

    def __init__(self, store: Logins, now: Callable[[], float], *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._store = store
        self._now = now
        self._idle = idle_seconds
        self._by_hash: dict[str, _Kept] = {}
        self._hash_of: dict[str, str] = {}
        self._ends: dict[str, list[Callable[[], None]]] = {}
        self._to_remove: set[str] = set()
        self._loaded = False

    async def load(self) -> None:
        """Read the stored logins once. Raises DatabaseUnavailable."""
        if self._loaded:
            return
        stored = await self._store.load(self._now() - self._idle)
        if not self._loaded:
            self._loaded = True
            for one in stored:
                self._keep(one)

    async def find(self, token: str) -> Login | None:
        """A cookie's login; None if it is unknown or has ended. Raises DatabaseUnavailable before the first load."""
        await self.load()
        kept = self._by_hash.get(_hash(token))
        if kept is None:
            return None
        if self._now() - kept.seen_at > self._idle:
            self._drop(kept)
            return None
        kept.seen_at = self._now()
        return kept.login

    async def create(self, user: User) -> tuple[str, Login]:
        """A new login and its token. Raises DatabaseUnavailable."""
        await self.load()
        token = secrets.token_urlsafe(32)
        now = self._now()
        stored = StoredLogin(
            token_hash=_hash(token), user=user, csrf=secrets.token_urlsafe(24), created_at=now, seen_at=now
        )
        await self._store.add(stored)
        mine = [kept for kept in self._by_hash.values() if kept.stored.user.id == user.id]
        for old in sorted(mine, key=lambda kept: kept.seen_at)[: max(0, len(mine) - LOGINS_PER_USER + 1)]:
            self._drop(old)
        return token, self._keep(stored).login

    async def end(self, session: str) -> None:
        """Log out; sockets of the login are told at once, the database as soon as it can be."""
        kept = self._by_hash.get(self._hash_of.get(session, ""))
        if kept is not None:
            self._drop(kept)
        await self._flush()

    def on_end(self, session: str, call: Callable[[], None]) -> Callable[[], None]:
        if session not in self._hash_of:
            call()
            return lambda: None
        self._ends.setdefault(session, []).append(call)

        def forget() -> None:
            calls = self._ends.get(session, [])
            if call in calls:
                calls.remove(call)
            if not calls:
                self._ends.pop(session, None)

        return forget

    def lives(self, session: str) -> bool:
        return session in self._hash_of

    def touch(self, session: str) -> None:
        kept = self._by_hash.get(self._hash_of.get(session, ""))
        if kept is not None:
            kept.seen_at = self._now()

    async def run(self) -> None:
        """Until cancelled: end idle logins, write what the database has not seen."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.tidy()

    async def tidy(self) -> None:
        now = self._now()
        for kept in [kept for kept in self._by_hash.values() if now - kept.seen_at > self._idle]:
            self._drop(kept)
        await self._flush()

    async def _flush(self) -> None:
        gone = sorted(self._to_remove)
        changed = [kept for kept in self._by_hash.values() if kept.seen_at > kept.written_at]
        seen = [(kept.stored.token_hash, kept.seen_at) for kept in changed]
        try:
            await self._store.remove(gone)
            self._to_remove.difference_update(gone)
            await self._store.seen(seen)
        except DatabaseUnavailable:
            log.warning("logins_not_written", ended=len(gone), seen=len(seen))
            return
        for token_hash, at in seen:
            kept = self._by_hash.get(token_hash)
            if kept is not None:
                kept.written_at = at

    def _keep(self, stored: StoredLogin) -> _Kept:
        principal = Principal(
            session=stored.token_hash[:16],
            user=stored.user.id,
            role=stored.user.role,
            name=stored.user.name,
            agent=stored.user.agent,
        )
        kept = _Kept(
            login=Login(principal=principal, csrf=stored.csrf),
            stored=stored,
            seen_at=stored.seen_at,
            written_at=stored.seen_at,
        )
        self._by_hash[stored.token_hash] = kept
        self._hash_of[principal.session] = stored.token_hash
        return kept

    def _drop(self, kept: _Kept) -> None:
        session = kept.login.principal.session
        self._by_hash.pop(kept.stored.token_hash, None)
        self._hash_of.pop(session, None)
        self._to_remove.add(kept.stored.token_hash)
        for call in self._ends.pop(session, []):
            call()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
