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
from array import array
from collections.abc import Callable, Sequence
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
    temporary = target.with_suffix(".part")
    with contextlib.ExitStack() as stack:
        tracks = [_opened(stack, path) if path is not None else None for path in (left, right)]
        if any(track is not None and track.getparams()[:3] != FORM for track in tracks):
            raise wave.Error("a track is not 16-bit mono of 8 kHz")
        frames = max(track.getnframes() for track in tracks if track is not None)
        with temporary.open("wb") as file:
            with wave.open(file, "wb") as out:
                out.setnchannels(2)
                out.setsampwidth(2)
                out.setframerate(RATE)
                for start in range(0, frames, CHUNK):
                    both = array("h", bytes(4 * min(CHUNK, frames - start)))
                    for side, track in enumerate(tracks):
                        if track is None:
                            continue
                        data = track.readframes(CHUNK)
                        samples = array("h", data[: len(data) // 2 * 2])  # a torn last sample is none
                        both[side : 2 * len(samples) : 2] = samples
                    out.writeframesraw(both.tobytes())
            file.flush()
            os.fsync(file.fileno())
    temporary.rename(target)
    return frames / RATE


def _opened(stack: contextlib.ExitStack, path: Path) -> wave.Wave_read:
    """Asterisk's user may write into the spool; a link in it must not make us read what he may not."""
    file = stack.enter_context(os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb"))
    return stack.enter_context(wave.open(file, "rb"))


class Recorder:
    """Brings finished recordings one after another into `folder` as `<conversation>.wav`.

    `spool` is the recording folder of an Asterisk of our own (None: it runs elsewhere, and HTTP fetches them).
    """

    def __init__(
        self,
        calls: AriCalls,
        folder: Path,
        *,
        spool: Path | None,
        live: Callable[[ConversationId], bool],
        stored: Callable[[str, float], None],
    ) -> None:
        self._calls = calls
        self._folder = folder
        self._spool = spool
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

    async def _fetch(self, conversation: ConversationId) -> bool:
        names = (ids.snoop_in(conversation), ids.snoop_out(conversation))
        target = self._folder / f"{conversation}.wav"
        try:
            if self._spool is not None:
                seconds = await asyncio.to_thread(_take, [self._spool / f"{name}.wav" for name in names], target)
            else:
                seconds = await self._fetch_far(names, target)
        except (AriError, OSError, wave.Error, EOFError) as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("recording_not_fetched", conversation=conversation, reason=reason)
            return False
        if seconds is not None:
            self._stored(conversation, seconds)
        elif not target.exists():  # a call too short to be recorded, or fetched by an earlier process
            log.info("recording_missing", conversation=conversation)
        return True

    async def _fetch_far(self, names: Sequence[str], target: Path) -> float | None:
        """From an Asterisk whose spool is not ours to read."""
        parts = [self._folder / f".{name}.wav" for name in names]
        try:
            for name, part in zip(names, parts, strict=True):
                await self._download(name, part)
            seconds = await asyncio.to_thread(_take, parts, target)
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
        if seconds is not None:
            for name in names:
                await self._calls.delete_recording(name)
        return seconds

    async def _download(self, name: str, part: Path) -> None:
        """No file if the spool has no such track."""
        try:
            await self._calls.download_recording(name, str(part))
        except AriRefused as refused:
            if refused.status != 404:
                raise


def _take(parts: Sequence[Path], target: Path) -> float | None:
    """Merge the tracks that are there, and remove them once the record is safe. None if there is none."""
    there = [part if part.exists() else None for part in parts]
    if not any(there):
        return None
    seconds = merge(there[0], there[1], target)
    for part in parts:
        part.unlink(missing_ok=True)
    return seconds
