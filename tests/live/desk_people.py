"""People with a phone on the desk: a site with desk phones and agents who work with them (test_*desk_phone.py)."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness import tones
from tests.harness.deskphone import DeskPhone
from tests.harness.sipcall import SipCall
from tests.harness.site import Desk, Site
from tests.harness.waiting import PATIENCE, eventually
from tests.live import house
from tests.live.house import Line, music

PHONE = 1130.0
"""Hz of the desk phone's voice: the music has next to nothing there."""


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
    """The house of the live tests with 200 desk phones; p1 is 1003's own."""
    house.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8").replace('id = "1003"\n', 'id = "1003"\nphone = "p1"\n')
    many = "".join(f'[[phones]]\nid = "x{n}"\nname = {{ zh = "x", en = "x" }}\n' for n in range(197))
    path.write_text(text + PHONES + many, "utf-8")


@asynccontextmanager
async def sitting(office: Site, user: str, phone: str) -> AsyncIterator[tuple[Desk, DeskPhone]]:
    """An agent with his page linked and this desk phone as his device, reachable."""
    port = FIXED_PORT if phone == "wall" else 0
    async with DeskPhone(office, phone, tone=PHONE, port=port) as device, Desk(office, user, phone=False) as desk:
        await desk.expect("SignIn")
        await desk.expect("UsePhone", phone=phone, take_over=True)
        await desk.sees(lambda docs: docs["me"]["phone"]["contact"], "the phone's contact")
        yield desk, device
        await desk.expect("SignOut")


async def rings(desk: Desk, phone: DeskPhone, within: float = PATIENCE) -> SipCall:
    call = await phone.next_call(within)
    call.ring()
    await desk.sees(lambda docs: desk.work()["ringing"], "the ring")
    return call


async def only_music(line: Line, within: float = PATIENCE) -> None:
    """The caller hears music and nothing of the phone, though it goes on talking."""
    await eventually(
        lambda: music(line.rtp, 0.4) and not tones.has_tone(line.rtp.last(0.4), PHONE), within, "music alone", poll=0.05
    )


async def both_hear(line: Line, phone: DeskPhone) -> None:
    """The caller hears the phone and no music, the phone hears the caller."""
    await line.rtp.hears(PHONE)
    await phone.rtp.hears(440)

    def alone() -> bool:
        top = tones.dominant(line.rtp.last(0.2))
        return top is not None and abs(top.hz - PHONE) < 5

    await eventually(alone, 10, "the phone alone")
