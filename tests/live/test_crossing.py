"""The agent's answer crosses the caller's BYE, and the offer's deadline: 200 seeded runs, nobody stuck, nothing left.

Six agents answer calls of queue `brisk` (offers of 3 s, no wrap-up). Who answers whom is read in the INVITE: the
caller's number. Each run aims the agent's 200 OK at -5 to +5 ms from the other moment; what was hit is measured
afterwards, and a machine too busy to hit it fails the test rather than prove nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from ctiserver.model import events as ev, ids
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import ConversationId
from tests.harness.sipcall import SipCall
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually, exactly_at
from tests.live.house import BRISK, Line, calling, numbers_in_log, story

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENTS = ("1001", "1002", "1003", "1004", "1005", "1006")
AT_BYE, AT_DEADLINE = 130, 70
AIMED = 0.006
"""Seconds from the other moment that still count as a crossing."""
SEED = 20261122
PREFIX = "13922"


class Table:
    """Callers by their number; what to do when one of them rings; the agents who pick up."""

    def __init__(self, site: Site, desks: list[Desk]) -> None:
        self.site, self.desks = site, desks
        self.lines: dict[str, Line] = {}
        self.rung: dict[str, asyncio.Future[tuple[Desk, SipCall]]] = {}
        self._tasks = [asyncio.create_task(self._serve(desk), name=f"serve {desk.user}") for desk in desks]

    async def _serve(self, desk: Desk) -> None:
        """Hand each new call to its run; one whose run has its agent already is left ringing."""
        while True:
            assert desk.phone is not None
            call = await desk.phone.next_call(timeout=300)
            number = call.invite.get("from").partition("sip:")[2].partition("@")[0]
            waiting = self.rung.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result((desk, call))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def run(self, number: str, meet: Callable[[Line, Desk, SipCall], Awaitable[None]]) -> None:
        self.rung[number] = asyncio.get_running_loop().create_future()
        async with calling(self.site, BRISK, number) as line:
            desk, call = await asyncio.wait_for(self.rung[number], 20)
            call.ring()
            await meet(line, desk, call)

    async def free(self) -> None:
        for desk in self.desks:
            await desk.state("ready", within=6.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(house: Site) -> AsyncIterator[Table]:
    async with AsyncExitStack() as stack:
        desks = [await stack.enter_async_context(Desk(house, agent)) for agent in AGENTS]
        for desk in desks:
            await desk.ready()
        table = Table(house, desks)
        stack.push_async_callback(table.close)
        yield table


async def counted_once(site: Site, numbers: list[str]) -> Counter[str]:
    """Each caller: one conversation, one contact, one end; every leg cleared once; all forgotten. The end reasons."""
    wanted = set(numbers)
    started = {e.conversation: e.caller_number for e in site.events(ev.ConversationStarted)}
    ours = {conversation for conversation, number in started.items() if number in wanted}
    assert len(ours) == len(numbers)

    def forgotten() -> bool:
        return ours <= {e.conversation for e in site.events(ev.ConversationForgotten)}

    await eventually(forgotten, 15, "all conversations forgotten", poll=0.3)
    for kind in (ev.ContactQueued, ev.ContactEnded, ev.CallCleared, ev.ConversationForgotten):
        counts = Counter(e.conversation for e in site.events(kind) if e.conversation in ours)
        assert set(counts.values()) == {1}, (kind.__name__, counts.most_common(3))
        assert set(counts) == ours, kind.__name__
    made = [e.leg for e in site.events(ev.Originated) if e.conversation in ours]
    cleared = Counter(e.leg for e in site.events(ev.ConnectionCleared) if e.conversation in ours)
    assert set(cleared.values()) == {1}
    assert set(made) <= set(cleared), "an agent's leg without an end"
    opened = {e.reservation for e in site.events(ev.OfferMade) if e.conversation in ours}
    closed = Counter(e.reservation for e in site.events(ev.ReservationClosed) if e.reservation in opened)
    assert opened == set(closed) and set(closed.values()) <= {1}
    connected = {e.conversation for e in site.events(ev.ContactConnected) if e.conversation in ours}
    reasons: Counter[str] = Counter()
    for end in site.events(ev.ContactEnded):
        if end.conversation in ours:
            reasons[end.reason] += 1
            assert (end.reason is EndReason.ANSWERED) == (end.conversation in connected)
    return reasons


def spread(values: list[float]) -> str:
    values = sorted(values)
    return f"{values[0] * 1000:+.1f} / {values[len(values) // 2] * 1000:+.1f} / {values[-1] * 1000:+.1f} ms"


async def many(runs: int, at_once: int, one: Callable[[int], Awaitable[None]]) -> None:
    """`runs` runs, so many at a time; the first failure ends all."""
    places = asyncio.Semaphore(at_once)

    async def run(number: int) -> None:
        async with places:
            await one(number)

    async with asyncio.TaskGroup() as group:
        for number in range(runs):
            group.create_task(run(number))


async def test_the_answer_crosses_the_callers_hang_up(house: Site, table: Table) -> None:
    chance = random.Random(SEED)
    offsets = [chance.uniform(-0.005, 0.005) for _ in range(AT_BYE)]
    numbers = [f"{PREFIX}1{n:05d}" for n in range(AT_BYE)]
    before = await house.holds()
    real: list[float] = []
    late: list[float] = []
    moments = asyncio.Lock()  # two exact moments at once would make each other late

    async def one(n: int) -> None:
        async def meet(line: Line, desk: Desk, call: SipCall) -> None:
            assert desk.phone is not None
            async with moments:
                bye = time.monotonic() + 0.02
                answers = asyncio.create_task(desk.phone.answer_at(call, bye + offsets[n]))
                byes = asyncio.create_task(line.call.bye_at(bye))
                late.extend((await answers, await byes))
            real.append(call.time_of("200", cseq="INVITE", way="out") - line.call.time_of("BYE", way="out"))
            await call.ended(5)

        await table.run(numbers[n], meet)

    began = time.monotonic()
    await many(AT_BYE, len(AGENTS), one)
    took = time.monotonic() - began
    await eventually(lambda: _same(house, before), 2, "Asterisk as before")
    await table.free()
    reasons = await counted_once(house, numbers)
    print(f"BYE: {AT_BYE} runs in {took:.1f} s; answer minus BYE {spread(real)}; late {spread(late)}; {dict(reasons)}")
    assert len(reasons) == 2, "both sides should have won some runs"
    assert sum(abs(each) <= AIMED for each in real) >= len(real) / 2, "the moments were not hit"


async def test_the_answer_crosses_the_offers_deadline(house: Site, table: Table) -> None:
    chance = random.Random(SEED + 1)
    offsets = [chance.uniform(-0.005, 0.005) for _ in range(AT_DEADLINE)]
    numbers = [f"{PREFIX}2{n:05d}" for n in range(AT_DEADLINE)]
    before = await house.holds()
    real: list[float] = []
    outcome: Counter[str] = Counter()

    async def one(n: int) -> None:
        async def meet(line: Line, desk: Desk, call: SipCall) -> None:
            await desk.sees(lambda docs: desk.work()["ring_deadline"], "the deadline")
            deadline = desk.work()["ring_deadline"] - time.time() + time.monotonic()
            assert desk.phone is not None
            await exactly_at(deadline + offsets[n])
            if call.ended_at is None:  # after its CANCEL a phone sends no 200
                desk.phone.answer(call)
                real.append(time.monotonic() - deadline)
                outcome["answered"] += 1
            else:
                outcome["cancelled before"] += 1
            await asyncio.sleep(0.1)  # he talks, or waits for the next agent
            await line.agent.core.outcome(line.call.bye())
            line.call.over("us")

        await table.run(numbers[n], meet)

    began = time.monotonic()
    await many(AT_DEADLINE, len(AGENTS), one)
    took = time.monotonic() - began
    await eventually(lambda: _same(house, before), 2, "Asterisk as before")
    await table.free()
    reasons = await counted_once(house, numbers)
    missed = len([e for e in house.events(ev.OfferMissed)])
    print(
        f"deadline: {AT_DEADLINE} runs in {took:.1f} s; 200 OK minus deadline {spread(real)}; {dict(outcome)}; "
        f"{dict(reasons)}; {missed} offers missed"
    )
    assert len(reasons) == 2, "both sides should have won some runs"
    assert sum(abs(each) <= AIMED for each in real) >= len(real) / 2, "the moments were not hit"


async def _same(site: Site, before: dict[str, list[str]]) -> bool:
    now = await site.holds()
    left = [thing for thing in (*now["channels"], *now["bridges"]) if thing not in str(before)]
    assert now == before, "\n".join([*left, *(story(site, ids.owner(thing) or ConversationId("")) for thing in left)])
    return True


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert numbers_in_log(house, PREFIX) == []
