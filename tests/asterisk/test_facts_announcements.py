"""Facts about telling a caller something in his holding bridge (docs/adr/0016): `play` on his channel."""

from __future__ import annotations

import asyncio
import time

import pytest_asyncio

from ctiserver.asterisk import wire
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import MUSIC_HZ, PROMPT_HZ, Caller, prompt
from tests.asterisk.party import Party
from tests.harness import tones
from tests.harness.g711 import RATE
from tests.harness.holes import longest_hole

LONGEST_HOLE = 0.06
"""Seconds without sound between music and announcement (measured by arrival: 31-45 ms, a packet's 20 included)."""


@pytest_asyncio.fixture
async def waiting(cti: Party, caller: Caller) -> Caller:
    """The caller has music in a holding bridge."""
    await cti.calls.create_bridge("b-wait", "holding")
    await cti.calls.add_to_bridge("b-wait", caller.channel, role="holding_participant")
    await caller.hears(MUSIC_HZ, within=1.0)
    return caller


def timeline(caller: Caller, since: float) -> str:
    """What he heard, a letter for each 100 ms: M(usic), P(rompt), '.' = neither."""
    sound, size = caller.rtp.heard(since), RATE // 10
    said = ""
    for at in range(0, len(sound) - size + 1, size):
        part = sound[at : at + size]
        said += "M" if tones.has_tone(part, MUSIC_HZ) else "P" if tones.has_tone(part, PROMPT_HZ) else "."
    return said


async def test_music_announcement_music_without_a_hole_or_another_channel(
    asterisk: Instance, cti: Party, waiting: Caller
) -> None:
    began = time.monotonic()
    await cti.calls.play(waiting.channel, "p-two", [prompt(asterisk, 1), prompt(asterisk, 1)])
    await waiting.hears(PROMPT_HZ, within=1.0)
    assert [channel.id for channel in await cti.calls.get_channels()] == [waiting.channel]
    await cti.end_of_playback("p-two")
    await waiting.hears(MUSIC_HZ, within=1.0)
    said = timeline(waiting, began)
    assert said.strip("M").count("P") in range(19, 22), said
    assert longest_hole(waiting.rtp.between(began)) < LONGEST_HOLE
    assert [channel.id for channel in await cti.calls.get_channels()] == [waiting.channel]


async def test_a_digit_is_told_in_the_middle_of_an_announcement(
    asterisk: Instance, cti: Party, waiting: Caller
) -> None:
    await cti.calls.play(waiting.channel, "p-digit", [prompt(asterisk, 3)])
    await waiting.hears(PROMPT_HZ, within=1.0)
    await waiting.rtp.press("5")
    await cti.event(wire.ChannelDtmfReceived, lambda event: event.digit == "5", within=0.3)
    assert not cti.seen(wire.PlaybackFinished)


async def test_a_stopped_announcement_gives_the_music_back_and_the_channel_can_be_moved(
    asterisk: Instance, cti: Party, waiting: Caller
) -> None:
    await cti.calls.create_bridge("b-talk", "mixing")
    await cti.calls.play(waiting.channel, "p-stop", [prompt(asterisk, 3), prompt(asterisk, 3)])
    await waiting.hears(PROMPT_HZ, within=1.0)
    began = time.monotonic()
    await cti.calls.stop_playback("p-stop")
    await cti.end_of_playback("p-stop")
    assert time.monotonic() - began < 0.2  # measured: 0.7 ms
    await waiting.hears(MUSIC_HZ, within=0.6)
    await cti.calls.play(waiting.channel, "p-move", [prompt(asterisk, 3)])
    await waiting.hears(PROMPT_HZ, within=1.0)
    began = time.monotonic()
    await cti.calls.stop_playback("p-move")
    await cti.end_of_playback("p-move")
    await cti.calls.add_to_bridge("b-talk", waiting.channel)
    assert time.monotonic() - began < 0.3  # measured: 1.5 ms


async def test_who_is_taken_out_of_the_bridge_hears_the_next_prompt(
    asterisk: Instance, cti: Party, waiting: Caller
) -> None:
    """Out of the music into a flow, and back into the same bridge."""
    await cti.calls.remove_from_bridge("b-wait", waiting.channel)
    await cti.calls.play(waiting.channel, "p-out", [prompt(asterisk, 1)])
    await waiting.hears(PROMPT_HZ, within=1.0)
    await cti.end_of_playback("p-out")
    await asyncio.sleep(0.1)
    assert waiting.rtp.longest_gap(time.monotonic() - 0.08) > 60, "outside a bridge there is no music"
    await cti.calls.add_to_bridge("b-wait", waiting.channel, role="holding_participant")
    await waiting.hears(MUSIC_HZ, within=1.0)


async def test_an_announcement_ends_by_itself_when_its_client_dies_and_the_music_goes_on(
    asterisk: Instance, cti: Party, waiting: Caller
) -> None:
    began = time.monotonic()
    await cti.calls.play(waiting.channel, "p-dead", [prompt(asterisk, 1)])
    await waiting.hears(PROMPT_HZ, within=1.0)
    await cti.link.close()
    await waiting.hears(MUSIC_HZ, within=2.0)
    assert longest_hole(waiting.rtp.between(began)) < LONGEST_HOLE
    await cti.start()
    assert [channel.id for channel in await cti.calls.get_channels()] == [waiting.channel]
