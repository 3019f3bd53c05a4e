"""The ears of all other tests: tones, silence, digits and WAV files."""

from pathlib import Path

import numpy as np
import pytest

from tests.harness import g711, tones
from tests.harness.g711 import Codec


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
@pytest.mark.parametrize("hz", [300, 440, 1004, 3000])
def test_a_tone_survives_the_codec(codec: Codec, hz: int) -> None:
    heard = g711.decode(g711.encode(tones.tone(hz, 0.2), codec), codec)
    peak = tones.dominant(heard)
    assert peak
    assert abs(peak.hz - hz) < 1
    assert abs(peak.dbfs + 12) < 0.5


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
def test_silence_stays_silent(codec: Codec) -> None:
    heard = g711.decode(g711.encode(tones.silence(0.2), codec), codec)
    assert tones.dominant(heard) is None
    assert tones.level(heard) < tones.SILENT_DBFS
    assert g711.decode(g711.SILENCE[codec] * 10, codec).max() <= 8


def test_known_codes_of_the_standard() -> None:
    """The ends and the middle of both code tables as ITU-T G.711 lists them (scaled to 16 bits)."""
    assert [int(v) for v in g711.decode(bytes([0x00, 0x7F, 0x80, 0xFF]), "ulaw")] == [-32124, 0, 32124, 0]
    assert [int(v) for v in g711.decode(bytes([0x2A, 0x55, 0xAA, 0xD5]), "alaw")] == [-32256, -8, 32256, 8]


def test_two_tones_are_told_apart() -> None:
    both = tones.mix(tones.tone(440, 0.3), tones.tone(480, 0.3, dbfs=-30))
    assert tones.has_tone(both, 440)
    assert tones.has_tone(both, 480)
    assert not tones.has_tone(tones.tone(440, 0.3), 480)
    assert not tones.has_tone(tones.tone(440, 0.3), 880, dbfs=-60)


def test_presence_per_window_and_gaps() -> None:
    sound = np.concatenate([tones.tone(500, 0.5), tones.silence(0.3), tones.tone(700, 0.2)])
    assert tones.presence(sound, 500) == [True] * 5 + [False] * 5
    assert tones.presence(sound, 700) == [False] * 8 + [True] * 2
    (gap,) = tones.gaps(sound)
    assert gap.start == pytest.approx(0.5, abs=0.011)
    assert gap.length == pytest.approx(0.3, abs=0.011)
    assert tones.longest_gap(tones.tone(500, 0.5)) <= 0.01


def test_digits_in_the_sound_are_found_and_nothing_else() -> None:
    assert tones.detect_dtmf(tones.dtmf("1234567890*#ABCD", on=0.08, off=0.06)) == "1234567890*#ABCD"
    assert tones.detect_dtmf(tones.dtmf("1122")) == "1122"
    assert tones.detect_dtmf(tones.tone(697, 1)) == ""
    noise = np.random.default_rng(1).integers(-8000, 8000, 8000).astype(np.int16)
    assert tones.detect_dtmf(noise) == ""
    with pytest.raises(ValueError, match="not a DTMF key"):
        tones.dtmf("x")


def test_wav_files_keep_their_channels_apart(tmp_path: Path) -> None:
    tones.write_wav(tmp_path / "two.wav", tones.tone(440, 1.0), tones.tone(880, 0.5))
    sound = tones.read_wav(tmp_path / "two.wav")
    assert (sound.rate, sound.seconds, len(sound.channels)) == (8000, 1.0, 2)
    first, second = sound.dominant(0), sound.dominant(1, 0.0, 0.5)
    assert first
    assert second
    assert (round(first.hz), round(second.hz)) == (440, 880)
    assert sound.dominant(1, 0.5, 1.0) is None
    assert sound.longest_gap(1) == pytest.approx(0.5, abs=0.02)
