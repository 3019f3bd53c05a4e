"""The lead's floor and the wallboard in real browsers: what happens is seen at once, what is done is told to whom."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from ctiserver.model import events as ev
from tests.harness.browser import Browser
from tests.harness.relay import Relay
from tests.harness.site import PASSWORD, Desk, Site
from tests.live.browser_people import start_work
from tests.live.house import LONELY, calling, conversation_of, hears_music, lead, of

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAIT = 15_000.0
"""Milliseconds for what has no time of its own: the machine may be busy."""


async def enter(page: Page, url: str, user: str = "2001") -> None:
    await page.goto(url)
    await page.get_by_test_id("login-user").fill(user)
    await page.get_by_test_id("login-password").fill(PASSWORD)
    await page.get_by_test_id("login-submit").click()


async def test_a_lead_lands_on_the_floor_forces_a_state_and_the_agent_is_told_who(house: Site) -> None:
    site = house
    async with (
        Browser(tone_hz=440, folder=site.home / "screenshots") as leads,
        Browser(tone_hz=440, folder=site.home / "screenshots") as agents,
    ):
        floor, page = await leads.page(), await agents.page()
        await enter(floor, site.url)  # the desktop's address: who has no seat is led on
        await expect(floor).to_have_url(f"{site.url}/lead")
        row = floor.get_by_test_id("agent-1001")
        await expect(row).to_have_attribute("data-state", "null", timeout=WAIT)
        await start_work(page, site, "1001")
        await expect(row).to_have_attribute("data-state", "ready", timeout=WAIT)
        await floor.get_by_test_id("open-1001").click()
        await floor.get_by_test_id("force-not-ready").click()
        await floor.locator(".ant-dropdown-menu-item").first.click()
        notice = page.get_by_test_id("notice")
        await expect(notice).to_have_attribute("data-by", "2001", timeout=WAIT)
        await expect(notice).to_contain_text("班长 2001 将您设为示忙")
        await expect(row).to_have_attribute("data-state", "not_ready", timeout=WAIT)
        await notice.get_by_test_id("notice-read").click()
        await expect(notice).to_have_count(0, timeout=WAIT)
        await floor.get_by_test_id("message-one").click()
        await floor.get_by_test_id("message-text").fill("请接投诉队列")
        await floor.locator(".ant-modal .ant-btn-primary").click()
        await expect(notice).to_contain_text("请接投诉队列", timeout=WAIT)
        skills = row.locator(".floor-skills")
        before = str(await skills.get_attribute("title"))
        level = floor.get_by_role("spinbutton", name="billing")
        assert await level.input_value() != "7"
        await level.fill("7")
        await floor.get_by_test_id("save-ability").click()
        await expect(skills).to_have_attribute("title", re.compile(r"billing 7 "), timeout=WAIT)
        await floor.get_by_test_id("undo-ability").click()
        await expect(skills).to_have_attribute("title", before, timeout=WAIT)
        await floor.get_by_test_id("force-out").click()
        await expect(page.get_by_test_id("start-work")).to_be_visible(timeout=WAIT)
        await expect(notice).to_have_attribute("data-kind", "signed_out")
        await expect(row).to_have_attribute("data-state", "null", timeout=WAIT)
        await floor.get_by_test_id("floor-view").click()
        await floor.reload()
        await expect(floor.locator("li[data-testid=agent-1001]")).to_have_class(re.compile("state-off"), timeout=WAIT)
        for each in (leads, agents):
            assert not [trouble for trouble in each.troubles if trouble.kind in ("uncaught", "crash")]
    async with lead(site) as http, http.get("/api/v1/floor/audit") as answer:
        lines = (await answer.json())["lines"]
    assert [(line["by"], line["what"], line["agent"]) for line in lines[:5]] == [
        ("2001", "ForceState", "1001"),
        ("2001", "ChangeSite", None),
        ("2001", "ChangeSite", None),
        ("2001", "SendMessage", "1001"),
        ("2001", "ForceState", "1001"),
    ]


async def shown(page: Page) -> dict[str, Any]:
    """What a board says of everybody."""
    rows = page.locator("[data-testid^=agent-][data-state]")
    states = await rows.evaluate_all("rows => rows.map(row => [row.dataset.testid, row.dataset.state])")
    calls = page.locator("[data-testid=floor-call]")
    return dict(states) | {"calls": await calls.evaluate_all("rows => rows.map(row => row.dataset.contact)")}


async def test_nothing_is_stale_until_a_reload_after_the_link_was_cut(house: Site) -> None:
    """NethServer/dev#7632: what changed while the link was away is there when it is back, as on a fresh page."""
    site = house
    async with Relay(("127.0.0.1", site.port)) as cable, Browser(tone_hz=440, folder=site.home / "shots") as browser:
        page = await browser.page()
        await enter(page, f"http://{cable.address}/lead")
        row, fresh = page.get_by_test_id("agent-1002"), page.get_by_test_id("freshness")
        await expect(row).to_have_attribute("data-state", "null", timeout=WAIT)
        await expect(fresh).to_have_attribute("data-stale", "false", timeout=WAIT)
        cable.refuse()
        cable.cut()
        await expect(fresh).to_have_attribute("data-stale", "true", timeout=WAIT)
        async with Desk(site, "1002") as desk, calling(site, LONELY, "13977700001") as line:
            await hears_music(line.rtp)
            await desk.expect("SetReady")
            await desk.state("ready")
            assert await row.get_attribute("data-state") == "null", "it was told nothing"
            cable.accept()
            await expect(row).to_have_attribute("data-state", "ready", timeout=WAIT)
            await expect(page.get_by_test_id("floor-call")).to_have_count(1, timeout=WAIT)
            async with Browser(tone_hz=440, folder=site.home / "shots") as other:
                anew = await other.page()
                await enter(anew, f"{site.url}/lead")
                await expect(anew.get_by_test_id("agent-1002")).to_have_attribute("data-state", "ready", timeout=WAIT)
                assert await shown(page) == await shown(anew)
            # The lead ends the call of the one who waits: it is off both boards, and counts as withdrawn.
            conversation = conversation_of(site, line.number)
            await page.get_by_test_id("end-call").click()
            await page.locator(".ant-popconfirm .ant-btn-dangerous").click()
            await expect(page.get_by_test_id("floor-call")).to_have_count(0, timeout=WAIT)
            (over,) = of(site, conversation, ev.ContactEnded)
            assert over.reason == "withdrawn"
            await desk.expect("SignOut")
    await site.quiet()


async def test_a_wallboard_says_how_old_it_is_and_comes_back_by_itself(house: Site) -> None:
    site = house
    async with Relay(("127.0.0.1", site.port)) as cable, Browser(tone_hz=440, folder=site.home / "shots") as browser:
        page = await browser.page()
        await enter(page, f"http://{cable.address}/wallboard")
        fresh, waiting = page.get_by_test_id("freshness"), page.get_by_test_id("tile-waiting-all").locator("b")
        await expect(waiting).to_have_text("0", timeout=WAIT)
        await expect(fresh).to_have_attribute("data-stale", "false", timeout=WAIT)
        cable.stall()
        await expect(fresh).to_have_attribute("data-stale", "true", timeout=WAIT)
        async with calling(site, LONELY, "13977700002") as line:
            await hears_music(line.rtp)
            cable.resume()
            await expect(waiting).to_have_text("1", timeout=WAIT)
            await expect(fresh).to_have_attribute("data-stale", "false", timeout=WAIT)
            await expect(page.get_by_test_id("alarm")).to_have_attribute("data-alarm", "nobody", timeout=WAIT)
        await expect(waiting).to_have_text("0", timeout=WAIT)
    await site.quiet()


async def test_a_screen_has_tiles_and_thresholds_of_its_own_until_it_is_undone(house: Site) -> None:
    site = house
    async with Browser(tone_hz=440, folder=site.home / "shots") as browser:
        page = await browser.page()
        await enter(page, f"{site.url}/wallboard")
        tiles = page.locator("[data-testid^=tile-][class*=wall-tile]")
        await expect(tiles).to_have_count(8, timeout=WAIT)
        edit, settings = page.get_by_test_id("wall-edit"), page.get_by_test_id("wall-settings")
        await edit.click()
        await page.get_by_test_id("tile-queue-0").select_option("lonely")
        await expect(page.get_by_test_id("tile-waiting-lonely")).to_be_visible(timeout=WAIT)
        await page.keyboard.press("Escape")
        await expect(settings).to_have_count(0, timeout=WAIT)
        await expect(page.get_by_test_id("tile-waiting-all")).to_be_visible(timeout=WAIT)
        await expect(edit).to_be_focused(timeout=WAIT)
        await edit.click()
        await page.get_by_test_id("tile-queue-0").select_option("lonely")
        await page.get_by_test_id("limit-warn_waiting").fill("9")
        await expect(page.get_by_test_id("wall-save")).to_be_disabled(timeout=WAIT)  # amber would come after red
        await page.get_by_test_id("limit-warn_waiting").fill("0")
        await page.get_by_test_id("wall-save").click()
        await page.reload()
        await expect(page.get_by_test_id("tile-waiting-lonely")).to_have_class("wall-tile level-warn", timeout=WAIT)
        await edit.click()
        await page.get_by_test_id("wall-site").click()
        await expect(page.get_by_test_id("tile-waiting-all")).to_be_visible(timeout=WAIT)
        await page.get_by_test_id("wall-undo").click()
        await expect(page.get_by_test_id("tile-waiting-lonely")).to_be_visible(timeout=WAIT)
