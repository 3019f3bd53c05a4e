"""Facts that listening, whispering and barging lean on: who hears whom in a talk bridge with a muted third, and what a
snoop carries (DESIGN 5.1)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest_asyncio

from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import Caller
from tests.asterisk.party import Party
from tests.harness import tones

CALLER_HZ, AGENT_HZ, LEAD_HZ = 440.0, 880.0, 1370.0
UNHEARD = -60.0
"""dBFS: what nobody may hear of a muted lead (the issue of the whole feature)."""


class Talk:
    """Caller and agent in a talk bridge, the lead's leg outside of it; the record's two tracks run."""

    def __init__(self, asterisk: Instance, cti: Party, caller: Caller, agent: Caller, lead: Caller) -> None:
        self.asterisk, self.cti, self.caller, self.agent, self.lead = asterisk, cti, caller, agent, lead
        self.bridge = "mon-t"

    async def join(self, leg: Caller, *, mute: bool = False) -> None:
        await self.cti.calls.add_to_bridge(self.bridge, leg.channel, mute=mute, absorb_dtmf=mute)

    async def whisper(self, number: int = 1) -> tuple[str, str]:
        """What the lead says goes to the agent alone: a snoop that hears the lead, one that speaks to the agent."""
        hears, speaks = f"mon-wl{number}", f"mon-wa{number}"
        await self.cti.calls.snoop(self.lead.channel, hears, spy="in")
        await self.cti.calls.snoop(self.agent.channel, speaks, whisper="out")
        await self.cti.start_of(hears)
        await self.cti.start_of(speaks)
        await self.cti.calls.create_bridge(f"mon-w{number}", "mixing")
        await self.cti.calls.add_to_bridge(f"mon-w{number}", hears)
        await self.cti.calls.add_to_bridge(f"mon-w{number}", speaks)
        return hears, speaks


@pytest_asyncio.fixture
async def talk(asterisk: Instance, cti: Party) -> AsyncIterator[Talk]:
    async with AsyncExitStack() as stack:
        legs = [await stack.enter_async_context(Caller(asterisk, hz)) for hz in (CALLER_HZ, AGENT_HZ, LEAD_HZ)]
        for leg in legs:
            await leg.call()
            await leg.arrive(cti)
        there = Talk(asterisk, cti, *legs)
        await cti.calls.create_bridge(there.bridge, "mixing")
        await there.join(there.caller)
        await there.join(there.agent)
        await there.caller.hears(AGENT_HZ, within=2)
        await there.agent.hears(CALLER_HZ, within=2)
        yield there


def _of_lead(leg: Caller, since: float) -> float:
    return tones.level_at(leg.rtp.heard(since), LEAD_HZ)


async def test_a_muted_third_hears_both_and_is_heard_by_nobody(talk: Talk) -> None:
    since = time.monotonic()
    await talk.join(talk.lead, mute=True)
    await talk.lead.rtp.hears(CALLER_HZ, within=2)
    await talk.lead.rtp.hears(AGENT_HZ, within=2)
    await asyncio.sleep(1.0)
    print("lead at caller", _of_lead(talk.caller, since), "at agent", _of_lead(talk.agent, since))
    assert _of_lead(talk.caller, since) < UNHEARD
    assert _of_lead(talk.agent, since) < UNHEARD
    print("gap caller", talk.caller.rtp.longest_gap(since), "agent", talk.agent.rtp.longest_gap(since))


async def test_added_again_without_mute_both_hear_him_and_muted_again_nobody(talk: Talk) -> None:
    await talk.join(talk.lead, mute=True)
    await talk.lead.rtp.hears(AGENT_HZ, within=2)
    await talk.join(talk.lead)
    await talk.caller.rtp.hears(LEAD_HZ, within=2)
    await talk.agent.rtp.hears(LEAD_HZ, within=2)
    await talk.join(talk.lead, mute=True)
    await asyncio.sleep(0.3)
    since = time.monotonic()
    await asyncio.sleep(1.0)
    print("again muted: lead at caller", _of_lead(talk.caller, since), "at agent", _of_lead(talk.agent, since))
    assert _of_lead(talk.caller, since) < UNHEARD
    assert _of_lead(talk.agent, since) < UNHEARD


async def test_a_whisper_reaches_the_agent_only(talk: Talk) -> None:
    await talk.join(talk.lead, mute=True)
    await talk.lead.rtp.hears(AGENT_HZ, within=2)
    since = time.monotonic()
    await talk.whisper()
    await talk.agent.rtp.hears(LEAD_HZ, within=2)
    await talk.agent.rtp.hears(CALLER_HZ, within=2)
    await asyncio.sleep(1.0)
    print("whisper: lead at caller", _of_lead(talk.caller, since), "at lead", _of_lead(talk.lead, since))
    assert _of_lead(talk.caller, since) < UNHEARD
    await talk.lead.rtp.hears(CALLER_HZ, within=1)
    await talk.lead.rtp.hears(AGENT_HZ, within=1)


async def test_a_whisper_is_heard_when_the_caller_sends_nothing(talk: Talk) -> None:
    talk.caller.rtp.mute_rtp()
    await talk.join(talk.lead, mute=True)
    await asyncio.sleep(0.5)
    await talk.whisper()
    await talk.agent.rtp.hears(LEAD_HZ, within=2)


async def test_a_whisper_is_heard_while_the_caller_has_music(talk: Talk) -> None:
    await talk.join(talk.lead, mute=True)
    await talk.cti.calls.create_bridge("mon-h", "holding")
    await talk.cti.calls.add_to_bridge("mon-h", talk.caller.channel, role="holding_participant")
    await talk.lead.rtp.hears(AGENT_HZ, within=2)
    await talk.whisper()
    await talk.agent.rtp.hears(LEAD_HZ, within=2)


async def test_the_record_of_the_customer_holds_nothing_of_a_muted_or_whispering_lead(talk: Talk) -> None:
    for side in ("in", "out"):
        await talk.cti.calls.snoop(talk.caller.channel, f"mon-r{side}", spy=side)  # type: ignore[arg-type]
        await talk.cti.start_of(f"mon-r{side}")
        await talk.cti.calls.record(f"mon-r{side}", f"mon-r{side}", if_exists="overwrite")
    await talk.join(talk.lead, mute=True)
    await asyncio.sleep(1.5)
    await talk.whisper(2)
    await talk.agent.rtp.hears(LEAD_HZ, within=2)
    await asyncio.sleep(1.5)
    for side in ("in", "out"):
        await talk.cti.calls.hangup(f"mon-r{side}")
    await asyncio.sleep(0.3)
    for side, hz in (("in", CALLER_HZ), ("out", AGENT_HZ)):
        track = Path(talk.asterisk.sounds).parent / "spool"
        target = Path("/tmp") / f"mon-r{side}.wav"
        await talk.cti.calls.download_recording(f"mon-r{side}", str(target))
        sound = tones.read_wav(target).part(0, 0, 60)
        target.unlink()
        print(side, "own", tones.level_at(sound, hz), "lead", tones.level_at(sound, LEAD_HZ))
        assert tones.level_at(sound, hz) > -20, track
        assert tones.level_at(sound, LEAD_HZ) < UNHEARD
