"""kill -9 of the server: calls, music and books go on (real Asterisk, SIPp, one real browser)."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from contextlib import AsyncExitStack

import pytest

from ctiserver.model import events as ev
from tests.harness import tones
from tests.harness.browser import Browser
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import eventually
from tests.live.house import CALM, MENU, hears_music
from tests.live.kills import (
    Lateness,
    call_list,
    check_database,
    check_fold,
    check_replay,
    come_back,
    folded,
    lasting,
    page_agent,
    patient,
    restarted,
    sound_lost,
    starts,
    telling,
)

KILLS = 10
QUEUED = (2, 5, 8)
"""In these rounds the new caller goes on into a queue."""
LONGEST_GAP = 60.0
BACK_WITHIN = 2.0
AGENT_HZ = (660.0, 880.0)


def check_restart(running: Site) -> None:
    """The last two servers of this site agree on everything that lasts."""
    records = running.records()
    last = starts(records)[-1]
    seen = next(i for i, r in enumerate(records) if i > last and type(r.input).__name__ == "SwitchSeen")
    assert lasting(folded(records[: seen + 1])) == lasting(folded(records[:last]))


@pytest.mark.timeout(180)
async def test_ten_kills_in_talk_queue_wrap_up_and_prompt_cost_nobody_anything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dice = random.Random(20251)
    report: list[str] = []
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(site(rtp=(28000, 28399), prepare=patient, PYTHONDONTWRITEBYTECODE=""))
        stack.enter_context(telling(running))
        lateness = await stack.enter_async_context(Lateness())
        callers: list[SippCaller] = []

        async def calls(number: str, name: str, tone: float) -> SippCaller:
            made = SippCaller(running.sip, number, caller=f"1380000{len(callers):04}", name=name, tone=tone)
            caller = await stack.enter_async_context(made)
            callers.append(caller)
            await caller.answered()
            return caller

        browser = await stack.enter_async_context(Browser())
        pages, talkers = [], []
        for user, name, hz in (("1001", "talker", AGENT_HZ[0]), ("1002", "other talker", AGENT_HZ[1])):
            pages.append(await page_agent(browser, running, user, hz))
            talkers.append(await calls(CALM, name, hz / 2))
            await pages[-1].get_by_test_id("answer").click()
            await talkers[-1].hears(hz, within=5)

        writer = await stack.enter_async_context(Desk(running, "1003"))
        await writer.ready()
        third = await calls(CALM, "third", 520)
        await writer.works("offer")
        assert writer.phone is not None
        writer.phone.answer(await writer.phone.next_call())
        await writer.works("busy")
        await third.hang_up()
        until = (await writer.works("wrap_up"))["until"]

        waiting = [await calls(CALM, "first in line", 540), await calls(CALM, "second in line", 560)]
        for caller in waiting:
            await hears_music(caller.rtp)

        times: list[float] = []
        lost: list[float] = []
        music_gaps: list[float] = []
        for number in range(KILLS):
            in_prompt = SippCaller(running.sip, MENU, caller=f"1390000{number:04}", name=f"prompt{number}", tone=580)
            await stack.enter_async_context(in_prompt)
            callers.append(in_prompt)
            moment = dice.uniform(0.02, 1.5)
            await asyncio.sleep(moment)  # real time: the kill falls somewhere into the arrival and the welcome
            killed = running.kill()
            back = await restarted(running)
            await asyncio.sleep(0.3)
            end = time.monotonic()
            begin = killed - 0.2
            gaps = {
                c.name: (c.rtp.longest_gap(begin, end), sound_lost(c.rtp, begin, end)) for c in (*talkers, *waiting)
            }
            late = lateness.worst(begin, end)
            report.append(
                f"kill {number} {moment:.2f} s into a call: ready {back:.2f} s, own lateness {late:.0f} ms; "
                "longest gap / sound lost in ms: "
                + ", ".join(f"{name} {gap:.0f}/{shift:.0f}" for name, (gap, shift) in gaps.items())
            )
            times.append(back)
            lost += [shift for _, shift in gaps.values()]
            music_gaps.append(max(gaps[caller.name][0] for caller in waiting) - late)
            check_restart(running)
            for caller, hz in zip(talkers, AGENT_HZ, strict=True):
                await caller.hears(hz, within=1)
            for caller in waiting:
                await hears_music(caller.rtp, within=1)
            await come_back(writer)
            for page in pages:
                await page.locator('[data-testid="phone-status"][data-status="ready"]').wait_for()
                await page.locator('[data-testid="callbar"][data-kind="busy"]').wait_for()
            assert (await writer.works("wrap_up"))["until"] == until
            await in_prompt.answered()
            await hears_music(in_prompt.rtp, within=3)  # the welcome again
            if number in QUEUED:
                queued = len(running.events(ev.ContactQueued))
                await in_prompt.press("1")
                await running.happens(ev.ContactQueued, count=queued + 1, within=10)
            await in_prompt.hang_up()
        with capsys.disabled():
            print("\n" + "\n".join(report))

        await pages[0].get_by_test_id("hangup").click()
        await eventually(lambda: talkers[0].trace.ended_by, 3, "the agent has ended the call")
        await talkers[1].hang_up()
        for page in pages:
            await page.locator('[data-testid="callbar"][data-kind="wrap_up"]').wait_for()
        for caller in waiting:  # first come, first served, by the agent who leaves his wrap-up
            await writer.finish()
            await writer.works("offer")
            call = await writer.phone.next_call()
            writer.phone.answer(call)
            work = await writer.works("busy")
            assert work["caller"]["number"] == f"1380000{callers.index(caller):04}"
            await caller.hang_up()
        await writer.works("wrap_up")
        await running.quiet(within=2)

        conversations = [e.conversation for e in running.events(ev.ConversationStarted)]
        assert len(conversations) == len(callers)
        queued_ones = running.events(ev.ContactQueued)
        ended = [e.contact for e in running.events(ev.ContactEnded)]
        assert sorted(ended) == sorted(e.contact for e in queued_ones), "each contact ends exactly once"
        rows = await call_list(running, [e.conversation for e in queued_ones])
        assert sum(row["answered_at"] is not None for row in rows.values()) == 5
        by_number = {e.caller_number: e.conversation for e in running.events(ev.ConversationStarted)}
        files = running.home / "recordings"
        await eventually(
            lambda: sorted(p.stem for p in files.glob("*.wav")) == sorted(conversations), 12, "all recordings", poll=0.2
        )
        differences = {}
        for caller in callers:
            record = tones.read_wav(files / f"{by_number[caller._caller]}.wav")
            differences[caller.name] = record.seconds - (caller.trace.ended_wall - caller.trace.answered_wall)
        with capsys.disabled():
            print("record minus call, ms:", {name: round(s * 1000) for name, s in differences.items()})
        for caller in callers:
            assert caller.answered_at is not None
            stood_still = lateness.worst(caller.answered_at - 1, caller.answered_at + 1) / 1000
            assert abs(differences[caller.name]) < 0.1 + stood_still, caller.name
        assert max(lost) < LONGEST_GAP, "no sound was lost, whatever this machine did meanwhile"
        assert statistics.median(music_gaps) < LONGEST_GAP, "nor did it pause; judged by the median on a busy machine"
        assert max(times) < BACK_WITHIN
        check_database(running, conversations)
        assert await running.stop() == 0
        turns = check_replay(running)
        check_fold(running)
        with capsys.disabled():
            print(f"{turns} turns folded and decided again")
        assert running.complaints() == []
