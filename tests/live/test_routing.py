"""Who is rung on the real Asterisk: all at once, the agent of the last time, the preferred one for so long."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from ctiserver.model import events as ev, ids
from ctiserver.model.causes import EndReason
from tests.harness.deskphone import DeskPhone
from tests.harness.sipcall import SipCall
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import eventually
from tests.live import desk_people
from tests.live.desk_people import both_hear, rings, sitting
from tests.live.house import Line, calling, conversation_of, hears_music, of

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL, LAST = "95505", "95506"
PREFER_SECONDS = 2.0
LI, WANG = "13911100001", "13911100002"
"""Two customers."""
SILENT_AFTER = 0.2
"""Seconds after the answer within which the other phones have their CANCEL (measured: 20-40 ms)."""
LATE = 0.25
"""Seconds that a deadline may be late on a busy machine."""

QUEUE = """
[[queues]]
id = "{id}"
name = {{ zh = "{id}", en = "{id}" }}
offer_seconds = 20.0
wrap_up_seconds = 0.0
disposition_required = false
{more}

[[numbers]]
number = "{number}"
flow = "{id}"
name = {{ zh = "{id}", en = "{id}" }}
"""
RULE = f'rules = [{{ id = "last", prefer = "last_agent", prefer_seconds = {PREFER_SECONDS} }}]'


def prepare(home: Path) -> None:
    """The house of the live tests, a queue that rings all and one that remembers whom a customer talked to."""
    desk_people.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8").replace('"brisk", "calm"', '"brisk", "calm", "all", "last"')
    text += QUEUE.format(id="all", number=ALL, more='algorithm = "ring_all"')
    text += QUEUE.format(id="last", number=LAST, more=RULE)
    path.write_text(text, "utf-8")
    for name in ("all", "last"):
        flow = json.loads((home / "site" / "flows" / "brisk.json").read_text("utf-8"))
        flow |= {"id": name}
        flow["nodes"]["queue"]["queue"] = name
        (home / "site" / "flows" / f"{name}.json").write_text(json.dumps(flow), "utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Site]:
    first = 26_400 + os.getpid() % 10 * 100
    async with site(rtp=(first, first + 99), prepare=prepare) as running:
        yield running


class Person(NamedTuple):
    """An agent with a phone on the desk."""

    desk: Desk
    phone: DeskPhone


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(house: Site) -> AsyncIterator[tuple[Person, Person]]:
    async with sitting(house, "1001", "p1") as one, sitting(house, "1002", "p2") as two:
        for desk, _ in (one, two):
            await desk.ready()
        yield Person(*one), Person(*two)


async def first_rung(*people: Person) -> tuple[Person, SipCall]:
    """Whose phone rings first, and that call."""
    waits = {asyncio.create_task(rings(*one)): one for one in people}
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        task = done.pop()
        return waits[task], task.result()
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def talks(one: Person, call: SipCall, line: Line) -> None:
    one.phone.answer(call)
    await one.desk.works("busy")
    await both_hear(line, one.phone)


async def served(line: Line, *people: Person) -> Person:
    """The caller is answered by whoever is rung first, talks and hangs up."""
    one, call = await first_rung(*people)
    await talks(one, call, line)
    await line.agent.core.outcome(line.call.bye())
    await one.desk.state("ready")
    return one


async def test_all_phones_ring_the_first_to_answer_talks_and_the_other_gets_cancel(
    house: Site, people: tuple[Person, Person]
) -> None:
    one, two = people
    async with calling(house, ALL, LI) as line:
        await hears_music(line.rtp)
        first, second = await asyncio.gather(rings(*one), rings(*two))
        answered = time.monotonic()
        two.phone.answer(second)
        await first.ended(2)
        assert first.ended_by == "cancelled"
        assert first.ended_at is not None
        took = first.ended_at - answered
        print(f"the other phone is silent {took * 1000:.0f} ms after the answer")
        assert took <= SILENT_AFTER
        await two.desk.works("busy")
        await both_hear(line, two.phone)
        await one.desk.state("ready")
        conversation = conversation_of(house, LI)
        (offer,) = of(house, conversation, ev.OfferMade)
        assert sorted(offer.agents) == ["1001", "1002"]
        assert one.desk.docs["me"]["misses"] == 0
    await two.desk.state("ready")
    await eventually(lambda: of(house, conversation, ev.ContactEnded), 2, "the contact to end")
    assert [end.reason for end in of(house, conversation, ev.ContactEnded)] == [EndReason.ANSWERED]
    await house.quiet()


async def test_two_pick_up_at_the_same_moment_and_one_of_them_has_the_caller(
    house: Site, people: tuple[Person, Person]
) -> None:
    """asterisk#176: two agents get one call. Both phones answer before either hears of the other."""
    async with calling(house, ALL, WANG) as line:
        await hears_music(line.rtp)
        calls = await asyncio.gather(*(rings(*one) for one in people))
        for one, call in zip(people, calls, strict=True):
            one.phone.answer(call)
        conversation = conversation_of(house, WANG)
        (won,) = await eventually(lambda: of(house, conversation, ev.ContactConnected), 10, "one of them in the talk")
        first, second = sorted(range(2), key=lambda n: people[n].desk.user != won.agent)
        await calls[second].ended(10)
        assert calls[first].ended_at is None
        await people[first].desk.works("busy")
        await both_hear(line, people[first].phone)
        await people[second].desk.state("ready")
        assert len((await house.ari(f"bridges/{ids.talk_bridge(conversation)}"))["channels"]) == 2
        assert len(of(house, conversation, ev.Talking)) == 1, "nobody else was ever in it"
    await people[first].desk.state("ready")
    await eventually(lambda: of(house, conversation, ev.ContactEnded), 10, "the contact to end")
    assert [end.reason for end in of(house, conversation, ev.ContactEnded)] == [EndReason.ANSWERED]
    await house.quiet()


async def test_the_second_call_of_a_customer_rings_the_agent_he_talked_to(
    house: Site, people: tuple[Person, Person]
) -> None:
    async with calling(house, LAST, LI) as line:
        his = await served(line, *people)
    async with calling(house, LAST, WANG) as line:
        assert await served(line, *people) is not his, "the longest idle"
    for _ in range(2):  # the second time the other one idles longer
        async with calling(house, LAST, LI) as line:
            assert await served(line, *people) is his
    (queued,) = of(house, conversation_of(house, LI), ev.ContactQueued)
    assert (queued.prefer, queued.rules) == (his.desk.user, ("last",))
    await house.quiet()


async def test_he_is_in_a_talk_so_the_caller_waits_for_him_so_long_and_no_longer(
    house: Site, people: tuple[Person, Person]
) -> None:
    """Until his time is over a free agent's phone is silent; then it rings at once."""
    async with calling(house, LAST, LI) as talk:
        his, call = await first_rung(*people)
        other = next(one for one in people if one is not his)
        await talks(his, call, talk)
        async with calling(house, LAST, LI) as line:
            await hears_music(line.rtp)
            ring = await rings(*other)
            conversation = conversation_of(house, LI)
            (queued,) = of(house, conversation, ev.ContactQueued)
            (made,) = of(house, conversation, ev.OfferMade)
            waited = made.at - queued.at
            print(f"preferred for {PREFER_SECONDS} s, offered to somebody else after {waited:.3f} s")
            assert PREFER_SECONDS <= waited <= PREFER_SECONDS + LATE
            assert (queued.prefer, made.agents) == (his.desk.user, (other.desk.user,))
            await talks(other, ring, line)
        await other.desk.state("ready")
    await his.desk.state("ready")
    await house.quiet()
