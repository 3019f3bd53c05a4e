"""The main job on a real Asterisk: menu, queue, agent (a scripted WebSocket phone), wrap-up, nothing left over."""

from __future__ import annotations

import pytest

from ctiserver.model import events as ev
from tests.harness.sipp import SippCaller
from tests.harness.site import Desk, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_caller_presses_1_and_an_agent_answers(shared_site: Site) -> None:
    site = shared_site
    async with Desk(site, "1001") as desk, SippCaller(site.sip, "95500", caller="13900000001", tone=440) as caller:
        await desk.ready()
        await caller.answered()
        await caller.press("1")
        await desk.works("offer", within=15)
        await desk.sees(lambda _: desk.work()["customer"] is not None, "who calls")  # nothing waits for it
        assert desk.work()["customer"]["name"] == "张伟"
        assert desk.phone is not None
        call = await desk.phone.next_call()
        desk.phone.answer(call)
        await desk.works("busy")
        await caller.hang_up()
        await desk.works("wrap_up")
        await site.quiet()
        await desk.finish()
        await desk.state("ready")
    assert len(site.events(ev.ContactEnded)) == 1
    assert site.complaints() == []
