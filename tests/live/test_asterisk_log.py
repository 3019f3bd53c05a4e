"""Asterisk's own log: no caller's number or name is in it, whatever bytes came to the SIP port."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.sip import SipAgent
from tests.harness.site import Site
from tests.live.house import MENU, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "13912345678"


async def test_no_number_is_in_asterisks_log(house: Site) -> None:
    rubbish = (
        b"INVITE sip:95500@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK1\r\n"
        b"From: <sip:" + NUMBER.encode() + b"@127.0.0.1>;tag=1\r\nTo: <<<>>\r\nCSeq: x INVITE\r\n\r\n"
    )
    async with SipAgent(target=house.sip, user=NUMBER) as agent:
        for _ in range(5):
            agent.raw(rubbish)
        await asyncio.sleep(0.2)
    async with calling(house, MENU, NUMBER):
        await asyncio.sleep(0.5)
    log = house.home / "asterisk" / "log" / "messages"
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    assert NUMBER not in text
