"""G.711: A-law and u-law to and from 16-bit PCM, as numpy arrays.

Here: the two codecs and their RTP payload numbers. Not here: tones, files, packets.
The decoding formulas follow ITU-T G.711; payload types 0 and 8 are from RFC 3551. The standard library's
audioop is left alone because Python 3.13 has removed it.
"""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.int16]
"""Mono samples, 16-bit, 8,000 a second unless a function says otherwise."""

Codec = Literal["alaw", "ulaw"]

RATE = 8000
"""Samples a second of every telephone signal in these tests."""

PAYLOAD_TYPE: dict[Codec, int] = {"ulaw": 0, "alaw": 8}
CODEC_OF_PAYLOAD: dict[int, Codec] = {0: "ulaw", 8: "alaw"}
RTP_NAME: dict[Codec, str] = {"ulaw": "PCMU", "alaw": "PCMA"}
SILENCE: dict[Codec, bytes] = {"ulaw": b"\xff", "alaw": b"\xd5"}
"""One sample of digital silence."""


def _ulaw_table() -> Pcm:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_table() -> Pcm:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (code & 0x70) >> 4
    mantissa = (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_DECODE: dict[Codec, Pcm] = {"ulaw": _ulaw_table(), "alaw": _alaw_table()}


def _encode_table(codec: Codec) -> NDArray[np.uint8]:
    """Code of the nearest decoded value for each of the 65,536 samples, indexed by sample + 32768."""
    table = _DECODE[codec].astype(np.int32)
    order = np.argsort(table, kind="stable")
    levels = table[order]
    samples = np.arange(-32768, 32768, dtype=np.int32)
    right = np.clip(np.searchsorted(levels, samples), 1, 255)
    nearer_left = samples - levels[right - 1] <= levels[right] - samples
    return order[np.where(nearer_left, right - 1, right)].astype(np.uint8)


_ENCODE: dict[Codec, NDArray[np.uint8]] = {"ulaw": _encode_table("ulaw"), "alaw": _encode_table("alaw")}


def encode(pcm: Pcm, codec: Codec) -> bytes:
    """One byte a sample."""
    return _ENCODE[codec][pcm.astype(np.int32) + 32768].tobytes()


def decode(payload: bytes, codec: Codec) -> Pcm:
    """One sample a byte."""
    return _DECODE[codec][np.frombuffer(payload, dtype=np.uint8)]
