"""Why, for team leads and administrators: who waits (live), and the whole answer for a contact or an offer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable

import msgspec
from aiohttp import WSMsgType, web

from ctiserver.api.errors import ApiError, NotFound, Unavailable, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.model.principal import Permission
from ctiserver.ports_http import LOGIN_ENDED, LOGIN_WATCH, PRINCIPAL, Route
from ctiserver.ports_why import CannotAnswer, Whys
from ctiserver.why import Answer, Unknown

BEAT = 1.0
"""Seconds between two looks at the list; it is sent when it has changed (our choice: calm figures)."""
MAX_LINKS = 64
"""Live lists at once."""
LINKS: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("waiting_links", set)


def _whys(request: web.Request) -> Whys:
    whys = request.app[PARTS].whys
    if whys is None:
        raise NotFound
    return whys


async def why_contact(request: web.Request) -> web.StreamResponse:
    return await _answered(_whys(request).contact(request.match_info["contact"]))


async def why_offer(request: web.Request) -> web.StreamResponse:
    return await _answered(_whys(request).offer(request.match_info["reservation"]))


async def _answered(asked: Awaitable[Answer]) -> web.StreamResponse:
    try:
        return json_answer(await asked)
    except Unknown:
        raise NotFound("unknown_contact", "There is no such contact or offer.") from None
    except CannotAnswer as error:
        raise Unavailable("cannot_answer", str(error)) from None


async def waiting_live(request: web.Request) -> web.StreamResponse:
    """The whole list whenever it has changed, at most once a second; nothing is taken."""
    whys, links = _whys(request), request.app[LINKS]
    if len(links) >= MAX_LINKS:
        raise ApiError(429, "too_many", "Too many of these at once. Close some pages, then try again.")
    socket = web.WebSocketResponse(heartbeat=10.0, max_msg_size=1024, compress=False)
    await socket.prepare(request)
    session = request[PRINCIPAL].session
    links.add(socket)
    sender = asyncio.create_task(_send(socket, whys))
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


async def _send(socket: web.WebSocketResponse, whys: Whys) -> None:
    seq, said = -1, b""
    with contextlib.suppress(ConnectionError, RuntimeError):  # the reader sees the end of the socket as well
        while not socket.closed:
            if whys.seq != seq:
                seq, now = whys.seq, whys.waiting()
                fresh = msgspec.json.encode(msgspec.structs.replace(now, now=0.0))
                if fresh != said:
                    said = fresh
                    await socket.send_str(msgspec.json.encode(now).decode())
            await asyncio.sleep(BEAT)


async def close_links(app: web.Application) -> None:
    links: set[web.WebSocketResponse] = app[LINKS]
    for socket in list(links):
        await socket.close(code=1012, message=b"server restarts")


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/contacts/{contact}/why",
        handler=why_contact,
        summary="Why a contact waits, and what would serve it now; of one that is over what happened to it",
        access=Permission.WHY,
        answer=Answer,
        statuses=(401, 403, 404, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/offers/{reservation}/why",
        handler=why_offer,
        summary="Why an offer went to this agent: every agent of the site at that moment",
        access=Permission.WHY,
        answer=Answer,
        statuses=(401, 403, 404, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/waiting/live",
        handler=waiting_live,
        summary="All waiting contacts in the fair order, sent whenever they change (WebSocket)",
        access=Permission.WHY,
        websocket=True,
        statuses=(401, 403, 404, 429),
    ),
)
