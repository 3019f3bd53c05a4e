"""The prompt store: which file says a prompt in which language, its caption and its length.

Lives here: look-up only. Must not live here: rendering, playing, any choice of what to say. Everything is read once
at construction; afterwards the store is immutable and touches no file, so the dispatcher may ask it at any time.
The format rule (plain 16-bit PCM, 8 kHz, mono) is Asterisk's own: its WAV reader refuses WAVE_FORMAT_EXTENSIBLE.
"""

import struct
from pathlib import Path

import msgspec

from ivr.speech.catalogue import BOTH, PromptFolderError, captions, read_entries

RATE = 8000
"""Samples a second of every prompt file."""


class PromptMissing(Exception):
    """No audio of this prompt in any language asked for."""

    def __init__(self, prompt_id: str, languages: tuple[str, ...]) -> None:
        super().__init__(f"prompt {prompt_id!r} has no audio in {', '.join(languages) or 'no language'}")
        self.prompt_id = prompt_id
        self.languages = languages


class ResolvedPrompt(msgspec.Struct, frozen=True):
    """One playable prompt. The path is absolute and without extension, as Asterisk's `sound:` wants it."""

    path_without_extension: str
    language: str
    text: str
    seconds: float


class PromptStore:
    """All prompts of one folder: `texts.toml` and `LANG/ID.wav`.

    A prompt may lack a language (it is then not offered in it). Raises PromptFolderError at construction when the
    texts cannot be read or an audio file is not plain PCM WAV of 8 kHz, mono, 16 bits.
    """

    def __init__(self, folder: Path) -> None:
        root = folder.resolve()
        entries = read_entries(root)
        self._texts = {prompt_id: captions(entries, prompt_id) for prompt_id in entries}
        self._audio: dict[str, dict[str, ResolvedPrompt]] = {}
        for prompt_id, texts in self._texts.items():
            found: dict[str, ResolvedPrompt] = {}
            for language, text in texts.items():
                path = root / language / f"{prompt_id}.wav"
                if path.is_file():
                    seconds = wav_seconds(path)
                    found[language] = ResolvedPrompt(str(path.with_suffix("")), language, text, seconds)
            self._audio[prompt_id] = found

    def ids(self) -> tuple[str, ...]:
        """Every prompt id, in the order of the texts file, whether or not it has audio."""
        return tuple(self._texts)

    def texts(self, prompt_id: str) -> dict[str, str]:
        """Captions by language. Raises PromptMissing for an unknown id."""
        if prompt_id not in self._texts:
            raise PromptMissing(prompt_id, ())
        return dict(self._texts[prompt_id])

    def languages(self, prompt_id: str) -> tuple[str, ...]:
        """Languages that have audio (`("both",)` for a joined prompt). Raises PromptMissing for an unknown id."""
        if prompt_id not in self._audio:
            raise PromptMissing(prompt_id, ())
        return tuple(self._audio[prompt_id])

    def resolve(self, prompt_id: str, languages: tuple[str, ...]) -> ResolvedPrompt:
        """The prompt in the first of `languages` that has audio; a joined prompt serves every language.

        Raises PromptMissing for an unknown id or when none of the languages has audio.
        """
        found = self._audio.get(prompt_id, {})
        for language in (*languages, BOTH):
            if language in found:
                return found[language]
        raise PromptMissing(prompt_id, languages)


def wav_seconds(path: Path) -> float:
    """Length of a plain PCM WAV file. Raises PromptFolderError when Asterisk could not play it as a prompt."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PromptFolderError(f"{path}: {error}") from error
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise PromptFolderError(f"{path}: not a WAV file")
    position, frame_bytes = 12, 0
    while position + 8 <= len(data):
        name, size = data[position : position + 4], struct.unpack_from("<I", data, position + 4)[0]
        if name == b"fmt " and size >= 16 and position + 24 <= len(data):
            tag, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", data, position + 8)
            if (tag, channels, rate, bits) != (1, 1, RATE, 16):
                raise PromptFolderError(
                    f"{path}: needs plain PCM (tag 1), 1 channel, {RATE} Hz, 16 bits; has tag {tag}, "
                    f"{channels} channels, {rate} Hz, {bits} bits"
                )
        elif name == b"data" and frame_bytes:
            return float(min(size, len(data) - position - 8) // frame_bytes) / RATE
        position += 8 + size + size % 2
    raise PromptFolderError(f"{path}: no audio in the file")
