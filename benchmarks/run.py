"""One run: start the site, log the agents in, let the callers come, measure a window, end everything.

Here: the order of a run and its result as data. Not here: figures (figures.py), printing (report.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import importlib.metadata
import platform
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from benchmarks import figures, machine, profiler, replay
from benchmarks.agents import Agent, Lag
from benchmarks.callers import PATIENCE, Callers, Calls
from benchmarks.house import DIGIT, NUMBER, agent_names, house
from ctiserver.model.turns import Record
from tests.harness.site import Site

IDLE = 5.0
"""Seconds of measuring the site with everybody ready and nobody calling."""
SETTLE = 3.0
"""Seconds after the last BYE for wrap-up, recordings and the end of the journal."""
AT_ONCE = 4
"""Agents that log in side by side; the server checks two passwords at a time."""
QUIET = 0.10
"""Cores used by strangers, above which a run's figures should not be published."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds."""

    rate: float = 5.0
    seconds: float = 60.0
    warm_up: float = 15.0
    agents: int = 40
    answer_after: float = 0.3
    talk: float = 2.0
    rtp: bool = False
    profile: bool = False
    keep_journal: str = ""
    """A folder that gets a copy of the run's journal, for benchmarks.replay."""


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """Over the window; `idle_*` is a share of one core with everybody ready and nobody calling (never subtracted)."""

    server_ms_per_call: float
    asterisk_ms_per_call: float
    server_core: float
    asterisk_core: float
    callers_core: float
    agents_core: float
    others_core: float
    idle_server_core: float
    idle_asterisk_core: float


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident MB: agents logged in and nobody calling; end of the window; all calls over."""

    server_before: float
    server_window_end: float
    server_after: float
    asterisk_before: float
    asterisk_window_end: float
    asterisk_after: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Shares of a core are 0-1 a core."""

    options: Options
    at: str
    machine: dict[str, object]
    versions: dict[str, str]
    window_seconds: float
    sipp: Calls
    counted: figures.Counted
    cpu: Cpu
    latencies: figures.Latencies
    client_lag: figures.Spread
    replayed: replay.Replayed
    journal_bytes_per_call: float
    records_per_call: float
    memory: Memory
    troubles: tuple[str, ...]
    quiet_machine: bool
    profile: profiler.Profile | None = None

    @property
    def failures(self) -> int:
        """Calls that SIPp or we count as failed."""
        return max(self.sipp.failed, self.counted.unserved) + max(0, self.sipp.made - self.counted.started)


async def bench(options: Options, say: Callable[[str], None]) -> Result:
    """Bounded by its options: about warm-up + seconds + half a minute."""
    say("starting Asterisk and the server")
    async with house(options.agents) as site:
        say(f"logging in {options.agents} agents")
        async with _agents(site, options) as agents:
            lag = Lag()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(agent.serve()) for agent in agents]
                tasks.append(group.create_task(lag.watch()))
                try:
                    return await _measured(site, agents, lag, options, say)
                finally:
                    for task in tasks:
                        task.cancel()


@asynccontextmanager
async def _agents(site: Site, options: Options) -> AsyncIterator[list[Agent]]:
    async with contextlib.AsyncExitStack() as stack:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> Agent:
            async with slots:
                agent = Agent(site, name, answer_after=options.answer_after, talk=options.talk)
                await agent.__aenter__()
                stack.push_async_exit(agent)
                await agent.ready()
                return agent

        yield await asyncio.gather(*(one(name) for name in agent_names(options.agents)))


async def _measured(site: Site, agents: list[Agent], lag: Lag, options: Options, say: Callable[[str], None]) -> Result:
    def sample(sipp: int | None = None) -> machine.Sample:
        return machine.sample(site.pid, site.asterisk.pid, sipp)

    say(f"idle for {IDLE:g} s")
    calm = sample()
    await asyncio.sleep(IDLE)
    before = sample()
    calls = round(options.rate * (options.warm_up + options.seconds + 1.0))
    async with Callers(
        site.sip, number=NUMBER, digit=DIGIT, rate=options.rate, calls=calls, rtp=options.rtp
    ) as callers:
        say(f"{options.rate:g} calls/s: warm-up of {options.warm_up:g} s")
        await asyncio.sleep(options.warm_up)
        say(f"measuring {options.seconds:g} s")
        profiles: list[profiler.Profile] = []
        async with contextlib.AsyncExitStack() as stack:
            if options.profile:
                profiles = await stack.enter_async_context(profiler.sampled(site.pid, options.seconds))
            first = sample(callers.pid)
            await asyncio.sleep(options.seconds)
            last = sample(callers.pid)
        say("waiting for the last calls")
        troubles: list[str] = []
        try:
            sipp = await callers.ended(PATIENCE + 20.0)
        except TimeoutError:
            troubles.append("SIPp did not end")
            sipp = callers.counted()
        if said := callers.complaints():
            troubles.append(f"SIPp: {said}")
    await asyncio.sleep(SETTLE)
    after = sample()
    left = await site.holds()
    if any(left.values()):
        troubles.append(f"left in Asterisk: {len(left['channels'])} channels, {len(left['bridges'])} bridges")
    troubles += [f"agent {agent.user}: {s.trouble}" for agent in agents for s in agent.served if s.trouble][:10]
    complaints = site.complaints()
    if complaints:
        troubles.append(f"{len(complaints)} complaints in the server's log, first: {complaints[0][:200]}")
    versions = await _versions(site)
    say("reading the journal")
    records = await asyncio.to_thread(site.records)
    if options.keep_journal:
        await asyncio.to_thread(shutil.copytree, site.home / "journal", options.keep_journal, dirs_exist_ok=True)
    epoch = (site.home / "journal" / "epoch").read_text().strip()
    counted = figures.count(records, first.at, last.at)
    replayed = await asyncio.to_thread(replay.replay, records, epoch, first.at, last.at)
    if not replayed.same:
        troubles.append("the journal does not replay to the same records")
    ended = max(1, counted.ended)
    span = last.at - first.at
    others = (last.busy - first.busy) - sum(
        getattr(last, name) - getattr(first, name) for name in ("server", "asterisk", "callers", "agents")
    )
    return Result(
        options=options,
        at=datetime.datetime.fromtimestamp(first.at, datetime.UTC).isoformat(timespec="seconds"),
        machine=machine.describe(),
        versions=versions,
        window_seconds=round(span, 3),
        sipp=sipp,
        counted=counted,
        cpu=Cpu(
            server_ms_per_call=round((last.server - first.server) * 1000 / ended, 2),
            asterisk_ms_per_call=round((last.asterisk - first.asterisk) * 1000 / ended, 2),
            server_core=round((last.server - first.server) / span, 4),
            asterisk_core=round((last.asterisk - first.asterisk) / span, 4),
            callers_core=round((last.callers - first.callers) / span, 4),
            agents_core=round((last.agents - first.agents) / span, 4),
            others_core=round(max(0.0, others) / span, 4),
            idle_server_core=round((before.server - calm.server) / (before.at - calm.at), 4),
            idle_asterisk_core=round((before.asterisk - calm.asterisk) / (before.at - calm.at), 4),
        ),
        latencies=figures.latencies(
            records,
            [served for agent in agents for served in agent.served],
            {reservation: at for agent in agents for reservation, at in agent.painted.items()},
            first.at,
            last.at,
        ),
        client_lag=figures.spread(late for at, late in lag.seen if first.at <= at < last.at),
        replayed=replayed,
        journal_bytes_per_call=round(_bytes(records, first.at, last.at) / ended),
        records_per_call=round(counted.records / ended, 1),
        memory=Memory(
            server_before=_mb(before.server_rss),
            server_window_end=_mb(last.server_rss),
            server_after=_mb(after.server_rss),
            asterisk_before=_mb(before.asterisk_rss),
            asterisk_window_end=_mb(last.asterisk_rss),
            asterisk_after=_mb(after.asterisk_rss),
        ),
        troubles=tuple(troubles),
        quiet_machine=others / span < QUIET,
        profile=profiles[0] if profiles else None,
    )


def _bytes(records: list[Record], since: float, until: float) -> int:
    """As the journal holds them: 8 bytes of length and checksum before each body."""
    encoder = msgspec.msgpack.Encoder()
    return sum(8 + len(encoder.encode(record)) for record in records if since <= record.at < until)


def _mb(count: int) -> float:
    return round(count / 1_000_000, 1)


async def _versions(site: Site) -> dict[str, str]:
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


def took(since: float) -> str:
    """Seconds since a monotonic moment, for the progress line."""
    return f"{time.monotonic() - since:5.1f} s"
