"""Keeps Asterisk and the server running: `python -m ctiserver.supervisor`, which `make up` calls.

Here: start, restart with back-off, take-over after the supervisor's own death, orderly end, and the order to apologise
to callers while the server is away. Not here: telephony, databases, settings' meaning.

After a supervisor's death Asterisk and the server live on. The next supervisor of the same data folder adopts Asterisk
(calls live there) and ends the old server before it starts its own: one owner without any hand-over, at the price of a
server restart, which calls survive.
Numbers: back-off after 3 restarts in a minute, apology 5 s after the server's death (both required); Asterisk counts as
stuck when two pings of 5 s in a row stay unanswered, the server when three requests do.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO

import aiohttp
import msgspec

from ctiserver.asterisk import runtime
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.runtime_apology import apologise
from ctiserver.asterisk.runtime_config import Wanted
from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.asterisk.runtime_process import Process, ProcessId
from ctiserver.settings import BadSetting, Settings, is_loopback, load_secrets, load_settings, prepare_home
from ctiserver.supervisor_launch import launch

APOLOGY_AFTER = 5.0
RESTARTS_AT_ONCE = 3
RESTART_WINDOW = 60.0
LONGEST_BACK_OFF = 15.0
SERVER_DEADLINE = 8.0
PATIENCE = 5.0
REPLACED = 4  # the server's exit code after a newcomer took its Asterisk (ctiserver.app says the same)
_LOG_LIMIT = 50_000_000


def say(text: str) -> None:
    print(f"hollyhock: {text}", file=sys.stderr, flush=True)


class BackOff:
    """How long to wait before the next restart: nothing for the first three in a minute, then 1, 2, 4 ... 15 s."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._restarts: collections.deque[float] = collections.deque()

    def delay(self) -> float:
        """Counts one restart and returns the seconds to wait before it."""
        now = self._now()
        while self._restarts and self._restarts[0] <= now - RESTART_WINDOW:
            self._restarts.popleft()
        excess = len(self._restarts) - RESTARTS_AT_ONCE
        self._restarts.append(now)
        return 0.0 if excess < 0 else min(LONGEST_BACK_OFF, 2.0**excess)


class Supervisor:
    """One data folder's Asterisk and server. `command` starts the server; `run` returns the exit code."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], command: Sequence[str]) -> None:
        self.settings = settings
        self.environ = dict(environ)
        self.command = list(command)
        self.asterisk: runtime.Instance | None = None
        self.server: Process | None = None
        self.exit_code = 0
        self._stop = asyncio.Event()
        self._ready_once = False
        self._down_since: float | None = 0.0
        self._server_file = settings.home / "server.json"
        self._log = settings.home / "log" / "server.log"

    @property
    def ari(self) -> AriAddress:
        if self.asterisk is not None:
            return self.asterisk.ari
        assert self.settings.telephony.asterisk is not None, "Asterisk is started before anything asks for it"
        return self.settings.telephony.asterisk

    # -- the whole ---------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Until a signal asks for the end. Raises BadSetting and CannotStart when it cannot begin."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        lock = self._lock()
        try:
            secrets = load_secrets(self.settings)
            launch(self.settings, self.environ, self.command)  # its refusals come before anything is started
            await self._end_old_server()
            self._require_http_port()
            await self._begin_asterisk()
            self._down_since = loop.time()
            async with asyncio.TaskGroup() as group:
                duties = [
                    group.create_task(self._keep_server()),
                    group.create_task(self._watch_ready(secrets.demo_password)),
                    group.create_task(self._watch_server()),
                    group.create_task(self._apologise_while_down()),
                ]
                if self.asterisk is not None:
                    duties += [group.create_task(self._keep_asterisk()), group.create_task(self._watch_asterisk())]
                await self._stop.wait()
                for duty in duties:
                    duty.cancel()
        finally:
            await asyncio.shield(self._end())
            lock.close()
        return self.exit_code

    async def _end(self) -> None:
        if self.server is not None:
            await self.server.stop(SERVER_DEADLINE)
            self._server_file.unlink(missing_ok=True)
        if self.asterisk is not None:
            await self.asterisk.stop()

    def _lock(self) -> IO[str]:
        path = self.settings.home / "supervisor.lock"
        try:
            file = open(path, "a+")
        except OSError as error:
            raise BadSetting(f"{path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise CannotStart(f"HOLLYHOCK_HOME={self.settings.home} is in use by another supervisor") from None
        return file

    # -- Asterisk ----------------------------------------------------------------------------------------------------

    async def _begin_asterisk(self) -> None:
        if (elsewhere := self.settings.telephony.asterisk) is not None:
            if not await runtime.answers(elsewhere, patience=5.0):
                raise CannotStart(f"HOLLYHOCK_ASTERISK: no ARI answers at {elsewhere.url} for this user and password")
            return
        self.asterisk = await runtime.take_over(self.settings.home, self._wanted())
        if self.asterisk is not None:
            say(f"took over the running Asterisk (process {self.asterisk.pid})")
        else:
            self.asterisk = await runtime.start(self.settings.home, self._wanted(), self.environ)

    def _wanted(self) -> Wanted:
        telephony = self.settings.telephony
        return Wanted(
            sip=telephony.sip,
            rtp=telephony.rtp,
            trunk_networks=telephony.trunk_networks,
            browser_media="127.0.0.1" if is_loopback(self.settings.http.host) else "0.0.0.0",
        )

    async def _keep_asterisk(self) -> None:
        back_off = BackOff(asyncio.get_running_loop().time)
        assert self.asterisk is not None
        while True:
            await self.asterisk.wait()
            delay = back_off.delay()
            say(f"Asterisk ended; starting it again{f' in {delay:.0f} s' if delay else ''}")
            await asyncio.sleep(delay)
            before = self.asterisk.ari
            try:
                self.asterisk = await runtime.start(self.settings.home, self._wanted(), self.environ)
            except CannotStart as error:
                say(str(error))
                continue
            if self.asterisk.ari != before and self.server is not None:
                await self.server.stop(SERVER_DEADLINE)  # it must learn the new address; its keeper starts it again

    async def _watch_asterisk(self) -> None:
        """A process that lives but answers nothing is worth no more than a dead one."""
        missed = 0
        while True:
            await asyncio.sleep(2.0)
            assert self.asterisk is not None
            if not self.asterisk.alive() or await runtime.answers(self.asterisk.ari, patience=PATIENCE):
                missed = 0
                continue
            missed += 1
            if missed == 2:
                say("Asterisk is stuck and answers nothing; ending it")
                self.asterisk.kill()
                missed = 0

    # -- the server --------------------------------------------------------------------------------------------------

    async def _end_old_server(self) -> None:
        try:
            identity = msgspec.json.decode(self._server_file.read_bytes(), type=ProcessId)
        except (FileNotFoundError, msgspec.DecodeError):
            return
        old = Process.adopt(identity)
        if old is not None:
            say(f"ending the server that an earlier supervisor left (process {old.pid})")
            await old.stop(SERVER_DEADLINE)
        self._server_file.unlink(missing_ok=True)

    def _require_http_port(self) -> None:
        http = self.settings.http
        try:
            family, _, _, _, address = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            raise CannotStart(f"HOLLYHOCK_HTTP: {http.host}:{http.port} cannot be used: {error.strerror}") from None

    def _start_server(self) -> Process:
        self._log.parent.mkdir(exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > _LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".log.1"))
        how = launch(self.settings, self.environ, self.command)
        if how.notice and not self._ready_once:
            say(how.notice)
        with open(self._log, "ab") as log:
            child = subprocess.Popen(
                how.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.settings.home,
                env=how.environ,
                start_new_session=True,
                user=how.user.uid if how.user else None,
                group=how.user.gid if how.user else None,
                extra_groups=[] if how.user else None,
                umask=how.umask,
            )
        process = Process.of_child(child)
        self._server_file.write_bytes(msgspec.json.encode(process.identity))
        return process

    async def _keep_server(self) -> None:
        loop = asyncio.get_running_loop()
        back_off = BackOff(loop.time)
        while True:
            self.server = self._start_server()
            await self.server.wait()
            code = self.server.returncode
            await self.server.stop()  # whatever it left in its group
            if self._down_since is None:
                self._down_since = loop.time()
            if code == 2 and not self._ready_once:
                say(f"the server refused to start: {self._last_line()}")
                self.exit_code = 2
                self._stop.set()
                return
            if code == REPLACED:
                say("another server owns this Asterisk now; ours is not started again")
                self._down_since = None  # its callers are not ours to apologise to
                return
            delay = back_off.delay()
            say(f"the server ended ({_describe(code)}); starting it again{f' in {delay:.0f} s' if delay else ''}")
            say(f"its last words: {self._last_line()} (more in {self._log})")
            await asyncio.sleep(delay)

    def _last_line(self) -> str:
        with open(self._log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "none"

    async def _watch_ready(self, password: str) -> None:
        """Notes when the server is back; says so the first time."""
        while True:
            server = self.server
            ready = self._down_since is not None and server is not None and await self._is_ready()
            if ready and server is self.server and server is not None and server.alive():
                self._down_since = None
                if not self._ready_once:
                    self._ready_once = True
                    self._announce(password)
            await asyncio.sleep(0.1 if self._down_since is not None else 0.5)

    async def _watch_server(self) -> None:
        """A server that was ready and then answers nothing at all holds calls that nobody serves."""
        missed = 0
        while True:
            await asyncio.sleep(2.0)
            server = self.server
            if self._down_since is not None or server is None or await self._ask("/healthz", PATIENCE) is not None:
                missed = 0
                continue
            missed += 1
            if missed == 3 and server is self.server:
                say("the server is stuck and answers nothing; ending it")
                server.signal(signal.SIGKILL, group=True)
                missed = 0

    async def _is_ready(self) -> bool:
        return await self._ask("/readyz", 2.0) == 200

    async def _ask(self, path: str, patience: float) -> int | None:
        """The HTTP status of one of the server's pages, None when nothing comes."""
        http = self.settings.http
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(
            http.host, f"[{http.host}]" if ":" in http.host else http.host
        )
        scheme = "https" if http.certificate else "http"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
                session.get(f"{scheme}://{host}:{http.port}{path}", ssl=False) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    def _announce(self, password: str) -> None:
        print("demo users: agents 1001 1002 1003 1004 1005 1006, team lead 2001, administrator admin")
        print(f"password of all of them: {password} (kept in {self.settings.demo_password_file})")
        print(f"ready {self.settings.http.url}", flush=True)

    # -- callers while the server is away ----------------------------------------------------------------------------

    async def _apologise_while_down(self) -> None:
        loop = asyncio.get_running_loop()
        told: set[str] = set()
        while True:
            await asyncio.sleep(0.2)
            if self._down_since is None:
                told.clear()
                continue
            if loop.time() - self._down_since < APOLOGY_AFTER:
                continue
            try:
                fresh = set(await apologise(self.ari)) - told
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue  # Asterisk is away as well: its keeper is at work
            if fresh:
                told |= fresh
                say(f"the server is away: {len(fresh)} more callers go to the apology")
            await asyncio.sleep(0.8)  # late ones are found within a second


def _describe(code: int | None) -> str:
    if code is None:
        return "unknown"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def server_command() -> list[str]:
    return [sys.executable, "-P", "-m", "ctiserver.cli", "serve"]


def main(environ: Mapping[str, str], command: Sequence[str] | None = None) -> int:
    """Runs a supervisor to its end; returns the exit code, 2 with one line on stderr for a fault of the set-up."""
    try:
        settings = load_settings(environ)
        prepare_home(settings.home)
        return asyncio.run(Supervisor(settings, environ, command or server_command()).run())
    except (BadSetting, CannotStart) as error:
        say(str(error))
        return 2


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main(dict(os.environ)))
