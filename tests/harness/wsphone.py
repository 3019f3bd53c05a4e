"""A SIP phone over WebSocket that plays the browser's softphone, where a test needs exact moments.

Here: `WsPhone`, the WebSocket transport (RFC 7118, subprotocol `sip`) around SipCore, and its WebRTC-looking answers.
Not here: media (its DTLS key does not exist, so no audio ever flows; use browser.py for that).
"""

import asyncio
import secrets
import struct
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from tests.harness import sdp
from tests.harness.sipcore import Identity, SipCall, SipCore
from tests.harness.sipmessage import SipMessage
from tests.harness.waiting import PATIENCE, exactly_at


class WsPhone:
    """`async with WsPhone("ws://host/sip", user="1001", password="...") as phone: await phone.registered()`

    `headers` and `cookies` go into the handshake (session cookie, Origin). Entering fails with
    aiohttp.WSServerHandshakeError when the server refuses. Calls: `call = await phone.next_call()`, then
    `await phone.answer_at(call, moment)`, `phone.answer(call)`, `call.reject(603)`, `call.bye()`, or nothing at all.
    `await phone.drop()` cuts the socket without a word; `await phone.connect()` opens a new one.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str,
        password: str = "",
        domain: str = "localhost",
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        ssl: bool = True,
    ) -> None:
        self.url = url
        self.closed = asyncio.Event()
        self.close_code: int | None = None
        self._headers, self._cookies, self._ssl = dict(headers or {}), dict(cookies or {}), ssl
        host = f"{secrets.token_hex(6)}.invalid"
        self.core = SipCore(
            Identity(
                user=user,
                domain=domain,
                contact=f"sip:{secrets.token_hex(4)}@{host};transport=ws",
                via=f"SIP/2.0/WS {host}",
                password=password,
            ),
            lambda message: self.raw(message.encode()),
        )
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self._close_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close_all()

    async def _close_all(self) -> None:
        await self.core.close()
        if self._socket and not self._socket.closed:
            await self._socket.close()
        await self._end_reader()
        if self._http:
            await self._http.close()

    async def _end_reader(self) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def connect(self) -> None:
        """Opens the socket (again); known calls stay known."""
        await self._end_reader()
        if self._http is None:
            self._http = aiohttp.ClientSession(cookies=self._cookies, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._socket = await self._http.ws_connect(
            self.url, protocols=("sip",), headers=self._headers, ssl=self._ssl, autoping=True
        )
        self.closed.clear()
        connection = self._socket._response.connection
        assert connection is not None
        self._transport = connection.transport
        self._reader = asyncio.create_task(self._read(self._socket), name="wsphone reader")

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            data: str | bytes = frame.data
            self.core.received(data.encode() if isinstance(data, str) else data)
        self.close_code = socket.close_code
        self.closed.set()

    def raw(self, data: bytes) -> None:
        """Sends one text frame with these bytes now. On a lost socket it goes nowhere, as in a browser.

        The frame is written straight to the transport: aiohttp's own send waits for a turn of the event loop, and tests
        of crossing messages count in milliseconds.
        """
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_text_frame(data))

    async def drop(self) -> None:
        """Cuts the TCP connection: no BYE, no un-REGISTER, no closing handshake."""
        await self._end_reader()
        if self._transport is not None:
            self._transport.abort()
        self.closed.set()

    async def registered(self, *, expires: int = 300, timeout: float = PATIENCE) -> SipMessage:
        """REGISTER with digest; fails unless it ends in 200."""
        answer = await self.core.register(expires=expires, timeout=timeout)
        assert answer.status == 200, f"REGISTER ended in {answer}"
        return answer

    async def next_call(self, timeout: float = PATIENCE) -> SipCall:
        return await self.core.next_call(timeout)

    def answer(self, call: SipCall) -> None:
        """200 with a WebRTC-looking answer, now."""
        call.answer(sdp.webrtc_answer(call.remote_sdp))

    async def answer_at(self, call: SipCall, moment: float) -> float:
        """200 at this monotonic moment (the body is made before); returns how late it was, in seconds."""
        body = sdp.webrtc_answer(call.remote_sdp)
        late = await exactly_at(moment)
        call.answer(body)
        return late

    def invite(self, number: str, *, message: SipMessage | None = None) -> SipCall:
        """Calls a number with a WebRTC-looking offer (a challenge is answered once); or sends the given INVITE."""
        return self.core.invite(f"sip:{number}@{self.core.identity.domain}", sdp.webrtc_offer(), message=message)


def _text_frame(data: bytes) -> bytes:
    """One masked, unfragmented WebSocket text frame (RFC 6455, 5.2)."""
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", 0x81, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x81, 0x80 | 127, size)
    mask = secrets.token_bytes(4)
    return head + mask + bytes(byte ^ mask[index & 3] for index, byte in enumerate(data))
