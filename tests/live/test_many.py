"""Ten callers at once and three agents: served in the order of their arrival, each ends once, nothing is left."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.live.house import BRISK, calling, first_ring, hears_music, numbers_in_log, silence_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139777000"
AGENTS = ("1001", "1002", "1003")


async def test_ten_callers_and_three_agents(house: Site) -> None:
    served: list[str] = []
    async with AsyncExitStack() as stack:
        desks = [await stack.enter_async_context(Desk(house, agent)) for agent in AGENTS]
        lines = await asyncio.gather(
            *(stack.enter_async_context(calling(house, BRISK, f"{PREFIX}{n:02d}")) for n in range(10))
        )
        by_number = {line.number: line for line in lines}
        await house.happens(ev.ContactQueued, count=10)
        for line in lines:
            await hears_music(line.rtp)

        async def work(desk: Desk) -> None:
            """He takes call after call; each talks half a second."""
            while len(served) < 10:
                try:
                    _, call = await first_ring(desk, within=1.5)
                except AssertionError:
                    continue
                line = by_number[call.invite.get("from").partition("sip:")[2].partition("@")[0]]
                served.append(line.number)
                answered = line.call.answered_at or 0.0
                assert silence_in(line.rtp, answered + 0.5, asyncio.get_running_loop().time()) <= 1.0
                assert desk.phone is not None
                desk.phone.answer(call)
                await desk.works("busy")
                await asyncio.sleep(0.5)
                await line.agent.core.outcome(line.call.bye())
                await call.ended()

        for desk in desks:
            await desk.expect("SetReady")
        async with asyncio.TaskGroup() as group:
            for desk in desks:
                group.create_task(work(desk))
        for desk in desks:
            await desk.state("ready")
            assert not [key for key in desk.docs if key.startswith("work/")]
        await eventually(lambda: desks[0].docs["queue/brisk"]["waiting"] == 0, 10, "an empty queue on the screen")
        await house.quiet()
    queued = [e.contact for e in house.events(ev.ContactQueued)]
    assert [e.contact for e in house.events(ev.OfferMade)] == queued, "offered in the order of arrival"
    assert sorted(served) == sorted(by_number)
    assert Counter(e.contact for e in house.events(ev.ContactEnded)) == Counter(queued)
    assert {e.reason for e in house.events(ev.ContactEnded)} == {EndReason.ANSWERED}
    each = Counter(e.agent for e in house.events(ev.ContactConnected))
    print(f"served by {dict(each)}")
    assert set(each) == set(AGENTS) and max(each.values()) - min(each.values()) <= 2


async def test_all_ten_hang_up_at_once(house: Site) -> None:
    before = await house.holds()
    began = len(house.events(ev.ContactEnded))
    async with AsyncExitStack() as stack:
        lines = await asyncio.gather(
            *(stack.enter_async_context(calling(house, BRISK, f"{PREFIX}{n + 10}")) for n in range(10))
        )
        await house.happens(ev.ContactQueued, count=20)
        for line in lines:
            line.call.bye()
        await house.quiet()
    assert await house.holds() == before
    await house.happens(ev.ConversationForgotten, count=20)
    assert [e.reason for e in house.events(ev.ContactEnded)[began:]] == [EndReason.ABANDONED] * 10


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert numbers_in_log(house, PREFIX) == []
