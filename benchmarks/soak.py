"""`python -m benchmarks.soak --calls 2000` (`make soak`): many calls; then: does anything grow, stay, or not add up?

Three kinds of callers side by side: straight to the queue, through the menu, and those who hang up in the menu. All are
recorded. Judged: no failed call, nothing left in Asterisk, memory of the server and of Asterisk after the warm-up,
every recording stored, the auditor's faults, the log, and the journal (whole, its snapshots are the fold of its
records, every decision decided again is the same).

Exit code 0: nothing was found; 1: something was, each with a line; 2: could not run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks import figures, house, machine, metrics, run, sipp
from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.journal_tool.verify import verify
from ctiserver.release import version

GROWTH = 0.02
"""By so much may memory grow after the warm-up."""
EVERY = 0.5
"""Seconds between two looks at memory."""
DRAIN = 30.0
RECORDINGS = 20.0
"""Seconds after the last call in which all its recordings are stored."""
QUICK_SIP = {"pjsip.conf": "[system](+)\ntimer_t1 = 100\ntimer_b = 6400\n"}
"""SIP's timers, five times as fast: Asterisk keeps each transaction for timer_b, and its memory settles after that."""
KINDS: tuple[tuple[str, str, float, sipp.Keys], ...] = (
    ("to the queue", house.STRAIGHT, 0.5, sipp.WAIT),
    ("through the menu", house.MENU, 0.25, sipp.ONE_KEY),
    ("hang up in the menu", house.MENU, 0.25, sipp.Keys(presses=0, pause=(0.0, 0.0), hangs_up=True)),
)
"""Name, number, share of all calls, what they do."""


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """`warm_up`: the share of the calls before memory counts; `quick`: SIP's timers run five times as fast."""

    calls: int = 2000
    rate: float = 20.0
    warm_up: float = 0.45
    agents: int = 60
    idle: int = 20
    talk: float = 0.5
    quick: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen. `found` is empty when all is well; memory in MB after the warm-up."""

    soak: Soak
    seconds: float
    made: int
    failed: int
    served: int
    recordings: int
    records: int
    memory: dict[str, figures.Growth]
    samples: dict[str, tuple[float, ...]]
    """MB, all along; a hundred at most, evenly spaced"""
    found: tuple[str, ...]


async def soak(wanted: Soak, said: Progress | None = None) -> Report:
    """Bounded: calls / rate and about a minute."""
    began = time.monotonic()
    additions = QUICK_SIP if wanted.quick else {}
    async with (
        house.house(wanted.agents, wanted.idle, additions=additions) as there,
        run.desks(there) as desks,
        sipp.phones(there.phones, rtp=False, answer_after=0.1, talk=wanted.talk),
    ):
        await asyncio.sleep(1.0)
        found: list[str] = []
        pids = {"server": there.site.pid, "Asterisk": there.site.asterisk.pid}
        memory: dict[str, list[float]] = {name: [] for name in pids}
        watching = asyncio.create_task(_watch(pids, memory))
        try:
            counted = await _calls(wanted, there, said, found)
        finally:
            watching.cancel()
        seen = await desks.seen()
        found += seen.complaints
        if seen.ready < wanted.agents:
            found.append(f"{seen.ready} of {wanted.agents} agents are ready at the end")
        recordings = await _recordings(there, counted.made, found)
        await _left(there, found)
        exit_code = await there.site.stop()
        if exit_code:
            found.append(f"the server ended with exit code {exit_code}")
        verdict = await asyncio.to_thread(verify, there.site.home / "journal", version=version())
        found += [f"journal: {one.file}: {one.what}" for one in verdict.findings if one.fault]
        if verdict.decided < verdict.records or not verdict.snapshots:
            found.append(f"journal: {verdict.decided} of {verdict.records} records decided again, no snapshot compared")
        records = figures.count(await asyncio.to_thread(there.site.records))
        meant = round(sum(share for _, _, share, keys in KINDS if not keys.hangs_up) * wanted.calls)
        if records.connected < meant:
            found.append(f"{meant - records.connected} callers who waited never talked to an agent")
    kept = {name: samples[round(len(samples) * wanted.warm_up) :] for name, samples in memory.items()}
    grown = {name: figures.growth(samples) for name, samples in kept.items()}
    found += [
        f"{name} grew by {one.share:.1%} after the warm-up: {one.first:.1f} -> {one.last:.1f} MB"
        for name, one in grown.items()
        if one.share >= GROWTH
    ]
    return Report(
        soak=wanted,
        seconds=round(time.monotonic() - began, 1),
        made=counted.made,
        failed=counted.failed,
        served=records.connected,
        recordings=recordings,
        records=records.records,
        memory=grown,
        samples={
            name: tuple(round(one, 1) for one in samples[:: max(1, -(-len(samples) // 100))])
            for name, samples in memory.items()
        },
        found=tuple(found),
    )


async def _watch(pids: Mapping[str, int], memory: Mapping[str, list[float]]) -> None:
    while True:
        for name, pid in pids.items():
            with contextlib.suppress(FileNotFoundError):
                memory[name].append(machine.rss_mb(pid))
        await asyncio.sleep(EVERY)


async def _calls(wanted: Soak, there: house.House, said: Progress | None, found: list[str]) -> sipp.Calls:
    """All kinds side by side until the last call has ended."""
    async with contextlib.AsyncExitStack() as stack:
        processes: list[tuple[str, sipp.Sipp]] = []
        for place, (name, number, share, keys) in enumerate(KINDS):
            callers = sipp.callers(
                there.site.sip,
                number=house.number(number, record=True),
                rate=wanted.rate * share,
                calls=round(wanted.calls * share),
                rtp=False,
                keys=keys,
                media=sipp.CALLER_RTP + 1000 * place,
            )
            processes.append((name, await stack.enter_async_context(callers)))
        bar = said.add_task("calls", total=wanted.calls) if said is not None else None
        until = time.monotonic() + wanted.calls / wanted.rate + DRAIN
        waiting = [asyncio.create_task(process.ended(until - time.monotonic())) for _, process in processes]
        while not all(task.done() for task in waiting):
            await asyncio.wait(waiting, timeout=1.0)
            if said is not None and bar is not None:
                said.update(bar, completed=sum(one.good + one.failed for one in _counted(processes)))
        for (name, process), task in zip(processes, waiting, strict=True):
            if isinstance(task.exception(), TimeoutError):
                found.append(f"callers who {name}: not all calls ended")
            if complaint := process.complaints():
                found.append(f"callers who {name}: SIPp: {complaint}")
        counts = _counted(processes)
    made, good = sum(one.made for one in counts), sum(one.good for one in counts)
    if good < wanted.calls:
        found.append(f"{wanted.calls - good} of {wanted.calls} calls failed")
    return sipp.Calls(made=made, good=good, failed=made - good)


def _counted(processes: list[tuple[str, sipp.Sipp]]) -> list[sipp.Calls]:
    return [process.counted() for _, process in processes]


async def _recordings(there: house.House, calls: int, found: list[str]) -> int:
    """How many are stored: one a call."""
    folder = there.site.home / "recordings"
    until = time.monotonic() + RECORDINGS
    count = 0
    while time.monotonic() < until:
        count = len(await asyncio.to_thread(_wavs, folder))
        if count >= calls:
            return count
        await asyncio.sleep(0.5)
    found.append(f"{count} recordings of {calls} calls are stored")
    return count


def _wavs(folder: Path) -> list[Path]:
    return list(folder.glob("[!.]*.wav"))


async def _left(there: house.House, found: list[str]) -> None:
    site = there.site
    for what, ids in (await site.holds()).items():
        if ids:
            found.append(f"left in Asterisk: {len(ids)} {what}, such as {ids[0]}")
    left = await asyncio.to_thread(lambda: list(site.asterisk.recordings.iterdir()))
    if left:
        found.append(f"left in Asterisk's spool: {len(left)} files")
    page = await metrics.read(site.http, site.url)
    if faults := metrics.total(page, metrics.FAULTS) + metrics.total(page, metrics.OPEN):
        found.append(f"the auditor found {faults:g} faults")
    if complaints := site.complaints():
        found.append(f"{len(complaints)} complaints in the server's log, first: {complaints[0][:200]}")


def show(report: Report, console: Console) -> None:
    console.print(
        f"{report.made} calls in {report.seconds:g} s, {report.failed} failed, {report.served} talked to an agent, "
        f"{report.recordings} recordings, {report.records} records"
    )
    for name, one in report.memory.items():
        console.print(f"{name}: {one.first:.1f} -> {one.last:.1f} MB after the warm-up ({one.share:+.2%})")
    for line in report.found:
        console.print(f"found: {line}", style="red", markup=False)
    console.print("nothing found" if not report.found else f"{len(report.found)} findings")


def _wanted(argv: list[str]) -> tuple[Soak, Path | None]:
    default = Soak()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=default.calls, help="default %(default)d")
    parser.add_argument("--rate", type=float, default=default.rate, help="calls a second (default %(default)g)")
    parser.add_argument("--out", type=Path, help="writes the report as JSON too")
    got = parser.parse_args(argv)
    if not (100 <= got.calls <= 1_000_000 and 1 <= got.rate <= 50):
        parser.error("--calls is 100-1000000, --rate 1-50 calls/s")
    # A long soak warms up for two minutes: timer J is 32 s, and the allocators' pools fill later.
    share = min(default.warm_up, 120.0 * got.rate / got.calls)
    return Soak(calls=got.calls, rate=got.rate, warm_up=share), got.out


def main(argv: list[str]) -> int:
    wanted, out = _wanted(argv)
    console = Console(width=None if sys.stdout.isatty() else 140)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as said:
            report = run.ended_cleanly(soak(wanted, said))
    except KeyboardInterrupt:
        print("ended before its time", file=sys.stderr)
        return 2
    except (CannotStart, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    show(report, console)
    if out is not None:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return 1 if report.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
