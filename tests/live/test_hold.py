"""Hold and retrieve: the caller has music, never silence, and comes back into the same talk."""

from __future__ import annotations

import time

import pytest

from ctiserver.model import ids
from ctiserver.model.ids import ConversationId
from tests.harness import tones
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.live.house import CALM, calling, hears_music, numbers_in_log, silence_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "13944400000"


async def members(site: Site, bridge: str) -> int:
    found = await site.ari(f"bridges/{bridge}")
    return len(found.get("channels", ()))


async def test_music_on_hold_and_the_talk_goes_on(house: Site) -> None:
    async with Desk(house, "1001") as desk:
        await desk.ready()
        async with calling(house, CALM, NUMBER) as line:
            assert desk.phone is not None
            call = await desk.phone.next_call()
            await hears_music(line.rtp)
            queue_music = tones.level(line.rtp.last(0.5))
            assert queue_music > -35
            desk.phone.answer(call)
            work = await desk.works("busy")
            conversation = ConversationId(work["conversation"])
            hold, talk = ids.holding_bridge(conversation), ids.talk_bridge(conversation)

            async def sits(bridge: str, legs: int) -> None:
                async def check() -> bool:
                    return await members(house, bridge) == legs

                await eventually(check, 1, f"{legs} legs in {bridge}")

            await sits(talk, 2)
            for _ in range(2):
                await line.rtp.hears_silence(within=2, window=0.3)  # no music in the talk; this phone says nothing
                held = time.monotonic()
                await desk.expect("HoldCall", conversation=conversation)
                await desk.sees(lambda docs: desk.work()["held"], "held")
                await sits(hold, 1)
                await sits(talk, 1)
                await eventually(lambda since=held: line.rtp.between(since), 1.5, "a packet after the hold")  # type: ignore[misc]
                await hears_music(line.rtp, within=1.5, seconds=0.6)
                took = line.rtp.between(held)[0].at - held
                assert took < 0.5
                assert silence_in(line.rtp, held + took, time.monotonic()) <= 0.25
                print(f"hold: music {took * 1000:.0f} ms after the command")
                refused = await desk.command("HoldCall", conversation=conversation)
                assert refused["code"] == "not_talking"
                await desk.expect("RetrieveCall", conversation=conversation)
                await desk.sees(lambda docs: not desk.work()["held"], "retrieved")
                await sits(talk, 2)
                refused = await desk.command("RetrieveCall", conversation=conversation)
                assert refused["code"] == "not_on_hold"
            await line.agent.core.outcome(line.call.bye())
        await call.ended(1)
        await desk.finish()
        await house.quiet()


async def test_a_caller_who_leaves_while_held_and_an_agent_who_does(house: Site) -> None:
    async with Desk(house, "1001") as desk:
        for who in ("caller", "agent"):
            await desk.ready()
            async with calling(house, CALM, NUMBER) as line:
                assert desk.phone is not None
                call = await desk.phone.next_call()
                desk.phone.answer(call)
                work = await desk.works("busy")
                await desk.expect("HoldCall", conversation=work["conversation"])
                await hears_music(line.rtp, within=1.5)
                if who == "caller":
                    await line.agent.core.outcome(line.call.bye())
                else:
                    call.bye()
                    await line.call.ended(1)
            await call.ended(1)
            await desk.finish()
            await house.quiet()


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert numbers_in_log(house, NUMBER) == []
