"""The documents say what is there: links lead somewhere, settings are all named, generated pages are fresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import machines, state_tables

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")])
DECISIONS = sorted(ROOT.glob("docs/adr/*.md"))

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_VARIABLE = re.compile(r"HOLLYHOCK_[A-Z]+(?:_[A-Z]+)*")

_LOGGED = re.compile(r"\b_?log\.(?:info|warning|error|exception)\(\s*\"([^\"]+)\"")

# Variables of the dialplan, not of the environment.
DIALPLAN = {"HOLLYHOCK_BUSY", "HOLLYHOCK_CONV", "HOLLYHOCK_NUMBER", "HOLLYHOCK_UNTIL"}


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def prose(path: Path) -> str:
    """The text without code blocks: an example in one is no link and no heading."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> list[str]:
    """The anchors of a page's headings, made as GitHub makes them."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(prose(path)))
    return [title.strip().replace(" ", "-") for title in titles]


def broken_links(path: Path) -> Iterator[str]:
    for target in _LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(place):
            yield f"{target}: no such heading in {place.name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_every_link_leads_to_something_that_is_there(path: Path) -> None:
    assert list(broken_links(path)) == []


def python_sources() -> list[Path]:
    """The program's own modules; node_modules may hold Python too."""
    packages = ("ctiserver", "acd", "ivr", "crm", "monitor", "agent_desktop")
    return [path for package in packages for path in sorted(ROOT.glob(f"{package}/**/*.py")) if "web" not in path.parts]


def environment_variables() -> set[str]:
    """What the program reads: every HOLLYHOCK_ name in code, build and web sources."""
    sources = [
        *python_sources(),
        *ROOT.glob("agent_desktop/web/*.ts"),
        *ROOT.glob("scripts/*"),
        ROOT / "Makefile",
    ]
    found: set[str] = set()
    for path in sources:
        found.update(_VARIABLE.findall(path.read_text("utf-8")))
    return found - DIALPLAN


def test_the_readme_names_every_setting_and_no_other() -> None:
    named = set(_VARIABLE.findall((ROOT / "README.md").read_text("utf-8")))
    assert named == environment_variables()


def test_the_guides_name_no_setting_that_does_not_exist() -> None:
    for path in DOCUMENTS:
        unknown = set(_VARIABLE.findall(path.read_text("utf-8"))) - environment_variables() - DIALPLAN
        assert not unknown, f"{path.name}: {sorted(unknown)}"


@pytest.mark.parametrize("path", DECISIONS, ids=names(DECISIONS))
def test_every_decision_has_its_three_parts_and_its_number(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert text.startswith(f"# {int(path.name[:4])}. ")


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_operator_guide_explains_every_line_of_the_log() -> None:
    """What is logged while serving. The words of a line are its first argument."""
    guide = (ROOT / "docs/operator-guide.md").read_text("utf-8")
    lines: set[str] = set()
    for path in python_sources():
        lines.update(_LOGGED.findall(path.read_text("utf-8")))
    assert "slow_turn" in lines
    assert sorted(line for line in lines if line not in guide) == []


def test_the_state_tables_are_what_the_code_does() -> None:
    fresh = state_tables.render()
    assert state_tables.TARGET.read_text("utf-8") == fresh, "run: python -m tests.docs.state_tables"


def test_the_state_machines_are_those_of_the_reviewed_tables() -> None:
    fresh = machines.render()
    assert machines.TARGET.read_text("utf-8") == fresh, "run: python -m tests.docs.machines"
