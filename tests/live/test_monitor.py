"""A team lead in a call, with real sound: who hears whom when he listens, whispers and barges."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from ctiserver.model import events as ev, ids
from ctiserver.model.causes import MonitorEnd
from tests.harness import tones
from tests.harness.baresip import Baresip
from tests.harness.sipp import SippCaller
from tests.harness.site import Site
from tests.harness.sounddesk import SoundDesk
from tests.harness.waiting import eventually
from tests.live.house import CALM, call_list, conversation_of, hears_music, lead as http_of, of, recorded, silence_in
from tests.live.kills import Lateness
from tests.live.lead_people import LEAD_HZ, UNHEARD, Ear, Lead, worst_of_lead

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER_HZ, AGENT_HZ, COLLEAGUE_HZ, THIRD_HZ = 1130.0, 1730.0, 1370.0, 2110.0
NUMBER = "13955600000"
RTP = (17000, 17999)


async def picks_up(desk: SoundDesk) -> str:
    """The offered call is answered; its conversation."""
    assert desk.phone is not None
    desk.phone.answer(await desk.phone.next_call())
    work = await desk.works("busy")
    return str(work["conversation"])


async def test_nobody_hears_a_lead_who_listens_for_half_a_minute(house: Site) -> None:
    """dynamics-365#3017: monitoring opens the microphone; asterisk#2123: a supervisor loses the call on a transfer.

    He hears all, through a hold, a third who joins, and a transfer to another agent; nobody hears him, nor does the
    record."""
    async with (
        Baresip(rtp=RTP) as phones,
        SoundDesk(house, "1001", phones, tone=AGENT_HZ) as agent,
        Lead(house, phones) as lead,
        SippCaller(house.sip, CALM, caller=NUMBER, tone=CALLER_HZ) as caller,
    ):
        await agent.expect("SetReady")
        await caller.answered()
        call = await picks_up(agent)
        await caller.hears(AGENT_HZ, within=5)
        since = time.monotonic()
        his = await lead.comes(call)
        async with Ear(caller.rtp.last) as at_caller, Ear(agent.phone.call.last) as at_agent:
            await his.hears(CALLER_HZ)
            await his.hears(AGENT_HZ)
            await asyncio.sleep(4)
            await agent.expect("HoldCall", conversation=call)
            await hears_music(caller.rtp)
            await his.hears(AGENT_HZ)
            await asyncio.sleep(4)
            await agent.expect("RetrieveCall", conversation=call)
            await his.hears(CALLER_HZ)
            async with SoundDesk(house, "1003", phones, tone=THIRD_HZ) as third:
                await agent.expect("ConsultCall", conversation=call, to_agent="1003")
                assert third.phone is not None
                third.phone.answer(await third.phone.next_call())
                await third.works("busy")
                await agent.expect("ConferenceCall", conversation=call)
                await caller.hears(THIRD_HZ, within=5)
                async with Ear(third.phone.call.last) as at_third:
                    await his.hears(THIRD_HZ)
                    await his.hears(CALLER_HZ)
                    await asyncio.sleep(2)
                await agent.expect("DropParty", conversation=call, party="1003")
                await third.sees(lambda docs: not any(key.startswith("work/") for key in docs), "the third to be free")
            await his.hears(AGENT_HZ)
            async with SoundDesk(house, "1002", phones, tone=COLLEAGUE_HZ) as colleague:
                await colleague.ready()
                await agent.expect("TransferCall", conversation=call, to_agent="1002")
                await colleague.works("offer")
                await hears_music(caller.rtp)
                assert await picks_up(colleague) == call
                async with Ear(colleague.phone.call.last) as at_colleague:
                    await his.hears(COLLEAGUE_HZ)
                    await his.hears(CALLER_HZ)
                    await colleague.phone.call.hears(CALLER_HZ)
                    await asyncio.sleep(max(1.0, since + 30 - time.monotonic()))
                (talk,) = await lead.talks()
                assert (talk["agent"], talk["monitor"]["mode"]) == ("1002", "listen")
                await caller.hang_up()
                await his.ended()
                await colleague.finish()
            await agent.finish()
    ears = {"caller": at_caller, "agent": at_agent, "third": at_third, "colleague": at_colleague}
    told = {who: ear.worst for who, ear in ears.items()}
    said, heard = await recorded(house, conversation_of(house, NUMBER))
    told |= {"record, caller's side": worst_of_lead(said), "record, what he heard": worst_of_lead(heard)}
    print(f"the lead in {time.monotonic() - since:.0f} s: " + ", ".join(f"{k} {v:.0f} dBFS" for k, v in told.items()))
    assert all(level < UNHEARD for level in told.values()), told
    assert len(heard) / 8000 >= 30
    assert any(tones.presence(heard[-16000:], COLLEAGUE_HZ)), "the record is deaf"
    (stopped,) = of(house, conversation_of(house, NUMBER), ev.MonitorStopped)
    assert (stopped.why, stopped.listened) == (MonitorEnd.CALL_OVER, "1002")
    await house.quiet()


async def test_whisper_barge_and_back_with_a_new_leg_of_the_agent_in_between(house: Site) -> None:
    """A whisper is for the agent alone, also when the caller sends nothing, and on the leg of his reloaded page."""
    async with (
        Baresip(rtp=RTP) as phones,
        SoundDesk(house, "1001", phones, tone=AGENT_HZ) as agent,
        Lead(house, phones) as lead,
        SippCaller(house.sip, CALM, caller=NUMBER, tone=CALLER_HZ) as caller,
    ):
        await agent.expect("SetReady")
        await caller.answered()
        call = await picks_up(agent)
        his = await lead.comes(call, "whisper")
        async with Ear(caller.rtp.last) as at_caller:
            await agent.phone.call.hears(LEAD_HZ)
            await agent.phone.call.hears(CALLER_HZ)
            await his.hears(CALLER_HZ)
            await his.hears(AGENT_HZ)
            caller.rtp.mute_rtp()
            await asyncio.sleep(0.5)
            await agent.phone.call.hears(LEAD_HZ)
            caller.rtp.unmute_rtp()
            await agent.lose_phone()
            agent.instance += "2"
            taking = asyncio.create_task(agent.take_phone())
            await taking
            assert agent.phone is not None
            agent.phone.answer(await agent.phone.next_call())
            await agent.phone.call.hears(LEAD_HZ, within=8)
            await agent.phone.call.hears(CALLER_HZ)
            await his.hears(AGENT_HZ)
            await his.hears(CALLER_HZ)
            await asyncio.sleep(0.5)
        assert at_caller.worst < UNHEARD, f"the caller heard the whisper at {at_caller.worst:.0f} dBFS"
        await lead.changes(call, "barge")
        await caller.hears(LEAD_HZ, within=5)
        await agent.phone.call.hears(LEAD_HZ)
        await his.hears(CALLER_HZ)
        await his.hears(AGENT_HZ)
        await lead.changes(call, "listen")
        await eventually(lambda: tones.level_at(caller.rtp.last(0.4), LEAD_HZ) < UNHEARD, 5, "the caller without him")
        async with Ear(lambda _s: caller.rtp.last(0.4)) as at_caller, Ear(lambda _s: agent.phone.call.last(0.4)) as ear:
            await his.hears(AGENT_HZ)
            await asyncio.sleep(1.5)
        assert max(at_caller.worst, ear.worst) < UNHEARD
        await caller.hears(AGENT_HZ, within=5)
        await caller.hang_up()
        await his.ended()
        await agent.finish()
    await house.quiet()


async def test_the_caller_hangs_up_in_a_whisper_and_a_barge_and_everybody_is_free(house: Site) -> None:
    async with Baresip(rtp=RTP) as phones, SoundDesk(house, "1001", phones, tone=AGENT_HZ) as agent:
        async with Lead(house, phones) as lead:
            for mode in ("whisper", "barge"):
                await agent.expect("SetReady")
                async with SippCaller(house.sip, CALM, caller=NUMBER, tone=CALLER_HZ) as caller:
                    await caller.answered()
                    call = await picks_up(agent)
                    his = await lead.comes(call, mode)
                    await agent.phone.call.hears(LEAD_HZ)
                    await caller.hang_up()
                    await his.ended()
                await agent.finish(ready=False)
                await house.quiet()
    async with http_of(house, "admin") as http, http.get("/api/v1/monitor-log?limit=100") as answer:
        rows = [row for row in (await answer.json())["rows"] if row["conversation"] == call]
    assert [(row["what"], row["by"], row["listened"], row["mode"], row["why"]) for row in reversed(rows)] == [
        ("started", "2001", "1001", "barge", ""),
        ("joined", "2001", "1001", "barge", ""),
        ("stopped", "2001", "1001", "barge", "call_over"),
    ]
    (over,) = of(house, conversation_of(house, NUMBER), ev.CallCleared)
    assert rows[0]["at"] == over.at


async def test_he_takes_over_and_the_agent_is_free(house: Site) -> None:
    async with (
        Baresip(rtp=RTP) as phones,
        SoundDesk(house, "1001", phones, tone=AGENT_HZ) as agent,
        Lead(house, phones) as lead,
        SippCaller(house.sip, CALM, caller=NUMBER, tone=CALLER_HZ) as caller,
    ):
        await agent.expect("SetReady")
        await caller.answered()
        call = await picks_up(agent)
        his = await lead.comes(call)
        await his.hears(AGENT_HZ)
        async with Lateness(house.asterisk.pid) as lateness:
            lateness.watch("speakers", os.getpid())
            began = time.monotonic()
            await lead.asks(f"talks/{call}/take-over")
            await caller.hears(LEAD_HZ, within=10)
            heard = time.monotonic()
            await asyncio.sleep(0.5)  # the last look at who waited for a processor
        starved = [lateness.starved(began, heard, who) for who in ("asterisk", "speakers")]
        late = lateness.worst(began, heard) + sum(starved)
        assert silence_in(caller.rtp, began, heard) <= 0.3 + late / 1000
        await his.hears(CALLER_HZ)
        await agent.finish()
        await agent.state("ready")
        await eventually(lambda: not tones.has_tone(caller.rtp.last(0.5), AGENT_HZ), 5, "the agent to be silent")
        await lead.asks(f"talks/{call}/hold")
        await hears_music(caller.rtp)
        await lead.asks(f"talks/{call}/retrieve")
        await caller.hears(LEAD_HZ, within=10)
        await lead.asks(f"talks/{call}/transfer", to_agent="1001")
        await his.ended()
        assert await picks_up(agent) == call
        await caller.hears(AGENT_HZ, within=10)
        await caller.hang_up()
        await agent.finish()
        await agent.expect("SetNotReady", reason="break")
    async with http_of(house) as http:
        rows = [row for row in await call_list(http) if row["conversation"] == call]
    assert [(row["agent"], row["end_reason"]) for row in rows] == [("1001", "answered"), ("1001", "answered")]
    await house.quiet()


async def test_the_server_is_killed_in_a_talk_that_he_has_taken_over_and_then_the_caller_hangs_up(house: Site) -> None:
    async with (
        Baresip(rtp=RTP) as phones,
        SoundDesk(house, "1001", phones, tone=AGENT_HZ) as agent,
        Lead(house, phones) as lead,
        SippCaller(house.sip, CALM, caller=NUMBER, tone=CALLER_HZ) as caller,
    ):
        await agent.expect("SetReady")
        await caller.answered()
        call = await picks_up(agent)
        his = await lead.comes(call)
        await lead.asks(f"talks/{call}/take-over")
        await caller.hears(LEAD_HZ, within=10)
        await agent.finish(ready=False)
        house.kill()
        await caller.hears(LEAD_HZ, within=10)
        house.spawn()
        await house.ready()
        await caller.hears(LEAD_HZ, within=10)
        await his.hears(CALLER_HZ)
        (talk,) = await lead.talks()
        assert (talk["agent"], talk["state"], talk["monitor"]) == (ids.seat("2001"), "talking", None)
        await caller.hang_up()  # the softphones' sockets went with the server: nobody tells them of the end
        await eventually(lambda: of(house, conversation_of(house, NUMBER), ev.CallCleared), 10, "the end of the call")
        assert await lead.talks() == []
    await house.quiet()


async def test_the_server_is_killed_while_he_listens(house: Site) -> None:
    """The talk goes on, he goes on hearing it, and is as silent as before."""
    async with (
        Baresip(rtp=RTP) as phones,
        SoundDesk(house, "1001", phones, tone=AGENT_HZ) as agent,
        Lead(house, phones) as lead,
        SippCaller(house.sip, CALM, caller=NUMBER, tone=CALLER_HZ) as caller,
    ):
        await agent.expect("SetReady")
        await caller.answered()
        call = await picks_up(agent)
        his = await lead.comes(call)
        await his.hears(CALLER_HZ)
        async with Ear(caller.rtp.last) as at_caller, Ear(agent.phone.call.last) as at_agent:
            house.kill()
            await his.hears(CALLER_HZ)
            house.spawn()
            await house.ready()
            await his.hears(CALLER_HZ)
            await his.hears(AGENT_HZ)
            await caller.hears(AGENT_HZ, within=5)
            await asyncio.sleep(1.0)
        assert max(at_caller.worst, at_agent.worst) < UNHEARD
        (talk,) = await lead.talks()
        assert talk["monitor"]["there"]
        await caller.hang_up()  # the softphones' sockets went with the server: nobody tells them of the end
        await eventually(lambda: of(house, conversation_of(house, NUMBER), ev.MonitorStopped), 5, "the lead's end")
    await house.quiet()
