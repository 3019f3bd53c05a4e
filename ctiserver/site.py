"""The site's files: `site.toml`, `flows/*.json`, and the prompts as URIs that the switch can play.

An empty folder is seeded with the demo site; later starts keep what is there. Checking is `acd.config`'s and
`ivr.flow`'s job; this module only reads files. Raises BadSite with one line that names file and fault.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import structlog

from acd.config import BadConfig, load_site
from ctiserver.model.site import SiteConfig
from ivr.flow.document import FlowError, decode
from ivr.flow.inspect import Issue, inspect
from ivr.speech.catalogue import BOTH
from ivr.speech.prompts import PromptStore

log = structlog.get_logger(__name__)

DEMO_SITE = Path(__file__).parent / "demo" / "site.toml"
PROMPTS = Path(__file__).parent.parent / "ivr" / "prompts"
DEMO_FLOWS = Path(__file__).parent.parent / "ivr" / "demo"
_LARGEST = 4_000_000
"""Bytes of a file of the site; the demo's largest has 10 kB."""


class BadSite(Exception):
    """One line: which file, what is wrong. `faults`: the same, one by one."""

    def __init__(self, file: Path, faults: list[str]) -> None:
        super().__init__(f"{file}: {'; '.join(faults)}")
        self.file = file
        self.faults = faults


def load(folder: Path, prompts: PromptStore, sounds: Path) -> SiteConfig:
    """The configuration of this data folder; made from the demo site if there is none. `sounds`: see `uris`."""
    path = folder / "site.toml"
    if not path.exists():
        seed(folder)
    site, issues = read(path, folder / "flows", prompts, sounds)
    for flow, issue in issues:
        log.warning("flow_issue", flow=flow, severity=issue.severity, node=issue.node, issue=issue.code)
    return site


def read(path: Path, flows: Path, prompts: PromptStore, sounds: Path) -> tuple[SiteConfig, list[tuple[str, Issue]]]:
    """These files and nothing else: the configuration, and what is weak in its flows by their ids. Raises BadSite."""
    return check(text(path), path, flows, prompts, sounds)


def check(
    written: str, path: Path, flows: Path, prompts: PromptStore, sounds: Path
) -> tuple[SiteConfig, list[tuple[str, Issue]]]:
    """As `read`, of a text that need not be in the file yet; `path` names it in faults. Raises BadSite."""
    texts = {flow.stem: text(flow) for flow in sorted(flows.glob("*.json"))}
    try:
        site = load_site(written, flows=texts, prompts=uris(prompts, sounds), year=datetime.now(UTC).year)
    except BadConfig as error:
        raise BadSite(path, error.faults) from None
    for flow in site.flows:
        try:
            decode(flow.document)
        except FlowError as error:
            raise BadSite(flows / f"{flow.id}.json", [str(error)]) from None
    return site, issues(site)


def issues(site: SiteConfig) -> list[tuple[str, Issue]]:
    """What is weak in the site's flows, by their ids. Raises FlowError."""
    return [(flow.id, issue) for flow in site.flows for issue in inspect(decode(flow.document), site)]


def text(path: Path) -> str:
    """A plain file of at most 4 MB, as UTF-8; some editors begin it with a byte order mark. Raises BadSite."""
    try:
        if not path.is_file():  # a pipe of that name would keep the start waiting for ever
            raise BadSite(path, ["not a file" if path.exists() else "there is no such file"])
        if path.stat().st_size > _LARGEST:
            raise BadSite(path, [f"larger than {_LARGEST // 1_000_000} MB"])
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSite(path, [str(error)]) from None
    except OSError as error:
        raise BadSite(path, [error.strerror or str(error)]) from None


def seed(folder: Path) -> None:
    """Copy the demo site; the site file last, so a half-made copy is made again."""
    flows = folder / "flows"
    flows.mkdir(parents=True, exist_ok=True)
    for flow in sorted(DEMO_FLOWS.glob("*.json")):
        shutil.copyfile(flow, flows / flow.name)
    temporary = folder / "site.toml.new"
    shutil.copyfile(DEMO_SITE, temporary)
    temporary.rename(folder / "site.toml")


def uris(prompts: PromptStore, sounds: Path) -> dict[str, dict[str, str]]:
    """prompt id -> language -> media URI. `sounds` is the copy of the prompts that Asterisk's user can read."""
    found: dict[str, dict[str, str]] = {}
    for prompt in prompts.ids():
        for language in prompts.languages(prompt):
            if language == BOTH:
                continue  # the dialplan's own apologies
            found.setdefault(prompt, {})[language] = f"sound:{sounds / language / prompt}"
    return found
