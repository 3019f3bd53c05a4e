"""Blind transfer with a real page, a real softphone and real sound: the customer is never alone."""

from __future__ import annotations

import time

import pytest

from ctiserver.model import events as ev
from tests.harness import tones
from tests.harness.baresip import Baresip
from tests.harness.browser import page_hears
from tests.harness.sipp import SippCaller
from tests.harness.site import Site
from tests.harness.sounddesk import SoundDesk
from tests.harness.waiting import eventually
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, browser_agent, wrap_up
from tests.live.house import CALM, hears_music, silence_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

COLLEAGUE_HZ = 1370.0
"""Not in the hold music, which has something at 950 Hz."""


async def test_a_page_sends_its_caller_to_a_colleague_with_a_note(house: Site) -> None:
    site = house
    async with (
        browser_agent(site) as (browser, page),
        Baresip(rtp=(17000, 17999)) as phones,
        SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller,
    ):
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ, within=3)
        async with SoundDesk(site, "1002", phones, tone=COLLEAGUE_HZ) as colleague:
            await colleague.ready()
            await page.get_by_test_id("note").fill("wants to return order 4711")
            await page.keyboard.press("F3")
            await page.get_by_test_id("transfer-agent/1002").wait_for()
            await page.screenshot(path=site.home / "screenshots" / "transfer-box.png")
            await page.get_by_test_id("transfer-search").fill("1002")
            sent = time.monotonic()
            await page.keyboard.press("Control+Enter")  # Enter would ask him first
            offer = await colleague.works("offer")
            assert [one["note"] for one in offer["handed"]] == ["wants to return order 4711"]
            assert offer["path"][-1] == "transfer:1001"
            await hears_music(caller.rtp, within=2)
            answered = time.monotonic()
            assert silence_in(caller.rtp, sent, answered) <= 0.3, "the caller heard nothing for a while"
            assert colleague.phone is not None
            colleague.phone.answer(await colleague.phone.next_call())
            await caller.hears(COLLEAGUE_HZ, within=8)
            assert not tones.has_tone(caller.rtp.last(0.5), AGENT_HZ), "the first agent is still heard"
            await colleague.works("busy")
            await wrap_up(page)
            await page.screenshot(path=site.home / "screenshots" / "transferred.png")
            await caller.hang_up()
            await colleague.works("wrap_up")
            await colleague.finish()
    conversation = site.events(ev.ConversationStarted)[-1].conversation
    path = site.home / "recordings" / f"{conversation}.wav"
    await eventually(path.exists, 5, "the recording")
    record = tones.read_wav(path)
    assert any(record.presence(1, AGENT_HZ)), "the first agent is on the record"
    assert any(record.presence(1, COLLEAGUE_HZ)), "and so is the colleague"
    up = next(e for e in site.events(ev.Established) if e.conversation == conversation)
    over = next(e for e in site.events(ev.CallCleared) if e.conversation == conversation)
    assert abs(record.seconds - (over.at - up.at)) < 0.1


async def test_a_caller_who_hangs_up_on_the_way_rings_nobody(house: Site) -> None:
    """freeswitch#2529: no agent rings for a caller who left."""
    site = house
    async with browser_agent(site) as (_browser, page):
        async with SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
            await caller.answered()
            await answer(page)
            await page_hears(page, CALLER_HZ, within=3)
            await page.keyboard.press("F3")
            await page.get_by_test_id("transfer-blind-queue/calm").click()
            await hears_music(caller.rtp, within=2)
            await caller.hang_up()
        await wrap_up(page)
    await site.quiet(within=3)
