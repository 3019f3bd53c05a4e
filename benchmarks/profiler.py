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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

RATE = 200
_PLACE = re.compile(r"^(?P<name>.+) \((?P<file>[^()]*)\)$")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One function: its share of all samples with (`cumulative`) and without (`own`) what it calls, 0-1."""

    function: str
    cumulative: float
    own: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    samples: int
    by_cumulative: tuple[Row, ...]
    by_own: tuple[Row, ...]
    by_package: dict[str, float]
    """Own time by top-level package; 'python' is the standard library."""


class NoProfiler(Exception):
    """One line: what to install."""


def program() -> str:
    """Raises NoProfiler."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise NoProfiler("--profile needs py-spy: pip install py-spy")
    return found


@asynccontextmanager
async def sampled(pid: int, seconds: float) -> AsyncIterator[list[Profile]]:
    """Sample `pid` during the block, which should last `seconds`; the list holds the profile afterwards."""
    found: list[Profile] = []
    with tempfile.TemporaryDirectory(prefix="hollyhock-profile-") as folder:
        raw = Path(folder) / "stacks.txt"
        process = await asyncio.create_subprocess_exec(
            program(), "record", "--pid", str(pid), "--rate", str(RATE), "--duration", str(round(seconds)),
            "--format", "raw", "--function", "--full-filenames", "--output", str(raw), "--nonblocking",
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
    packages: Counter[str] = Counter()
    total = 0
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_short(frame) for frame in stack.split(";") if not frame.startswith("process ")]
        if not frames or not count.isdigit():
            continue
        total += int(count)
        own[frames[-1]] += int(count)
        packages[frames[-1].partition("/")[0].partition(".py")[0]] += int(count)
        for function in dict.fromkeys(frames):
            cumulative[function] += int(count)

    def top(counter: Counter[str]) -> tuple[Row, ...]:
        return tuple(
            Row(function=name, cumulative=round(cumulative[name] / total, 4), own=round(own[name] / total, 4))
            for name, _ in counter.most_common(rows)
        )

    return Profile(
        samples=total,
        by_cumulative=top(cumulative),
        by_own=top(own),
        by_package={name: round(n / total, 4) for name, n in packages.most_common(20)},
    )


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
