"""What the tests that kill things share: a patient site, desks that come back, and the books of a site compared.

Here: the journal's checks on a site, what a restart must not change, gaps in the sound. Not here: stories.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Page

from ctiserver.model import facts
from ctiserver.model.turns import Record
from ctiserver.model.work import ContactState, agent_state
from ctiserver.model.world import World, WorldState
from ctiserver.replay import decided_again, difference, folded
from ctiserver.replay import house as house_of_cores
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
        "places": {c.id: (c.place, c.agent, list(c.legs)) for c in world.conversations.values() if not c.cleared},
    }


def check_database(site: Site, conversations: Iterable[str]) -> None:
    """Each of these has one complete interaction and a whole recording in SQL."""
    with sqlite3.connect(f"file:{site.home / 'hollyhock.db'}?mode=ro", uri=True) as database:
        ended = database.execute("SELECT conversation FROM interactions WHERE ended_at IS NOT NULL").fetchall()
        tracks = database.execute("SELECT conversation, state FROM recordings").fetchall()
    assert sorted(row[0] for row in ended) == sorted(conversations)
    assert sorted(tracks) == sorted((name, "complete") for name in conversations for _ in range(2))


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
    """How late this test's own event loop was: packets that wait in its socket meanwhile are no gap in the sound."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lateness:
        self._task = asyncio.create_task(self._run(), name="lateness")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            due = time.monotonic() + 0.005
            await asyncio.sleep(0.005)
            if (late := time.monotonic() - due) > 0.01:
                self._late.append((due, late))

    def worst(self, start: float, end: float) -> float:
        """In ms, within this window."""
        return max((late for due, late in self._late if start - 1 <= due <= end), default=0.0) * 1000


def sound_lost(rtp: RtpEndpoint, start: float, end: float) -> float:
    """Sound in **ms** that never came in this window: by how much packets of 20 ms fell behind their schedule for good.

    A moment in which this machine stood still is none: what waited in the socket arrives in a bunch and catches up.
    """
    behind = [packet.at - 0.02 * number for number, packet in enumerate(rtp.between(start, end))]
    assert len(behind) >= 50, f"only {len(behind)} packets in {end - start:.1f} s"
    return (min(behind[-25:]) - min(behind[:25])) * 1000
