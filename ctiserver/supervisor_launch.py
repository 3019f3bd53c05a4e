"""How the server process is started: as which user, from which code, with which environment.

Here: when the supervisor is root, the server is not: this module makes what it needs readable for the service user.
Not here: the process itself, restarts.
A checkout in root's home is closed to everybody else, so the code is copied to HOLLYHOCK_HOME/code (a few MB, only what
changed); it belongs to root, so that a hijacked server cannot change it.
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.asterisk.runtime_user import ServiceUser, blocked_at, own, service_user
from ctiserver.settings import Settings

PACKAGES = ("ctiserver", "ivr", "acd", "agent_desktop", "monitor", "crm", "asterisk-config")
_LEFT_OUT = {"__pycache__", "web", "node_modules"}


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What to give to Popen. `user` None: the supervisor's own. `notice` is for people, empty when all is well.

    Recordings and journals are for the server and Asterisk alone, so the `umask` is 077 when both are the same user.
    """

    command: list[str]
    environ: dict[str, str]
    user: ServiceUser | None
    umask: int = 0o077
    notice: str = ""


def _checkout() -> Path:
    return Path(__file__).resolve().parents[1]


def _interpreter_blocked(user: ServiceUser) -> Path | None:
    for path in (Path(sys.executable), Path(sys.executable).resolve(), Path(sys.prefix), Path(sys.base_prefix)):
        if closed := blocked_at(path, user):
            return closed
    return None


def sync_code(source: Path, target: Path) -> None:
    """Makes `target` hold the packages of `source` and nothing else; copies what changed and compiles it."""
    target.mkdir(mode=0o755, exist_ok=True)
    wanted: set[Path] = set()
    for package in PACKAGES:
        for folder, names, files in os.walk(source / package):
            names[:] = [name for name in names if name not in _LEFT_OUT]
            here = target / Path(folder).relative_to(source)
            here.mkdir(mode=0o755, parents=True, exist_ok=True)
            wanted.add(here)
            for name in files:
                origin, copy = Path(folder) / name, here / name
                wanted.add(copy)
                info = origin.stat()
                old = copy.stat() if copy.exists() else None
                if old is None or (old.st_size, old.st_mtime_ns) != (info.st_size, info.st_mtime_ns):
                    shutil.copy2(origin, copy)
                    copy.chmod(0o644)
    for folder, names, files in os.walk(target, topdown=False):
        if Path(folder).name == "__pycache__":
            continue
        for name in files:
            if (path := Path(folder) / name) not in wanted:
                path.unlink()
        for name in names:
            if name != "__pycache__" and (path := Path(folder) / name) not in wanted:
                shutil.rmtree(path)
    compileall.compile_dir(target, quiet=1)


def own_home(home: Path, user: ServiceUser | None) -> None:
    """Gives the data folder to the service user; Asterisk's part and the code are cared for elsewhere."""
    if user is None:
        return
    own(home, user)
    for folder, names, files in os.walk(home):
        if Path(folder) == home:
            names[:] = [name for name in names if name not in ("asterisk", "code")]
            files = [name for name in files if name != "supervisor.lock"]
        for name in (*names, *files):
            own(Path(folder) / name, user)


def _private_copy(source: Path, target: Path, user: ServiceUser) -> str:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(source.read_bytes())
    own(target.parent, user)
    own(target, user)
    return str(target)


def _python_path(environ: Mapping[str, str], code: Path) -> dict[str, str]:
    given = environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": f"{code}{os.pathsep}{given}" if given else str(code)}


def _lowest_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024


def launch(settings: Settings, environ: Mapping[str, str], command: Sequence[str]) -> Launch:
    """Prepares the data folder and says how to start the server. Raises CannotStart."""
    # The default data folder depends on who asks: the server is told which one it is.
    environ = dict(environ) | {"HOLLYHOCK_HOME": str(settings.home)}
    plain = Launch(command=list(command), environ=environ | _python_path(environ, _checkout()), user=None)
    user = service_user()
    if user is None:
        return plain
    if closed := blocked_at(settings.home, user):
        raise CannotStart(
            f"HOLLYHOCK_HOME={settings.home}: only root may enter {closed}, and nothing runs as root here"
        )
    if closed := _interpreter_blocked(user):
        notice = f"the server runs as root, because only root may enter {closed}, where its Python lies"
        return msgspec.structs.replace(plain, notice=notice, umask=0o022)
    if settings.http.port < _lowest_port():
        raise CannotStart(f"HOLLYHOCK_HTTP: the server does not run as root and needs a port from {_lowest_port()} on")
    own_home(settings.home, user)
    changed = {"HOME": str(settings.home), "USER": "hollyhock", "LOGNAME": "hollyhock"}
    if settings.http.certificate and settings.http.key:
        changed["HOLLYHOCK_TLS_CERT"] = _private_copy(settings.http.certificate, settings.home / "tls/cert.pem", user)
        changed["HOLLYHOCK_TLS_KEY"] = _private_copy(settings.http.key, settings.home / "tls/key.pem", user)
    if blocked_at(_checkout(), user):
        sync_code(_checkout(), settings.home / "code")
        changed |= _python_path(environ, settings.home / "code")
    else:
        changed |= _python_path(environ, _checkout())
    return Launch(command=list(command), environ=environ | changed, user=user)
