"""A desk phone as an agent's device, on a real Asterisk: it registers or sits at a fixed contact, rings, talks, holds."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from tests.harness import tones
from tests.harness.deskphone import DeskPhone
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import eventually
from tests.live import house
from tests.live.house import BRISK, CALM, calling, conversation_of, hears_music, listed, of

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "13955500000"


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


FIXED_PORT = free_udp_port()
PHONES = f"""
[[phones]]
id = "p1"
name = {{ zh = "一号话机", en = "Phone one" }}

[[phones]]
id = "p2"
name = {{ zh = "二号话机", en = "Phone two" }}

[[phones]]
id = "wall"
name = {{ zh = "墙上话机", en = "Phone on the wall" }}
contact = "sip:wall@127.0.0.1:{FIXED_PORT}"

[[numbers]]
number = "95504"
flow = "calm"
name = {{ zh = "不录音", en = "Not recorded" }}
record = false
"""
UNRECORDED = "95504"


def prepare(home: Path) -> None:
    """The house of the live tests with desk phones; p1 is 1003's own."""
    house.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8").replace('id = "1003"\n', 'id = "1003"\nphone = "p1"\n')
    path.write_text(text + PHONES, "utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Site]:
    async with site(rtp=(28200, 28399), prepare=prepare) as running:
        yield running


async def both_hear(line: house.Line, phone: DeskPhone) -> None:
    await line.rtp.hears(880, within=2)
    await phone.rtp.hears(440, within=2)


async def test_a_phone_at_a_fixed_contact_rings_and_talks(office: Site) -> None:
    async with DeskPhone(office, "wall", port=FIXED_PORT) as phone, Desk(office, "1001", phone=False) as desk:
        await desk.expect("SignIn")
        await desk.expect("UsePhone", phone="wall")
        await desk.ready()
        async with calling(office, CALM, NUMBER) as line:
            call = await phone.next_call()
            call.ring()
            await desk.sees(lambda docs: desk.work()["ringing"], "the ring")
            phone.answer(call)
            await desk.works("busy")
            await both_hear(line, phone)
            await line.agent.core.outcome(line.call.bye())
        await call.ended(1)
        await desk.finish()
        await office.quiet()


async def test_his_own_phone_is_his_with_the_sign_in(office: Site) -> None:
    async with DeskPhone(office, "p1") as phone, Desk(office, "1003", phone=False) as desk:
        await desk.expect("SignIn")
        await desk.sees(lambda docs: docs["me"]["phone"]["contact"], "the phone's contact")
        await desk.ready()
        async with calling(office, CALM, NUMBER) as line:
            call = await phone.next_call()
            call.ring()
            phone.answer(call)
            await desk.works("busy")
            await both_hear(line, phone)
            call.bye()
            await line.call.ended(1)
        await desk.finish()
        await desk.expect("SignOut")
        await office.quiet()
