"""The site's files: `site.toml`, `flows/*.json`, and the prompts as URIs that the switch can play.

An empty folder is seeded with the demo site; later starts keep what is there. Checking is `acd.config`'s and
`ivr.flow`'s job; this module only reads files. Raises BadSite with one line that names file and fault.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import structlog

from acd.config import BadConfig, load_site
from ctiserver.model.site import SiteConfig
from ivr.flow.document import FlowError, decode
from ivr.flow.inspect import inspect
from ivr.speech.catalogue import BOTH
from ivr.speech.prompts import PromptStore

log = structlog.get_logger(__name__)

DEMO_SITE = Path(__file__).parent / "demo" / "site.toml"
PROMPTS = Path(__file__).parent.parent / "ivr" / "prompts"
DEMO_FLOWS = Path(__file__).parent.parent / "ivr" / "demo"


class BadSite(Exception):
    """One line: which file, what is wrong."""


def load(folder: Path, prompts: PromptStore, sounds: Path) -> SiteConfig:
    """The configuration of this data folder; made from the demo site if there is none. `sounds`: see `uris`."""
    path = folder / "site.toml"
    if not path.exists():
        seed(folder)
    try:
        flows = {flow.stem: flow.read_text("utf-8") for flow in sorted((folder / "flows").glob("*.json"))}
        site = load_site(path.read_text("utf-8"), flows=flows, prompts=uris(prompts, sounds))
    except (BadConfig, UnicodeDecodeError) as error:
        raise BadSite(f"{path}: {error}") from None
    except OSError as error:
        raise BadSite(f"{path}: {error.strerror}") from None
    for flow in site.flows:
        try:
            document = decode(flow.document)
        except FlowError as error:
            raise BadSite(f"{folder / 'flows' / flow.id}.json: {error}") from None
        for issue in inspect(document, site):
            log.warning("flow_issue", flow=flow.id, severity=issue.severity, node=issue.node, issue=issue.code)
    return site


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
