"""Facts that listening, whispering and barging lean on: who hears whom in a talk bridge with a muted third, and what a
snoop carries (DESIGN 5.1)."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest_asyncio

from ctiserver.asterisk import wire
from ctiserver.asterisk.ari_calls import BridgeType
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import MUSIC_HZ, Caller
from tests.asterisk.party import Party
from tests.harness import tones

CALLER_HZ, AGENT_HZ, LEAD_HZ = 440.0, 880.0, 1370.0
TALK: BridgeType = "mixing,video_sfu"
"""What the server makes of a talk bridge: one that always mixes."""
UNHEARD = -60.0
"""dBFS: what nobody may hear of a muted lead (the issue of the whole feature)."""


class Talk:
    """Caller and agent in a talk bridge, the lead's leg outside of it; the record's two tracks run."""

    def __init__(self, asterisk: Instance, cti: Party, caller: Caller, agent: Caller, lead: Caller) -> None:
        self.asterisk, self.cti, self.caller, self.agent, self.lead = asterisk, cti, caller, agent, lead
        self.bridge = "mon-t"

    async def join(self, leg: Caller, *, mute: bool = False) -> None:
        await self.cti.calls.add_to_bridge(self.bridge, leg.channel, mute=mute, absorb_dtmf=mute)

    async def whisper(self) -> None:
        """The lead's leg in a bridge of its own with a snoop on the agent's leg."""
        await self.cti.calls.snoop(self.agent.channel, "mon-wa", spy="both", whisper="out")
        await self.cti.start_of("mon-wa")
        await self.cti.calls.create_bridge("mon-w", TALK)
        await self.cti.calls.add_to_bridge("mon-w", "mon-wa")
        await self.cti.calls.add_to_bridge("mon-w", self.lead.channel)

    async def hold(self) -> None:
        await self.cti.calls.create_bridge("mon-h", "holding")
        await self.cti.calls.add_to_bridge("mon-h", self.caller.channel, role="holding_participant")


@pytest_asyncio.fixture
async def talk(asterisk: Instance, cti: Party) -> AsyncIterator[Talk]:
    async with AsyncExitStack() as stack:
        legs = [await stack.enter_async_context(Caller(asterisk, hz)) for hz in (CALLER_HZ, AGENT_HZ, LEAD_HZ)]
        for leg in legs:
            await leg.call()
            await leg.arrive(cti)
        there = Talk(asterisk, cti, *legs)
        await cti.calls.create_bridge(there.bridge, TALK)
        await there.join(there.caller)
        await there.join(there.agent)
        await there.caller.hears(AGENT_HZ)
        await there.agent.hears(CALLER_HZ)
        yield there


def _of_lead(leg: Caller, since: float) -> float:
    return tones.level_at(leg.rtp.heard(since), LEAD_HZ)


async def test_a_muted_third_hears_both_and_is_heard_by_nobody(talk: Talk) -> None:
    since = time.monotonic()
    await talk.join(talk.lead, mute=True)
    await talk.lead.rtp.hears(CALLER_HZ)
    await talk.lead.rtp.hears(AGENT_HZ)
    await asyncio.sleep(1.0)
    assert _of_lead(talk.caller, since) < UNHEARD
    assert _of_lead(talk.agent, since) < UNHEARD


async def test_added_again_without_mute_both_hear_him_and_muted_again_nobody(talk: Talk) -> None:
    await talk.join(talk.lead, mute=True)
    await talk.lead.rtp.hears(AGENT_HZ)
    await talk.join(talk.lead)
    await talk.caller.rtp.hears(LEAD_HZ)
    await talk.agent.rtp.hears(LEAD_HZ)
    await talk.join(talk.lead, mute=True)
    await asyncio.sleep(0.3)
    since = time.monotonic()
    await asyncio.sleep(1.0)
    assert _of_lead(talk.caller, since) < UNHEARD
    assert _of_lead(talk.agent, since) < UNHEARD


async def test_a_whisper_reaches_the_agent_only_and_the_lead_goes_on_hearing_both(talk: Talk) -> None:
    await talk.join(talk.lead, mute=True)
    await talk.lead.rtp.hears(AGENT_HZ)
    since = time.monotonic()
    await talk.whisper()
    await talk.agent.rtp.hears(LEAD_HZ)
    await talk.agent.rtp.hears(CALLER_HZ)
    await talk.lead.rtp.hears(CALLER_HZ)
    await talk.lead.rtp.hears(AGENT_HZ)
    await asyncio.sleep(1.0)
    assert _of_lead(talk.caller, since) < UNHEARD
    assert tones.level_at(talk.lead.rtp.last(0.5), LEAD_HZ) < UNHEARD, "he hears himself"


async def test_a_whisper_is_heard_when_the_caller_sends_nothing_or_has_music(talk: Talk) -> None:
    """asterisk#1966 is about bridges of two; one that always mixes writes to the agent all the time."""
    talk.caller.rtp.mute_rtp()
    await talk.whisper()
    await talk.agent.rtp.hears(LEAD_HZ)
    talk.caller.rtp.unmute_rtp()
    await talk.hold()
    since = time.monotonic()
    await asyncio.sleep(0.6)
    await talk.agent.rtp.hears(LEAD_HZ)
    assert _of_lead(talk.caller, since) < UNHEARD


async def test_a_snoop_hears_nothing_of_a_leg_that_is_muted_in_its_bridge(talk: Talk) -> None:
    """So a whispering lead cannot stay muted in the talk bridge and be tapped there."""
    await talk.join(talk.lead, mute=True)
    assert tones.level_at(await _tapped(talk, "mon-x"), LEAD_HZ) < UNHEARD
    await talk.join(talk.lead)
    assert any(tones.presence(await _tapped(talk, "mon-y"), LEAD_HZ))


async def _tapped(talk: Talk, name: str) -> tones.Pcm:
    await talk.cti.calls.snoop(talk.lead.channel, name, spy="in")
    await talk.cti.start_of(name)
    await talk.cti.calls.record(name, name, if_exists="overwrite")
    await asyncio.sleep(0.6)
    return await _recorded(talk, name)


async def _recorded(talk: Talk, name: str) -> tones.Pcm:
    """End the snoop and its record; what is in it but the first 0.1 s.

    That a tone is in it is judged window by window: over the whole record one lost packet turns the tone's phase, and
    the two halves take from each other.
    """
    await talk.cti.calls.hangup(name)
    await talk.cti.event(wire.RecordingFinished, lambda event: event.recording.name == name)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "track.wav"
        await talk.cti.calls.download_recording(name, str(target))
        return tones.read_wav(target).part(0, 0.1, 60)


async def test_the_record_of_the_customer_holds_nothing_of_a_muted_or_whispering_lead(talk: Talk) -> None:
    for name, side in (("mon-ri", "in"), ("mon-ro", "out"), ("mon-ra", "out")):
        await talk.cti.calls.snoop(talk.caller.channel, name, spy=side)  # type: ignore[arg-type]
        await talk.cti.start_of(name)
        await talk.cti.calls.record(name, name, if_exists="overwrite")
    await talk.join(talk.lead, mute=True)
    await asyncio.sleep(1.0)
    await talk.whisper()
    await talk.agent.rtp.hears(LEAD_HZ)
    await asyncio.sleep(1.0)
    assert tones.level_at(await _recorded(talk, "mon-ri"), LEAD_HZ) < UNHEARD
    assert tones.level_at(await _recorded(talk, "mon-ro"), LEAD_HZ) < UNHEARD
    assert any(tones.presence(await _recorded(talk, "mon-ra"), AGENT_HZ))


async def test_a_muted_listener_who_presses_hold_on_his_phone_gives_nobody_music(talk: Talk) -> None:
    await talk.join(talk.lead, mute=True)
    await talk.lead.rtp.hears(AGENT_HZ, within=2)
    await talk.lead.hold()
    await talk.cti.event(wire.ChannelHold)
    since = time.monotonic()
    await asyncio.sleep(1.0)
    for leg, other in ((talk.caller, AGENT_HZ), (talk.agent, CALLER_HZ)):
        assert tones.level_at(leg.rtp.heard(since), MUSIC_HZ) < UNHEARD, "he hears the hold music"
        await leg.rtp.hears(other, within=5)
