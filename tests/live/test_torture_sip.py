"""The torture messages of RFC 4475 on the trunk, by UDP and TCP, and on the browsers' SIP socket.

Each is answered as the table in tests/harness/rfc4475.py says, or not at all; nothing is left of it, the next caller is
served, and one who waits in a queue all the while hears his music to the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from tests.harness.rfc4475 import MESSAGES, SILENCE
from tests.harness.sip import SipAgent
from tests.harness.sipmessage import SipMessage, parse
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.live.house import (
    BRISK,
    LONELY,
    Line,
    calling,
    end_strays,
    first_ring,
    hears_music,
    polite_call,
    served_at_last,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139777000"
WAITS = f"{PREFIX}99"
A_MOMENT = 0.06
"""Seconds in which an answer that did not come before the answer to a later question would have come."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def waiting(house: Site) -> AsyncIterator[Line]:
    """He waits through all of it, in a queue that nobody serves until the last test."""
    async with calling(house, LONELY, WAITS) as line:
        await hears_music(line.rtp)
        yield line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(house: Site) -> AsyncIterator[Desk]:
    """A page that has the right to the browsers' SIP socket and abuses it."""
    async with Desk(house, "1002") as desk:
        yield desk


async def alive(agent: SipAgent) -> None:
    """An honest question from the same address is answered (the user is unknown on purpose: no call is made)."""
    question = agent.core.build("OPTIONS", f"sip:{agent.target[0]}:{agent.target[1]}")
    agent.core.send(question)
    assert (await agent.core.outcome(question)).status in (200, 404)


async def answers_to(agent: SipAgent, data: bytes, *, silence: bool = True) -> list[int]:
    """The final answers to one datagram: [0] is silence, if it may be. What it called is hung up again."""
    agent.core.log.clear()
    agent.raw(data)
    await alive(agent)
    mine = [entry.message for entry in agent.core.log if entry.way == "out"]

    def finals() -> list[int]:
        heard = [entry.message for entry in agent.core.log if entry.way == "in" and entry.message.status >= 200]
        return [each.status for each in heard if each.call_id not in {one.call_id for one in mine}]

    started = any(entry.message.status == 100 for entry in agent.core.log if entry.way == "in")
    if not finals() and silence:
        await asyncio.sleep(A_MOMENT)
    if started or not silence:
        await eventually(finals, 10, "a final answer")
    end_strays(agent)
    return finals() or [SILENCE]


@pytest.mark.parametrize("name", MESSAGES)
async def test_on_the_trunk_by_udp(house: Site, name: str) -> None:
    """First as the RFC prints it, then with ids of its own, since the RFC's messages repeat theirs."""
    message, before = MESSAGES[name], await house.holds()
    async with SipAgent(target=house.sip, user="torture") as agent:
        agent.core.polite = False
        printed = await answers_to(agent, message.as_in_the_rfc)
        assert set(printed) <= {*message.answers, SILENCE, 400}, "400: a repeated transaction of another message"
        answers = await answers_to(agent, message.fresh(), silence=SILENCE in message.answers)
        print(f"{message.section} {name}: {answers}; the RFC: {message.asks}")
        assert set(answers) <= set(message.answers)
        assert await house.holds() == before


@pytest.mark.parametrize("name", [name for name, message in MESSAGES.items() if message.called])
async def test_as_a_call(house: Site, name: str) -> None:
    """The same messages dialling a number of ours: a caller of the RFC's kind is served, and gone when he hangs up."""
    message, before = MESSAGES[name], await house.holds()
    async with SipAgent(target=house.sip, user="torture") as agent:
        agent.core.polite = False
        started = len(house.events(ev.ConversationStarted))
        answers = await answers_to(agent, message.calling(LONELY), silence=SILENCE in message.called)
        print(f"{message.section} {name}: {answers}")
        assert set(answers) <= set(message.called)
        calls = house.events(ev.ConversationStarted)[started:]
        assert [call.dialled for call in calls] == [LONELY] * answers.count(200)

        async def same() -> bool:
            return await house.holds() == before

        await eventually(same, 10, f"Asterisk to hold {before}")


CALL_IDS = {
    "no UTF-8": (b"\xff\xfe", 403),
    "half a letter": ("通".encode()[:2], 403),
    "chinese": ("通话".encode(), 403),
    "all that a word may hold": b'-.!%*_+`\'~()<>:\\"/[]?{}',
    "dialplan": b"${SHELL(id)}$[1+1]${EXTEN}",
}


@pytest.mark.parametrize("kind", CALL_IDS)
async def test_a_call_id(house: Site, kind: str) -> None:
    """Whatever it is, all channels can be listed while the call lives: a server that starts could not begin without."""
    found = CALL_IDS[kind]
    data, wanted = found if isinstance(found, tuple) else (found, 200)
    before = await house.holds()
    async with SipAgent(target=house.sip, user="torture") as agent:
        agent.core.polite = False
        message = MESSAGES["esc01"].calling(LONELY).replace(b"esc01.", data)
        agent.raw(message)

        def answered() -> bool:
            return any(e.way == "in" and e.message.status >= 200 for e in agent.core.log)

        await eventually(answered, 10, "an answer")
        held = await house.holds()
        assert (held == before) == (wanted != 200)
        assert {e.message.status for e in agent.core.log if e.message.status >= 200} == {wanted}
        end_strays(agent)

        async def same() -> bool:
            return await house.holds() == before

        await eventually(same, 10, f"Asterisk to hold {before}")


@pytest.mark.parametrize("name", MESSAGES)
async def test_on_the_trunk_by_tcp(house: Site, name: str) -> None:
    """One connection a message. It is answered, left unanswered or closed; it starts no call."""
    message, before = MESSAGES[name], await house.holds()
    reader, writer = await asyncio.open_connection(*house.sip)
    try:
        writer.write(message.fresh())
        heard = b""
        try:
            async with asyncio.timeout(A_MOMENT):
                while chunk := await reader.read(65536):
                    heard += chunk
        except (TimeoutError, ConnectionError):
            pass
        answers = [answer.status for answer in _messages(heard)] or [SILENCE]
        print(f"{message.section} {name}: {answers}; {message.note}")
        assert set(answers) <= {*message.answers, SILENCE}
        assert await house.holds() == before
    finally:
        writer.close()
    async with SipAgent(target=house.sip, user="torture") as agent:
        await alive(agent)


def _messages(stream: bytes) -> list[SipMessage]:
    """The responses in what came by TCP; those of Asterisk's refusals have no body."""
    return [parse(part + b"\r\n\r\n") for part in stream.split(b"\r\n\r\n") if part.startswith(b"SIP/2.0 ")]


DECLARED = {
    4403: "not allowed to this page",
    4429: "too many frames",
    aiohttp.WSCloseCode.INVALID_TEXT: "no UTF-8",
    aiohttp.WSCloseCode.UNSUPPORTED_DATA: "no text",
}


@pytest.mark.parametrize("name", MESSAGES)
async def test_on_the_browsers_socket(house: Site, page: Desk, name: str) -> None:
    """A logged-in page may be its own phone and nothing else: a declared close, or a response that nobody waits for."""
    before = await house.holds()
    cookies = {cookie.key: cookie.value for cookie in page._http.cookie_jar}
    for form in ("text", "binary"):
        data = MESSAGES[name].fresh()
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookies=cookies, cookie_jar=jar) as http, http.ws_connect(
            f"{house.url}/sip?lease={page.lease}", protocols=("sip",), headers={"Origin": house.url}
        ) as socket:
            if form == "text":
                await socket.send_frame(data, aiohttp.WSMsgType.TEXT)
            else:
                await socket.send_bytes(data)
            await socket.send_str("\r\n\r\n")  # a keep-alive behind it
            passes = data.startswith(b"SIP/2.0 ") and form == "text"  # a response
            try:
                async with asyncio.timeout(A_MOMENT if passes else 3):
                    while not socket.closed:
                        await socket.receive()
            except TimeoutError:
                assert passes, "only a response passes"
                continue
            print(f"{name} as {form}: closed with {socket.close_code}")
            assert socket.close_code in DECLARED
    assert await house.holds() == before


async def test_afterwards_a_call_goes_from_end_to_end(house: Site, page: Desk) -> None:
    """The abused page is a phone again, and an honest caller talks to its agent."""
    if page.phone is not None:
        await page.phone.__aexit__(None, None, None)
    await page.take_phone()
    await page.ready()
    async with calling(house, BRISK, f"{PREFIX}01") as line:
        _, call = await first_ring(page)
        assert page.phone is not None
        page.phone.answer(call)
        await page.works("busy")
        assert line.call.ended_at is None
    await page.state("ready")
    await page.expect("SetNotReady", reason="break")
    await polite_call(house, f"{PREFIX}02")


async def test_the_caller_who_waited_through_all_this_is_served(house: Site, waiting: Line) -> None:
    await served_at_last(house, waiting)


async def test_the_log_is_quiet(house: Site) -> None:
    assert house.complaints() == []
