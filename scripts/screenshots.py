"""Takes the screenshots of the documents: a real site, a real call, real browsers. `python -m scripts.screenshots`.

Writes docs/images/*.png (1280 x 720). Needs what the tests need (Chromium, SIPp, a Chinese font).
"""

import asyncio
from pathlib import Path

from tests.harness.browser import Browser
from tests.harness.sipp import SippCaller
from tests.harness.site import PASSWORD, site
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, start_work

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = {"width": 1280, "height": 720}


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
