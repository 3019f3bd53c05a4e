"""How late the server is, and whether new calls are turned away for it (DESIGN 5.6).

Lives here: measuring the lag once a second, and the decision with its hysteresis. Not here: telling the dialplan.

The lag is the greatest of three: how late a short sleep of the event loop ends, how late the dispatcher's timer fired,
and how long the switch's answer to a ping took, which waits in the socket behind every event that is not yet handled: a
loop that is always busy wakes in time and still falls behind. LIMIT is DESIGN 5.6's; the windows are our own choice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from ctiserver.model.errors import SwitchError

log = structlog.get_logger(__name__)

LIMIT = 0.25
"""Seconds of lag over which new calls are turned away; running ones go on."""
WINDOW = 1.0
"""Seconds over which the greatest lag counts."""
NAPS = 10
"""Short sleeps in one window."""
OVER = 3
"""Windows in a row over the limit that make us busy: one or two are a hiccup."""
BACK = 3
"""Windows in a row under half the limit that end it."""


class Load:
    """`ping()` is a question to the switch (None while there is no link), `timer_late()` the lateness of the
    dispatcher's timer since it was asked last; `changed` hears of each change of `busy`."""

    def __init__(
        self,
        ping: Callable[[], Awaitable[object] | None],
        timer_late: Callable[[], float],
        changed: Callable[[bool], None],
        *,
        window: float = WINDOW,
    ) -> None:
        self._ping = ping
        self._timer_late = timer_late
        self._changed = changed
        self._window = window
        self._over = 0
        self._under = 0
        self.busy = False
        self.lag = 0.0
        """of the last window, seconds"""

    async def run(self) -> None:
        """For ever."""
        while True:
            self._judge(await self._measured())

    async def _measured(self) -> float:
        """The greatest lag of one window."""
        question = self._ping()
        answer = asyncio.ensure_future(_timed(question)) if question is not None else None
        late = 0.0
        nap = self._window / NAPS
        for _ in range(NAPS):
            began = time.monotonic()
            await asyncio.sleep(nap)
            late = max(late, time.monotonic() - began - nap)
        if answer is not None:
            took = await answer
            late = max(late, took)
        return max(late, self._timer_late())

    def _judge(self, lag: float) -> None:
        self.lag = lag
        self._over = self._over + 1 if lag > LIMIT else 0
        self._under = self._under + 1 if lag < LIMIT / 2 else 0
        if not self.busy and self._over >= OVER:
            self.busy = True
            log.error("overloaded", lag_ms=round(lag * 1000), advice="new calls hear the apology")
            self._changed(True)
        elif self.busy and self._under >= BACK:
            self.busy = False
            log.warning("load_is_bearable", lag_ms=round(lag * 1000))
            self._changed(False)


async def _timed(question: Awaitable[object]) -> float:
    """Seconds until the answer. That the switch is away is no lag of ours: it has its own alarm."""
    began = time.monotonic()
    try:
        await question
    except SwitchError:
        return 0.0
    return time.monotonic() - began
