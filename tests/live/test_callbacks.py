"""Virtual hold on a real Asterisk: who books a callback keeps his place, is called, and both hear each other.

The carrier is one SIP agent of the harness: every call of ours arrives there and is answered, or not. Callers dial
VIRTUAL, wait in the queue `virtual` with music and may leave by key 1, which books a callback: two tries, 2 s apart,
each ringing 5 s.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from tests.harness import tones
from tests.harness.browser import Browser
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall
from tests.harness.sipmessage import address
from tests.harness.site import PASSWORD, Site, free_port, site
from tests.harness.waiting import PATIENCE, eventually
from tests.live import house
from tests.live.people import AGENT_HZ, Agent

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIRTUAL = "95510"
FIRST, SECOND = "13900001111", "13900002222"
CUSTOMER_HZ = 620.0
CARRIER_PORT = free_port()

_CONFIG = """
[[queues]]
id = "virtual"
name = {{ zh = "virtual", en = "virtual" }}
offer_seconds = 20.0
wrap_up_seconds = 30.0
disposition_required = false
callback = {{ tries = 2, retry_seconds = 2.0, ring_seconds = 5.0 }}

[[numbers]]
number = "{number}"
flow = "virtual"
name = {{ zh = "virtual", en = "virtual" }}

[[phones]]
id = "p1001"
name = {{ zh = "p1001", en = "p1001" }}

[outbound]
trunk = "127.0.0.1:{port}"
"""
_NODES = {
    "queue": {"type": "queue", "queue": "virtual", "keys": {"1": "book"}, "exits": {"timed_out": "bye"}},
    "book": {"type": "callback", "queue": "virtual", "exits": {"booked": "bye", "refused": "bye"}},
    "bye": {"type": "hangup"},
}


def prepare(home: Path) -> None:
    house.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8").replace('queues = ["service"', 'queues = ["virtual", "service"')
    text = text.replace('[[agents]]\nid = "1001"\n', '[[agents]]\nid = "1001"\nphone = "p1001"\n')
    path.write_text(text + _CONFIG.format(number=VIRTUAL, port=CARRIER_PORT), "utf-8")
    flow = {
        "format": 1,
        "id": "virtual",
        "title": {"zh": "virtual", "en": "virtual"},
        "languages": ["zh", "en"],
        "start": "queue",
        "nodes": _NODES,
    }
    (home / "site" / "flows" / "virtual.json").write_text(json.dumps(flow), "utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def virtual() -> AsyncIterator[Site]:
    async with site(rtp=(27000, 27199), prepare=prepare) as running:
        yield running


async def book(running: Site, line: house.Line) -> None:
    """He has waited with music, presses the key, and the call is over."""
    await house.hears_music(line.rtp)
    await line.rtp.press("1")
    await line.call.ended()


async def called(carrier: SipAgent, number: str, within: float = PATIENCE) -> SipCall:
    """Our call to this customer, at the carrier."""
    call = await carrier.next_call(within)
    assert address(call.invite.get("to")).startswith(f"sip:{number}@"), call.invite.get("to")
    assert VIRTUAL in call.invite.get("from"), "he sees the number that he had dialled"
    return call


def pick_up(carrier: SipAgent, call: SipCall, rtp: RtpEndpoint) -> None:
    call.answer(carrier.sdp(rtp))
    connect_media(call, rtp)


async def test_who_books_keeps_his_place_and_is_called_before_who_came_later(virtual: Site) -> None:
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(SipAgent(target=virtual.sip, user="carrier", port=CARRIER_PORT))
        customer = await stack.enter_async_context(RtpEndpoint(tone=CUSTOMER_HZ))
        agent = await Agent(virtual, "1001", AGENT_HZ).come(stack)
        first = await stack.enter_async_context(house.calling(virtual, VIRTUAL, FIRST))
        await house.hears_music(first.rtp)
        second = await stack.enter_async_context(house.calling(virtual, VIRTUAL, SECOND, tone=540.0))
        await book(virtual, first)
        booked = (await virtual.happens(ev.CallbackBooked))[-1]

        await agent.desk.expect("SetReady")
        work = await agent.pick_up()
        assert work["caller"]["number"] == FIRST, "he came first"
        assert work["medium"] == "callback"
        call = await called(carrier, FIRST)
        call.ring()
        await agent.desk.sees(lambda _: agent.desk.work()["calling"], "the customer is being called")
        await eventually(lambda: tones.level(agent.phone.rtp.last(0.3)) > -40, 10, "the agent to hear it ring")
        heard = agent.phone.rtp.dominant(time.monotonic() - 0.3)
        assert heard is not None
        assert 380 < heard.hz < 500, heard
        began = time.monotonic()
        pick_up(carrier, call, customer)
        await customer.hears(AGENT_HZ)
        await agent.phone.rtp.hears(CUSTOMER_HZ)
        print(f"both heard each other {time.monotonic() - began:.2f} s after his answer, 0.2 s of tone included")
        await agent.desk.sees(lambda _: agent.desk.work()["talking_since"] is not None, "the talk")
        await asyncio.sleep(0.6)  # something to find in the record
        await carrier.core.outcome(call.bye())
        await agent.desk.works("wrap_up")
        await agent.desk.finish()

        work = await agent.pick_up()
        assert work["caller"]["number"] == SECOND
        assert work["medium"] == "voice"
        await second.rtp.hears(AGENT_HZ)
        await second.agent.core.outcome(second.call.bye())
        await agent.desk.works("wrap_up")
        await agent.desk.finish(ready=False)
        await virtual.quiet()
        said, heard_track = await house.recorded(virtual, booked.conversation)
        assert house.spoken(said, CUSTOMER_HZ) > 0.3
        assert house.spoken(heard_track, AGENT_HZ) > 0.3
    ends = {end.reason for end in virtual.events(ev.ContactEnded)}
    assert ends == {EndReason.LEFT_BY_KEY, EndReason.ANSWERED}
    assert virtual.complaints() == []


async def test_nobody_answers_twice(virtual: Site) -> None:
    """The first time it rings in vain and is ended by us, the second time he is busy: two tries, then it is over."""
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(SipAgent(target=virtual.sip, user="carrier", port=CARRIER_PORT))
        agent = await Agent(virtual, "1001", AGENT_HZ).come(stack)
        async with house.calling(virtual, VIRTUAL, FIRST) as line:
            await book(virtual, line)
        await agent.desk.expect("SetReady")
        await agent.pick_up()
        call = await called(carrier, FIRST)
        call.ring()
        began = time.monotonic()
        ended = await call.ended()
        assert call.ended_by == "cancelled"
        assert 4.5 < ended - began < 5.6
        work = await agent.desk.works("wrap_up")
        assert work["callback"]["last"] == "no_answer"
        over = time.time() - (time.monotonic() - ended)
        assert work["callback"]["retry_at"] - over == pytest.approx(2.0, abs=0.7)
        await agent.desk.finish()
        await agent.pick_up()
        again = await called(carrier, FIRST)
        again.reject(486)
        work = await agent.desk.works("wrap_up")
        assert work["callback"]["retry_at"] is None, "it was the last"
        await agent.desk.finish(ready=False)
        await virtual.quiet()
    assert virtual.events(ev.ContactEnded)[-1].reason is EndReason.FAILED
    assert virtual.complaints() == []


async def test_the_server_is_killed_while_the_customer_s_phone_rings(virtual: Site) -> None:
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(SipAgent(target=virtual.sip, user="carrier", port=CARRIER_PORT))
        customer = await stack.enter_async_context(RtpEndpoint(tone=CUSTOMER_HZ))
        agent = await Agent(virtual, "1001", AGENT_HZ).come(stack)
        async with house.calling(virtual, VIRTUAL, FIRST) as line:
            await book(virtual, line)
        await agent.desk.expect("SetReady")
        await agent.pick_up()
        call = await called(carrier, FIRST)
        call.ring()
        virtual.kill()
        virtual.spawn()
        await virtual.ready()
        await agent.back()
        if call.ended_at is not None:  # it had rung for its five seconds meanwhile: he is called again
            await agent.desk.works("wrap_up")
            await agent.desk.finish()
            await agent.pick_up()
            call = await called(carrier, FIRST)
        pick_up(carrier, call, customer)
        await customer.hears(AGENT_HZ)
        await agent.phone.rtp.hears(CUSTOMER_HZ)
        await carrier.core.outcome(call.bye())
        await agent.desk.works("wrap_up")
        await agent.desk.finish(ready=False)
        await virtual.quiet()
    assert virtual.events(ev.ContactEnded)[-1].reason is EndReason.ANSWERED


async def test_a_lead_has_a_lost_caller_called_back(virtual: Site) -> None:
    """On the page, in a real browser: the list, the booking, what is booked, and cancelling it."""
    name = "13900003333"
    async with house.calling(virtual, VIRTUAL, name) as line:
        await house.hears_music(line.rtp)
    await house.listed(virtual, house.conversation_of(virtual, name))  # the list is read from tables, which come after
    async with Browser(locale="en-GB") as browser:
        page = await browser.page(f"{virtual.url}/lead/callbacks")
        await page.get_by_test_id("login-user").fill("2001")
        await page.get_by_test_id("login-password").fill(PASSWORD)
        await page.get_by_test_id("login-submit").click()
        lost = page.get_by_test_id("lost-caller")
        await lost.first.wait_for()
        assert await lost.count() == 1, "who was called back since is not on it"
        assert "139 0000 3333" in await lost.first.inner_text()
        await lost.get_by_test_id("book").click()
        booked = page.get_by_test_id("open-callback")
        await booked.wait_for()
        assert await lost.count() == 0
        (event,) = [one for one in virtual.events(ev.CallbackBooked) if one.number == name]
        assert event.by == "2001"
        await booked.get_by_test_id("cancel").click()
        await booked.wait_for(state="detached")
    assert virtual.events(ev.ContactEnded)[-1].reason is EndReason.WITHDRAWN
    assert virtual.complaints() == []
