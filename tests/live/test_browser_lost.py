"""An agent's browser without a network, by the clock. With little beside it on the machine (PAIRED_TESTS)."""

from __future__ import annotations

import asyncio
import time

import pytest

from ctiserver.model import events as ev
from tests.harness.browser import page_hears
from tests.harness.sipp import SippCaller
from tests.harness.site import Site
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, answer, browser_agent, wrap_up
from tests.live.house import CALM, music

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_network_is_lost_in_talk_and_comes_back(house: Site) -> None:
    """No packet, no socket, no answer for ten seconds: music within a second of the detection, then the same agent."""
    site = house
    async with browser_agent(site) as (browser, page), SippCaller(site.sip, CALM, tone=CALLER_HZ) as caller:
        await caller.answered()
        await answer(page)
        await caller.hears(AGENT_HZ)
        browser.freeze()
        lost = (await site.happens(ev.AgentLegLost, within=12))[-1]
        await asyncio.sleep(max(0.0, lost.at + 1.0 - time.time()))
        assert music(caller.rtp, 0.3, not_hz=(AGENT_HZ,)), "no music a second after the loss was noticed"
        browser.thaw()
        await caller.hears(AGENT_HZ, within=14)
        await page_hears(page, CALLER_HZ)
        await caller.hang_up()
        await wrap_up(page)
