"""Starts a private Asterisk, or takes over the one that an earlier supervisor of the same data folder started.

Here: start, take-over, waiting for ARI, end. Not here: calls; the meaning of the configuration (asterisk-config/).
`python -m ctiserver.asterisk.runtime --home DIR --sip 127.0.0.1:PORT --rtp A-B` runs one by hand until Ctrl-C.
Numbers: a minimal module list boots in under half a second; 30 s is the patience with a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import msgspec

from ctiserver.asterisk import bootstrap, runtime_config, runtime_find
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.runtime_config import Wanted
from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.asterisk.runtime_find import Binary
from ctiserver.asterisk.runtime_process import Process, ProcessId
from ctiserver.asterisk.runtime_user import blocked_at, own, service_user

BOOT_PATIENCE = 30.0
_POLL = 0.05


class InstanceFile(msgspec.Struct, frozen=True, kw_only=True):
    """What HOME/asterisk/instance.json holds (mode 0600): enough to find and command the Asterisk of this folder."""

    process: ProcessId
    ari: AriAddress
    wanted: Wanted


class Instance:
    """A running Asterisk of ours. `sip` is the trunk's (host, port), `sounds` the folder with `prompts/` and `moh/`."""

    def __init__(self, home: Path, process: Process, facts: InstanceFile) -> None:
        self.home = home
        self.process = process
        self.ari = facts.ari
        self.sip = facts.wanted.sip
        self.rtp = facts.wanted.rtp
        self.folders = runtime_config.folders(home)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def sounds(self) -> Path:
        return self.folders.sounds

    @property
    def recordings(self) -> Path:
        return self.folders.spool / "recording"

    @property
    def console(self) -> Path:
        """What Asterisk printed."""
        return self.folders.log / "console.log"

    def alive(self) -> bool:
        return self.process.alive()

    async def wait(self) -> None:
        """Returns when this Asterisk has ended."""
        await self.process.wait()

    async def stop(self, deadline: float = 5.0) -> None:
        """Ends Asterisk (its calls with it) within `deadline` seconds and forgets it."""
        await self.process.stop(deadline)
        self._forget()

    def kill(self) -> None:
        """kill -9, as a crash would."""
        self.process.kill()

    def _forget(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            instance_path(self.home).unlink()
        if not self.folders.run.is_relative_to(self.folders.base):
            shutil.rmtree(self.folders.run, ignore_errors=True)


def instance_path(home: Path) -> Path:
    return home.absolute() / "asterisk" / "instance.json"


def read_instance(home: Path) -> InstanceFile | None:
    """The instance file, None when there is none or it is damaged."""
    try:
        return msgspec.json.decode(instance_path(home).read_bytes(), type=InstanceFile)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


async def answers(ari: AriAddress, patience: float = 2.0) -> bool:
    """True when ARI answers `asterisk/ping`; an open port alone means nothing, it says 404 for a moment at boot."""
    limit = aiohttp.ClientTimeout(total=patience)
    headers = {"Authorization": aiohttp.encode_basic_auth(ari.user, ari.password)}
    try:
        async with aiohttp.ClientSession(timeout=limit, headers=headers) as session:
            async with session.get(f"{ari.url}/ari/asterisk/ping") as answer:
                return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


async def find_or_bootstrap(environ: Mapping[str, str]) -> Binary:
    """The Asterisk to run; fetches one into the shared cache when there is none. Raises CannotStart."""
    binary = await asyncio.to_thread(runtime_find.find, environ)
    if binary is None:
        await asyncio.to_thread(bootstrap.bootstrap, environ)
        binary = await asyncio.to_thread(runtime_find.find, environ)
    if binary is None:
        raise CannotStart(runtime_find.THREE_WAYS)
    return binary


async def take_over(home: Path, wanted: Wanted) -> Instance | None:
    """The Asterisk that an earlier run left for this data folder.

    It is ended instead when it is stuck or listens elsewhere than `wanted`. None when there is none any more.
    """
    facts = read_instance(home)
    if facts is None:
        return None
    process = Process.adopt(facts.process)
    if process is None:
        return None
    instance = Instance(home, process, facts)
    if facts.wanted == wanted and await answers(facts.ari, patience=5.0):
        return instance
    await instance.stop()
    return None


async def start(
    home: Path,
    wanted: Wanted,
    environ: Mapping[str, str] | None = None,
    additions: Mapping[str, str] | None = None,
) -> Instance:
    """Starts an Asterisk with its files in `home`/asterisk and waits until ARI answers. Raises CannotStart.

    `additions`: what a tool adds to the configuration files (see runtime_config.render).
    """
    binary = await find_or_bootstrap(os.environ if environ is None else environ)
    ari, child = _spawn(home, wanted, binary, additions or {})
    process = Process.of_child(child)
    facts = InstanceFile(process=process.identity, ari=ari, wanted=wanted)
    _write_private(instance_path(home), msgspec.json.format(msgspec.json.encode(facts)))
    own(instance_path(home), service_user())
    instance = Instance(home, process, facts)
    try:
        async with asyncio.timeout(BOOT_PATIENCE):
            while not await answers(ari):
                if not process.alive():
                    raise CannotStart(f"Asterisk ended at once; see {instance.console}")
                await asyncio.sleep(_POLL)
    except TimeoutError:
        await instance.stop()
        raise CannotStart(f"Asterisk gave no answer in {BOOT_PATIENCE:.0f} s; see {instance.console}") from None
    except BaseException:
        instance.kill()
        raise
    return instance


def _spawn(
    home: Path, wanted: Wanted, binary: Binary, additions: Mapping[str, str]
) -> tuple[AriAddress, subprocess.Popen[bytes]]:
    user = service_user()
    places = runtime_config.folders(home)
    runtime_config.require_free(wanted.sip)
    runtime_config.prepare(places, user)
    for needed in (places.etc, Path(binary.command[0])):
        if closed := blocked_at(needed, user):
            raise CannotStart(f"Asterisk runs as user {user.uid if user else 0}, who may not enter {closed}")
    ari = _address(home)
    port = int(ari.url.rpartition(":")[2])
    runtime_config.render(places, binary, wanted, port, ari, user, additions)
    with open(places.log / "console.log", "ab") as console:
        own(places.log / "console.log", user)
        child = subprocess.Popen(
            [*binary.command, "-C", str(places.etc / "asterisk.conf"), "-f", "-n"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            cwd=places.base,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(places.base), "LC_ALL": "C.UTF-8"}
            | binary.environ,
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            umask=0o077,
        )
    return ari, child


def _address(home: Path) -> AriAddress:
    """The address of the last Asterisk here that did not end by our will: its clients find the new one."""
    last = read_instance(home)
    if last is not None and runtime_config.is_free("127.0.0.1", int(last.ari.url.rpartition(":")[2])):
        return last.ari
    port = runtime_config.free_port()
    return AriAddress(url=f"http://127.0.0.1:{port}", user="hollyhock", password=secrets.token_urlsafe(24))


def _write_private(path: Path, data: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    fresh.replace(path)


@contextlib.asynccontextmanager
async def running(
    home: Path | None = None,
    *,
    sip: tuple[str, int] | None = None,
    rtp: tuple[int, int] = (20000, 20999),
    additions: Mapping[str, str] | None = None,
) -> AsyncIterator[Instance]:
    """A private Asterisk for tests and tools, ended on leaving. Without `home` in a folder that goes too."""
    own_home = home is None
    folder = Path(tempfile.mkdtemp(prefix="hollyhock-")) if home is None else home
    try:
        if own_home:
            folder.chmod(0o755)
        wanted = Wanted(sip=sip or ("127.0.0.1", runtime_config.free_port()), rtp=rtp)
        instance = await start(folder, wanted, additions=additions)
        try:
            yield instance
        finally:
            await instance.stop()
    finally:
        if own_home:
            shutil.rmtree(folder, ignore_errors=True)


def _pair(text: str, separator: str) -> tuple[str, int]:
    left, _, right = text.rpartition(separator)
    return left, int(right)


async def _by_hand(arguments: argparse.Namespace) -> None:
    first, last = _pair(arguments.rtp, "-")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(arguments.home, sip=_pair(arguments.sip, ":"), rtp=(int(first), last)) as instance:
        print(f"ARI {instance.ari.url}/ari user {instance.ari.user} password {instance.ari.password}")
        print(f"SIP {instance.sip[0]}:{instance.sip[1]} pid {instance.pid} log {instance.console}", flush=True)
        await stop.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description="Run one private Asterisk until Ctrl-C.")
    parser.add_argument("--home", type=Path, help="data folder; a temporary one by default")
    parser.add_argument("--sip", default="127.0.0.1:5060", metavar="HOST:PORT")
    parser.add_argument("--rtp", default="20000-20999", metavar="FIRST-LAST")
    try:
        asyncio.run(_by_hand(parser.parse_args()))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
