"""Recordings: from two mono tracks in Asterisk's spool to one stereo file of ours.

The customer's voice is the first (left) channel, what he heard (agent, prompts, music) the second. A track that was
lost in the talk goes on in another file, whose name says where it begins; between them is silence. The record is named
after the conversation, written beside and renamed, so it is whole or not there. Nothing on the call path waits for it;
what a stopped server left in the spool is fetched at the next connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import wave
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from ctiserver.asterisk.ari_calls import AriCalls
from ctiserver.asterisk.ari_errors import AriError
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
LONGEST_MS = 24 * 3600 * 1000
"""Milliseconds into a call at which a segment may begin at most: a name in the spool must not make us fill the disk."""


class Segment(NamedTuple):
    """A track, or what there is of one after a loss: side 0 is what the customer said, `start` counts frames."""

    path: Path
    side: int
    start: int = 0


def segment(path: Path, track: str) -> Segment:
    """The track of this name, as it lies in the record."""
    side = ids.SIDES.index(ids.kind(track))
    return Segment(path, side, min(ids.track_offset(track), LONGEST_MS) * RATE // 1000)


def merge(segments: Sequence[Segment], target: Path) -> float:
    """Lay mono 16-bit WAV files of 8 kHz into a stereo one; what no segment covers is silence.

    Returns seconds. Raises wave.Error or EOFError for a file that is no such WAV.
    """
    temporary = target.with_suffix(".part")
    with contextlib.ExitStack() as stack:
        tracks = [_opened(stack, one.path) for one in segments]
        if any(track.getparams()[:3] != FORM for track in tracks):
            raise wave.Error("a track is not 16-bit mono of 8 kHz")
        laid = list(zip(segments, tracks, strict=True))
        frames = max(one.start + track.getnframes() for one, track in laid)
        with temporary.open("wb") as file:
            with wave.open(file, "wb") as out:
                out.setnchannels(2)
                out.setsampwidth(2)
                out.setframerate(RATE)
                for start in range(0, frames, CHUNK):
                    both = array("h", bytes(4 * min(CHUNK, frames - start)))
                    for one, track in laid:
                        _lay(both, one, track, start)
                    out.writeframesraw(both.tobytes())
            file.flush()
            os.fsync(file.fileno())
    temporary.rename(target)
    return frames / RATE


def _lay(both: array[int], one: Segment, track: wave.Wave_read, start: int) -> None:
    """The part of a segment that falls into the chunk that begins with frame `start`."""
    skip = max(0, one.start - start)
    wanted = len(both) // 2 - skip
    if wanted <= 0:
        return
    data = track.readframes(wanted)
    samples = array("h", data[: len(data) // 2 * 2])  # a torn last sample is none
    first = 2 * skip + one.side
    both[first : 2 * (skip + len(samples)) : 2] = samples


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
            if owner is not None and ids.kind(name) in ids.SIDES and not self._live(owner):
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
        target = self._folder / f"{conversation}.wav"
        try:
            if self._spool is not None:
                seconds = await asyncio.to_thread(_take, self._spool, conversation, target)
            else:
                seconds = await self._fetch_far(conversation, target)
        except (AriError, OSError, wave.Error, EOFError) as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("recording_not_fetched", conversation=conversation, reason=reason)
            return False
        if seconds is not None:
            self._stored(conversation, seconds)
        elif not target.exists():  # a call too short to be recorded, or fetched by an earlier process
            log.info("recording_missing", conversation=conversation)
        return True

    async def _fetch_far(self, conversation: ConversationId, target: Path) -> float | None:
        """From an Asterisk whose spool is not ours to read."""
        names = [one.name for one in await self._calls.stored_recordings() if _is_track(one.name, conversation)]
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".fetch-") as there:
            for name in names:
                await self._calls.download_recording(name, str(Path(there) / f"{name}.wav"))
            seconds = await asyncio.to_thread(_take, Path(there), conversation, target)
        if seconds is not None:
            for name in names:
                await self._calls.delete_recording(name)
        return seconds


def _is_track(name: str, conversation: ConversationId) -> bool:
    return ids.owner(name) == conversation and ids.kind(name) in ids.SIDES


def _take(folder: Path, conversation: ConversationId, target: Path) -> float | None:
    """Merge the tracks that are there, and remove them once the record is safe. None if there is none."""
    paths = [path for path in sorted(folder.glob(f"{conversation}.r*.wav")) if _is_track(path.stem, conversation)]
    if not paths:
        return None
    seconds = merge([segment(path, path.stem) for path in paths], target)
    for path in paths:
        path.unlink(missing_ok=True)
    return seconds
