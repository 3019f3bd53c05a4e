"""People who are on the telephone when something dies: one talks, one waits, one is in a prompt, one agent is free.

Here: a site whose agents have desk phones with sound, who comes, what each must hear meanwhile and afterwards, the
orderly end, the books. Not here: what dies (faults.py), the kill campaign with its larger cast (tests/torture).
"""

from __future__ import annotations

import re
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from ctiserver.model import events as ev
from tests.harness.deskphone import DeskPhone
from tests.harness.sipcall import SipCall
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site
from tests.harness.waiting import PATIENCE, eventually
from tests.live import kills
from tests.live.house import ALONE, BRISK, CALM, LONELY, MENU, hears_music, music

TALKER, FREE = "1001", "1002"
"""Agents: one talks all the while, one takes new calls. ALONE is signed in, and not ready before the end."""
AGENT_HZ, CALLER_HZ, FREE_HZ = 880.0, 740.0, 1250.0
"""Tones that the hold music has not."""
LONGEST_GAP = 60.0
"""Milliseconds without a packet that a talking or waiting caller may notice (the issue's figure)."""


def prepare(home: Path, *, pages: tuple[str, ...] = ()) -> None:
    """The patient house of the kill tests; every agent but these has a desk phone of his own."""
    kills.patient(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8")
    agents = [name for name in re.findall(r'\[\[agents\]\]\nid = "(\d+)"', text) if name not in pages]
    for name in agents:
        text = text.replace(f'[[agents]]\nid = "{name}"\n', f'[[agents]]\nid = "{name}"\nphone = "p{name}"\n')
    text += "".join(f'\n[[phones]]\nid = "p{name}"\nname = {{ zh = "{name}", en = "{name}" }}\n' for name in agents)
    path.write_text(text, "utf-8")


class Agent:
    """A desktop and a desk phone with sound: `desk`, `phone`, `call` (his newest)."""

    def __init__(self, site: Site, user: str, tone: float) -> None:
        self.site, self.user, self.tone = site, user, tone
        self.desk = Desk(site, user, phone=False)
        self.phone: DeskPhone
        self.call: SipCall

    async def come(self, stack: AsyncExitStack) -> Agent:
        self.phone = await stack.enter_async_context(DeskPhone(self.site, f"p{self.user}", tone=self.tone))
        await stack.enter_async_context(self.desk)
        await self.desk.expect("SignIn")
        await self.desk.sees(lambda docs: docs["me"]["phone"]["contact"], "the phone's contact")
        return self

    async def pick_up(self, within: float = PATIENCE) -> dict[str, Any]:
        """The offer, the ring, the answer; the work's document."""
        await self.desk.works("offer", within)
        self.call = await self.phone.next_call(within)
        self.call.ring()
        self.phone.answer(self.call)
        return await self.desk.works("busy", within)

    async def back(self) -> None:
        """The desktop asks again, as a page does whose server was away."""
        await self.desk.unlink()
        await self.desk.link()


class People:
    """`people = People(site, stack); await people.come()`; then the fault; then `still_well`, `serve`, `part`."""

    def __init__(self, site: Site, stack: AsyncExitStack) -> None:
        self.site, self._stack = site, stack
        self.callers: dict[str, SippCaller] = {}
        self.lateness = kills.Lateness(site.asterisk.pid)
        self._served = 0

    async def call(self, name: str, number: str, tone: float = CALLER_HZ) -> SippCaller:
        made = SippCaller(self.site.sip, number, caller=f"1380000{len(self.callers):04}", name=name, tone=tone)
        self.callers[name] = await self._stack.enter_async_context(made)
        return self.callers[name]

    async def come(self) -> None:
        site, stack = self.site, self._stack
        stack.enter_context(kills.telling(site))
        await stack.enter_async_context(self.lateness)
        self.talker = await Agent(site, TALKER, AGENT_HZ).come(stack)
        self.free = await Agent(site, FREE, FREE_HZ).come(stack)
        self.alone = await Agent(site, ALONE, FREE_HZ).come(stack)
        await self.talker.desk.ready()
        talking = await self.call("talking", CALM)
        await talking.answered()
        await self.talker.pick_up()
        waiting = await self.call("waiting", LONELY, 540)
        await waiting.answered()
        await hears_music(waiting.rtp)
        prompt = await self.call("in a prompt", MENU, 580)
        await prompt.answered()
        await self.talk_goes_on(within=3)
        await hears_music(prompt.rtp)

    async def talk_goes_on(self, within: float = 1.0) -> None:
        """The two hear each other now."""
        await self.callers["talking"].hears(AGENT_HZ, within=within)
        await self.talker.phone.rtp.hears(CALLER_HZ, within=within)

    async def still_well(self, *, prompt_within: float = 5.0) -> None:
        """Talk, music and prompt, as before."""
        await self.talk_goes_on()
        await hears_music(self.callers["waiting"].rtp)
        if "in a prompt" in self.callers:
            await hears_music(self.callers["in a prompt"].rtp, within=prompt_within)

    def no_gap(self, begin: float, end: float) -> str:
        """Judges the sound of the talk (both ends) and of the music in this window; what was measured, as text."""
        ends = {
            "talking": self.callers["talking"].rtp,
            "his agent": self.talker.phone.rtp,
            "waiting": self.callers["waiting"].rtp,
        }
        late, starved = self.lateness.worst(begin, end), self.lateness.starved(begin, end)
        gaps = {name: (rtp.longest_gap(begin, end), kills.sound_lost(rtp, begin, end)) for name, rtp in ends.items()}
        told = ", ".join(f"{name} {gap:.0f}/{lost:.0f}" for name, (gap, lost) in gaps.items())
        told = f"longest gap / sound lost in ms: {told}; lateness: own {late:.0f}, Asterisk's {starved:.0f}"
        for gap, lost in gaps.values():
            assert lost < LONGEST_GAP, told
            assert gap - late - starved < LONGEST_GAP, told
        return told

    async def serve(self) -> None:
        """A new call all the way: queue, pop, sound, hang-up; the free agent is not ready again afterwards."""
        self._served += 1
        agent = self.free
        await agent.desk.ready()
        caller = await self.call(f"new {self._served}", BRISK, 620)
        await caller.answered()
        work = await agent.pick_up()
        assert work["caller"]["number"] == caller._caller
        await caller.hears(FREE_HZ, within=2)
        await agent.phone.rtp.hears(620, within=2)
        await caller.hang_up()
        await agent.desk.state("ready")
        await agent.desk.expect("SetNotReady", reason="break")

    async def part(self, *, whole: bool = True) -> None:
        """All calls end as calls do, the waiting one after he has been answered; then the books are read.

        `whole`: the journal has every record (it has not after a full disk).
        """
        prompt = self.callers.get("in a prompt")
        if prompt is not None and not prompt.trace.over:
            await prompt.hang_up()
        talking, waiting = self.callers["talking"], self.callers["waiting"]
        if not waiting.trace.over:
            await self.alone.desk.expect("SetReady")  # and he is offered the one who waits at once
            work = await self.alone.pick_up()
            assert work["caller"]["number"] == waiting._caller
            await waiting.hears(FREE_HZ, within=2)
            await waiting.hang_up()
        if not talking.trace.over:
            work = await self.talker.desk.works("busy")
            await self.talker.desk.expect("HangUpCall", conversation=work["conversation"])
            await talking.ended(3)
        await self.talker.desk.finish()
        site = self.site
        await site.quiet(within=3)
        conversations = [e.conversation for e in site.events(ev.ConversationStarted)]
        if whole:
            assert sorted(conversations) == sorted(e.conversation for e in site.events(ev.CallCleared))
            ended = [e.contact for e in site.events(ev.ContactEnded)]
            assert sorted(ended) == sorted(e.contact for e in site.events(ev.ContactQueued)), "each ends exactly once"
            await kills.check_projection(site)
        assert await site.stop() == 0
        if whole:
            kills.check_replay(site)
            kills.check_fold(site)

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        async with self.site.http.get(f"{self.site.url}/readyz") as answer:
            return answer.status, await answer.json()

    async def missing(self, what: str, within: float) -> float:
        """Wait until /readyz is 503 and names this; seconds it took."""
        began = time.monotonic()

        async def named() -> bool:
            status, said = await self.readiness()
            assert status == 503, said
            return what in said["missing"]

        await eventually(named, within, f"/readyz misses {what}", poll=0.1)
        return time.monotonic() - began

    def quiet_now(self, name: str, seconds: float = 0.3) -> bool:
        return not music(self.callers[name].rtp, seconds)
