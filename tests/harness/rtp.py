"""An RTP party on a UDP port: speaks a tone and digits, and writes down what it hears.

Here: `RtpEndpoint` (packets out at an exact 20 ms pace, RFC 4733 digits, recording of packets in) and questions
about what was heard. Not here: SIP and SDP (see sdp.py), tone analysis (see tones.py).
RTP header: RFC 3550; digits: RFC 4733 (start, updates every 20 ms, three end packets, one timestamp).
Times are time.monotonic() seconds unless a name says wall. Memory is bounded by `keep` packets.
"""

import asyncio
import random
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from types import TracebackType
from typing import Self

import numpy as np

from tests.harness import g711, tones
from tests.harness.g711 import CODEC_OF_PAYLOAD, PAYLOAD_TYPE, RATE, Codec, Pcm
from tests.harness.waiting import PATIENCE, eventually

PACE = 0.02
SAMPLES = int(RATE * PACE)
EVENT_PAYLOAD = 101
"""Payload type of telephone-event that the SDP of this harness offers."""

_EVENTS = "0123456789*#ABCD"
_HOLE = 0.06
"""Arrivals further apart than this are a hole in the sound; nearer ones are jitter."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One received RTP packet; `at` monotonic and `wall` epoch seconds of its arrival."""

    at: float
    wall: float
    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool
    payload: bytes


@dataclass(slots=True)
class Digit:
    """One RFC 4733 digit that arrived: first packet's arrival, duration so far in ms, number of end packets."""

    key: str
    at: float
    timestamp: int
    duration_ms: float = 0.0
    packets: int = 0
    ends: int = 0


@dataclass(slots=True)
class _Event:
    code: int
    total: int
    sent: int = 0
    ends: int = 0
    timestamp: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, owner: "RtpEndpoint", rtcp: bool) -> None:
        self._owner = owner
        self._rtcp = rtcp

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._rtcp:
            self._owner.rtcp_received += 1
        else:
            self._owner._received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """An ICMP 'port unreachable': the far end is gone or not there yet; the sender goes on, as phones do."""


class RtpEndpoint:
    """`async with RtpEndpoint(tone=440) as rtp:` binds an even port (and the next one for RTCP) on `host`.

    Sends nothing before `start(remote)`. Raises OSError when no port is free.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, tone: float = 440.0, codec: Codec = "ulaw",
        dbfs: float = -12.0, keep: int = 30_000, first_sequence: int | None = None,
    ) -> None:  # fmt: skip
        self.host, self.port = host, port
        self.codec: Codec = codec
        self.event_payload = EVENT_PAYLOAD
        self.packets: deque[Packet] = deque(maxlen=keep)
        self.digits: deque[Digit] = deque(maxlen=1000)
        self.sent = 0
        self.received = 0
        self.rtcp_received = 0
        self.worst_lateness = 0.0
        self.remote: tuple[str, int] | None = None
        self._dbfs = dbfs
        self._sources: dict[Codec, bytes] = {}
        self._muted = False
        self._events: deque[_Event] = deque()
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15) if first_sequence is None else first_sequence
        self._timestamp = random.getrandbits(31)
        self._position = 0
        self._talk_spurt = True
        self._transports: list[asyncio.DatagramTransport] = []
        self._task: asyncio.Task[None] | None = None
        self.tone = 0.0
        self.speak(tone)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        tries = [self.port] if self.port else [random.randrange(20_000, 32_000, 2) for _ in range(50)]
        for number, port in enumerate(tries):
            opened: list[asyncio.DatagramTransport] = []
            try:
                for offset in (0, 1):
                    made, _ = await loop.create_datagram_endpoint(
                        partial(_Socket, self, bool(offset)), local_addr=(self.host, port + offset)
                    )
                    opened.append(made)
            except OSError:
                for transport in opened:
                    transport.close()
                if number == len(tries) - 1:
                    raise
                continue
            self.port, self._transports = port, opened
            break
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for transport in self._transports:
            transport.close()

    # --- speaking -----------------------------------------------------------------------------------------------

    def start(self, remote: tuple[str, int], codec: Codec | None = None) -> None:
        """Begin to send to `remote`, or go on sending to a new one (a re-INVITE moved the media)."""
        self.remote = remote
        self.codec = codec or self.codec
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"rtp {self.port}")

    def speak(self, hz: float) -> None:
        """Change the tone at once; 0 sends packets of silence. One second of it is prepared, so whole Hz only."""
        self.tone = float(round(hz))
        second = tones.tone(self.tone, 1.0, dbfs=self._dbfs)
        self._sources = {"ulaw": g711.encode(second, "ulaw"), "alaw": g711.encode(second, "alaw")}

    def mute_rtp(self) -> None:
        """No packets at all until `unmute_rtp` (a digit in progress stops too): a phone without media."""
        self._muted = True

    def unmute_rtp(self) -> None:
        """Packets again; the timestamp has gone on meanwhile, the first packet carries the marker bit."""
        self._muted = False
        self._talk_spurt = True

    async def press(self, digits: str, *, duration: float = 0.1, pause: float = 0.1) -> None:
        """Send digits by RFC 4733 and return when the last one's end packets are out.

        Raises ValueError for a character that is no key, TimeoutError when nothing is being sent (muted, no remote).
        """
        for key in digits:
            event = _Event(_EVENTS.index(key), max(SAMPLES, round(duration * RATE / SAMPLES) * SAMPLES))
            self._events.append(event)
            try:
                await asyncio.wait_for(event.done.wait(), duration + 5.0)
            except TimeoutError:
                if event in self._events:
                    self._events.remove(event)
                raise
            await asyncio.sleep(pause)

    async def _run(self) -> None:
        clock = asyncio.get_running_loop()
        due = clock.time()
        while True:
            self.worst_lateness = max(self.worst_lateness, clock.time() - due)
            if not self._muted and self.remote:
                self._tick()
            self._timestamp = self._timestamp + SAMPLES & 0xFFFFFFFF
            self._position = (self._position + SAMPLES) % RATE
            due += PACE
            await asyncio.sleep(due - clock.time())

    def _tick(self) -> None:
        if not self._events:
            start = self._position
            self._send(PAYLOAD_TYPE[self.codec], self._sources[self.codec][start : start + SAMPLES], self._timestamp)
            return
        event = self._events[0]
        first = event.sent == 0
        if first:
            event.timestamp = self._timestamp
            self._talk_spurt = True
        event.sent = min(event.sent + SAMPLES, event.total)
        last = event.sent >= event.total
        for _ in range(3 if last else 1):
            payload = struct.pack("!BBH", event.code, (0x80 if last else 0) | 10, event.sent)
            self._send(self.event_payload, payload, event.timestamp)
        if last:
            self._events.popleft()
            event.done.set()

    def _send(self, payload_type: int, payload: bytes, timestamp: int) -> None:
        marker = 0x80 if self._talk_spurt else 0
        self._talk_spurt = False
        header = struct.pack("!BBHII", 0x80, marker | payload_type, self._sequence, timestamp, self._ssrc)
        self._transports[0].sendto(header + payload, self.remote)
        self._sequence = self._sequence + 1 & 0xFFFF
        self.sent += 1

    # --- hearing ------------------------------------------------------------------------------------------------

    def _received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
        offset = 12 + 4 * (first & 0x0F)
        if first & 0x10 and len(data) >= offset + 4:
            offset += 4 + 4 * int(struct.unpack_from("!H", data, offset + 2)[0])
        packet = Packet(
            time.monotonic(), time.time(), sequence, timestamp, ssrc, second & 0x7F, bool(second & 0x80), data[offset:]
        )
        self.received += 1
        self.packets.append(packet)
        if packet.payload_type == self.event_payload and len(packet.payload) >= 4:
            self._digit(packet)

    def _digit(self, packet: Packet) -> None:
        code, flags, duration = struct.unpack_from("!BBH", packet.payload)
        if code >= len(_EVENTS):
            return
        last = self.digits[-1] if self.digits else None
        if last is None or last.timestamp != packet.timestamp:
            last = Digit(_EVENTS[code], packet.at, packet.timestamp)
            self.digits.append(last)
        last.packets += 1
        last.duration_ms = max(last.duration_ms, duration * 1000 / RATE)
        last.ends += flags >> 7

    @property
    def keys(self) -> str:
        """The RFC 4733 digits heard so far."""
        return "".join(digit.key for digit in self.digits)

    def between(self, start: float = 0.0, end: float | None = None) -> list[Packet]:
        """Packets that arrived in this time window, oldest first."""
        return [p for p in self.packets if p.at >= start and (end is None or p.at <= end)]

    def longest_gap(self, start: float, end: float | None = None) -> float:
        """Longest time in **ms** without any packet from `start` to `end` (default: now), the edges included."""
        end = time.monotonic() if end is None else end
        marks = [start, *(p.at for p in self.between(start, end)), end]
        return max((b - a for a, b in pairwise(marks)), default=0.0) * 1000

    def heard(self, start: float = 0.0, end: float | None = None) -> Pcm:
        """The sound that arrived in this window. Holes of over 60 ms between packets become silence.

        It begins with the first packet, so offsets into it count from there.
        """
        parts: list[Pcm] = []
        begin: float | None = None
        position = 0
        for packet in self.between(start, end):
            codec = CODEC_OF_PAYLOAD.get(packet.payload_type)
            if codec is None:
                continue
            begin = packet.at if begin is None else begin
            missing = round((packet.at - begin) * RATE) - position
            if missing > _HOLE * RATE:
                parts.append(np.zeros(missing, dtype=np.int16))
                position += missing
            parts.append(g711.decode(packet.payload, codec))
            position += len(packet.payload)
        return np.concatenate(parts) if parts else tones.silence(0)

    def last(self, seconds: float) -> Pcm:
        """The sound of the last seconds up to now, short when less arrived."""
        return self.heard(time.monotonic() - seconds)

    def dominant(self, start: float, end: float | None = None) -> tones.Peak | None:
        """The strongest frequency in a window, None when silent."""
        return tones.dominant(self.heard(start, end))

    def codecs(self, start: float = 0.0) -> set[Codec]:
        """Which codecs the audio packets since `start` carry."""
        return {CODEC_OF_PAYLOAD[p.payload_type] for p in self.between(start) if p.payload_type in CODEC_OF_PAYLOAD}

    async def hears(self, hz: float, *, within: float = PATIENCE, window: float = 0.2, dbfs: float = -35.0) -> float:
        """Waits until the tone fills the last `window` seconds; returns the monotonic time of that moment."""

        def check() -> bool:
            sound = self.last(window)
            heard = tones.dominant(sound)
            assert len(sound) >= 0.8 * window * RATE, f"only {len(sound) / RATE * 1000:.0f} ms of sound arrived"
            assert tones.has_tone(sound, hz, dbfs=dbfs), f"strongest is {heard}"
            return True

        await eventually(check, within, f"{hz:g} Hz heard on port {self.port}")
        return time.monotonic()

    async def hears_silence(self, *, within: float = PATIENCE, window: float = 0.2) -> float:
        """Waits until nothing audible arrived for `window` seconds (quiet packets or none); returns the moment."""
        began = time.monotonic()

        def check() -> bool:
            assert time.monotonic() - began >= window, "watched too briefly"
            assert tones.level(self.last(window)) < tones.SILENT_DBFS, (
                f"strongest is {tones.dominant(self.last(window))}"
            )
            return True

        await eventually(check, within, f"silence on port {self.port}")
        return time.monotonic()
