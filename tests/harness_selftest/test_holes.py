"""A hole is what the caller misses, not what the listening process sleeps through."""

from __future__ import annotations

import pytest

from tests.harness.holes import longest_hole
from tests.harness.rtp import Packet


def packets(*parts: tuple[float, int, int]) -> list[Packet]:
    """(seconds of arrival of the first, its RTP clock, how many), each part at a pace of 20 ms."""
    return [
        Packet(at + n * 0.02, 0.0, n, clock + n * 160, 7, 0, False, b"")
        for at, clock, count in parts
        for n in range(count)
    ]


def test_an_even_stream_has_none() -> None:
    assert longest_hole(packets((0.0, 0, 500))) == pytest.approx(0.0, abs=0.001)


def test_the_senders_clock_jumps() -> None:
    assert longest_hole(packets((0.0, 0, 100), (3.0, 24_000, 100))) == pytest.approx(1.0, abs=0.03)


def test_the_sender_pauses_and_goes_on_as_if_nothing_had_been() -> None:
    assert longest_hole(packets((0.0, 0, 100), (3.0, 16_000, 100))) == pytest.approx(1.0, abs=0.03)


def test_the_listener_slept_and_found_them_all_waiting() -> None:
    burst = [Packet(3.0 + n * 0.0001, 0.0, n, 16_000 + n * 160, 7, 0, False, b"") for n in range(50)]
    stream = [*packets((0.0, 0, 100)), *burst, *packets((3.0, 24_000, 100))]
    assert longest_hole(stream) == pytest.approx(0.0, abs=0.03)


def test_a_new_sender_takes_over_late() -> None:
    second = [Packet(4.0 + n * 0.02, 0.0, n, n * 160, 8, 0, False, b"") for n in range(50)]
    assert longest_hole([*packets((0.0, 0, 100)), *second]) == pytest.approx(2.0, abs=0.03)
