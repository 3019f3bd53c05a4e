"""Fetches an Asterisk into the shared cache, once, for machines that have none.

Here: Debian's own packages, downloaded and checked by the machine's own apt in a private state, then unpacked side by
side. Nothing is installed, no maintainer script runs, nothing is mounted, no privilege is needed. Not here: running it.
The archive's address is asked from apt: no address is written here. Measured: 12 s, 80 MB of download, 270 MB on disk.
Signatures are checked with the machine's Debian keyring; the validity date is not, as debootstrap does, because frozen
mirrors are common.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ctiserver.asterisk import runtime_find
from ctiserver.asterisk.runtime_errors import CannotStart

SUITES = ("forky", "sid")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/perl")


def _say(text: str) -> None:
    print(f"asterisk: {text}", file=sys.stderr, flush=True)


def archives() -> list[str]:
    """The Debian archives that this machine's apt uses, security archives left out."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)", "Identifier: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    found: list[str] = []
    for line in done.stdout.splitlines():
        uri, _, origin = line.partition(" ")
        if origin.strip() in ("", "Debian") and "security" not in uri and uri not in found:
            found.append(uri)
    return sorted(found, key=lambda uri: "debian" not in uri)


def _apt(work: Path, *arguments: str) -> bool:
    """Runs apt-get on a state of its own; says every 2 s how much has arrived, and what went wrong."""
    options = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": work / "none",
        "Dir::Etc::preferences": work / "none.pref",
        "Dir::Etc::preferencesparts": work / "none",
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::State::extended_states": work / "extended_states",
        "Dir::Cache": work / "cache",
        "Dir::Cache::archives": work / "cache/archives",
        "Dir::Log": work / "log",
        "APT::Default-Release": "",
        "APT::Sandbox::User": "",
        "APT::Update::Post-Invoke": "",
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
    }
    command = ["apt-get", "-q"]
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    with open(work / "apt.log", "w+b") as log:
        running = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while True:
                try:
                    running.wait(2.0)
                    break
                except subprocess.TimeoutExpired:
                    _say(f"  {_arrived(work) / 1e6:.0f} MB so far")
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
        log.seek(0)
        faults = [line for line in log.read().decode(errors="replace").splitlines() if line.startswith("E:")]
    for line in faults:
        _say(line)
    return running.returncode == 0


def _arrived(work: Path) -> int:
    total = 0
    for folder in ("lists/partial", "cache/archives", "cache/archives/partial"):
        for file in (work / folder).glob("*"):
            with contextlib.suppress(FileNotFoundError):  # apt renames what is complete
                total += file.stat().st_size
    return total


def _download(work: Path, archive: str, suite: str) -> bool:
    for folder in ("none", "lists/partial", "cache/archives/partial", "log"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    (work / "status").write_text("")
    (work / "none.pref").write_text("")
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {archive} {suite} main\n")
    _say(f"reading the package list of Debian {suite}")
    if not _apt(work, "update"):
        return False
    _say("downloading asterisk and its libraries (about 80 MB)")
    return _apt(work, "install", "--yes", "--no-install-recommends", "--download-only", "asterisk")


def _unpack(work: Path, root: Path) -> None:
    packages = sorted((work / "cache/archives").glob("*.deb"))
    for number, package in enumerate(packages, 1):
        if number % 20 == 0 or number == len(packages):
            _say(f"unpacked {number} of {len(packages)} packages")
        subprocess.run(["dpkg-deb", "--extract", str(package), str(root)], check=True, capture_output=True)
    for name in _NOT_NEEDED:
        shutil.rmtree(root / name, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One bootstrap at a time, across all checkouts; the others wait for it."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another checkout is fetching it; waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def bootstrap(environ: Mapping[str, str]) -> Path:
    """Fills CACHE/asterisk-22 and returns it; returns at once when it is there. Raises CannotStart."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise CannotStart(runtime_find.THREE_WAYS)
    candidates = archives()
    if not candidates or not KEYRING.exists():
        raise CannotStart(runtime_find.THREE_WAYS)
    cache = runtime_find.cache_folders(environ)[0]
    target = cache / runtime_find.CACHE_NAME
    try:
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _locked(cache / "bootstrap.lock"):
            if target.is_dir() and runtime_find.rooted(target):
                return target
            _say(f"none here yet: fetching Debian's into {target} (once for all checkouts)")
            work = Path(tempfile.mkdtemp(prefix="bootstrap-", dir=cache))
            try:
                _fill(work, candidates)
                shutil.rmtree(target, ignore_errors=True)
                (work / "root").rename(target)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise CannotStart(f"the cache cannot be used: {error.filename or cache}: {error.strerror}") from None
    _say("ready")
    return target


def _fill(work: Path, candidates: list[str]) -> None:
    if not any(_download(work, archive, suite) for suite in SUITES for archive in candidates):
        raise CannotStart(f"Debian's asterisk could not be fetched. {runtime_find.THREE_WAYS}")
    root = work / "root"
    root.mkdir(mode=0o755)
    try:
        _unpack(work, root)
    except subprocess.CalledProcessError as error:
        raise CannotStart(f"a package could not be unpacked: {error.stderr.decode().strip()}") from None
    binary = runtime_find.rooted(root)
    if binary is None:
        raise CannotStart("the fetched Asterisk does not run on this machine")
    if not runtime_find.new_enough(binary.version):
        raise CannotStart(f"the archive has Asterisk {binary.version}; 22.8 or later is needed")
    os.chmod(root, 0o755)


def main() -> int:
    """Makes sure that an Asterisk is here, for `make test`."""
    try:
        if not os.environ.get("HOLLYHOCK_ASTERISK", "").startswith("http") and runtime_find.find(os.environ) is None:
            bootstrap(os.environ)
    except CannotStart as error:
        print(f"hollyhock: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
