"""All kinds of callers are served: one codec only, digits both ways, and a phone that never sends a packet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from tests.harness.g711 import Codec
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site
from tests.live.house import MENU, conversation_of, first_ring, hears_music, numbers_in_log, of, silence_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENTS = ("1001", "1002", "1004", "1006")
SILENT = "13966600000"
SILENT_FOR = 30.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desks(house: Site) -> AsyncIterator[list[Desk]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Desk(house, agent)) for agent in AGENTS]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def silent(house: Site) -> AsyncIterator[asyncio.Task[SippCaller]]:
    """A caller who sends no RTP at all; he presses 2 by SIP INFO and waits in the complaint queue for the rest of 30 s,
    while the other tests run."""

    async def wait() -> SippCaller:
        caller = await stack.enter_async_context(SippCaller(house.sip, MENU, caller=SILENT, rtp=False))
        await caller.answered()
        began = time.monotonic()
        await hears_music(caller.rtp)
        await caller.press("2", by="info")
        await asyncio.sleep(SILENT_FOR - (time.monotonic() - began))
        assert silence_in(caller.rtp, began + 6, time.monotonic()) <= 1.0, "he waits with music"
        return caller

    async with AsyncExitStack() as stack:
        task = asyncio.create_task(wait(), name="the silent caller")
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def served(caller: SippCaller, *desks: Desk) -> Desk:
    """One of these agents rings, answers, and the caller hangs up after a moment of talk."""
    desk, call = await first_ring(*desks, within=20)
    assert desk.phone is not None
    desk.phone.answer(call)
    await desk.works("busy")
    await call.acked()
    await asyncio.sleep(0.3)
    await caller.hang_up()
    await desk.finish(ready=False)
    return desk


@pytest.mark.parametrize("by", ["rfc4733", "info"])
@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
async def test_one_codec_only_and_digits_by(house: Site, desks: list[Desk], codec: Codec, by: str) -> None:
    """3, then the order number and #: the digits arrive, each once, and the agent sees them."""
    number = f"1396661{codec == 'alaw':d}{by == 'info':d}00"
    desk = desks[2]  # the best at sales
    await desk.ready()
    async with SippCaller(house.sip, MENU, caller=number, codec=codec, digits=by == "rfc4733") as caller:
        await caller.answered()
        await hears_music(caller.rtp)
        await caller.press("3", by=by)  # type: ignore[arg-type]
        await asyncio.sleep(0.5)
        await caller.press("4711", by=by)  # type: ignore[arg-type]
        await caller.press("#", by=by)  # type: ignore[arg-type]
        offer = await desk.works("offer", within=20)
        assert offer["data"] == {"order_no": "4711"}
        assert offer["queue"] == "order"
        await served(caller, desk)
        assert caller.rtp.codecs() == {codec}
    conversation = conversation_of(house, number)
    assert "".join(e.digit for e in of(house, conversation, ev.DigitReceived)) == "34711#"
    assert [e.reason for e in of(house, conversation, ev.ContactEnded)] == [EndReason.ANSWERED]


async def test_a_caller_without_any_rtp_for_30_seconds(
    house: Site, desks: list[Desk], silent: asyncio.Task[SippCaller]
) -> None:
    caller = await asyncio.wait_for(silent, SILENT_FOR + 15)
    conversation = conversation_of(house, SILENT)
    assert [e.queue for e in of(house, conversation, ev.ContactQueued)] == ["complaint"]
    await desks[1].expect("SetReady")
    await served(caller, desks[1])
    assert caller.rtp.sent == 0
    assert [e.reason for e in of(house, conversation, ev.ContactEnded)] == [EndReason.ANSWERED]
    await house.quiet()


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert numbers_in_log(house, "139666", "4711") == []
