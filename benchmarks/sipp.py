"""Callers and agents' phones of a benchmark: SIPp, one process for all callers and one for all phones.

Here: filling in the scenarios of benchmarks/sipp/, running them, their counts, the moments that they logged. With
`rtp` every call sends a tone all the time (G.711 u-law, 50 packets a second). Keys are SIP INFO with
application/dtmf-relay in every run, so that a run with sound differs from one without in its sound alone. Moments are
epoch seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import itertools
import math
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from benchmarks.house import DIGIT, free_udp_port
from tests.harness.g711 import encode
from tests.harness.tones import tone

SCENARIOS = Path(__file__).with_name("sipp")
PATIENCE = 60.0
"""Seconds after which a caller hangs up by himself and counts as failed."""
CALLERS = (*(f"1390000000{i}" for i in range(1, 8)), "13912340001", "13912340002", "13912340003")
"""Seven of ten are known to the demo site's customer desk."""
CALLER_RTP, PHONE_RTP = 20000, 23000
"""The first ports tried for sound; below Asterisk's. Each call takes two (up to 250 callers, 80 of them talk)."""


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """What SIPp counted."""

    made: int
    good: int
    failed: int


class Moment(msgspec.Struct, frozen=True):
    """A logged moment: `word` (dial, over; ring, answer), `call` numbers SIPp's calls from 1, `leg` our header."""

    word: str
    at: float
    call: int
    leg: str = ""


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A caller presses `presses` keys, each after a pause of so many seconds, evenly spread; then he hangs up himself
    or waits for the other side."""

    presses: int
    pause: tuple[float, float]
    hangs_up: bool = False


WAIT = Keys(presses=0, pause=(0.0, 0.0))
"""A caller who presses nothing."""
ONE_KEY = Keys(presses=1, pause=(0.6, 1.4))
"""Through the demo's menu: he stops the welcome."""


class Sipp:
    """One SIPp process: `async with`, then `await ended(...)` or just leave. `pid` for its CPU."""

    def __init__(self, scenario: str, arguments: Sequence[str]) -> None:
        self.scenario, self.arguments = scenario, tuple(arguments)
        self._folder = Path()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        self._folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="hollyhock-sipp-"))
        try:
            self._process = await self._start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        await asyncio.to_thread(shutil.rmtree, self._folder, True)

    async def _start(self) -> asyncio.subprocess.Process:
        program = shutil.which("sipp")
        if program is None:
            raise RuntimeError("sipp is not installed (Debian: sip-tester)")
        (self._folder / "scenario.xml").write_text(self.scenario, "utf-8")
        (self._folder / "callers.csv").write_text("SEQUENTIAL\n" + "\n".join(CALLERS) + "\n", "utf-8")
        (self._folder / "tone.ulaw").write_bytes(encode(tone(440.0, 2.0), "ulaw"))
        setpriv = shutil.which("setpriv")
        leash = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        with (self._folder / "stderr.log").open("wb") as complaints:
            return await asyncio.create_subprocess_exec(
                *leash, program, *self.arguments, "-sf", "scenario.xml",
                "-i", "127.0.0.1", "-bind_local", "-mi", "127.0.0.1",
                "-nostdin", "-watchdog_minor_threshold", "3000", "-skip_rlimit", "-deadcall_wait", "0",
                "-trace_err", "-error_file", "errors.log", "-trace_stat", "-fd", "1", "-stf", "stat.csv",
                "-trace_logs", "-log_file", "moments.log",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=complaints,
                cwd=self._folder, env={**os.environ, "TERM": "xterm"},
            )  # fmt: skip

    async def ended(self, patience: float) -> Calls:
        """Wait for the last call's end. Raises TimeoutError."""
        assert self._process is not None
        async with asyncio.timeout(patience):
            await self._process.wait()
        return self.counted()

    def counted(self) -> Calls:
        """SIPp's own count so far (written once a second and at its end)."""
        stat = self._folder / "stat.csv"
        if not stat.exists():
            raise RuntimeError(f"SIPp did not begin: {self.complaints()}")
        with stat.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        last = rows[-1]
        return Calls(
            made=int(last["TotalCallCreated"]),
            good=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
        )

    def moments(self) -> list[Moment]:
        """What was logged so far, in order."""
        log = self._folder / "moments.log"
        return read_moments(log.read_text("utf-8", "replace")) if log.exists() else []

    def complaints(self, lines: int = 5) -> str:
        """The first lines of what SIPp found wrong."""
        files = [self._folder / "errors.log", self._folder / "stderr.log"]
        found = itertools.chain.from_iterable(
            file.read_text("utf-8", "replace").splitlines() for file in files if file.exists()
        )
        return "\n".join(
            itertools.islice((line for line in found if line.strip() and not line.startswith("Resolving")), lines)
        )


def read_moments(text: str) -> list[Moment]:
    """SIPp writes `word date TAB time TAB epoch call [leg]`; a line that is still being written is left out."""
    found = []
    for line in text.splitlines(keepends=True):
        parts = line.replace("\t", " ").split()
        if line.endswith("\n") and len(parts) >= 5:
            found.append(Moment(parts[0], float(parts[3]), int(parts[4]), *parts[5:6]))
    return found


def callers(
    target: tuple[str, int],
    *,
    number: str,
    rate: float,
    calls: int,
    rtp: bool,
    keys: Keys = WAIT,
    media: int = CALLER_RTP,
) -> Sipp:
    """`rate` calls a second until `calls` are made. `media`: the first port tried for sound, another one a process."""
    words = {
        "@keys@": _keys(keys),
        "@number@": number,
        "@patience@": str(round(PATIENCE * 1000)),
        **_sound(rtp),
    }
    every_ms = 1000 if rate == int(rate) else 10_000
    length = PATIENCE + keys.presses * keys.pause[1] + 30
    return Sipp(
        _filled("caller.xml", words),
        (
            f"{target[0]}:{target[1]}", "-inf", "callers.csv",
            "-r", str(round(rate * every_ms / 1000)), "-rp", str(every_ms),
            "-m", str(calls), "-l", str(calls), "-p", str(free_udp_port()), "-mp", str(_media_port(media)),
            "-timeout", f"{math.ceil(calls / rate + length)}s",
        ),
    )  # fmt: skip


def phones(place: tuple[str, int], *, rtp: bool, answer_after: float, talk: float) -> Sipp:
    """Every phone at `place`; it runs until it is left."""
    words = {"@answer_after@": str(round(answer_after * 1000)), "@talk@": str(round(talk * 1000)), **_sound(rtp)}
    return Sipp(_filled("phone.xml", words), ("-p", str(place[1]), "-mp", str(_media_port(PHONE_RTP))))


def _keys(keys: Keys) -> str:
    """One step a key, no loop: in a loop SIPp would give every INFO the same branch."""
    low, high = (str(round(seconds * 1000)) for seconds in keys.pause)
    key = _filled("key.xml", {"@digit@": DIGIT, "@pause_min@": low, "@pause_max@": high})
    return key * keys.presses + (_filled("hang_up.xml", {}) if keys.hangs_up else "")


def _media_port(first: int) -> int:
    """SIPp ends when its first port for sound, or the one after the next, is somebody else's."""
    for port in range(first, first + 1000, 100):
        with contextlib.ExitStack() as stack:
            try:
                for place in range(port, port + 4):
                    probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind(("127.0.0.1", place))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free UDP port for sound from {first} on")


def _sound(rtp: bool) -> dict[str, str]:
    if not rtp:
        return {"@sound@": "", "@media_port@": "[media_port]"}
    sound = '<nop><action><exec rtp_stream="tone.ulaw,-1,0" /></action></nop>'
    return {"@sound@": sound, "@media_port@": "[rtpstream_audio_port]"}


def _filled(name: str, words: dict[str, str]) -> str:
    text = (SCENARIOS / name).read_text("utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return text
