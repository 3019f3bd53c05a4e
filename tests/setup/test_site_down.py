"""`make up` with the real server when something dies: nobody hears silence for long, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack

import pytest

from ctiserver.model import events as ev
from tests.harness.browser import Browser
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk
from tests.harness.waiting import eventually
from tests.live.house import CALM, MENU, hears_music
from tests.live.kills import call_list, check_replay, page_agent
from tests.setup.instances import ROOT
from tests.setup.real_site import RealSite, longest_silence, real_site

LONGEST_SILENCE = 6.0
AGENT_HZ = 660.0


class People:
    """A talk with a browser agent, a caller in the queue, one who is to press a key, one in a prompt."""

    def __init__(self, site: RealSite, stack: AsyncExitStack) -> None:
        self.site, self._stack = site, stack
        self.callers: dict[str, SippCaller] = {}

    async def call(self, name: str, number: str, tone: float) -> SippCaller:
        made = SippCaller(self.site.sip, number, caller=f"1380000{len(self.callers):04}", name=name, tone=tone)
        self.callers[name] = await self._stack.enter_async_context(made)
        return self.callers[name]

    async def come(self) -> None:
        site = self.site
        silent = await self.call("about to press a key", MENU, 420)
        await silent.answered()
        await silent.press("3")  # asks for the order number, and waits
        self.page = await page_agent(await self._stack.enter_async_context(Browser()), site.live, "1001", AGENT_HZ)
        talker = await self.call("talking", CALM, 440)
        await self.page.get_by_test_id("answer").click()
        await talker.hears(AGENT_HZ)
        waiting = await self.call("waiting", CALM, 460)
        await waiting.answered()
        await hears_music(waiting.rtp)
        prompt = await self.call("in a prompt", MENU, 480)
        await prompt.answered()
        await hears_music(prompt.rtp)

    def silences(self, since: float, until: float) -> dict[str, float]:
        """Longest silence of each caller from a moment (or his answer) until another (or his end)."""
        found = {}
        for name, caller in self.callers.items():
            begin = max(since, caller.answered_at or since)
            end = until
            if caller.trace.over:
                end = min(until, time.monotonic() - (time.time() - caller.trace.ended_wall))
            found[name] = round(longest_silence(caller.rtp, begin, end), 2)
        return found


@pytest.mark.timeout(180)
async def test_a_server_that_cannot_start_leaves_talks_alone_and_ends_the_others_politely(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(real_site("28600-28799"))
        people = People(site, stack)
        await people.come()
        site.break_site()
        os.kill(site.server_pid(), signal.SIGKILL)
        killed = time.monotonic()
        new = await people.call("new", MENU, 500)
        await new.answered()
        others = [caller for name, caller in people.callers.items() if name != "talking"]
        await eventually(lambda: all(c.trace.ended_by for c in others), 45, "all others have been sent away", poll=0.1)
        end = time.monotonic()
        silences = people.silences(killed, end)
        with capsys.disabled():
            print(
                f"\nno server for {end - killed:.1f} s, {site.said.count('its last words')} tries; "
                f"longest silences {silences}"
            )
        assert all(c.trace.ended_by == "called" for c in others)
        assert max(silences.values()) < LONGEST_SILENCE
        assert new.answered_at is not None
        assert new.trace.ended_wall - new.trace.answered_wall > 20
        await people.callers["talking"].hears(AGENT_HZ)
        assert "site.toml" in site.said, "the supervisor tells why"

        site.repair_site()
        await site.back()
        await people.callers["talking"].hears(AGENT_HZ)
        await people.page.locator('[data-testid="callbar"][data-kind="busy"]').wait_for(timeout=15_000)
        await people.callers["talking"].hang_up()
        await people.page.locator('[data-testid="callbar"][data-kind="wrap_up"]').wait_for()
        await site.quiet()
        queued = site.events(ev.ContactQueued)
        ended = [e.contact for e in site.events(ev.ContactEnded)]
        assert sorted(ended) == sorted(e.contact for e in queued)
        await call_list(site.live, [e.conversation for e in queued])
        check_replay(site.live)


@pytest.mark.timeout(120)
async def test_callers_in_the_apology_are_served_when_the_server_comes_back_in_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(real_site("28800-28999"))
        people = People(site, stack)
        await people.come()
        queued_at = site.events(ev.ContactQueued)[-1].at
        site.break_site()
        os.kill(site.server_pid(), signal.SIGKILL)
        killed = time.monotonic()
        new = await people.call("new", MENU, 500)
        await site.says("go to the apology")
        site.repair_site()
        back = await site.back()
        contacts = {e.contact for e in site.events(ev.ContactQueued)}
        assert len(contacts) == 2, "the caller who waited is no new contact"

        async def in_application() -> bool:
            inside = [c["id"] for c in await site.ari("channels") if c["dialplan"]["app_name"] == "Stasis"]
            outside = [
                c["id"]
                for c in await site.ari("channels")
                if c["dialplan"]["context"] == "hollyhock-apology" and c["dialplan"]["app_name"] != "Stasis"
            ]
            assert not outside, outside
            return bool(inside)

        await eventually(in_application, 15, "all callers are with the server again", poll=0.1)
        served = time.monotonic()
        await hears_music(people.callers["waiting"].rtp)
        await hears_music(new.rtp)
        silences = people.silences(killed, time.monotonic())
        with capsys.disabled():
            print(
                f"\nback after {back - killed:.1f} s, all served {served - back:.1f} s later; "
                f"longest silences {silences}"
            )
        assert max(silences.values()) < LONGEST_SILENCE
        assert len(site.events(ev.ConversationStarted)) == len(people.callers), (
            "one conversation each, before and after"
        )
        await people.callers["talking"].hears(AGENT_HZ)
        async with Desk(site.live, "1002") as desk:
            await desk.expect("SetReady")
            work = await desk.works("offer")
            assert work["caller"]["number"] == "13800000002"
            assert work["queued_at"] == queued_at, "his place in the queue is kept"
            assert desk.phone is not None
            desk.phone.answer(await desk.phone.next_call())
            await desk.works("busy")
            for caller in people.callers.values():
                await caller.hang_up()
            await desk.works("wrap_up")
        await site.quiet()
        ended = [e.contact for e in site.events(ev.ContactEnded)]
        assert sorted(ended) == sorted(e.contact for e in site.events(ev.ContactQueued))
        check_replay(site.live)


async def asterisk_dies(ports: str, number: signal.Signals, *, within: float) -> str:
    """A talk, a waiting caller and one in a prompt lose their calls; nobody is stuck, and the next call works."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(real_site(ports))
        desk = await stack.enter_async_context(Desk(site.live, "1002"))
        await desk.ready()
        people = People(site, stack)
        talker = await people.call("talking", CALM, 440)
        await desk.works("offer")
        assert desk.phone is not None
        desk.phone.answer(await desk.phone.next_call())
        await desk.works("busy")
        waiting = await people.call("waiting", CALM, 460)
        await hears_music(waiting.rtp)
        prompt = await people.call("in a prompt", MENU, 470)
        await prompt.answered()
        facts, server = site.asterisk(), site.server_pid()
        assert facts is not None
        os.kill(facts.process.pid, number)
        killed = time.monotonic()
        await site.happens(ev.SwitchLinkChanged, count=2, within=within)
        await site.happens(ev.CallCleared, count=3, within=within + 15)
        back = await site.back()
        assert site.server_pid() == server, "the server has not been touched"
        reasons = {e.contact: e.reason for e in site.events(ev.ContactEnded)}
        assert len(reasons) == 2
        await desk.lose_phone()
        await desk.take_phone()
        await desk.finish()
        await desk.state("ready")
        fresh = await people.call("new", CALM, 480)
        await fresh.answered()
        await desk.works("offer")
        desk.phone.answer(await desk.phone.next_call())
        await desk.works("busy")
        await fresh.hang_up()
        await desk.works("wrap_up")
        await site.quiet()
        for caller in (talker, waiting, prompt):
            caller.send_hang_up()
        check_replay(site.live)
        return f"Asterisk is back {back - killed:.1f} s after {number.name}"


async def test_asterisk_killed_is_started_again_phones_come_back_and_a_new_call_works() -> None:
    print(await asterisk_dies("29000-29199", signal.SIGKILL, within=10))


async def test_a_server_that_is_replaced_stops_and_is_not_started_again() -> None:
    async with real_site("29200-29299") as site, AsyncExitStack() as stack:
        facts = site.asterisk()
        assert facts is not None
        old = site.server_pid()
        other = RealSite(site.home / "other", "29300-29399")
        other.home.mkdir(mode=0o777)
        address = f"http://{facts.ari.user}:{facts.ari.password}@{facts.ari.url.removeprefix('http://')}"
        newcomer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ctiserver.cli", "serve", cwd=ROOT,
            env=other.environ | {"HOLLYHOCK_ASTERISK": address},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

        async def end() -> None:
            if newcomer.returncode is None:
                newcomer.terminate()
            await newcomer.wait()

        stack.push_async_callback(end)
        await site.says("another server owns this Asterisk now; ours is not started again")
        assert site.server_pid() == 0
        await other.back()
        await asyncio.sleep(1.5)  # long enough for a restart, if there were one
        assert site.server_pid() in (0, old)
        assert newcomer.returncode is None
        assert site.said.count("another server owns") == 1
        assert await site.ari("asterisk/ping"), "Asterisk lives on for its new owner"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_end_of_the_supervisor_is_the_end_of_all_in_a_call_too(number: signal.Signals) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(real_site("29400-29599"))
        people = People(site, stack)
        caller = await people.call("in a prompt", MENU, 440)
        await caller.answered()
        began = time.monotonic()
        assert await site.down(number) == 0
        took = time.monotonic() - began
        assert site.left_behind() == []
        assert site.asterisk() is None
        assert await site.status() == 0
        print(f"\nall ended {took:.1f} s after {number.name}")
