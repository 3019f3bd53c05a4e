"""An offer that comes to nothing: the caller keeps his music and gets the next agent, or the same one again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from tests.harness.sipcall import SipCall
from tests.harness.site import Desk, Site
from tests.live.house import (
    BRISK,
    Line,
    calling,
    conversation_of,
    first_ring,
    listed,
    numbers_in_log,
    of,
    silence_in,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

OUTCOME: dict[str, type[ev.Event]] = {
    "missed": ev.OfferMissed,
    "480": ev.OfferUnreachable,
    "486": ev.OfferRejected,
    "404": ev.OfferUnreachable,
    "603": ev.OfferRejected,
    "503": ev.OfferUnreachable,
    "socket": ev.OfferUnreachable,
}
"""In an order in which no device is unreachable three times in a row."""
AT_MOST = {"missed": 4.5, "socket": 1.5}
"""Seconds until the next agent rings; an offer of this queue lasts 3 s, all other ways are known at once."""
NUMBER = "13933300000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desks(house: Site) -> AsyncIterator[tuple[Desk, Desk]]:
    async with Desk(house, "1001") as one, Desk(house, "1002") as two:
        yield one, two


async def comes_to_nothing(desk: Desk, call: SipCall, way: str) -> float:
    """The agent does not take it; the moment (monotonic)."""
    call.ring()
    await desk.sees(lambda docs: desk.work()["ringing"], "the ring")
    if way == "socket":
        await desk.lose_phone()
    elif way != "missed":
        call.reject(int(way))
    return time.monotonic()


async def talk_and_end(line: Line, desk: Desk, call: SipCall, answered: float) -> None:
    """He answers; until then the caller has had music without a hole; then the caller is content and goes."""
    assert desk.phone is not None
    assert silence_in(line.rtp, answered + 0.5, time.monotonic()) <= 1.0
    desk.phone.answer(call)
    await desk.works("busy")
    await asyncio.sleep(0.2)
    await line.agent.core.outcome(line.call.bye())


@pytest.mark.parametrize("way", OUTCOME)
async def test_the_next_agent_gets_the_caller(house: Site, desks: tuple[Desk, Desk], way: str) -> None:
    for desk in desks:
        await desk.ready()
    async with calling(house, BRISK, NUMBER) as line:
        answered = line.call.answered_at or 0.0
        first, call = await first_ring(*desks)
        misses = first.docs["me"]["misses"]
        other = desks[1] if first is desks[0] else desks[0]
        lost = await comes_to_nothing(first, call, way)
        second, again = await first_ring(other)
        took = time.monotonic() - lost
        await talk_and_end(line, second, again, answered)
    if way == "socket":
        await first.take_phone()
    for desk in desks:
        await desk.state("ready")
        assert not desk.docs["me"]["pending"]
    assert first.docs["me"]["misses"] - misses == (1 if way == "missed" else 0)
    conversation = conversation_of(house, NUMBER)
    offers = of(house, conversation, ev.OfferMade)
    over = [e for e in house.events(OUTCOME[way]) if e.reservation == offers[0].reservation]
    assert [e.agent for e in over] == [first.user]
    assert [e.agents for e in offers] == [(first.user,), (second.user,)]
    assert [e.reason for e in of(house, conversation, ev.ContactEnded)] == [EndReason.ANSWERED]
    assert (await listed(house, conversation))["agent"] == second.user
    await house.quiet()
    print(f"{way}: the next agent rings after {took * 1000:.0f} ms")
    assert took < AT_MOST.get(way, 1.0)


@pytest.mark.parametrize("way", ["missed", "486", "480", "socket"])
async def test_the_only_agent_gets_the_caller_again(house: Site, desks: tuple[Desk, Desk], way: str) -> None:
    """Rejected: not before an offer's time has passed. Unreachable: after a short pause, or when he is back."""
    desk = desks[0]
    await desks[1].expect("SetNotReady", reason="break")
    await desk.ready()
    async with calling(house, BRISK, NUMBER) as line:
        answered = line.call.answered_at or 0.0
        _, call = await first_ring(desk)
        lost = await comes_to_nothing(desk, call, way)
        if way == "socket":
            await desk.take_phone()
        _, again = await first_ring(desk, within=6)
        took = time.monotonic() - lost
        await talk_and_end(line, desk, again, answered)
    await desk.state("ready")
    conversation = conversation_of(house, NUMBER)
    assert len(of(house, conversation, ev.OfferMade)) == 2
    assert [e.reason for e in of(house, conversation, ev.ContactEnded)] == [EndReason.ANSWERED]
    await house.quiet()
    print(f"{way}: the same agent rings again after {took * 1000:.0f} ms")


async def test_a_colleague_picks_up_what_rings_at_another(house: Site, desks: tuple[Desk, Desk]) -> None:
    for desk in desks:
        await desk.ready()
    async with calling(house, BRISK, NUMBER) as line:
        answered = line.call.answered_at or 0.0
        first, call = await first_ring(*desks)
        call.ring()
        await first.sees(lambda docs: first.work()["ringing"], "the ring")
        other = desks[1] if first is desks[0] else desks[0]
        misses = first.docs["me"]["misses"]
        await other.expect("PickUpCall", contact=first.work()["contact"])
        _, again = await first_ring(other)
        await talk_and_end(line, other, again, answered)
    for desk in desks:
        await desk.state("ready")
    assert first.docs["me"]["misses"] == misses
    assert [(told["kind"], told["by"]) for told in first.docs["me"]["notices"]] == [("picked_up", other.user)]
    await first.expect("ReadNotice", notice=first.docs["me"]["notices"][0]["id"])
    assert (await listed(house, conversation_of(house, NUMBER)))["agent"] == other.user
    await desks[1].expect("SetNotReady", reason="break")  # as the story before left him
    await house.quiet()


async def test_a_phone_that_cannot_be_rung_three_times_is_set_not_ready(house: Site, desks: tuple[Desk, Desk]) -> None:
    """It must not draw call after call; the caller waits on and the next agent who comes has him."""
    desk = desks[0]
    await desk.ready()
    async with calling(house, BRISK, NUMBER) as line:
        answered = line.call.answered_at or 0.0
        for _ in range(3):
            _, call = await first_ring(desk)
            call.reject(480)
        await desk.state("not_ready")
        assert desk.docs["me"]["reason"] == "device_lost"
        await desks[1].expect("SetReady")
        _, call = await first_ring(desks[1])
        await talk_and_end(line, desks[1], call, answered)
    await desks[1].state("ready")
    await desks[1].expect("SetNotReady", reason="break")
    await house.quiet()


async def test_an_agent_who_hangs_up_ends_the_call_for_both(house: Site, desks: tuple[Desk, Desk]) -> None:
    desk = desks[0]
    await desk.ready()
    for by in ("phone", "command"):
        async with calling(house, BRISK, NUMBER) as line:
            _, call = await first_ring(desk)
            assert desk.phone is not None
            desk.phone.answer(call)
            work = await desk.works("busy")
            await call.acked()
            if by == "phone":
                call.bye()
            else:
                await desk.expect("HangUpCall", conversation=work["conversation"])
            await line.call.ended(1)
            assert line.call.ended_by == "them"
            await call.ended(1)
        await desk.state("ready")
        row = await listed(house, conversation_of(house, NUMBER))
        assert row["end_reason"] == "answered"
        await house.quiet()


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert numbers_in_log(house, NUMBER) == []
