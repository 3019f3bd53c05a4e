"""What the doctor says: findings, their table, their JSON.

Here: the form. Faults come last, right above the prompt, because that is where tired eyes are. Not here: any check.
"""

from __future__ import annotations

import textwrap
from enum import StrEnum

import msgspec
from rich.console import Console
from rich.text import Text


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what is so, one of what to do (empty when there is nothing to do). No secrets, no personal data."""

    name: str
    state: State
    what: str
    do: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    home: str
    seconds: float
    findings: tuple[Finding, ...]
    given_up: tuple[str, ...] = ()
    """checks that did not come to an end"""

    @property
    def worst(self) -> State:
        found = [finding.state for finding in self.findings]
        return next((state for state in (State.FAULT, State.WARNING) if state in found), State.OK)


def ok(name: str, what: str, do: str = "") -> Finding:
    return Finding(name=name, state=State.OK, what=what, do=do)


def warning(name: str, what: str, do: str) -> Finding:
    return Finding(name=name, state=State.WARNING, what=what, do=do)


def fault(name: str, what: str, do: str) -> Finding:
    return Finding(name=name, state=State.FAULT, what=what, do=do)


_ORDER = (State.OK, State.WARNING, State.FAULT)
_LOOK = {State.OK: ("ok", "green"), State.WARNING: ("warning", "bold yellow"), State.FAULT: ("FAULT", "bold red")}
_NAME = 12
_INDENT = 9 + _NAME + 2


def as_json(report: Report) -> str:
    fields = {
        "version": report.version,
        "home": report.home,
        "seconds": report.seconds,
        "worst": report.worst,
        "checks": report.findings,
    }
    return msgspec.json.format(msgspec.json.encode(fields)).decode()


def show(report: Report, console: Console) -> None:
    """As a table; with colour on a terminal, else plain and unfolded, one or two lines a check."""
    width = console.width if console.is_terminal else 10_000
    for state in _ORDER:
        for finding in report.findings:
            if finding.state is state:
                console.print(_lines(finding, width), soft_wrap=True, highlight=False)
    console.print(_summary(report), soft_wrap=True, highlight=False)


def _lines(finding: Finding, width: int) -> Text:
    word, style = _LOOK[finding.state]
    text = Text()
    text.append(f"{word:<9}", style)
    text.append(f"{finding.name:<{_NAME}}  ", "bold")
    text.append(_folded(finding.what, width))
    if finding.do:
        text.append(f"\n{' ' * _INDENT}")
        text.append(_folded(f"-> {finding.do}", width), "" if finding.state is State.OK else "cyan")
    return text


def _folded(text: str, width: int) -> str:
    room = max(30, width - _INDENT - 1)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * _INDENT}".join(lines)


def _summary(report: Report) -> Text:
    counts = {state: sum(finding.state is state for finding in report.findings) for state in _ORDER}
    text = Text(f"\nhollyhock {report.version}, {report.home}: ")
    parts = [(f"{counts[State.OK]} ok", "green")]
    parts += [(f"{counts[State.WARNING]} warning(s)", "bold yellow")] if counts[State.WARNING] else []
    parts += [(f"{counts[State.FAULT]} fault(s)", "bold red")] if counts[State.FAULT] else []
    for place, (words, style) in enumerate(parts):
        text.append(", " if place else "")
        text.append(words, style)
    text.append(f"  ({report.seconds:.1f} s)", "dim")
    return text
