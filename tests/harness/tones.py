"""Tones: make them, find them, and the WAV files that carry them.

Here: sine and DTMF generation, level at a frequency, dominant frequency, presence per window, silence gaps,
in-band DTMF detection, WAV reading and writing. Not here: packets, sockets, calls.
Levels are dBFS of a sine: a full-scale sine (peak 32767) is 0 dBFS. Frequencies are Hz, times are seconds.
DTMF frequencies are from ITU-T Q.23. Assertions should lean on frequency: loudness changes on the way.
"""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.harness.g711 import RATE, Pcm

SILENT_DBFS = -50.0
"""Below this nobody on a telephone hears anything: the limit for 'silence' and 'absent'."""

_LOW = (697, 770, 852, 941)
_HIGH = (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")
_MIN_WINDOW = 80


def tone(hz: float, seconds: float, *, dbfs: float = -12.0, rate: int = RATE) -> Pcm:
    """A sine that starts at phase 0; 0 Hz gives silence."""
    count = round(seconds * rate)
    peak = 32767 * 10 ** (dbfs / 20)
    return np.asarray(np.rint(peak * np.sin(2 * np.pi * hz * np.arange(count) / rate)), dtype=np.int16)


def silence(seconds: float, *, rate: int = RATE) -> Pcm:
    return np.zeros(round(seconds * rate), dtype=np.int16)


def dtmf(digits: str, *, on: float = 0.1, off: float = 0.1, dbfs: float = -12.0, rate: int = RATE) -> Pcm:
    """Each digit as its two sines (each at `dbfs`), then `off` seconds of silence.

    Raises ValueError for a character that is no DTMF key.
    """
    parts: list[Pcm] = []
    for digit in digits:
        row = next((r for r, keys in enumerate(_KEYS) if digit in keys), None)
        if row is None or not digit:
            raise ValueError(f"not a DTMF key: {digit!r}")
        low, high = _LOW[row], _HIGH[_KEYS[row].index(digit)]
        parts += [tone(low, on, dbfs=dbfs, rate=rate) + tone(high, on, dbfs=dbfs, rate=rate), silence(off, rate=rate)]
    return np.concatenate(parts) if parts else silence(0)


def mix(*signals: Pcm) -> Pcm:
    """The sum, clipped, as long as the longest."""
    total = np.zeros(max(len(s) for s in signals), dtype=np.int32)
    for signal in signals:
        total[: len(signal)] += signal
    return np.clip(total, -32768, 32767).astype(np.int16)


def _to_dbfs(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-3) / 32767))


def level(pcm: Pcm) -> float:
    """Overall level in dBFS of a sine with the same power; -150 for silence or no samples."""
    if not len(pcm):
        return _to_dbfs(0)
    return _to_dbfs(float(np.sqrt(2 * np.mean(np.square(pcm.astype(np.float64))))))


def level_at(pcm: Pcm, hz: float, *, rate: int = RATE) -> float:
    """Level in dBFS of the sine at exactly this frequency (Goertzel's sum with a Hann window).

    With N samples, tones further away than 2*rate/N Hz do not leak in: 100 ms tell 440 from 480 Hz apart.
    """
    if len(pcm) < 2:
        return _to_dbfs(0)
    window = np.hanning(len(pcm))
    phase = np.exp(-2j * np.pi * hz * np.arange(len(pcm)) / rate)
    return _to_dbfs(2 * abs(complex(np.dot(pcm.astype(np.float64) * window, phase))) / float(window.sum()))


@dataclass(frozen=True)
class Peak:
    """The strongest frequency of a piece of sound, in Hz, and its level in dBFS."""

    hz: float
    dbfs: float


def dominant(pcm: Pcm, *, rate: int = RATE) -> Peak | None:
    """The strongest frequency above 50 Hz, or None when there is nothing above SILENT_DBFS.

    The peak of the spectrum is refined between its bins: error under 1 Hz from 100 ms on for a pure tone.
    """
    if len(pcm) < _MIN_WINDOW:
        return None
    size = max(8192, 1 << (len(pcm) - 1).bit_length())
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64) * np.hanning(len(pcm)), size))
    spectrum[: int(50 * size / rate)] = 0
    top = int(np.argmax(spectrum))
    if not 0 < top < len(spectrum) - 1:
        return None
    left, middle, right = np.log(spectrum[top - 1 : top + 2] + 1e-9)
    bend = left - 2 * middle + right
    hz = (top + (float(0.5 * (left - right) / bend) if bend else 0.0)) * rate / size
    dbfs = level_at(pcm, hz, rate=rate)
    return Peak(hz, dbfs) if dbfs > SILENT_DBFS else None


def has_tone(pcm: Pcm, hz: float, *, dbfs: float = -35.0, rate: int = RATE) -> bool:
    """The sine at this frequency is at least this loud, whatever else there is."""
    return level_at(pcm, hz, rate=rate) >= dbfs


def presence(pcm: Pcm, hz: float, *, window: float = 0.1, dbfs: float = -35.0, rate: int = RATE) -> list[bool]:
    """For each whole window: is the tone there?"""
    size = round(window * rate)
    return [has_tone(pcm[i : i + size], hz, dbfs=dbfs, rate=rate) for i in range(0, len(pcm) - size + 1, size)]


@dataclass(frozen=True)
class Gap:
    """A stretch of silence: start and length in seconds from the first sample."""

    start: float
    length: float


def gaps(pcm: Pcm, *, at_least: float = 0.1, dbfs: float = SILENT_DBFS, rate: int = RATE) -> list[Gap]:
    """Stretches quieter than `dbfs` of at least this length, found in steps of 10 ms."""
    step = rate // 100
    found: list[Gap] = []
    run = 0
    count = len(pcm) // step
    for index in range(count + 1):
        if index < count and level(pcm[index * step : (index + 1) * step]) < dbfs:
            run += 1
            continue
        if run and run * 0.01 >= at_least - 1e-9:
            found.append(Gap((index - run) * 0.01, run * 0.01))
        run = 0
    return found


def longest_gap(pcm: Pcm, *, dbfs: float = SILENT_DBFS, rate: int = RATE) -> float:
    """Seconds of the longest silence, in steps of 10 ms."""
    return max((gap.length for gap in gaps(pcm, at_least=0.01, dbfs=dbfs, rate=rate)), default=0.0)


def detect_dtmf(pcm: Pcm, *, rate: int = RATE) -> str:
    """The in-band digits of a signal, each at least 40 ms long, told apart by 20 ms without the digit."""
    size = rate // 50
    digits: list[str] = []
    last = ""
    seen = 0
    for start in range(0, len(pcm) - size + 1, size):
        key = _key(pcm[start : start + size], rate)
        seen = seen + 1 if key and key == last else 1
        if key and seen == 2:
            digits.append(key)
        last = key
    return "".join(digits)


def _key(block: Pcm, rate: int) -> str:
    """The one key in a 20 ms block: both tones loud, near each other, and most of the block's power."""
    low = [level_at(block, hz, rate=rate) for hz in _LOW]
    high = [level_at(block, hz, rate=rate) for hz in _HIGH]
    row, column = int(np.argmax(low)), int(np.argmax(high))
    quiet = min(low[row], high[column])
    if quiet < -35 or abs(low[row] - high[column]) > 9:
        return ""
    both = 10 * float(np.log10(10 ** (low[row] / 10) + 10 ** (high[column] / 10)))
    return _KEYS[row][column] if both > level(block) - 2 else ""


def write_wav(path: Path, *channels: Pcm, rate: int = RATE) -> Path:
    """Plain 16-bit PCM, one array a channel, shorter ones filled with silence."""
    length = max(len(c) for c in channels)
    frames = np.zeros((length, len(channels)), dtype="<i2")
    for index, channel in enumerate(channels):
        frames[: len(channel), index] = channel
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames.tobytes())
    return path


@dataclass(frozen=True)
class Sound:
    """A WAV file read into memory: samples a second, and one array a channel."""

    rate: int
    channels: Sequence[Pcm]

    @property
    def seconds(self) -> float:
        return len(self.channels[0]) / self.rate

    def part(self, channel: int, start: float, end: float) -> Pcm:
        return self.channels[channel][round(start * self.rate) : round(end * self.rate)]

    def dominant(self, channel: int, start: float = 0.0, end: float = 1e9) -> Peak | None:
        return dominant(self.part(channel, start, min(end, self.seconds)), rate=self.rate)

    def presence(self, channel: int, hz: float, *, window: float = 0.1, dbfs: float = -35.0) -> list[bool]:
        return presence(self.channels[channel], hz, window=window, dbfs=dbfs, rate=self.rate)

    def longest_gap(self, channel: int) -> float:
        return longest_gap(self.channels[channel], rate=self.rate)


def read_wav(path: Path) -> Sound:
    """Reads 16-bit PCM. Raises wave.Error for other formats, ValueError for other sample widths."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path.name}: {8 * file.getsampwidth()}-bit samples, need 16")
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return Sound(file.getframerate(), [c.astype(np.int16) for c in frames.reshape(-1, file.getnchannels()).T])
