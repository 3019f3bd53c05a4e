"""The written side of the prompts: reads `texts.toml`.

Lives here: the shape of one entry, the languages, the rule for a joined prompt. Must not live here: audio, paths of
audio files, the synthesiser. No number in this file comes from anywhere else: the texts are the project's own.
"""

from pathlib import Path

import msgspec

LANGUAGES = ("zh", "en")
"""Languages every prompt has, in the order a joined prompt speaks them."""

BOTH = "both"
"""The language name, and folder, of a prompt that speaks all languages in one file."""

TEXTS_FILE = "texts.toml"


class PromptFolderError(Exception):
    """The prompt folder cannot be used: a missing or malformed texts file, or audio in a wrong format."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One prompt as written: either texts (with an optional tone), or the id whose languages it joins."""

    zh: str | None = None
    en: str | None = None
    spoken: dict[str, str] = {}
    join: str | None = None
    tone_hz: float | None = None
    tone_seconds: float | None = None

    def text(self, language: str) -> str | None:
        """The caption in one of LANGUAGES, None when there is none."""
        return self.zh if language == "zh" else self.en if language == "en" else None

    def speech(self, language: str) -> str:
        """What the synthesiser is given: `spoken` when it has the language, else the caption."""
        return self.spoken.get(language) or self.text(language) or ""


def read_entries(folder: Path) -> dict[str, Entry]:
    """All entries of FOLDER/texts.toml by prompt id, in file order.

    Raises PromptFolderError when the file is missing, malformed, or an entry is neither a full text nor a join.
    """
    path = folder / TEXTS_FILE
    try:
        entries = msgspec.toml.decode(path.read_bytes(), type=dict[str, Entry])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PromptFolderError(f"{path}: {error}") from error
    for prompt_id, entry in entries.items():
        if not prompt_id.replace("_", "").isalnum() or not prompt_id.isascii():
            raise PromptFolderError(f"{path}: prompt id {prompt_id!r} is not letters, digits and underscores")
        if entry.join is not None:
            source = entries.get(entry.join)
            if source is None or source.join is not None:
                raise PromptFolderError(f"{path}: {prompt_id} joins {entry.join!r}, which is not a prompt with texts")
        elif not any(entry.text(language) for language in LANGUAGES):
            raise PromptFolderError(f"{path}: {prompt_id} has no text")
        if (entry.tone_hz is None) != (entry.tone_seconds is None):
            raise PromptFolderError(f"{path}: {prompt_id} needs both tone_hz and tone_seconds")
    return entries


def captions(entries: dict[str, Entry], prompt_id: str) -> dict[str, str]:
    """Captions of one prompt by language, in the order of LANGUAGES; a joined prompt has the one language BOTH."""
    entry = entries[prompt_id]
    source = entries[entry.join] if entry.join is not None else entry
    texts = {language: text for language in LANGUAGES if (text := source.text(language))}
    return texts if entry.join is None else {BOTH: " ".join(texts.values())}
