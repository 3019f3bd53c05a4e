"""What goes wrong behind the server's back: another ARI client, Asterisk's command line, events that never arrive."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from ctiserver.asterisk.switch import UNUSED_EVENTS
from tests.harness.site import Site

ENDS = ("StasisStart", "StasisEnd", "ChannelHangupRequest", "ChannelDestroyed", "ChannelLeftBridge")


async def meddle(site: Site, method: str, path: str, body: object = None, **params: str) -> Any:
    """One request of another ARI client, over HTTP. Fails if Asterisk refuses it."""
    address = site.asterisk.ari
    headers = {"Authorization": aiohttp.encode_basic_auth(address.user, address.password)}
    url = f"{address.url}/ari/{path}"
    async with site.http.request(method, url, headers=headers, params=params, json=body) as answer:
        data = await answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {data!r}"
        return msgspec.json.decode(data) if data else None


@asynccontextmanager
async def deaf(site: Site) -> AsyncIterator[None]:
    """For a moment Asterisk tells the server of no beginning and no end of a channel."""

    async def disallow(*types: str) -> None:
        body = {"disallowed": [{"type": kind} for kind in types]}
        await meddle(site, "PUT", "applications/hollyhock/eventFilter", body)

    await disallow(*UNUSED_EVENTS, *ENDS)
    try:
        yield
        await asyncio.sleep(0.3)
    finally:
        await disallow(*UNUSED_EVENTS)


async def console(site: Site, command: str) -> str:
    """One command on Asterisk's own command line."""
    words = Path(f"/proc/{site.asterisk.pid}/cmdline").read_text().split("\0")
    program = words[: words.index("-f")]
    done = await asyncio.to_thread(
        subprocess.run, [*program, "-rx", command], capture_output=True, text=True, timeout=10, check=False
    )
    return done.stdout + done.stderr


async def name_of(site: Site, channel: str) -> str:
    """What the command line calls a channel."""
    name: str = (await site.ari(f"channels/{channel}"))["name"]
    return name
