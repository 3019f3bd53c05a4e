"""One run: start the site, connect the desktops, run the plan's windows, then the callers in the menus, then the books.

Here: the order of a run and its result as data. Not here: figures (figures.py), printing (report.py), what is run
(plan.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import importlib.metadata
import platform
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from benchmarks import figures, house, machine, metrics, observer, profiler, replay, sipp, yardstick
from benchmarks.desks import Plan as DesksPlan, Seen
from benchmarks.house import House
from benchmarks.machine import Used
from benchmarks.plan import Condition, Kind, Plan, Window
from benchmarks.result import InMenus, Measured, Result, Row
from ctiserver import journal
from ctiserver.model.turns import Record
from tests.harness.site import Site

IDLE = 10.0
"""Seconds of measuring the site with everybody connected and nobody calling."""
DRAIN = 12.0
"""Seconds after the last call was made in which all calls must have ended."""
SETTLE = 1.0
"""Seconds after the last BYE for wrap-up and recordings."""
AROUND, BEFORE = 5.0, 150.0
"""Seconds around a window, and of all that is no window: for the announcement of how long a run takes."""
QUIET = 0.10
"""Cores used by strangers, above which a window's figures should not be published."""
PRESSING = (3.0, 5.0)
"""Seconds between two keys of a caller in the menus."""
RAMP = 20.0
"""Callers a second that come into the menus."""
IVR_SECONDS = 15.0

Say = Callable[[str], None]
T = TypeVar("T")


class Desks:
    """The process of all desktops (benchmarks/desks.py)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def seen(self) -> Seen:
        """Since the last question. Raises RuntimeError when the desktops are gone."""
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(b"\n")
            await self._process.stdin.drain()
        return await self.next()

    async def next(self) -> Seen:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the desktops' process has ended")
        return msgspec.json.decode(line, type=Seen)


@asynccontextmanager
async def desks(there: House, *, ready: bool = True) -> AsyncIterator[Desks]:
    """All desktops connected and (`ready`) all agents ready. Raises RuntimeError when that does not come about."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.desks",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=64 * 1024 * 1024,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        plan = DesksPlan(host="127.0.0.1", port=there.site.port, agents=there.agents, idle=there.idle, ready=ready)
        process.stdin.write(msgspec.json.encode(plan) + b"\n")
        found = Desks(process)
        first = await found.next()
        if first.complaints or (ready and first.ready < len(there.agents)):
            said = "; ".join(first.complaints)
            raise RuntimeError(f"{first.ready} of {len(there.agents)} agents are ready: {said}\n{there.site.tail(10)}")
        yield found
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


class Runner:
    """What the parts of a run share."""

    def __init__(self, plan: Plan, there: House, desks: Desks, say: Say) -> None:
        self.plan, self.there, self.desks, self.say = plan, there, desks, say
        self.site: Site = there.site
        self.troubles: list[str] = []
        self.measured: list[Measured] = []
        self.times: dict[tuple[Kind, Condition], list[figures.Times]] = {}
        self._seq = 0

    def pids(self, **more: int) -> Mapping[str, int]:
        return {"server": self.site.pid, "asterisk": self.site.asterisk.pid, "desktops": self.desks.pid, **more}

    async def calm(self, seconds: float) -> Used:
        """Nobody calls."""
        first = machine.sample(self.pids())
        await asyncio.sleep(seconds)
        return machine.used(first, machine.sample(self.pids()))

    def number(self, window: Window) -> str:
        record = window.condition.record
        match window.kind:
            case Kind.YARDSTICK:
                return yardstick.RECORDED if record else yardstick.NUMBER
            case Kind.STRAIGHT:
                return house.number(house.STRAIGHT, record=record)
            case Kind.WHOLE:
                return house.number(house.MENU, record=record)

    async def window(self, window: Window, profile: float = 0.0) -> tuple[Measured, profiler.Profile | None]:
        """One window of steady load from its first call to the end of its last."""
        condition, plan = window.condition, self.plan
        calls = round(condition.rate * (window.warm_up + window.seconds + 0.5))
        profiles: list[profiler.Profile] = []
        await self.desks.seen()
        async with contextlib.AsyncExitStack() as stack:
            phones = await stack.enter_async_context(
                sipp.phones(self.there.phones, rtp=condition.rtp, answer_after=plan.answer_after, talk=plan.talk)
            )
            await asyncio.sleep(0.3)  # SIPp has its port: a call without a phone would count as failed
            callers = await stack.enter_async_context(
                sipp.callers(
                    self.site.sip,
                    number=self.number(window),
                    rate=condition.rate,
                    calls=calls,
                    rtp=condition.rtp,
                    keys=sipp.ONE_KEY if window.kind is Kind.WHOLE else sipp.WAIT,
                )
            )
            await asyncio.sleep(window.warm_up)
            pids = self.pids(callers=callers.pid, phones=phones.pid)
            async with contextlib.AsyncExitStack() as sampling:
                if profile:
                    profiles = await sampling.enter_async_context(profiler.sampled(self.site.pid, window.seconds))
                first = machine.sample(pids)
                watched = await metrics.watch(self.site.http, self.site.url, window.seconds)
                used = machine.used(first, machine.sample(pids))
            counted = await self._over(callers, window)
            await asyncio.sleep(SETTLE)
            called, rang, phoned = callers.moments(), phones.moments(), phones.counted()
        seen = await self.desks.seen()
        records = await asyncio.to_thread(self._records)
        ours = window.kind is not Kind.YARDSTICK
        self._look(window, seen)
        stretch = figures.count(records)
        times = [figures.dialled(called, rang, used.since, used.until)]
        if ours:
            times.append(figures.served(records, seen.shown, rang, used.since, used.until))
        ended = figures.ended(called, used.since, used.until)
        measured = Measured(
            window=window,
            at=iso(used.since),
            seconds=round(used.seconds, 3),
            calls=ended,
            server_ms=round(used.cpu["server"] * 1000 / max(1, ended), 2),
            asterisk_ms=round(used.cpu["asterisk"] * 1000 / max(1, ended), 2),
            cores=shares(used),
            callers=counted,
            phones=phoned,
            unserved=stretch.unserved if ours else 0,
            deltas_a_second=round(seen.deltas / (used.seconds + window.warm_up), 1),
            client_late=figures.spread(late for at, late in seen.late if used.since <= at < used.until),
            server_says=watched,
            records_a_call=round(stretch.records / max(1, counted.made), 1) if ours else 0.0,
            quiet=used.others / used.seconds < QUIET,
        )
        if not profile:
            self.measured.append(measured)
            self.times.setdefault((window.kind, condition), []).extend(times)
        self.say(f"  {measured.calls} calls, server {measured.server_ms:.1f} + Asterisk {measured.asterisk_ms:.1f} ms")
        return measured, profiles[0] if profiles else None

    async def _over(self, callers: sipp.Sipp, window: Window) -> sipp.Calls:
        try:
            counted = await callers.ended(DRAIN)
        except TimeoutError:
            counted = callers.counted()
            left = counted.made - counted.good - counted.failed
            self.troubles.append(f"{window.kind}, {window.condition}: {left} calls did not end")
            counted = sipp.Calls(made=counted.made, good=counted.good, failed=counted.made - counted.good)
        if said := callers.complaints():
            self.troubles.append(f"{window.kind}, {window.condition}: SIPp: {said}")
        return counted

    def _look(self, window: Window, seen: Seen) -> None:
        self.troubles += [f"{window.kind}, {window.condition}: {one}" for one in seen.complaints]
        everybody = len(self.there.agents) + len(self.there.idle)
        if seen.ready < len(self.there.agents) or seen.open < everybody:
            self.troubles.append(
                f"after {window.kind}, {window.condition}: {seen.ready} of {len(self.there.agents)} agents are ready, "
                f"{seen.open} of {everybody} desktops connected"
            )

    def _records(self) -> list[Record]:
        """Those since the last time."""
        found = list(journal.read(self.site.home / "journal", after=self._seq))
        if found:
            self._seq = found[-1].seq
        return found

    async def in_menus(self, callers: int, *, record: bool) -> InMenus:
        """So many callers side by side who press keys. They send sound: who is silent for long is looked after by the
        server with a re-INVITE, which SIPp does not expect."""
        ramp = callers / RAMP
        presses = round((ramp + IVR_SECONDS + 4.0) / (sum(PRESSING) / 2))
        keys = sipp.Keys(presses=presses, pause=PRESSING, hangs_up=True)
        await asyncio.to_thread(self._records)
        number = house.number(house.KEYS, record=record)
        async with (
            observer.prompts(self.site.asterisk.ari) as begun,
            sipp.callers(self.site.sip, number=number, rate=RAMP, calls=callers, rtp=True, keys=keys) as process,
        ):
            await asyncio.sleep(ramp + 2.0)
            pids = self.pids(callers=process.pid)
            first = machine.sample(pids)
            await asyncio.sleep(IVR_SECONDS)
            used = machine.used(first, machine.sample(pids))
            window = Window(
                kind=Kind.WHOLE,
                condition=Condition(rate=RAMP, rtp=True, record=record),
                warm_up=0.0,
                seconds=IVR_SECONDS,
            )
            counted = await self._over_later(process, window, presses * PRESSING[1])
        times = figures.served(await asyncio.to_thread(self._records), {}, [], used.since, used.until, begun)
        spread = figures.spread(times.digit_to_prompt)
        sound = figures.spread(times.digit_to_sound)
        self.say(f"  {spread.count} digits, digit -> prompt p99 {spread.p99} ms, -> sound p99 {sound.p99} ms")
        return InMenus(
            callers=callers,
            record=record,
            digits=spread.count,
            digits_a_second=round(spread.count / used.seconds, 1),
            digit_to_prompt=spread,
            digit_to_sound=sound,
            event_to_turn=figures.spread(times.event_to_turn),
            failures=counted.failed,
            cores=shares(used),
        )

    async def _over_later(self, process: sipp.Sipp, window: Window, seconds: float) -> sipp.Calls:
        with contextlib.suppress(TimeoutError):
            await process.ended(seconds)
        return await self._over(process, window)

    def rows(self) -> tuple[Row, ...]:
        return tuple(self._row(kind, condition, times) for (kind, condition), times in self.times.items())

    def _row(self, kind: Kind, condition: Condition, times: list[figures.Times]) -> Row:
        mine = [one for one in self.measured if (one.window.kind, one.window.condition) == (kind, condition)]
        calls = sum(one.calls for one in mine)
        spreads = {
            name: figures.spread(found) for name, found in msgspec.structs.asdict(figures.together(times)).items()
        }
        return Row(
            kind=kind,
            condition=condition,
            calls=calls,
            failures=sum(one.failures for one in mine),
            server_ms=round(sum(one.server_ms * one.calls for one in mine) / max(1, calls), 2),
            asterisk_ms=round(sum(one.asterisk_ms * one.calls for one in mine) / max(1, calls), 2),
            off_by=figures.off_by([one.server_ms * (kind is not Kind.YARDSTICK) + one.asterisk_ms for one in mine]),
            times={name: found for name, found in spreads.items() if found.count},
        )


def ended_cleanly(work: Coroutine[object, object, T]) -> T:
    """Run it; SIGTERM ends it as Ctrl-C does, with everything that it started. Raises KeyboardInterrupt."""

    async def told() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(told())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def bench(plan: Plan, say: Say) -> Result:
    """Bounded by its plan."""
    at = time.time()
    say("starting Asterisk and the server")
    async with house.house(plan.agents, plan.idle) as there:
        say(f"connecting {plan.agents} agents and {plan.idle} more desktops")
        async with desks(there) as connected:
            runner = Runner(plan, there, connected, say)
            return await _run(runner, at)


async def _run(runner: Runner, at: float) -> Result:
    plan, site, say = runner.plan, runner.site, runner.say
    await asyncio.sleep(3.0)  # signing in 500 people is over
    say(f"idle for {IDLE:g} s")
    idle = await runner.calm(IDLE)
    before = _memory(site)
    for number, window in enumerate(plan.windows, 1):
        say(f"{number}/{len(plan.windows)}: {window.kind}, {window.condition}")
        await runner.window(window)
    menus = []
    if plan.in_ivr:
        for record in (False, True):
            say(f"{plan.in_ivr} callers in the menus, {'' if record else 'not '}recorded")
            menus.append(await runner.in_menus(plan.in_ivr, record=record))
    profiles = await _profiles(runner) if plan.profile else {}
    await asyncio.sleep(SETTLE)
    left = await site.holds()
    if any(left.values()):
        runner.troubles.append(f"left in Asterisk: {len(left['channels'])} channels, {len(left['bridges'])} bridges")
    if complaints := site.complaints():
        runner.troubles.append(f"{len(complaints)} complaints in the server's log, first: {complaints[0][:200]}")
    page = await metrics.read(site.http, site.url)
    if faults := metrics.total(page, metrics.FAULTS) + metrics.total(page, metrics.OPEN):
        runner.troubles.append(f"the auditor found {faults:g} faults")
    say("deciding the journal once more")
    replayed = await asyncio.to_thread(replay.replay, site.home / "journal")
    if not replayed.same:
        runner.troubles.append("the journal does not replay to the same records")
    after = _memory(site)
    return Result(
        plan=plan,
        at=iso(at),
        machine=machine.describe(),
        versions=await versions(site),
        idle_cores=shares(idle),
        memory_mb={name: (before[name], after[name]) for name in before},
        windows=tuple(runner.measured),
        rows=runner.rows(),
        in_menus=tuple(menus),
        replayed=replayed,
        profiles=profiles,
        troubles=tuple(runner.troubles),
    )


async def _profiles(runner: Runner) -> dict[str, profiler.Profile]:
    """With and without load; sampling stops the server for moments, so these windows are no part of the figures."""
    runner.say("profile without load")
    async with profiler.sampled(runner.site.pid, IDLE) as found:
        await asyncio.sleep(IDLE)
    profiles = {"idle": found[0]}
    for record in (False, True):
        condition = Condition(rate=10.0, rtp=False, record=record)
        runner.say(f"profile, {condition}")
        window = Window(kind=Kind.WHOLE, condition=condition, warm_up=8.0, seconds=20.0)
        measured, profile = await runner.window(window, profile=1.0)
        if profile is not None:
            profiles[str(condition)] = msgspec.structs.replace(profile, ms_a_call=measured.server_ms)
    return profiles


def shares(used: Used) -> dict[str, float]:
    return {name: round(used.core(name), 4) for name in used.cpu} | {"others": round(used.others / used.seconds, 4)}


def _memory(site: Site) -> dict[str, float]:
    pids = {"server": site.pid, "asterisk": site.asterisk.pid}
    return {name: round(machine.rss_mb(pid), 1) for name, pid in pids.items()}


def iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="seconds")


async def versions(site: Site) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("aiohttp", "msgspec"):
        found[name] = importlib.metadata.version(name)
    info = await site.ari("asterisk/info")
    found["asterisk"] = str(info["system"]["version"])
    git = await asyncio.create_subprocess_exec(
        "git", "rev-parse", "--short", "HEAD", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    commit, _ = await git.communicate()
    found["commit"] = commit.decode().strip() or "unknown"
    return found
