"""Which Asterisk to run, and how to call it.

Here: the order of looking (HOLLYHOCK_ASTERISK, PATH, the shared cache) and the command line of each kind.
Not here: making the cache (bootstrap), configuration, processes. The lowest version is a measured fact: 22.8 brought
the fixes of chan_websocket that speech depends on.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ctiserver.asterisk.runtime_errors import CannotStart

LOWEST = (22, 8)
PATIENCE = 20.0
"""seconds for a program that says its version, on a busy machine"""
CACHE_NAME = "asterisk-22"
THREE_WAYS = (
    "no Asterisk found. Three ways out: (1) set HOLLYHOCK_ASTERISK to http://USER:PASSWORD@HOST:PORT of one that runs"
    " elsewhere, or to a binary; (2) install asterisk >= 22.8 so that it is on PATH; (3) on Debian or Ubuntu with apt,"
    " let `make up` fetch Debian's own packages into a cache (needs the Debian archive in apt's sources)"
)


class Binary(msgspec.Struct, frozen=True, kw_only=True):
    """How to run one Asterisk: `command` is everything before `-C CONF`; None folders mean its compiled-in ones."""

    command: tuple[str, ...]
    version: str
    modules: Path | None = None
    data: Path | None = None
    environ: dict[str, str] = {}


def cache_folders(environ: Mapping[str, str]) -> list[Path]:
    """Where bootstrapped roots may lie: the first is where a new one is made, the others are only read."""
    if chosen := environ.get("HOLLYHOCK_CACHE"):
        return [Path(chosen).absolute()]
    shared = Path("/var/cache/hollyhock")
    if os.geteuid() == 0:  # root's own home is closed to the user that Asterisk runs as
        return [shared]
    home = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return [Path(home) / "hollyhock", shared]


def version_of(
    command: tuple[str, ...], environ: Mapping[str, str] | None = None, *, patience: float = PATIENCE
) -> str | None:
    """`22.10.1` as `asterisk -V` says it; None when it cannot be run or says nothing in `patience` seconds."""
    try:
        done = subprocess.run(
            [*command, "-V"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
            env=dict(environ or os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"Asterisk (\S+)", done.stdout)
    return found.group(1) if found else None


def new_enough(version: str) -> bool:
    """True from 22.8 on; certified and development versions count by their leading numbers."""
    numbers = re.findall(r"\d+", version)[:2]
    return len(numbers) == 2 and tuple(map(int, numbers)) >= LOWEST


def _plain(path: Path, patience: float) -> Binary:
    version = version_of((str(path),), patience=patience)
    if version is None:
        raise CannotStart(f"HOLLYHOCK_ASTERISK: {path} does not answer to `-V` as an Asterisk")
    if not new_enough(version):
        raise CannotStart(f"HOLLYHOCK_ASTERISK: {path} is version {version}; 22.8 or later is needed")
    return Binary(command=(str(path),), version=version)


def library_folder(root: Path) -> Path | None:
    """`usr/lib/<machine>-linux-gnu` of a root, whatever this machine is."""
    for folder in sorted((root / "usr/lib").glob(f"{platform.machine()}-linux-gnu*")):
        if (folder / "asterisk/modules").is_dir():
            return folder
    return None


def rooted(root: Path, *, patience: float = PATIENCE) -> Binary | None:
    """The Asterisk inside a bootstrapped root, run by the root's own loader: no chroot, no mounts, no privilege."""
    libraries = library_folder(root)
    if libraries is None:
        return None
    loader = next(iter(sorted(libraries.glob("ld-linux*.so.*"))), None)
    if loader is None:
        loader = next(iter(sorted((root / "usr/lib64").glob("ld-linux*.so.*"))), None)
    if loader is None:
        return None
    path = ":".join(str(folder) for folder in (libraries, root / "usr/lib"))
    command = (str(loader), "--library-path", path, str(root / "usr/sbin/asterisk"))
    # The root's libraries must not read the machine's configuration for another version of themselves.
    environ = {"OPENSSL_CONF": "/dev/null", "OPENSSL_MODULES": str(libraries / "ossl-modules")}
    version = version_of(command, environ, patience=patience)
    if version is None:
        return None
    return Binary(
        command=command,
        version=version,
        modules=libraries / "asterisk/modules",
        data=root / "usr/share/asterisk",
        environ=environ,
    )


def find(environ: Mapping[str, str], *, patience: float = PATIENCE) -> Binary | None:
    """The Asterisk to run, None when none is here yet. Raises CannotStart when HOLLYHOCK_ASTERISK names a bad one.

    `patience`: seconds that a program may take to say its version.
    """
    chosen = environ.get("HOLLYHOCK_ASTERISK", "")
    if chosen:
        return _plain(Path(chosen), patience)
    on_path = shutil.which("asterisk", path=environ.get("PATH"))
    if on_path:
        version = version_of((on_path,), patience=patience)
        if version and new_enough(version):
            return Binary(command=(on_path,), version=version)
    for folder in cache_folders(environ):
        root = folder / CACHE_NAME  # may be closed to us: Path.is_dir would raise
        if os.path.isdir(root) and (binary := rooted(root, patience=patience)):
            return binary
    return None
