"""A list that is sent whole over a WebSocket whenever it has changed, at most once a beat. Nothing is taken from it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import WSMsgType, web

from ctiserver.api.errors import ApiError
from ctiserver.ports_http import LOGIN_ENDED, LOGIN_WATCH, PRINCIPAL

MAX_LINKS = 64
"""Live lists of one kind at once."""

Links = set[web.WebSocketResponse]


async def serve(
    request: web.Request,
    links: Links,
    seq: Callable[[], int],
    look: Callable[[], tuple[bytes, bytes]],
    beat: float,
) -> web.StreamResponse:
    """`look` gives the list as it is compared, and as it is sent (with the time); it is called when `seq` has changed.
    `beat`: seconds between two looks. The socket ends with the login."""
    if len(links) >= MAX_LINKS:
        raise ApiError(429, "too_many", "Too many of these at once. Close some pages, then try again.")
    socket = web.WebSocketResponse(heartbeat=10.0, max_msg_size=1024, compress=False)
    await socket.prepare(request)
    session = request[PRINCIPAL].session
    links.add(socket)
    sender = asyncio.create_task(_send(socket, seq, look, beat))
    ending: set[asyncio.Task[object]] = set()

    def end() -> None:
        ending.add(asyncio.create_task(socket.close(code=LOGIN_ENDED, message=b"login ended")))

    forget = request.app[LOGIN_WATCH].on_end(session, end)
    try:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            request.app[LOGIN_WATCH].touch(session)
    finally:
        forget()
        links.discard(socket)
        sender.cancel()
        await asyncio.gather(sender, *ending, return_exceptions=True)
    return socket


async def _send(
    socket: web.WebSocketResponse, seq: Callable[[], int], look: Callable[[], tuple[bytes, bytes]], beat: float
) -> None:
    looked, said = -1, b""
    with contextlib.suppress(ConnectionError, RuntimeError):  # the reader sees the end of the socket as well
        while not socket.closed:
            if seq() != looked:
                looked = seq()
                fresh, whole = look()
                if fresh != said:
                    said = fresh
                    await socket.send_str(whole.decode())
            await asyncio.sleep(beat)


async def close(links: Links) -> None:
    for socket in list(links):
        await socket.close(code=1012, message=b"server restarts")
