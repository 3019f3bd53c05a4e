"""Two RTP parties talk to each other: pace, gaps, codecs and digits."""

import asyncio
import time
from itertools import pairwise

import pytest

from tests.harness import tones
from tests.harness.rtp import RtpEndpoint


async def test_each_hears_only_the_other() -> None:
    async with RtpEndpoint(tone=440, codec="alaw") as one, RtpEndpoint(tone=880, codec="ulaw") as two:
        one.start(("127.0.0.1", two.port))
        two.start(("127.0.0.1", one.port))
        await one.hears(880, within=2)
        await two.hears(440, within=2)
        assert not tones.has_tone(one.last(0.2), 440)
        assert two.codecs() == {"alaw"}
        assert one.port % 2 == 0


async def test_packets_leave_every_20_ms_and_the_clock_does_not_drift() -> None:
    async with RtpEndpoint() as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        await asyncio.sleep(2)
        packets = list(two.packets)
        assert abs((packets[-1].at - packets[0].at) / (len(packets) - 1) - 0.02) < 0.0005
        assert {b.sequence - a.sequence & 0xFFFF for a, b in pairwise(packets)} == {1}
        assert {b.timestamp - a.timestamp & 0xFFFFFFFF for a, b in pairwise(packets)} == {160}
        assert [p.marker for p in packets].count(True) == 1
        assert len(two.heard()) == 160 * len(packets)


async def test_a_pause_in_sending_is_a_gap_and_silence_is_not() -> None:
    async with RtpEndpoint(tone=500) as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        await two.hears(500, within=2)
        began = time.monotonic()
        one.speak(0)
        await two.hears_silence(within=2)
        assert two.longest_gap(began) < 100
        muted = time.monotonic()
        one.mute_rtp()
        await asyncio.sleep(0.4)
        one.unmute_rtp()
        one.speak(500)
        await two.hears(500, within=2)
        assert 350 < two.longest_gap(muted) < 700
        gap = tones.longest_gap(two.heard(muted - 0.1))
        assert 0.3 < gap < 0.9


async def test_digits_follow_rfc_4733() -> None:
    async with RtpEndpoint() as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        await one.press("19*D", duration=0.16)
        assert two.keys == "19*D"
        assert {d.duration_ms for d in two.digits} == {160}
        assert {(d.packets, d.ends) for d in two.digits} == {(10, 3)}
        events = [p for p in two.packets if p.payload_type == 101]
        assert [p.marker for p in events].count(True) == 4
        assert len({p.timestamp for p in events}) == 4
        numbers = [p.sequence for p in two.packets]
        assert {b - a & 0xFFFF for a, b in pairwise(numbers)} == {1}


async def test_keys_cannot_be_pressed_while_nothing_is_sent() -> None:
    async with RtpEndpoint() as one:
        with pytest.raises(TimeoutError):
            await one.press("1", duration=0.02)
        with pytest.raises(ValueError, match="substring not found"):
            await one.press("x")


async def test_memory_is_bounded() -> None:
    async with RtpEndpoint() as one, RtpEndpoint(keep=10) as two:
        one.start(("127.0.0.1", two.port))
        await asyncio.sleep(0.5)
        assert len(two.packets) == 10
        assert two.received > 15


async def test_the_failure_says_what_was_heard_instead() -> None:
    async with RtpEndpoint(tone=440) as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        with pytest.raises(AssertionError, match=r"not within 0.5 s: 880 Hz heard.*Peak\(hz=4"):
            await two.hears(880, within=0.5)
