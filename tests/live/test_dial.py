"""Calls that agents make, on a real Asterisk with real sound: outside through the trunk, colleagues, sent outside.

The carrier is one SIP agent of the harness: every call of ours arrives there and is answered, or not. Numbers that
begin with 139 may be called; a call rings for eight seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from ctiserver.model import events as ev
from tests.harness import tones
from tests.harness.browser import Browser, page_hears
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall
from tests.harness.sipmessage import address
from tests.harness.site import PASSWORD, Desk, Site, free_port, site
from tests.harness.waiting import eventually
from tests.live import house
from tests.live.browser_people import AGENT_HZ as PAGE_HZ, PRESS, SETTLED, browser_agent, tab_to, wrap_up
from tests.live.people import AGENT_HZ, FREE_HZ, Agent

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER, EXPERT = "13900001111", "13900002222"
OUTSIDE_HZ = 620.0
CARRIER_PORT = free_port()

_CONFIG = """
[[phones]]
id = "p1001"
name = {{ zh = "p1001", en = "p1001" }}

[[phones]]
id = "p1002"
name = {{ zh = "p1002", en = "p1002" }}

[outbound]
trunk = "127.0.0.1:{port}"
prefixes = ["139"]
queue = "calm"
ring_seconds = 8.0
"""


def prepare(home: Path) -> None:
    house.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8")
    for name in ("1001", "1002"):
        text = text.replace(f'[[agents]]\nid = "{name}"\n', f'[[agents]]\nid = "{name}"\nphone = "p{name}"\n')
    path.write_text(text + _CONFIG.format(port=CARRIER_PORT), "utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dialling(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with site(rtp=(28200, 28399), prepare=prepare) as running:
        yield running


class Scene:
    """The site, the carrier with a voice, and agent 1001 at his desk phone."""

    def __init__(self, running: Site, stack: AsyncExitStack) -> None:
        self.site, self.stack = running, stack

    async def come(self, *, ready: bool = False) -> Scene:
        enter = self.stack.enter_async_context
        self.carrier = await enter(SipAgent(target=self.site.sip, user="carrier", port=CARRIER_PORT))
        self.voice = await enter(RtpEndpoint(tone=OUTSIDE_HZ))
        self.agent = await Agent(self.site, "1001", AGENT_HZ).come(self.stack)
        if ready:
            await self.agent.desk.expect("SetReady")
        return self

    async def own_phone(self) -> None:
        """The agent's own phone is rung and asked to answer by itself; a desk phone's button does it here."""
        self.agent.call = await self.agent.phone.next_call(8)
        assert "answer-after=0" in self.agent.call.invite.get("call-info")
        self.agent.phone.answer(self.agent.call)

    async def dial(self, number: str = NUMBER) -> SipCall:
        """The command, the agent's own phone, the carrier's call."""
        await self.agent.desk.expect("MakeCall", number=number)
        await self.own_phone()
        return await self.called(number)

    async def called(self, number: str) -> SipCall:
        call = await self.carrier.next_call(8)
        assert address(call.invite.get("to")).startswith(f"sip:{number}@"), call.invite.get("to")
        return call

    def answer(self, call: SipCall) -> None:
        call.answer(self.carrier.sdp(self.voice))
        connect_media(call, self.voice)

    async def both_hear(self, within: float = 5.0) -> None:
        await self.voice.hears(AGENT_HZ, within=within)
        await self.agent.phone.rtp.hears(OUTSIDE_HZ, within=within)

    async def wraps(self, why: str = "") -> dict[str, Any]:
        """His wrap-up, not skipped whatever the call came to; he finishes it and nothing is left."""
        work = await self.agent.desk.works("wrap_up", 8)
        assert work["unreached_why"] == why
        assert work["until"] - time.time() > 20, "as long as after any other call"
        await self.agent.desk.finish(ready=False)
        return work

    async def over(self) -> None:
        await self.site.quiet(within=5)
        assert self.site.complaints() == []


async def test_he_dials_hears_it_ring_talks_holds_and_it_is_recorded(dialling: Site) -> None:
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come()
        call = await scene.dial()
        assert "95500" in call.invite.get("from"), "the called sees a number of ours"
        call.ring()
        work = await scene.agent.desk.works("busy")
        assert (work["calling"], work["medium"]) == (True, "outbound")
        await eventually(lambda: tones.level(scene.agent.phone.rtp.last(0.3)) > -40, 5, "the agent to hear it ring")
        heard = scene.agent.phone.rtp.dominant(time.monotonic() - 0.3)
        assert heard is not None
        assert 380 < heard.hz < 500, heard
        scene.answer(call)
        await scene.both_hear()
        conversation = dialling.events(ev.CallMade)[-1].conversation
        await scene.agent.desk.expect("HoldCall", conversation=conversation)
        await house.hears_music(scene.voice, within=5)
        await scene.agent.desk.expect("RetrieveCall", conversation=conversation)
        await scene.both_hear()
        await asyncio.sleep(0.6)  # something to find in the record
        await scene.carrier.core.outcome(call.bye())
        await scene.wraps()
        await scene.over()
        said, heard_track = await house.recorded(dialling, conversation)
        assert house.spoken(said, OUTSIDE_HZ) > 0.3
        assert house.spoken(heard_track, AGENT_HZ) > 0.3


@pytest.mark.parametrize(
    ("way", "why"), [("busy", "busy"), ("refused", "rejected"), ("no answer", "no_answer"), ("gives up", "agent")]
)
async def test_wrap_up_is_not_skipped_after_a_failed_outbound_call(dialling: Site, way: str, why: str) -> None:
    """amazon-connect-streams#567."""
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come(ready=True)
        call = await scene.dial()
        match way:
            case "busy":
                call.reject(486)
            case "refused":
                call.reject(403)
            case "no answer":
                call.ring()
                await call.ended(15)
                assert call.ended_by == "cancelled"
            case _:
                call.ring()
                work = await scene.agent.desk.works("busy")
                await scene.agent.desk.expect("HangUpCall", conversation=work["conversation"])
                await call.ended(5)
        await scene.wraps(why)
        assert scene.agent.desk.docs["me"]["unanswered"]["why"] == why
        await scene.over()


async def test_he_lays_down_his_phone_while_it_rings(dialling: Site) -> None:
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come()
        call = await scene.dial()
        call.ring()
        await scene.agent.phone.agent.core.outcome(scene.agent.call.bye())
        await call.ended(5)
        await scene.wraps("agent")
        await scene.over()


async def test_the_server_is_killed_while_it_rings_and_in_the_talk(dialling: Site) -> None:
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come()
        call = await scene.dial()
        call.ring()
        await _killed(scene)
        scene.answer(call)
        await scene.both_hear(8)
        await _killed(scene)
        await scene.both_hear(8)
        await scene.carrier.core.outcome(call.bye())
        await scene.wraps()
        await dialling.quiet(within=8)


async def _killed(scene: Scene) -> None:
    scene.site.kill()
    scene.site.spawn()
    await scene.site.ready()
    await scene.agent.back()


async def test_a_colleague_is_called_by_his_number(dialling: Site) -> None:
    """He sees who calls, both are busy, nothing is recorded, nobody wraps up."""
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come()
        other = await Agent(dialling, "1002", FREE_HZ).come(stack)
        await scene.agent.desk.expect("MakeCall", number="1002")
        await scene.own_phone()
        work = await other.desk.works("busy")
        assert (work["partner"]["agent"], work["partner"]["calls"], work["calling"]) == ("1001", True, True)
        other.call = await other.phone.next_call(8)
        assert "1001" in other.call.invite.get("from")
        other.call.ring()
        other.phone.answer(other.call)
        await other.phone.rtp.hears(AGENT_HZ, within=5)
        await scene.agent.phone.rtp.hears(FREE_HZ, within=5)
        await other.desk.expect("HangUpCall", conversation=work["conversation"])
        for desk in (scene.agent.desk, other.desk):
            await desk.sees(lambda docs: docs["me"]["state"] == "not_ready", "the end without a wrap-up")
        await scene.over()
        assert not house.of(dialling, work["conversation"], ev.RecordingStarted)


async def test_a_customer_is_sent_to_an_outside_number(dialling: Site) -> None:
    """Music, then the two without an agent, until one hangs up."""
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come(ready=True)
        line = await stack.enter_async_context(house.calling(dialling, house.CALM, "13800009999", tone=740.0))
        work = await scene.agent.pick_up()
        await line.rtp.hears(AGENT_HZ, within=5)
        await scene.agent.desk.expect("TransferCall", conversation=work["conversation"], number=EXPERT)
        call = await scene.called(EXPERT)
        call.ring()
        await house.hears_music(line.rtp, within=5)
        await scene.wraps()
        scene.answer(call)
        await line.rtp.hears(OUTSIDE_HZ, within=5)
        await scene.voice.hears(740.0, within=5)
        await scene.carrier.core.outcome(call.bye())
        await line.call.ended(5)
        await scene.over()


async def test_an_expert_outside_is_asked_swapped_merged_and_keeps_the_customer(dialling: Site) -> None:
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come(ready=True)
        line = await stack.enter_async_context(house.calling(dialling, house.CALM, "13800006666", tone=740.0))
        work = await scene.agent.pick_up()
        talk, desk = work["conversation"], scene.agent.desk
        await desk.expect("ConsultCall", conversation=talk, number=EXPERT)
        call = await scene.called(EXPERT)
        await house.hears_music(line.rtp, within=10)
        scene.answer(call)
        await scene.both_hear(within=10)
        await house.hears_music(line.rtp, within=10)
        await desk.expect("SwapCall", conversation=talk)
        await line.rtp.hears(AGENT_HZ, within=10)
        await house.hears_music(scene.voice, within=10)
        await desk.expect("ConferenceCall", conversation=talk)
        await scene.both_hear(within=10)
        await line.rtp.hears(OUTSIDE_HZ, within=10)
        await scene.voice.hears(740.0, within=10)
        await desk.expect("LeaveConference", conversation=talk)
        await scene.agent.call.ended(10)
        await line.rtp.hears(OUTSIDE_HZ, within=10)
        await scene.voice.hears(740.0, within=10)
        await scene.carrier.core.outcome(call.bye())
        await line.call.ended(10)
        await scene.wraps()
        await scene.over()


async def test_the_outside_number_is_busy_and_the_customer_comes_back(dialling: Site) -> None:
    async with AsyncExitStack() as stack:
        scene = await Scene(dialling, stack).come(ready=True)
        line = await stack.enter_async_context(house.calling(dialling, house.CALM, "13800009999", tone=740.0))
        work = await scene.agent.pick_up()
        await scene.agent.desk.expect("TransferCall", conversation=work["conversation"], number=EXPERT)
        call = await scene.called(EXPERT)
        call.reject(486)
        await house.hears_music(line.rtp, within=5)
        await scene.agent.desk.works("wrap_up")
        await scene.agent.desk.finish()
        back = await scene.agent.pick_up(8)
        assert back["path"][-1] == "transfer:1001"
        await line.rtp.hears(AGENT_HZ, within=5)
        await line.agent.core.outcome(line.call.bye())
        await scene.wraps()
        await scene.over()


async def test_the_dial_box_of_a_page(dialling: Site) -> None:
    """F9, a number, Enter: the page's phone answers by itself, it rings, they talk; the wrap-up; a colleague."""
    site = dialling
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(SipAgent(target=site.sip, user="carrier", port=CARRIER_PORT))
        voice = await stack.enter_async_context(RtpEndpoint(tone=OUTSIDE_HZ))
        _browser, page = await stack.enter_async_context(browser_agent(site, "1003"))
        shots = site.home / "screenshots"

        await page.keyboard.press("F9")
        await page.get_by_test_id("dial-number").fill("139 0000-1111")
        await page.get_by_test_id(f"dial-number/{NUMBER}").wait_for()
        await page.screenshot(path=shots / "dial-box.png")
        await page.keyboard.press("Enter")
        call = await carrier.next_call(8)
        call.ring()
        phase = page.get_by_test_id("call-phase")
        await page.locator('[data-testid="call-phase"][data-phase="calling"]').wait_for()
        await page.screenshot(path=shots / "dial-calling.png")
        call.answer(carrier.sdp(voice))
        connect_media(call, voice)
        await page.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
        await voice.hears(PAGE_HZ, within=8)
        await page_hears(page, OUTSIDE_HZ, within=8)
        await carrier.core.outcome(call.bye())
        await wrap_up(page)

        await page.keyboard.press("F9")
        await page.get_by_test_id(f"dial-last/{NUMBER}").click()
        call = await carrier.next_call(8)
        call.reject(486)
        await page.get_by_test_id("wrap-sub").wait_for()
        await page.screenshot(path=shots / "dial-busy.png")
        await page.get_by_test_id("done-notready").click()

        other = await Agent(site, "1002", FREE_HZ).come(stack)
        await page.keyboard.press("F9")
        await page.get_by_test_id("dial-number").fill("1002")
        await page.get_by_test_id("dial-agent/1002").click()
        other.call = await other.phone.next_call(8)
        other.phone.answer(other.call)
        await page.get_by_test_id("internal").wait_for()
        await page_hears(page, FREE_HZ, within=8)
        await page.screenshot(path=shots / "dial-internal.png")
        await page.keyboard.press("F4")
        await phase.wait_for(state="detached")

        await other.desk.expect("MakeCall", to_agent="1003")
        other.call = await other.phone.next_call(8)
        other.phone.answer(other.call)
        await page.get_by_test_id("answer").wait_for()
        await page.screenshot(path=shots / "dial-incoming.png")
        await page.keyboard.press("F2")
        await page_hears(page, FREE_HZ, within=8)
        await page.keyboard.press("F4")
        await phase.wait_for(state="detached")
        await other.desk.sees(lambda docs: docs["me"]["state"] == "not_ready", "the end")
    await site.quiet(within=5)


async def pictures(page: Page, name: str) -> None:
    """In both languages, light and dark; nothing is wider or higher than the window."""
    for switch in ("language", "theme", "language", "theme"):
        await page.evaluate(PRESS, switch)
        await page.evaluate(SETTLED)
        kind = await page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme].join('-')")
        await page.screenshot(path=f"{name}-{kind}.png")
        over = "(page => page.scrollWidth > innerWidth || page.scrollHeight > innerHeight)(document.documentElement)"
        assert not await page.evaluate(over), f"{name} does not fit ({kind})"


async def test_a_page_chooses_an_outside_number_at_sign_in_and_redials_by_keys(dialling: Site) -> None:
    """The number takes a call by its key; then Tab and Enter on the row of that call call the customer back, with the
    same number as the agent's own phone."""
    site, home, customer = dialling, "13900004444", "13900007777"
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(SipAgent(target=site.sip, user="carrier", port=CARRIER_PORT))
        voice = await stack.enter_async_context(RtpEndpoint(tone=OUTSIDE_HZ))
        browser = await stack.enter_async_context(Browser(tone_hz=PAGE_HZ, folder=site.home / "screenshots"))
        page = await browser.page()
        await page.set_viewport_size({"width": 1280, "height": 720})
        await page.goto(site.url)
        await page.get_by_test_id("login-user").fill("1006")
        await page.get_by_test_id("login-password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_test_id("start-device").click()
        await page.get_by_test_id("device-number").fill("139 0000 4444")
        await pictures(page, str(site.home / "screenshots" / "outside-choice"))
        await page.get_by_test_id("device-number").press("Enter")
        await page.get_by_test_id("start-work").click()
        await page.locator('[data-testid="phone-status"][data-status="desk"]').wait_for()
        await page.get_by_test_id("ready-button").click()

        async def key(number: str) -> SipCall:
            """It rings there, somebody answers, hears the question and presses the key."""
            call = await carrier.next_call(10)
            assert address(call.invite.get("to")).startswith(f"sip:{number}@")
            call.answer(carrier.sdp(voice))
            connect_media(call, voice)
            asked = len(voice.last(3600.0))
            said = lambda: len(voice.last(3600.0)) > asked + 8000 and tones.level(voice.last(0.5)) > -40  # noqa: E731
            await eventually(said, 10, "the question")
            await voice.press("1")
            return call

        async with house.calling(site, house.CALM, customer, tone=740.0) as line:
            await page.get_by_test_id("answer-on-phone").wait_for()
            mine = await key(home)
            await page.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
            await line.rtp.hears(OUTSIDE_HZ, within=10)
            await carrier.core.outcome(mine.bye())
            await line.call.ended(10)
        await page.get_by_test_id("done-notready").click()

        await page.get_by_test_id("redial").first.wait_for()
        await pictures(page, str(site.home / "screenshots" / "redial"))
        await tab_to(page, "redial")
        await page.keyboard.press("Enter")
        mine = await key(home)
        his = await carrier.next_call(10)
        assert address(his.invite.get("to")).startswith(f"sip:{customer}@")
        his.reject(486)
        await page.get_by_test_id("wrap-sub").wait_for()
        await page.get_by_test_id("done-notready").click()
        await mine.ended(10)
        async with Desk(site, "1006", phone=False) as desk:
            await desk.expect("SignOut")
    await site.quiet(within=10)


async def test_a_voicemail_at_an_agents_outside_number_never_has_the_customer(dialling: Site) -> None:
    """It answers and talks and presses no key: a missed offer."""
    home = "13900003333"
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(SipAgent(target=dialling.sip, user="carrier", port=CARRIER_PORT))
        voice = await stack.enter_async_context(RtpEndpoint(tone=OUTSIDE_HZ))
        desk = await stack.enter_async_context(Desk(dialling, "1004", phone=False))
        await desk.expect("SignIn")
        await desk.expect("UseNumber", number=home)
        await desk.expect("SetReady")
        line = await stack.enter_async_context(house.calling(dialling, house.BRISK, "13800008888", tone=740.0))

        await desk.works("offer", 8)
        voicemail = await carrier.next_call(8)
        assert address(voicemail.invite.get("to")).startswith(f"sip:{home}@")
        voicemail.answer(carrier.sdp(voice))
        connect_media(voicemail, voice)
        await desk.expect("SetNotReady", reason="break")  # after this one: nothing is offered again
        await voicemail.ended(15)
        await house.hears_music(line.rtp, within=5)
        assert not tones.has_tone(line.rtp.last(1.0), OUTSIDE_HZ), "the customer hears the voicemail"
        assert dialling.events(ev.OfferMissed)[-1].agent == "1004"
        await line.agent.core.outcome(line.call.bye())

        await desk.sees(lambda docs: docs["me"]["state"] == "not_ready", "nothing in his hands")
        await desk.expect("SignOut")
        await dialling.quiet(within=5)
