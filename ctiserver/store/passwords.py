"""Password hashing: argon2id in a small thread pool of its own.

A hash takes tens of milliseconds and tens of megabytes: never on the event loop, never more than two at a time.
Parameters are argon2-cffi's RFC 9106 low-memory profile. A password and its hash never reach a log.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import argon2
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Hash and check. At most `queued` checks wait; more raise TooBusy at once."""

    def __init__(self, *, threads: int = 2, queued: int = 32, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher()
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._queued = queued
        self._waiting = 0
        self._nobody = self._hasher.hash("nobody has this password")

    def hash_now(self, password: str) -> str:
        """Blocking; for set-up, before the loop serves anybody."""
        return self._hasher.hash(password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """True if the password fits. With None (unknown user) it does the same work and answers False."""
        if self._waiting >= self._queued:
            raise TooBusy
        self._waiting += 1
        try:
            fits = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._check, password_hash or self._nobody, password
            )
        finally:
            self._waiting -= 1
        return fits and password_hash is not None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _check(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


class TooBusy(Exception):
    """Too many password checks wait."""
