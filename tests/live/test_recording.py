"""The record of a conversation and its times: against what was really said, and against SIPp's own message trace."""

from __future__ import annotations

import asyncio

import pytest

from ctiserver.model import events as ev
from tests.harness import tones
from tests.harness.g711 import RATE
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site
from tests.live.house import MENU, conversation_of, listed, numbers_in_log, of, recorded, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "13955500000"
TONE = 440.0


@pytest.mark.parametrize("mute", [0.0, 3.0], ids=["talking", "3 s without RTP"])
async def test_the_record_is_as_long_as_the_call_and_the_times_are_right(house: Site, mute: float) -> None:
    async with Desk(house, "1001") as desk, SippCaller(house.sip, MENU, caller=NUMBER, tone=TONE) as caller:
        await desk.ready()
        await caller.answered()
        await caller.press("1")
        await desk.works("offer", within=15)
        assert desk.phone is not None
        call = await desk.phone.next_call()
        desk.phone.answer(call)
        await desk.works("busy")
        answered_by_agent = call.log("out")[-1].wall
        await asyncio.sleep(0.5)
        if mute:
            caller.rtp.mute_rtp()
            await asyncio.sleep(mute)
            caller.rtp.unmute_rtp()
            await asyncio.sleep(0.5)
        await caller.hang_up()
        await desk.finish()
    conversation = conversation_of(house, NUMBER)
    trace = caller.trace
    length = trace.ended_wall - trace.answered_wall
    said, heard = await recorded(house, conversation)
    seconds = len(said) / RATE
    tone = spoken(said, TONE)
    print(f"call {length:.3f} s by SIPp, record {seconds:.3f} s, tone {tone:.2f} s ({mute:.0f} s muted)")
    assert abs(seconds - length) <= 0.1
    assert abs(tone - (length - mute)) <= 0.3  # the key press and the first packets are not tone
    talk = heard[-int(0.4 * RATE) : -int(0.1 * RATE)]  # music and speech before it hold all frequencies
    assert not tones.has_tone(talk, TONE), "the caller's own voice on the other track"
    assert tones.level(heard[: 2 * RATE]) > -40, "the welcome is on the second track"

    up = next(e for e in of(house, conversation, ev.Established) if ".a" not in e.leg)
    end = of(house, conversation, ev.CallCleared)[0]
    row = await listed(house, conversation)
    differences = {
        "answered (journal)": up.at - trace.answered_wall,
        "ended (journal)": end.at - trace.ended_wall,
        "ended (call list)": row["ended_at"] - trace.ended_wall,
        "agent answered (call list)": row["answered_at"] - answered_by_agent,
        "talk (call list)": row["talk_seconds"] - (trace.ended_wall - answered_by_agent),
    }
    print(", ".join(f"{name} {seconds * 1000:+.0f} ms" for name, seconds in differences.items()))
    assert all(abs(seconds) <= 0.1 for seconds in differences.values()), differences
    assert row["recording"] is True or (await listed(house, conversation))["recording"]


async def test_a_call_that_never_leaves_the_menu_is_on_record_too(house: Site) -> None:
    async with SippCaller(house.sip, MENU, caller=NUMBER, tone=880) as caller:
        await caller.answered()
        await asyncio.sleep(1.0)
        await caller.hang_up()
    said, heard = await recorded(house, conversation_of(house, NUMBER))
    length = caller.trace.ended_wall - caller.trace.answered_wall
    assert abs(len(said) / RATE - length) <= 0.1
    assert spoken(said, 880) > length - 0.3
    assert tones.level(heard) > -40


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert numbers_in_log(house, NUMBER) == []
