"""Where the server's CPU goes: py-spy (if it is installed beside Python) samples the running server from outside.

Shares of the samples of the measured window are turned into CPU ms a call with the run's own figure. Sampling stops
the server for moments, so a profiled run's latencies and CPU are not the ones to publish.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

RATE = 200
_PLACE = re.compile(r"^(?P<name>.+) \((?P<file>[^()]*)\)$")


AREAS = (
    ("thread hand-over", ("python/threading.py", "python/concurrent/futures/thread.py", "python/queue.py")),
    ("SQL", ("aiosqlite/", "sqlalchemy/", "ctiserver/store/")),
    ("cores: decide and apply", ("ctiserver/turn.py", "ctiserver/calls/", "acd/", "ivr/")),
    ("journal", ("ctiserver/journal.py",)),
    ("desktops: live link", ("agent_desktop/",)),
    ("SIP proxy", ("ctiserver/api/sip_proxy.py", "ctiserver/api/sip_text.py")),
    ("recordings", ("ctiserver/asterisk/recorder.py",)),
    ("effects and requests to Asterisk", ("ctiserver/effects.py", "ctiserver/asterisk/switch.py")),
    ("events from Asterisk", ("ctiserver/asterisk/",)),
    ("dispatcher", ("ctiserver/dispatch.py",)),
    ("customer desk", ("crm/",)),
    ("rest of HTTP and WebSocket", ("aiohttp/",)),
    ("event loop itself", ("python/asyncio/",)),
)
"""A sample belongs to the innermost frame that is of an area; plain Python frames belong to who called them."""
_LAST = ("python/threading.py", "python/concurrent/", "python/queue.py", "python/asyncio/", "aiohttp/")
"""Frames that only count when no part of ours is in the stack."""
_WAITING = (("python/concurrent/futures/thread.py", "_worker"), ("aiosqlite/", "_connection_worker_thread"))
"""A thread whose innermost frame is one of these waits for work, though py-spy on a busy machine may call it awake."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One function: its share of all samples with (`cumulative`) and without (`own`) what it calls, 0-1."""

    function: str
    cumulative: float
    own: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`ms_a_call`: the server's CPU in the sampled window (0.0: nobody called)."""

    samples: int
    ms_a_call: float = 0.0
    by_cumulative: tuple[Row, ...]
    by_own: tuple[Row, ...]
    by_area: dict[str, float]
    """Shares of all samples (AREAS); they add up to 1."""


class NoProfiler(Exception):
    """One line: what to install."""


def there() -> bool:
    return _find() is not None


def program() -> str:
    """Raises NoProfiler."""
    found = _find()
    if found is None:
        raise NoProfiler("--profile needs py-spy: pip install py-spy")
    return found


def _find() -> str | None:
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


@asynccontextmanager
async def sampled(pid: int, seconds: float) -> AsyncIterator[list[Profile]]:
    """Sample `pid` during the block, which should last `seconds`; the list holds the profile afterwards."""
    found: list[Profile] = []
    with tempfile.TemporaryDirectory(prefix="hollyhock-profile-") as folder:
        raw = Path(folder) / "stacks.txt"
        process = await asyncio.create_subprocess_exec(
            program(), "record", "--pid", str(pid), "--rate", str(RATE), "--duration", str(round(seconds)),
            "--format", "raw", "--function", "--full-filenames", "--output", str(raw),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield found
            _, complaints = await asyncio.wait_for(process.communicate(), 20)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if not raw.exists():
            raise NoProfiler(f"py-spy wrote nothing: {complaints.decode()[-300:]}")
        found.append(read(raw.read_text("utf-8")))


def read(raw: str, rows: int = 25) -> Profile:
    """Collapsed stacks, one a line: 'outer (file);inner (file) count'."""
    own: Counter[str] = Counter()
    cumulative: Counter[str] = Counter()
    areas: Counter[str] = Counter()
    total = 0
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_short(frame) for frame in stack.split(";") if frame and not frame.startswith("process ")]
        if (
            not frames
            or not count.isdigit()
            or any(frames[-1].startswith(a) and frames[-1].endswith(b) for a, b in _WAITING)
        ):
            continue
        total += int(count)
        own[frames[-1]] += int(count)
        areas[_area(frames)] += int(count)
        for function in dict.fromkeys(_inner(frames)):
            cumulative[function] += int(count)

    whole = max(1, total)

    def top(counter: Counter[str]) -> tuple[Row, ...]:
        return tuple(
            Row(function=name, cumulative=round(cumulative[name] / whole, 4), own=round(own[name] / whole, 4))
            for name, _ in counter.most_common(rows)
        )

    return Profile(
        samples=total,
        by_cumulative=top(cumulative),
        by_own=top(own),
        by_area={name: round(n / whole, 4) for name, n in areas.most_common()},
    )


def _area(frames: Sequence[str]) -> str:
    ours = [frame for frame in frames if not frame.startswith(_LAST)]
    for stack in (ours, frames):
        for frame in reversed(stack):
            for name, marks in AREAS:
                if frame.startswith(marks):
                    return name
    return "other"


def _inner(frames: Sequence[str]) -> Sequence[str]:
    """Without what is around every turn of the event loop: it would fill the table."""
    for place, frame in enumerate(frames):
        if frame.endswith(("Handle._run", "Thread.run")):
            return frames[place + 1 :]
    return frames[-1:]


def _short(frame: str) -> str:
    """'run (/long/way/site-packages/aiohttp/web.py)' -> 'aiohttp/web.py run'; no path of the machine stays in it."""
    match = _PLACE.match(frame)
    if match is None:
        return frame
    file = match["file"]
    for mark in ("/site-packages/", "/lib/python3.11/"):
        if mark in file:
            place = file.rpartition(mark)[2]
            return f"{place if mark == '/site-packages/' else 'python/' + place} {match['name']}"
    root = str(Path(__file__).resolve().parent.parent) + "/"
    return f"{file.removeprefix(root)} {match['name']}"
