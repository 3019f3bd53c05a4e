"""A caller: the real SIPp does the SIP, our RTP endpoint does the sound and the digits.

Here: `SippCaller`, which fills in tests/sip/caller.xml, runs one `sipp` process for one call and tells it by datagrams
when to hang up or to send a digit. Not here: parsing the trace (sipptrace.py), agents without SIPp (sip.py).
The process ends with the `async with` block whatever happens, and with the test process (parent-death signal).
"""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.harness import sdp
from tests.harness.g711 import Codec
from tests.harness.rtp import RtpEndpoint
from tests.harness.sipptrace import Trace
from tests.harness.waiting import PATIENCE, eventually

SCENARIOS = Path(__file__).resolve().parent.parent / "sip"

ODD_HEADERS = (
    "X-Empty:",
    "x-lower-case  :   spaces around",
    "X-Long: " + "a" * 900,
    "X-Utf8: 客户服务中心",
    "X-Twice: one",
    "X-Twice: two",
    'P-Asserted-Identity: "Someone \\"Else\\"" <sip:+8613800138000@example.invalid;user=phone>',
    "Privacy: none",
    "Diversion: <sip:123@example.invalid>;reason=unknown;counter=99999999999",
    "Subject: =?utf-8?B?////?=",
    "Accept-Language: zh;q=0.9, en;q=nonsense",
    "Date: Thu, 31 Feb 2033 99:99:99 GMT",
)
"""Legal or nearly legal headers that have upset SIP servers; pass as `extra_headers`."""

_POLL = 0.01
_AGAIN = 0.2
"""SIPp may miss a datagram in the moment it moves between two steps: told again after so many seconds."""


class SippCaller:
    """One call. `target` is (host, port) of the SIP server.

    `codec` may be one codec or several in order of preference; `rtp=False` sends no packet at all (packets in are still
    heard); `digits=False` leaves telephone-event out of the SDP. `caller_name` may be any bytes without NUL, brackets
    or line ends. Files (scenario, message trace, errors) are kept in `folder` if given. The process lives at most
    `max_seconds`.
    Entering starts the call at once. Attributes: `trace`, `rtp`, `call_id`, `answered_at` (monotonic, +-10 ms;
    use trace.answered_wall for the exact moment).
    """

    def __init__(
        self,
        target: tuple[str, int],
        number: str,
        *,
        caller: str = "13800138000",
        caller_name: str | bytes = "",
        codec: Codec | Sequence[Codec] = "ulaw",
        tone: float = 440.0,
        rtp: bool = True,
        digits: bool = True,
        extra_headers: Sequence[str | bytes] = (),
        name: str = "caller",
        host: str = "127.0.0.1",
        folder: Path | None = None,
        max_seconds: int = 120,
        scenario: str = "caller.xml",
    ) -> None:
        self.target, self.number, self.name, self.host = target, number, name, host
        self.call_id = f"{secrets.token_hex(8)}@{name}"
        self.codecs: tuple[Codec, ...] = (codec,) if isinstance(codec, str) else tuple(codec)
        self.rtp = RtpEndpoint(host=host, tone=tone, codec=self.codecs[0])
        if not rtp:
            self.rtp.mute_rtp()
        self.answered_at: float | None = None
        self.media: sdp.Media | None = None
        self.exit_code: int | None = None
        self._caller = caller
        self._caller_name = caller_name.encode() if isinstance(caller_name, str) else caller_name
        self._extra = [h.encode() if isinstance(h, str) else h for h in extra_headers]
        self._digits, self._max_seconds, self._scenario = digits, max_seconds, scenario
        self._keep = folder
        self._folder = Path()
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._follower: asyncio.Task[None] | None = None
        self._trace: Trace | None = None
        self._told = 100_000
        self._hang_up_asked = 0.0

    @property
    def trace(self) -> Trace:
        assert self._trace is not None, "use SippCaller inside `async with`"
        self._trace.refresh()
        return self._trace

    # --- life ---------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        program = shutil.which("sipp")
        assert program, "sipp is not installed (Debian: sip-tester)"
        await self.rtp.__aenter__()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix=f"sipp-{self.name}-", dir=self._keep))
            scenario = self._folder / "scenario.xml"
            scenario.write_bytes(self._fill((SCENARIOS / self._scenario).read_bytes()))
            self._trace = Trace(self._folder / "messages.log")
            self._port, control = _free_udp_port(self.host), _free_udp_port("127.0.0.1")
            setpriv = shutil.which("setpriv")
            leash = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
            with (self._folder / "stderr.log").open("wb") as complaints:
                self._process = await asyncio.create_subprocess_exec(
                    *leash, program, f"{self.target[0]}:{self.target[1]}", "-sf", str(scenario),
                    "-m", "1", "-l", "1", "-r", "100", "-i", self.host, "-bind_local", "-p", str(self._port),
                    "-ci", "127.0.0.1", "-cp", str(control), "-cid_str", self.call_id, "-nostdin", "-skip_rlimit",
                    "-trace_msg", "-message_file", str(self._trace.file), "-trace_err", "-error_file",
                    str(self._folder / "errors.log"), "-timeout", f"{self._max_seconds}s", "-deadcall_wait", "0",
                    "-default_behaviors", "bye,pingreply",
                    stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                    stderr=complaints, cwd=self._folder, env={**os.environ, "TERM": "xterm"},
                )  # fmt: skip
            self._follower = asyncio.create_task(self._follow(), name=f"sipp trace of {self.name}")
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.running and error is None and not self.trace.over:
                await self.hang_up()
        finally:
            if error is not None:
                state = "is up" if self.running else f"has ended: {self._complaint()}"
                error.add_note(f"SIPp {self.name} {state}; its call: {self.trace.story()}")
            await self._close()

    async def _close(self) -> None:
        if self._process and self._process.returncode is None:
            # Not Process.kill(): it polls, and so takes the exit status away from asyncio when SIPp has just ended.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if self._follower:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        if self._trace:
            self._trace.refresh()
        await self.rtp.__aexit__(None, None, None)
        if self._keep is None and self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """SIPp has not ended yet."""
        return self._process is not None and self._process.returncode is None

    async def _follow(self) -> None:
        """Starts our sound as soon as an SDP arrives, and stops it when SIPp has ended."""
        assert self._trace and self._process
        seen = 0
        while True:
            ended = self._process.returncode is not None
            self._trace.refresh()
            fresh, seen = self._trace.entries[seen:], len(self._trace.entries)
            for entry in fresh:
                message = entry.message
                if entry.way == "in" and message.body and (message.cseq_method == "INVITE"):
                    self._media(message.body)
                if entry.way == "in" and message.status == 200 and message.cseq_method == "INVITE":
                    self.answered_at = self.answered_at or time.monotonic() - max(0.0, time.time() - entry.wall)
            if self._trace.over:
                self.rtp.mute_rtp()
            if ended:
                self.exit_code = self._process.returncode
                self.rtp.mute_rtp()
                return
            if self._hang_up_asked and time.monotonic() - self._hang_up_asked > _AGAIN and not self._hung_up():
                self.send_hang_up()
            await asyncio.sleep(_POLL)

    def _hung_up(self) -> bool:
        return self.trace.has("BYE") or self.trace.has("CANCEL")

    def _media(self, body: bytes) -> None:
        media = sdp.parse(body)
        if media is None or not media.port:
            return
        self.media = media
        if media.event_payload is not None:
            self.rtp.event_payload = media.event_payload
        self.rtp.start(media.remote, media.codec)

    def _fill(self, template: bytes) -> bytes:
        body = sdp.audio(host=self.host, port=self.rtp.port, codecs=self.codecs, digits=self._digits)
        name = b'"' + self._caller_name + b'" ' if self._caller_name else b""
        extra = b"\n".join([b"User-Agent: harness caller", *self._extra])
        for text in (name, *self._extra):
            bad = [c for c in (b"\0", b"\r", b"\n", b"[", b"]") if c in text]
            if bad:
                raise ValueError(f"SIPp cannot send {bad[0]!r}; use SipAgent.raw")
        for word, value in {
            b"@sdp@": body.replace(b"\r\n", b"\n").strip(),
            b"@extra_headers@": extra,
            b"@caller_name@": name,
            b"@caller@": self._caller.encode(),
            b"@number@": self.number.encode(),
            b"@branch@": secrets.token_hex(8).encode(),
        }.items():
            template = template.replace(word, value)
        return template

    def _tell(self, method: str, *headers: str) -> None:
        self._told += 10
        lines = [
            f"{method} sip:caller@{self.host}:{self._port} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:9;branch=z9hG4bK{secrets.token_hex(6)}", "From: <sip:test@test>;tag=1",
            "To: <sip:caller@test>", f"Call-ID: {self.call_id}", f"CSeq: {self._told} {method}", *headers,
            "Content-Length: 0", "", "",
        ]  # fmt: skip
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            control.sendto("\r\n".join(lines).encode(), (self.host, self._port))

    # --- what a caller does -------------------------------------------------------------------------------------

    async def answered(self, timeout: float = PATIENCE) -> float:
        """Waits for 200 to INVITE; returns its epoch seconds. Fails at once when the call is refused."""
        entry = await self.final(timeout)
        assert entry == 200, f"{self.name}: the call was refused: {self.trace.story()}"
        return self.trace.answered_wall

    async def final(self, timeout: float = PATIENCE) -> int:
        """Waits for the final answer to INVITE, returns its status."""

        def check() -> int:
            entry = self.trace.final()
            assert entry or self.running, f"sipp ended: {self._complaint()}"
            return entry.message.status if entry else 0

        return await eventually(check, timeout, f"{self.name}: final answer to INVITE", poll=_POLL)

    async def ringing(self, timeout: float = PATIENCE) -> None:
        """Waits for 180 or 183."""
        await eventually(
            lambda: self.trace.has("180") or self.trace.has("183"), timeout, f"{self.name}: ringing", poll=_POLL
        )

    async def press(self, digits: str, *, by: Literal["rfc4733", "info"] = "rfc4733", pause: float = 0.1) -> None:
        """Presses keys, 100 ms each, as telephone events in RTP or as SIP INFO (application/dtmf-relay)."""
        if by == "rfc4733":
            await self.rtp.press(digits, pause=pause)
            return
        for digit in digits:
            before = len(self.trace.all("INFO", way="out"))
            self._tell("DIGIT", f"X-Digit: {digit}")
            await eventually(
                lambda before=before: len(self.trace.all("INFO", way="out")) > before,  # type: ignore[misc]
                PATIENCE,
                f"{self.name}: INFO sent",
                poll=_POLL,
            )
            await asyncio.sleep(pause)

    async def hears(self, hz: float, *, within: float = PATIENCE, window: float = 0.2) -> float:
        """Waits until this tone fills the last `window` seconds; returns the monotonic moment."""
        return await self.rtp.hears(hz, within=within, window=window)

    def send_hang_up(self) -> None:
        """CANCEL (before the answer) or BYE now; returns without waiting."""
        self._hang_up_asked = time.monotonic()
        self._tell("HANGUP")

    async def hang_up(self, timeout: float = PATIENCE) -> None:
        """Hangs up and waits until the other side has confirmed."""
        if self.running and not self.trace.over:
            self.send_hang_up()
        await self.ended(timeout)

    async def ended(self, timeout: float = PATIENCE) -> None:
        """Waits until the call is over, whoever ended it: the trace has BYE and 200, or a refusal and ACK."""

        def check() -> bool:
            assert self.trace.over or not self.running, self.trace.story()
            return True

        await eventually(check, timeout, f"{self.name}: end of the call", poll=_POLL)
        self.rtp.mute_rtp()

    def _complaint(self) -> str:
        files = [self._folder / "errors.log", self._folder / "stderr.log"]
        text = " ".join(f.read_text(errors="replace") for f in files if f.exists()).strip()
        return text[:500] or f"exit code {self._process.returncode if self._process else None}, no complaint"


_NUMBERS = itertools.count(os.getpid() * 50)


def _free_udp_port(host: str) -> int:
    """Another one at each call, and below the kernel's own range: nobody who opens a socket meanwhile gets it."""
    for number in itertools.islice(_NUMBERS, 6000):
        port = 10_000 + number % 6000
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise OSError("no free UDP port from 10000 to 15999")
