"""Consult, swap, complete, cancel, conference and leave with real phones and real sound: who hears whom, by frequency.

Each agent speaks a tone of his own; the customer has a partner or music at every moment, also when he hangs up in the
middle, and when the server is killed there.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from tests.harness import tones
from tests.harness.baresip import Baresip
from tests.harness.sipp import SippCaller
from tests.harness.site import Site, site
from tests.harness.sounddesk import SoundDesk
from tests.harness.waiting import eventually
from tests.live.house import CALM, hears_music, music, prepare, silence_in
from tests.live.kills import come_back, restarted

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER_HZ, AGENT_HZ, COLLEAGUE_HZ, THIRD_HZ = 470.0, 1130.0, 1370.0, 1690.0
"""Far from each other, and not in the hold music, which has something at 950 Hz."""
SOON = 8.0
"""Seconds within which a tone must be there on a busy machine; how fast it is is not asked here."""


class Table:
    """The customer, his agent, and the colleagues who may be called in."""

    def __init__(self, caller: SippCaller, agent: SoundDesk, colleague: SoundDesk) -> None:
        self.caller, self.agent, self.colleague = caller, agent, colleague
        self.conversation = ""

    async def do(self, name: str, who: SoundDesk | None = None, **fields: object) -> None:
        await (who or self.agent).expect(name, conversation=self.conversation, **fields)

    async def consult(self, whom: SoundDesk) -> None:
        await self.do("ConsultCall", to_agent=whom.user)
        await whom.works("offer")
        assert whom.phone is not None
        whom.phone.answer(await whom.phone.next_call())
        await whom.works("busy", within=SOON)

    async def hears(self, who: SoundDesk | SippCaller, *wanted: float) -> None:
        """These tones, and none of the others."""
        sound = who if isinstance(who, SippCaller) else who.phone.call  # type: ignore[union-attr]
        for hz in wanted:
            await sound.hears(hz, within=SOON)
        others = [hz for hz in (CALLER_HZ, AGENT_HZ, COLLEAGUE_HZ, THIRD_HZ) if hz not in wanted]

        def alone() -> bool:
            last = (who.rtp if isinstance(who, SippCaller) else sound).last(0.4)
            assert len(last) > 0.3 * 8000, "too little sound"
            for hz in wanted:
                assert tones.has_tone(last, hz), f"no {hz:g} Hz"
            for hz in others:
                assert tones.level_at(last, hz) < -40, f"{hz:g} Hz at {tones.level_at(last, hz):.0f} dB"
            return True

        await eventually(alone, SOON, f"only {wanted}")

    async def customer_has_music(self) -> None:
        await hears_music(self.caller.rtp, within=SOON)
        await eventually(
            lambda: music(self.caller.rtp, 0.4, not_hz=(AGENT_HZ, COLLEAGUE_HZ, THIRD_HZ)), SOON, "music alone"
        )


@asynccontextmanager
async def at_table(house: Site) -> AsyncIterator[tuple[Table, Baresip]]:
    """The agent talks with the customer; the colleague is signed in, and not ready."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        phones = await enter(Baresip(rtp=(17000, 17999)))
        agent = await enter(SoundDesk(house, "1001", phones, tone=AGENT_HZ))
        colleague = await enter(SoundDesk(house, "1002", phones, tone=COLLEAGUE_HZ))
        await agent.ready()
        caller = await enter(SippCaller(house.sip, CALM, tone=CALLER_HZ))
        await caller.answered()
        assert agent.phone is not None
        agent.phone.answer(await agent.phone.next_call(timeout=SOON))
        table = Table(caller, agent, colleague)
        table.conversation = (await agent.works("busy", within=SOON))["conversation"]
        await table.hears(caller, AGENT_HZ)
        await table.hears(agent, CALLER_HZ)
        yield table, phones


async def test_consult_swap_and_complete_with_the_context(house: Site) -> None:
    """jambonz-feature-server#1363: the context is not lost on a transfer."""
    async with at_table(house) as (table, _):
        contact = table.agent.work()["contact"]
        await table.agent.expect("WriteNote", contact=contact, text="wants to return order 4711")
        asked = time.monotonic()
        await table.do("ConsultCall", to_agent="1002")
        pop = await table.colleague.works("offer")
        assert pop["task"] == "consult"
        assert [one["note"] for one in pop["handed"]] == ["wants to return order 4711"]
        assert pop["caller"] == table.agent.work()["caller"]
        await table.customer_has_music()
        assert table.colleague.phone is not None
        ring = await table.colleague.phone.next_call(timeout=SOON)
        table.colleague.phone.answer(ring)
        await table.colleague.works("busy", within=SOON)
        await table.hears(table.agent, COLLEAGUE_HZ)
        await table.hears(table.colleague, AGENT_HZ)
        await table.customer_has_music()
        await table.do("SwapCall")
        await table.hears(table.caller, AGENT_HZ)
        await table.hears(table.agent, CALLER_HZ)
        sound = table.colleague.phone.call
        await eventually(lambda: not tones.has_tone(sound.last(0.4), AGENT_HZ), SOON, "the colleague to be on hold")
        await table.do("SwapCall")
        await table.hears(table.colleague, AGENT_HZ)
        await table.customer_has_music()
        before = table.colleague.work()["contact"]
        await table.do("CompleteConsult")
        await table.hears(table.caller, COLLEAGUE_HZ)
        await table.hears(table.colleague, CALLER_HZ)
        wait = silence_in(table.caller.rtp, asked, time.monotonic())
        print(f"the customer's longest silence from the consult to the end of the hand-over: {wait:.2f} s")
        assert wait <= 0.5
        await table.agent.works("wrap_up")
        kept = table.colleague.work()
        assert (kept["contact"], kept["task"], kept["path"][-1]) == (before, "contact", "consult:1001")
        await table.caller.hang_up()
        await table.colleague.works("wrap_up", within=SOON)
        await table.colleague.finish(ready=False)
        await table.agent.finish(ready=False)
    await house.quiet(within=5)


async def test_a_queue_is_asked_and_the_first_who_is_free_takes_the_customer(house: Site) -> None:
    async with at_table(house) as (table, _):
        await table.do("ConsultCall", queue="calm")
        await eventually(lambda: [one["state"] for one in table.agent.work()["parties"]] == ["waiting"], SOON, "a wait")
        await table.customer_has_music()
        await table.colleague.expect("SetReady")
        pop = await table.colleague.works("offer", within=SOON)
        assert (pop["task"], pop["caller"]) == ("consult", table.agent.work()["caller"])
        assert table.colleague.phone is not None
        table.colleague.phone.answer(await table.colleague.phone.next_call(timeout=SOON))
        await table.hears(table.agent, COLLEAGUE_HZ)
        await table.hears(table.colleague, AGENT_HZ)
        await table.customer_has_music()
        await table.do("CompleteConsult")
        await table.hears(table.caller, COLLEAGUE_HZ)
        await table.hears(table.colleague, CALLER_HZ)
        await table.caller.hang_up()
        await table.colleague.works("wrap_up", within=SOON)
        await table.colleague.finish(ready=False)
        await table.agent.finish(ready=False)
    await house.quiet(within=5)


async def test_consult_and_cancel_then_a_conference_of_four_and_all_leave_but_one(house: Site) -> None:
    async with at_table(house) as (table, phones):
        await table.consult(table.colleague)
        await table.hears(table.agent, COLLEAGUE_HZ)
        await table.do("CancelConsult")
        await table.hears(table.caller, AGENT_HZ)
        await table.hears(table.agent, CALLER_HZ)
        await table.colleague.state("not_ready")
        await table.consult(table.colleague)
        await table.do("ConferenceCall")
        await table.hears(table.caller, AGENT_HZ, COLLEAGUE_HZ)
        await table.hears(table.agent, CALLER_HZ, COLLEAGUE_HZ)
        await table.hears(table.colleague, CALLER_HZ, AGENT_HZ)
        async with SoundDesk(house, "1003", phones, tone=THIRD_HZ) as third:
            await table.consult(third)
            await table.hears(table.caller, COLLEAGUE_HZ)
            await table.hears(table.agent, THIRD_HZ)
            await table.do("ConferenceCall")
            await table.hears(table.caller, AGENT_HZ, COLLEAGUE_HZ, THIRD_HZ)
            await table.hears(third, CALLER_HZ, AGENT_HZ, COLLEAGUE_HZ)
            await table.do("DropParty", party="1003")
            await third.state("not_ready")
        await table.hears(table.caller, AGENT_HZ, COLLEAGUE_HZ)
        await table.do("LeaveConference")
        await table.agent.works("wrap_up")
        await table.hears(table.caller, COLLEAGUE_HZ)
        await table.hears(table.colleague, CALLER_HZ)
        await table.caller.hang_up()
        await table.colleague.works("wrap_up", within=SOON)
        await table.colleague.finish(ready=False)
        await table.agent.finish(ready=False)
    await house.quiet(within=5)


@pytest.mark.parametrize("moment", ["ringing", "consulting", "conference"])
async def test_the_customer_hangs_up_in_the_middle(house: Site, moment: str) -> None:
    async with at_table(house) as (table, _):
        if moment == "ringing":
            await table.do("ConsultCall", to_agent="1002")
            assert table.colleague.phone is not None
            await table.colleague.phone.next_call(timeout=SOON)
        else:
            await table.consult(table.colleague)
            await table.hears(table.agent, COLLEAGUE_HZ)
        if moment == "conference":
            await table.do("ConferenceCall")
            await table.hears(table.caller, AGENT_HZ, COLLEAGUE_HZ)
        await table.caller.hang_up()
        await table.agent.works("wrap_up", within=SOON)
        await table.colleague.state("not_ready", within=SOON)
        assert not [key for key in table.colleague.docs if key.startswith("work/")]
        await table.agent.finish(ready=False)
    await house.quiet(within=5)
    assert house.complaints() == []


# --- kill -9 -------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def mortal() -> AsyncIterator[Site]:
    first = 29700 + os.getpid() % 10 * 20
    async with site(rtp=(first, first + 19), prepare=prepare) as running:
        yield running


async def test_kill_9_in_a_consult_and_in_a_conference_costs_nobody_anything(mortal: Site) -> None:
    async with at_table(mortal) as (table, _):
        await table.consult(table.colleague)
        await table.hears(table.agent, COLLEAGUE_HZ)
        await table.customer_has_music()
        for moment in ("consult", "conference"):
            killed = time.monotonic()
            mortal.kill()
            await asyncio.sleep(0.5)
            if moment == "consult":
                await table.customer_has_music()
                await table.hears(table.agent, COLLEAGUE_HZ)
            else:
                await table.hears(table.caller, AGENT_HZ, COLLEAGUE_HZ)
            await restarted(mortal)
            for desk in (table.agent, table.colleague):
                await come_back(desk)
                assert desk.work()["kind"] == "busy"
            state = "consulting" if moment == "consult" else "joined"
            assert [one["state"] for one in table.agent.work()["parties"]] == [state]
            assert silence_in(table.caller.rtp, killed, time.monotonic()) <= 0.5
            if moment == "consult":
                await table.customer_has_music()
                await table.hears(table.colleague, AGENT_HZ)
                await table.do("ConferenceCall")
            await table.hears(table.caller, AGENT_HZ, COLLEAGUE_HZ)
            await table.hears(table.agent, CALLER_HZ, COLLEAGUE_HZ)
        await table.do("LeaveConference")
        await table.hears(table.caller, COLLEAGUE_HZ)
        await table.caller.hang_up()
        await table.colleague.works("wrap_up", within=SOON)
        await table.agent.finish(ready=False)
        await table.colleague.finish(ready=False)
    await mortal.quiet(within=5)
    assert mortal.events(ev.FaultFound) == []
