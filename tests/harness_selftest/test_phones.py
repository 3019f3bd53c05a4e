"""One contract for phones with sound: our own user agent, and baresip, which shares no line of code with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from tests.harness.baresip import Baresip, BaresipCall
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall
from tests.harness.sipp import SippCaller
from tests.harness.site import site
from tests.harness.sounddesk import SoundDesk
from tests.harness.waiting import PATIENCE, eventually
from tests.live.house import CALM, prepare

NEAR_HZ, FAR_HZ = 700.0, 1100.0


class Talk(Protocol):
    """What a call of either kind can do."""

    async def hears(self, hz: float, *, within: float = PATIENCE) -> float: ...
    async def press(self, digits: str) -> None: ...
    async def hang_up(self) -> None: ...
    async def ended(self, timeout: float = PATIENCE) -> object: ...


class Ours:
    def __init__(self, call: SipCall, rtp: RtpEndpoint) -> None:
        self.call, self.rtp = call, rtp
        self.press, self.ended = rtp.press, call.ended

    async def hears(self, hz: float, *, within: float = PATIENCE) -> float:
        return await self.rtp.hears(hz, within=within)

    async def hang_up(self) -> None:
        self.call.bye()


class Theirs:
    def __init__(self, call: BaresipCall) -> None:
        self.hears, self.press, self.hang_up, self.ended = call.hears, call.press, call.bye, call.ended


@asynccontextmanager
async def calling(kind: str, far: SipAgent) -> AsyncIterator[asyncio.Task[Talk]]:
    """A phone of this kind that calls `far` right now; the task ends with the answer."""
    if kind == "ours":
        async with SipAgent(target=(far.host, far.port), user="near") as phone, RtpEndpoint(tone=NEAR_HZ) as rtp:
            call = phone.invite("far", rtp)

            async def answered() -> Talk:
                await call.answered()
                connect_media(call, rtp)
                return Ours(call, rtp)

            yield asyncio.create_task(answered())
        return
    async with Baresip(loopback=True) as stack:
        telephone = await stack.telephone((far.host, far.port), user="near", tone=NEAR_HZ)

        async def through() -> Talk:
            return Theirs(await telephone.dial(f"sip:far@{far.host}:{far.port}"))

        yield asyncio.create_task(through())


@pytest.mark.parametrize("kind", ["ours", "baresip"])
@pytest.mark.parametrize("ends", ["near", "far"])
async def test_a_phone_calls_is_heard_hears_presses_digits_and_either_side_hangs_up(kind: str, ends: str) -> None:
    async with SipAgent(target=("127.0.0.1", 9), user="far") as far, RtpEndpoint(tone=FAR_HZ) as rtp:
        async with calling(kind, far) as through:
            call = await far.next_call()
            call.ring()
            call.answer(far.sdp(rtp))
            connect_media(call, rtp)
            talk = await asyncio.wait_for(through, 10)
            await rtp.hears(NEAR_HZ)
            await talk.hears(FAR_HZ)
            await talk.press("42#")
            await eventually(lambda: rtp.keys == "42#", 10, f"the digits; heard {rtp.keys!r}")
            await rtp.hears(NEAR_HZ)
            if ends == "near":
                await talk.hang_up()
            else:
                call.bye()
            await call.ended()
            await talk.ended()


@pytest.mark.timeout(60)
async def test_a_baresip_softphone_is_an_agents_phone_and_survives_the_loss_of_its_socket() -> None:
    async with (
        site(rtp=(33000, 33099), prepare=prepare) as running,
        Baresip(rtp=(33100, 33199)) as stack,
        SoundDesk(running, "1001", stack, tone=FAR_HZ) as desk,
        SippCaller(running.sip, CALM, tone=NEAR_HZ) as caller,
    ):
        await desk.ready()
        await desk.works("offer")
        assert desk.phone is not None
        call = await desk.phone.next_call()
        desk.phone.answer(call)
        await desk.works("busy")
        await call.hears(NEAR_HZ)
        await caller.hears(FAR_HZ)
        await desk.phone.drop()
        await desk.sees(lambda docs: not docs["me"]["phone"]["contact"], "the loss of the contact")
        await desk.phone.registered()
        await desk.sees(lambda docs: docs["me"]["phone"]["contact"], "the contact again")
        await caller.hears(FAR_HZ)
        await caller.hang_up()
        await desk.works("wrap_up")
        await running.quiet()
