"""A process named so surely that a stranger with the same number is never taken for it.

Here: identity (number, start time, boot), waiting for its end, ending it with its whole group; works for children and
for processes that an earlier supervisor started. Not here: what the process is.
Numbers come from /proc/PID/stat (start time in clock ticks since boot) and the kernel's boot id.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

import msgspec


class ProcessId(msgspec.Struct, frozen=True, kw_only=True):
    """`started` is in clock ticks since the boot named by `boot`; the three together are unique on one machine."""

    pid: int
    started: int
    boot: str


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> ProcessId | None:
    """The identity of a running process, None when it is gone or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name may hold blanks and brackets
    if fields[0] in ("Z", "X"):
        return None
    return ProcessId(pid=pid, started=int(fields[19]), boot=boot_id())


class Process:
    """A running process of our own or of an earlier run. It leads its own process group."""

    def __init__(self, identity: ProcessId, child: subprocess.Popen[bytes] | None = None) -> None:
        self.identity = identity
        self._child = child

    @classmethod
    def of_child(cls, child: subprocess.Popen[bytes]) -> Process:
        """For a child just started with its own session. Its identity holds even when it has ended already."""
        identity = identify(child.pid) or ProcessId(pid=child.pid, started=0, boot=boot_id())
        return cls(identity, child)

    @classmethod
    def adopt(cls, identity: ProcessId) -> Process | None:
        """The process of an earlier run, if it is still the same one."""
        return cls(identity) if identify(identity.pid) == identity else None

    @property
    def pid(self) -> int:
        return self.identity.pid

    @property
    def returncode(self) -> int | None:
        """Exit status of a child that ended (negative: signal); None while it runs, and always for an adopted one."""
        return self._child.poll() if self._child else None

    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return identify(self.pid) == self.identity

    async def wait(self) -> None:
        """Returns when the process has ended."""
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.alive():  # the number went to somebody else before we looked
                return
            loop = asyncio.get_running_loop()
            ended = asyncio.Event()
            loop.add_reader(pidfd, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(pidfd)
        finally:
            os.close(pidfd)
        self.alive()  # reaps a child

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Sends a signal to the process or to its whole group; silent when it is gone."""
        if not group and not self.alive():
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    async def stop(self, deadline: float = 5.0) -> None:
        """SIGTERM, up to `deadline` seconds of patience, then SIGKILL to all that is left of the group.

        Returns when the process is gone. A process that ended by itself may have left children: they go as well.
        """
        if self.alive():
            self.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), deadline)
        self.signal(signal.SIGKILL, group=True)
        await self.wait()

    def kill(self) -> None:
        """SIGKILL to the whole group, at once."""
        if self.alive():
            self.signal(signal.SIGKILL, group=True)
        if self._child is not None:
            self._child.wait()
