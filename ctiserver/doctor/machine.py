"""Checks of the machine: settings, data folder, disk, ports, limits, memory, clock.

Numbers: the journal grows by some 10 MB and the recordings by some GB a busy day, so 2 GB is a night's warning and
200 MB is where a start should not be tried; a desktop costs three descriptors and a call about fifteen, so 4,096 carry
500 desktops or the default range of RTP ports; server and Asterisk together take 200 - 300 MB.
"""

from __future__ import annotations

import difflib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from ctiserver.asterisk.runtime_config import folders
from ctiserver.asterisk.runtime_user import blocked_at, service_user
from ctiserver.doctor import probe
from ctiserver.doctor.report import Finding, fault, ok, warning
from ctiserver.doctor.subject import Subject
from ctiserver.settings import NAMES

DISK_LOW, DISK_FULL = 2_000_000_000, 200_000_000
MEMORY_LOW, MEMORY_GONE = 512_000_000, 128_000_000
FILES = 4096
FILES_LEFT = 1000
CLOCKS_APART = 0.05
_PRIVATE = ("secrets.toml", "demo-password", "asterisk/instance.json")


def settings(subject: Subject) -> Iterator[Finding]:
    """Are all HOLLYHOCK_ variables usable, and all known; has the running server the same?"""
    for message in subject.faults:
        yield fault("settings", message, "set it right; its default is used below, and no start works with it")
    unknown = [name for name in sorted(subject.environ) if name.startswith("HOLLYHOCK_") and name not in NAMES]
    for name in unknown:
        near = difflib.get_close_matches(name, NAMES, 1)
        advice = f"meant {near[0]}? " if near else ""
        yield warning("settings", f"{name} is no setting of ours", f"{advice}unset it, or see README, Settings")
    if subject.server is not None and (running := probe.environment(subject.server.pid)) is not None:
        other = [
            name
            for name in NAMES
            # As root the supervisor hands the server copies of these files.
            if name not in ("HOLLYHOCK_TLS_CERT", "HOLLYHOCK_TLS_KEY")
            and (running.get(name) or None) != (subject.environ.get(name) or None)
            and not (name == "HOLLYHOCK_HOME" and running.get(name) == str(subject.home))
        ]
        if other:
            yield warning(
                "settings",
                f"the running server was started with another {', '.join(other)} than set here",
                "run the doctor with the service's environment, or restart the service with yours",
            )
            return
    if not subject.faults and not unknown:
        used = [name for name in NAMES if subject.environ.get(name)]
        yield ok("settings", f"{len(used)} set, all usable" if used else "none set: all defaults")


def data_folder(subject: Subject) -> Iterator[Finding]:
    """Is it there, whose is it, can it be written?"""
    home, user = subject.home, service_user()
    try:
        info = home.stat()
    except PermissionError:
        yield fault(
            "data folder", f"uid {os.geteuid()} (you) may not get to {home}", "run the doctor as its owner or root"
        )
        return
    except FileNotFoundError:
        above = next(folder for folder in home.parents if folder.exists())
        if os.access(above, os.W_OK | os.X_OK):
            yield ok("data folder", f"{home} is not there yet: the first start makes it")
        else:
            yield fault("data folder", f"{home} is not there, and {above} may not be written", "choose HOLLYHOCK_HOME")
        return
    if not home.is_dir():
        yield fault("data folder", f"{home} is no folder", "move it away, or choose another HOLLYHOCK_HOME")
        return
    if user is not None and (closed := blocked_at(home, user)):
        yield fault("data folder", f"{home}: only root may enter {closed}", "chmod o+x it, or choose HOLLYHOCK_HOME")
    elif not os.access(home, os.W_OK | os.X_OK):
        told = f"{home} belongs to uid {info.st_uid}, and uid {os.geteuid()} (you) may not write there"
        if subject.ready() is not None:
            yield warning("data folder", told, "run the doctor as that user or as root to see the rest")
        else:
            yield fault("data folder", told, "run everything as that user or as root; or the disk is read-only: mount")
    else:
        yield ok("data folder", f"{home}, owner uid {info.st_uid}, writable")
    if subject.closed:
        yield warning("data folder", f"may not be read: {subject.closed}", "run the doctor as its owner or as root")
    for name in _PRIVATE:
        if (mode := _mode(home / name)) is not None and mode & 0o077:
            yield warning("data folder", f"{name} can be read by others (mode {mode:o})", f"chmod 600 {home / name}")


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def disk(subject: Subject) -> Iterator[Finding]:
    """Is there room for the journal, recordings and Asterisk's spool?"""
    places = {"data folder": subject.home, "Asterisk's spool": folders(subject.home).spool}
    seen: list[int] = []
    for name, wanted in places.items():
        folder = next(path for path in (wanted, *wanted.parents) if os.path.exists(path))
        try:
            device = folder.stat().st_dev
            if device in seen:
                continue
            seen.append(device)
            free, files = probe.free_bytes(folder), probe.free_files(folder)
        except OSError as error:
            yield warning("disk", f"{folder} cannot be asked: {error.strerror}", "run the doctor as its owner")
            continue
        told = f"{_bytes(free)} free for the {name} ({folder})"
        if free < DISK_FULL:
            yield fault("disk", told, "free space now: at 0 new calls hear the apology (operator guide, Disk)")
        elif files is not None and files < FILES_LEFT:
            yield fault("disk", f"only {files} more files can be made for the {name} ({folder})", "delete small files")
        elif free < DISK_LOW:
            yield warning("disk", told, "move old recordings away: a minute takes 1.9 MB (operator guide, Disk)")
        else:
            yield ok("disk", told)


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def http_port(subject: Subject) -> Iterator[Finding]:
    http = subject.settings.http
    yield from _port(subject, "HTTP port", "HOLLYHOCK_HTTP", ("tcp",), http.host, http.port)


def sip_port(subject: Subject) -> Iterator[Finding]:
    """Free, or our Asterisk's? One that runs elsewhere has its own."""
    host, port = subject.settings.telephony.sip
    if subject.elsewhere:
        yield ok("SIP port", "is Asterisk's own matter: it runs by itself (HOLLYHOCK_ASTERISK)")
        return
    running = subject.instance.wanted if subject.instance is not None and subject.asterisk is not None else None
    if running is not None and running.sip != (host, port):
        yield warning(
            "SIP port",
            f"our Asterisk listens on {running.sip[0]}:{running.sip[1]}, HOLLYHOCK_SIP says {host}:{port}",
            "stop everything and start again (calls end); or set HOLLYHOCK_SIP back",
        )
        return
    yield from _port(subject, "SIP port", "HOLLYHOCK_SIP", ("udp", "tcp"), host, port)


def _port(
    subject: Subject, name: str, variable: str, kinds: tuple[str, ...], host: str, port: int
) -> Iterator[Finding]:
    ours = False
    for kind in kinds:
        taken = probe.listeners(kind, host, port)
        strangers = [one for one in taken if not _is_ours(subject, one)]
        if strangers:
            pid = probe.owner(strangers[0].inode)
            who = probe.process_name(pid) if pid else f"a program of uid {strangers[0].uid}"
            yield fault(
                name, f"{kind.upper()} {host}:{port} is taken by {who}", f"end it, or choose another {variable}"
            )
            return
        ours = ours or bool(taken)
        if not taken and (why := probe.bind_error(kind, host, port)):
            yield fault(name, f"{kind.upper()} {host}:{port} cannot be used: {why}", _port_advice(why, variable))
            return
    yield ok(name, f"{host}:{port} is ours" if ours else f"{host}:{port} is free")


def _port_advice(why: str, variable: str) -> str:
    if "ermission" in why:
        return f"choose a port from 1024 on in {variable}"
    if "assign" in why:
        return f"this machine has no such address (ip addr): correct {variable}"
    return f"choose another {variable}"


def _is_ours(subject: Subject, one: probe.Socket) -> bool:
    """By the process when it may be known, else by its user and by what we know to be running."""
    pid = probe.owner(one.inode)
    if pid is not None:
        return subject.is_ours(pid)
    for process in (subject.server, subject.asterisk):
        if process is not None:
            try:
                return Path(f"/proc/{process.pid}").stat().st_uid == one.uid
            except FileNotFoundError:
                continue
    return False


def rtp_ports(subject: Subject) -> Iterator[Finding]:
    """Does somebody else sit in the range of the sound?"""
    if subject.elsewhere:
        return
    first, last = subject.settings.telephony.rtp
    inside = [one for one in probe.sockets("udp") if first <= one.port <= last]
    strangers = {one.port: one for one in inside if not _is_ours(subject, one)}
    told = f"{first} - {last}: {last - first + 1} ports, enough for about {(last - first + 1) // 6} calls"
    if not strangers:
        yield ok("RTP ports", told)
        return
    one = strangers[min(strangers)]
    pid = probe.owner(one.inode)
    who = probe.process_name(pid) if pid else f"a program of uid {one.uid}"
    yield warning(
        "RTP ports",
        f"{len(strangers)} of {first} - {last} are taken, port {one.port} by {who}",
        "choose a HOLLYHOCK_RTP that nobody else uses, or calls now and then have no sound",
    )


def limits(subject: Subject) -> Iterator[Finding]:
    """Open files: of what runs, else of what would be started from here."""
    asked: dict[str, int | None] = {}
    if subject.server is not None:
        asked["the server"] = probe.open_files(subject.server.pid)
    if subject.asterisk is not None:
        asked["Asterisk"] = probe.open_files(subject.asterisk.pid)
    if not asked:
        asked["a start from this shell"] = probe.open_files()
    low = {who: limit for who, limit in asked.items() if limit is not None and limit < FILES}
    if low:
        told = ", ".join(f"{limit} for {who}" for who, limit in low.items())
        yield warning(
            "open files",
            f"{told}; {FILES} are needed for 500 desktops",
            "LimitNOFILE=65536 in the service, or ulimit -n",
        )
    else:
        yield ok("open files", ", ".join(f"{limit or 'not known'} for {who}" for who, limit in asked.items()))


def memory(subject: Subject) -> Iterator[Finding]:
    free = probe.free_memory()
    if free is None:
        yield ok("memory", "not known on this machine")
    elif free < MEMORY_GONE:
        yield fault("memory", f"{_bytes(free)} left", "end other programs, or give the machine more")
    elif free < MEMORY_LOW:
        yield warning("memory", f"{_bytes(free)} left", "server and Asterisk need 300 MB, and more under load")
    else:
        yield ok("memory", f"{_bytes(free)} left")


def clock(subject: Subject) -> Iterator[Finding]:
    """Is the wall clock set, does it run evenly? Call records have its times."""
    before = time.time() - time.monotonic()
    time.sleep(0.5)
    apart = abs(time.time() - time.monotonic() - before)
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if apart > CLOCKS_APART:
        yield fault(
            "clock", f"{now}; it moved by {apart:.2f} s within half a second", "see who sets the clock (NTP, VM tools)"
        )
        return
    match probe.clock_synchronised():
        case True:
            yield ok("clock", f"{now}, synchronised, runs evenly")
        case False:
            yield warning("clock", f"{now}, runs evenly, but nobody sets it", "run chrony or systemd-timesyncd")
        case None:
            yield ok("clock", f"{now}, runs evenly; whether it is synchronised is not known here")
