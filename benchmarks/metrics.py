"""The server's own metrics page, as an operator's Prometheus would read it. Names are those of the operator guide."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import msgspec

EVERY = 3.0
"""Seconds between two readings in a window: each costs the server about 2 ms."""
LAG = "hollyhock_dispatcher_lag_seconds"
"""How late the server was in the last second."""
TURNS, TURN_SECONDS = "hollyhock_turn_seconds_count", "hollyhock_turn_seconds_sum"
FAULTS, OPEN = "hollyhock_audit_faults_total", "hollyhock_audit_open_faults"
_LINE = re.compile(r"^([a-z_:]+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """Of one window, in milliseconds: the dispatcher's lag (largest of the readings), the mean turn."""

    lag: float
    turn: float


def parse(text: str) -> dict[str, float]:
    """Name, with its labels if it has any, -> value."""
    return {name: float(value) for name, value in _LINE.findall(text)}


def total(page: dict[str, float], name: str) -> float:
    """Over all labels."""
    return sum(value for key, value in page.items() if key.partition("{")[0] == name)


async def read(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    async with http.get(f"{url}/metrics", raise_for_status=True) as answer:
        return parse(await answer.text())


async def watch(http: aiohttp.ClientSession, url: str, seconds: float) -> Watched:
    """Takes `seconds`."""
    until = asyncio.get_running_loop().time() + seconds
    first = last = await read(http, url)
    lags = []
    while (left := until - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(EVERY, left))
        last = await read(http, url)
        lags.append(last[LAG])
    turns = last[TURNS] - first[TURNS]
    return Watched(
        lag=round(max(lags) * 1000, 2),
        turn=round((last[TURN_SECONDS] - first[TURN_SECONDS]) * 1000 / max(1.0, turns), 3),
    )
