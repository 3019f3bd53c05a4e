"""How soon an agent's phone is told that the caller whom it rings for has gone: BYE to CANCEL, again and again.

Here: the run and its figures. Not here: how often and what is allowed (tests/live/test_waiting.py, tests/torture).
"""

from __future__ import annotations

import asyncio

from tests.harness.site import Desk, Site
from tests.live.house import BRISK, calling

RINGS = (0.0, 0.01, 0.03, 0.1, 0.2)
"""Seconds that the phone rings before the caller goes, in turn."""


async def bye_to_cancel(site: Site, desk: Desk, times: int) -> list[float]:
    """Milliseconds from the caller's BYE to the CANCEL at the phone, shortest first. The desk is signed in."""
    await desk.ready()
    assert desk.phone is not None
    took: list[float] = []
    for number in range(times):
        async with calling(site, BRISK, f"139{number:08}") as line:
            call = await desk.phone.next_call()
            call.ring()
            await asyncio.sleep(RINGS[number % len(RINGS)])
            line.call.bye()
            await call.ended(2)
            assert call.ended_by == "cancelled"
            took.append((call.time_of("CANCEL", way="in") - line.call.time_of("BYE", way="out")) * 1000)
        await desk.state("ready")
    return sorted(took)


def figures(took: list[float]) -> str:
    """Median, the 99th of 100, and the longest."""
    return f"BYE to CANCEL, {len(took)} runs: p50 {middle(took):.1f}, p99 {p99(took):.1f}, max {took[-1]:.1f} ms"


def middle(took: list[float]) -> float:
    return took[len(took) // 2]


def p99(took: list[float]) -> float:
    """The value that 99 of 100 do not exceed; the longest when there are fewer than 100."""
    return took[-1 - len(took) // 100]
