"""What a campaign leaves behind: a page to read and the same as data. Not here: judging."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.torture.judge import BACK_WITHIN, LONGEST_GAP, Round


class Verdict(msgspec.Struct, kw_only=True):
    """A whole campaign. `faults` are those of its end: books, records, what was left over."""

    cast: str
    seed: int
    rounds: list[Round] = []
    faults: list[str] = []
    turns: int = 0
    rows: int = 0
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return not self.faults and not any(one.faults for one in self.rounds)

    def all_faults(self) -> list[str]:
        found = [f"kill {one.number} ({one.kind}): {fault}" for one in self.rounds for fault in one.faults]
        return found + [f"at the end: {fault}" for fault in self.faults]


def page(verdict: Verdict) -> str:
    rounds: Sequence[Round] = verdict.rounds
    lines = [
        f"# {len(rounds)} kills, cast {verdict.cast}, seed {verdict.seed}: {'good' if verdict.good else 'FAULTS'}",
        "",
        f"Python {platform.python_version()}, {platform.machine()}, {verdict.seconds:.0f} s; {verdict.turns} turns "
        f"folded and decided again, {verdict.rows} rows compared with the fold of the journal.",
        "",
        "Sound from 0.2 s before the kill until the new server was ready, worst of all who talk or wait, in ms. Gap: "
        "longest time without a packet, as measured; net: the same of those who do not hear a browser or softphone, "
        "less what this process and Asterisk's threads were late by themselves; lost: sound that never came. Ready: "
        "from the start of the new process; it had work and no processor for the time in the next column (the machine "
        "was busy with others).",
        "",
        "| Kill | Moment | after | ready | no CPU s | gap | own late | Asterisk's | speakers' | net | lost | faults |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in rounds:
        gap = max((gap for gap, _ in one.gaps.values()), default=0.0)
        cells = [
            f"{one.number}", one.kind, f"{one.moment:.3f}", f"{one.ready:.2f}", f"{one.without_processor:.2f}",
            f"{gap:.0f}", f"{one.own_late:.0f}", f"{one.asterisk_late:.0f}", f"{one.speakers_late:.0f}",
            f"{one.worst_gap():.0f}", f"{one.worst_lost():.0f}", f"{len(one.faults) or ''}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    if rounds:
        ready = [one.ready for one in rounds]
        lost = max(one.worst_lost() for one in rounds)
        lines += ["", f"Ready: median {statistics.median(ready):.2f} s, worst {max(ready):.2f}, limit {BACK_WITHIN}."]
        lines += ["", f"Lost sound: worst {lost:.0f} ms, limit {LONGEST_GAP:.0f} ms."]
    if not verdict.good:
        lines += ["", "## Faults", "", *(f"- {fault}" for fault in verdict.all_faults())]
    return "\n".join(lines) + "\n"


def write(verdict: Verdict, folder: Path) -> Path:
    """Both files; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"kill-{verdict.cast}-{verdict.seed}"
    data = msgspec.to_builtins(verdict) | {"good": verdict.good}
    (folder / f"{name}.json").write_text(json.dumps(data, indent=1, ensure_ascii=False), "utf-8")
    path = folder / f"{name}.md"
    path.write_text(page(verdict), "utf-8")
    return path
