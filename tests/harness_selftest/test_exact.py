"""How exact the tools are: their moments, their pace, what they measure. Alone on the machine (LONELY_TESTS)."""

import asyncio
import time

from tests.harness import tones
from tests.harness.browser import Browser, page_hears, page_silent_for, page_stats
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent
from tests.harness.sipmessage import SipMessage
from tests.harness.sipp import SippCaller
from tests.harness.waiting import exactly_at
from tests.harness.wsphone import WsPhone
from tests.harness_selftest import test_browser, test_wsphone
from tests.harness_selftest.test_browser import CALL_MYSELF
from tests.harness_selftest.test_wsphone import Registrar

NOWHERE = ("127.0.0.1", 0)

registrar = test_wsphone.registrar
site = test_browser.site


async def test_packets_leave_every_20_ms_and_the_clock_does_not_drift() -> None:
    async with RtpEndpoint() as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        await asyncio.sleep(2)
        packets = list(two.packets)
        assert abs((packets[-1].at - packets[0].at) / (len(packets) - 1) - 0.02) < 0.0005
        assert len(two.heard()) == 160 * len(packets)


async def test_a_pause_in_sending_is_a_gap_and_silence_is_not() -> None:
    async with RtpEndpoint(tone=500) as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        await two.hears(500)
        began = time.monotonic()
        one.speak(0)
        await two.hears_silence()
        assert two.longest_gap(began) < 100
        muted = time.monotonic()
        one.mute_rtp()
        await asyncio.sleep(0.4)
        one.unmute_rtp()
        one.speak(500)
        await two.hears(500)
        assert 350 < two.longest_gap(muted) < 700
        gap = tones.longest_gap(two.heard(muted - 0.1))
        assert 0.3 < gap < 0.9


async def test_answers_and_hang_ups_happen_at_the_asked_moment() -> None:
    async with SipAgent(target=NOWHERE) as two, SipAgent(target=("127.0.0.1", two.port)) as one:
        async with RtpEndpoint() as rtp:
            ours = one.invite("two", rtp)
            theirs = await two.next_call()
            moment = time.monotonic() + 0.1
            assert await theirs.answer_at(moment, two.sdp(rtp)) < 0.01
            await ours.answered()
            assert abs(theirs.time_of("200", cseq="INVITE", way="out") - moment) < 0.01
            moment = time.monotonic() + 0.1
            assert await ours.bye_at(moment) < 0.01
            await theirs.ended()
            assert abs(theirs.time_of("BYE", way="in") - moment) < 0.05


async def test_a_websocket_phone_answers_at_the_asked_moment(registrar: tuple[Registrar, str]) -> None:
    server, url = registrar
    async with WsPhone(url, user="1001", password="right") as phone:
        await phone.registered()
        theirs = server.call()
        ours = await phone.next_call()
        ours.ring()
        moment = time.monotonic() + 0.1
        assert await phone.answer_at(ours, moment) < 0.01
        await theirs.answered()
        assert abs(theirs.time_of("200", cseq="INVITE", way="in") - moment) < 0.05


async def test_answer_and_hang_up_can_be_set_a_millisecond_apart(registrar: tuple[Registrar, str]) -> None:
    server, url = registrar
    async with WsPhone(url, user="1001", password="right") as phone, SipAgent(target=("127.0.0.1", 9)) as other:
        await phone.registered()
        late: list[float] = []
        for offset in (-0.005, -0.001, 0.0, 0.001, 0.005):
            theirs = server.call()
            ours = await phone.next_call()
            moment = time.monotonic() + 0.05
            elsewhere = other.core.build("BYE", "sip:nobody@127.0.0.1")

            async def bye(moment: float = moment, elsewhere: SipMessage = elsewhere) -> None:
                late.append(await exactly_at(moment))
                other.raw(elsewhere.encode())

            answer = asyncio.create_task(phone.answer_at(ours, moment + offset))
            await bye()
            late.append(await answer)
            await theirs.answered()
            theirs.bye()
            await ours.ended()
        # A busy machine may spoil some of them; most must be right.
        assert sorted(late)[len(late) // 2] < 0.004


async def test_the_trace_of_a_caller_has_the_moments_of_the_other_side() -> None:
    async with SipAgent(target=NOWHERE, user="95500") as called, RtpEndpoint(tone=880) as rtp:
        async with SippCaller(("127.0.0.1", called.port), "95500") as caller:
            call = await called.next_call()
            answered = time.time()
            call.answer(called.sdp(rtp, "ulaw"))
            assert abs(await caller.answered() - answered) < 0.05
            await caller.hang_up()
            assert abs(caller.trace.ended_wall - time.time()) < 0.5
        async with SippCaller(("127.0.0.1", called.port), "95500") as caller:
            call = await called.next_call()
            call.answer(called.sdp(rtp, "ulaw"))
            await caller.answered()
            await called.core.outcome(call.bye())
            assert abs(caller.trace.time_of("BYE", way="in") - time.time()) < 0.5
            await caller.ended()


async def test_silence_in_a_page_is_measured(site: str) -> None:
    async with Browser(tone_hz=500) as browser:
        page = await browser.page(site)
        await page.evaluate(CALL_MYSELF)
        await page_hears(page, 500)
        began = time.time() * 1000
        await page.wait_for_timeout(500)
        assert await page_silent_for(page, since_ms=began) < 400
        await page.evaluate("mute(true)")
        await page.wait_for_timeout(1000)
        await page.evaluate("mute(false)")
        await page.wait_for_timeout(300)
        assert 800 < await page_silent_for(page, since_ms=began) < 1500


async def test_a_frozen_browser_sends_nothing_and_comes_back(site: str) -> None:
    async with Browser(tone_hz=660) as browser:
        page = await browser.page(site)
        await page.evaluate(CALL_MYSELF)
        await page_hears(page, 660)
        before = (await page_stats(page)).sent
        browser.freeze()
        await asyncio.sleep(1)
        browser.thaw()
        after = (await page_stats(page)).sent
        assert after - before < 40
        await page_hears(page, 660)
