"""The callers of a benchmark: one SIPp process that makes all calls at a steady rate.

A caller dials, is answered, presses a key about a second later (SIP INFO, application/dtmf-relay, in every run, so that
a run with sound differs from one without in its sound alone), and stays until he is hung up on. With `rtp` he sends a
tone all the time (G.711 u-law, 50 packets a second). After PATIENCE seconds he hangs up himself and counts as failed.
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
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tests.harness.g711 import encode
from tests.harness.tones import tone

SCENARIO = Path(__file__).with_name("scenario.xml")
PATIENCE = 60.0
NUMBERS = (*(f"1390000000{i}" for i in range(1, 8)), "13912340001", "13912340002", "13912340003")
"""Seven of ten callers are known to the demo site's customer desk."""
RTP_PORT = 22000
"""The first port tried for sound."""


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """What SIPp counted."""

    made: int
    good: int
    failed: int


class Callers:
    """`async with Callers(sip, number=..., digit=..., rate=..., calls=...) as callers: ... await callers.ended(30)`."""

    def __init__(self, target: tuple[str, int], *, number: str, digit: str, rate: float, calls: int, rtp: bool) -> None:
        self._target, self._number, self._digit = target, number, digit
        self._rate, self._calls, self._rtp = rate, calls, rtp
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
        (self._folder / "scenario.xml").write_text(self._scenario(), "utf-8")
        (self._folder / "callers.csv").write_text("SEQUENTIAL\n" + "\n".join(NUMBERS) + "\n", "utf-8")
        (self._folder / "tone.ulaw").write_bytes(encode(tone(440.0, 2.0), "ulaw"))
        setpriv = shutil.which("setpriv")
        leash = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        limit = math.ceil(self._calls / self._rate + PATIENCE + 30)
        every_ms = 1000 if self._rate == int(self._rate) else 10_000
        per_period = round(self._rate * every_ms / 1000)
        with (self._folder / "stderr.log").open("wb") as complaints:
            return await asyncio.create_subprocess_exec(
                *leash, program, f"{self._target[0]}:{self._target[1]}", "-sf", "scenario.xml", "-inf", "callers.csv",
                "-r", str(per_period), "-rp", str(every_ms), "-m", str(self._calls), "-l", str(self._calls),
                "-i", "127.0.0.1", "-bind_local", "-p", str(_free_port()), "-mi", "127.0.0.1",
                "-mp", str(RTP_PORT),
                "-nostdin", "-watchdog_minor_threshold", "3000", "-skip_rlimit", "-timeout", f"{limit}s",
                "-deadcall_wait", "0",
                "-trace_err", "-error_file", "errors.log", "-trace_stat", "-fd", "1", "-stf", "stat.csv",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=complaints,
                cwd=self._folder, env={**os.environ, "TERM": "xterm"},
            )  # fmt: skip

    def _scenario(self) -> str:
        text = SCENARIO.read_text("utf-8")
        sound = '<nop><action><exec rtp_stream="tone.ulaw,-1,0" /></action></nop>' if self._rtp else ""
        for word, value in {
            "@number@": self._number,
            "@digit@": self._digit,
            "@patience@": str(round(PATIENCE * 1000)),
            "@media_port@": "[rtpstream_audio_port]" if self._rtp else "[media_port]",
            "@sound@": sound,
        }.items():
            text = text.replace(word, value)
        return text

    async def ended(self, patience: float) -> Calls:
        """Wait for the last call's end."""
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

    def complaints(self, lines: int = 5) -> str:
        """The first lines of what SIPp found wrong."""
        files = [self._folder / "errors.log", self._folder / "stderr.log"]
        found = itertools.chain.from_iterable(
            file.read_text("utf-8", "replace").splitlines() for file in files if file.exists()
        )
        return "\n".join(
            itertools.islice((line for line in found if line.strip() and not line.startswith("Resolving")), lines)
        )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
