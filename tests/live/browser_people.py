"""People in real browsers: an agent at his desktop, a customer on the caller page. Used by test_browser_*.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page

from tests.harness.browser import Browser
from tests.harness.site import PASSWORD, Desk, Site
from tests.harness.waiting import eventually

CALLER_HZ, AGENT_HZ = 1130.0, 1730.0
"""Tones that the hold music has not: 440 and 660 Hz are in its chords."""
MEASURING = '{"echoCancellation":false,"noiseSuppression":false,"autoGainControl":false}'

SETTLED = """async () => {
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const ends = (motion) => motion.effect?.getComputedTiming().endTime < Infinity;
  await Promise.allSettled(document.getAnimations().filter(ends).map((motion) => motion.finished));
}"""
"""Colours that are still changing are nobody's to judge."""
PRESS = "name => document.querySelector(`[data-testid=${name}]`).click()"
"""A press that leaves the focus where it is."""
FOCUSED = "() => document.activeElement?.closest('[data-testid]')?.dataset.testid ?? ''"

_CHECKED = """
  const now = new Date();
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].join("-");
  localStorage.setItem("hollyhock.device-check", "%s " + day);
"""
"""He has tried his devices today: the check would hold a microphone open beside every measurement."""


async def start_work(page: Page, site: Site, user: str) -> None:
    """Log in, start work, be ready; waits until the desktop says that the phone is ready."""
    await page.add_init_script(f"localStorage.setItem('hollyhock.microphone', '{MEASURING}')")
    await page.add_init_script(_CHECKED % user)
    await page.goto(site.url)
    await page.get_by_test_id("login-user").fill(user)
    await page.get_by_test_id("login-password").fill(PASSWORD)
    await page.get_by_test_id("login-submit").click()
    await page.get_by_test_id("start-work").click()
    await page.locator('[data-testid="phone-status"][data-status="ready"]').wait_for()
    await page.get_by_test_id("ready-button").click()
    await page.locator('[data-testid="state-select"][data-state="ready"]').wait_for()


@asynccontextmanager
async def browser_agent(site: Site, user: str = "1001") -> AsyncIterator[tuple[Browser, Page]]:
    """A ready agent in a real browser; afterwards signed out, so that the next test begins as the first."""
    try:
        async with Browser(tone_hz=AGENT_HZ, folder=site.home / "screenshots") as browser:
            page = await browser.page()
            try:
                await start_work(page, site, user)
                yield browser, page
            except BaseException as error:
                error.add_note(await look(browser, page))
                raise
    finally:
        async with Desk(site, user, phone=False) as desk:
            await eventually(lambda: not any(key.startswith("work/") for key in desk.docs), 35, "the end of the work")
            await desk.expect("SignOut")


async def look(browser: Browser, page: Page) -> str:
    """What a failed test's page shows, in words."""
    if page.is_closed() or not browser.processes():
        return "the page is gone"
    text = await page.evaluate("[document.body.innerText, JSON.stringify(window.__hollyhock?.state())].join(' | ')")
    return f"the page shows: {text[:3000]}; console: {browser.troubles}"


async def answer(page: Page) -> None:
    await page.get_by_test_id("answer").click()
    await page.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()


async def wrap_up(page: Page) -> None:
    """The first disposition, then Done -> not ready."""
    await page.get_by_test_id("disposition").click()
    await page.keyboard.press("Enter")
    await page.get_by_test_id("done-notready").click()
    await page.locator('[data-testid="state-select"][data-state="not_ready"]').wait_for()


async def tab_to(page: Page, name: str) -> None:
    """The Tab key as often as it takes."""
    for _ in range(60):
        if await page.evaluate(FOCUSED) == name:
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {name}")
