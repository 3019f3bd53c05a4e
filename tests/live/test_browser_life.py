"""What happens to browsers in real life: the network goes, a second tab opens, a customer calls from a page."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness import tones
from tests.harness.browser import Browser, page_hears
from tests.harness.sipp import SippCaller
from tests.harness.site import Site
from tests.harness.waiting import eventually
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, browser_agent, wrap_up
from tests.live.house import CALM

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_after_a_restart_of_the_server_the_end_of_the_call_still_reaches_the_page(house: Site) -> None:
    """The page tells Asterisk its new path and nothing else: the sound of the talk is not negotiated again."""
    site = house
    async with browser_agent(site) as (_browser, page), SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ)
        site.kill()
        site.spawn()
        await site.ready()
        await page.locator('[data-testid="phone-status"][data-status="ready"]').wait_for()
        before = caller.rtp.received
        await asyncio.sleep(2.0)  # the path is renewed now, and the sound must not notice
        assert caller.rtp.received - before > 90, "the sound has holes"
        await caller.hears(AGENT_HZ)
        assert await page.evaluate("window.__hollyhock.state().phone.call?.phase") == "talking"
        await caller.hang_up()
        await eventually(lambda: page.evaluate("window.__hollyhock.state().phone.call === null"), 10, "the end of it")
        await wrap_up(page)


async def test_a_second_tab_takes_the_phone_over_and_the_call_goes_on(house: Site) -> None:
    """amazon-connect-streams#939: two tabs never fight over the sound."""
    site = house
    async with browser_agent(site) as (browser, page), SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ)
        second = await browser.page(site.url, context=page.context)
        await second.get_by_test_id("take-over").click()
        await second.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
        await page_hears(second, CALLER_HZ)
        await caller.hears(AGENT_HZ)
        await page.locator('[data-testid="banner"][data-banner="elsewhere"]').wait_for()
        await eventually_one_leg(site)
        await caller.hang_up()
        await wrap_up(second)


async def eventually_one_leg(site: Site) -> None:
    async def one() -> bool:
        held = await site.holds()
        return len([name for name in held["channels"] if ".a" in name]) == 1

    await eventually(one, 10, "one agent's leg")


async def test_a_customer_calls_from_the_page_and_both_browsers_hear_each_other(house: Site) -> None:
    site = house
    async with browser_agent(site) as (_browser, agent), Browser(tone_hz=CALLER_HZ) as customers:
        customer = await customers.page(f"{site.url}/call")
        await customer.evaluate(
            "localStorage.setItem('hollyhock.microphone',"
            " '{\"echoCancellation\":false,\"noiseSuppression\":false,\"autoGainControl\":false}')"
        )
        await customer.get_by_test_id("dial").click()
        await customer.locator('[data-testid="call-status"][data-status="talking"]').wait_for()
        await customer.get_by_test_id("key-1").click()
        await agent.get_by_test_id("answer").wait_for()
        await answer(agent)
        await page_hears(agent, CALLER_HZ)
        await page_hears(customer, AGENT_HZ)
        assert (await customer.get_by_test_id("story").inner_text()).strip()
        await customer.get_by_test_id("hangup-call").click()
        await wrap_up(agent)
        await site.quiet()


async def test_the_agent_mutes_himself_and_sends_digits(house: Site) -> None:
    site = house
    async with browser_agent(site) as (_browser, page), SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ)
        await page.get_by_test_id("mute").click()
        await eventually(lambda: not tones.has_tone(caller.rtp.last(0.3), AGENT_HZ), 10, "the agent to be muted")
        await page.get_by_test_id("mute").click()
        await caller.hears(AGENT_HZ)
        await page.get_by_test_id("keypad").click()
        for key in "42#":
            await page.get_by_test_id(f"key-{key}").click()
        await eventually(lambda: caller.rtp.keys == "42#", 10, "the digits 42#")
        await page.get_by_test_id("hangup").click()
        await caller.ended()
        await wrap_up(page)
