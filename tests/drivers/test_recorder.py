"""Merging the two tracks of a conversation: nothing is lost, what is missing is silence."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from ctiserver.asterisk.recorder import Segment, merge, segment
from tests.harness import tones


def test_the_shorter_track_is_padded_with_silence(tmp_path: Path) -> None:
    left = tones.write_wav(tmp_path / "l.wav", tones.tone(440, 2.5))
    right = tones.write_wav(tmp_path / "r.wav", tones.tone(880, 1.25))
    target = tmp_path / "both.wav"
    assert merge([Segment(left, 0), Segment(right, 1)], target) == 2.5
    record = tones.read_wav(target)
    assert record.seconds == 2.5
    assert tones.has_tone(record.part(0, 2.0, 2.5), 440)
    assert tones.has_tone(record.part(1, 0.5, 1.0), 880)
    assert not np.any(record.part(1, 1.3, 2.5))


def test_a_track_that_was_lost_goes_on_where_its_second_file_says(tmp_path: Path) -> None:
    first = tones.write_wav(tmp_path / "ctest-1.ri.wav", tones.tone(440, 1.0))
    second = tones.write_wav(tmp_path / "ctest-1.ri2500.wav", tones.tone(880, 1.7))
    heard = tones.write_wav(tmp_path / "ctest-1.ro.wav", tones.tone(600, 4.2))
    target = tmp_path / "both.wav"
    assert merge([segment(path, path.stem) for path in (first, second, heard)], target) == 4.2
    record = tones.read_wav(target)
    assert tones.has_tone(record.part(0, 0.1, 0.9), 440)
    assert not np.any(record.part(0, 1.0, 2.5))
    assert tones.has_tone(record.part(0, 2.6, 4.1), 880)
    assert tones.has_tone(record.part(1, 0.1, 4.1), 600)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_lone_track_is_kept_with_silence_beside_it(tmp_path: Path, missing: int) -> None:
    track = tones.write_wav(tmp_path / "t.wav", tones.tone(440, 1.0))
    target = tmp_path / "both.wav"
    assert merge([Segment(track, 1 - missing)], target) == 1.0
    record = tones.read_wav(target)
    assert tones.has_tone(record.part(1 - missing, 0.2, 0.8), 440)
    assert not np.any(record.part(missing, 0.0, 1.0))


def test_a_file_that_is_no_track_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    good = tones.write_wav(tmp_path / "l.wav", tones.tone(440, 0.5))
    stereo = tones.write_wav(tmp_path / "r.wav", tones.tone(440, 0.5), tones.tone(440, 0.5))
    with pytest.raises(wave.Error):
        merge([Segment(good, 0), Segment(stereo, 1)], tmp_path / "both.wav")
    rubbish = tmp_path / "x.wav"
    rubbish.write_bytes(b"no sound at all")
    with pytest.raises(wave.Error):
        merge([Segment(good, 0), Segment(rubbish, 1)], tmp_path / "both.wav")
    assert not (tmp_path / "both.wav").exists()


def test_a_track_torn_in_the_middle_of_a_sample_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = tones.write_wav(tmp_path / "l.wav", tones.tone(440, 1.0))
    torn = tmp_path / "r.wav"
    torn.write_bytes(tones.write_wav(tmp_path / "w.wav", tones.tone(880, 1.0)).read_bytes()[:-4001])
    target = tmp_path / "both.wav"
    assert merge([Segment(whole, 0), Segment(torn, 1)], target) == 1.0
    assert tones.has_tone(tones.read_wav(target).part(1, 0.1, 0.6), 880)


def test_a_link_in_the_spool_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tones.write_wav(tmp_path / "elsewhere.wav", tones.tone(440, 1.0))
    (tmp_path / "l.wav").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        merge([Segment(tmp_path / "l.wav", 0)], tmp_path / "both.wav")
    assert not (tmp_path / "both.wav").exists()
