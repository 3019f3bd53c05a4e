"""What can be asked of this machine without being root: sockets, processes, disks, clocks, a web server.

Here: single questions with a bounded wait each. Not here: what an answer means. Numbers come from /proc (proc(5)),
adjtimex(2), statvfs(3).
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import http.client
import os
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

LISTEN = "0A"
ESTABLISHED = "01"
_WILDCARDS = ("0.0.0.0", "::")
_STA_UNSYNC = 0x40
_TIME_ERROR = 5


class Socket(msgspec.Struct, frozen=True, kw_only=True):
    """One line of /proc/net/tcp and its relatives. `kind` is tcp or udp; `state` is the kernel's two letters."""

    kind: str
    host: str
    port: int
    state: str
    uid: int
    inode: int

    def covers(self, host: str) -> bool:
        return self.host == host or self.host in _WILDCARDS or host in _WILDCARDS


def sockets(kind: str) -> list[Socket]:
    """All sockets of this kind (tcp, udp) that are bound on this machine, IPv4 and IPv6."""
    found: list[Socket] = []
    for family, name in ((socket.AF_INET, kind), (socket.AF_INET6, f"{kind}6")):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                address, _, port = fields[1].partition(":")
                found.append(
                    Socket(
                        kind=kind, host=_address(family, address), port=int(port, 16), state=fields[3],
                        uid=int(fields[7]), inode=int(fields[9]),
                    )
                )  # fmt: skip
    return found


def _address(family: int, text: str) -> str:
    """The kernel writes an address as 32-bit words in the machine's byte order."""
    raw = b"".join(bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8))
    shown = socket.inet_ntop(family, raw)
    return shown.removeprefix("::ffff:")


def listeners(kind: str, host: str, port: int) -> list[Socket]:
    """Who would be in the way of listening there."""
    return [
        one for one in sockets(kind) if one.port == port and one.covers(host) and (kind == "udp" or one.state == LISTEN)
    ]


def owner(inode: int) -> int | None:
    """The process that holds this socket; None when it may not be known (other users' processes are closed)."""
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(descriptor) == wanted:
                        return int(process.name)
    return None


def process_name(pid: int) -> str:
    """`python3 (process 4711)`; an instance of ours for another data folder is called by that folder."""
    if home := (environment(pid) or {}).get("HOLLYHOCK_HOME"):
        return f"the Hollyhock of {home} (process {pid})"
    name = ""
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    return f"{name or 'a program'} (process {pid})"


def environment(pid: int) -> dict[str, str] | None:
    """A process's environment at its start; None when we may not look."""
    try:
        parts = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    pairs = (part.partition(b"=") for part in parts if part)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def bind_error(kind: str, host: str, port: int) -> str:
    """Why this port cannot be listened on, '' when it can. Nothing is listened on, so nobody is disturbed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
        with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as probe:
            if kind == "tcp":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`status` 0: nothing came; `why` says how that was. `date` is the server's own clock, as HTTP writes it."""

    status: int = 0
    body: bytes = b""
    date: str = ""
    why: str = ""


def get(url: str, *, user: str = "", password: str = "", patience: float = 3.0) -> Answer:
    """One GET, without proxies and without checking certificates (that is another check's business)."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    headers = {"Connection": "close"}
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=patience, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=patience)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        answer = connection.getresponse()
        return Answer(status=answer.status, body=answer.read(5_000_000), date=answer.headers.get("Date", ""))
    except TimeoutError:
        return Answer(why=f"no answer in {patience:.0f} s")
    except OSError as error:
        return Answer(why=error.strerror or type(error).__name__)
    except http.client.HTTPException:
        return Answer(why="the answer is no HTTP")
    finally:
        connection.close()


def free_bytes(folder: Path) -> int:
    """Bytes that an unprivileged user may still write on this folder's file system. Raises OSError."""
    figures = os.statvfs(folder)
    return figures.f_bavail * figures.f_frsize


def free_files(folder: Path) -> int | None:
    """Files that may still be made there; None when the file system does not count them. Raises OSError."""
    figures = os.statvfs(folder)
    return figures.f_favail if figures.f_files else None


def open_files(pid: int | None = None) -> int | None:
    """The soft limit of open files of a process (None: of this one); None when it is not known."""
    try:
        lines = Path(f"/proc/{pid or 'self'}/limits").read_text().splitlines()
        word = next(line for line in lines if line.startswith("Max open files")).split()[3]
        return 1 << 30 if word == "unlimited" else int(word)
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def free_memory() -> int | None:
    """Bytes that programs can still get: the machine's, or what the control group leaves. None: not known."""
    found: list[int] = []
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024)
    with contextlib.suppress(OSError, StopIteration, ValueError):  # `max` is no number: no limit
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        cache = next(
            line for line in (group / "memory.stat").read_text().splitlines() if line.startswith("inactive_file")
        )
        found.append(limit - int((group / "memory.current").read_text()) + int(cache.split()[1]))
    return min(found) if found else None


def clock_synchronised() -> bool | None:
    """Whether the kernel's clock is disciplined by NTP or the like; None when it does not tell."""
    buffer = ctypes.create_string_buffer(512)  # struct timex with modes = 0: only read
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    word = ctypes.sizeof(ctypes.c_long)
    if state < 0 or word != 8:
        return None
    status = ctypes.c_int.from_buffer(buffer, 5 * word).value  # after modes, offset, freq, maxerror, esterror
    return state != _TIME_ERROR and not status & _STA_UNSYNC
