"""The files of a changing site: `site.toml` itself, and the versions of it that were in force.

Lives here: writing without ever leaving half a file, who wrote which version when. Not here: what is in them. All
calls block; `ctiserver.site_desk` makes them in a thread, one at a time.

A version is kept as `history/<number>.toml`, whose first line is a comment with who and when. It is written before the
file (`.pending`) and gets its name after it: what never came into force (the disk was full, the power went) goes, and a
text that no version knows was written by hand and becomes one. So the newest version is always the file.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from ctiserver import site_text
from ctiserver.asterisk.runtime_process import Process, ProcessId
from ctiserver.ports_site import SiteVersion

KEPT = 50
"""Versions that are kept (our choice)."""
_VERSION = re.compile(r"([0-9]{6,})\.toml")


class SiteFiles:
    """The folder of a site. `now`: epoch seconds."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self._path = folder / "site.toml"
        self._history = folder / "history"
        self._now = now

    def put(self, new: str, by: str, changed: tuple[str, ...]) -> None:
        """Keep the version, then make it the file. Raises OSError; then the file is as it was."""
        pending = self._keep(new, by, changed)
        try:
            replace(self._path.resolve(), new)
        except OSError:
            with contextlib.suppress(OSError):
                pending.unlink()
            raise
        with contextlib.suppress(OSError):  # the next look at the folder does it
            pending.replace(pending.with_suffix(".toml"))
        for old in self._numbers()[:-KEPT]:
            with contextlib.suppress(OSError):
                self._file(old).unlink()

    def reconciled(self, written: str, by: str = "") -> tuple[str, ...]:
        """Make the newest version the file, whose text is given; returns what was changed by hand. Raises OSError."""
        now = site_text.revision(written)
        for pending in sorted(self._history.glob("*.pending")):
            if site_text.revision(_read(pending)) == now:
                pending.replace(pending.with_suffix(".toml"))
            else:
                pending.unlink()
        versions = self.versions()
        if versions and versions[-1].revision == now:
            return ()
        changed = site_text.differences(self.kept(versions[-1].number), written) if versions else ()
        pending = self._keep(written, by, changed)
        pending.replace(pending.with_suffix(".toml"))
        return changed

    def kept(self, number: int) -> str:
        """The text of a version. Raises OSError."""
        return _read(self._file(number))

    def versions(self) -> list[SiteVersion]:
        """Oldest first; a file that is no version of ours is none."""
        found: list[SiteVersion] = []
        for number in self._numbers():
            with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
                with self._file(number).open(encoding="utf-8") as file:
                    first = file.readline()
                version = msgspec.json.decode(first.removeprefix("#"), type=SiteVersion)
                found.append(msgspec.structs.replace(version, number=number))
        return found

    def _keep(self, written: str, by: str, changed: tuple[str, ...]) -> Path:
        self._history.mkdir(exist_ok=True)
        number = (self._numbers() or [0])[-1] + 1
        version = SiteVersion(
            number=number, revision=site_text.revision(written), at=self._now(), by=by, changed=changed
        )
        path = self._file(number).with_suffix(".pending")
        replace(path, f"# {msgspec.json.encode(version).decode()}\n{written}")
        return path

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self._history)
        except FileNotFoundError:
            return []
        return sorted(int(found.group(1)) for name in names if (found := _VERSION.fullmatch(name)))

    def _file(self, number: int) -> Path:
        return self._history / f"{number:06}.toml"


def running_server(home: Path) -> int | None:
    """The process of the server that the supervisor of this data folder has started, if it lives."""
    try:
        identity = msgspec.json.decode((home / "server.json").read_bytes(), type=ProcessId)
    except (OSError, msgspec.MsgspecError):
        return None
    return identity.pid if Process.adopt(identity) is not None else None


def _read(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[2]


def replace(path: Path, text: str) -> None:
    """The file is this text or as it was, whatever happens; on disk when this returns. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, fresh)
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    with contextlib.suppress(OSError):  # the name is the new file's already; only a power cut could tell
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
