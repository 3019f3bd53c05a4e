"""Consult and conference on the real page, by keys alone: both parties side by side, and what each state looks like."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.harness.baresip import Baresip
from tests.harness.browser import page_hears
from tests.harness.sipp import SippCaller
from tests.harness.site import Site
from tests.harness.sounddesk import SoundDesk
from tests.harness.waiting import eventually
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, browser_agent, wrap_up
from tests.live.house import CALM, hears_music

pytestmark = pytest.mark.asyncio(loop_scope="module")

COLLEAGUE_HZ = 1370.0


async def phase(page: Page, wanted: str) -> None:
    await page.locator(f'[data-testid="call-phase"][data-phase="{wanted}"]').wait_for(timeout=10_000)


async def look(page: Page, site: Site, name: str) -> None:
    """A picture in each language; nothing may be wider than the window."""
    for _ in range(2):
        await page.get_by_test_id("language").click()
        language = await page.evaluate("document.documentElement.lang")
        await page.screenshot(path=site.home / "screenshots" / f"consult-{name}-{language}.png")
        wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        bar = await page.evaluate(
            "(() => { const e = document.querySelector('.callbar'); return e.scrollWidth > e.clientWidth })()"
        )
        assert not wide and not bar, f"{name} does not fit in {language}"


async def test_by_keys_from_the_question_to_the_conference_and_out_of_it(house: Site) -> None:
    site = house
    async with (
        browser_agent(site) as (_browser, page),
        Baresip(rtp=(17000, 17999)) as phones,
        SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller,
    ):
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ, within=8)
        async with SoundDesk(site, "1002", phones, tone=COLLEAGUE_HZ) as colleague:
            await page.get_by_test_id("note").fill("wants to return order 4711")
            await page.keyboard.press("F3")
            await page.get_by_test_id("transfer-agent/1002").wait_for()
            await look(page, site, "search")
            await page.get_by_test_id("transfer-search").fill("1002")
            await page.keyboard.press("Enter")
            await phase(page, "consult_ringing")
            await hears_music(caller.rtp, within=8)
            offer = await colleague.works("offer")
            assert offer["task"] == "consult"
            await look(page, site, "ringing")
            assert colleague.phone is not None
            await (await colleague.phone.next_call(timeout=8)).reject()
            note = page.get_by_test_id("held-note")
            await note.wait_for()
            assert "李娜" in await note.inner_text(), "who could not take it is named"
            await look(page, site, "refused")
            await page.keyboard.press("F3")
            await page.get_by_test_id("transfer-agent/1002").click()
            await colleague.works("offer")
            colleague.phone.answer(await colleague.phone.next_call(timeout=8))
            await phase(page, "consulting")
            await page_hears(page, COLLEAGUE_HZ, within=8)
            await look(page, site, "consulting")
            await page.keyboard.press("F6")
            await phase(page, "swapped")
            await page_hears(page, CALLER_HZ, within=8)
            await look(page, site, "swapped")
            await page.keyboard.press("F10")
            await phase(page, "conference")
            await caller.hears(COLLEAGUE_HZ, within=8)
            await caller.hears(AGENT_HZ, within=8)
            await look(page, site, "conference")
            await page.keyboard.press("F4")
            await wrap_up(page)
            await caller.hears(COLLEAGUE_HZ, within=8)
            await eventually(lambda: colleague.work()["task"] == "contact", 5, "the customer to be his")
            assert [one["note"] for one in colleague.work()["handed"]] == ["wants to return order 4711"]
            await caller.hang_up()
            await colleague.works("wrap_up", within=8)
            await colleague.finish(ready=False)


async def test_a_page_is_asked_and_leaves(house: Site) -> None:
    site = house
    async with browser_agent(site, "1003") as (_browser, page), Baresip(rtp=(17000, 17999)) as phones:
        await page.keyboard.press("F8")
        await page.locator('[data-testid="state-select"][data-state="not_ready"]').wait_for()
        async with (
            SoundDesk(site, "1001", phones, tone=COLLEAGUE_HZ) as asks,
            SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller,
        ):
            await caller.answered()
            await asks.expect("SetReady")
            assert asks.phone is not None
            asks.phone.answer(await asks.phone.next_call(timeout=8))
            work = await asks.works("busy", within=8)
            await asks.expect("ConsultCall", conversation=work["conversation"], to_agent="1003")
            await page.get_by_test_id("offer-card").wait_for()
            await look(page, site, "asked")
            await page.keyboard.press("F2")
            await phase(page, "called_in")
            await page_hears(page, COLLEAGUE_HZ, within=8)
            await look(page, site, "called-in")
            await page.keyboard.press("F4")
            await page.locator('[data-testid="state-select"][data-state="not_ready"]').wait_for()
            await eventually(lambda: asks.work()["held"] and not asks.work()["parties"], 5, "the agent to be alone")
            await caller.hang_up()
            await asks.works("wrap_up", within=8)
            await asks.finish(ready=False)
