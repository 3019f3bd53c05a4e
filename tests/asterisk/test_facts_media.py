"""Facts about prompts, bridges and music that the rules on where a leg sits lean on (DESIGN 5.1, 5.2)."""

from __future__ import annotations

import asyncio
import time

import pytest

from ctiserver.asterisk import wire
from ctiserver.asterisk.ari_errors import AriRefused
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import MUSIC_HZ, PROMPT_HZ, Caller, prompt
from tests.asterisk.party import Party
from tests.harness.waiting import eventually


async def test_play_with_the_same_id_plays_twice(asterisk: Instance, cti: Party, caller: Caller) -> None:
    """So a play request is never repeated."""
    began = time.monotonic()
    for _ in range(2):
        await cti.calls.play(caller.channel, "p-twice", [prompt(asterisk, 1)])
    await eventually(lambda: len(cti.seen(wire.PlaybackFinished)) == 2, 4.0, "both plays end")
    assert time.monotonic() - began > 1.9


async def test_adding_a_playing_channel_to_a_bridge_blocks_every_request_behind_it(
    asterisk: Instance, cti: Party, caller: Caller
) -> None:
    await cti.calls.create_bridge("b-block", "holding")
    await cti.calls.play(caller.channel, "p-block", [prompt(asterisk, 1)])
    await cti.event(wire.PlaybackStarted)
    began = time.monotonic()
    adding = asyncio.create_task(cti.calls.add_to_bridge("b-block", caller.channel, role="holding_participant"))
    await asyncio.sleep(0.05)
    await cti.calls.ping()
    waited = time.monotonic() - began
    await adding
    assert waited > 0.7, f"the ping waited only {waited:.2f} s"


async def test_the_same_by_http_blocks_nothing_else(asterisk: Instance, cti: Party, caller: Caller) -> None:
    await cti.calls.create_bridge("b-http", "holding")
    await cti.calls.play(caller.channel, "p-http", [prompt(asterisk, 1)])
    await cti.event(wire.PlaybackStarted)
    adding = asyncio.create_task(
        cti.calls.add_to_bridge("b-http", caller.channel, role="holding_participant", blocking=True)
    )
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await cti.calls.ping()
    assert time.monotonic() - began < 0.3
    assert not adding.done()
    await cti.calls.stop_playback("p-http")
    await adding


async def test_stop_then_playback_finished_then_move_blocks_nothing(
    asterisk: Instance, cti: Party, caller: Caller
) -> None:
    """Stopping, hanging up and reading do not wait for the channel; moving after PlaybackFinished does not either."""
    await cti.calls.create_bridge("b-move", "holding")
    await cti.calls.play(caller.channel, "p-move", [prompt(asterisk, 3)])
    await caller.hears(PROMPT_HZ, within=2.0)
    began = time.monotonic()
    assert await cti.calls.stop_playback("p-move")
    await cti.end_of_playback("p-move", within=0.5)
    await cti.calls.add_to_bridge("b-move", caller.channel, role="holding_participant")
    assert time.monotonic() - began < 0.3


async def test_hanging_up_a_channel_that_plays_does_not_wait(asterisk: Instance, cti: Party, caller: Caller) -> None:
    await cti.calls.play(caller.channel, "p-hangup", [prompt(asterisk, 3)])
    await caller.hears(PROMPT_HZ, within=2.0)
    began = time.monotonic()
    await cti.calls.hangup(caller.channel)
    await cti.calls.ping()
    await caller.sip.ended(1.0)
    assert time.monotonic() - began < 0.3


async def test_a_holding_bridge_gives_music_only_to_a_holding_participant(cti: Party, caller: Caller) -> None:
    await cti.calls.create_bridge("b-music", "holding")
    await cti.calls.add_to_bridge("b-music", caller.channel)
    await cti.event(wire.ChannelEnteredBridge)
    before = caller.rtp.received
    await asyncio.sleep(0.3)
    assert caller.rtp.received == before, "no role, no RTP at all"
    await cti.calls.remove_from_bridge("b-music", caller.channel)
    await cti.calls.add_to_bridge("b-music", caller.channel, role="holding_participant")
    await caller.hears(MUSIC_HZ, within=1.0)


async def test_music_comes_back_by_itself_after_a_play(asterisk: Instance, cti: Party, caller: Caller) -> None:
    await cti.calls.create_bridge("b-back", "holding")
    await cti.calls.add_to_bridge("b-back", caller.channel, role="holding_participant")
    await caller.hears(MUSIC_HZ, within=1.0)
    await cti.calls.play(caller.channel, "p-back", [prompt(asterisk, 1)])
    await caller.hears(PROMPT_HZ, within=1.0)
    await caller.hears(MUSIC_HZ, within=2.0)


async def test_digits_arrive_from_a_caller_who_hears_music(cti: Party, caller: Caller) -> None:
    await cti.calls.create_bridge("b-dtmf", "holding")
    await cti.calls.add_to_bridge("b-dtmf", caller.channel, role="holding_participant")
    await caller.hears(MUSIC_HZ, within=1.0)
    await caller.rtp.press("1#")
    await cti.event(wire.ChannelDtmfReceived, lambda event: event.digit == "#")
    assert [event.digit for event in cti.seen(wire.ChannelDtmfReceived)] == ["1", "#"]


async def test_a_party_alone_in_a_mixing_bridge_gets_no_rtp(cti: Party, caller: Caller) -> None:
    await cti.calls.create_bridge("b-alone", "mixing")
    await cti.calls.add_to_bridge("b-alone", caller.channel)
    await cti.event(wire.ChannelEnteredBridge)
    before = caller.rtp.received
    await asyncio.sleep(0.3)
    assert caller.rtp.received == before


async def test_adding_again_leaves_and_enters_and_removing_an_absent_channel_is_422(cti: Party, caller: Caller) -> None:
    await cti.calls.create_bridge("b-again", "holding")
    for _ in range(2):
        await cti.calls.add_to_bridge("b-again", caller.channel, role="holding_participant")
    await eventually(lambda: len(cti.seen(wire.ChannelEnteredBridge)) == 2, 1.0, "entered twice")
    assert len(cti.seen(wire.ChannelLeftBridge)) == 1
    await cti.calls.remove_from_bridge("b-again", caller.channel)
    with pytest.raises(AriRefused) as refusal:
        await cti.calls.remove_from_bridge("b-again", caller.channel)
    assert refusal.value.status == 422


async def test_a_bridge_with_a_known_id_is_409(cti: Party) -> None:
    await cti.calls.create_bridge("b-known", "mixing")
    with pytest.raises(AriRefused) as refusal:
        await cti.calls.create_bridge("b-known", "mixing")
    assert refusal.value.status == 409
