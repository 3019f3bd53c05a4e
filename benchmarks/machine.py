"""What the kernel says of processes and of the machine: CPU seconds, memory, load."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

_TICK = os.sysconf("SC_CLK_TCK")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One moment. `at` is epoch seconds; CPU in seconds since each process began, all its threads together."""

    at: float
    cpu: dict[str, float]
    busy: float
    """All cores of the machine, everything that runs there."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, ended ones too; 0.0 when it is gone.

    The clock of a foreign process (clock_getcpuclockid(3)) has nanoseconds, /proc/PID/stat has steps of 10 ms.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def rss_mb(pid: int) -> float:
    """Resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def busy_seconds() -> float:
    """CPU seconds used on the whole machine since boot, without idle and waiting for disks."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICK


def sample(pids: Mapping[str, int]) -> Sample:
    """`pids`: name -> process."""
    return Sample(at=time.time(), cpu={name: cpu_seconds(pid) for name, pid in pids.items()}, busy=busy_seconds())


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Between two samples: CPU in seconds by name, and by all others on the machine."""

    since: float
    until: float
    cpu: dict[str, float]
    others: float

    @property
    def seconds(self) -> float:
        return self.until - self.since

    def core(self, name: str) -> float:
        """Share of one core."""
        return self.cpu.get(name, 0.0) / self.seconds


def used(first: Sample, last: Sample) -> Used:
    cpu = {name: last.cpu[name] - first.cpu[name] for name in last.cpu}
    return Used(
        since=first.at,
        until=last.at,
        cpu=cpu,
        others=max(0.0, last.busy - first.busy - sum(cpu.values())),
    )


def describe() -> dict[str, object]:
    """Cores, model, kernel, load."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cores": os.cpu_count() or 1,
        "model": model,
        "kernel": platform.release(),
        "load_1_min": round(os.getloadavg()[0], 2),
    }
