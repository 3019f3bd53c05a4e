"""The browser-like SIP phone against a small WebSocket registrar."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.harness import sdp, sipmessage
from tests.harness.sipcore import Identity, SipCall, SipCore
from tests.harness.waiting import eventually
from tests.harness.wsphone import WsPhone

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=Asterisk\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\na=group:BUNDLE audio-0\r\n"
    b"m=audio 10000 UDP/TLS/RTP/SAVPF 8 0 101\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789\r\n"
    b"a=fingerprint:SHA-256 AA:BB\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=rtcp-mux\r\na=mid:audio-0\r\na=sendrecv\r\n"
)


class Registrar:
    """Accepts `sip` WebSockets, challenges each REGISTER once, and can call the phone."""

    def __init__(self) -> None:
        self.socket: web.WebSocketResponse | None = None
        self.cookie = ""
        self.core: SipCore | None = None
        self.registered: list[str] = []
        self.gone = asyncio.Event()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        if request.headers.get("Origin") == "http://evil.invalid":
            raise web.HTTPForbidden
        self.cookie = request.cookies.get("session", "")
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        assert socket.ws_protocol == "sip"
        outbox: asyncio.Queue[sipmessage.SipMessage] = asyncio.Queue()
        identity = Identity("server", "localhost", "sip:server@127.0.0.1", "SIP/2.0/WS 127.0.0.1")
        self.core = SipCore(identity, outbox.put_nowait)
        self.core.polite = False

        async def write() -> None:
            while True:
                await socket.send_bytes((await outbox.get()).encode())

        writer = asyncio.create_task(write())
        try:
            async for frame in socket:
                data: str = frame.data
                message = sipmessage.parse(data.encode())
                self.core.received(data.encode())
                if message.method == "REGISTER":
                    self.core.send(self.judge(message))
                elif message.method == "BYE":
                    self.core.send(sipmessage.response_to(message, 200))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self.gone.set()
        return socket

    def judge(self, request: sipmessage.SipMessage) -> sipmessage.SipMessage:
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', request.get("authorization")))
        if not fields:
            answer = sipmessage.response_to(request, 401, tag="r")
            answer.headers.append(
                ("WWW-Authenticate", 'Digest realm="asterisk", nonce="n1", algorithm=MD5, qop="auth"')
            )
            return answer

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        secret, action = md5("1001:asterisk:right"), md5(f"REGISTER:{request.uri}")
        expected = md5(f"{secret}:n1:{fields['nc']}:{fields['cnonce']}:auth:{action}")
        if fields["response"] != expected:
            return sipmessage.response_to(request, 403, tag="r")
        self.registered.append(sipmessage.address(request.get("contact")))
        return sipmessage.response_to(request, 200, tag="r")

    def call(self) -> SipCall:
        assert self.core
        call = self.core.invite(self.registered[-1], OFFER)
        self.core.polite = True
        return call


@pytest_asyncio.fixture
async def registrar() -> AsyncIterator[tuple[Registrar, str]]:
    server = Registrar()
    app = web.Application()
    app.router.add_get("/sip", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield server, f"ws://127.0.0.1:{runner.addresses[0][1]}/sip"
    await runner.cleanup()


async def test_it_registers_with_digest_and_carries_the_session_cookie(registrar: tuple[Registrar, str]) -> None:
    server, url = registrar
    async with WsPhone(url, user="1001", password="right", cookies={"session": "abc"}) as phone:
        await phone.registered()
        assert server.cookie == "abc"
        assert len(server.registered) == 1


async def test_a_wrong_password_and_a_wrong_origin_are_refused(registrar: tuple[Registrar, str]) -> None:
    _, url = registrar
    async with WsPhone(url, user="1001", password="wrong") as phone:
        with pytest.raises(AssertionError, match="REGISTER ended in 403"):
            await phone.registered()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await WsPhone(url, user="1001", headers={"Origin": "http://evil.invalid"}).__aenter__()


async def test_it_answers_like_a_browser(registrar: tuple[Registrar, str]) -> None:
    server, url = registrar
    async with WsPhone(url, user="1001", password="right") as phone:
        await phone.registered()
        theirs = server.call()
        ours = await phone.next_call()
        ours.ring()
        phone.answer(ours)
        await theirs.answered()
        await ours.acked()
        answer = theirs.remote_sdp
        assert sdp.attribute(answer, "setup") == "active"
        assert sdp.attribute(answer, "group") == "BUNDLE audio-0"
        assert sdp.attribute(answer, "fingerprint").startswith("sha-256 ")
        assert b"a=rtcp-mux" in answer
        media = sdp.parse(answer)
        assert media
        assert media.payloads == (8, 101)
        bye = ours.bye()
        assert (await phone.core.outcome(bye)).status == 200


async def test_it_rejects_or_never_answers(registrar: tuple[Registrar, str]) -> None:
    server, url = registrar
    async with WsPhone(url, user="1001", password="right") as phone:
        await phone.registered()
        first = server.call()
        (await phone.next_call()).reject(603)
        assert (await first.final()).status == 603
        second = server.call()
        ours = await phone.next_call()
        ours.ring()
        await second.ringing()
        second.cancel()
        assert (await second.final()).status == 487
        assert ours.ended_by == "cancelled"


async def test_a_dropped_socket_says_no_word_and_a_new_one_registers_again(registrar: tuple[Registrar, str]) -> None:
    server, url = registrar
    async with WsPhone(url, user="1001", password="right") as phone:
        await phone.registered()
        before = len(phone.core.log)
        await phone.drop()
        await asyncio.wait_for(server.gone.wait(), 10)
        assert len(phone.core.log) == before
        await phone.connect()
        await phone.registered()
        await eventually(lambda: len(server.registered) == 2, 10, "registered again")
        assert server.registered[0] == server.registered[1]
