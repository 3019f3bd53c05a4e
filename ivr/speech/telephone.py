"""Turns a synthesiser's samples into telephone audio: band, rate, silence, level, file.

Lives here: pure arithmetic on samples and the WAV writer. Must not live here: texts, models, prompts.
Samples are float32 arrays of shape (n,), full scale 1.0. Levels are dBFS where a full-scale square wave is 0. The
targets (-20 dBFS over speech, peaks at -3) leave the headroom that A-law and u-law need and match a talking agent.
"""

import io
import wave
from typing import cast

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE = 8000
SPEECH_DBFS = -20.0
PEAK_DBFS = -3.2
MARGIN_SECONDS = 0.05
FRAME = RATE // 50
"""Samples in one 20 ms frame, the unit of a level measurement."""

_LOW_HZ, _HIGH_HZ, _TAPS = 130.0, 3500.0, 721


def narrow_to_telephone(samples: Samples, rate: int) -> Samples:
    """Band-limits to 130-3500 Hz and resamples to 8 kHz. `rate` must be a multiple of 8000 (ValueError)."""
    if rate % RATE:
        raise ValueError(f"{rate} Hz is not a multiple of {RATE} Hz")
    steps = np.arange(_TAPS) - _TAPS // 2
    low, high = _LOW_HZ / rate, _HIGH_HZ / rate
    kernel = (2 * high * np.sinc(2 * high * steps) - 2 * low * np.sinc(2 * low * steps)) * np.blackman(_TAPS)
    return np.convolve(samples, kernel, mode="same")[:: rate // RATE].astype(np.float32)


def frame_levels(samples: Samples) -> NDArray[np.float64]:
    """Level in dBFS of each whole 20 ms frame; a digital zero is -120."""
    whole = samples[: len(samples) // FRAME * FRAME].astype(np.float64).reshape(-1, FRAME)
    return cast(NDArray[np.float64], 10 * np.log10(np.maximum((whole**2).mean(axis=1), 1e-12)))


def speech_dbfs(samples: Samples) -> float:
    """RMS level over speech: the 20 ms frames within 30 dB of the loudest one."""
    levels = frame_levels(samples)
    speech = levels[levels > levels.max() - 30]
    return float(10 * np.log10((10 ** (speech / 10)).mean()))


def trim(samples: Samples) -> Samples:
    """Cuts silence off both ends to 50 ms each, with a 10 ms fade so that no step clicks. Empty input stays empty."""
    window = RATE // 200
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(window) / window, mode="same")
    if not len(power) or power.max() < 1e-9:
        return samples[:0]
    # 45 dB under the loudest 5 ms keeps a soft initial consonant and a released final one.
    loud = np.flatnonzero(power > power.max() * 10**-4.5)
    margin = round(MARGIN_SECONDS * RATE)
    padded = np.pad(samples, margin)[loud[0] : loud[-1] + 1 + 2 * margin].copy()
    ramp = np.linspace(0, 1, RATE // 100, dtype=np.float32)
    padded[: len(ramp)] *= ramp
    padded[-len(ramp) :] *= ramp[::-1]
    return padded


def set_level(samples: Samples) -> Samples:
    """Scales speech to SPEECH_DBFS and holds peaks under PEAK_DBFS with a soft limiter (5 ms ahead, 10 ms smooth)."""
    ceiling = 10 ** (PEAK_DBFS / 20)
    out = samples
    for _ in range(6):
        out = out * np.float32(10 ** ((SPEECH_DBFS - speech_dbfs(out)) / 20))
        out = _limit(out, ceiling)
    return out


def _limit(samples: Samples, ceiling: float) -> Samples:
    """Turns the level down around peaks over the ceiling; never lets a sample pass it."""
    gain = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1e-9))
    reach = RATE // 200
    held = np.lib.stride_tricks.sliding_window_view(np.pad(gain, reach, mode="edge"), 2 * reach + 1).min(axis=1)
    smooth = np.hanning(2 * reach + 1)
    curve = np.convolve(np.pad(held, reach, mode="edge"), smooth / smooth.sum(), mode="valid")
    return (samples * np.minimum(curve, gain)).astype(np.float32)


def tone(hertz: float, seconds: float) -> Samples:
    """A sine at SPEECH_DBFS with 10 ms ramps and 50 ms of silence on both ends."""
    steps = np.arange(round(seconds * RATE))
    wave_form = np.sin(2 * np.pi * hertz * steps / RATE) * (np.sqrt(2) * 10 ** (SPEECH_DBFS / 20))
    ramp = np.linspace(0, 1, RATE // 100)
    wave_form[: len(ramp)] *= ramp
    wave_form[-len(ramp) :] *= ramp[::-1]
    return np.pad(wave_form, round(MARGIN_SECONDS * RATE)).astype(np.float32)


def wav_bytes(samples: Samples) -> bytes:
    """A plain PCM WAV file (format tag 1): 8 kHz, mono, 16 bits."""
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
        file.writeframes(pcm.tobytes())
    return out.getvalue()


def read_wav(data: bytes) -> Samples:
    """The samples of a file that `wav_bytes` wrote."""
    with wave.open(io.BytesIO(data)) as file:
        return (np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32767)).astype(np.float32)
