"""Two RTP parties talk to each other: order, codecs and digits. Pace and gaps: test_exact.py."""

from itertools import pairwise

import pytest

from tests.harness import tones
from tests.harness.rtp import RtpEndpoint
from tests.harness.waiting import PATIENCE, eventually


async def test_each_hears_only_the_other() -> None:
    async with RtpEndpoint(tone=440, codec="alaw") as one, RtpEndpoint(tone=880, codec="ulaw") as two:
        one.start(("127.0.0.1", two.port))
        two.start(("127.0.0.1", one.port))
        await one.hears(880)
        await two.hears(440)
        assert not tones.has_tone(one.last(0.2), 440)
        assert two.codecs() == {"alaw"}
        assert one.port % 2 == 0


async def test_packets_are_numbered_without_a_gap() -> None:
    async with RtpEndpoint() as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        await eventually(lambda: len(two.packets) >= 50, PATIENCE, "fifty packets")
        packets = list(two.packets)
        assert {b.sequence - a.sequence & 0xFFFF for a, b in pairwise(packets)} == {1}
        assert {b.timestamp - a.timestamp & 0xFFFFFFFF for a, b in pairwise(packets)} == {160}
        assert [p.marker for p in packets].count(True) == 1


async def test_digits_follow_rfc_4733() -> None:
    async with RtpEndpoint() as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        await one.press("19*D", duration=0.16)
        await eventually(lambda: two.keys == "19*D" and two.digits[-1].ends == 3, PATIENCE, "the digits")
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
        await eventually(lambda: two.received > 15, PATIENCE, "more packets than are kept")
        assert len(two.packets) == 10


async def test_the_failure_says_what_was_heard_instead() -> None:
    async with RtpEndpoint(tone=440) as one, RtpEndpoint() as two:
        one.start(("127.0.0.1", two.port))
        with pytest.raises(AssertionError, match=r"not within 0.5 s: 880 Hz heard.*Peak\(hz=4"):
            await two.hears(880, within=0.5)
