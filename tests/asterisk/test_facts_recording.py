"""Facts that the recording of the customer's leg rests on: two snoops, each with a clock of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from ctiserver.asterisk import runtime, wire
from ctiserver.asterisk.ari_errors import AriRefused
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import CALLER_HZ, MUSIC_HZ, PROMPT_HZ, Caller, prompt
from tests.asterisk.owner import other_owner
from tests.asterisk.party import Party, no_channel, only_channel
from tests.harness import tones
from tests.harness.sip import connect_media
from tests.harness.waiting import eventually, never


class Tracks:
    """Both recordings of one channel: what its party says (`in`) and what it hears (`out`)."""

    def __init__(self, cti: Party, channel: str) -> None:
        self._cti = cti
        self._channel = channel
        self.snoops = {way: f"{channel}.rec-{way}" for way in ("in", "out")}
        self.names = {way: f"{cti.app}-{time.monotonic_ns()}-{way}" for way in ("in", "out")}
        self.started = 0.0

    async def start(self) -> None:
        calls = self._cti.calls
        await calls.snoop(self._channel, self.snoops["in"], spy="in", app_args=["rec"])
        await calls.snoop(self._channel, self.snoops["out"], spy="out", app_args=["rec"])
        for way, snoop in self.snoops.items():
            await self._cti.start_of(snoop)
            await calls.record(snoop, self.names[way])
        for name in self.names.values():
            await self._cti.event(wire.RecordingStarted, lambda event, name=name: event.recording.name == name)  # type: ignore[misc]
        self.started = time.monotonic()

    async def finished(self, within: float = 2.0) -> float:
        """Waits for the end of both; returns the seconds from start to end."""
        for name in self.names.values():
            await self._cti.event(
                wire.RecordingFinished,
                lambda event, name=name: event.recording.name == name,  # type: ignore[misc]
                within,
            )
        return time.monotonic() - self.started

    async def sound(self, way: str, folder: Path) -> tones.Sound:
        target = folder / f"{way}.wav"
        await self._cti.calls.download_recording(self.names[way], str(target))
        return await asyncio.to_thread(tones.read_wav, target)


async def test_two_snoops_keep_the_length_although_the_caller_sends_no_rtp_for_3_seconds(
    asterisk: Instance, cti: Party, caller: Caller, tmp_path: Path
) -> None:
    """Prompt, then music; the caller speaks 0.5 s, is silent 3 s, speaks 0.5 s. Both tracks are as long as it took."""
    tracks = Tracks(cti, caller.channel)
    await tracks.start()
    await asyncio.sleep(0.5)
    caller.rtp.mute_rtp()
    await cti.calls.play(caller.channel, "p-rec", [prompt(asterisk, 1)])
    await cti.end_of_playback("p-rec")
    await cti.calls.create_bridge("b-rec", "holding")
    await cti.calls.add_to_bridge("b-rec", caller.channel, role="holding_participant")
    await asyncio.sleep(tracks.started + 3.5 - time.monotonic())
    caller.rtp.unmute_rtp()
    await asyncio.sleep(0.5)
    took = time.monotonic() - tracks.started
    for name in tracks.names.values():
        assert await cti.calls.stop_recording(name)
    await tracks.finished()

    said = await tracks.sound("in", tmp_path)
    heard = await tracks.sound("out", tmp_path)
    assert said.seconds == pytest.approx(took, abs=0.1)
    assert heard.seconds == pytest.approx(took, abs=0.1)
    speech = said.presence(0, CALLER_HZ)
    assert all(speech[1:4]), "the caller at first"
    assert not any(speech[7:33]), "nothing for three seconds"
    assert all(speech[36:39]), "and again, at its true place"
    assert tones.has_tone(heard.part(0, 0.8, 1.3), PROMPT_HZ)
    assert tones.has_tone(heard.part(0, 2.5, 3.5), MUSIC_HZ)
    assert not tones.has_tone(heard.part(0, 0.8, 3.5), CALLER_HZ)


async def test_muting_a_live_recording_keeps_its_time(cti: Party, caller: Caller, tmp_path: Path) -> None:
    """So card data is muted, never paused: a pause would cut it out."""
    tracks = Tracks(cti, caller.channel)
    await tracks.start()
    await asyncio.sleep(0.5)
    assert await cti.calls.mute_recording(tracks.names["in"])
    await asyncio.sleep(0.6)
    assert await cti.calls.unmute_recording(tracks.names["in"])
    await asyncio.sleep(0.5)
    caller.sip.bye()
    took = await tracks.finished()
    said = await tracks.sound("in", tmp_path)
    assert said.seconds == pytest.approx(took, abs=0.15)
    assert tones.has_tone(said.part(0, 0.1, 0.4), CALLER_HZ)
    assert tones.level(said.part(0, 0.6, 1.0)) < tones.SILENT_DBFS
    assert tones.has_tone(said.part(0, 1.2, 1.5), CALLER_HZ)


async def test_after_the_callers_hang_up_snoops_and_live_recordings_are_gone_and_files_are_there(
    cti: Party, caller: Caller
) -> None:
    """A snoop dies with the channel it listens to; its recording is finished, not lost."""
    tracks = Tracks(cti, caller.channel)
    await tracks.start()
    assert len(await cti.calls.get_live_recordings(list(tracks.names.values()))) == 2
    caller.sip.bye()
    await tracks.finished(within=1.0)
    for snoop in tracks.snoops.values():
        await cti.event(wire.StasisEnd, lambda event, snoop=snoop: event.channel.id == snoop)  # type: ignore[misc]
    await no_channel(cti)
    assert len(cti.seen(wire.StasisEnd)) == 3
    assert await cti.calls.get_live_recordings(list(tracks.names.values())) == []
    stored = {recording.name for recording in await cti.calls.stored_recordings()}
    assert stored >= set(tracks.names.values())
    for name in tracks.names.values():
        assert await cti.calls.delete_recording(name)
        assert not await cti.calls.delete_recording(name)


async def test_the_recording_goes_on_when_the_client_is_killed(asterisk: Instance, ari: Party, tmp_path: Path) -> None:
    async with other_owner(asterisk) as owner, Caller(asterisk) as caller:
        await caller.call()
        channel = await only_channel(ari)
        await ari.calls.answer(channel)
        await caller.sip.answered()
        connect_media(caller.sip, caller.rtp)
        await ari.calls.snoop(channel, "orphan", spy="in", app="hollyhock")
        name = f"{ari.app}-orphan"
        await eventually(lambda: _in_stasis(ari, "orphan"), 1.0, "the snoop is in the application")
        await ari.calls.record("orphan", name)
        began = time.monotonic()
        await asyncio.sleep(0.3)
        owner.kill()
        await asyncio.sleep(0.5)
        caller.sip.bye()
        took = time.monotonic() - began
        await no_channel(ari)
        assert await ari.calls.get_live_recording(name) is None
        await ari.calls.download_recording(name, str(tmp_path / "x.wav"))
        sound = await asyncio.to_thread(tones.read_wav, tmp_path / "x.wav")
        assert sound.seconds == pytest.approx(took, abs=0.1)
        assert tones.has_tone(sound.part(0, 0.5, 0.7), CALLER_HZ)


async def _in_stasis(ari: Party, channel: str) -> str:
    found = await ari.calls.get_channel(channel)
    return found.dialplan.app_name if found is not None else ""


async def test_a_stopped_recording_leaves_its_snoop_which_must_be_hung_up(cti: Party, caller: Caller) -> None:
    tracks = Tracks(cti, caller.channel)
    await tracks.start()
    for name in tracks.names.values():
        await cti.calls.stop_recording(name)
    await tracks.finished()
    await never(lambda: cti.seen(wire.StasisEnd), 0.2, "a snoop ends by itself")
    for snoop in tracks.snoops.values():
        await cti.calls.hangup(snoop)
        await cti.event(wire.StasisEnd, lambda event, snoop=snoop: event.channel.id == snoop)  # type: ignore[misc]
    assert await only_channel(cti) == caller.channel


async def test_a_recording_name_with_a_folder_in_it_comes_back_whole(
    cti: Party, caller: Caller, tmp_path: Path
) -> None:
    """Asterisk makes the folder; the quoted slash stays part of the name."""
    snoop = f"{caller.channel}.rec-in"
    await cti.calls.snoop(caller.channel, snoop, spy="in")
    await cti.start_of(snoop)
    await cti.calls.record(snoop, "2026-11/a b")
    await cti.event(wire.RecordingStarted)
    await asyncio.sleep(0.3)
    await cti.calls.stop_recording("2026-11/a b")
    await cti.event(wire.RecordingFinished)
    size = await cti.calls.download_recording("2026-11/a b", str(tmp_path / "x.wav"))
    assert size == (tmp_path / "x.wav").stat().st_size > 44 + 0.2 * 16_000
    assert not (tmp_path / "x.wav.part").exists()
    assert await cti.calls.delete_recording("2026-11/a b")


async def test_a_recording_that_is_not_there_leaves_no_file(cti: Party, tmp_path: Path) -> None:
    with pytest.raises(AriRefused, match="404"):
        await cti.calls.download_recording("none", str(tmp_path / "none.wav"))
    assert list(tmp_path.iterdir()) == []


async def test_recording_without_the_spools_folder_is_500(asterisk: Instance, cti: Party, caller: Caller) -> None:
    snoop = f"{caller.channel}.rec-in"
    await cti.calls.snoop(caller.channel, snoop, spy="in")
    await cti.start_of(snoop)
    folder, away = asterisk.recordings, asterisk.recordings.with_name("away")
    await asyncio.to_thread(folder.rename, away)
    try:
        with pytest.raises(AriRefused) as refusal:
            await cti.calls.record(snoop, "nowhere")
        assert refusal.value.status == 500
    finally:
        await asyncio.to_thread(away.rename, folder)
    await cti.calls.record(snoop, "somewhere")
    await cti.event(wire.RecordingStarted)


@pytest.mark.parametrize(("timing", "lost"), [("res_timing_timerfd.so", 0.28), ("res_timing_pthread.so", 0.0)])
async def test_a_stall_of_asterisk_is_lost_to_the_recording_unless_pthread_keeps_the_time(
    tmp_path: Path, timing: str, lost: float
) -> None:
    """timerfd forgets the ticks of a starved machine, the pthread timer makes them up: both tracks stay true."""
    async with runtime.running(rtp=(31300, 31399)) as asterisk:
        party = Party(asterisk.ari, "timing")
        await party.start()
        for module in ("res_timing_timerfd.so", "res_timing_pthread.so"):
            with contextlib.suppress(AriRefused):
                await party.link.request("DELETE", ("asterisk", "modules", module))
        await party.link.request("POST", ("asterisk", "modules", timing))
        tracks = Tracks(party, await party.leg("leg"))
        await tracks.start()
        await asyncio.sleep(0.2)
        os.kill(asterisk.pid, signal.SIGSTOP)
        await asyncio.sleep(0.3)
        os.kill(asterisk.pid, signal.SIGCONT)
        await asyncio.sleep(0.3)
        for name in tracks.names.values():
            await party.calls.stop_recording(name)
        took = await tracks.finished()
        for way in tracks.names:
            sound = await tracks.sound(way, tmp_path)
            assert sound.seconds == pytest.approx(took - lost, abs=0.08)
        await party.clean_up()
