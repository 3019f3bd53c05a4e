"""What the kernel says of processes and of the machine: CPU seconds, memory, load. Numbers come from /proc."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import msgspec

_TICK = os.sysconf("SC_CLK_TCK")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One moment. `at` is epoch seconds; CPU in seconds since the process began, all its threads together."""

    at: float
    server: float
    asterisk: float
    callers: float
    agents: float
    busy: float
    """All cores of the machine, everything that runs there."""
    server_rss: int
    asterisk_rss: int


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads (10 ms steps); 0.0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss_bytes(pid: int) -> int:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def busy_seconds() -> float:
    """CPU seconds used on the whole machine since boot, without idle and waiting for disks."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICK


def sample(server: int, asterisk: int, callers: int | None) -> Sample:
    return Sample(
        at=time.time(),
        server=cpu_seconds(server),
        asterisk=cpu_seconds(asterisk),
        callers=cpu_seconds(callers) if callers is not None else 0.0,
        agents=cpu_seconds(os.getpid()),
        busy=busy_seconds(),
        server_rss=rss_bytes(server),
        asterisk_rss=rss_bytes(asterisk),
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
