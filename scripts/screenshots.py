"""Takes the screenshots of the documents: a real site, a real call, real browsers. `python -m scripts.screenshots`.

Writes docs/images/*.png (1280 x 720; the wallboard 1920 x 1080). Needs what the tests need (Chromium, SIPp, a Chinese
font).
"""

import asyncio
from pathlib import Path

from playwright.async_api import Page

from tests.harness.browser import Browser
from tests.harness.sipp import SippCaller
from tests.harness.site import PASSWORD, Desk, Site, site
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, start_work

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = {"width": 1280, "height": 720}


async def with_a_colleague(browser: Browser, page: Page, running: Site) -> None:
    """The agent asks a colleague, then all three talk, then the colleague leaves again."""
    async with Desk(running, "1002") as colleague:
        await page.keyboard.press("F3")
        await page.get_by_test_id("transfer-agent/1002").wait_for()
        await page.wait_for_timeout(500)
        await browser.screenshot(page, "transfer")
        await page.get_by_test_id("transfer-agent/1002").click()
        await colleague.works("offer", within=10)
        assert colleague.phone is not None
        colleague.phone.answer(await colleague.phone.next_call(timeout=10))
        await phase(page, "consulting")
        await page.wait_for_timeout(1500)
        await browser.screenshot(page, "consult")
        await page.get_by_test_id("merge").click()
        await phase(page, "conference")
        await page.wait_for_timeout(1500)
        await browser.screenshot(page, "conference")
        await page.get_by_test_id("drop-1002").click()
        await phase(page, "talking")


async def phase(page: Page, wanted: str) -> None:
    await page.locator(f'[data-testid="call-phase"][data-phase="{wanted}"]').wait_for()


async def the_floor(running: Site) -> None:
    """What a team lead sees while one agent talks, one is ready and a caller waits for a complaint to be taken."""
    async with (
        Browser(tone_hz=AGENT_HZ, folder=IMAGES) as leads,
        Desk(running, "1004") as ready,
        SippCaller(running.sip, "95500", caller="13900000003", tone=CALLER_HZ) as waiting,
    ):
        await ready.expect("SetReady")
        await waiting.answered()
        await waiting.press("2")
        lead = await leads.page(running.url)
        await lead.set_viewport_size(SIZE)
        await lead.get_by_test_id("login-user").fill("2001")
        await lead.get_by_test_id("login-password").fill(PASSWORD)
        await lead.get_by_test_id("login-submit").click()
        await lead.get_by_test_id("floor").wait_for()
        for place in ("", "calls"):
            await lead.goto(f"{running.url}/lead/{place}".rstrip("/"))
            await lead.wait_for_timeout(2500)
            await leads.screenshot(lead, f"lead-{place or 'floor'}")
        await lead.goto(f"{running.url}/lead")
        await lead.get_by_test_id("floor-view").click()
        await lead.get_by_test_id("floor-listen").first.click()
        await lead.locator('[data-testid="own-call"][data-hears="listen"]').wait_for()
        await lead.wait_for_timeout(1500)
        await leads.screenshot(lead, "lead-cards")
        await lead.set_viewport_size({"width": 1920, "height": 1080})
        await lead.goto(f"{running.url}/wallboard")
        await lead.wait_for_timeout(2500)
        await leads.screenshot(lead, "wallboard")
        await lead.get_by_test_id("wall-edit").click()
        await lead.wait_for_timeout(500)
        await leads.screenshot(lead, "wallboard-tiles")
        await waiting.hang_up()


async def main() -> None:
    async with site(rtp=(31400, 31599)) as running, Browser(tone_hz=AGENT_HZ, folder=IMAGES) as browser:
        page = await browser.page()
        await page.set_viewport_size(SIZE)
        await start_work(page, running, "1001")
        async with SippCaller(running.sip, "95500", caller="13900000001", tone=CALLER_HZ) as caller:
            await caller.answered()
            await caller.press("2")
            await page.get_by_test_id("answer").wait_for()
            await page.wait_for_timeout(1500)
            await browser.screenshot(page, "ringing")
            await answer(page)
            await page.get_by_test_id("note").fill("账单重复扣费,已核实。")
            await page.wait_for_timeout(4000)
            await browser.screenshot(page, "desktop")
            await with_a_colleague(browser, page, running)
            await the_floor(running)
            await caller.hang_up()
        await page.get_by_test_id("disposition").wait_for()
        await page.wait_for_timeout(1000)
        await browser.screenshot(page, "wrap-up")
        await page.get_by_test_id("disposition").click()
        await page.keyboard.press("Enter")
        await page.get_by_test_id("done-ready").click()
        await page.get_by_test_id("call-list-play").first.wait_for()
        await page.wait_for_timeout(800)
        await browser.screenshot(page, "idle")
        async with Browser(tone_hz=AGENT_HZ, folder=IMAGES) as administrators:
            admin = await administrators.page(f"{running.url}/admin")
            await admin.set_viewport_size(SIZE)
            await admin.get_by_test_id("login-user").fill("admin")
            await admin.get_by_test_id("login-password").fill(PASSWORD)
            await admin.get_by_test_id("login-submit").click()
            for place in ("queues", "agents", "groups", "calendars"):
                await admin.get_by_test_id(f"nav-{place}").click()
                if place == "agents":
                    await admin.get_by_test_id("level-1003-billing").fill("80")
                    await admin.get_by_test_id("agent-1003").click()
                await admin.wait_for_timeout(800)
                await administrators.screenshot(admin, f"admin-{place}")
        async with Browser(tone_hz=CALLER_HZ, folder=IMAGES) as customers:
            customer = await customers.page(f"{running.url}/call")
            await customer.set_viewport_size(SIZE)
            await customer.get_by_test_id("dial").click()
            await customer.locator('[data-testid="call-status"][data-status="talking"]').wait_for()
            await customer.wait_for_timeout(3500)
            await customers.screenshot(customer, "caller")
            await customer.get_by_test_id("hangup-call").click()


if __name__ == "__main__":
    asyncio.run(main())
