"""`python -m benchmarks.desktops` (part of `make bench`): 500 desktops, leads' boards and real pages.

Here: the order of a run. Not here: who is connected (floor_people.py, boards.py, each a process of its own), the pages
(inp.py), what is counted (desktops_result.py), tables (desktops_report.py).

Exit code 0: measured; 1: something that had to be there was not (the figures are still written); 2: could not run.
An aim that was missed is shown and no error: a busy machine misses it too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from playwright.async_api import Error, Page as BrowserPage
from rich.console import Console

from benchmarks import boards, desktops_report, desktops_result as results, house as houses, inp, machine, run, sipp
from benchmarks.__main__ import progress
from benchmarks.desks import COOKIE
from benchmarks.figures import spread
from benchmarks.floor_people import Ask, Crowd, Told
from benchmarks.house import House, Login, house
from benchmarks.machine import Used
from ctiserver.asterisk.runtime_errors import CannotStart
from tests.harness.browser import Browser
from tests.live.browser_people import start_work

LEADS = 20
CALLS_A_SECOND = 20.0
STAYS = sipp.Keys(presses=20, pause=(9.0, 10.0), hangs_up=True)
"""A caller who waits, and now and then presses a key that does nothing."""
ANSWER = 120.0

T = TypeVar("T")


class Child(Generic[T]):
    """A process that answers each line with a line."""

    def __init__(self, process: asyncio.subprocess.Process, kind: type[T]) -> None:
        self._process, self._kind = process, kind
        self.pid = process.pid

    async def ask(self, line: bytes = b"") -> T:
        """Raises RuntimeError when it is gone."""
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(line + b"\n")
            await self._process.stdin.drain()
        return await self.next()

    async def next(self) -> T:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark has ended")
        return msgspec.json.decode(line, type=self._kind)


@asynccontextmanager
async def child(module: str, plan: msgspec.Struct, kind: type[T]) -> AsyncIterator[tuple[Child[T], T]]:
    """The process and its first answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=256 * 1024 * 1024,
    )  # fmt: skip
    try:
        found = Child(process, kind)
        yield found, await found.ask(msgspec.json.encode(plan))
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

    def __init__(self, plan: results.Plan, there: House, say: run.Say) -> None:
        self.plan, self.there, self.say = plan, there, say
        self.site = there.site
        self.troubles: list[str] = []
        self.people: Child[Told] | None = None

    @property
    def me(self) -> Login:
        """The agent who sits at a real page."""
        return self.there.idle[-1]

    def pids(self, **more: int) -> Mapping[str, int]:
        pids = {"server": self.site.pid, "asterisk": self.site.asterisk.pid, **more}
        return pids | ({"desktops": self.people.pid} if self.people is not None else {})

    async def calm(self, seconds: float) -> Used:
        first = machine.sample(self.pids())
        await asyncio.sleep(seconds)
        return machine.used(first, machine.sample(self.pids()))

    async def told(self, ask: Ask) -> Told:
        assert self.people is not None
        found = await self.people.ask(msgspec.json.encode(ask))
        self.troubles += found.complaints
        return found

    # ---- idle

    async def idle(self, nobody: Used, memory: float) -> results.Idle:
        await asyncio.sleep(self.plan.calm)
        await self.told(Ask())
        used = await self.calm(self.plan.idle)
        told = await self.told(Ask())
        without, everybody = nobody.core("server"), used.core("server")
        found = results.Idle(
            desktops=min(told.open, told.registered),
            seconds=round(used.seconds, 1),
            nobody=run.shares(nobody),
            everybody=run.shares(used),
            each=(everybody - without) / max(1, told.open),
            messages_a_second=round(told.messages / used.seconds, 1),
            registers_a_second=round(told.registers / used.seconds, 2),
            memory_mb=(memory, round(machine.rss_mb(self.site.pid), 1)),
        )
        self.troubles += results.complaints_of_idle(found, self.plan.people)
        return found

    # ---- boards

    async def boards(self, count: int) -> results.Boards:
        plan, logins = self.plan, self.there.leads
        who = tuple(logins[number % len(logins)] for number in range(count))
        asked = boards.Plan(host="127.0.0.1", port=self.site.port, boards=who)
        async with child("benchmarks.boards", asked, boards.Shown) as (process, first):
            self.troubles += first.complaints
            await self.told(Ask(rate=plan.rate))
            await asyncio.sleep(self.plan.calm)
            await process.ask()
            await self.told(Ask(rate=plan.rate))
            pids = self.pids(boards=process.pid)
            before = machine.sample(pids)
            await asyncio.sleep(plan.changing)
            used = machine.used(before, machine.sample(pids))
            told = await self.told(Ask())
            shown = await process.ask()
        arrived = results.arrived(told.changes, shown.sights, count)
        found = results.Boards(
            boards=shown.open,
            desktops=told.open,
            rate=plan.rate,
            seconds=round(used.seconds, 1),
            changes=len(told.changes),
            unseen=arrived.unseen,
            gaps=shown.gaps,
            each=spread(arrived.each),
            last=spread(arrived.last),
            own=spread(change.known - change.sent for change in told.changes if change.known),
            answered=spread(change.answered - change.sent for change in told.changes if change.answered),
            figures=spread(results.figures_of(told.changes, told.figures)),
            late_people=spread(told.late),
            late_boards=spread(shown.late),
            messages_a_second=round(shown.messages / used.seconds, 1),
            bytes_a_message=round(shown.bytes / max(1, shown.messages)),
            cores=run.shares(used),
        )
        self.troubles += results.complaints_of_boards(found, count, plan.people)
        self.say(f"  {found.changes} changes, last board p99 {found.last.p99:g} ms")
        return found

    # ---- pages

    async def page(self, name: str, page: BrowserPage, browser: Browser, feed: inp.Feed, ask: Ask) -> results.Page:
        """`ask`: what happens while the page is used."""
        acts = inp.floor(page) if name == FLOOR else inp.desktop(page)
        if name == FLOOR and not (await inp.table_in_view(page))[2]:
            self.troubles.append(f"{name}: there is a hole in the table when it is scrolled")
        await inp.used(page, acts, 1)  # what is loaded when it is first opened is not measured
        await self.told(ask)
        await asyncio.sleep(self.plan.calm)
        await self.told(ask)
        feed.messages = feed.documents = 0
        pids = {f"chromium {pid}": pid for pid in browser.processes()}
        before = machine.sample(self.pids(**pids))
        began = time.monotonic()
        entries, count, seconds = await inp.used(page, acts, self.plan.interactions)
        arrived, messages, passed = feed.documents, feed.messages, time.monotonic() - began
        used = machine.used(before, machine.sample(self.pids(**pids)))
        told = await self.told(Ask())
        inside = [change for change in told.changes if used.since <= change.sent < used.until]
        figures = results.inp(entries, count)
        found = results.Page(
            name=name,
            interactions=count,
            inp=figures.inp,
            worst=figures.worst,
            p50=figures.p50,
            arrived=round(arrived / passed, 1),
            messages=round(messages / passed, 1),
            changes=round(len(inside) / passed, 1),
            wanted=0.0 if name == DESKTOP else results.ARRIVING,
            seconds=round(seconds, 1),
            slowest=figures.slowest,
            cores=desktops_report.together(run.shares(used), "chromium"),
        )
        self.troubles += results.complaints_of_page(found, self.plan.interactions)
        self.say(f"  {count} interactions, INP {found.inp:g} ms, worst {found.worst:g} ms")
        return found

    async def pages(self) -> list[results.Page]:
        found = []
        async with Browser(tone_hz=660) as browser:
            context = await browser.context()
            await context.add_init_script(script=inp.OBSERVER)
            page = await browser.page(context=context)
            feed = inp.Feed(page)
            await start_work(page, self.site, self.me.user)
            busy = Ask(rate=results.ARRIVING)
            for name, ask in ((DESKTOP, busy), (OWN, msgspec.structs.replace(busy, shadows=True))):
                if name == OWN and not self.plan.own:
                    continue
                self.say(f"page: {name}")
                found.append(await self.page(name, page, browser, feed, ask))
            await page.close()
            context = await browser.context()
            await context.add_init_script(script=inp.OBSERVER)
            cookie = {"name": COOKIE, "value": self.there.leads[0].token, "url": self.site.url}
            await context.add_cookies([cookie])  # type: ignore[list-item]
            page = await browser.page(context=context)
            feed = inp.Feed(page)
            await page.goto(f"{self.site.url}/lead")
            await page.get_by_test_id("open-1002").wait_for()
            self.say(f"page: {FLOOR}, {self.plan.waiting} callers come")
            number = houses.number(houses.WAITS, record=False)
            waiting = sipp.callers(
                self.site.sip, number=number, rate=CALLS_A_SECOND, calls=self.plan.waiting, rtp=True, keys=STAYS
            )
            async with waiting:
                await page.get_by_test_id("floor-call").nth(self.plan.waiting - 1).wait_for()
                found.append(await self.page(FLOOR, page, browser, feed, busy))
                there = await page.get_by_test_id("floor-call").count()
            if there < self.plan.waiting:
                self.troubles.append(f"{FLOOR}: {there} of {self.plan.waiting} callers were there to the end")
        return found


DESKTOP = "an agent's desktop"
OWN = "an agent's desktop, each event its own"
FLOOR = "a lead's floor"


async def bench(plan: results.Plan, say: run.Say) -> results.Result:
    """Bounded by its plan."""
    at = time.time()
    say("starting Asterisk and the server")
    async with house(0, plan.people + 1, leads=LEADS, again=2) as there:
        runner = Runner(plan, there, say)
        await asyncio.sleep(plan.calm)
        say(f"nobody connected for {plan.before:g} s")
        nobody, memory = await runner.calm(plan.before), round(machine.rss_mb(there.site.pid), 1)
        say(f"connecting {plan.people} desktops with their phones")
        crowd = Crowd(host="127.0.0.1", port=there.site.port, people=there.idle[:-1], shadows=there.again)
        async with child("benchmarks.floor_people", crowd, Told) as (people, first):
            if first.complaints or first.open < plan.people:
                raise RuntimeError(f"{first.open} desktops: {'; '.join(first.complaints)}\n{there.site.tail(10)}")
            runner.people = people
            say(f"idle for {plan.idle:g} s")
            idle = await runner.idle(nobody, memory)
            found = []
            for count in plan.boards:
                say(f"{count} boards, {plan.rate:g} states change a second")
                found.append(await runner.boards(count))
            pages = await runner.pages()
        if complaints := there.site.complaints():
            runner.troubles.append(f"{len(complaints)} complaints in the server's log, first: {complaints[0][:200]}")
        return results.Result(
            plan=plan,
            at=run.iso(at),
            machine=machine.describe(),
            versions=await run.versions(there.site),
            idle=idle,
            boards=tuple(found),
            pages=tuple(pages),
            troubles=tuple(runner.troubles),
        )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desktops", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute; its figures are coarse")
    parser.add_argument("--publish", action="store_true", help="renew docs/desktop-benchmarks.md")
    parser.add_argument("--out", type=Path, help="where the JSON goes (default: the folder for temporary files)")
    got = parser.parse_args(argv)
    if got.quick and got.publish:
        parser.error("--quick is too short to be published")
    say = progress()
    out = got.out or Path(tempfile.gettempdir()) / "hollyhock-desktops.json"
    try:
        result = run.ended_cleanly(bench(results.QUICK if got.quick else results.Plan(), say))
    except KeyboardInterrupt:
        print("ended before its time", file=sys.stderr)
        return 2
    except (CannotStart, RuntimeError, Error) as error:
        print(error, file=sys.stderr)
        return 2
    desktops_report.show(result, Console(width=None if sys.stdout.isatty() else 160))
    desktops_report.write(result, out)
    if got.publish:
        desktops_report.publish(result)
    say(f"written to {desktops_report.PAGE if got.publish else out}")
    return 1 if result.troubles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
