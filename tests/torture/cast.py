"""Who is on the telephone in a kill campaign, and their site. Not here: judging (judge.py), rounds (campaign.py).

Small: a browser and a desk phone in talk, two in the queue, a ring, a call on hold, a wrap-up, a caller in the prompt.
Full: two browsers, two baresip softphones and a desk phone in talk, five in the queue, two in the prompt, else alike;
and a consult, a conference, two leads in calls and one who was sent on (together.py).
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from benchmarks import house as bench
from tests.harness.baresip import Baresip
from tests.harness.browser import Browser
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site
from tests.harness.sounddesk import SoundDesk
from tests.harness.waiting import eventually
from tests.live import kills, people
from tests.live.house import CALM, LONELY, MENU, hears_music
from tests.live.people import Agent
from tests.torture import together
from tests.torture.together import EVERYBODY, Together

RINGS, HOLDS, WRITES = "1006", "1007", "1008"
"""Agents: whose phone rings, who has a call on hold, who is in wrap-up all the while."""
LONGEST = 1500
"""Seconds that a caller of the campaign lives at most."""
HOLD_HZ, RING_HZ = 950.0, 1250.0
TALK_HZ = (660.0, 880.0, 1010.0, 1150.0, 1370.0)


class Size:
    """How many of whom; agents 1001 ... talk in this order."""

    def __init__(
        self, *, pages: int, softphones: int, desk_phones: int, waiting: int, prompts: int, together: bool = False
    ) -> None:
        self.together = together
        self.pages, self.softphones, self.desk_phones = pages, softphones, desk_phones
        self.waiting, self.prompts = waiting, prompts

    @property
    def desk_users(self) -> list[str]:
        first = 1001 + self.pages + self.softphones
        return [str(first + n) for n in range(self.desk_phones)]


SIZES = {
    "small": Size(pages=1, softphones=0, desk_phones=1, waiting=2, prompts=1),
    "full": Size(pages=2, softphones=2, desk_phones=1, waiting=5, prompts=2, together=True),
}


def prepare(home: Path, size: Size) -> None:
    """The patient house with two agents more; who rings serves the lonely queue alone; people who may log in."""
    kills.patient(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8").replace(f"wrap_up_seconds = {kills.WRAP_UP}", f"wrap_up_seconds = {float(LONGEST)}")
    block = re.search(r'\[\[agents\]\]\nid = "1005"\n(?:.+\n)+', text)
    assert block is not None
    added = (HOLDS, WRITES, *(EVERYBODY if size.together else ()))
    more = "".join("\n" + block[0].replace('"1005"', f'"{user}"') for user in added)
    text = text[: block.end()] + more + text[block.end() :]
    text = re.sub(rf'(id = "{RINGS}"\n(?:.+\n)*?queues = )\[.*\]', r'\1["lonely"]', text)
    for user in (*size.desk_users, RINGS, HOLDS, *(EVERYBODY if size.together else ())):
        text = text.replace(f'[[agents]]\nid = "{user}"\n', f'[[agents]]\nid = "{user}"\nphone = "p{user}"\n')
        text += f'\n[[phones]]\nid = "p{user}"\nname = {{ zh = "{user}", en = "{user}" }}\n'
    path.write_text(text, "utf-8")
    if size.together:
        together.configure(path)
    url = f"sqlite+aiosqlite:///{home / 'hollyhock.db'}"

    async def people() -> None:
        await bench.people(url, list(added))
        if size.together:
            await together.second_lead(url)

    with ThreadPoolExecutor(1) as thread:  # we are inside a loop already
        thread.submit(lambda: asyncio.run(people())).result()


class Cast:
    """`await Cast(site, stack, size).come()`: all are in their places."""

    def __init__(self, site: Site, stack: AsyncExitStack, size: Size) -> None:
        self.site, self.size, self._stack = site, size, stack
        self.lateness = kills.Lateness(site.asterisk.pid)
        self.callers: list[SippCaller] = []
        self.talkers: dict[str, SippCaller] = {}
        """by their agent"""
        self.tones: dict[str, float] = {}
        self.pages: dict[str, Page] = {}
        self.sounddesks: dict[str, SoundDesk] = {}
        self.agents: dict[str, Agent] = {}
        self.waiting: list[SippCaller] = []
        self.ringing: SippCaller | None = None
        self.together: Together | None = None

    async def call(self, name: str, number: str, tone: float) -> SippCaller:
        made = SippCaller(
            self.site.sip, number, caller=f"138{len(self.callers):08}", name=name, tone=tone, max_seconds=LONGEST
        )
        caller = await self._stack.enter_async_context(made)
        self.callers.append(caller)
        return caller

    async def come(self) -> None:
        site, stack, size = self.site, self._stack, self.size
        await stack.enter_async_context(self.lateness)
        browser = await stack.enter_async_context(Browser())
        if size.softphones:
            phones = await stack.enter_async_context(Baresip(rtp=(18000, 18999)))
            self.lateness.watch("speakers", os.getpid())  # its thread is one of ours
        for number in range(size.pages + size.softphones + size.desk_phones):
            user, hz = str(1001 + number), TALK_HZ[number]
            if number < size.pages:
                self.pages[user] = await kills.page_agent(browser, site, user, hz)
            elif number < size.pages + size.softphones:
                self.sounddesks[user] = await stack.enter_async_context(SoundDesk(site, user, phones, tone=hz))
                await self.sounddesks[user].ready()
            else:
                self.agents[user] = await Agent(site, user, hz).come(stack)
                await self.agents[user].desk.ready()
            await self._talk(user, hz)
        self.lateness.watch("speakers", *browser.processes())
        self.holder = self.agents[HOLDS] = await Agent(site, HOLDS, HOLD_HZ).come(stack)
        await self.holder.desk.ready()
        self.held = await self.call("on hold", CALM, 500)
        await self.held.answered()
        await self.holder.pick_up()
        await self.hold(True)
        self.writer = await stack.enter_async_context(Desk(site, WRITES))
        await self.writer.ready()
        third = await self.call("wrapped up", CALM, 520)
        await third.answered()
        await self.writer.works("offer")
        assert self.writer.phone is not None
        self.writer.phone.answer(await self.writer.phone.next_call())
        await self.writer.works("busy")
        await third.hang_up()
        await self.writer.works("wrap_up")
        if size.together:
            user = size.desk_users[0]
            self.together = Together(site, stack, self.call)
            self.agents |= self.together.agents
            await self.together.come(self.agents[user], self.talkers[user], HOLDS)
        for number in range(size.waiting):
            self.waiting.append(await self.call(f"waiting {number + 1}", CALM, 540 + 4 * number))
            await self.waiting[-1].answered()
        for caller in self.waiting:
            await hears_music(caller.rtp)
        self.ringer = self.agents[RINGS] = await Agent(site, RINGS, RING_HZ).come(stack)
        await self.ringer.desk.ready()

    async def _talk(self, user: str, hz: float) -> None:
        caller = await self.call(f"talks with {user}", CALM, 440 + 10 * len(self.talkers))
        await caller.answered()
        if user in self.pages:
            await self.pages[user].get_by_test_id("answer").click()
        elif user in self.sounddesks:
            desk = self.sounddesks[user]
            await desk.works("offer")
            assert desk.phone is not None
            desk.phone.answer(await desk.phone.next_call())
        else:
            await self.agents[user].pick_up()
        await caller.hears(hz, within=8)  # baresip's ICE takes 2.5 s
        self.talkers[user], self.tones[user] = caller, hz

    # --- what happens in a round --------------------------------------------------------------------------------

    async def ring(self) -> None:
        """A caller at the queue of RINGS; his phone rings and is left ringing."""
        self.ringing = await self.call("rings", LONELY, 620)
        await self.ringing.answered()
        await self.ringer.desk.works("offer")
        self.ringer.call = await self.ringer.phone.next_call()
        self.ringer.call.ring()
        await self.ringer.desk.sees(lambda docs: self.ringer.desk.work()["ringing"], "the ring")

    async def answer_ring(self) -> None:
        """RINGS answers (again, if the offer was made again), both hear each other, the caller goes."""
        assert self.ringing is not None
        agent = self.ringer
        patience = time.monotonic() + 6
        while not any(key.startswith("work/") and doc["kind"] == "busy" for key, doc in agent.desk.docs.items()):
            assert time.monotonic() < patience, f"no talk came of it; {agent.desk.docs}"
            if agent.call.ended_at is not None:  # the leg that he answered while nobody was there
                agent.call = await agent.phone.next_call(3)
                agent.call.ring()
            if agent.call.answered_at is None:
                agent.phone.answer(agent.call)
            await asyncio.sleep(0.02)
        work = await agent.desk.works("busy")
        assert work["caller"]["number"] == self.ringing._caller
        await self.ringing.hears(RING_HZ, within=2)
        await agent.phone.rtp.hears(620, within=2)
        await self.ringing.hang_up()
        await agent.desk.state("ready")
        self.ringing = None

    async def hold(self, wanted: bool) -> None:
        """Hold or retrieve, until the desktop shows it and it is heard."""
        desk = self.holder.desk
        work = await desk.works("busy")
        if work["held"] is not wanted:
            await desk.expect("HoldCall" if wanted else "RetrieveCall", conversation=work["conversation"])
        await self.is_held(wanted)

    async def is_held(self, wanted: bool) -> None:
        desk = self.holder.desk
        await desk.sees(lambda docs: desk.work()["held"] is wanted, f"hold {wanted}")
        if wanted:
            await eventually(lambda: people.music(self.held.rtp, 0.3, not_hz=(HOLD_HZ,)), 3, "hold music")
        else:
            await self.held.hears(HOLD_HZ, within=3)
            await self.holder.phone.rtp.hears(500, within=3)

    async def prompts(self, number: int) -> list[SippCaller]:
        """New callers in the menu's welcome; returns at once, they are still arriving."""
        return [await self.call(f"prompt {number}.{n}", MENU, 580) for n in range(self.size.prompts)]

    # --- desktops -----------------------------------------------------------------------------------------------

    def desks(self) -> dict[str, Desk]:
        """Those without a page, by agent."""
        found: dict[str, Desk] = dict(self.sounddesks)
        found |= {user: agent.desk for user, agent in self.agents.items()}
        return found | {WRITES: self.writer}

    async def come_back(self) -> None:
        """What all pages do when their server is there again."""
        again: list[Any] = [kills.come_back(desk) for desk in (*self.sounddesks.values(), self.writer)]
        again += [agent.back() for agent in self.agents.values()]
        await asyncio.gather(*again)
        for page in self.pages.values():
            await page.locator('[data-testid="phone-status"][data-status="ready"]').wait_for()
            await page.locator('[data-testid="callbar"][data-kind="busy"]').wait_for()
