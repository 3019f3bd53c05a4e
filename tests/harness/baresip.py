"""A second SIP stack, not ours: baresip phones with sound, as a browser's softphone or as a plain telephone.

Here: `Baresip` (the stack; the library allows one in a process at a time), `BaresipPhone`, `BaresipCall`. Not here: our
own user agents (sip.py, wsphone.py), which can do odd things at exact moments and this one cannot.
As a softphone it speaks SIP over WebSocket, ICE and DTLS-SRTP like a browser. It cannot send a cookie, an Origin or a
text frame, and Asterisk's sound for browsers of this machine is on 127.0.0.1, where baresip's ICE does not look:
`_Gate` stands between. Its ICE waits for the candidate that cannot work: sound begins some 2.5 s after the answer.
After the loss of its socket it can register again but not renew a dialog: the BYE of that call never reaches it.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
import re
import socket
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import numpy as np
from aiohttp import WSMsgType, web
from baresip import (
    AudioNotActive,
    AudioRestarted,
    BaresipError,
    Call,
    CallState,
    Config,
    Event,
    Runtime,
    StackEvent,
    UserAgent,
)

from tests.harness import tones
from tests.harness.g711 import RATE, Pcm
from tests.harness.waiting import PATIENCE, eventually

PACE = 0.02
AHEAD = 0.16
"""Seconds of sound that are written ahead: baresip sends silence when it runs dry."""
KEPT = 60.0
"""Seconds of heard sound that are kept."""


class Baresip:
    """`async with Baresip() as stack: phone = await stack.softphone(...)`; all phones end with the block.

    `loopback`: plain telephones on 127.0.0.1 (`telephone`); otherwise softphones, which need another interface.
    """

    def __init__(self, *, loopback: bool = False, rtp: tuple[int, int] = (33000, 33999)) -> None:
        self._loopback, self._rtp = loopback, rtp
        self.address = "127.0.0.1" if loopback else _own_address()
        self.runtime = Runtime()
        self._phones: list[BaresipPhone] = []

    async def __aenter__(self) -> Self:
        first, last = self._rtp
        await self.runtime.start(
            Config(
                net_interface=self.address,
                max_concurrent_calls=None,
                native_log_level="error",
                extra_config_text=f"rtp_ports {first}-{last}\n",
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for phone in self._phones:
            await phone.end_calls()
        await self.runtime.close()
        for phone in self._phones:
            await phone.close()

    async def softphone(
        self, url: str, *, user: str, password: str, headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None, tone: float = 660.0,
    ) -> BaresipPhone:  # fmt: skip
        """A browser's phone at this WebSocket, not yet registered."""
        assert not self._loopback, "softphones need Baresip(loopback=False)"
        gate = _Gate(url, self.address, headers or {}, cookies or {})
        await gate.open()
        aor = (
            f'<sip:{user}@hollyhock.invalid>;auth_user={user};auth_pass="{password}";regint=300;answermode=manual;'
            f'audio_codecs=pcma,pcmu;outbound="sip:{self.address}:{gate.port};transport=ws";'
            "medianat=ice;mediaenc=dtls_srtp;rtcp_mux=yes"
        )
        return await self._phone(aor, tone, gate)

    async def telephone(
        self, server: tuple[str, int], *, user: str, password: str = "", register: bool = False, tone: float = 660.0
    ) -> BaresipPhone:
        """A plain telephone by UDP at this server; `register=False`: it only calls."""
        assert self._loopback, "telephones on 127.0.0.1 need Baresip(loopback=True)"
        aor = (
            f'<sip:{user}@{server[0]}:{server[1]};transport=udp>;auth_pass="{password}";'
            f"regint={300 if register else 0};answermode=manual;audio_codecs=pcma,pcmu;dtmfmode=rtpevent"
        )
        return await self._phone(aor, tone, None)

    async def _phone(self, aor: str, tone: float, gate: _Gate | None) -> BaresipPhone:
        phone = BaresipPhone(await UserAgent.create(self.runtime, aor), tone, gate)
        self._phones.append(phone)
        return phone


class BaresipPhone:
    """One account. What WsPhone has (registered, next_call, answer, connect, drop) has the same name here."""

    def __init__(self, agent: UserAgent, tone: float, gate: _Gate | None) -> None:
        self.agent, self.tone = agent, tone
        self.calls: list[BaresipCall] = []
        self._gate = gate
        self._incoming: asyncio.Queue[BaresipCall] = asyncio.Queue()
        self._answering: set[asyncio.Task[None]] = set()
        self._established: set[int] = set()
        agent.on(self._note)
        agent.on_incoming(lambda call: self._incoming.put_nowait(self._add(call)))

    def _note(self, event: StackEvent) -> None:
        if event.event is Event.CALL_ESTABLISHED:
            self._established.add(event.call)

    def _add(self, call: Call) -> BaresipCall:
        self.calls.append(BaresipCall(call, self.tone))
        return self.calls[-1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As WsPhone; the stack ends the phone for good."""
        await self.drop()

    async def registered(self, *, timeout: float = PATIENCE) -> None:
        await self.agent.register(timeout=timeout)

    async def connect(self) -> None:
        """A new socket: the next request opens it."""
        await self.drop()

    async def drop(self) -> None:
        """The socket is cut without a word; a call's sound goes on."""
        if self._gate is not None:
            await self._gate.cut()

    async def next_call(self, timeout: float = PATIENCE) -> BaresipCall:
        try:
            return await asyncio.wait_for(self._incoming.get(), timeout)
        except TimeoutError:
            raise AssertionError(f"no call within {timeout:g} s") from None

    def answer(self, call: BaresipCall) -> None:
        """200 as soon as the stack's own thread gets to it."""
        task = asyncio.get_running_loop().create_task(call.answer())
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def dial(self, uri: str, *, timeout: float = 10.0) -> BaresipCall:
        """Calls and waits for the answer. Raises baresip's CallFailed and its kin when it is refused."""
        call = self._add(await self.agent.dial(uri))
        if call.native.handle not in self._established:  # the library loses an answer that comes before `dial` returns
            await call.native.wait_established(timeout)
        call.talk()
        return call

    @property
    def call(self) -> BaresipCall:
        """The call that stands now."""
        return next(call for call in reversed(self.calls) if not call.over)

    async def end_calls(self) -> None:
        for task in list(self._answering):
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        for call in self.calls:
            with contextlib.suppress(BaresipError):
                await call.bye()

    async def close(self) -> None:
        if self._gate is not None:
            await self._gate.close()


class BaresipCall:
    """One call: speaks the phone's tone, keeps what it hears."""

    def __init__(self, native: Call, tone: float) -> None:
        self.native = native
        self._second = array.array(
            "h", [round(8000 * math.sin(2 * math.pi * round(tone) * n / RATE)) for n in range(RATE)]
        ).tobytes()
        self._position = 0
        self._heard: deque[tuple[float, Pcm]] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        return self.native.state is CallState.CLOSED

    async def answer(self) -> None:
        await self.native.answer()
        self.talk()

    async def reject(self) -> None:
        """486 (the stack sends no other)."""
        await self.native.reject()

    async def bye(self) -> None:
        if not self.over:
            await self.native.hangup()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ended(self, timeout: float = PATIENCE) -> None:
        await eventually(lambda: self.over, timeout, "the end of the call")

    async def press(self, digits: str) -> None:
        await self.native.send_dtmf(digits)

    def talk(self) -> None:
        """Begin to speak and to listen."""
        self._task = asyncio.get_running_loop().create_task(self._talk(), name="baresip sound")

    async def _talk(self) -> None:
        while not self.over:
            with contextlib.suppress(AudioNotActive, AudioRestarted):  # before ICE is through, and in a re-INVITE
                self._speak()
                self._listen()
            await asyncio.sleep(PACE)

    def _speak(self) -> None:
        info = self.native.audio.info()
        missing = int(AHEAD * RATE) * 2 - info.tx_buffered
        if info.tx_ready and missing > 0:
            part = (self._second * 2)[self._position : self._position + missing]
            self._position = (self._position + self.native.audio.write(part)) % len(self._second)

    def _listen(self) -> None:
        data = self.native.audio.read(65536)
        if data:
            now = time.monotonic()
            self._heard.append((now, np.frombuffer(data, dtype=np.int16)))
            while self._heard[0][0] < now - KEPT:
                self._heard.popleft()

    def last(self, seconds: float) -> Pcm:
        """The sound of the last seconds, shorter when less came."""
        since = time.monotonic() - seconds
        parts = [pcm for at, pcm in self._heard if at > since]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)

    async def hears(self, hz: float, *, within: float = PATIENCE, window: float = 0.2) -> float:
        """Waits until this tone fills the last `window` seconds; returns the monotonic moment."""

        def check() -> bool:
            sound = self.last(window)
            assert len(sound) >= 0.7 * window * RATE, f"only {len(sound) / RATE * 1000:.0f} ms of sound arrived"
            assert tones.has_tone(sound, hz), f"strongest is {tones.dominant(sound)}"
            return True

        await eventually(check, within, f"baresip hears {hz:g} Hz")
        return time.monotonic()


class _Gate:
    """One phone's way to the server: a WebSocket of ours, carried on as text frames with cookie and Origin."""

    def __init__(self, url: str, address: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        self._url, self._address = url, address
        self._headers, self._cookies = dict(headers), dict(cookies)
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.port = 0

    async def open(self) -> None:
        self._http = aiohttp.ClientSession(cookies=self._cookies, cookie_jar=aiohttp.CookieJar(unsafe=True))
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, 0).start()
        self.port = self._runner.addresses[0][1]

    async def cut(self) -> None:
        for down in list(self._sockets):
            if down._req is not None and down._req.transport is not None:
                down._req.transport.abort()

    async def close(self) -> None:
        await self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        assert self._http is not None
        try:
            up = await self._http.ws_connect(self._url, protocols=("sip",), headers=self._headers, compress=0)
        except aiohttp.ClientError:
            return web.Response(status=503)
        down = web.WebSocketResponse(protocols=("sip",), compress=False)
        await down.prepare(request)
        self._sockets.add(down)
        ways = [asyncio.create_task(self._up(down, up)), asyncio.create_task(self._down(up, down))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._sockets.discard(down)
            await up.close()
        return down

    async def _up(self, down: web.WebSocketResponse, up: aiohttp.ClientWebSocketResponse[Any]) -> None:
        async for message in down:
            data = message.data.decode() if isinstance(message.data, bytes) else message.data
            if data.strip():  # not the keep-alives
                await up.send_str(data)

    async def _down(self, up: aiohttp.ClientWebSocketResponse[Any], down: web.WebSocketResponse) -> None:
        async for message in up:
            if message.type is WSMsgType.TEXT:
                await down.send_bytes(_with_loopback(message.data, self._address).encode())


def _with_loopback(text: str, address: str) -> str:
    """The SIP message with one more candidate in its SDP: the same port on 127.0.0.1, where Asterisk really listens."""
    head, gap, body = text.partition("\r\n\r\n")
    line = re.search(rf"^a=candidate:\S+ 1 UDP \d+ {re.escape(address)} (\d+) typ host\r\n", body, re.MULTILINE)
    if line is None:
        return text
    extra = f"a=candidate:H7f000001 1 UDP 2130706431 127.0.0.1 {line[1]} typ host\r\n"
    body = body[: line.start()] + extra + body[line.start() :]
    head = re.sub(r"(?im)^content-length:\s*\d+", f"Content-Length: {len(body.encode())}", head)
    return head + gap + body


def _own_address() -> str:
    """This machine's address that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))
        address: str = probe.getsockname()[0]
    return address
