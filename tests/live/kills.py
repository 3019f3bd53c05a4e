"""What the tests that kill things share: a patient site, desks that come back, and the books of a site compared.

Here: the journal's checks on a site, what a restart must not change, gaps in the sound. Not here: stories.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from playwright.async_api import Page

from ctiserver.model import facts
from ctiserver.model.turns import Record
from ctiserver.model.work import ContactState, agent_state
from ctiserver.model.world import World, WorldState
from ctiserver.replay import decided_again, difference, folded, house as house_of_cores
from ctiserver.store.database import Database, sqlite_url
from ctiserver.store.projection import Projector
from ctiserver.store.tables import CALL_RECORDS, INTERACTIONS, RECORDINGS
from tests.harness.browser import Browser
from tests.harness.rtp import RtpEndpoint
from tests.harness.site import PASSWORD, Desk, Site
from tests.harness.waiting import eventually
from tests.live import house

WRAP_UP = 300.0
"""Seconds of wrap-up in queue `calm`: longer than any test here, so its deadline must survive every restart."""
MEASURING = '{"echoCancellation":false,"noiseSuppression":false,"autoGainControl":false}'


def patient(home: Path) -> None:
    """The house of the live tests with a wrap-up that outlasts the test."""
    house.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8")
    first, calm = text.rsplit('id = "calm"', 1)
    path.write_text(first + 'id = "calm"' + calm.replace("wrap_up_seconds = 30.0", f"wrap_up_seconds = {WRAP_UP}"))


# --- people -----------------------------------------------------------------------------------------------------


async def page_agent(browser: Browser, site: Site, user: str, tone: float) -> Page:
    """A ready agent on the real desktop page, with a voice of his own."""
    page = await browser.page(context=await browser.context(tone_hz=tone))
    await page.add_init_script(f"localStorage.setItem('hollyhock.microphone', '{MEASURING}')")
    await page.goto(site.url)
    await page.get_by_test_id("login-user").fill(user)
    await page.get_by_test_id("login-password").fill(PASSWORD)
    await page.get_by_test_id("login-submit").click()
    await page.get_by_test_id("start-work").click()
    await page.locator('[data-testid="phone-status"][data-status="ready"]').wait_for()
    await page.get_by_test_id("ready-button").click()
    await page.locator('[data-testid="state-select"][data-state="ready"]').wait_for()
    return page


@contextmanager
def telling(site: Site) -> Iterator[None]:
    """A failure within carries the end of the server's log."""
    try:
        yield
    except BaseException as error:
        last = [
            f"{r.seq} {type(r.input).__name__}: {' '.join(type(e).__name__ for e in r.events)}" for r in site.records()
        ]
        error.add_note("the journal ends with:\n" + "\n".join(last[-25:]))
        error.add_note(f"the server's log ends with:\n{site.tail(25)}")
        raise


async def come_back(desk: Desk) -> None:
    """What the page does when its server is there again: live link, the same lease, the same softphone."""
    await desk.unlink()
    await desk.link()
    body = {"instance": desk.instance, "lease": desk.lease, "take_over": False}
    async with await desk.post("/api/v1/device", body) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["lease"] == desk.lease
    assert desk.phone is not None
    await desk.phone.connect()
    await desk.phone.registered()
    await desk.expect("PhoneReady", lease=desk.lease, instance=desk.instance)
    await desk.sees(lambda docs: docs["me"]["phone"]["contact"], "the phone's contact")


def documents(desk: Desk) -> dict[str, Any]:
    """What a desktop shows and a restart may not change. Who is linked and registered is observed anew each time."""
    shown = msgspec.json.decode(msgspec.json.encode(desk.docs))
    me = shown["me"]
    me["links"] = 0
    if me["phone"] is not None:
        me["phone"] |= {"registered": True, "contact": True}
    for key, doc in shown.items():
        if key.startswith("work/") and doc["kind"] == "offer":
            doc |= {"confirmed": True}
    return {key: doc for key, doc in shown.items() if not key.startswith("queue/")} | {
        key: {name: doc[name] for name in ("waiting", "longest_since", "talking")}
        for key, doc in shown.items()
        if key.startswith("queue/")
    }


def same_documents(desk: Desk, before: dict[str, Any]) -> None:
    now = documents(desk)
    where = difference(before, now)
    assert not where, f"{desk.user} sees something else now: {where}"


async def restarted(site: Site) -> float:
    """Start the server after a kill; the seconds from the start of its process until /readyz says 200."""
    began = time.monotonic()
    site.spawn()
    await site.ready()
    return time.monotonic() - began


# --- the books --------------------------------------------------------------------------------------------------


def check_replay(site: Site) -> int:
    """Re-deciding every recorded input gives the recorded turn. Returns how many turns there were."""
    epoch = (site.home / "journal" / "epoch").read_text().strip()
    world, cores = house_of_cores()
    count = 0
    for count, record in enumerate(site.records(), 1):
        assert record.seq == count, "the journal has a hole"
        same = decided_again(world, cores, record, epoch) == record
        assert same, f"record {record.seq} ({type(record.input).__name__}) is decided differently now"
    return count


def check_fold(site: Site) -> None:
    """For a server that was stopped: its last snapshot is the live state, and the fold of the journal is the same."""
    newest = max((site.home / "journal").glob("snapshot-*.bin"))
    live = msgspec.msgpack.decode(newest.read_bytes(), type=WorldState)
    assert not difference(folded(site.records()).state(), live)


def starts(records: Sequence[Record]) -> list[int]:
    """Positions of the records with which a server began."""
    return [index for index, record in enumerate(records) if isinstance(record.input, facts.ServerStarted)]


def lasting(world: World) -> dict[str, Any]:
    """What a restart may not change: contacts with their times and order, agents' states, wrap-ups, talks."""
    return {
        "contacts": {
            contact.id: (contact.queue, contact.queued_at, contact.state, contact.agent, contact.connected_at)
            for contact in world.contacts.values()
        },
        "queue": [c.id for c in world.contacts.values() if c.state is ContactState.WAITING],
        "agents": {
            agent.id: (
                agent_state(agent),
                agent.since,
                agent.ready,
                agent.reason,
                agent.handled_today,
                [(w.contact, w.kind, w.since, w.until, w.note, w.lost_at) for w in agent.work.values()],
                agent.device.lease if agent.device is not None else None,
            )
            for agent in world.agents.values()
        },
        "places": {
            c.id: (c.place, c.agent, list(c.legs), c.parties, c.side, c.monitor)
            for c in world.conversations.values()
            if not c.cleared
        },
    }


def check_database(site: Site, conversations: Iterable[str]) -> None:
    """Each of these has one complete interaction and a whole recording in SQL."""
    with sqlite3.connect(f"file:{site.home / 'hollyhock.db'}?mode=ro", uri=True) as database:
        ended = database.execute("SELECT conversation FROM interactions WHERE ended_at IS NOT NULL").fetchall()
        tracks = database.execute("SELECT conversation, state FROM recordings").fetchall()
    assert sorted(row[0] for row in ended) == sorted(conversations)
    assert sorted(tracks) == sorted((name, "complete") for name in conversations for _ in range(2))


async def check_projection(site: Site, *, within: float = 10.0) -> int:
    """The SQL tables are what the journal folds into, from the beginning, in an empty database. Returns the rows."""
    epoch = (site.home / "journal" / "epoch").read_text().strip()
    records = site.records()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Database(sqlite_url(Path(folder) / "fold.db"))
        live = Database(site.database_url)
        try:
            await fresh.migrate()
            await Projector(fresh, epoch, len(records), lambda seq: iter(records[seq - 1 :])).catch_up()
            wanted = await _rows(fresh)

            async def same() -> bool:
                found = await _rows(live)
                assert not (where := difference(wanted, found)), f"the tables differ from the journal at {where}"
                return True

            await eventually(same, within, "the projection to be the fold of the journal", poll=0.2)
        finally:
            await fresh.close()
            await live.close()
    return sum(len(rows) for rows in wanted.values())


async def _rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with database.read() as connection:
        for table in (INTERACTIONS, CALL_RECORDS, RECORDINGS):
            result = await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            found[table.name] = [dict(row) for row in result.mappings()]
    return found


async def call_list(site: Site, conversations: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The lead's call list by conversation, as soon as all of these have ended in it, each once."""
    wanted = set(conversations)
    async with house.lead(site) as http:

        async def complete() -> dict[str, dict[str, Any]]:
            rows = await house.call_list(http)
            ended = {row["conversation"]: row for row in rows if row["ended_at"]}
            missing = sorted(wanted - ended.keys())
            assert not missing, f"not in the list, or not ended in it: {missing}"
            assert len(rows) == len(wanted), "a conversation is listed twice"
            return ended

        return await eventually(complete, 10, "the call list to be complete", poll=0.2)


# --- sound ------------------------------------------------------------------------------------------------------


class Lateness:
    """How late the machine was: this test's own event loop, and threads of processes that had work and no processor.

    Packets that wait in our socket are no gap in the sound, nor is a pause that every process of the machine had. The
    second figure is the kernel's own account (schedstat: nanoseconds that a thread waited for a processor), of those
    that make or carry sound: Asterisk, and browsers and phones that speak. What waits in a row adds up, so groups of
    processes are counted apart.
    """

    def __init__(self, asterisk: int = 0) -> None:
        self._groups: dict[str, list[int]] = {"asterisk": [asterisk] if asterisk else []}
        self._late: list[tuple[float, float]] = []
        self._starved: dict[str, list[tuple[float, float]]] = {"asterisk": []}
        self._waited: dict[str, int] = {}
        self._looks: dict[str, deque[dict[str, int]]] = {"asterisk": deque(maxlen=3)}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lateness:
        self._task = asyncio.create_task(self._run(), name="lateness")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def watch(self, group: str, *processes: int) -> None:
        self._groups.setdefault(group, []).extend(processes)
        self._starved.setdefault(group, [])
        self._looks.setdefault(group, deque(maxlen=3))

    async def _run(self) -> None:
        looked = 0.0
        while True:
            due = time.monotonic() + 0.005
            await asyncio.sleep(0.005)
            now = time.monotonic()
            if (late := now - due) > 0.01:
                self._late.append((due, late))
            if now - looked > 0.1:
                looked = now
                for group, processes in self._groups.items():
                    self._look(now, group, processes)

    def _look(self, now: float, group: str, processes: list[int]) -> None:
        waits: dict[str, int] = {}
        for path in [path for pid in processes for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]:
            try:
                waited = int(path.read_text().split()[1])
            except (OSError, IndexError):
                continue  # the thread has just ended
            thread = path.parent.name
            waits[thread] = waited - self._waited.get(thread, waited)
            self._waited[thread] = waited
            if waits[thread] > 1_000_000_000:  # a browser's threads for idle hours wait long, and make no sound
                waits[thread] = 0
        looks = self._looks[group]
        looks.append(waits)
        worst = max((sum(look.get(thread, 0) for look in looks) for thread in waits), default=0)
        if worst > 10_000_000:
            self._starved[group].append((now, worst / 1e9))

    def worst(self, start: float, end: float) -> float:
        """Our own, in ms, within this window."""
        return max((late for due, late in self._late if start - 1 <= due <= end), default=0.0) * 1000

    def starved(self, start: float, end: float, group: str = "asterisk") -> float:
        """A group's, in ms: how long one of its threads waited for a processor within some 0.3 s of this window."""
        found = self._starved.get(group, [])
        return max((late for at, late in found if start - 0.2 <= at <= end + 0.2), default=0.0) * 1000


def sound_lost(rtp: RtpEndpoint, start: float, end: float) -> float:
    """Sound in **ms** that never came in this window: by how much packets of 20 ms fell behind their schedule for good.

    A moment in which this machine stood still is none: what waited in the socket arrives in a bunch and catches up.
    """
    behind = [packet.at - 0.02 * number for number, packet in enumerate(rtp.between(start, end))]
    assert len(behind) >= 50, f"only {len(behind)} packets in {end - start:.1f} s"
    return (min(behind[-25:]) - min(behind[:25])) * 1000
