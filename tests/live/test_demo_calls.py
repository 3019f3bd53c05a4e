"""The caller page's addresses with a WebSocket phone as the browser: a call comes in, ten at most, our numbers only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.harness.wsphone import WsPhone
from tests.live.house import CALM, MENU

pytestmark = pytest.mark.asyncio(loop_scope="module")


STEPS = ["queue", "offer", "ring", "talk"]


class Page:
    """One caller page: its cookies, its Origin."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = aiohttp.ClientSession(
            site.url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": site.url}
        )

    async def offer(self) -> dict[str, Any]:
        async with self.http.get("/api/v1/demo") as answer:
            assert answer.status == 200
            found: dict[str, Any] = await answer.json()
            return found

    async def call(self, caller: str, number: str) -> tuple[int, dict[str, Any]]:
        async with self.http.post("/api/v1/demo/calls", json={"caller": caller, "number": number}) as answer:
            return answer.status, await answer.json()

    def phone(self, call: dict[str, Any], **changes: str) -> WsPhone:
        cookies = {cookie.key: cookie.value for cookie in self.http.cookie_jar}
        return WsPhone(
            f"{self.site.url.replace('http', 'ws')}{call['ws_path']}",
            user=changes.get("user", call["username"]),
            password=call["password"],
            domain=call["domain"],
            headers={"Origin": self.site.url},
            cookies=cookies,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(house: Site) -> AsyncIterator[Page]:
    page = Page(house)

    async def seeded() -> bool:
        async with page.http.get("/api/v1/demo") as answer:
            return answer.status == 200 and bool((await answer.json())["callers"])

    await eventually(seeded, 10, "the demo customers", poll=0.2)
    yield page
    await page.http.close()


async def test_a_call_comes_in_and_tells_its_story(house: Site, page: Page) -> None:
    offer = await page.offer()
    caller = offer["callers"][0]
    assert CALM in [number["number"] for number in offer["numbers"]] and offer["limit"] == 10
    async with Desk(house, "1001") as desk:
        await desk.ready()
        status, call = await page.call(caller["phone"], CALM)
        assert status == 200
        told: list[dict[str, Any]] = []
        async with (
            page.http.ws_connect(f"/api/v1/demo/calls/{call['call']}/live") as live,
            page.phone(call) as phone,
        ):
            dialled = phone.invite(CALM)
            await dialled.answered()
            assert desk.phone is not None
            ringing = await desk.phone.next_call()
            ringing.ring()
            await desk.works("offer")
            await desk.sees(lambda _: desk.work()["customer"] is not None, "who calls")  # nothing waits for it
            work = desk.work()
            assert work["customer"]["name"] == caller["customer"]["name"]
            assert work["caller"]["number"] == caller["phone"]
            desk.phone.answer(ringing)
            await desk.works("busy")
            dialled.bye()
            async for message in live:
                told.append(message.json())
                if told[-1]["kind"] == "end":
                    break
        kinds = [each["kind"] for each in told]
        assert kinds[0] == "answered" and kinds[-1] == "end"
        assert [kind for kind in kinds if kind in STEPS] == STEPS
        await desk.finish()
    await house.quiet()


async def closed(phone: WsPhone) -> int | None:
    await eventually(phone.closed.is_set, 10, "the socket to be closed")
    return phone.close_code


async def test_a_page_dials_only_the_number_it_was_given_and_only_its_own_call(house: Site, page: Page) -> None:
    caller = (await page.offer())["callers"][0]["phone"]
    _, call = await page.call(caller, CALM)
    for number in (MENU, "110", "1001", f"{CALM}%40evil", f"{CALM};x=1"):
        async with page.phone(call) as phone:
            phone.invite(number)
            assert await closed(phone) == 4403, number
    async with page.phone(call, user="somebody") as phone:
        phone.invite(CALM)
        assert await closed(phone) == 4403
    async with page.phone(call) as phone:  # a caller's page is no agent's phone: it must not register
        answer = phone.core.build("REGISTER", f"sip:{call['domain']}", to=f"sip:1001@{call['domain']}")
        phone.core.send(answer)
        assert await closed(phone) == 4403
    stranger = Page(house)
    try:
        for changed in (call, {**call, "ws_path": call["ws_path"] + "x"}, {**call, "ws_path": "/sip?lease=x"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with stranger.phone(changed):
                    pass
            assert refused.value.status in (401, 403, 404)
        async with stranger.http.get(f"/api/v1/demo/calls/{call['call']}/live") as answered:
            assert answered.status == 404
    finally:
        await stranger.http.close()
    assert house.events(ev.CallRefused) == []


async def test_a_call_whose_browser_vanishes_in_the_queue_ends(house: Site, page: Page) -> None:
    """No BYE: Asterisk misses the sound of the page for 15 s. Until then the place in the queue is kept."""
    caller = (await page.offer())["callers"][0]["phone"]
    _, call = await page.call(caller, CALM)
    async with page.phone(call) as phone:
        dialled = phone.invite(CALM)
        await dialled.answered()
        await house.happens(ev.ContactQueued, count=2)
        await phone.drop()
    await house.quiet(within=20)
    assert house.events(ev.ContactEnded)[-1].reason is EndReason.ABANDONED


async def test_ten_calls_at_most_and_configured_numbers_only(page: Page) -> None:
    phone = (await page.offer())["callers"][0]["phone"]
    assert await page.call(phone, "110") == (404, await code(page, phone, "110", "unknown_number"))
    await code(page, "13000000000", CALM, "unknown_caller")
    active = (await page.offer())["active"]
    calls = [await page.call(phone, CALM) for _ in range(11 - active)]
    assert [status for status, _ in calls] == [200] * (10 - active) + [409]
    assert calls[-1][1]["code"] == "demo_full"
    assert (await page.offer())["active"] == 10


async def code(page: Page, caller: str, number: str, wanted: str) -> dict[str, Any]:
    status, answer = await page.call(caller, number)
    assert (status, answer["code"]) == (404, wanted)
    return answer


async def test_the_log_is_quiet_and_names_nobody(house: Site, page: Page) -> None:
    assert house.complaints() == []
    phones = [caller["phone"] for caller in (await page.offer())["callers"]]
    log = house.log.read_text("utf-8", "replace")
    assert [phone for phone in phones if phone in log] == []
    assert house.events(ev.CallRefused) == []
