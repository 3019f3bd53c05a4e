"""The main job with a real Chromium as the agent: sound both ways, the pop before the ring, pages that come and go."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from ctiserver.model import events as ev
from tests.harness import tones
from tests.harness.browser import page_audio, page_hears
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, browser_agent, wrap_up
from tests.live.house import BRISK, CALM

pytestmark = pytest.mark.asyncio(loop_scope="module")

async def test_each_hears_only_the_other_and_the_record_has_both(house: Site) -> None:
    site = house
    async with browser_agent(site) as (_browser, page), SippCaller(
        site.sip, "95500", caller="13900000001", tone=CALLER_HZ
    ) as caller:
        await caller.answered()
        await caller.press("1")
        await page.get_by_test_id("customer-name").get_by_text("张伟").wait_for()
        await answer(page)
        await page_hears(page, CALLER_HZ, within=2)
        await caller.hears(AGENT_HZ, within=2)
        await asyncio.sleep(1.0)
        heard = caller.rtp.last(0.5)
        assert tones.has_tone(heard, AGENT_HZ)
        assert not tones.has_tone(heard, CALLER_HZ), "the caller hears himself"
        (track,) = await page_audio(page, CALLER_HZ, AGENT_HZ)
        assert track.at[CALLER_HZ] > track.at[AGENT_HZ] + 30, "the agent hears himself"
        await caller.hang_up()
        await page.get_by_test_id("disposition").click()
        await page.keyboard.press("Enter")
        await page.get_by_test_id("note").fill("问题已解决 solved")
        await page.get_by_test_id("done-notready").click()
        await page.locator('[data-testid="state-select"][data-state="not_ready"]').wait_for()
        await page.get_by_test_id("call-list-play").first.wait_for()
    trace = caller.trace
    conversation = site.events(ev.ConversationStarted)[-1].conversation
    path = site.home / "recordings" / f"{conversation}.wav"
    await eventually(path.exists, 5, "the recording")
    record = tones.read_wav(path)
    assert trace.answered_wall is not None
    talk = next(e for e in site.events(ev.Talking) if e.conversation == conversation)
    ended = next(e for e in site.events(ev.CallCleared) if e.conversation == conversation)
    up = next(e for e in site.events(ev.Established) if e.conversation == conversation)
    start = talk.at - up.at
    assert any(record.presence(0, CALLER_HZ))
    assert abs(record.seconds - (ended.at - up.at)) < 0.1
    assert tones.has_tone(record.part(0, start + 0.5, start + 1.5), CALLER_HZ)
    assert tones.has_tone(record.part(1, start + 0.5, start + 1.5), AGENT_HZ)
    assert not tones.has_tone(record.part(0, start + 0.5, start + 1.5), AGENT_HZ)
    written = [e for e in site.events(ev.NoteWritten) if e.conversation == conversation]
    assert written[-1].text == "问题已解决 solved"


async def test_a_reload_in_talk_brings_the_sound_back_within_a_second(house: Site) -> None:
    """amazon-connect-streams#33, #513: a reload drops the call, or leaves it without sound."""
    site = house
    async with browser_agent(site) as (_browser, page), SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ, within=3)
        began = time.monotonic()
        await page.reload(wait_until="commit")
        await eventually(
            lambda: not tones.has_tone(caller.rtp.last(0.1), AGENT_HZ), 2, "the reload to be heard", poll=0.01
        )
        await caller.hears(AGENT_HZ, within=3)
        back = time.monotonic() - began
        await page_hears(page, CALLER_HZ, within=3)
        print(f"media back {back * 1000:.0f} ms after the reload began")
        assert back < 1.0
        await page.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
        await caller.hang_up()
        await wrap_up(page)


async def test_a_browser_that_dies_in_talk_gives_the_caller_music_and_the_next_agent(house: Site) -> None:
    site = house
    async with browser_agent(site) as (browser, page), SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ, within=3)
        async with Desk(site, "1002") as other:
            await other.ready()
            dead = time.time()
            browser.crash()
            lost = (await site.happens(ev.AgentLegLost, within=12))[-1]
            print(f"noticed after {lost.at - dead:.2f} s")
            await asyncio.sleep(max(0.0, dead + 1.0 - time.time()))
            heard = caller.rtp.last(0.2)
            assert tones.level(heard) > -45, "music within a second of the loss"
            assert not tones.has_tone(heard, AGENT_HZ)
            await other.works("offer", within=20)
            assert other.phone is not None
            other.phone.answer(await other.phone.next_call())
            await other.works("busy")
            await caller.hang_up()
            await other.finish()
        await site.quiet(within=3)


async def test_a_browser_closed_while_ringing_lets_the_next_agent_ring(house: Site) -> None:
    site = house
    async with browser_agent(site, "1003") as (_browser, page), SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
        await caller.answered()
        await page.get_by_test_id("answer").wait_for()
        async with Desk(site, "1002") as other:
            await other.ready()
            await page.close()
            await other.works("offer", within=3)
            assert other.phone is not None
            other.phone.answer(await other.phone.next_call())
            await other.works("busy")
            await caller.hang_up()
            await other.finish()
    assert not [e for e in site.events(ev.OfferMissed) if e.agent == "1003"]


async def test_the_pop_is_painted_before_the_ring_in_50_of_50_offers(house: Site) -> None:
    site = house
    early: list[float] = []
    async with browser_agent(site) as (_browser, page):
        for _ in range(50):
            async with SippCaller(site.sip, BRISK) as caller:
                await page.get_by_test_id("answer").wait_for()
                rung = partial(page.evaluate, "n => window.__hollyhock.ringAt.length > n", len(early))
                await eventually(rung, 10, "the ring")  # Playwright's own waiting is not allowed by the page's policy
                painted, rings = await page.evaluate(
                    "[Object.values(window.__hollyhock.popPaintedAt), window.__hollyhock.ringAt]"
                )
                early.append(rings[-1] - max(painted))
                await caller.hang_up()
            await page.locator('[data-testid="state-select"][data-state="ready"]').wait_for()
    print(f"pop before ring: min {min(early):.0f} ms, median {sorted(early)[25]:.0f} ms")
    assert len(early) == 50
    assert min(early) > 0
