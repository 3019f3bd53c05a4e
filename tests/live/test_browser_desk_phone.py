"""An agent's page beside his desk phone, in a real browser: the choice, a call on the phone, and back."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.harness.browser import Browser
from tests.harness.deskphone import DeskPhone
from tests.harness.site import PASSWORD, Desk, site
from tests.live.browser_people import AGENT_HZ, wrap_up
from tests.live.desk_people import PHONE, both_hear, only_music, prepare
from tests.live.house import CALM, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_MICROPHONE = """
window.asked = 0;
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (...wanted) => { window.asked += 1; return open(...wanted); };
"""


def phone_is(page: Page, status: str) -> str:
    return f'[data-testid="phone-status"][data-status="{status}"]'


async def test_a_day_with_a_desk_phone() -> None:
    async with (
        site(rtp=(28400, 28599), prepare=prepare) as office,
        DeskPhone(office, "p1", tone=PHONE) as phone,
        Browser(tone_hz=AGENT_HZ, folder=office.home / "screenshots") as browser,
    ):
        page = await browser.page()
        await page.add_init_script(NO_MICROPHONE)
        await page.goto(office.url)
        await page.get_by_test_id("login-user").fill("1003")
        await page.get_by_test_id("login-password").fill(PASSWORD)
        await page.get_by_test_id("login-submit").click()
        # His own phone is proposed, with its state; others can be chosen.
        await page.get_by_test_id("start-device").click()
        await page.locator('[data-testid="device-p1"][data-chosen="true"]').wait_for()
        assert await page.get_by_test_id("device-wall").inner_text() == "墙上话机\n可用"
        await page.get_by_test_id("device-p1").click()
        await page.get_by_test_id("start-work").click()
        await page.locator(phone_is(page, "desk")).wait_for()
        await page.get_by_test_id("ready-button").click()
        async with calling(office, CALM, "13966600000") as line:
            call = await phone.next_call()
            call.ring()
            await page.get_by_test_id("answer-on-phone").wait_for()
            assert await page.get_by_test_id("answer").count() == 0
            phone.answer(call)
            await page.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
            await both_hear(line, phone)
            await phone.agent.core.outcome(phone.hold(call))
            await page.locator('[data-testid="call-phase"][data-phase="held"]').wait_for()
            await only_music(line)
            await page.get_by_test_id("retrieve").click()
            await page.locator('[data-testid="toast"][data-code="held_on_phone"]').wait_for()
            await phone.agent.core.outcome(phone.resume(call))
            await page.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
            await page.get_by_test_id("hold").click()
            await only_music(line)
            await page.get_by_test_id("retrieve").click()
            await both_hear(line, phone)
            await page.reload()
            await page.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
            await both_hear(line, phone)
            await page.get_by_test_id("hangup").click()
            await line.call.ended()
        await call.ended()
        await wrap_up(page)
        assert await page.evaluate("[window.asked, window.__hollyhock.state().phone.status]") == [0, "off"]
        # The phone is pulled out: the page says so, and takes over by one click; and gives it back by one click.
        await phone.register(expires=0)
        await page.locator('[data-testid="banner"][data-banner="desk_away"]').wait_for()
        await page.get_by_test_id("take-phone").click()
        await page.locator(phone_is(page, "ready")).wait_for()
        await phone.register()
        await page.get_by_test_id("phone-status").click()
        await page.get_by_test_id("device-p1").click()
        await page.locator(phone_is(page, "desk")).wait_for()
        # Somebody sits down at it: one click there, and this page knows.
        async with Desk(office, "1001", phone=False) as other:
            await other.expect("SignIn")
            await other.expect("UsePhone", phone="p1", take_over=True)
            await page.locator('[data-testid="banner"][data-banner="none"]').wait_for()
            await page.get_by_test_id("phone-status").click()
            taken = page.get_by_test_id("device-p1")
            assert await taken.inner_text() == "一号话机\n王芳 正在使用 · 接管"
            await taken.click()
            await page.locator(phone_is(page, "desk")).wait_for()
            await other.sees(lambda docs: docs["me"]["phone"] is None, "the phone to be gone")
            await other.expect("SignOut")
        assert office.complaints() == []
