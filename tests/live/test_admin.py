"""The site changed under live calls: on the administrator's page in a real browser, over HTTP, by hand and a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Page

from ctiserver.asterisk.runtime_process import identify
from ctiserver.model import events as ev
from tests.harness.browser import Browser
from tests.harness.site import PASSWORD, Desk, Site
from tests.harness.waiting import eventually
from tests.live.browser_people import AGENT_HZ
from tests.live.house import CALM, calling, conversation_of, first_ring, hears_music, of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(house: Site) -> AsyncIterator[Page]:
    """The administrator's page, logged in, with the queues."""
    async with Browser(tone_hz=AGENT_HZ, folder=house.home / "screenshots") as browser:
        page = await browser.page()
        await page.set_viewport_size({"width": 1280, "height": 720})
        await page.add_init_script("localStorage.setItem('hollyhock.language', 'en')")
        await page.goto(f"{house.url}/admin")
        await page.get_by_test_id("login-user").fill("admin")
        await page.get_by_test_id("login-password").fill(PASSWORD)
        await page.get_by_test_id("login-submit").click()
        await page.get_by_test_id("field-requires").wait_for()
        yield page


@asynccontextmanager
async def admin_http(site: Site) -> AsyncIterator[tuple[aiohttp.ClientSession, dict[str, str]]]:
    async with aiohttp.ClientSession(site.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        body = {"user": "admin", "password": PASSWORD}
        async with http.post("/api/v1/login", json=body) as answer:
            csrf = (await answer.json())["csrf"]
        yield http, {"Origin": site.url, "X-CSRF-Token": csrf}


async def saved(page: Page) -> None:
    await page.get_by_test_id("save").click()
    await page.locator('[data-testid="told"][data-told="saved"]').wait_for()


async def test_an_administrator_raises_a_skill_and_who_waits_is_served_at_once(house: Site, page: Page) -> None:
    """Beside the browser: an agent with his phone, and a caller who waits, for the queue asks for what nobody has."""
    async with Desk(house, "1001") as desk:
        await desk.ready()
        await page.get_by_test_id("row-calm").click()
        asked = page.get_by_test_id("field-requires")
        await asked.fill("billing >= ")
        await page.get_by_test_id("field-requires-fits").get_by_text("level").wait_for()
        await asked.fill("billing >= 95")
        await page.locator('[data-testid="field-requires-fits"][data-fits="0"]').wait_for()
        await saved(page)

        async with calling(house, CALM, "13955500001") as line:
            await hears_music(line.rtp)
            conversation = conversation_of(house, "13955500001")
            assert not of(house, conversation, ev.OfferMade)

            await page.get_by_test_id("nav-agents").click()
            await page.get_by_test_id("level-1002-billing").fill("94")
            await page.keyboard.press("ArrowUp")
            await page.keyboard.type("300")
            await page.get_by_test_id("save").click()
            await page.get_by_test_id("fault").wait_for()
            assert not of(house, conversation, ev.OfferMade), "a bad change changes nothing"
            await page.get_by_test_id("level-1001-billing").fill("95")
            await saved(page)

            record = next(
                record
                for record in reversed(house.records())
                if any(isinstance(event, ev.SiteChanged) for event in record.events)
            )
            offers = [event for event in record.events if isinstance(event, ev.OfferMade)]
            assert [(offer.conversation, offer.agents) for offer in offers] == [(conversation, ("1001",))]
            _, ring = await first_ring(desk)
            await page.get_by_test_id("undo").click()
            await page.get_by_text("skills.billing 95 -> 90").wait_for()
            assert desk.phone is not None
            desk.phone.answer(ring)  # what rings is not taken back
            await desk.works("busy")
        await desk.works("wrap_up")
        await page.get_by_test_id("nav-queues").click()
        await page.get_by_test_id("row-calm").click()
        await page.get_by_test_id("field-requires").fill("")
        await saved(page)
    assert house.complaints() == []


async def test_two_administrators_in_two_windows_do_not_overwrite_each_other(house: Site, page: Page) -> None:
    async with admin_http(house) as (http, headers):
        await page.get_by_test_id("row-brisk").click()
        await page.get_by_test_id("field-priority").fill("7")
        async with http.get("/api/v1/admin/site") as answer:
            revision = (await answer.json())["revision"]
        edits = [{"table": "queues", "id": "brisk", "set": {"max_waiting": 77}}]
        async with http.patch(
            "/api/v1/admin/site", json={"revision": revision, "edits": edits}, headers=headers
        ) as answer:
            assert answer.status == 200, await answer.text()
        await page.get_by_test_id("save").click()
        await page.get_by_test_id("stale").get_by_text("queues/brisk: max_waiting - -> 77").wait_for()
        await page.get_by_test_id("keep-mine").click()
        await page.locator('[data-testid="field-max_waiting"]').wait_for()
        await saved(page)
    row = queue_row(house, "brisk")
    assert (row["priority"], row["max_waiting"]) == (7, 77)


def queue_row(site: Site, name: str) -> dict[str, Any]:
    rows = tomllib.loads((site.home / "site" / "site.toml").read_text("utf-8"))["queues"]
    found: dict[str, Any] = next(row for row in rows if row["id"] == name)
    return found


async def hollyhock(site: Site, *words: str) -> tuple[int, str]:
    """The command line beside the server: exit code, and all that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ctiserver.cli", *words),
        env=site.environ(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode or 0, said.decode()


async def test_a_change_by_hand_is_loaded_by_a_command_and_survives_kill_9(house: Site) -> None:
    (house.home / "server.json").write_bytes(msgspec.json.encode(identify(house.pid)))  # as the supervisor says it
    path = house.home / "site" / "site.toml"
    good = path.read_text("utf-8")
    count = len(house.events(ev.SiteChanged))
    path.write_text(good.replace('en = "Orders"', 'en = "Sales"'), "utf-8")
    assert await hollyhock(house, "site", "load") == (0, "loaded: in force from now on\n")
    changed = (await house.happens(ev.SiteChanged, count=count + 1))[-1]
    assert changed.changed == ("queues/order: name.en Orders -> Sales",)

    path.write_text("no TOML at all", "utf-8")
    code, said = await hollyhock(house, "site", "check")
    assert code == 1 and "not valid TOML" in said
    os.kill(house.pid, signal.SIGHUP)
    await eventually(lambda: "site_not_loaded" in house.tail(), 10, "the refusal in the log")
    assert len(house.events(ev.SiteChanged)) == count + 1
    path.write_text(good.replace('en = "Orders"', 'en = "Sales"'), "utf-8")

    await asyncio.to_thread(house.kill)
    house.spawn()
    await house.ready()
    assert len(house.events(ev.SiteChanged)) == count + 1, "the journal knows it, the file says the same"
    async with admin_http(house) as (http, _headers), http.get("/api/v1/admin/site") as answer:
        view = await answer.json()
    assert view["in_force"]
    assert next(row for row in view["tables"]["queues"] if row["id"] == "order")["name"]["en"] == "Sales"
