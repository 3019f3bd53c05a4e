"""The caller hangs up, wherever he is: a second later Asterisk is as before and agent and reason are right."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ctiserver.model import events as ev, ids
from ctiserver.model.causes import ClearedBy, EndReason
from ctiserver.model.ids import ConversationId
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually, exactly_at
from tests.live.house import CALM, MENU, as_before, conversation_of, hears_music, listed, of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(house: Site) -> AsyncIterator[Desk]:
    async with Desk(house, "1001") as desk:
        yield desk


async def gone(site: Site, caller: SippCaller, before: dict[str, list[str]], conversation: ConversationId) -> float:
    """He hangs up; seconds until nothing of the call is left in Asterisk."""
    live = await site.recording_live(*ids.tracks(conversation))
    assert len(live) == 2, "both tracks are being recorded"
    caller.send_hang_up()
    await eventually(lambda: caller.trace.has("BYE"), 2, "the BYE", poll=0.005)
    since = time.monotonic() - (time.time() - caller.trace.ended_wall)
    took = await as_before(site, before, conversation, since)
    await caller.ended()
    return took


def ended_once(site: Site, conversation: ConversationId, *reasons: EndReason) -> None:
    """The journal: one CallCleared by the customer, one end for each contact, and the conversation is forgotten."""
    assert [e.by for e in of(site, conversation, ev.CallCleared)] == [ClearedBy.CUSTOMER]
    assert [e.reason for e in of(site, conversation, ev.ContactEnded)] == list(reasons)
    legs = [e.leg for e in of(site, conversation, ev.ConnectionCleared)]
    assert len(legs) == len(set(legs))


async def test_in_the_middle_of_a_prompt(house: Site) -> None:
    before = await house.holds()
    async with SippCaller(house.sip, MENU, caller="13911110001") as caller:
        await caller.answered()
        await hears_music(caller.rtp, within=3)  # the welcome
        conversation = conversation_of(house, "13911110001")
        took = await gone(house, caller, before, conversation)
    await house.happens(ev.ConversationForgotten)
    ended_once(house, conversation)
    assert not of(house, conversation, ev.ContactQueued)
    print(f"prompt: as before {took * 1000:.0f} ms after the BYE")


async def test_in_the_queue(house: Site, desk: Desk) -> None:
    before = await house.holds()
    async with SippCaller(house.sip, CALM, caller="13911110002") as caller:
        await caller.answered()
        await house.happens(ev.ContactQueued)
        await hears_music(caller.rtp)
        conversation = conversation_of(house, "13911110002")
        took = await gone(house, caller, before, conversation)
    row = await listed(house, conversation)
    assert (row["end_reason"], row["agent"], row["answered_at"]) == ("abandoned", None, None)
    ended_once(house, conversation, EndReason.ABANDONED)
    await desk.state("not_ready")
    print(f"queue: as before {took * 1000:.0f} ms after the BYE")


async def test_while_the_agent_rings(house: Site, desk: Desk) -> None:
    before = await house.holds()
    await desk.ready()
    async with SippCaller(house.sip, CALM, caller="13911110003") as caller:
        await caller.answered()
        assert desk.phone is not None
        ringing = await desk.phone.next_call()
        ringing.ring()
        await desk.sees(lambda docs: desk.work()["ringing"], "the ring")
        conversation = conversation_of(house, "13911110003")
        took = await gone(house, caller, before, conversation)
    await ringing.ended(1)
    assert ringing.ended_by == "cancelled"
    await desk.state("ready")
    await desk.expect("SetNotReady", reason="break")
    row = await listed(house, conversation)
    assert (row["end_reason"], row["answered_at"]) == ("abandoned", None)
    ended_once(house, conversation, EndReason.ABANDONED)
    assert of(house, conversation, ev.RingCancelled)
    print(f"ringing: as before {took * 1000:.0f} ms after the BYE")


async def test_in_talk(house: Site, desk: Desk) -> None:
    before = await house.holds()
    await desk.ready()
    async with SippCaller(house.sip, CALM, caller="13911110004") as caller:
        await caller.answered()
        assert desk.phone is not None
        call = await desk.phone.next_call()
        desk.phone.answer(call)
        await desk.works("busy")
        await desk.state("busy")
        await asyncio.sleep(0.5)
        conversation = conversation_of(house, "13911110004")
        took = await gone(house, caller, before, conversation)
    await call.ended(1)
    await desk.state("working_after_call")
    await desk.finish()
    await desk.state("ready")
    await desk.expect("SetNotReady", reason="break")
    row = await listed(house, conversation)
    assert (row["end_reason"], row["agent"]) == ("answered", "1001")
    ended_once(house, conversation, EndReason.ANSWERED)
    print(f"talk: as before {took * 1000:.0f} ms after the BYE")


async def test_before_the_answer(house: Site) -> None:
    """CANCEL follows the INVITE by 0 to 27 ms: whoever wins, nothing stays."""
    before = await house.holds()
    answered = 0
    for number in range(10):
        async with SipAgent(target=house.sip, user=f"1391111010{number}") as agent, RtpEndpoint() as rtp:
            call = agent.invite(MENU, rtp)
            await exactly_at(time.monotonic() + 0.003 * number)
            call.cancel()
            if (await call.final()).status == 200:  # the answer was faster: then a phone says BYE
                answered += 1
                await agent.core.outcome(call.bye())
    await as_before(house, before, ConversationId("c-0"), time.monotonic())
    print(f"before the answer: {answered} of 10 answers crossed the CANCEL")


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert "139111" not in house.log.read_text("utf-8", "replace")
