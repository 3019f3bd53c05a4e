"""The edge of a live link: one WebSocket that is told documents, a snapshot at sequence N, then deltas (DESIGN 5.8).

Lives here: how many links a login may have, what waits to be written, how much a page may say, how a link ends, and
the three messages that every live link sends. Not here: which documents a page holds and when they are sent (its
server). Times are epoch seconds. A socket that does not read is closed with `RESYNC`; nothing waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import WSMsgType, web

from ctiserver.model.bucket import TokenBucket
from ctiserver.ports_http import LOGIN_ENDED, LOGIN_WATCH, PRINCIPAL, TOO_FAST

MAX_WAITING = 500
"""Messages waiting for a socket that does not read; then it is closed and its page asks again."""
MAX_LINKS = 16
"""Links of one login to one server: each may hold MAX_WAITING messages that nobody reads."""
HEARTBEAT = 10.0
"""Seconds between two pings; half of it without an answer ends the link."""
RESYNC = 4409
"""WebSocket close code: too slow, ask again."""

_CLOSE_SECONDS = 2.0
_json = msgspec.json.Encoder()


class Link:
    """One socket of a logged-in page. `max_frame`: bytes of one frame; `frames`: frames that it may send a second."""

    def __init__(self, request: web.Request, *, max_frame: int, frames: float) -> None:
        self.principal = request[PRINCIPAL]
        self.socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=max_frame, compress=False)
        self._request = request
        self._frames = frames
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self._ending: set[asyncio.Task[None]] = set()

    async def open(self, others: Iterable[Link]) -> None:
        """Shake hands. `others`: the open links of this server; 429 if this login has MAX_LINKS of them."""
        if sum(other.principal.session == self.principal.session for other in others) >= MAX_LINKS:
            raise web.HTTPTooManyRequests
        await self.socket.prepare(self._request)

    def send(self, data: bytes) -> None:
        """Put it into the line; a page that has not read MAX_WAITING messages is sent away."""
        try:
            self._outbox.put_nowait(data)
        except asyncio.QueueFull:
            if not self.socket.closed:
                self.end(RESYNC, b"too slow")

    def end(self, code: int, message: bytes) -> None:
        """Close it, without waiting."""
        task = asyncio.create_task(self.close(code, message))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self, code: int, message: bytes) -> None:
        """Close it, in 2 s at the latest."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.socket.close(code=code, message=message)
        except (TimeoutError, ConnectionError):
            return

    async def serve(self, take: Callable[[str], None], leave: Callable[[], None]) -> None:
        """Write what is sent and `take` what the page says, until the socket or the login ends; then `leave`."""
        watch, loop = self._request.app[LOGIN_WATCH], asyncio.get_running_loop()
        session = self.principal.session
        forget = watch.on_end(session, lambda: self.end(LOGIN_ENDED, b"login ended"))
        bucket = TokenBucket(self._frames, loop.time())
        writer = loop.create_task(self._write())
        try:
            async for message in self.socket:
                if message.type is not WSMsgType.TEXT:
                    await self.close(1003, b"text only")
                    break
                if not bucket.take(loop.time()):
                    await self.close(TOO_FAST, b"too many frames")
                    break
                watch.touch(session)
                take(message.data)
        finally:
            forget()
            leave()
            writer.cancel()
            await asyncio.gather(writer, *self._ending, return_exceptions=True)

    async def _write(self) -> None:
        """The only writer of the socket."""
        try:
            while True:
                await self.socket.send_frame(await self._outbox.get(), WSMsgType.TEXT)
        except (ConnectionError, RuntimeError):
            return  # the reader sees the end of the socket as well


async def close_all(links: Iterable[Link]) -> None:
    """The server goes down; pages try again."""
    for link in list(links):
        await link.close(1012, b"server restarts")


def snapshot(seq: int, now: float, docs: dict[str, bytes]) -> bytes:
    """All documents, encoded, by key: the state at `seq`."""
    return f'{{"type":"snapshot","seq":{seq},"now":{now:.3f},"docs":'.encode() + _docs(docs) + b"}"


def delta(seq: int, prev: int, now: float, fresh: dict[str, bytes], gone: list[str]) -> bytes:
    """What became different between `prev` and `seq`; a page that is not at `prev` asks for a snapshot."""
    head = f'{{"type":"delta","seq":{seq},"prev":{prev},"now":{now:.3f},"set":'
    return head.encode() + _docs(fresh) + b',"del":' + _json.encode(gone) + b"}"


def beat(seq: int, now: float) -> bytes:
    """Nothing was said for a while, and `seq` still stands."""
    return f'{{"type":"beat","now":{now:.3f},"seq":{seq}}}'.encode()


def _docs(docs: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(_json.encode(key) + b":" + data for key, data in docs.items()) + b"}"
