"""The book of deadlines: part of the state, absolute times, so they survive a restart (DESIGN 5.4).

One entry a key; setting it again moves it. The heap is only an index of the dictionary and is rebuilt from it.
"""

from __future__ import annotations

import heapq
from collections.abc import KeysView


class Deadlines:
    """Keys and their times (epoch seconds). `due` gives those that have passed, in order of time, then key."""

    __slots__ = ("_at", "_heap")

    def __init__(self, at: dict[str, float] | None = None) -> None:
        self._at: dict[str, float] = dict(at or {})
        self._heap = sorted((when, key) for key, when in self._at.items())

    def set(self, key: str, at: float) -> None:
        self._at[key] = at
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._at):
            self._heap = sorted((when, k) for k, when in self._at.items())

    def drop(self, key: str) -> None:
        self._at.pop(key, None)

    def get(self, key: str) -> float | None:
        return self._at.get(key)

    def next(self) -> float | None:
        """The earliest deadline, or None."""
        self._trim()
        return self._heap[0][0] if self._heap else None

    def first_due(self, now: float) -> str | None:
        """The key of the earliest deadline at or before `now`; it stays in the book until dropped."""
        self._trim()
        return self._heap[0][1] if self._heap and self._heap[0][0] <= now else None

    def keys(self) -> KeysView[str]:
        return self._at.keys()

    def before(self, at: float) -> list[str]:
        """Keys whose time is before `at`, in order of time, then key."""
        return [key for when, key in sorted((when, key) for key, when in self._at.items() if when < at)]

    def as_dict(self) -> dict[str, float]:
        return dict(self._at)

    def _trim(self) -> None:
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
