"""A list that is sent whole over a WebSocket whenever it has changed, at most once a beat. Nothing is taken from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from ctiserver import live_link
from ctiserver.api.errors import ApiError
from ctiserver.live_link import Link

MAX_LINKS = 64
"""Live lists of one kind at once."""
MAX_FRAME = 1024
FRAMES_A_SECOND = 5.0
LINKS: web.AppKey[dict[str, set[Link]]] = web.AppKey("live_lists", dict)
"""The open ones, by address."""


async def serve(
    request: web.Request, seq: Callable[[], int], look: Callable[[], tuple[bytes, bytes]], beat: float
) -> web.StreamResponse:
    """`look` gives the list as it is compared, and as it is sent (with the time); it is called when `seq` has changed.
    `beat`: seconds between two looks. The socket ends with the login."""
    links = request.app[LINKS].setdefault(request.path, set())
    if len(links) >= MAX_LINKS:
        raise ApiError(429, "too_many", "Too many of these at once. Close some pages, then try again.")
    link = Link(request, max_frame=MAX_FRAME, frames=FRAMES_A_SECOND)
    await link.open(links)
    links.add(link)
    looking = asyncio.create_task(_look(link, seq, look, beat))

    def leave() -> None:
        links.discard(link)
        looking.cancel()

    await link.serve(lambda _text: None, leave)
    await asyncio.gather(looking, return_exceptions=True)
    return link.socket


async def _look(link: Link, seq: Callable[[], int], look: Callable[[], tuple[bytes, bytes]], beat: float) -> None:
    looked, said = -1, b""
    while True:
        if seq() != looked:
            looked = seq()
            fresh, whole = look()
            if fresh != said:
                said = fresh
                link.send(whole)
        await asyncio.sleep(beat)


async def close(app: web.Application) -> None:
    for links in app[LINKS].values():
        await live_link.close_all(links)
