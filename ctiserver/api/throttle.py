"""Login throttling: how many failures a user name and an address may have. Pure but for the clock handed in.

Three counters a try: this name from this address (a forgotten password), this name from anywhere (a guesser with
many addresses), this address with any name (a guesser with many names). A try counts before its password is checked
and is taken back when it was right, so a burst of parallel tries gets no extra ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

WINDOW_SECONDS = 300.0
LIMITS = {"pair": 5, "user": 30, "address": 60}


class LoginThrottle:
    """Bounded memory: the oldest of `size` counters is forgotten first. `now` is in seconds."""

    def __init__(self, now: Callable[[], float], *, size: int = 10_000) -> None:
        self._now = now
        self._size = size
        self._counters: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def begin(self, user: str, address: str) -> float:
        """Count a try. 0.0 = go on; else how many seconds to wait (and nothing is counted)."""
        now = self._now()
        wait = max(self._wait(key, now) for key in _keys(user, address))
        if wait > 0:
            return wait
        for key in _keys(user, address):
            since, count = self._get(key, now)
            self._put(key, since, count + 1)
        return 0.0

    def succeeded(self, user: str, address: str) -> None:
        """The try was right: it does not count, and this pair begins afresh."""
        now = self._now()
        for key in _keys(user, address):
            since, count = self._get(key, now)
            self._put(key, since, 0 if key[0] == "pair" else max(0, count - 1))

    def __len__(self) -> int:
        return len(self._counters)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        since, count = self._get(key, now)
        return since + WINDOW_SECONDS - now if count >= LIMITS[key[0]] else 0.0

    def _get(self, key: tuple[str, str], now: float) -> tuple[float, int]:
        since, count = self._counters.get(key, (now, 0))
        return (since, count) if now - since < WINDOW_SECONDS else (now, 0)

    def _put(self, key: tuple[str, str], since: float, count: int) -> None:
        self._counters.pop(key, None)
        if count == 0:
            return
        self._counters[key] = (since, count)
        while len(self._counters) > self._size:
            self._counters.popitem(last=False)


def _keys(user: str, address: str) -> tuple[tuple[str, str], ...]:
    return (("pair", f"{user}\n{address}"), ("user", user), ("address", address))
