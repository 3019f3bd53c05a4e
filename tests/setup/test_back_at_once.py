"""How soon all is up and back again, by the clock. Alone on the machine (LONELY_TESTS)."""

from __future__ import annotations

import os
import signal
import time
from contextlib import AsyncExitStack

import pytest

from tests.harness.waiting import eventually
from tests.live.house import MENU, hears_music
from tests.live.kills import check_replay
from tests.setup.instances import Site
from tests.setup.real_site import real_site
from tests.setup.test_site_down import AGENT_HZ, LONGEST_SILENCE, People


async def test_up_is_ready_within_five_seconds(a_site: Site) -> None:
    started = time.monotonic()
    await a_site.up()
    await a_site.ready()
    assert time.monotonic() - started < 5.0


async def test_a_crashed_server_is_back_at_once_three_times_and_then_with_a_pause(a_site: Site) -> None:
    await a_site.up()
    await a_site.ready()
    asterisk = a_site.asterisk()
    for _ in range(3):
        old = a_site.server_pid()
        os.kill(old, signal.SIGKILL)
        killed = time.monotonic()
        await a_site.server_after(old)
        assert time.monotonic() - killed < 1.0
    old = a_site.server_pid()
    os.kill(old, signal.SIGKILL)
    killed = time.monotonic()
    await a_site.says("starting it again in 1 s")
    await a_site.server_after(old)
    assert time.monotonic() - killed >= 0.9
    assert a_site.asterisk() == asterisk


async def test_a_killed_server_is_back_at_once_and_nobody_lost_his_call(capsys: pytest.CaptureFixture[str]) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(real_site("28400-28599"))
        people = People(site, stack)
        await people.come()
        old = site.server_pid()
        os.kill(old, signal.SIGKILL)
        killed = time.monotonic()
        await site.server_after(old)
        started = time.monotonic()
        back = await site.back()
        late = await people.call("while it is away", MENU, 500)
        await late.answered()
        await hears_music(late.rtp)
        await people.callers["talking"].hears(AGENT_HZ)
        await hears_music(people.callers["waiting"].rtp)
        silences = people.silences(killed, time.monotonic())
        with capsys.disabled():
            print(
                f"\nprocess after {started - killed:.2f} s, ready {back - started:.2f} s later; "
                f"longest silences {silences}"
            )
        assert max(silences.values()) < LONGEST_SILENCE
        assert "go to the apology" not in site.said
        await people.page.locator('[data-testid="phone-status"][data-status="ready"]').wait_for()
        await people.page.get_by_test_id("hangup").click()
        await eventually(lambda: people.callers["talking"].trace.ended_by, 10, "the agent ends the talk")
        for caller in people.callers.values():
            await caller.hang_up()
        await site.quiet()
        check_replay(site.live)
