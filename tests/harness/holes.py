"""Holes in the sound that a caller got, told from pauses of the process that listened.

On a busy machine packets wait in our own socket: they were sent in time and come in a burst. By arrival alone that is a
hole. Here a hole is: a jump of the sender's RTP clock, or a pause after which the stream stays late. Not here: whether
the sound itself is quiet (tones.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tests.harness.g711 import RATE
from tests.harness.rtp import PACE, Packet

_AROUND = 50
"""Packets before and after a pause (1 s) whose earliest says how late the stream is."""


def longest_hole(packets: Sequence[Packet]) -> float:
    """Seconds without sound, the longest; of packets in the order of their arrival."""
    longest = 0.0
    for stream in _streams(packets):
        late = [packet.at - (packet.timestamp - stream[0].timestamp) / RATE for packet in stream]
        for index, (one, two) in enumerate(pairwise(stream), start=1):
            jump = (two.timestamp - one.timestamp) / RATE - PACE
            later = min(late[index : index + _AROUND]) - min(late[max(0, index - _AROUND) : index])
            longest = max(longest, jump, later)
    for (one, two) in pairwise(_streams(packets)):
        longest = max(longest, two[0].at - one[-1].at)
    return longest


def _streams(packets: Sequence[Packet]) -> list[list[Packet]]:
    """Packets of one sender's clock together."""
    streams: list[list[Packet]] = []
    for packet in packets:
        if not streams or streams[-1][-1].ssrc != packet.ssrc:
            streams.append([])
        streams[-1].append(packet)
    return streams
