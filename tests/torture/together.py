"""Those of a kill campaign's full cast who are more than two: a consult, a conference of three, two leads, one sent on.

Here: who they are, how they come together, what each must hear after a kill. All have desk phones, whose sound a kill
of the server cannot touch. Not here: the others (cast.py), rounds (campaign.py).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from ctiserver.model.ids import ConversationId
from ctiserver.model.principal import Role
from ctiserver.model.site import Label
from ctiserver.ports_http import User
from ctiserver.store.database import Database
from ctiserver.store.users import SqlUsers
from tests.harness import tones
from tests.harness.deskphone import DeskPhone
from tests.harness.g711 import Pcm
from tests.harness.rtp import RtpEndpoint
from tests.harness.sipcall import SipCall
from tests.harness.sipp import SippCaller
from tests.harness.site import Site
from tests.harness.waiting import eventually
from tests.live import house
from tests.live.house import BRISK, CALM, hears_music
from tests.live.lead_people import LEAD_HZ, UNHEARD, Ear
from tests.live.people import Agent

ASKS, ASKED, CONFERS, JOINED, SENDS = "1009", "1010", "1011", "1012", "1013"
"""Agents: one asks a colleague while his customer has music, one and a colleague are in a conference, one sends on."""
EVERYBODY = (ASKS, ASKED, CONFERS, JOINED, SENDS)
LISTENS, WHISPERS = "2001", "2002"
"""Leads: one listens to the conference, one whispers to an agent in a talk of two."""
HZ = {ASKS: 1490.0, ASKED: 1610.0, CONFERS: 1730.0, JOINED: 1870.0, SENDS: 2010.0}
WHISPER_HZ = 2290.0
SOON = 10.0


async def second_lead(url: str) -> None:
    """The demo has one lead; the second has the same password."""
    database = Database(url)
    try:
        users = SqlUsers(database)
        first = await users.get(LISTENS)
        assert first is not None
        name = Label(zh=f"班长{WHISPERS}", en=f"Lead {WHISPERS}")
        await users.add(User(id=WHISPERS, role=Role.LEAD, password_hash=first.password_hash, name=name, agent=None))
    finally:
        await database.close()


def configure(path: Path) -> None:
    """A desk phone for each lead; who sends on serves a queue in which nobody waits, and which has no wrap-up."""
    text = re.sub(rf'(id = "{SENDS}"\n(?:.+\n)*?queues = )\[.*\]', r'\1["brisk"]', path.read_text("utf-8"))
    text += "".join(f'\n[[phones]]\nid = "p{n}"\nname = {{ zh = "{n}", en = "{n}" }}\n' for n in (LISTENS, WHISPERS))
    path.write_text(text, "utf-8")


class Lead:
    """A lead with a desk phone in somebody's call."""

    def __init__(self, site: Site, user: str, tone: float) -> None:
        self.site, self.user, self.tone = site, user, tone
        self.phone: DeskPhone
        self.call: SipCall

    async def come(self, stack: AsyncExitStack, conversation: str, mode: str) -> Lead:
        self.phone = await stack.enter_async_context(DeskPhone(self.site, f"p{self.user}", tone=self.tone))
        async with house.lead(self.site, self.user) as http:

            async def asks(path: str, **body: str) -> None:
                async with http.post(f"/api/v1/{path}", json=body) as answer:
                    assert answer.status == 200, await answer.text()

            await asks("seat/phone/desk", phone=self.phone.name)
            await asks(f"talks/{conversation}/monitor", mode=mode)
            self.call = await self.phone.next_call()
            self.phone.answer(self.call)
        return self


class Together:
    """`await Together(site, stack, call).come(agent, holder)`; `call(name, number, tone)` makes a caller."""

    def __init__(
        self, site: Site, stack: AsyncExitStack, call: Callable[[str, str, float], Awaitable[SippCaller]]
    ) -> None:
        self.site, self._stack, self._call = site, stack, call
        self.agents = {user: Agent(site, user, hz) for user, hz in HZ.items()}

    async def come(self, whispered: Agent, with_him: SippCaller, to_whom: str) -> None:
        """`whispered` talks `with_him`, and is whispered to; one is sent on to `to_whom`, who has no time."""
        self.whispered, self.with_him = whispered, with_him
        for agent in self.agents.values():
            await agent.come(self._stack)
        self.put_aside = await self.talk(ASKS, "put aside", 1210.0)
        await self.calls_in(ASKS, ASKED)
        self.third = await self.talk(CONFERS, "in a conference", 770.0)
        await self.calls_in(CONFERS, JOINED)
        await self.do(CONFERS, "ConferenceCall")
        self.sent = await self.talk(SENDS, "sent on", 690.0)
        await self.do(SENDS, "TransferCall", to_agent=to_whom)
        self.listener = await Lead(self.site, LISTENS, LEAD_HZ).come(self._stack, self.conversation(CONFERS), "listen")
        theirs = whispered.desk.work()["conversation"]
        self.whisperer = await Lead(self.site, WHISPERS, WHISPER_HZ).come(self._stack, theirs, "whisper")
        await self.all_are_there()

    async def talk(self, user: str, name: str, tone: float) -> SippCaller:
        """A new caller who is through to this agent."""
        await self.agents[user].desk.ready()
        caller = await self._call(name, BRISK if user == SENDS else CALM, tone)
        await caller.answered()
        await self.agents[user].pick_up()
        await self.do(user, "SetNotReady", reason="break")
        return caller

    async def calls_in(self, user: str, colleague: str) -> None:
        await self.do(user, "ConsultCall", to_agent=colleague)
        await self.agents[colleague].pick_up()

    async def do(self, user: str, name: str, **fields: object) -> None:
        if name != "SetNotReady":
            fields["conversation"] = self.conversation(user)
        await self.agents[user].desk.expect(name, **fields)

    def conversation(self, user: str) -> ConversationId:
        return ConversationId(self.agents[user].desk.work()["conversation"])

    # --- after a kill -------------------------------------------------------------------------------------------

    def ears(self, *, swapping: bool) -> dict[str, RtpEndpoint]:
        """Whose sound may have no gap. Not the leads': who listens joins again after a restart, with a click. Nor of
        those who are being moved at the kill."""
        still = (self.third, self.sent) if swapping else (self.third, self.sent, self.put_aside)
        users = (CONFERS, JOINED) if swapping else (CONFERS, JOINED, ASKS, ASKED)
        return {caller.name: caller.rtp for caller in still} | {
            f"agent {user}": self.agents[user].phone.rtp for user in users
        }

    async def all_are_there(self) -> None:
        """Each hears whom he is meant to hear, and of the leads who is meant to."""
        rtp = {user: agent.phone.rtp for user, agent in self.agents.items()}
        await hears_music(self.put_aside.rtp, within=SOON)
        await hears_music(self.sent.rtp, within=SOON)
        await rtp[ASKS].hears(HZ[ASKED], within=SOON)
        await rtp[ASKED].hears(HZ[ASKS], within=SOON)
        voices = {CONFERS: HZ[CONFERS], JOINED: HZ[JOINED], "": self.third.rtp.tone or 0.0}
        for who, ear in {CONFERS: rtp[CONFERS], JOINED: rtp[JOINED], "": self.third.rtp}.items():
            for voice in [hz for other, hz in voices.items() if other != who]:
                await ear.hears(voice, within=SOON)
        for voice in voices.values():
            await self.listener.phone.rtp.hears(voice, within=SOON)
        await self.whispered.phone.rtp.hears(WHISPER_HZ, within=SOON)
        for voice in (self.whispered.tone, self.with_him.rtp.tone or 0.0):
            await self.whisperer.phone.rtp.hears(voice, within=SOON)
        async with AsyncExitStack() as listening:
            ears = {
                who: await listening.enter_async_context(Ear(last))
                for who, last in {**{user: rtp[user].last for user in rtp}, "the third": self.third.rtp.last}.items()
            }
            await asyncio.sleep(0.8)
        told = {who: ear.worst for who, ear in ears.items()}
        assert all(level < UNHEARD for level in told.values()), f"who listens is heard: {told}"
        whisper = tones.level_at(_last_second(self.with_him), WHISPER_HZ)
        assert whisper < UNHEARD, f"the caller hears the whisper at {whisper:.0f} dB"

    async def consulting_again(self) -> None:
        """After a swap in the very moment of the kill: either may be the truth; what is shown is what is heard."""
        asks = self.agents[ASKS]
        if asks.desk.work()["side"] == "customer":
            await self.put_aside.hears(HZ[ASKS], within=SOON)
            await hears_music(self.agents[ASKED].phone.rtp, within=SOON)
            await self.do(ASKS, "SwapCall")
        await asks.desk.sees(lambda docs: asks.desk.work()["side"] == "consultee", "the agent beside his colleague")

    async def end_of_the_sent(self, caller: SippCaller) -> None:
        """After a transfer in the very moment of the kill: his agent has him, or he waits for somebody with music."""
        agent = self.agents[SENDS]
        if agent.desk.docs["me"]["state"] == "busy":
            await caller.hears(HZ[SENDS], within=SOON)
        else:
            await hears_music(caller.rtp, within=SOON)
        await caller.hang_up()
        await agent.desk.state("not_ready")

    async def part(self) -> None:
        """The callers hang up, and whoever was called in or listened is free with that."""
        for caller in (self.put_aside, self.third, self.sent):
            await caller.hang_up()
        for user in (ASKED, JOINED):
            desk = self.agents[user].desk
            await desk.sees(lambda docs: not any(key.startswith("work/") for key in docs), f"{user} to be free")
        await eventually(lambda: self.listener.call.ended_at is not None, SOON, "the listener's end")


def _last_second(caller: SippCaller) -> Pcm:
    return caller.rtp.last(1.0)
