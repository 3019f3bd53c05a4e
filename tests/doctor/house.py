"""An installation to be examined, and what can be wrong with one.

Here: a data folder with a journal of the floor, a database, a site; certificates; ports that are taken; a program that
is no good Asterisk. Not here: assertions.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctiserver import site
from ctiserver.doctor import run
from ctiserver.doctor.report import Finding, Report, State
from ctiserver.store.database import Database, sqlite_url
from tests.drivers.journals import day, written


def environ(home: Path, **more: str) -> dict[str, str]:
    """Settings that meet nobody else's ports."""
    chosen = {
        "PATH": os.environ["PATH"],
        "HOLLYHOCK_HOME": str(home),
        "HOLLYHOCK_HTTP": f"127.0.0.1:{free_port()}",
        "HOLLYHOCK_SIP": f"127.0.0.1:{free_port()}",
        "HOLLYHOCK_RTP": "64000-64099",
    }
    kept = {name: os.environ[name] for name in ("HOLLYHOCK_ASTERISK", "HOLLYHOCK_CACHE") if name in os.environ}
    return chosen | kept | more


def used(home: Path) -> Path:
    """A data folder in which a server has run: journal, snapshot, database, site."""
    records = day()
    written(home / "journal", records, snapshots=(len(records),))
    site.seed(home / "site")

    async def migrate() -> None:
        database = Database(sqlite_url(home / "hollyhock.db"))
        await database.migrate()
        await database.close()

    asyncio.run(migrate())
    return home


def examine(settings: dict[str, str], *names: str) -> Report:
    """Only the named checks, or all."""
    checks = [check for check in run.CHECKS if not names or check[0] in names]
    return run.examine(settings, checks=checks)


def bad(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.state is not State.OK]


def only(report: Report) -> Finding:
    found = bad(report)
    assert len(found) == 1, found
    return found[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def taken(port: int, kind: socket.SocketKind) -> Iterator[None]:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        yield


@contextmanager
def silent() -> Iterator[int]:
    """A port that accepts everybody and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        listener.settimeout(0.1)
        held: list[socket.socket] = []
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                try:
                    held.append(listener.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()
            for one in held:
                one.close()


def certificate(folder: Path, *names: str, days: int = 365, begin: str = "", end: str = "") -> tuple[Path, Path]:
    """Certificate and key, signed by itself. `begin`, `end`: YYYYMMDDHHMMSSZ instead of `days` from now."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "ca.conf"
    config.write_text(
        "[ca]\ndefault_ca=one\n[one]\ndatabase=index\nserial=serial\nnew_certs_dir=.\npolicy=any\ndefault_md=sha256\n"
        "copy_extensions=copy\n[any]\ncommonName=supplied\n"
    )
    (folder / "index").touch()
    (folder / "serial").write_text("01")
    alternative = ",".join(f"{'IP' if name[0].isdigit() else 'DNS'}:{name}" for name in names)
    request = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    request += ["-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=hollyhock"]
    request += ["-addext", f"subjectAltName={alternative}"] if names else []
    sign = ["openssl", "ca", "-batch", "-config", "ca.conf", "-selfsign", "-keyfile", "key.pem", "-in", "request.pem"]
    sign += ["-out", "cert.pem", "-notext"]
    sign += ["-startdate", begin, "-enddate", end] if begin else ["-days", str(days)]
    for command in (request, sign):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
    return folder / "cert.pem", folder / "key.pem"


def program(path: Path, text: str) -> Path:
    """A shell script in some program's place."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


