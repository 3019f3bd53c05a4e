"""Checks of Asterisk: is there one, is it new enough, has it what we load, does it answer, who drives it.

Numbers: 22.8 and 22.10.1 and the list of known faults are measured facts (ADR 1, ADR 4).
"""

from __future__ import annotations

import email.utils
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ctiserver.asterisk import runtime_find
from ctiserver.asterisk.runtime_config import module_names
from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.asterisk.runtime_find import Binary
from ctiserver.doctor.report import Finding, fault, ok, warning
from ctiserver.doctor.subject import PATIENCE, Subject

PREFERRED = (22, 10, 1)
APPLICATION = "hollyhock"
_FIXED_IN = (22, 11, 0)
_KNOWN = (
    "#1946 (stuck: sound and WebRTC block each other; the supervisor restarts it), #2021 (crash by an odd REFER),"
    " #2059 (a re-INVITE that changes codecs), #1966 (a whisper is silent while the caller sends no sound)"
)
_CODECS = ("codec_ulaw.so", "codec_alaw.so", "codec_opus_open_source.so", "res_format_attr_opus.so", "format_wav.so")
_SPEAKS = "u-law, A-law, Opus and the format wav"
_APART = 2.0
_MODULE_FOLDERS = ("/usr/lib/*/asterisk/modules", "/usr/lib/asterisk/modules", "/usr/lib64/asterisk/modules")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def asterisk(subject: Subject) -> Iterator[Finding]:
    """Which one, which version, has it our modules?"""
    if subject.elsewhere:
        yield from _by_ari(subject)
        return
    try:
        binary = runtime_find.find(subject.usable, patience=PATIENCE)
    except CannotStart as error:
        yield fault("Asterisk", str(error), "point HOLLYHOCK_ASTERISK to another one, or unset it")
        return
    on_path = shutil.which("asterisk", path=subject.usable.get("PATH"))
    if on_path and (binary is None or binary.command != (on_path,)) and not subject.usable.get("HOLLYHOCK_ASTERISK"):
        old = runtime_find.version_of((on_path,), patience=PATIENCE)
        told = f"{on_path} is version {old}" if old else f"{on_path} does not say its version"
        yield warning("Asterisk", f"{told} and is not used: 22.8 or later is needed", "upgrade it, or let it be")
    if binary is None:
        if shutil.which("apt-get") and shutil.which("dpkg-deb"):
            yield ok("Asterisk", "none here yet: the first start fetches Debian's (80 MB)")
        else:
            yield fault("Asterisk", "none here", runtime_find.THREE_WAYS)
        return
    yield from _version(binary.version, f"at {binary.command[-1]}")
    if subject.asterisk is None:  # a running one is asked itself
        yield from _on_disk(binary)


def _version(version: str, where: str) -> Iterator[Finding]:
    if not runtime_find.new_enough(version):
        yield fault("Asterisk", f"{version} {where}; 22.8 or later is needed", "upgrade it")
    elif _numbers(version) < PREFERRED:
        yield warning(
            "Asterisk", f"{version} {where}", "take 22.10.1 or later: before, read-only ARI users could do everything"
        )
    elif _numbers(version) < _FIXED_IN:
        yield ok("Asterisk", f"{version} {where}", f"22.11 when your archive has it; known until then: {_KNOWN}")
    else:
        yield ok("Asterisk", f"{version} {where}")


def _by_ari(subject: Subject) -> Iterator[Finding]:
    answer = subject.ask_ari("asterisk/info")
    if answer.status == 200:
        info: dict[str, Any] = msgspec.json.decode(answer.body)
        yield from _version(str(info["system"]["version"]), "as configured by HOLLYHOCK_ASTERISK")
    # that it does not answer is told by `ari`


def _on_disk(binary: Binary) -> Iterator[Finding]:
    folder = binary.modules
    if folder is None:
        places = (path for pattern in _MODULE_FOLDERS for path in sorted(Path("/").glob(pattern[1:])))
        folder = next(places, None)
    if folder is None:
        yield warning("modules", "their folder is not known for this Asterisk", "run the doctor again when it runs")
        return
    try:
        there = {path.name for path in folder.iterdir()}
    except OSError as error:
        yield fault("modules", f"{folder} cannot be read: {error.strerror}", "install Asterisk's modules")
        return
    yield from _modules(there, f"in {folder}", "install the package that has them (Debian: asterisk-modules)")


def _modules(there: set[str], where: str, advice: str) -> Iterator[Finding]:
    wanted = module_names()
    missing = [name for name in wanted if name not in there]
    silent = [name for name in missing if name in _CODECS]
    if missing:
        yield fault("modules", f"{len(missing)} of {len(wanted)} are missing {where}: {', '.join(missing)}", advice)
    else:
        yield ok("modules", f"all {len(wanted)} that we load are {where}")
    if silent:
        yield fault("codecs", f"not there: {', '.join(silent)}", f"{advice}: {_SPEAKS} are needed")
    else:
        yield ok("codecs", f"{_SPEAKS} are there")


def ari(subject: Subject) -> Iterator[Finding]:
    """Does it answer, is the application ours, does its clock agree?"""
    if subject.ari is None:
        if subject.ready() is not None:
            yield warning(
                "ARI", "a server runs, but not the Asterisk of this data folder", "look at the supervisor's log"
            )
        else:
            yield ok("ARI", "Asterisk is not running")
        return
    where = subject.ari.url
    answer = subject.ask_ari("asterisk/ping")
    if answer.status == 401:
        yield fault(
            "ARI", f"{where} refuses our user and password", "correct HOLLYHOCK_ASTERISK, or restart everything"
        )
        return
    if answer.status != 200:
        said = answer.why or f"it answers with status {answer.status}"
        advice = (
            "start that Asterisk, and look at its http.conf and ari.conf"
            if subject.elsewhere
            else "the supervisor restarts a stuck one; else look at asterisk/log/console.log in the data folder"
        )
        yield fault("ARI", f"{where}: {said}", advice)
        return
    if apart := _clock_apart(answer.date):
        yield warning("clock", f"Asterisk's clock and ours are {apart:.0f} s apart", "synchronise both machines by NTP")
    yield from _driver(subject, where)
    loaded = subject.ask_ari("asterisk/modules")
    if loaded.status == 200:
        running = {module["name"] for module in msgspec.json.decode(loaded.body) if module["status"] == "Running"}
        yield from _modules(running, "loaded and running", "load them in its modules.conf (ours is in asterisk-config)")
    else:
        yield warning("modules", "Asterisk does not list its modules", "load res_ari_asterisk.so")


def _clock_apart(date: str) -> float:
    """Seconds between its HTTP date and our clock; 0 when they agree as far as whole seconds can tell."""
    try:
        apart = abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return 0.0
    return apart if apart > _APART else 0.0


def _driver(subject: Subject, where: str) -> Iterator[Finding]:
    """Asterisk lists an application only while a program is connected for it."""
    answer = subject.ask_ari(f"applications/{APPLICATION}")
    ready = subject.ready()
    if answer.status == 200 and ready is None and subject.server is None:
        yield fault(
            "ARI",
            f"{where} answers, and a server that is not this folder's has taken our application",
            "find the other server and stop one of the two (operator guide, Log lines)",
        )
    elif answer.status == 200:
        yield ok("ARI", f"{where} answers, one server is connected")
    elif ready is not None:
        yield fault("ARI", f"{where} answers, but our server is not connected to it", "log/server.log says why")
    else:
        yield ok("ARI", f"{where} answers, no server is connected")
