"""Chromium speaks and hears a tone: the page calls itself through two peer connections."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from tests.harness.browser import Browser, page_audio, page_hears, page_stats
from tests.harness.waiting import eventually

CALL_MYSELF = """async () => {
  const microphone = await navigator.mediaDevices.getUserMedia({audio: true});
  const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
  here.onicecandidate = (e) => e.candidate && there.addIceCandidate(e.candidate);
  there.onicecandidate = (e) => e.candidate && here.addIceCandidate(e.candidate);
  const track = microphone.getAudioTracks()[0];
  here.addTrack(track, microphone);
  await here.setLocalDescription(await here.createOffer());
  await there.setRemoteDescription(here.localDescription);
  await there.setLocalDescription(await there.createAnswer());
  await here.setRemoteDescription(there.localDescription);
  window.mute = (muted) => { track.enabled = !muted; };
}"""


@pytest_asyncio.fixture
async def site() -> AsyncIterator[str]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<title>site</title><p>你好", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_page_hears_the_tone_it_speaks(site: str, tmp_path: Path) -> None:
    async with Browser(tone_hz=660, folder=tmp_path) as browser:
        page = await browser.page(site)
        assert await page_audio(page) == []
        await page.evaluate(CALL_MYSELF)
        heard = await page_hears(page, 660)
        assert abs(heard.hz - 660) < 5
        (now,) = await page_audio(page, 660, 440)
        assert now.at[660] > -25
        assert now.at[440] < -45
        stats = await page_stats(page)
        assert stats.received > 0
        assert stats.sent > 0
        assert stats.connections == 2
        assert (await browser.screenshot(page, "call")).stat().st_size > 1000


async def test_two_pages_of_one_browser_speak_with_different_voices(site: str) -> None:
    async with Browser(tone_hz=660) as browser:
        one = await browser.page(site)
        two = await browser.page(site, context=await browser.context(tone_hz=1100))
        for page in (one, two):
            await page.evaluate(CALL_MYSELF)
        await page_hears(one, 660)
        heard = await page_hears(two, 1100)
        assert abs(heard.hz - 1100) < 5


async def test_a_crashed_browser_is_cleaned_up(site: str) -> None:
    async with Browser() as browser:
        await browser.page(site)
        browser.crash()
        await eventually(lambda: not browser.processes(), 10, "the browser is gone")


async def test_after_a_reload_the_page_still_can_be_listened_to(site: str) -> None:
    async with Browser(tone_hz=700) as browser:
        page = await browser.page(site)
        await page.evaluate(CALL_MYSELF)
        await page_hears(page, 700)
        await page.reload()
        assert await page_audio(page) == []
        await page.evaluate(CALL_MYSELF)
        await page_hears(page, 700)


async def test_an_uncaught_exception_in_a_page_fails_the_test(site: str) -> None:
    async def test_with_a_broken_page() -> None:
        async with Browser() as browser:
            page = await browser.page(site)
            await page.evaluate("setTimeout(() => { throw new Error('a broken button') }, 0)")
            await eventually(lambda: browser.troubles, 10, "the exception is seen")

    with pytest.raises(AssertionError, match="a broken button"):
        await test_with_a_broken_page()


async def test_no_browser_process_stays_when_a_test_fails(site: str) -> None:
    browser = Browser()

    async def broken_test() -> None:
        async with browser:
            await browser.page(site)
            assert browser.processes()
            raise RuntimeError("the test broke")

    with pytest.raises(RuntimeError, match="the test broke"):
        await broken_test()
    assert browser.processes() == []
