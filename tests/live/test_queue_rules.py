"""Queue rules on the real Asterisk: a step relaxes in time, overflow with music all the way, the switch."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from tests.harness.site import PASSWORD, Desk, Site, site
from tests.harness.waiting import eventually
from tests.live import house as houses
from tests.live.house import calling, conversation_of, first_ring, hears_music, of, silence_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPPED, SHORT, SPARE = "95507", "95508", "95509"
STEP, OVER = 3.0, 2.0
EXACT = 0.3
"""Seconds that the real switch may be off the second that the configuration names."""
TO_RING = 0.5
"""Seconds from the offer until the phone has its INVITE, on a busy machine."""

QUEUE = """
[[queues]]
id = "{id}"
name = {{ zh = "{id}", en = "{id}" }}
offer_seconds = 20.0
wrap_up_seconds = 0.0
disposition_required = false
{more}

[[numbers]]
number = "{number}"
flow = "{id}"
name = {{ zh = "{id}", en = "{id}" }}
"""


def prepare(home: Path) -> None:
    """1002 alone serves the queue whose first step he does not meet; 1001 alone serves the spare queue."""
    houses.prepare(home)
    path = home / "site" / "site.toml"
    head, first, rest = path.read_text("utf-8").partition('[[agents]]\nid = "1001"')
    mine, second, others = rest.partition('[[agents]]\nid = "1002"')
    text = head + first + mine.replace('"brisk", "calm"', '"spare"', 1)
    text += second + others.replace('"brisk", "calm"', '"stepped", "short"', 1)
    step = f'steps = [{{ requires = "English >= 90", for_seconds = {STEP} }}]'
    text += QUEUE.format(id="stepped", number=STEPPED, more=step)
    text += QUEUE.format(id="short", number=SHORT, more=f'overflow = [{{ to = "spare", after_seconds = {OVER} }}]')
    text += QUEUE.format(id="spare", number=SPARE, more='at_close = "leave"')
    path.write_text(text, "utf-8")
    for name in ("stepped", "short", "spare"):
        flow = json.loads((home / "site" / "flows" / "brisk.json").read_text("utf-8"))
        flow |= {"id": name}
        flow["nodes"]["queue"]["queue"] = name
        (home / "site" / "flows" / f"{name}.json").write_text(json.dumps(flow), "utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Site]:
    first = 27_400 + os.getpid() % 10 * 100
    async with site(rtp=(first, first + 99), prepare=prepare) as running:
        yield running


async def test_a_step_relaxes_at_the_right_second(house: Site) -> None:
    async with Desk(house, "1002") as desk:
        await desk.ready()
        async with calling(house, STEPPED, "13977700001") as line:
            _, call = await first_ring(desk)
            rung = time.time()
            assert desk.phone is not None
            desk.phone.answer(call)
            await desk.works("busy")
            await line.agent.core.outcome(line.call.bye())
        await desk.state("ready")
    conversation = conversation_of(house, "13977700001")
    (queued,) = of(house, conversation, ev.ContactQueued)
    (stepped,) = house.events(ev.ContactStepped)
    (made,) = of(house, conversation, ev.OfferMade)
    print(f"stepped after {stepped.at - queued.at:.3f} s, rung after {rung - queued.at:.3f} s")
    assert (stepped.step, stepped.why, made.why.step) == (1, "time", 1)
    assert abs(stepped.at - queued.at - STEP) <= EXACT
    assert made.at == stepped.at, "at once"
    assert STEP <= rung - queued.at <= STEP + TO_RING
    await house.quiet()


async def test_a_caller_overflows_in_time_with_his_music_and_his_time_of_arrival(house: Site) -> None:
    async with Desk(house, "1001") as desk:
        await desk.ready()
        async with calling(house, SHORT, "13977700002") as line:
            await hears_music(line.rtp)
            begun = time.monotonic()
            _, call = await first_ring(desk)
            assert silence_in(line.rtp, begun, time.monotonic()) <= 0.5, "music all the way"
            assert desk.phone is not None
            desk.phone.answer(call)
            await desk.works("busy")
            await line.agent.core.outcome(line.call.bye())
        await desk.state("ready")
    conversation = conversation_of(house, "13977700002")
    first, second = of(house, conversation, ev.ContactQueued)
    print(f"overflowed after {second.at - first.at:.3f} s")
    assert abs(second.at - first.at - OVER) <= EXACT
    assert (second.queue, second.queued_at, second.moved_from) == ("spare", first.at, first.contact)
    ends = [(end.queue, end.reason) for end in of(house, conversation, ev.ContactEnded)]
    assert ends == [("short", EndReason.OVERFLOWED), ("spare", EndReason.ANSWERED)]
    await house.quiet()


async def test_a_lead_closes_a_queue_those_who_wait_leave_and_it_stays_closed_over_a_kill(house: Site) -> None:
    async with calling(house, SPARE, "13977700003") as line:
        await hears_music(line.rtp)
        assert (await switch(house, "close", {"reason": "fire drill"})) == 200
        await eventually(lambda: of(house, conversation_of(house, line.number), ev.ContactEnded), 2, "his leaving")
    reasons = [end.reason for end in of(house, conversation_of(house, "13977700003"), ev.ContactEnded)]
    assert reasons == [EndReason.CLOSED]
    house.kill()
    house.spawn()
    await house.ready()
    async with calling(house, SPARE, "13977700004"):
        await house.happens(ev.CallerTurnedAway)
    conversation = conversation_of(house, "13977700004")
    assert of(house, conversation, ev.ContactQueued) == []
    (away,) = of(house, conversation, ev.CallerTurnedAway)
    assert (away.queue, away.reason, away.to) == ("spare", EndReason.CLOSED, None)
    assert (await switch(house, "open", None)) == 200
    async with calling(house, SPARE, "13977700005") as line:
        await hears_music(line.rtp)
    await house.quiet()
    assert [line for line in house.complaints() if "fault" in line] == []


async def switch(house: Site, what: str, body: dict[str, Any] | None) -> int:
    """The emergency switch, in a lead's hand."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(house.url, cookie_jar=jar, headers={"Origin": house.url}) as http:
        async with http.post("/api/v1/login", json={"user": "2001", "password": PASSWORD}) as answer:
            csrf = (await answer.json())["csrf"]
        headers = {"X-CSRF-Token": csrf}
        async with http.post(f"/api/v1/queues/spare/{what}", headers=headers, json=body) as answer:
            return answer.status
