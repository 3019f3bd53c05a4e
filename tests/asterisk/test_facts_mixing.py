"""Facts about the bridge of a talk: what a leg hears and its record holds when a party takes the place of another.

Debian's Asterisk has a patch for lost packets: a translation path takes a packet whose RTP sequence number lies up to
32,768 behind the last one's for a late one, and drops it. Where packets are handed on as they come, the record's path
has the second agent's numbers after the first one's: in half of all pairs his voice is missing, for minutes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ctiserver.asterisk.ari_calls import TALK, BridgeType
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import Caller
from tests.asterisk.party import Party
from tests.asterisk.test_facts_recording import Tracks
from tests.harness import tones

FIRST_HZ, SECOND_HZ = 1730.0, 1370.0


async def _one_after_the_other(
    asterisk: Instance, cti: Party, caller: Caller, kind: BridgeType, folder: Path, second_sequence: int
) -> tones.Sound:
    """The caller talks to one party, then to another; what he heard, from the record."""
    tracks = Tracks(cti, caller.channel)
    await tracks.start()
    async with (
        Caller(asterisk, FIRST_HZ, first_sequence=30_000) as first,
        Caller(asterisk, SECOND_HZ, first_sequence=second_sequence) as second,
    ):
        for party in (first, second):
            await party.call()
            await party.arrive(cti)
        bridge = f"{cti.app}-t"
        await cti.calls.create_bridge(bridge, kind)
        await cti.calls.add_to_bridge(bridge, first.channel)
        await cti.calls.add_to_bridge(bridge, caller.channel)
        await caller.hears(FIRST_HZ)
        await asyncio.sleep(0.5)
        first.sip.bye()
        await cti.calls.add_to_bridge(bridge, second.channel)
        await caller.hears(SECOND_HZ)
        await asyncio.sleep(1)
        asked = [e.message for who in (caller, second) for e in who.sip.core.log if e.way == "in"]
        assert [message.method for message in asked if message.is_request] == [], "no re-INVITE, no UPDATE"
        for name in tracks.names.values():
            await cti.calls.stop_recording(name)
        await tracks.finished()
        return await tracks.sound("out", folder)


@pytest.mark.parametrize("second_sequence", [10_000, 40_000], ids=["earlier", "later"])
async def test_a_talk_bridge_records_whoever_speaks(
    asterisk: Instance, cti: Party, caller: Caller, tmp_path: Path, second_sequence: int
) -> None:
    heard = await _one_after_the_other(asterisk, cti, caller, TALK, tmp_path, second_sequence)
    assert sum(heard.presence(0, FIRST_HZ)) >= 4
    assert sum(heard.presence(0, SECOND_HZ)) >= 8


async def test_a_plain_mixing_bridge_of_two_loses_the_second_voice_on_the_record(
    asterisk: Instance, cti: Party, caller: Caller, tmp_path: Path
) -> None:
    """The reason for the above. If this fails, Asterisk is mended: a plain bridge costs it a little less."""
    heard = await _one_after_the_other(asterisk, cti, caller, "mixing", tmp_path, 10_000)
    assert sum(heard.presence(0, FIRST_HZ)) >= 4
    assert sum(heard.presence(0, SECOND_HZ)) == 0
