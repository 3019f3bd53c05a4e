"""How soon an agent's phone is told that the caller whom it rings for has gone: BYE to CANCEL, again and again.

Here: the run and its figures. Not here: how often and what is allowed (tests/live/test_waiting.py, tests/torture).
"""

from __future__ import annotations

import asyncio
import time

from tests.harness.site import Desk, Site
from tests.live.house import BRISK, calling
from tests.live.kills import Lateness

RINGS = (0.0, 0.01, 0.03, 0.1, 0.2)
"""Seconds that the phone rings before the caller goes, in turn."""


class Cancels:
    """Milliseconds from the caller's BYE to the CANCEL at the phone, shortest first: `took` as measured, `own` less
    what this machine kept the test, Asterisk or the server waiting for a processor meanwhile."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.own: list[float] = []

    def __str__(self) -> str:
        took, own = self.took, self.own
        return (
            f"BYE to CANCEL, {len(took)} runs: p50 {took[len(took) // 2]:.1f}, p99 {p99(took):.1f}, max {took[-1]:.1f} "
            f"ms; without the machine's pauses max {own[-1]:.1f} ms"
        )


async def bye_to_cancel(site: Site, desk: Desk, times: int) -> Cancels:
    """The desk is signed in; nobody else serves the queue."""
    await desk.ready()
    assert desk.phone is not None
    runs: list[tuple[float, float]] = []
    async with Lateness(site.asterisk.pid) as lateness:
        lateness.watch("server", site.pid)
        for number in range(times):
            async with calling(site, BRISK, f"139{number:08}") as line:
                call = await desk.phone.next_call()
                call.ring()
                await asyncio.sleep(RINGS[number % len(RINGS)])
                begin = time.monotonic()
                line.call.bye()
                await call.ended(2)
                assert call.ended_by == "cancelled"
                took = (call.time_of("CANCEL", way="in") - line.call.time_of("BYE", way="out")) * 1000
            runs.append((begin, took))
            await desk.state("ready")
    made = Cancels()
    for begin, took in runs:
        end = begin + took / 1000
        starved = sum(lateness.starved(begin, end, group) for group in ("asterisk", "server"))
        made.own.append(took - lateness.worst(begin, end) - starved)
    made.took = sorted(took for _, took in runs)
    made.own.sort()
    return made


def p99(took: list[float]) -> float:
    """The value that 99 of 100 do not exceed; the longest when there are fewer than 100."""
    return took[-1 - len(took) // 100]
