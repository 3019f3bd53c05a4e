"""What the operator may choose, read once from the environment, checked, and frozen.

Here: the settings, their defaults, and the secrets made at the first start. Not here: any use of them; only the
composition root, the command line and the supervisor read this module, everybody else is handed values.
Every variable is named HOLLYHOCK_...; a wrong one is a `BadSetting` with one line that says what to write instead.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ctiserver.asterisk.address import AriAddress, parse_ari_url

NAMES = (
    "HOLLYHOCK_HOME",
    "HOLLYHOCK_HTTP",
    "HOLLYHOCK_TLS_CERT",
    "HOLLYHOCK_TLS_KEY",
    "HOLLYHOCK_SIP",
    "HOLLYHOCK_TRUNK_NETWORKS",
    "HOLLYHOCK_RTP",
    "HOLLYHOCK_ASTERISK",
    "HOLLYHOCK_DATABASE_URL",
    "HOLLYHOCK_DEMO_PASSWORD",
    "HOLLYHOCK_CACHE",
    "HOLLYHOCK_DEV",
)
"""Every variable that means something to us, in the order of the README. A test compares the two."""
_SMALLEST_RTP_RANGE = 20  # a call to a browser with its recording needs about six ports
_DATABASES = ("sqlite+aiosqlite", "postgresql+asyncpg")


class BadSetting(Exception):
    """The message is one line: the variable's name, what is wrong, what would be right."""


def names_in(text: str) -> list[str]:
    """The variables that a message names."""
    return [name for name in NAMES if re.search(rf"\b{name}\b", text)]


class Http(msgspec.Struct, frozen=True, kw_only=True):
    """Where desktops connect. `certificate` and `key` are both set or both None."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


class Telephony(msgspec.Struct, frozen=True, kw_only=True):
    """`sip` is the trunk side's host and port, `rtp` the first and last UDP port.

    `asterisk` is the ARI of one that runs elsewhere (None: our own); `trunk_networks` lists who may call in (CIDR,
    commas; empty: this machine when `sip` is on loopback, else the private networks).
    """

    sip: tuple[str, int]
    rtp: tuple[int, int]
    asterisk: AriAddress | None = None
    trunk_networks: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. `home` is absolute. `demo_password` is None unless the operator chose one."""

    home: Path
    http: Http
    telephony: Telephony
    database_url: str
    demo_password: str | None = None

    @property
    def demo_password_file(self) -> Path:
        return self.home / "demo-password"

    @property
    def spool(self) -> Path:
        """Where an Asterisk of our own leaves what it records."""
        return self.home / "asterisk" / "spool"

    @property
    def sounds(self) -> Path:
        """The prompts and the music as Asterisk's user can read them: `prompts/<language>/<name>.wav`, `moh/`."""
        return self.home / "asterisk" / "sounds"

    def __repr__(self) -> str:
        """Without passwords, so that they cannot slip into a log."""
        return f"Settings(home={str(self.home)!r}, http={self.http.url!r}, sip={self.telephony.sip!r})"


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Made at the first start. `signing_key` is 32 random bytes in hexadecimal."""

    signing_key: str
    demo_password: str

    def __repr__(self) -> str:
        return "Secrets(...)"


def is_loopback(host: str) -> bool:
    """True when only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host_port(name: str, text: str, example: str) -> tuple[str, int]:
    host, colon, number = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not number.isascii() or not number.isdigit() or not 1 <= int(number) <= 65535:
        raise BadSetting(f"{name}={text!r} is not HOST:PORT, for example {example}")
    if any(character.isspace() or character in "/@?#" for character in host):
        raise BadSetting(f"{name}={text!r}: the host is not a name or an address")
    return host, int(number)


def _sip(text: str) -> tuple[str, int]:
    host, port = _host_port("HOLLYHOCK_SIP", text, "127.0.0.1:5060")
    try:
        return str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)), port
    except ValueError:
        raise BadSetting(f"HOLLYHOCK_SIP={text!r}: the host must be an IP address of this machine") from None


def _rtp(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not dash or not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise BadSetting(f"HOLLYHOCK_RTP={text!r} is not FIRST-LAST, for example 20000-20999")
    low, high = int(first), int(last)
    if not 1024 <= low <= high <= 65535:
        raise BadSetting(f"HOLLYHOCK_RTP={text!r}: ports run from 1024 to 65535, the smaller one first")
    if high - low + 1 < _SMALLEST_RTP_RANGE:
        raise BadSetting(f"HOLLYHOCK_RTP={text!r}: at least {_SMALLEST_RTP_RANGE} ports are needed")
    return low, high


def _file(name: str, text: str) -> Path:
    path = Path(text).absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise BadSetting(f"{name}={text!r} is not a readable file")
    return path


def _http(environ: Mapping[str, str]) -> Http:
    host, port = _host_port("HOLLYHOCK_HTTP", environ.get("HOLLYHOCK_HTTP") or "127.0.0.1:8080", "127.0.0.1:8080")
    certificate, key = environ.get("HOLLYHOCK_TLS_CERT", ""), environ.get("HOLLYHOCK_TLS_KEY", "")
    if bool(certificate) != bool(key):
        raise BadSetting("HOLLYHOCK_TLS_CERT and HOLLYHOCK_TLS_KEY go together: set both or neither")
    if not is_loopback(host) and not certificate:
        raise BadSetting(
            f"HOLLYHOCK_HTTP={host}:{port} is off loopback and needs HOLLYHOCK_TLS_CERT and HOLLYHOCK_TLS_KEY:"
            " browsers give no microphone to a page without TLS"
        )
    if not certificate:
        return Http(host=host, port=port)
    return Http(
        host=host,
        port=port,
        certificate=_file("HOLLYHOCK_TLS_CERT", certificate),
        key=_file("HOLLYHOCK_TLS_KEY", key),
    )


def _asterisk(text: str) -> AriAddress | None:
    if text.startswith(("http://", "https://")):
        try:
            return parse_ari_url(text)
        except ValueError as error:
            raise BadSetting(f"HOLLYHOCK_ASTERISK is not a usable URL: {error}") from None
    if text and not (Path(text).is_file() and os.access(text, os.X_OK)):
        shown = "" if "@" in text else f"={text!r}"  # a slip in a URL must not print its password
        raise BadSetting(f"HOLLYHOCK_ASTERISK{shown} is neither http://USER:PASSWORD@HOST:PORT nor a program")
    return None


def _networks(text: str) -> str:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise BadSetting(
                f"HOLLYHOCK_TRUNK_NETWORKS: {part!r} is not an address or network such as 10.0.0.0/8"
            ) from None
    return ",".join(parts)


def home_folder(environ: Mapping[str, str]) -> Path:
    """HOLLYHOCK_HOME or its default; absolute. Raises BadSetting."""
    if chosen := environ.get("HOLLYHOCK_HOME"):
        path = Path(chosen).expanduser().absolute()
    elif os.geteuid() == 0:  # root's own home is closed to the user that Asterisk runs as
        path = Path("/var/lib/hollyhock")
    else:
        base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
        path = Path(base).absolute() / "hollyhock"
    if "\n" in str(path) or ";" in str(path):
        raise BadSetting("HOLLYHOCK_HOME may hold no line break and no semicolon: Asterisk's files cannot name it")
    return path


def _database(environ: Mapping[str, str], home: Path) -> str:
    text = environ.get("HOLLYHOCK_DATABASE_URL") or f"sqlite+aiosqlite:///{home / 'hollyhock.db'}"
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if scheme not in _DATABASES:
        raise BadSetting(f"HOLLYHOCK_DATABASE_URL must begin with {' or '.join(f'{name}://' for name in _DATABASES)}")
    return text


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of this environment; an empty variable counts as unset. Raises BadSetting."""
    home = home_folder(environ)
    password = environ.get("HOLLYHOCK_DEMO_PASSWORD") or None
    if password is not None and not (8 <= len(password) <= 200 and password.isprintable()):
        raise BadSetting("HOLLYHOCK_DEMO_PASSWORD must have 8 to 200 printable characters")
    return Settings(
        home=home,
        http=_http(environ),
        telephony=Telephony(
            sip=_sip(environ.get("HOLLYHOCK_SIP") or "127.0.0.1:5060"),
            rtp=_rtp(environ.get("HOLLYHOCK_RTP") or "20000-20999"),
            asterisk=_asterisk(environ.get("HOLLYHOCK_ASTERISK", "")),
            trunk_networks=_networks(environ.get("HOLLYHOCK_TRUNK_NETWORKS", "")),
        ),
        database_url=_database(environ, home),
        demo_password=password,
    )


def prepare_home(home: Path) -> None:
    """Makes the data folder and proves that it can be written. Raises BadSetting."""
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        probe = home / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadSetting(f"HOLLYHOCK_HOME={home} cannot be written: {error.strerror}") from None


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def load_secrets(settings: Settings) -> Secrets:
    """The secrets of this data folder, made when missing (files of mode 0600). Raises BadSetting when they are damaged.

    A demo password chosen by HOLLYHOCK_DEMO_PASSWORD replaces the kept one.
    """
    path = settings.home / "secrets.toml"
    try:
        signing_key = tomllib.loads(path.read_text(encoding="utf-8"))["signing_key"]
        if not isinstance(signing_key, str) or len(signing_key) < 64:
            raise ValueError
    except FileNotFoundError:
        signing_key = secrets.token_hex(32)
        _write_private(path, f'signing_key = "{signing_key}"\n')
    except (ValueError, KeyError):
        raise BadSetting(f"{path} is damaged: restore it, or delete it and everybody signs in again") from None
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}") from None
    try:
        kept = settings.demo_password_file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        kept = ""
    except OSError as error:
        raise BadSetting(f"{settings.demo_password_file} cannot be read: {error.strerror}") from None
    password = settings.demo_password or kept or secrets.token_urlsafe(9)
    if password != kept:
        _write_private(settings.demo_password_file, password + "\n")
    return Secrets(signing_key=signing_key, demo_password=password)
