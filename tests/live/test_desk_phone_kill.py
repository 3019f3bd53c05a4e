"""A talk on a desk phone while the server is killed, by the clock. Alone on the machine (LONELY_TESTS)."""

from __future__ import annotations

import asyncio
import time

from ctiserver.model import facts
from tests.harness.site import site
from tests.live import kills
from tests.live.desk_people import both_hear, only_music, prepare, rings, sitting
from tests.live.house import BRISK, calling
from tests.live.kills import restarted

NUMBER = "13955500001"

CAME: tuple[type[facts.Fact], ...] = (facts.ServerStarted, facts.SwitchSeen)


async def test_the_server_is_killed_in_a_talk() -> None:
    """With 200 phones in the site it is back as soon, not a packet of the talk is lost, and the phone is still his."""
    async with site(rtp=(28200, 28399), prepare=prepare) as office:
        async with sitting(office, "1001", "p2") as (desk, phone):
            await desk.ready()
            async with calling(office, BRISK, NUMBER) as line:
                call = await rings(desk, phone)
                phone.answer(call)
                conversation = (await desk.works("busy"))["conversation"]
                await both_hear(line, phone)
                began = time.monotonic()
                office.kill()
                took = await restarted(office)
                await desk.unlink()
                await desk.link()
                await desk.works("busy")
                await asyncio.sleep(max(0.0, began + 1.2 - time.monotonic()))  # packets enough to judge
                lost = [kills.sound_lost(rtp, began, time.monotonic()) for rtp in (line.rtp, phone.rtp)]
                journal = list(reversed(office.records()))
                started, seen = (next(each.at for each in journal if isinstance(each.input, kind)) for kind in CAME)
                looking = seen - started  # before it a second goes by with the start of the process
                print(f"ready after {took:.2f} s, of it {looking:.2f} s with Asterisk; sound lost {max(lost):.0f} ms")
                assert looking < 0.75
                assert max(lost) < 60
                assert desk.docs["me"]["phone"]["contact"]
                await desk.expect("HoldCall", conversation=conversation)
                await only_music(line)
                await desk.expect("RetrieveCall", conversation=conversation)
                await both_hear(line, phone)
            await desk.state("ready")
            async with calling(office, BRISK, NUMBER) as line:
                phone.answer(await rings(desk, phone))
                await both_hear(line, phone)
            await desk.state("ready")
            await office.quiet()
