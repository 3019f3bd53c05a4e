"""The long forms of tests/live/test_faults.py, and what is too slow for every day: clocks, sleeping laptops and more.

Each story judges by sound, desktops, what Asterisk holds, and the books (tests/live/people.py, kills.py).
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from ctiserver.model import events as ev, facts
from tests.harness.browser import Browser, page_hears
from tests.harness.sipp import SippCaller
from tests.harness.site import PASSWORD, Site, site
from tests.live import faults, kills, people
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, start_work, wrap_up
from tests.live.house import BRISK, CALM, calling, hears_music, music, of
from tests.live.people import Agent, People
from tests.setup import test_site_down as down
from tests.setup.real_site import longest_silence, real_site

pytestmark = pytest.mark.timeout(240)


def tell(capsys: pytest.CaptureFixture[str], measured: str) -> None:
    with capsys.disabled():
        print(f"\n{measured}")


async def test_asterisk_that_stands_still_for_20_s_loses_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.asterisk_frozen(20.0, 24000))


async def test_a_link_that_is_cut_and_then_silent_for_20_s(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.link_cut(24200, stall=20.0))


async def test_postgresql_stopped_for_30_s(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.postgres_stopped(30.0, 24400))


async def test_sqlite_held_for_30_s(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.sqlite_held(30.0, 24400))


async def test_a_disk_that_stays_full_for_30_s(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.disk_full(30.0, 24600))


async def test_an_asterisk_that_stands_still_is_started_again_by_its_supervisor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two pings of 5 s stay unanswered; its calls are lost, as with a dead one."""
    tell(capsys, await down.asterisk_dies("29000-29199", signal.SIGSTOP, within=30))


async def test_a_killed_supervisor_takes_over_again_and_the_talk_has_not_heard_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(real_site("28400-28599"))
        callers = down.People(running, stack)
        await callers.come()
        server, asterisk = running.server_pid(), running.asterisk()
        assert running.supervisor is not None
        running.supervisor.kill()
        killed = time.monotonic()
        await running.ended()
        await asyncio.sleep(5.0)  # nobody looks after anything
        assert running.server_pid() == server
        await callers.callers["talking"].hears(down.AGENT_HZ, within=1)
        silences = callers.silences(killed, time.monotonic())
        await running.up()
        await running.ready()
        assert "took over the running Asterisk" in running.said
        assert running.asterisk() == asterisk
        assert running.server_pid() not in (0, server), "a new server, as when it crashes"
        await callers.page.locator('[data-testid="callbar"][data-kind="busy"]').wait_for(timeout=15_000)
        talking = callers.callers["talking"]
        await talking.hears(down.AGENT_HZ, within=1)
        await hears_music(callers.callers["waiting"].rtp, within=1)
        silent = longest_silence(talking.rtp, killed, time.monotonic())
        tell(capsys, f"alone: silences {silences}; the talk's longest silence through the take-over {silent:.2f} s")
        assert silent < 0.5
        heard = callers.silences(killed, time.monotonic())
        del heard["about to press a key"]  # nothing is said while he is waited for
        assert max(heard.values()) < down.LONGEST_SILENCE
        for caller in callers.callers.values():
            await caller.hang_up()
        await running.quiet()
        kills.check_replay(running.live)


# --- clocks -----------------------------------------------------------------------------------------------------

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


async def test_a_clock_that_jumps_an_hour_either_way_moves_no_deadline(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The server alone has this clock; Asterisk and the callers keep the true one."""
    assert FAKETIME.exists(), "libfaketime is not installed (Debian: faketime)"
    clock = tmp_path / "clock"
    clock.write_text("+0")
    environ = {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    async with faults.people_at(24800, **environ) as those:
        await those.come()
        began = time.monotonic()
        told = []
        for offset in ("+3600", "+0", "-3600", "+0"):
            clock.write_text(offset)
            running = those.site
            jumps = len(_jumps(running))
            await those.serve()
            assert len(_jumps(running)) == jumps + (offset != "+0"), "one a jump; a clock that is right again is none"
            told.append(f"{offset}: missed after {await _missed_after(those, running):.2f} s")
            await those.still_well(prompt_within=1 if "in a prompt" in those.callers else 0)
            if "in a prompt" in those.callers:
                await those.callers.pop("in a prompt").hang_up()
        told.append(those.no_gap(began, time.monotonic()))
        times = [record.at for record in running.records()]
        assert times == sorted(times)
        assert times[-1] - times[0] < time.monotonic() - began + 60, "no record is an hour long"
        await those.part()
        assert abs(times[-1] - time.time()) < 60, "the journal's time is the true one"
    tell(capsys, "; ".join(told))


def _jumps(running: Site) -> list[float]:
    return [r.input.seconds for r in running.records() if isinstance(r.input, facts.ClockJumped)]


async def _missed_after(those: People, running: Site) -> float:
    """An offer of `brisk` (3 s) that is left ringing, in seconds of the true clock."""
    missed = len(running.events(ev.OfferMissed))
    await those.free.desk.expect("SetReady")
    async with calling(running, BRISK, "13977700000"):
        call = await those.free.phone.next_call()
        call.ring()
        rung = time.monotonic()
        await running.happens(ev.OfferMissed, count=missed + 1, within=6)
        took = time.monotonic() - rung
        await those.free.desk.expect("SetNotReady", reason="break")
    await those.free.desk.state("not_ready")
    while not those.free.phone.agent.core.incoming.empty():  # it may have rung once more
        those.free.phone.agent.core.incoming.get_nowait()
    assert 2.0 < took < 4.0, took
    return took


# --- the agents' side -------------------------------------------------------------------------------------------


@asynccontextmanager
async def a_talk_in_a_browser() -> AsyncIterator[tuple[Site, Browser, SippCaller, AsyncExitStack]]:
    """1001 talks in a browser; others have desk phones."""
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            site(rtp=(25000, 25199), prepare=partial(people.prepare, pages=("1001",)))
        )
        stack.enter_context(kills.telling(running))
        browser = await stack.enter_async_context(Browser(tone_hz=AGENT_HZ))
        page = await browser.page()
        await start_work(page, running, "1001")
        caller = await stack.enter_async_context(SippCaller(running.sip, CALM, tone=CALLER_HZ))
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ, within=3)
        yield running, browser, caller, stack


async def test_a_laptop_asleep_for_a_minute_costs_the_caller_his_agent_and_nobody_else_anything() -> None:
    """Music as soon as it is noticed, the next agent after 15 s; awake again, the agent is told and can go on."""
    async with a_talk_in_a_browser() as (running, browser, caller, stack):
        other = await Agent(running, "1002", people.FREE_HZ).come(stack)
        await other.desk.ready()
        page = browser._contexts[-1].pages[0]
        browser.freeze()
        asleep = time.monotonic()
        lost = (await running.happens(ev.AgentLegLost, within=12))[-1]
        await asyncio.sleep(max(0.0, lost.at + 1.0 - time.time()))
        assert music(caller.rtp, 0.3, not_hz=(AGENT_HZ,)), "no music a second after the loss was noticed"
        await other.pick_up(within=20)
        await caller.hears(people.FREE_HZ, within=3)
        await asyncio.sleep(max(0.0, asleep + 60 - time.monotonic()))
        browser.thaw()
        await page.locator('[data-testid="state-select"][data-state="not_ready"]').wait_for(timeout=15_000)
        await page.locator('[data-testid="phone-status"][data-status="ready"]').wait_for(timeout=15_000)
        await caller.hears(people.FREE_HZ, within=1)
        await caller.hang_up()
        await other.desk.finish(ready=False)
        await page.get_by_test_id("ready-button").click()
        await page.locator('[data-testid="state-select"][data-state="ready"]').wait_for()
        async with SippCaller(running.sip, CALM, tone=CALLER_HZ, caller="13800000777") as next_one:
            await next_one.answered()
            await answer(page)
            await next_one.hears(AGENT_HZ, within=3)
            await next_one.hang_up()
            await wrap_up(page)
        conversation = running.events(ev.ConversationStarted)[0].conversation
        assert len(of(running, conversation, ev.ContactConnected)) >= 1
        await running.quiet(within=3)
        await kills.check_projection(running)
        assert await running.stop() == 0
        kills.check_replay(running)
        kills.check_fold(running)


async def test_a_second_browser_with_the_same_login_takes_the_phone_over_by_one_click() -> None:
    """It is told first; the call goes on; the first one is told."""
    async with a_talk_in_a_browser() as (running, browser, caller, _stack):
        first = browser._contexts[-1].pages[0]
        second = await browser.page(context=await browser.context())  # another profile: its own login
        await second.add_init_script(f"localStorage.setItem('hollyhock.microphone', '{kills.MEASURING}')")
        await second.goto(running.url)
        await second.get_by_test_id("login-user").fill("1001")
        await second.get_by_test_id("login-password").fill(PASSWORD)
        await second.get_by_test_id("login-submit").click()
        await second.get_by_test_id("take-over").wait_for()
        await caller.hears(AGENT_HZ, within=1)
        await second.get_by_test_id("take-over").click()
        await second.locator('[data-testid="call-phase"][data-phase="talking"]').wait_for()
        await page_hears(second, CALLER_HZ, within=5)
        await caller.hears(AGENT_HZ, within=3)
        await first.locator('[data-testid="banner"][data-banner="elsewhere"]').wait_for()
        agents_legs = [name for name in (await running.holds())["channels"] if ".a" in name]
        assert len(agents_legs) == 1
        await caller.hang_up()
        await wrap_up(second)
        await running.quiet(within=3)
        assert await running.stop() == 0
        kills.check_replay(running)
        kills.check_fold(running)


