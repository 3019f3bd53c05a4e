"""A team lead's page in a real browser: who waits, why, who would help; and afterwards why that agent."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from ctiserver.model import events as ev
from tests.harness.browser import Browser
from tests.harness.site import PASSWORD, Desk, Site
from tests.live.house import ALONE, LONELY, calling, conversation_of, hears_music, of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def enter(page: Page, site: Site, user: str = "2001") -> None:
    await page.goto(f"{site.url}/lead/waiting")
    await page.get_by_test_id("login-user").fill(user)
    await page.get_by_test_id("login-password").fill(PASSWORD)
    await page.get_by_test_id("login-submit").click()


async def test_a_lead_sees_who_waits_why_and_afterwards_why_that_agent(house: Site) -> None:
    site = house
    async with Browser(tone_hz=440, folder=site.home / "screenshots") as browser:
        page = await browser.page()
        await enter(page, site)
        count, rows = page.get_by_test_id("waiting-count"), page.get_by_test_id("waiting-row")
        await expect(count).to_have_text("0")
        async with calling(site, LONELY, "13988800001") as line:
            await hears_music(line.rtp)
            await expect(rows).to_have_count(1)
            await rows.click()
            await expect(page.get_by_test_id("verdict")).to_have_text("能接听的坐席都没有签到")
            await expect(page.get_by_test_id("nearest")).to_contain_text(ALONE)
            async with Desk(site, ALONE) as desk:
                await desk.expect("SetReady")
                assert desk.phone is not None
                await desk.phone.next_call()
                await expect(page.get_by_test_id("verdict")).to_have_text("正在派给坐席")
                (made,) = of(site, conversation_of(site, line.number), ev.OfferMade)
                await page.get_by_test_id("ask").fill(made.reservation)
                await page.get_by_test_id("ask").press("Enter")
                await expect(page.get_by_test_id("verdict")).to_have_text("为什么派给这位坐席", timeout=15_000)
                await expect(page.get_by_test_id("agents").locator("tr.in")).to_contain_text(ALONE)
                await line.agent.core.outcome(line.call.bye())
                await expect(count).to_have_text("0")
                await desk.state("ready")
                await desk.expect("SignOut")
        assert not [trouble for trouble in browser.troubles if trouble.kind in ("uncaught", "crash")]
        await site.quiet()
