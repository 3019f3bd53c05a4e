"""`python -m ivr.speech.render`: makes the audio of every prompt whose text, voice or shaping changed.

Lives here: what is stale, the record of what was rendered (`rendered.toml`), the command line. Must not live here:
synthesis (kokoro.py), shaping (telephone.py). `rendered.toml` holds two SHA-256 sums per file: `source`, of all that
decides how the prompt sounds, and `audio`, of the file itself, so a clone knows without the model that nothing is
stale, and an edited file is noticed.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ivr.speech.catalogue import BOTH, LANGUAGES, Entry, PromptFolderError, read_entries
from ivr.speech.kokoro import MODEL_NAME, SAMPLE_RATE, SENTENCE_PAUSE, VOICES, Kokoro, SynthesisError
from ivr.speech.telephone import RATE, Samples, narrow_to_telephone, read_wav, set_level, tone, trim, wav_bytes

RENDERED_FILE = "rendered.toml"
SHAPING = "band 130-3500, speech -20 dBFS, peak -3.2 dBFS, margins 50 ms"
"""Part of every source sum: change it whenever telephone.py would make other audio of the same speech."""

JOIN_PAUSE_SECONDS = 0.4

Speak = Callable[[str, str], Samples]
"""(text, language) to samples of kokoro.SAMPLE_RATE."""


class Rendered(msgspec.Struct, frozen=True):
    """Sums of one audio file: of what it was made from, and of its bytes."""

    source: str
    audio: str


class Job(msgspec.Struct, frozen=True):
    """One file to have: FOLDER/language/prompt_id.wav."""

    language: str
    prompt_id: str
    entry: Entry
    source: str

    @property
    def key(self) -> str:
        """The file's path in the prompt folder without extension."""
        return f"{self.language}/{self.prompt_id}"


def jobs(entries: dict[str, Entry]) -> list[Job]:
    """Every file the texts ask for; joined prompts last, because they are made from the others' files."""
    single: list[Job] = []
    joined: list[Job] = []
    for prompt_id, entry in entries.items():
        if entry.join is not None:
            sources = "|".join(_source(entries[entry.join], language) for language in LANGUAGES)
            joined.append(Job(BOTH, prompt_id, entry, _sum(f"join|{JOIN_PAUSE_SECONDS}|{sources}".encode())))
            continue
        single += [
            Job(language, prompt_id, entry, _source(entry, language)) for language in LANGUAGES if entry.text(language)
        ]
    return single + joined


def stale(folder: Path, wanted: list[Job]) -> list[Job]:
    """Jobs whose file is missing, was edited by hand, or was made from something else than it would be now."""
    record = read_record(folder)
    out = []
    for job in wanted:
        path, known = folder / f"{job.key}.wav", record.get(job.key)
        fresh = known is not None and known.source == job.source and path.is_file()
        if known is None or not fresh or _sum(path.read_bytes()) != known.audio:
            out.append(job)
    return out


def make(folder: Path, job: Job, speak: Speak) -> bytes:
    """The WAV file of one job. Raises SynthesisError when the text gives no sound."""
    if job.entry.join is not None:
        pause = np.zeros(round(JOIN_PAUSE_SECONDS * RATE), np.float32)
        first, second = (read_wav((folder / name / f"{job.entry.join}.wav").read_bytes()) for name in LANGUAGES)
        return wav_bytes(np.concatenate([first, pause, second]))
    if job.entry.tone_hz is not None and job.entry.tone_seconds is not None:
        return wav_bytes(tone(job.entry.tone_hz, job.entry.tone_seconds))
    spoken = trim(narrow_to_telephone(speak(job.entry.speech(job.language), job.language), SAMPLE_RATE))
    if not len(spoken):
        raise SynthesisError(f"{job.key}: the synthesiser was silent")
    return wav_bytes(set_level(spoken))


def read_record(folder: Path) -> dict[str, Rendered]:
    """What rendered.toml says; empty when there is none. Raises PromptFolderError when it is malformed."""
    path = folder / RENDERED_FILE
    if not path.is_file():
        return {}
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, Rendered])
    except (OSError, msgspec.DecodeError) as error:
        raise PromptFolderError(f"{path}: {error}") from error


def write_record(folder: Path, record: dict[str, Rendered], wanted: list[Job]) -> None:
    """Writes rendered.toml in the order of the jobs, without entries that no text asks for any more."""
    lines = ["# Written by `make prompts`; do not edit. Sums of what each file was made from, and of the file.\n"]
    for job in wanted:
        if job.key in record:
            one = record[job.key]
            lines.append(f'\n["{job.key}"]\nsource = "{one.source}"\naudio = "{one.audio}"\n')
    (folder / RENDERED_FILE).write_text("".join(lines), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns 0 when every prompt is up to date at the end, 1 when `--check` found stale ones,
    2 on error.
    """
    parser = argparse.ArgumentParser(prog="python -m ivr.speech.render", description="Render the spoken prompts.")
    parser.add_argument("--prompts", type=Path, default=Path("ivr/prompts"), help="folder of texts.toml")
    parser.add_argument("--voices", type=Path, help="the kokoro-js npm package (.tgz), or a folder of its voices")
    parser.add_argument("--check", action="store_true", help="render nothing; say what is missing or changed")
    parser.add_argument("--all", action="store_true", help="render also what is up to date")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        wanted = jobs(read_entries(options.prompts))
        todo = wanted if options.all else stale(options.prompts, wanted)
        if options.check or not todo:
            console.print(f"{len(wanted) - len(todo)} of {len(wanted)} prompts are up to date")
            for job in todo:
                console.print(f"  {job.key} is missing or changed")
            return 1 if todo else 0
        _render(options.prompts, options.voices, wanted, todo, console)
    except (PromptFolderError, SynthesisError, OSError) as error:
        console.print(f"prompts: {error}", style="red", markup=False)
        return 2
    return 0


def _render(folder: Path, voices: Path | None, wanted: list[Job], todo: list[Job], console: Console) -> None:
    record = read_record(folder)
    speak: Speak | None = None
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("loading the model", total=len(todo))
        for job in todo:
            if speak is None and job.entry.join is None and job.entry.tone_hz is None:
                if voices is None:
                    raise SynthesisError("--voices is needed to render speech")
                speak = Kokoro(voices).speak
            progress.update(task, description=job.key)
            data = make(folder, job, speak or _mute)
            path = folder / f"{job.key}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            record[job.key] = Rendered(job.source, _sum(data))
            # After every file: an interrupted run keeps what it made.
            write_record(folder, record, wanted)
            progress.advance(task)


def _mute(text: str, language: str) -> Samples:
    raise SynthesisError(f"no synthesiser for {text!r} in {language}")


def _source(entry: Entry, language: str) -> str:
    if entry.tone_hz is not None:
        return _sum(f"tone|{entry.tone_hz}|{entry.tone_seconds}|{SHAPING}".encode())
    voice = VOICES[language]
    parts = (MODEL_NAME, voice.parts, voice.speed, SENTENCE_PAUSE[language], entry.speech(language), SHAPING)
    return _sum("|".join(str(part) for part in parts).encode())


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
