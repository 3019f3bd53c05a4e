"""A small server that looks like ARI and misbehaves on demand: silent, slow, odd. For the link's own contract only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

from ctiserver.asterisk.address import AriAddress

Request = dict[str, Any]


class FakeAri:
    """`answer` decides what a request over the WebSocket gets: a dict of RESTResponse fields, or None for silence."""

    def __init__(self) -> None:
        self.address = AriAddress(url="", user="u", password="p")
        self.answer: Callable[[Request], dict[str, object] | None] = lambda request: {"status_code": 204}
        self.ping_status: list[int] = []
        self.pings = 0
        self.requests: list[Request] = []
        self.http_requests: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.opened = asyncio.Event()
        self.on_open: list[bytes] = []

    async def send(self, data: bytes) -> None:
        """One text frame to the client, as it is."""
        await self.sockets[-1].send_frame(data, WSMsgType.TEXT)

    async def reply(self, request: Request, **fields: object) -> None:
        message = {"type": "RESTResponse", "request_id": request["request_id"], "status_code": 204, **fields}
        await self.send(json.dumps(message).encode())

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.sockets.append(socket)
        for frame in self.on_open:
            await self.send(frame)
        self.opened.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = json.loads(message.data)
                if asked["uri"] != "asterisk/ping":
                    self.requests.append(asked)
                fields = self.answer(asked)
                if fields is not None:
                    await self.reply(asked, **fields)
        return socket

    async def _ping(self, request: web.Request) -> web.Response:
        self.pings += 1
        return web.Response(status=self.ping_status.pop(0) if self.ping_status else 200, text="{}")

    async def _other(self, request: web.Request) -> web.Response:
        self.http_requests.append(f"{request.method} {request.raw_path}")
        await request.read()
        return web.Response(text="{}")


@asynccontextmanager
async def fake_ari() -> AsyncIterator[FakeAri]:
    fake = FakeAri()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_get("/ari/asterisk/ping", fake._ping)
    app.router.add_get("/ari/events", fake._events)
    app.router.add_route("*", "/{rest:.*}", fake._other)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    fake.address = AriAddress(url=f"http://127.0.0.1:{port}", user="u", password="p")
    try:
        yield fake
    finally:
        for socket in fake.sockets:
            await socket.close()
        await runner.cleanup()
