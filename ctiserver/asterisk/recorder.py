"""Recordings: from two mono tracks in Asterisk's spool to one stereo file of ours.

The customer's voice is the first (left) channel, what he heard (agent, prompts, music) the second. The file is named
after the conversation, written beside and renamed, so it is whole or not there. Nothing on the call path waits for it;
what a stopped server left in the spool is fetched at the next connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import wave
from collections.abc import Callable
from pathlib import Path

import structlog

from ctiserver.asterisk.ari_calls import AriCalls
from ctiserver.asterisk.ari_errors import AriError, AriRefused
from ctiserver.model import ids
from ctiserver.model.ids import ConversationId

log = structlog.get_logger(__name__)

RATE = 8000
FORM = (1, 2, RATE)
"""Channels, bytes a sample, samples a second of Asterisk's `wav`."""
CHUNK = RATE
"""Frames merged at a time: one second."""
ATTEMPTS = 3
WAITING = 10_000


def merge(left: Path | None, right: Path | None, target: Path) -> float:
    """Interleave two mono 16-bit WAV files of 8 kHz into a stereo one; what is shorter or missing (None) is silence.

    Returns seconds. Raises wave.Error or EOFError for a file that is no such WAV.
    """
    import numpy as np  # here, not above: a restarted server must not wait 0.1 s for it

    temporary = target.with_suffix(".part")
    with contextlib.ExitStack() as stack:
        tracks = [stack.enter_context(wave.open(str(path), "rb")) if path else None for path in (left, right)]
        if any(track is not None and track.getparams()[:3] != FORM for track in tracks):
            raise wave.Error("a track is not 16-bit mono of 8 kHz")
        frames = max(track.getnframes() for track in tracks if track is not None)
        with temporary.open("wb") as file:
            with wave.open(file, "wb") as out:
                out.setnchannels(2)
                out.setsampwidth(2)
                out.setframerate(RATE)
                for start in range(0, frames, CHUNK):
                    both = np.zeros((min(CHUNK, frames - start), 2), dtype="<i2")
                    for side, track in enumerate(tracks):
                        if track is None:
                            continue
                        data = track.readframes(CHUNK)
                        samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2")  # a torn last sample is none
                        both[: len(samples), side] = samples
                    out.writeframesraw(both.tobytes())
            file.flush()
            os.fsync(file.fileno())
    temporary.rename(target)
    return frames / RATE


class Recorder:
    """Fetches finished recordings one after another into `folder` as `<conversation>.wav`."""

    def __init__(
        self,
        calls: AriCalls,
        folder: Path,
        *,
        live: Callable[[ConversationId], bool],
        stored: Callable[[str, float], None],
    ) -> None:
        self._calls = calls
        self._folder = folder
        self._live = live
        self._stored = stored
        self._queue: asyncio.Queue[ConversationId] = asyncio.Queue(WAITING)
        self._waiting: set[ConversationId] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._task = asyncio.create_task(self._run(), name="recorder")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def finished(self, conversation: ConversationId) -> None:
        """Both tracks of the conversation have ended."""
        if conversation in self._waiting or self._queue.full():
            return  # a full queue loses nothing: the tracks stay in the spool until the next sweep
        self._waiting.add(conversation)
        self._queue.put_nowait(conversation)

    async def sweep(self) -> None:
        """Fetch what the spool holds of conversations that are over. Call after each connect."""
        try:
            names = {recording.name for recording in await self._calls.stored_recordings()}
        except AriError as error:
            log.warning("recordings_not_listed", reason=str(error))
            return
        for name in sorted(names):
            owner = ids.owner(name)
            if owner is not None and ids.kind(name) in ("ri", "ro") and not self._live(owner):
                self.finished(owner)

    async def _run(self) -> None:
        while True:
            conversation = await self._queue.get()
            try:
                for attempt in range(ATTEMPTS):
                    if await self._fetch(conversation):
                        break
                    await asyncio.sleep(0.5 * (attempt + 1))
            except Exception:  # one odd file may not end the fetching of all others
                log.exception("recording_not_fetched", conversation=conversation)
            finally:
                self._waiting.discard(conversation)

    async def _download(self, name: str, part: Path) -> bool:
        """False if the spool has no such track."""
        try:
            await self._calls.download_recording(name, str(part))
        except AriRefused as refused:
            if refused.status == 404:
                return False
            raise
        return True

    async def _fetch(self, conversation: ConversationId) -> bool:
        names = (ids.snoop_in(conversation), ids.snoop_out(conversation))
        parts = [self._folder / f".{name}.wav" for name in names]
        target = self._folder / f"{conversation}.wav"
        try:
            there = [await self._download(name, part) for name, part in zip(names, parts, strict=True)]
            if not any(there):
                if not target.exists():  # a call too short to be recorded, or fetched by an earlier process
                    log.info("recording_missing", conversation=conversation)
                return True
            seconds = await asyncio.to_thread(
                merge, parts[0] if there[0] else None, parts[1] if there[1] else None, target
            )
            for name in names:
                await self._calls.delete_recording(name)
        except (AriError, OSError, wave.Error, EOFError) as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("recording_not_fetched", conversation=conversation, reason=reason)
            return False
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
        self._stored(conversation, seconds)
        return True
