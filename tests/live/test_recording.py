"""The record of a conversation: the caller first, the agent second, as long as the call, nothing missing."""

from __future__ import annotations

import asyncio
import wave

import numpy as np
import pytest

from ctiserver.model import events as ev
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_record_is_as_long_as_the_call_also_when_the_caller_is_silent(shared_site: Site) -> None:
    site = shared_site
    async with Desk(site, "1001") as desk, SippCaller(site.sip, "95500", tone=440) as caller:
        await desk.ready()
        answered = await caller.answered()
        await caller.press("1")
        await desk.works("offer", within=15)
        assert desk.phone is not None
        desk.phone.answer(await desk.phone.next_call())
        await desk.works("busy")
        caller.rtp.mute_rtp()
        await asyncio.sleep(3)
        caller.rtp.unmute_rtp()
        await asyncio.sleep(1)
        await caller.hang_up()
        await desk.finish()
    trace = caller.trace
    print("answered", answered)
    conversation = site.events(ev.ConversationStarted)[-1].conversation
    path = site.home / "recordings" / f"{conversation}.wav"
    try:
        await eventually(path.exists, 5, "the recording")
    except AssertionError:
        print(site.tail())
        for r in site.records()[-30:]:
            print(r.seq, r.input, [type(e).__name__ for e in r.events], r.effects)
        raise
    with wave.open(str(path)) as file:
        seconds = file.getnframes() / file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    up = next(e for e in site.events(ev.Established) if e.conversation == conversation)
    end = next(e for e in site.events(ev.CallCleared) if e.conversation == conversation)
    print(seconds, end.at - up.at, trace, [e for e in site.events(ev.RecordingEnded)])
    print(np.abs(samples).mean(axis=0))
    assert abs(seconds - (end.at - up.at)) < 0.1
