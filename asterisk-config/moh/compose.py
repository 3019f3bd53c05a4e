"""Composes the hold music: `python asterisk-config/moh/compose.py` writes hollyhock.wav beside this file.

Lives here: the score and the instruments, all arithmetic; nothing is sampled. Must not live here: anything Asterisk
reads besides the file. Needs numpy only. The piece is made for the telephone band: chords sit above 250 Hz, nothing
counts on bass. Every sound that passes the last bar is folded back onto the first one and the echo is circular, so the
loop has no seam; but see UNREAD. The same source gives the same file: the only random numbers (echo) have a fixed seed.
"""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

RATE = 8000
BEAT = 1.05
"""Seconds a beat: 57 to the minute, slower than a resting pulse."""
BAR = 4 * BEAT
RMS_DBFS = -24.0
UNREAD = 22
"""Samples at a WAV file's end that Asterisk 22.10.1 never plays: it takes the header's 44 bytes off the audio too
(measured with `file convert`). The file repeats its first ones there, so what Asterisk plays is exactly the loop."""

# Sixteen bars in D major: two calm eight-bar phrases, the second rising to the subdominant before it comes home.
CHORDS = (
    ("D", "F#", "A", "C#"), ("B", "D", "F#", "A"), ("G", "B", "D", "F#"), ("A", "D", "E", "G"),
    ("D", "F#", "A", "E"), ("F#", "A", "C#", "E"), ("G", "B", "D", "A"), ("A", "C#", "E", "G"),
    ("B", "D", "F#", "A"), ("F#", "A", "C#", "E"), ("G", "B", "D", "F#"), ("D", "F#", "A", "E"),
    ("E", "G", "B", "D"), ("F#", "A", "C#", "E"), ("G", "B", "E", "A"), ("A", "D", "E", "G"),
)  # fmt: skip
# (bar, beat, note, beats): a sparse tune over the chords, with long rests for the arpeggio to be heard.
TUNE = (
    (0, 1, "F#5", 2), (0, 3, "A5", 1), (1, 0, "B5", 3), (2, 1, "A5", 1.5), (2, 2.5, "F#5", 1.5), (3, 0, "E5", 3),
    (4, 1, "F#5", 1), (4, 2, "A5", 2), (5, 0, "C#6", 3), (6, 1, "B5", 1.5), (6, 2.5, "A5", 1.5), (7, 0, "E5", 3),
    (8, 1, "D5", 1), (8, 2, "F#5", 2), (9, 0, "E5", 3), (10, 1, "G5", 1), (10, 2, "B5", 2), (11, 0, "A5", 3),
    (12, 1, "G5", 1.5), (12, 2.5, "B5", 1.5), (13, 0, "A5", 3), (14, 0, "B5", 1.5), (14, 1.5, "A5", 2.5),
    (15, 1, "E5", 3),
)  # fmt: skip
ARPEGGIO = (0, 2, 1, 3, 2, 1, 3, 1)
"""Which chord note each eighth of a bar plucks."""

_STEPS = {"C": 0, "C#": 1, "D": 2, "D#": 3, "E": 4, "F": 5, "F#": 6, "G": 7, "G#": 8, "A": 9, "A#": 10, "B": 11}


def hertz(name: str) -> float:
    """Frequency of a note such as "F#5" (A4 = 440 Hz)."""
    return float(440.0 * 2 ** ((_STEPS[name[:-1]] - 9) / 12 + int(name[-1]) - 4))


def voiced(chord: tuple[str, ...], lowest: str) -> list[float]:
    """The chord's notes, each in the first octave at or above `lowest`, from low to high."""
    floor = hertz(lowest)
    found = []
    for name in chord:
        pitch = hertz(f"{name}2")
        while pitch < floor * 0.999:
            pitch *= 2
        found.append(pitch)
    return sorted(found)


def pad(pitch: float, seconds: float) -> Samples:
    """A soft string-like tone: slow in and out, three slightly detuned players, few overtones, slow swell."""
    t = np.arange(round(seconds * RATE)) / RATE
    tone = np.zeros(len(t))
    for player, cents in enumerate((-5.0, 0.0, 5.5)):
        base = pitch * 2 ** (cents / 1200)
        for overtone, weight in ((1, 1.0), (2, 0.5), (3, 0.24), (4, 0.12), (6, 0.04)):
            if base * overtone < 3300:
                tone += weight * np.sin(2 * np.pi * base * overtone * t + player * 2.1 + overtone)
    rise, fall = 0.9, 1.6
    shape = np.clip(t / rise, 0, 1) * np.clip((seconds - t) / fall, 0, 1)
    swell: Samples = np.sin(shape * np.pi / 2) ** 2 * (1 + 0.08 * np.sin(2 * np.pi * 0.31 * t))
    return tone / 3 * swell


def pluck(pitch: float, seconds: float) -> Samples:
    """A kalimba-like tone: quick soft start, overtones that die sooner than the root."""
    t = np.arange(round(seconds * RATE)) / RATE
    tone = np.zeros(len(t))
    for ratio, weight, life in ((1.0, 1.0, 1.1), (2.0, 0.45, 0.7), (3.01, 0.2, 0.35), (5.4, 0.1, 0.1)):
        if pitch * ratio < 3300:
            tone += weight * np.sin(2 * np.pi * pitch * ratio * t) * np.exp(-t / life)
    return tone * np.clip(t / 0.008, 0, 1) * np.clip((seconds - t) / 0.2, 0, 1)


def compose() -> Samples:
    """The whole loop, before its level is set."""
    length = round(len(CHORDS) * BAR * RATE)
    dry = np.zeros(length)

    def add(at: float, sound: Samples, gain: float) -> None:
        places = (round(at * RATE) + np.arange(len(sound))) % length
        np.add.at(dry, places, gain * sound)

    for bar, chord in enumerate(CHORDS):
        start = bar * BAR
        for pitch in voiced(chord, "A3"):
            add(start - 0.35, pad(pitch, BAR + 1.5), 0.13)
        add(start, pluck(voiced(chord[:1], "D3")[0], 3.0), 0.22)
        notes = voiced(chord, "D4")
        for eighth, index in enumerate(ARPEGGIO):
            # The first of each half bar a little stronger: enough to feel the beat, not to count it.
            add(start + eighth * BEAT / 2, pluck(notes[index], 1.8), 0.19 if eighth % 4 == 0 else 0.13)
    for bar, beat, name, beats in TUNE:
        add(bar * BAR + beat * BEAT, pluck(hertz(name), beats * BEAT + 1.2), 0.24)
    return dry + 0.55 * echo(dry)


def echo(dry: Samples) -> Samples:
    """A small hall: decaying noise, low-passed, applied on the loop as a circle."""
    t = np.arange(round(1.8 * RATE)) / RATE
    noise = np.random.default_rng(22).standard_normal(len(t)) * np.exp(-t / 0.4)
    noise = np.convolve(noise, np.hanning(9) / np.hanning(9).sum(), mode="same")
    noise /= np.sqrt((noise**2).sum())
    return np.fft.irfft(np.fft.rfft(dry) * np.fft.rfft(noise, len(dry)), len(dry))


def finish(music: Samples) -> Samples:
    """Shapes the piece for a telephone and sets its level; full scale is 1.0."""
    spectrum, pitch = np.fft.rfft(music), np.fft.rfftfreq(len(music), 1 / RATE)
    # Below 140 Hz and above 3400 Hz a telephone carries nothing: leave the level to what is heard.
    spectrum *= np.clip((pitch - 100) / 60, 0, 1) * np.clip((3500 - pitch) / 200, 0, 1)
    # A gentle rise, 3 dB an octave between 250 Hz and 2 kHz: small earpieces have no warmth to spare, but want air.
    spectrum *= np.sqrt(np.clip(pitch, 250, 2000) / 500)
    shaped: Samples = np.fft.irfft(spectrum, len(music))
    shaped *= 10 ** (RMS_DBFS / 20) / np.sqrt((shaped**2).mean())
    return shaped


def main() -> None:
    """Writes the file: 8 kHz, mono, 16-bit plain PCM."""
    music = finish(compose())
    pcm = np.round(np.clip(np.concatenate([music, music[:UNREAD]]), -1, 1) * 32767).astype("<i2")
    with wave.open(str(Path(__file__).with_name("hollyhock.wav")), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
        file.writeframes(pcm.tobytes())


if __name__ == "__main__":
    main()
