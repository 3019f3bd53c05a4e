"""Checks of what the site brings: the server itself, its pages, the site file, flows, prompts, certificates."""

from __future__ import annotations

import ipaddress
import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctiserver import site
from ctiserver.doctor.report import Finding, fault, ok, warning
from ctiserver.doctor.subject import Subject
from ctiserver.model.site import SiteConfig
from ivr.flow.inspect import Issue
from ivr.speech.catalogue import PromptFolderError
from ivr.speech.prompts import PromptStore

EXPIRES_SOON = 14 * 86_400
_MOST = 8
_MISSING = {
    "switch": "no link to Asterisk (see ARI)",
    "journal": "the journal cannot be written (see disk)",
    "people": "nobody can log in yet (see database)",
}


def server(subject: Subject) -> Iterator[Finding]:
    """Does it answer, is it ready?"""
    answer, ready = subject.ask("/readyz"), subject.ready()
    if ready is not None and ready.ready and not ready.degraded:
        yield ok("server", f"ready at {subject.settings.http.url}")
    elif ready is not None and ready.ready:
        yield warning("server", f"ready, but works without: {', '.join(ready.degraded)}", "see below")
    elif ready is not None:
        why = "; ".join(_MISSING.get(name, name) for name in ready.missing)
        yield fault("server", f"not ready for calls: {why}", "put that right; it becomes ready by itself")
    elif subject.server is not None:
        said = answer.why or f"it answers with status {answer.status}"
        yield fault(
            "server",
            f"process {subject.server.pid} lives, and does not answer: {said}",
            f"the supervisor ends a stuck one; else kill {subject.server.pid}, then look at log/server.log",
        )
    elif subject.used:
        yield warning(
            "server", "is not running", "start it: make up, or hollyhock up; log/server.log says how it ended"
        )
    else:
        yield ok("server", "has never run here")


def faults(subject: Subject) -> Iterator[Finding]:
    """What the server itself has found wrong, and repaired, since yesterday."""
    since = time.time() - 86_400
    try:
        files = [path for path in (subject.home / "faults").iterdir() if path.stat().st_mtime > since]
    except FileNotFoundError:
        files = []
    if files:
        newest = max(files, key=lambda path: path.stat().st_mtime)
        yield warning(
            "faults", f"{len(files)} found by the server in 24 hours, the newest: {newest.name}",
            "they were repaired; report them with their files in HOME/faults (operator guide, Faults)",
        )  # fmt: skip
    else:
        yield ok("faults", "none found by the server in 24 hours")


def pages(subject: Subject) -> Iterator[Finding]:
    """Are the built web pages there? A wheel has them, a checkout after its first build."""
    static = Path(site.__file__).parent.parent / "agent_desktop" / "static"
    if (static / "index.html").is_file():
        yield ok("web pages", "built")
    else:
        yield fault("web pages", f"{static} has no index.html", "make web")


def site_file(subject: Subject) -> Iterator[Finding]:
    """Do site.toml and the flows load, has every flow its prompts?"""
    folder = subject.home / "site"
    try:
        own = (folder / "site.toml").exists()
        prompts = PromptStore(site.PROMPTS)
    except (OSError, PromptFolderError) as error:
        yield fault("site", str(error), "run the doctor as the folder's owner; install Hollyhock anew")
        return
    toml, flows = (folder / "site.toml", folder / "flows") if own else (site.DEMO_SITE, site.DEMO_FLOWS)
    sounds = subject.settings.sounds / "prompts"
    try:
        config, issues = site.read(toml, flows, prompts, sounds)
    except site.BadSite as error:
        for text in error.faults[:_MOST]:
            yield fault("site", f"{error.file}: {text}", "correct it before the next start: with it no server comes up")
        if len(error.faults) > _MOST:
            yield fault("site", f"{len(error.faults) - _MOST} more faults", "correct the first ones and look again")
        return
    counts = f"{len(config.numbers)} numbers, {len(config.queues)} queues, {len(config.agents)} agents"
    yield ok("site", f"{toml}: {counts}" if own else "none yet: the first start makes the demo site")
    if own and config.demo:
        yield warning(
            "site", "demo = true: whoever reaches the pages sees customers and can call", "remove it when live"
        )
    yield from _flows(config, issues)
    yield from _prompts(subject, config, issues)


def _flows(config: SiteConfig, issues: list[tuple[str, Issue]]) -> Iterator[Finding]:
    others = [(flow, issue) for flow, issue in issues if issue.code != "missing_prompt"]
    for flow, issue in others[:_MOST]:
        place = ".".join(part for part in (flow, issue.node, issue.field) if part)
        told = f"{place}: {issue.code.replace('_', ' ')}: {issue.detail}"
        if issue.severity == "error":
            yield fault("flows", told, "correct the flow, raise its revision, restart the server")
        else:
            yield warning("flows", told, "correct the flow if it is not meant so")
    if len(others) > _MOST:
        yield warning("flows", f"{len(others) - _MOST} more findings", "correct the first ones and look again")
    if not others:
        yield ok("flows", f"{', '.join(flow.id for flow in config.flows)}: nothing to say against")


def _prompts(subject: Subject, config: SiteConfig, issues: list[tuple[str, Issue]]) -> Iterator[Finding]:
    """What the flows say, in every language; and whether Asterisk has the files."""
    missing = [(flow, issue) for flow, issue in issues if issue.code == "missing_prompt"]
    for flow, issue in missing[:_MOST]:
        place = ".".join(part for part in (flow, issue.node) if part)
        yield fault(
            "prompts", f"{place} says {issue.detail}, which has no sound file", "ivr/prompts, then make prompts"
        )
    if len(missing) > _MOST:
        yield fault(
            "prompts", f"{len(missing) - _MOST} more prompts have no sound file", "ivr/prompts, then make prompts"
        )
    if subject.asterisk is not None or subject.elsewhere:
        files = [Path(uri.removeprefix("sound:") + ".wav") for uris in config.prompts.values() for uri in uris.values()]
        try:
            gone = [path for path in files if not path.is_file()]
        except OSError:  # closed to us: Asterisk's own folder
            return
        if gone:
            advice = (
                "copy ivr/prompts there (operator guide)" if subject.elsewhere else "restart Asterisk: it copies them"
            )
            yield fault("prompts", f"{len(gone)} of {len(files)} are not where Asterisk reads them: {gone[0]}", advice)
            return
    if not missing:
        yield ok("prompts", f"every prompt of every flow is there in {', '.join(config.languages)}")


def certificate(subject: Subject) -> Iterator[Finding]:
    """Does the key fit, is it valid now and for a while, does it name our host?"""
    http = subject.settings.http
    if http.certificate is None or http.key is None:
        yield ok("certificate", "none: pages are served on this machine only")
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(http.certificate, http.key, password="")
    except ssl.SSLError as error:
        told = (
            "the key does not fit the certificate" if "MISMATCH" in str(error) else "certificate or key is no PEM file"
        )
        if "BAD_DECRYPT" in str(error) or "bad decrypt" in str(error) or "password" in str(error).lower():
            told = "the key is encrypted or damaged"
        yield fault(
            "certificate", f"{told} ({http.certificate}, {http.key})", "set HOLLYHOCK_TLS_CERT and HOLLYHOCK_TLS_KEY"
        )
        return
    except (OSError, ValueError) as error:
        yield fault("certificate", f"cannot be read: {error}", "set HOLLYHOCK_TLS_CERT and HOLLYHOCK_TLS_KEY")
        return
    if http.key.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield warning("certificate", f"others may read the key {http.key}", f"chmod 600 {http.key}")
    known = _decoded(http.certificate)
    if known is None:
        yield ok("certificate", "the key fits; its dates and names are not known with this Python")
        return
    yield from _dates(known)
    yield from _names(known, http.host)


def _decoded(path: Path) -> dict[str, Any] | None:
    """The first certificate of a PEM file. The standard library decodes one only here, in its test door."""
    decode = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)
    if decode is None:
        return None
    found: dict[str, Any] = decode(str(path))
    return found


def _dates(known: dict[str, Any]) -> Iterator[Finding]:
    begins, ends = ssl.cert_time_to_seconds(known["notBefore"]), ssl.cert_time_to_seconds(known["notAfter"])
    now, day = time.time(), time.strftime("%Y-%m-%d", time.gmtime(ends))
    if now > ends:
        yield fault("certificate", f"has expired on {day}: browsers refuse the pages", "renew it, restart the server")
    elif now < begins:
        yield fault("certificate", "is not valid yet: browsers refuse the pages", "look at the clock, or wait")
    elif ends - now < EXPIRES_SOON:
        left = (ends - now) / 86_400
        yield warning("certificate", f"expires on {day}, in {left:.0f} days", "renew it, restart the server")
    else:
        yield ok("certificate", f"the key fits, valid until {day}")
    if known.get("issuer") == known.get("subject"):
        yield warning("certificate", "is signed by itself: browsers warn of it", "take one that the browsers trust")


def _names(known: dict[str, Any], host: str) -> Iterator[Finding]:
    names = [value for kind, value in known.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    if not names:
        yield fault(
            "certificate", "names no host (subjectAltName): browsers refuse it", "have it made anew with the name"
        )
    elif host in ("0.0.0.0", "::"):
        yield ok("certificate", f"is for {', '.join(names)}", "people must use one of these names")
    elif not any(_fits(name, host) for name in names):
        yield fault(
            "certificate", f"is for {', '.join(names)}, the server's name is {host}",
            "set HOLLYHOCK_HTTP to such a name, or have a certificate made for it",
        )  # fmt: skip


def _fits(name: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(host)
    except ValueError:
        pass
    name, host = name.lower(), host.lower()
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:] != "")
