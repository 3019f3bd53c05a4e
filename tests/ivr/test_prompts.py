"""The spoken prompts and the hold music as files, and the store that finds them.

Every number here is measured on the samples, with code of its own: nothing trusts the renderer's word.
"""

import importlib.util
import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from ivr.speech import render
from ivr.speech.catalogue import BOTH, LANGUAGES, PromptFolderError, read_entries
from ivr.speech.kokoro import VOICES
from ivr.speech.prompts import PromptMissing, PromptStore, ResolvedPrompt
from ivr.speech.telephone import RATE, tone, wav_bytes

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ROOT / "ivr" / "prompts"
MUSIC = ROOT / "asterisk-config" / "moh"
ENTRIES = read_entries(PROMPTS)
FILES = [f"{language}/{name}" for name, entry in ENTRIES.items() if not entry.join for language in LANGUAGES]
JOINED = [f"{BOTH}/{name}" for name, entry in ENTRIES.items() if entry.join]
SPEECH = [key for key in FILES if ENTRIES[key.split("/")[1]].tone_hz is None]

Samples = NDArray[np.float64]


def samples(path: Path) -> Samples:
    """The file's samples after checking the 44 bytes Asterisk will read: plain PCM, mono, 8 kHz, 16 bits."""
    data = path.read_bytes()
    riff, size, kind, tag, channels, rate, byte_rate, block, bits, data_mark, length = struct.unpack(
        "<4sI8s4xHHIIHH4sI", data[:44]
    )
    assert (riff, kind, data_mark) == (b"RIFF", b"WAVEfmt ", b"data")
    assert (tag, channels, rate, byte_rate, block, bits) == (1, 1, 8000, 16000, 2, 16)
    assert (size, length) == (len(data) - 8, len(data) - 44)
    return np.frombuffer(data[44:], "<i2").astype(np.float64) / 32768


def levels(sound: Samples, seconds: float = 0.02) -> Samples:
    """dBFS of each piece of `seconds`."""
    step = round(seconds * 8000)
    pieces = sound[: len(sound) // step * step].reshape(-1, step)
    measured: Samples = 10 * np.log10((pieces**2).mean(axis=1) + 1e-12)
    return measured


def longest_quiet(sound: Samples, below: float) -> float:
    """Seconds of the longest run of 20 ms pieces under `below` dBFS."""
    longest = run = 0
    for level in levels(sound):
        run = run + 1 if level < below else 0
        longest = max(longest, run)
    return longest * 0.02


def syllables(language: str, text: str) -> int:
    """Chinese: signs. English: groups of vowels, a silent final e left out; good to about a fifth."""
    if language == "zh":
        return sum("\u4e00" <= sign <= "\u9fff" for sign in text)
    words = "".join(sign if sign.isalpha() else " " for sign in text.lower()).split()
    return sum(max(1, _vowel_groups(word[:-1] if word.endswith("e") else word)) for word in words)


def _vowel_groups(word: str) -> int:
    return sum(sign in "aeiouy" and (at == 0 or word[at - 1] not in "aeiouy") for at, sign in enumerate(word))


def test_every_prompt_has_a_text_in_both_languages() -> None:
    for prompt_id, entry in ENTRIES.items():
        if entry.join is None:
            assert entry.zh and entry.en, prompt_id
    assert {f"d{digit}" for digit in range(10)} | {"welcome", "menu_main", "apology_both", "beep"} <= set(ENTRIES)


@pytest.mark.parametrize("key", FILES + JOINED)
def test_audio_is_what_asterisk_plays(key: str) -> None:
    assert len(samples(PROMPTS / f"{key}.wav")) > 0.2 * RATE


@pytest.mark.parametrize("key", FILES + JOINED)
def test_level_is_that_of_a_talking_person(key: str) -> None:
    sound = samples(PROMPTS / f"{key}.wav")
    by_piece = levels(sound)
    speech = by_piece[by_piece > by_piece.max() - 30]
    assert -21 <= 10 * np.log10((10 ** (speech / 10)).mean()) <= -19
    assert 20 * np.log10(np.abs(sound).max()) <= -3


@pytest.mark.parametrize("key", FILES + JOINED)
def test_starts_and_ends_with_a_short_silence(key: str) -> None:
    sound = samples(PROMPTS / f"{key}.wav")
    for end in (sound, sound[::-1]):
        first_heard = np.flatnonzero(levels(end, 0.005) > -52)[0] * 0.005
        # 50 ms are left; a soft consonant at the edge may be under the threshold for a while.
        assert 0.025 <= first_heard <= 0.13
        assert np.abs(end[:80]).max() < 0.02, "the very first 10 ms are cut into a sound"


@pytest.mark.parametrize("key", SPEECH)
def test_length_fits_the_text(key: str) -> None:
    language, prompt_id = key.split("/")
    text = ENTRIES[prompt_id].text(language) or ""
    seconds = len(samples(PROMPTS / f"{key}.wav")) / RATE
    count = syllables(language, text)
    # 0.12 to 0.4 s a syllable is any unhurried speech; a word alone is longer and has the two margins.
    assert 0.12 * count + 0.1 <= seconds <= 0.4 * count + 0.6, f"{count} syllables in {seconds:.2f} s"
    assert longest_quiet(samples(PROMPTS / f"{key}.wav"), -50) <= 0.7


@pytest.mark.parametrize("key", SPEECH)
def test_sounds_like_speech_in_the_telephone_band(key: str) -> None:
    sound = samples(PROMPTS / f"{key}.wav")
    power = np.abs(np.fft.rfft(sound)) ** 2
    pitch = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert power[(pitch >= 130) & (pitch <= 3500)].sum() / power.sum() > 0.97
    # A tone or a hum has all its power in one place; speech does not.
    strongest = pitch[power.argmax()]
    assert power[np.abs(pitch - strongest) < 15].sum() / power.sum() < 0.6


def test_the_beep_is_its_tone() -> None:
    sound = samples(PROMPTS / "en" / "beep.wav")
    power = np.abs(np.fft.rfft(sound))
    assert abs(np.fft.rfftfreq(len(sound), 1 / RATE)[power.argmax()] - (ENTRIES["beep"].tone_hz or 0)) < 5


@pytest.mark.parametrize("key", JOINED)
def test_a_joined_prompt_speaks_chinese_then_english(key: str) -> None:
    source = ENTRIES[key.split("/")[1]].join
    joined, first, second = (samples(PROMPTS / f"{name}.wav") for name in (key, f"zh/{source}", f"en/{source}"))
    assert np.abs(joined[: len(first)] - first).max() < 1e-3
    assert np.abs(joined[-len(second) :] - second).max() < 1e-3
    assert 0.2 <= (len(joined) - len(first) - len(second)) / RATE <= 0.6


def test_rendered_record_agrees_with_texts_and_files() -> None:
    wanted = render.jobs(ENTRIES)
    assert {job.key for job in wanted} == set(FILES + JOINED)
    assert set(render.read_record(PROMPTS)) == {job.key for job in wanted}
    assert render.stale(PROMPTS, wanted) == [], "run `make prompts`"
    on_disk = {f"{path.parent.name}/{path.stem}" for path in PROMPTS.glob("*/*.wav")}
    assert on_disk == set(FILES + JOINED), "a file that no text asks for"


def test_audio_in_the_repository_stays_small() -> None:
    everything = [*PROMPTS.glob("*/*.wav"), *MUSIC.glob("*.wav")]
    assert sum(path.stat().st_size for path in everything) < 4_000_000


def test_a_changed_text_makes_only_its_own_files_stale() -> None:
    changed = dict(ENTRIES)
    changed["apology_wait"] = msgspec.structs.replace(ENTRIES["apology_wait"], en="One moment, please.")
    assert [job.key for job in render.stale(PROMPTS, render.jobs(changed))] == ["en/apology_wait", "both/apology_both"]


def test_a_changed_voice_makes_its_language_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VOICES, "en", msgspec.structs.replace(VOICES["en"], speed=1.1))
    keys = [job.key for job in render.stale(PROMPTS, render.jobs(ENTRIES))]
    assert keys == [key for key in SPEECH if key.startswith("en/")] + JOINED


def test_render_command_makes_what_is_missing_and_then_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts.toml").write_text('[pip]\nzh = "（响）"\nen = "(pip)"\ntone_hz = 800.0\ntone_seconds = 0.3\n')
    command = ["--prompts", str(tmp_path)]
    assert render.main([*command, "--check"]) == 1
    assert render.main(command) == 0
    made = (tmp_path / "zh" / "pip.wav").read_bytes()
    assert len(samples(tmp_path / "zh" / "pip.wav")) == round(0.4 * RATE)
    assert render.main([*command, "--check"]) == 0
    (tmp_path / "zh" / "pip.wav").write_bytes(made[:-2] + b"\1\1")
    assert render.main([*command, "--check"]) == 1, "an edited file is noticed"
    assert render.main(command) == 0
    assert (tmp_path / "zh" / "pip.wav").read_bytes() == made
    assert "zh/pip is missing or changed" in capsys.readouterr().err


def test_render_command_says_what_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.toml").write_text('[hello]\nen = "Hello."\n')
    assert render.main(["--prompts", str(tmp_path)]) == 2
    assert "--voices" in capsys.readouterr().err
    assert render.main(["--prompts", str(tmp_path / "nowhere")]) == 2


def folder_with(tmp_path: Path, texts: str, *keys: str) -> Path:
    """A prompt folder with these texts, and a beep as audio of each key."""
    (tmp_path / "texts.toml").write_text(texts, encoding="utf-8")
    for key in keys:
        path = tmp_path / f"{key}.wav"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(wav_bytes(tone(500, 0.4)))
    return tmp_path


def test_store_finds_every_prompt_of_the_demo_site() -> None:
    store = PromptStore(PROMPTS)
    assert store.ids() == tuple(ENTRIES)
    for prompt_id in store.ids():
        for language in LANGUAGES:
            found = store.resolve(prompt_id, (language,))
            assert Path(found.path_without_extension).is_absolute()
            assert Path(found.path_without_extension + ".wav").is_file()
            assert found.seconds == len(samples(Path(found.path_without_extension + ".wav"))) / RATE
    assert store.resolve("welcome", ("zh", "en")).text == "您好，欢迎致电蜀葵客服中心。"
    assert store.texts("welcome")["en"] == "Welcome to the Hollyhock service centre."


def test_store_falls_back_in_the_order_asked_for(tmp_path: Path) -> None:
    store = PromptStore(folder_with(tmp_path, '[hi]\nzh = "好"\nen = "Hi"\n', "en/hi"))
    assert store.languages("hi") == ("en",)
    assert store.texts("hi") == {"zh": "好", "en": "Hi"}
    path = str(tmp_path.resolve() / "en" / "hi")
    assert store.resolve("hi", ("zh", "en")) == ResolvedPrompt(path, "en", "Hi", 0.5)
    with pytest.raises(PromptMissing) as missing:
        store.resolve("hi", ("zh",))
    assert (missing.value.prompt_id, missing.value.languages) == ("hi", ("zh",))


def test_store_serves_a_joined_prompt_in_every_language() -> None:
    store = PromptStore(PROMPTS)
    found = store.resolve("apology_both", ("en",))
    assert found.language == BOTH
    assert found.text.startswith("非常抱歉，系统正在恢复，请不要挂机。 We are sorry: our system is restarting")
    assert store.languages("apology_both") == (BOTH,)


def test_store_refuses_unknown_ids_by_type() -> None:
    store = PromptStore(PROMPTS)
    for ask in (store.texts, store.languages):
        with pytest.raises(PromptMissing):
            ask("../../etc/passwd")
    with pytest.raises(PromptMissing):
        store.resolve("nothing", ("zh", "en"))
    with pytest.raises(PromptMissing):
        store.resolve("welcome", ())


def test_store_reads_no_file_after_construction(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, '[hi]\nen = "Hi"\n', "en/hi")
    store = PromptStore(folder)
    (folder / "en" / "hi.wav").unlink()
    (folder / "texts.toml").unlink()
    assert store.resolve("hi", ("en",)).seconds == 0.5


def test_store_refuses_audio_that_asterisk_could_not_play(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, '[hi]\nen = "Hi"\n', "en/hi")
    path = folder / "en" / "hi.wav"
    good = path.read_bytes()
    extensible = good[:20] + struct.pack("<H", 0xFFFE) + good[22:]
    fast = good[:24] + struct.pack("<I", 16000) + good[28:]
    for bad in (extensible, fast, good[:30], b"", b"ID3 not a wave file"):
        path.write_bytes(bad)
        with pytest.raises(PromptFolderError, match="hi.wav"):
            PromptStore(folder)


@pytest.mark.parametrize(
    "texts",
    [
        "[hi\n",
        "[hi]\n",
        '[hi]\nfr = "Salut"\n',
        '[hi]\njoin = "nobody"\n',
        '["../hi"]\nen = "Hi"\n',
        '[hi]\nen = "Hi"\ntone_hz = 500.0\n',
    ],
)
def test_store_refuses_malformed_texts(tmp_path: Path, texts: str) -> None:
    with pytest.raises(PromptFolderError, match="texts.toml"):
        PromptStore(folder_with(tmp_path, texts))


def loop() -> Samples:
    """The part of the music file that Asterisk plays: it leaves out the last 22 samples of any WAV file."""
    return samples(MUSIC / "hollyhock.wav")[:-22]


def test_music_is_calm_and_never_silent() -> None:
    music = loop()
    assert 60 <= len(music) / RATE <= 90
    assert -25 <= 10 * np.log10((music**2).mean()) <= -23
    assert 20 * np.log10(np.abs(music).max()) <= -6
    # Twice in a row, as it loops: a pause over the seam counts too.
    assert longest_quiet(np.concatenate([music, music]), -40) <= 0.4
    by_second = levels(music, 1.0)
    assert by_second.max() - by_second.min() < 10, "no sudden loud second"


def test_music_loops_without_a_click() -> None:
    music = loop()
    assert (samples(MUSIC / "hollyhock.wav")[-22:] == music[:22]).all(), "the unread end repeats the beginning"
    seam = np.concatenate([music[-400:], music[:400]])
    # A click is a jump of the slope: compare with what the piece does everywhere else.
    bend = np.abs(np.diff(np.concatenate([music, music[:2]]), 2))
    assert np.abs(np.diff(seam, 2)).max() <= np.percentile(bend, 99.9)
    assert abs(levels(music[-4000:], 0.5)[0] - levels(music[:4000], 0.5)[0]) < 6


def test_music_is_music_and_heard_on_a_telephone() -> None:
    music = loop()
    power = np.abs(np.fft.rfft(music)) ** 2
    pitch = np.fft.rfftfreq(len(music), 1 / RATE)
    assert power[(pitch > 200) & (pitch < 3400)].sum() / power.sum() > 0.9
    # Many notes: the twelve strongest semitones hold most of the power, none of them half of it.
    sung = pitch > 100
    semitone = np.round(12 * np.log2(pitch[sung] / 440)).astype(int)
    share = np.sort(np.bincount(semitone - semitone.min(), weights=power[sung]))[::-1] / power[sung].sum()
    assert share[0] < 0.5 and (share > 0.01).sum() >= 10


def test_music_file_is_what_the_score_makes() -> None:
    spec = importlib.util.spec_from_file_location("compose", MUSIC / "compose.py")
    assert spec is not None and spec.loader is not None
    compose = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compose)
    made = compose.finish(compose.compose())
    kept = loop()
    assert len(made) == len(kept)
    # Another build of numpy may round the last bit otherwise.
    assert np.abs(made - kept).max() < 1e-3
