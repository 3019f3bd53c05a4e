"""A busy run with a live change of skills and a kill -9 in the middle, whose journal is decided again bit for bit.

Here: the story and its judgement; short in tests/live, two thousand calls in tests/torture. The site, its desktops and
phones are the benchmarks' own. A third of the agents lose the skill that the queue asks for while calls run.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from itertools import pairwise

import msgspec

from benchmarks import house, run, sipp
from benchmarks.soak import QUICK_SIP
from ctiserver.journal_tool.replaying import Replayed, replay
from ctiserver.journal_tool.verdict import Verdict
from ctiserver.journal_tool.verify import verify
from ctiserver.model import events as ev, facts
from ctiserver.model.ids import AgentId
from ctiserver.release import version
from tests.harness.site import Site
from tests.harness.waiting import eventually

SKILLED, UNSKILLED = "billing = 80", "billing = 5"
"""The queue asks for 20."""
DRAIN = 45.0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `replayed` is the whole journal, `late` its last tenth from the snapshot before."""

    calls: int
    connected: int
    offers_after_change: int
    replayed: Replayed
    late: Replayed
    verdict: Verdict


async def story(calls: int, rate: float, agents: int) -> Told:
    """Bounded: calls / rate and a minute."""
    async with (
        house.house(agents, 2, additions=QUICK_SIP) as there,
        sipp.phones(there.phones, rtp=False, answer_after=0.1, talk=0.5),
        AsyncExitStack() as stack,
    ):
        site, losing = there.site, house.names(agents)[: agents // 3]
        desks = await stack.enter_async_context(AsyncExitStack())
        await desks.enter_async_context(run.desks(there))
        callers = await stack.enter_async_context(
            sipp.callers(
                site.sip, number=house.number(house.STRAIGHT, record=False), rate=rate, calls=calls, rtp=False,
                keys=sipp.WAIT, media=sipp.CALLER_RTP,
            )
        )  # fmt: skip
        await _made(callers, calls // 3, calls / rate + DRAIN)
        await changed(site, losing)
        await _made(callers, calls * 2 // 3, calls / rate + DRAIN)
        site.kill()
        await desks.aclose()
        site.spawn()
        await site.ready()
        await stack.enter_async_context(run.desks(there, ready=False))
        await callers.ended(calls / rate + DRAIN)
        await site.quiet(10.0)
        assert await site.stop() == 0
        return await asyncio.to_thread(judged, site, losing)


async def _made(callers: sipp.Sipp, count: int, within: float) -> None:
    def enough() -> bool:
        try:
            return callers.counted().made >= count
        except RuntimeError:  # SIPp writes its count once a second
            return False

    await eventually(enough, within, f"{count} calls", poll=0.2)


async def changed(site: Site, losing: list[str]) -> None:
    """Edit the file as an operator does, and tell the server."""
    path = site.home / "site" / "site.toml"
    before, *rows = path.read_text("utf-8").split("[[agents]]")
    rows = [row.replace(SKILLED, UNSKILLED) if _is(row, losing) else row for row in rows]
    path.write_text("[[agents]]".join([before, *rows]), "utf-8")
    os.kill(site.pid, signal.SIGHUP)

    def loaded() -> bool:
        return sum(isinstance(record.input, facts.SiteLoaded) for record in site.records()) > 1

    await eventually(loaded, 10, "the change to be journalled")


def _is(row: str, names: list[str]) -> bool:
    return any(f'id = "{name}"' in row for name in names)


def judged(site: Site, losing: list[str]) -> Told:
    """Replay and everything that must be in the journal, or the replay would prove little."""
    folder = site.home / "journal"
    records = site.records()
    starts = [record.seq for record in records if isinstance(record.input, facts.ServerStarted)]
    changes = [record.seq for record in records if isinstance(record.input, facts.SiteLoaded)]
    assert len(starts) == 2, "it was killed once"
    assert len(changes) == 2, "and its skills were changed once"
    middle = [record.seq for record in records if any(isinstance(e, ev.ContactConnected) for e in record.events)]
    for seq in (starts[1], changes[1]):
        assert middle[0] < seq < middle[-1], "in the middle of the calls"
    assert all(one.at <= other.at for one, other in pairwise(records))
    after = [e for record in records for e in record.events if record.seq > changes[1] and isinstance(e, ev.OfferMade)]
    assert after and not [made for made in after if made.agents[0] in losing], "nobody is offered what he cannot do"
    assert any(made.why.excluded.get("skill") for made in after), "and the record says so"
    before = [e for record in records for e in record.events if record.seq < changes[1] and isinstance(e, ev.OfferMade)]
    assert {AgentId(name) for name in losing} & {made.agents[0] for made in before}
    return Told(
        calls=sum(isinstance(e, ev.ConversationStarted) for record in records for e in record.events),
        connected=len(middle),
        offers_after_change=len(after),
        replayed=replay(folder, 1, None),
        late=replay(folder, records[-1].seq - len(records) // 10, None),
        verdict=verify(folder, version=version()),
    )


def good(told: Told, calls: int) -> None:
    assert told.calls >= calls
    assert told.connected > 0.9 * calls
    for one in (told.replayed, told.late):
        assert (one.different, one.shown) == (0, ())
    assert told.replayed.first == 1
    assert told.replayed.last == told.late.last == told.verdict.last
    assert told.verdict.good, told.verdict.findings
    assert told.verdict.decided == told.verdict.records == told.replayed.records


def page(told: Told) -> str:
    one = told.replayed
    return (
        f"{told.calls} calls, {told.connected} connected, {told.offers_after_change} offers after the change; "
        f"{one.records} records decided again in {one.seconds:.1f} s "
        f"({one.records / max(0.001, one.seconds):.0f} a second), {one.different} otherwise"
    )
