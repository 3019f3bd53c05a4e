"""Bad input on the web side: the live link, the SIP socket, HTTP. A declared refusal each, and no call suffers.

A caller waits in a queue all the while; agent 1001 has a call of his own where a test needs one to attack.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from ctiserver.live_link import MAX_LINKS
from ctiserver.ports_http import TOO_FAST
from tests.harness import sdp
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.harness.wsphone import WsPhone
from tests.live.house import (
    CALM,
    LONELY,
    Line,
    calling,
    conversation_of,
    hears_music,
    lead,
    served_at_last,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139999000"
WAITS = f"{PREFIX}99"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def waiting(house: Site) -> AsyncIterator[Line]:
    """He waits through all of it, in a queue that nobody serves until the last test."""
    async with calling(house, LONELY, WAITS) as line:
        await hears_music(line.rtp)
        yield line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(house: Site) -> AsyncIterator[Desk]:
    """The one who attacks: agent 1002, logged in as he may be."""
    async with Desk(house, "1002") as desk:
        yield desk


class Raw:
    """A live link of one's own, to say whatever one likes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.socket: aiohttp.ClientWebSocketResponse[bool] | None = None

    async def __aenter__(self) -> Raw:
        site = self._desk.site
        cookies = {cookie.key: cookie.value for cookie in self._desk._http.cookie_jar}
        self._http = aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True))
        try:
            self.socket = await self._http.ws_connect(f"{site.url}/api/v1/live", headers={"Origin": site.url})
        except aiohttp.WSServerHandshakeError:
            await self._http.close()
            raise
        assert (await self.socket.receive(10)).json()["type"] == "snapshot"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.socket is not None
        await self.socket.close()
        await self._http.close()

    async def says(self, data: str | bytes) -> dict[str, Any] | int:
        """The answer to one frame, or the code with which the socket was closed."""
        assert self.socket is not None
        await (self.socket.send_str(data) if isinstance(data, str) else self.socket.send_bytes(data))
        while True:
            message = await self.socket.receive(10)
            if message.type is not WSMsgType.TEXT:
                return self.socket.close_code or 0
            answer: dict[str, Any] = message.json()
            if answer["type"] == "answer":
                return answer


REFUSED = {
    "no json": "this is no json",
    "half": '{"type":"command","id":"1",',
    "a list": "[]",
    "a number": "7",
    "null": "null",
    "empty": "",
    "deep lists": "[" * 8000,
    "deep objects": '{"a":' * 3000,
    "deep and whole": '{"type":"command","id":"1","name":' + "[" * 4000 + "]" * 4000 + "}",
    "half a pair": '{"type":"command","id":"\\ud800","name":"SetReady"}',
    "a zero": '{"type":"command","id":"\\u0000","name":"\\u0000"}',
    "a long number": '{"type":"command","id":' + "9" * 5000 + ',"name":"SetReady"}',
    "no name": '{"type":"command","id":"1"}',
    "no id": '{"type":"command","name":"SetReady"}',
    "unknown command": '{"type":"command","id":"1","name":"DropTables"}',
    "a fact": '{"type":"command","id":"1","name":"LegEnded","leg":"x"}',
    "not for the link": '{"type":"command","id":"1","name":"TakeDevice","lease":"d0","instance":"x","take_over":true}',
    "unknown type": '{"type":"event","id":"1"}',
    "wrong type": '{"type":"command","id":"1","name":"SetNotReady","reason":7}',
    "missing field": '{"type":"command","id":"1","name":"SetNotReady"}',
    "unknown reason": '{"type":"command","id":"1","name":"SetNotReady","reason":"holiday"}',
    "a list as a word": '{"type":"command","id":"1","name":"FinishWrapUp","contact":[],"disposition":{},"note":1}',
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_frame_on_the_live_link(desk: Desk, kind: str) -> None:
    """An answer that says no, and the link goes on."""
    async with Raw(desk) as raw:
        answer = await raw.says(REFUSED[kind])
        assert isinstance(answer, dict), f"closed with {answer}"
        assert answer["ok"] is False
        assert answer["code"] in ("bad_command", "unknown_reason")
        assert len(str(answer)) < 1000
        good = await raw.says('{"type":"command","id":"2","name":"SetNotReady","reason":"break"}')
        assert isinstance(good, dict) and good["ok"], good


@pytest.mark.parametrize(
    ("data", "code"),
    [("x" * 20_000, 1009), ("x" * 3_000_000, 1009), (b"\x00\xff", 1003)],
    ids=["20 kB", "3 MB", "binary"],
)
async def test_a_frame_that_closes_the_live_link(house: Site, desk: Desk, data: str | bytes, code: int) -> None:
    async with Raw(desk) as raw:
        try:
            assert await raw.says(data) == code
        except ConnectionError:  # cut off before it was all sent
            assert len(data) > 1_000_000
    await desk.expect("SetNotReady", reason="lunch")  # his own link is none the worse


async def test_a_flood_is_cut_off(house: Site, desk: Desk) -> None:
    """Two thousand snapshots asked for at once: that socket ends, the server does not even notice."""
    async with Raw(desk) as raw:
        assert raw.socket is not None
        began = time.monotonic()
        try:
            for _ in range(2000):
                await raw.socket.send_str('{"type":"resync"}')
        except ConnectionError:
            pass
        await desk.expect("SetNotReady", reason="break")
        print(f"a command amid the flood is answered {time.monotonic() - began:.2f} s after its start")
        assert time.monotonic() - began < 5
        while not raw.socket.closed:
            await raw.socket.receive(10)
        assert raw.socket.close_code == TOO_FAST


async def test_a_login_has_so_many_links_and_no_more(house: Site, desk: Desk) -> None:
    """Each may hold messages that nobody reads; his first link is none the worse, and the places come back."""
    async with AsyncExitStack() as stack:
        for _ in range(MAX_LINKS - 1):
            await stack.enter_async_context(Raw(desk))
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with Raw(desk):
                pass
        assert refused.value.status == 429
        await desk.expect("SetNotReady", reason="lunch")
    async with Raw(desk):
        await desk.expect("SetNotReady", reason="break")


IDS: dict[str, tuple[dict[str, Any], str]] = {
    "ConfirmOffer": ({"reservation": "r0-1"}, "unknown_offer"),
    "HoldCall": ({"conversation": "c0-1"}, "unknown_call"),
    "RetrieveCall": ({"conversation": "../../etc"}, "unknown_call"),
    "HangUpCall": ({"conversation": ""}, "unknown_call"),
    "WriteNote": ({"contact": "k0", "text": "x"}, "unknown_call"),
    "FinishWrapUp": ({"contact": "k0", "disposition": "x", "note": "", "ready": True}, "not_in_wrap_up"),
    "ExtendWrapUp": ({"contact": "\x00"}, "not_in_wrap_up"),
    "PhoneReady": ({"lease": "d0", "instance": "x"}, "lease_lost"),
    "ReleaseDevice": ({"lease": "d0"}, "lease_lost"),
}


@pytest.mark.parametrize("name", IDS)
async def test_an_unknown_id(desk: Desk, name: str) -> None:
    fields, code = IDS[name]
    answer = await desk.command(name, **fields)
    assert (answer["ok"], answer["code"]) == (False, code)


async def test_another_agents_call_is_not_to_be_touched(house: Site, desk: Desk, waiting: Line) -> None:
    """All ids are known to the attacker; offer, talk and wrap-up of his colleague are out of his reach."""
    async with Desk(house, "1001") as victim, calling(house, CALM, f"{PREFIX}01") as line:
        assert victim.phone is not None
        victim.confirms = False
        await victim.expect("SetReady")
        offer = await victim.works("offer")
        answer = await desk.command("ConfirmOffer", reservation=offer["reservation"])
        assert answer["code"] == "unknown_offer"
        call = await victim.phone.next_call()
        victim.phone.answer(call)
        work = await victim.works("busy")
        his = {"conversation": work["conversation"]}
        for name in ("HoldCall", "RetrieveCall", "HangUpCall"):
            for claim in ({}, {"agent": "1001", "by": "1001"}):
                assert (await desk.command(name, **his, **claim))["code"] == "unknown_call"
        waits = {"conversation": conversation_of(house, WAITS)}
        assert (await desk.command("HangUpCall", **waits))["code"] == "unknown_call"
        assert (await desk.command("WriteNote", contact=work["contact"], text="x"))["code"] == "unknown_call"
        taken = victim.docs["me"]["phone"]
        for name in ("PhoneReady", "ReleaseDevice"):
            assert (await desk.command(name, lease=taken["lease"], instance="x"))["code"] == "lease_lost"
        assert not victim.work()["held"] and line.call.ended_at is None and call.ended_at is None
        await line.agent.core.outcome(line.call.bye())
        wrapped = await victim.works("wrap_up")
        finish = {"contact": wrapped["contact"], "disposition": "resolved", "note": "x", "ready": True}
        assert (await desk.command("FinishWrapUp", **finish))["code"] == "not_in_wrap_up"
        async with await desk.get(f"/api/v1/recordings/{work['conversation']}") as answered:
            assert answered.status == 404
        async with await desk.get("/api/v1/calls") as answered:
            assert work["conversation"] not in await answered.text()
        await victim.finish(ready=False)


async def test_a_handshake_without_right(house: Site, desk: Desk) -> None:
    cookies = {cookie.key: cookie.value for cookie in desk._http.cookie_jar}
    lease = desk.lease
    seen: dict[str, int] = {}
    for what, path, jar, headers in (
        ("live, no login", "/api/v1/live", {}, {"Origin": house.url}),
        ("live, wrong login", "/api/v1/live", {"hh_session": "x" * 43}, {"Origin": house.url}),
        ("live, odd cookie", "/api/v1/live", {"hh_session": "\x7f;\xff" * 9}, {"Origin": house.url}),
        ("live, other origin", "/api/v1/live", cookies, {"Origin": "http://evil.example"}),
        ("live, no origin", "/api/v1/live", cookies, {}),
        ("live, null origin", "/api/v1/live", cookies, {"Origin": "null"}),
        ("sip, no login", f"/sip?lease={lease}", {}, {"Origin": house.url}),
        ("sip, other origin", f"/sip?lease={lease}", cookies, {"Origin": "http://evil.example"}),
        ("sip, no lease", "/sip", cookies, {"Origin": house.url}),
        ("sip, made-up lease", "/sip?lease=d0123456789abcdef", cookies, {"Origin": house.url}),
        ("sip, odd lease", "/sip?lease=../../x%00%ff", cookies, {"Origin": house.url}),
    ):
        async with aiohttp.ClientSession(cookies=jar, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"{house.url}{path}", headers=headers, protocols=("sip",))
            seen[what] = refused.value.status
    print(seen)
    assert all(status in (401, 403, 404) for status in seen.values()), seen
    assert desk.docs["me"]["phone"]["contact"]


async def test_somebody_elses_phone(house: Site, desk: Desk) -> None:
    """With a login of his own and the lease of a colleague he gets no socket; with his own, no other name."""
    origin = {"Origin": house.url}
    cookies = {cookie.key: cookie.value for cookie in desk._http.cookie_jar}
    async with Desk(house, "1001") as victim:
        url = house.url.replace("http", "ws")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with WsPhone(f"{url}/sip?lease={victim.lease}", user="1001", headers=origin, cookies=cookies):
                pass
        assert refused.value.status == 403
        async with await desk.post(
            "/api/v1/device", {"instance": "x", "lease": victim.lease, "take_over": True}
        ) as answered:
            mine = await answered.json()
            assert answered.status == 200 and mine["lease"] != victim.lease, "he took over his own phone, not hers"
        desk.lease = mine["lease"]

        async def tries(message: bytes) -> int | None:
            async with WsPhone(
                f"{url}{mine['ws_path']}", user=mine["username"], headers=origin, cookies=cookies
            ) as phone:
                phone.raw(message)
                await eventually(phone.closed.is_set, 10, "the socket to be closed")
                return phone.close_code

        phone = WsPhone("ws://nowhere", user=str(victim.lease), domain="hollyhock.invalid")
        build = phone.core.build
        uri = "sip:hollyhock.invalid"
        assert await tries(build("REGISTER", uri, to=f"sip:{victim.lease}@hollyhock.invalid").encode()) == 4403
        assert await tries(build("INVITE", "sip:95500@hollyhock.invalid", body=sdp.webrtc_offer()).encode()) == 4403
        for method in ("REFER", "SUBSCRIBE", "MESSAGE", "PUBLISH", "NOTIFY"):
            assert await tries(build(method, uri).encode()) == 4403
        assert await tries(b"rubbish") == 4403
        assert await tries(b"\xe5\xbc\xa0" * 10) == 4403
        assert await tries(b"REGISTER " + b"x" * 20_000) == 1009
        assert victim.docs["me"]["phone"]["contact"]
        phone = WsPhone(
            f"{url}{mine['ws_path']}", user=mine["username"], password="wrong", headers=origin, cookies=cookies
        )
        async with phone:
            assert (await phone.core.register()).status in (401, 403)
    if desk.phone is not None:
        await desk.phone.__aexit__(None, None, None)
    await desk.take_phone()


async def test_http_requests(house: Site, desk: Desk) -> None:
    """Every answer is a declared refusal with a code and a sentence."""
    good = dict(desk.headers)
    bare = {"Origin": house.url}
    deep = b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    seen: dict[str, int] = {}
    for what, method, path, headers, body in (
        ("no json", "POST", "/api/v1/login", bare, b"\xff\xfe"),
        ("deep json", "POST", "/api/v1/login", bare, deep),
        ("deep json, logged in", "POST", "/api/v1/device", good, deep),
        ("huge body", "POST", "/api/v1/login", bare, b"x" * 900_000),
        ("wrong types", "POST", "/api/v1/device", good, b'{"instance":[],"lease":{},"take_over":"yes"}'),
        ("no csrf", "POST", "/api/v1/device", bare, b'{"instance":"x","lease":null,"take_over":true}'),
        ("other origin", "POST", "/api/v1/device", {**good, "Origin": "http://evil"}, b"{}"),
        ("surrogate", "POST", "/api/v1/login", bare, b'{"user":"\\ud800","password":"x"}'),
        ("zero in name", "POST", "/api/v1/login", bare, b'{"user":"\\u0000","password":"x"}'),
        ("limit", "GET", "/api/v1/calls?limit=-1", good, None),
        ("limit word", "GET", "/api/v1/calls?limit=many&before=nan", good, None),
        ("before", "GET", "/api/v1/calls?before=1e400", good, None),
        ("path", "GET", "/api/v1/recordings/..%2f..%2f..%2fetc%2fpasswd", good, None),
        ("zero path", "GET", "/api/v1/recordings/%00", good, None),
        ("unknown recording", "GET", "/api/v1/recordings/c0-1", good, None),
        ("method", "DELETE", "/api/v1/calls", good, None),
        ("unknown", "GET", "/api/v1/nothing", good, None),
        ("not a socket", "GET", "/api/v1/live", good, None),
        ("not a socket, sip", "GET", "/sip?lease=x", good, None),
        ("demo", "POST", "/api/v1/demo/calls", bare, b'{"caller":"' + b"9" * 5000 + b'","number":"95500"}'),
        ("demo live", "GET", "/api/v1/demo/calls/%2e%2e/live", bare, None),
    ):
        async with desk._http.request(method, f"{house.url}{path}", headers=headers, data=body) as answer:
            seen[what] = answer.status
            if "json" in answer.headers.get("Content-Type", ""):
                refusal = await answer.json()
                assert set(refusal) == {"code", "message"}, (what, refusal)
    print(seen)
    assert all(400 <= status < 500 for status in seen.values()), seen


async def test_a_lead_is_no_agent_of_the_call(house: Site) -> None:
    """Without an agent of his own he may look; commands that need one are refused, not crashed."""
    async with lead(house, "admin") as http, http.ws_connect("/api/v1/live") as socket:
        assert (await socket.receive(10)).json()["type"] == "snapshot"
        for name in ("SetReady", "HangUpCall", "SignIn"):
            body = {"type": "command", "id": name, "name": name, "conversation": conversation_of(house, WAITS)}
            await socket.send_json(body)
            while (message := (await socket.receive(10)).json())["type"] != "answer":
                pass
            assert (message["ok"], message["code"]) == (False, "not_allowed")


async def test_the_caller_who_waited_through_all_this_is_served(house: Site, waiting: Line) -> None:
    await served_at_last(house, waiting)


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert PREFIX not in house.log.read_text("utf-8", "replace")


async def test_half_a_request_and_no_http_at_all(house: Site) -> None:
    half, hello = b"GET / HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01" + bytes(200)
    for data in (half, hello, b"A" * 100_000, b"GET /" + b"a" * 20_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        try:
            writer.write(data)
            await writer.drain()
            if data.startswith(b"GET / "):
                continue
            answer = await asyncio.wait_for(reader.read(100), 10)
            assert answer == b"" or answer.startswith(b"HTTP/1.") and answer[9:10] == b"4"
        except ConnectionError:
            pass
        finally:
            writer.close()
    key = base64.b64encode(bytes(16)).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(
        f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Origin: {house.url}\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    assert (await asyncio.wait_for(reader.read(12), 10)).startswith(b"HTTP/1.1 4")
    writer.close()


async def test_no_http_at_all_leaves_no_traceback(house: Site) -> None:
    """What came by the test before this one."""
    assert house.complaints() == []
