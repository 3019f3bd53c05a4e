"""The harness against the real thing: SIPp callers and the WebSocket phone on a private Asterisk, told by plain ARI."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from ctiserver.asterisk.runtime import Instance, running
from tests.harness import sdp
from tests.harness.g711 import Codec
from tests.harness.sipp import ODD_HEADERS, SippCaller
from tests.harness.waiting import PATIENCE, eventually
from tests.harness.wsphone import WsPhone


class PlainAri:
    """Just enough ARI to answer, play a tone and see digits; no code of the project in between."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self.http, self.base = http, base
        self.events: list[dict[str, Any]] = []
        self.news = asyncio.Event()

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            self.events.append(frame.json())
            self.news.set()

    async def event(self, kind: str, within: float = PATIENCE) -> dict[str, Any]:
        """Takes the oldest event of this type."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for event in self.events:
                        if event["type"] == kind:
                            self.events.remove(event)
                            return event
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            kinds = [event["type"] for event in self.events]
            raise AssertionError(f"no {kind} within {within:g} s; other events: {kinds}") from None

    async def do(self, method: str, path: str, json: object = None, **query: str) -> None:
        async with self.http.request(method, f"{self.base}/ari/{path}", params=query, json=json) as answer:
            assert answer.status < 300, await answer.text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asterisk() -> AsyncIterator[Instance]:
    async with running(rtp=(31000, 31099)) as instance:
        yield instance


@pytest_asyncio.fixture
async def ari(asterisk: Instance) -> AsyncIterator[PlainAri]:
    sign = {"Authorization": aiohttp.encode_basic_auth(asterisk.ari.user, asterisk.ari.password)}
    async with aiohttp.ClientSession(headers=sign) as http:

        async def forgotten() -> bool:
            async with http.get(f"{asterisk.ari.url}/ari/applications/hollyhock") as answer:
                return answer.status == 404

        # Asterisk forgets an application some time after its socket has closed. A new socket of the same name that
        # comes before loses its application with the old one, and then stays open without any event.
        await eventually(forgotten, 10, "Asterisk forgets the application of the test before", poll=0.005)
        async with http.ws_connect(f"{asterisk.ari.url}/ari/events?app=hollyhock") as socket:
            client = PlainAri(http, asterisk.ari.url)
            reader = asyncio.create_task(client.listen(socket))
            yield client
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)


async def arrival(ari: PlainAri) -> str:
    """The next caller, answered; returns the channel's id."""
    channel: str = (await ari.event("StasisStart"))["channel"]["id"]
    await ari.do("POST", f"channels/{channel}/answer")
    return channel


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
async def test_a_caller_hears_asterisk_and_asterisk_gets_its_digits(
    asterisk: Instance, ari: PlainAri, codec: Codec
) -> None:
    async with SippCaller(asterisk.sip, "95500", codec=codec) as caller:
        channel = await arrival(ari)
        await caller.answered()
        await ari.do("POST", f"channels/{channel}/play", media="tone:600")
        await caller.hears(600)
        assert caller.rtp.codecs() == {codec}
        await caller.press("5")
        assert (await ari.event("ChannelDtmfReceived"))["digit"] == "5"
        await caller.press("7#", by="info")
        assert [(await ari.event("ChannelDtmfReceived"))["digit"] for _ in range(2)] == ["7", "#"]
        await caller.hang_up()
        await ari.event("StasisEnd")
        assert caller.trace.ended_by == "caller"


async def test_asterisk_hangs_up_and_the_trace_knows_it(asterisk: Instance, ari: PlainAri) -> None:
    async with SippCaller(asterisk.sip, "95500", rtp=False) as caller:
        channel = await arrival(ari)
        await caller.answered()
        await ari.do("DELETE", f"channels/{channel}")
        await caller.ended()
        assert caller.trace.ended_by == "called"


async def test_a_caller_gives_up_before_the_answer(asterisk: Instance, ari: PlainAri) -> None:
    async with SippCaller(asterisk.sip, "95500") as caller:
        channel = (await ari.event("StasisStart"))["channel"]["id"]
        await ari.do("POST", f"channels/{channel}/ring")
        await caller.ringing()
        await caller.hang_up()
        assert await caller.final() == 487
        await ari.event("StasisEnd")


@pytest.mark.parametrize("name", [b"\xff\xfe\x01\x80", b"x" * 2000, "客户".encode()], ids=["binary", "huge", "zh"])
async def test_odd_callers_reach_asterisk(asterisk: Instance, ari: PlainAri, name: bytes) -> None:
    async with SippCaller(asterisk.sip, "95500", caller_name=name, extra_headers=ODD_HEADERS) as caller:
        await arrival(ari)
        await caller.answered()
        await caller.hang_up()


async def test_the_websocket_phone_registers_and_answers(asterisk: Instance, ari: PlainAri) -> None:
    name, password = f"phone{secrets.token_hex(3)}", secrets.token_hex(8)
    objects: dict[str, dict[str, str]] = {
        "auth": {"auth_type": "userpass", "username": name, "password": password},
        "aor": {"max_contacts": "1", "remove_existing": "yes"},
        "endpoint": {
            "webrtc": "yes", "dtls_auto_generate_cert": "yes", "allow": "!all,alaw,ulaw", "auth": name, "aors": name,
            "context": "hollyhock-in",
        },
    }  # fmt: skip
    for kind, values in objects.items():
        fields = [{"attribute": k, "value": v} for k, v in values.items()]
        await ari.do("PUT", f"asterisk/config/dynamic/res_pjsip/{kind}/{name}", json={"fields": fields})
    url = asterisk.ari.url.replace("http", "ws") + "/ws"
    async with WsPhone(url, user=name, password=password) as phone:
        await phone.registered()
        await ari.do("POST", "channels", endpoint=f"PJSIP/{name}", app="hollyhock", timeout="5")
        call = await phone.next_call()
        call.ring()
        phone.answer(call)
        await call.acked()
        channel = (await ari.event("StasisStart"))["channel"]["id"]
        await ari.do("DELETE", f"channels/{channel}")
        await call.ended()
        assert call.ended_by == "them"

        mine = phone.invite("95500")
        channel = await arrival(ari)
        assert sdp.attribute((await mine.answered()).body, "setup") == "active"
        assert len([e for e in mine.log("out") if e.message.method == "INVITE"]) == 2, "unsigned, then signed"
        assert (await phone.core.outcome(mine.bye())).status == 200
        await ari.event("StasisEnd")

    for kind in ("endpoint", "aor", "auth"):
        await ari.do("DELETE", f"asterisk/config/dynamic/res_pjsip/{kind}/{name}")
