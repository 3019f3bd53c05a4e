"""The configuration files of one Asterisk instance, made from the templates in asterisk-config/.

Here: the folder layout, filling in the templates, copying prompts and music to where Asterisk may read them.
Not here: processes. The settings in the templates are measured; each says why beside it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import shutil
import socket
import string
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.asterisk.runtime_find import Binary
from ctiserver.asterisk.runtime_user import ServiceUser, own

_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes with its closing zero
_SOUNDS = (".wav", ".alaw", ".ulaw", ".sln")
_PRIVATE_NETWORKS = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance shall listen on.

    `rtp` is the first and last UDP port, `trunk_networks` a comma list of CIDR (empty: who can be expected there).
    `browser_media` is the address that browsers' sound goes to: 127.0.0.1, or 0.0.0.0 when browsers are elsewhere.
    """

    sip: tuple[str, int]
    rtp: tuple[int, int]
    trunk_networks: str = ""
    browser_media: str = "127.0.0.1"


class Folders(msgspec.Struct, frozen=True, kw_only=True):
    """The places of one instance below HOLLYHOCK_HOME/asterisk; `run` may lie elsewhere when the path is long."""

    base: Path
    run: Path

    @property
    def etc(self) -> Path:
        return self.base / "etc"

    @property
    def spool(self) -> Path:
        return self.base / "spool"

    @property
    def log(self) -> Path:
        return self.base / "log"

    @property
    def db(self) -> Path:
        return self.base / "db"

    @property
    def sounds(self) -> Path:
        return self.base / "sounds"

    def all(self) -> list[Path]:
        return [
            self.base,
            self.etc,
            self.spool,
            self.spool / "recording",
            self.log,
            self.db,
            self.db / "keys",
            self.sounds,
            self.run,
        ]


class _Template(string.Template):
    delimiter = "@@"  # the dialplan needs the dollar sign for itself


def _shipped(name: str, inside: str) -> Path:
    """A folder of the project: beside the packages in a checkout, inside the package in an installed wheel."""
    package = Path(__file__).resolve().parent
    for place in (package.parents[1] / name, package / inside):
        if place.is_dir():
            return place
    return package.parents[1] / name


def module_names() -> list[str]:
    """The modules that our Asterisk loads, as its modules.conf lists them: `res_ari.so` and so on."""
    text = (_shipped("asterisk-config", "config") / "modules.conf").read_text()
    return re.findall(r"^load\s*=\s*(\S+)", text, re.MULTILINE)


def folders(home: Path) -> Folders:
    base = home.absolute() / "asterisk"
    run = base / "run"
    if len(os.fsencode(run / "ctl")) > _SOCKET_PATH_LIMIT:
        short = hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
        run = Path(tempfile.gettempdir()) / f"hollyhock-{os.getuid()}-{short}"
    return Folders(base=base, run=run)


def prepare(places: Folders, user: ServiceUser | None) -> None:
    """Makes the folders, readable by the service user alone. Raises CannotStart when that is impossible."""
    for folder in places.all():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.is_symlink():
                raise CannotStart(f"{folder} must be a folder, not a link")
            own(folder, user)
        except OSError as error:
            raise CannotStart(f"the data folder cannot be used: {folder}: {error.strerror}") from None


def copy_tree(source: Path, target: Path, user: ServiceUser | None) -> None:
    """Copies what is new or changed (size or time); Asterisk's user need not be able to read the checkout."""
    target.mkdir(mode=0o755, exist_ok=True)
    own(target, user)
    if not source.is_dir():
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix not in _SOUNDS:
            continue
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(mode=0o755, exist_ok=True)
        else:
            info = path.stat()
            if copy.exists() and copy.stat().st_size == info.st_size and copy.stat().st_mtime == info.st_mtime:
                continue
            fresh = copy.with_name(copy.name + ".new")
            shutil.copy2(path, fresh)
            fresh.chmod(0o644)
            fresh.replace(copy)
        own(copy, user)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def render(
    places: Folders,
    binary: Binary,
    wanted: Wanted,
    http_port: int,
    ari: AriAddress,
    user: ServiceUser | None,
    additions: Mapping[str, str],
) -> None:
    """Writes all configuration files anew; they hold the ARI password and are readable by their owner alone.

    `additions`: name of a file -> text that goes behind ours, or makes the file.
    """
    host, port = wanted.sip
    loopback = is_loopback(host)
    install = []
    if binary.modules:
        install.append(f"astmoddir => {binary.modules}")
    if binary.data:
        install.append(f"astdatadir => {binary.data}")
    media = f"media_address = {host}\nbind_rtp_to_media_address = yes" if loopback else ""
    copy_tree(_shipped("ivr/prompts", "prompts"), places.sounds / "prompts", user)
    copy_tree(_shipped("asterisk-config/moh", "config/moh"), places.sounds / "moh", user)
    values = {
        "etc": places.etc,
        "install_dirs": "\n".join(install),
        "db": places.db,
        "spool": places.spool,
        "run": places.run,
        "log": places.log,
        "moh": places.sounds / "moh",
        "apology": places.sounds / "prompts/both/apology_both",
        "apology_end": places.sounds / "prompts/both/apology_end_both",
        "http_port": http_port,
        "ari_user": ari.user,
        "ari_password": ari.password,
        "sip_bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "rtp_start": wanted.rtp[0],
        "rtp_end": wanted.rtp[1],
        "media_address": media,
        "trunk_networks": wanted.trunk_networks or ("127.0.0.0/8" if loopback else _PRIVATE_NETWORKS),
        "browser_bind": wanted.browser_media,
    }
    filled = {name: str(value) for name, value in values.items()}
    texts = {
        template.name: _Template(template.read_text()).substitute(filled)
        for template in sorted(_shipped("asterisk-config", "config").glob("*.conf"))
    }
    for name, text in additions.items():
        texts[name] = f"{texts.get(name, '')}\n{text}"
    for name, text in texts.items():
        target = places.etc / name
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        own(target, user)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        number: int = probe.getsockname()[1]
        return number


def is_free(host: str, port: int) -> bool:
    """True when this TCP port can be listened on; connections that linger from an ended listener do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def require_free(sip: tuple[str, int]) -> None:
    """Raises CannotStart when somebody already listens on the trunk's UDP or TCP port."""
    family = socket.AF_INET6 if ":" in sip[0] else socket.AF_INET
    for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(sip)
            except OSError as error:
                raise CannotStart(f"HOLLYHOCK_SIP: {name} {sip[0]}:{sip[1]} cannot be used: {error.strerror}") from None
