"""Stories of a part that fails while people are on the telephone, each as long as its caller wants it.

Here: the link to Asterisk cut or Asterisk frozen, the database away, the disk full, a second server. Short forms run in
tests/live/test_faults.py, long ones in tests/torture/long_faults.py. Not here: kill -9 of the server (kills.py).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from ctiserver.app import REPLACED
from ctiserver.model import events as ev, facts
from ctiserver.model.causes import EndReason
from tests.contract.conftest import a_postgres
from tests.harness.relay import Relay
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import eventually
from tests.live import house, kills
from tests.live.house import BRISK, LONELY, hears_music, music
from tests.live.people import AGENT_HZ, People, prepare

PING_DEADLINE = 5.0
"""After so many seconds without an answer the server calls Asterisk stuck (FACTS)."""


@asynccontextmanager
async def people_at(first_port: int, **environ: str) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(site(rtp=(first_port, first_port + 199), prepare=prepare, **environ))
        yield People(running, stack)


# --- Asterisk ---------------------------------------------------------------------------------------------------


async def asterisk_frozen(seconds: float, first_port: int) -> str:
    """SIGSTOP: nothing is heard, nothing is lost; the server stays up, says what is missing, and goes on afterwards."""
    async with people_at(first_port) as people:
        await people.come()
        running = people.site
        pid = running.asterisk.pid
        os.kill(pid, signal.SIGSTOP)
        frozen = time.monotonic()
        try:
            noticed = await people.missing("switch", PING_DEADLINE + 3)
            assert f"no ping answered for {PING_DEADLINE} s" in running.tail(), "the log says why"
            people.callers["in a prompt"].send_hang_up()  # nobody hears it yet
            async with running.http.get(f"{running.url}/healthz") as answer:
                assert answer.status == 200
            async with Desk(running, "1003", phone=False) as desk:  # logs in, and his page is told
                await desk.expect("SignIn")
                await desk.expect("SignOut")
            await asyncio.sleep(max(0.0, frozen + seconds - time.monotonic()))
        finally:
            os.kill(pid, signal.SIGCONT)
        thawed = time.monotonic()
        await running.ready()
        back = time.monotonic() - thawed
        await people.callers["in a prompt"].ended(3)
        del people.callers["in a prompt"]
        await people.talk_goes_on(within=2)
        await hears_music(people.callers["waiting"].rtp)
        settled = time.monotonic()
        await people.serve()
        await asyncio.sleep(max(0.0, settled + 1.5 - time.monotonic()))  # sound is judged over a second at least
        told = people.no_gap(settled, time.monotonic())
        await people.part()
        return f"noticed after {noticed:.1f} s, ready {back:.1f} s after the thaw; then {told}"


async def link_cut(first_port: int, *, stall: float = 0.0) -> str:
    """The server's socket to Asterisk is cut, then silent for a time: whoever talks or waits notices nothing at all."""
    async with people_at(first_port) as people:
        running = people.site
        ari = running.asterisk.ari
        host, port = ari.url.removeprefix("http://").split(":")
        async with Relay((host, int(port))) as cable:
            assert await running.stop() == 0
            running.spawn(HOLLYHOCK_ASTERISK=f"http://{ari.user}:{ari.password}@{cable.address}")
            await running.ready()
            await people.come()
            leaver = await people.call("leaver", LONELY, 560)
            await leaver.answered()
            began = time.monotonic()
            cable.refuse()
            cable.cut()
            await people.missing("switch", 2)
            await leaver.hang_up()
            late = await people.call("comes meanwhile", LONELY, 600)
            await late.answered()  # by the dialplan
            cable.accept()
            await running.ready(5)
            reasons = {e.contact: e.reason for e in running.events(ev.ContactEnded)}
            assert list(reasons.values()) == [EndReason.ABANDONED], "he who left is known to have left"
            await running.happens(ev.ContactQueued, count=4, within=10)  # from the apology into the queue
            await people.still_well()
            if stall:
                await _silent(people, cable, stall)
            told = people.no_gap(began, time.monotonic())
            await people.serve()
            await late.hang_up()
            await people.part()
            return told


async def _silent(people: People, cable: Relay, seconds: float) -> None:
    stalled = time.monotonic()
    cable.stall()
    await people.missing("switch", PING_DEADLINE + 3)
    await asyncio.sleep(max(0.0, stalled + seconds - time.monotonic()))
    cable.resume()
    await people.site.ready(8)
    await people.still_well(prompt_within=8)


# --- the database -----------------------------------------------------------------------------------------------


@contextmanager
def sqlite_locked(path: Path) -> Iterator[None]:
    """Nobody else reads or writes this database: all eight locks of its write-ahead log are ours.

    BEGIN EXCLUSIVE would let readers go on. The bytes are those of SQLite's "WAL-mode file format", locking.
    """
    with path.with_name(f"{path.name}-shm").open("r+b") as shared:

        def lock() -> bool:
            with suppress(BlockingIOError):
                fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, 8, 120)
                return True
            return False

        while not lock():  # a transaction of the server, milliseconds long
            time.sleep(0.005)
        try:
            yield
        finally:
            fcntl.lockf(shared, fcntl.LOCK_UN, 8, 120)


async def database_away(people: People, seconds: float) -> str:
    """Within: the database has just gone. Calls, routing and pops go on; what needs SQL says so, typed, and soon."""
    gone = time.monotonic()
    await people.serve()
    desk = people.free.desk
    login = {"user": "1005", "password": "anything"}
    asked = desk.get("/api/v1/calls"), desk.get("/api/v1/customers/cu-0001"), desk.post("/api/v1/login", login)
    began = time.monotonic()
    for answer in await asyncio.gather(*asked):
        async with answer:
            assert answer.status == 503, answer.url
            assert (await answer.json())["code"] == "database_unavailable"
    took = time.monotonic() - began

    async def degraded() -> bool:
        status, said = await people.readiness()
        assert status == 200, "ready for calls all the same"
        return "database" in said["degraded"]

    await eventually(degraded, 8, "/readyz says that the database is away", poll=0.2)
    await asyncio.sleep(max(0.0, gone + seconds - time.monotonic()))
    await people.serve()
    return f"answers 503 after {took:.1f} s at most"


async def database_back(people: People, since: float) -> str:
    """Afterwards: the tables catch up by themselves and equal the journal."""
    running = people.site
    rows = await kills.check_projection(running, within=15)

    async def whole() -> bool:
        status, said = await people.readiness()
        return status == 200 and not said["degraded"]

    await eventually(whole, 8, "/readyz says that all is well", poll=0.2)
    async with house.lead(running) as http:
        await house.call_list(http)
    await people.talk_goes_on()
    told = people.no_gap(since, time.monotonic())
    await people.part()
    return f"{rows} rows caught up; {told}"


async def postgres_stopped(seconds: float, first_port: int) -> str:
    """The whole server on a real PostgreSQL, which is stopped and started."""
    with a_postgres() as postgres:
        async with people_at(first_port, HOLLYHOCK_DATABASE_URL=postgres.url().replace("://", "+asyncpg://")) as people:
            await people.come()
            since = time.monotonic()
            await asyncio.to_thread(postgres.stop)
            try:
                told = await database_away(people, seconds)
            finally:
                await asyncio.to_thread(postgres.start)
            return f"{told}; {await database_back(people, since)}"


async def sqlite_held(seconds: float, first_port: int) -> str:
    async with people_at(first_port) as people:
        await people.come()
        since = time.monotonic()
        with sqlite_locked(people.site.home / "hollyhock.db"):
            told = await database_away(people, seconds)
        return f"{told}; {await database_back(people, since)}"


# --- the disk ---------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """This folder moves to a disk of its own of 2 MB, if we may mount one; nobody may have files open in it."""
    if os.geteuid() != 0:
        yield  # `full` has another way then
        return
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    owner = folder.stat()
    options = f"size=2m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def full(running: Site) -> Iterator[None]:
    """No byte more for the journal: its disk is filled up, or, without root, its file may not grow."""
    folder = running.home / "journal"
    if os.path.ismount(folder):
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            for size in (4096, 1):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass
        try:
            yield
        finally:
            filler.unlink()
        return
    size = max(path.stat().st_size for path in folder.glob("journal-*.log"))
    soft, hard = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (soft, hard))


async def until_it_is_noticed(desk: Desk) -> None:
    """A page of 4 kB that the journal had begun still takes some records."""
    for _ in range(60):
        await desk.expect("SetReady")
        await desk.expect("SetNotReady", reason="break")
        if "journal_write_failed" in desk.site.tail():
            return
    raise AssertionError("the disk is not full")


async def disk_full(seconds: float, first_port: int) -> str:
    """The journal cannot be written: new callers hear the apology, running calls go on, until there is space again."""
    async with people_at(first_port) as people:
        running = people.site
        assert await running.stop() == 0
        with small_disk(running.home / "journal"):
            running.spawn()
            await running.ready()
            await people.come()
            await asyncio.sleep(1.2)  # from the prompt into the queue, and into the talk, there is a pause
            since = time.monotonic()
            with full(running):
                await people.callers.pop("in a prompt").hang_up()
                await until_it_is_noticed(people.free.desk)
                await people.missing("journal", 2)
                assert "journal_write_failed" in running.tail()
                arrivals = len(running.events(ev.ConversationStarted))
                refused = await people.call("refused", BRISK, 620)
                await refused.answered()  # by the dialplan
                await hears_music(refused.rtp, within=3)  # the apology
                people.no_gap(since - 1.0, time.monotonic())
                work = await people.talker.desk.works("busy")
                await people.talker.desk.expect("HoldCall", conversation=work["conversation"])
                talking = people.callers["talking"].rtp
                await eventually(lambda: music(talking, 0.3, not_hz=(AGENT_HZ,)), 3, "hold music")
                await people.talker.desk.expect("RetrieveCall", conversation=work["conversation"])
                await people.talk_goes_on(within=3)
                retrieved = time.monotonic()
                await asyncio.sleep(max(1.5, since + seconds - time.monotonic()))
                assert len(running.events(ev.ConversationStarted)) == arrivals
                await refused.hang_up()
            freed = time.monotonic()
            await running.ready(5)  # by itself: nothing happens at night
            back = time.monotonic() - freed
            told = people.no_gap(retrieved, time.monotonic())
            await people.serve()
            await asyncio.sleep(1.3)  # figures of queues are shown once a second
            before = kills.documents(people.talker.desk)
            running.kill()  # what could not be written down is in a snapshot
            again = await kills.restarted(running)
            for agent in (people.talker, people.free, people.alone):
                await agent.back()
            await people.talk_goes_on()
            kills.same_documents(people.talker.desk, before)
            await people.serve()
            await people.part(whole=False)
            return f"ready {back:.1f} s after there was space; killed then, back in {again:.2f} s; {told}"


# --- another server ---------------------------------------------------------------------------------------------


async def second_server(first_port: int) -> str:
    """A newcomer on the same Asterisk: the older one stops at once and acts no more; the callers are the newcomer's."""
    async with people_at(first_port) as people, AsyncExitStack() as stack:
        await people.come()
        # A prompt that another server began holds up the newcomer's first request about its caller (FACTS), for 5 s.
        await people.callers.pop("in a prompt").hang_up()
        older = people.site
        home = older.home / "newcomer"
        prepare(home)
        (home / "asterisk").mkdir()
        (home / "asterisk" / "sounds").symlink_to(older.home / "asterisk" / "sounds")
        ari = older.asterisk.ari
        address = ari.url.replace("http://", f"http://{ari.user}:{ari.password}@")
        newcomer = Site(home, older.asterisk, (first_port, first_port + 199), {"HOLLYHOCK_ASTERISK": address})
        await stack.enter_async_context(newcomer)
        stack.enter_context(kills.telling(newcomer))
        assert await asyncio.to_thread(older.wait, 3) == REPLACED
        journal = sum(path.stat().st_size for path in (older.home / "journal").glob("journal-*.log"))
        callers = sorted(caller._caller for caller in people.callers.values())
        started = await newcomer.happens(ev.ConversationStarted, count=len(callers), within=5)
        assert sorted(event.caller_number for event in started) == callers, "whoever was there is there, once"
        await asyncio.gather(*(hears_music(caller.rtp, within=5) for caller in people.callers.values()))
        await asyncio.sleep(1.0)
        assert sum(path.stat().st_size for path in (older.home / "journal").glob("journal-*.log")) == journal
        async with newcomer.http.get(f"{newcomer.url}/readyz") as answer:
            assert answer.status == 200
        for caller in people.callers.values():
            await caller.hang_up()
        await newcomer.quiet(within=3)
        kills.check_replay(newcomer)
        kills.check_replay(older)
        replaced = max(record.at for record in older.records())
        joined = next(r.at for r in newcomer.records() if isinstance(r.input, facts.SwitchSeen))
        return f"the older one's last turn came {(replaced - joined) * 1000:.0f} ms after the newcomer's first look"
