"""Overload: how late the server is, when new calls are turned away for it, and when they are taken again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import pytest

from ctiserver.load import BACK, LIMIT, NAPS, OVER, Load
from ctiserver.model.errors import SwitchError
from tests.harness.waiting import eventually

WINDOW = 0.1


class Watched:
    """A load under test, and what it has said."""

    def __init__(self) -> None:
        self.said: list[bool] = []
        self.answer: Awaitable[object] | None = None
        self.late = 0.0
        self.load = Load(lambda: self.answer, lambda: self.late, self.said.append, window=WINDOW)

    async def windows(self, count: int) -> None:
        for _ in range(count):
            self.load._judge(await self.load._measured())


async def test_a_burst_of_slow_turns_turns_new_calls_away_until_it_is_over() -> None:
    watched = Watched()
    task = asyncio.create_task(watched.load.run())
    while not watched.load.busy:
        time.sleep(LIMIT + 0.05)  # noqa: ASYNC251 - the turn that takes too long
        await asyncio.sleep(WINDOW / NAPS)
    assert watched.load.lag > LIMIT
    await eventually(lambda: not watched.load.busy, 5, "no longer busy")
    assert watched.said == [True, False]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_hiccup_turns_nobody_away() -> None:
    watched = Watched()
    asyncio.get_running_loop().call_later(WINDOW / NAPS, time.sleep, LIMIT + 0.05)
    await watched.windows(1)
    assert watched.load.lag > LIMIT
    await watched.windows(2)
    assert watched.said == []


async def test_an_answer_that_waits_behind_events_counts_although_the_loop_wakes_in_time() -> None:
    watched = Watched()
    for _ in range(OVER):
        watched.answer = asyncio.sleep(LIMIT + 0.1)
        await watched.windows(1)
    assert watched.said == [True]


async def test_a_late_timer_counts_and_the_way_back_takes_some_calm_windows() -> None:
    watched = Watched()
    watched.late = LIMIT + 0.01
    await watched.windows(OVER)
    assert watched.said == [True]
    watched.late = LIMIT * 0.7  # neither over the limit nor calm
    await watched.windows(BACK + 1)
    assert watched.said == [True]
    watched.late = 0.0
    await watched.windows(BACK - 1)
    assert watched.said == [True]
    await watched.windows(1)
    assert watched.said == [True, False]


async def test_a_switch_that_is_away_is_no_lag_of_ours() -> None:
    async def away() -> None:
        await asyncio.sleep(LIMIT + 0.1)
        raise SwitchError("away")

    watched = Watched()
    for _ in range(OVER):
        watched.answer = away()
        await watched.windows(1)
    watched.answer = None
    await watched.windows(1)
    assert watched.said == []
