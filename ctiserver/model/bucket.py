"""How fast somebody may talk: a token bucket. Pure: the time is told, never taken."""

from __future__ import annotations


class TokenBucket:
    """`rate` tokens a second, at most `rate` kept. `now` is any steadily rising clock in seconds."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._at = now

    def take(self, now: float) -> bool:
        """Whether there was a token left."""
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
