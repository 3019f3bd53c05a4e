"""A supervised instance in a folder and on ports of its own, for tests.

Here: start the supervisor as a process of its own, ask who runs, wait for what it prints. Not here: assertions.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from ctiserver.asterisk.runtime import InstanceFile, read_instance
from ctiserver.asterisk.runtime_config import free_port
from ctiserver.asterisk.runtime_process import Process, identify
from tests.harness.waiting import STARTING, eventually

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """One data folder with its settings; `up()` starts a supervisor over it, any number of times."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.http = free_port()
        self.sip = ("127.0.0.1", free_port())
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": str(ROOT),
            "HOLLYHOCK_HOME": str(home),
            "HOLLYHOCK_HTTP": f"127.0.0.1:{self.http}",
            "HOLLYHOCK_SIP": f"127.0.0.1:{self.sip[1]}",
            "HOLLYHOCK_RTP": "31000-31199",
        }
        for name in ("HOLLYHOCK_ASTERISK", "HOLLYHOCK_CACHE"):
            if name in os.environ:
                self.environ[name] = os.environ[name]
        self.supervisor: asyncio.subprocess.Process | None = None
        self.said = ""
        self._reader: asyncio.Task[None] | None = None

    async def up(self, **extra: str) -> asyncio.subprocess.Process:
        self.said = ""
        self.supervisor = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "tests/setup/launch.py"),
            env=self.environ | extra,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self.supervisor))
        return self.supervisor

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.said += line.decode()

    async def says(self, words: str, within: float = STARTING) -> None:
        await eventually(lambda: words in self.said, within, f"the supervisor says {words!r}; it said:\n{self.said}")

    async def ready(self) -> None:
        await self.says(f"ready http://127.0.0.1:{self.http}\n")

    async def ended(self, within: float = STARTING) -> int:
        assert self.supervisor is not None
        assert self._reader is not None
        code = await asyncio.wait_for(self.supervisor.wait(), within)
        await self._reader
        return code

    async def down(self, number: signal.Signals = signal.SIGINT) -> int:
        assert self.supervisor is not None
        if self.supervisor.returncode is None:
            self.supervisor.send_signal(number)
        return await self.ended()

    def asterisk(self) -> InstanceFile | None:
        return read_instance(self.home)

    def server_pid(self) -> int:
        """The server's process number, 0 when there is none."""
        try:
            number: int = json.loads((self.home / "server.json").read_text())["pid"]
        except (FileNotFoundError, json.JSONDecodeError):
            return 0
        return number if identify(number) else 0

    async def server_after(self, old: int, within: float = STARTING) -> int:
        """The number of the server that came after `old`."""

        def another() -> int:
            pid = self.server_pid()
            return pid if pid != old else 0

        return await eventually(another, within, "another server runs")

    def left_behind(self) -> list[str]:
        """Command lines of processes that have to do with this folder."""
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                text = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
                if os.fsencode(self.home) in text and int(folder.name) != os.getpid():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found

    async def clean(self) -> None:
        if self.supervisor is not None and self.supervisor.returncode is None:
            self.supervisor.kill()
            await self.ended()
        if server := self.server_pid():
            os.killpg(server, signal.SIGKILL)
        if (facts := self.asterisk()) and (left := Process.adopt(facts.process)):
            await left.stop(1.0)
        shutil.rmtree(self.home, ignore_errors=True)


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """A new site; everything of it is gone afterwards. Its folder is open, since Asterisk's user must pass."""
    home = Path(tempfile.mkdtemp(prefix="hollyhock-site-"))
    home.chmod(0o755)
    made = Site(home)
    try:
        yield made
    finally:
        await made.clean()
