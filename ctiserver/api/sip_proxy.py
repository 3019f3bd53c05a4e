"""The SIP WebSocket of browsers: our port, our rules, then Asterisk's own WebSocket.

Asterisk is connected first and the browser accepted afterwards (503 if that fails), so a page never thinks that it has
a line when it has none. A socket belongs to a lease; it ends with the lease, the login, or when a newer socket of
the same lease comes. Frames: text, at most 16 kB, 50 a second; both directions wait for the slower side (bounded).
No SIP text is ever logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec
import structlog
from aiohttp import WSMsgType, web

from ctiserver.api import sip_text
from ctiserver.api.errors import Unavailable
from ctiserver.model.bucket import TokenBucket
from ctiserver.ports_http import TOO_FAST

log = structlog.get_logger(__name__)

FRAME_BYTES = 16 * 1024
FRAMES_A_SECOND = 50.0
LEASE_TAKEN = 4409
FORBIDDEN = 4403
SWITCH_GONE = 4503
_BACKEND_BYTES = 64 * 1024
_CONNECT_SECONDS = 3.0
_SEND_SECONDS = 5.0
_HEARTBEAT_SECONDS = 6.0

End = tuple[int, str]
"""a WebSocket close code and its reason"""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a socket may do: be this endpoint and call these numbers."""

    lease: str
    endpoint: str
    may_call: tuple[str, ...] = ()
    invited: Callable[[], None] = lambda: None
    """heard when a new call was sent on to Asterisk"""
    registered: Callable[[], None] = lambda: None
    """heard when Asterisk has accepted a registration of this socket: the endpoint has a contact now"""
    alive: Callable[[], None] = lambda: None
    """heard at every frame of the browser"""
    ended: Callable[[], End | None] = lambda: None
    """asked once the socket stands: what ended meanwhile, while Asterisk was being reached"""


class SipProxy:
    """All open sockets by lease. `backend()` is the URL of Asterisk's WebSocket."""

    def __init__(self, backend: Callable[[], str]) -> None:
        self._backend = backend
        self._open: dict[str, asyncio.Future[End]] = {}
        self._client: aiohttp.ClientSession | None = None

    def end_lease(self, lease: str, code: int = LEASE_TAKEN, reason: str = "another page is the phone now") -> None:
        """Close the lease's socket, if one is open."""
        stop = self._open.get(lease)
        if stop is not None and not stop.done():
            stop.set_result((code, reason))

    def is_open(self, lease: str) -> bool:
        return lease in self._open

    async def close(self) -> None:
        for lease in sorted(self._open):
            self.end_lease(lease, aiohttp.WSCloseCode.GOING_AWAY, "the server stops")
        if self._client is not None:
            await self._client.close()

    async def serve(self, request: web.Request, line: Line, gone: Callable[[], None]) -> web.StreamResponse:
        """Carry one browser's socket to its end. `gone` is called when the lease has no socket any more."""
        backend = await self._connect()
        browser = web.WebSocketResponse(
            protocols=("sip",),
            compress=False,
            max_msg_size=FRAME_BYTES + 1,  # aiohttp refuses a frame that reaches its limit
            heartbeat=_HEARTBEAT_SECONDS,
            timeout=1.0,
        )
        try:
            await browser.prepare(request)
        except BaseException:
            await backend.close()
            raise
        stop: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self.end_lease(line.lease, LEASE_TAKEN, "a newer socket of this page came")
        self._open[line.lease] = stop
        already = line.ended()
        if already is not None:
            stop.set_result(already)
        code, reason = int(aiohttp.WSCloseCode.GOING_AWAY), "the server stops"
        try:
            code, reason = await _carry(browser, backend, line, stop)
        finally:
            if self._open.get(line.lease) is stop:
                del self._open[line.lease]
                gone()  # before the closing handshakes: a dead page would hold up the news for seconds
            await asyncio.gather(
                backend.close(), browser.close(code=code, message=reason.encode()), return_exceptions=True
            )
        return browser

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        if self._client is None:
            self._client = aiohttp.ClientSession(trust_env=False, connector=aiohttp.TCPConnector(limit=0))
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await self._client.ws_connect(
                    self._backend(),
                    protocols=("sip",),
                    compress=0,
                    max_msg_size=_BACKEND_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("sip_backend_unreachable", error=type(error).__name__)
            raise Unavailable("switch_unavailable", "The telephone switch is away; the page tries again.") from error


async def _carry(
    browser: web.WebSocketResponse,
    backend: aiohttp.ClientWebSocketResponse,
    line: Line,
    stop: asyncio.Future[End],
) -> End:
    """Run both directions until one ends or `stop` says so; the answer is the close code for the browser."""
    up = asyncio.create_task(_to_switch(browser, backend, line), name="sip-up")
    down = asyncio.create_task(_to_browser(backend, browser, line), name="sip-down")
    try:
        await asyncio.wait({up, down, stop}, return_when=asyncio.FIRST_COMPLETED)
        for done in (stop, up, down):
            if done.done():
                return done.result()
        raise AssertionError("wait returned without a result")
    except (TimeoutError, ConnectionError, aiohttp.ClientError):
        return aiohttp.WSCloseCode.GOING_AWAY, "the connection broke"
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _to_switch(browser: web.WebSocketResponse, backend: aiohttp.ClientWebSocketResponse, line: Line) -> End:
    clock = asyncio.get_running_loop().time
    bucket = TokenBucket(FRAMES_A_SECOND, clock())
    async for message in browser:
        if message.type is not WSMsgType.TEXT:
            return aiohttp.WSCloseCode.UNSUPPORTED_DATA, "text frames only"
        if not bucket.take(clock()):
            return TOO_FAST, "too many frames"
        try:
            sip = sip_text.read(message.data)
        except sip_text.BadSip as error:
            return FORBIDDEN, f"not allowed: {error}"
        if sip is not None and not sip_text.allowed(sip, line.endpoint, line.may_call):
            return FORBIDDEN, "not your endpoint"
        line.alive()
        if sip is not None and sip.method == "INVITE" and not sip.in_dialog:
            line.invited()
        async with asyncio.timeout(_SEND_SECONDS):
            await backend.send_str(message.data)
    return aiohttp.WSCloseCode.GOING_AWAY, "the page closed"


async def _to_browser(
    backend: aiohttp.ClientWebSocketResponse, browser: web.WebSocketResponse, line: Line
) -> End:
    async for message in backend:
        async with asyncio.timeout(_SEND_SECONDS):
            if message.type is WSMsgType.TEXT:
                if sip_text.accepts_registration(message.data):
                    line.registered()
                await browser.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                # Asterisk sends SIP as text; a body that is not UTF-8 would come here and is no use to the page.
                continue
    return SWITCH_GONE, "the switch closed the line"
