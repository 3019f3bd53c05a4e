"""A team lead in a call in a real browser, from the page of calls and from the floor: one click and he hears, in words
who hears him, take over."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.harness.baresip import Baresip
from tests.harness.browser import Browser, page_hears
from tests.harness.sipp import SippCaller
from tests.harness.site import PASSWORD, Site
from tests.harness.sounddesk import SoundDesk
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, MEASURING
from tests.live.house import CALM

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEAD_HZ = 2530.0
WAIT = 10_000.0
"""Milliseconds for what has no time of its own."""


async def test_a_lead_listens_whispers_barges_and_takes_over_with_a_click_each(house: Site) -> None:
    site = house
    async with (
        Baresip(rtp=(17000, 17999)) as phones,
        SoundDesk(site, "1001", phones, tone=AGENT_HZ) as agent,
        SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller,
        Browser(tone_hz=LEAD_HZ, folder=site.home / "screenshots") as browser,
    ):
        await agent.expect("SetReady")
        await caller.answered()
        assert agent.phone is not None
        agent.phone.answer(await agent.phone.next_call())
        await agent.works("busy")
        page = await browser.page()
        await page.add_init_script(f"localStorage.setItem('hollyhock.microphone', '{MEASURING}')")
        await page.goto(f"{site.url}/lead/calls")
        await page.get_by_test_id("login-user").fill("2001")
        await page.get_by_test_id("login-password").fill(PASSWORD)
        await page.get_by_test_id("login-submit").click()
        await expect(page.get_by_test_id("call")).to_have_count(1, timeout=WAIT)
        await page.get_by_test_id("listen").click()
        own = page.get_by_test_id("own-call")
        await expect(own).to_have_attribute("data-hears", "listen", timeout=WAIT)
        await expect(own).to_contain_text("没有人听得到您", timeout=WAIT)
        await page_hears(page, CALLER_HZ, within=10)
        await page_hears(page, AGENT_HZ, within=10)
        # The same from the floor, where this page is his phone again; another page has ended his listening.
        await page.get_by_test_id("to-floor").click()
        row, call = page.get_by_test_id("agent-1001"), page.get_by_test_id("floor-call")
        await row.get_by_test_id("floor-listen").click(timeout=10_000)
        await expect(own).to_have_attribute("data-hears", "listen", timeout=WAIT)
        await expect(row.locator(".floor-heard")).to_contain_text("2001", timeout=WAIT)
        await page_hears(page, AGENT_HZ, within=10)
        await page.get_by_test_id("own-leave").click()
        await expect(own).to_have_count(0, timeout=WAIT)
        await call.get_by_test_id("floor-more").click()
        await page.get_by_role("menuitem", name="耳语").click()
        await expect(own).to_have_attribute("data-hears", "whisper", timeout=WAIT)
        await expect(own).to_contain_text("只有坐席听得到您", timeout=WAIT)
        await agent.phone.call.hears(LEAD_HZ, within=10)
        await page.get_by_test_id("own-barge").click()
        await expect(own).to_contain_text("双方都听得到您", timeout=WAIT)
        await caller.hears(LEAD_HZ, within=10)
        await page.get_by_test_id("own-leave").click()
        await page.get_by_test_id("open-1001").click()
        await page.get_by_test_id("drawer-take-over").click()  # from outside: he listens until his phone is there
        await expect(own).to_have_attribute("data-hears", "taken", timeout=WAIT)
        await agent.finish(ready=False)
        await page_hears(page, CALLER_HZ, within=10)
        await page.get_by_test_id("own-hang-up").click()
        await caller.ended(10)
        await expect(call).to_have_count(0, timeout=WAIT)
        assert not [trouble for trouble in browser.troubles if trouble.kind in ("uncaught", "crash")]
        await site.quiet(within=10)
