"""What callers hear while no server is there: real Asterisk, real SIPp, real RTP."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import aiohttp

from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.runtime import running
from tests.harness.sipp import SippCaller
from tests.harness.tones import longest_gap
from tests.harness.waiting import eventually
from tests.setup.instances import Site

LONGEST_SILENCE = 6.0


def session(ari: AriAddress) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": aiohttp.encode_basic_auth(ari.user, ari.password)})


async def test_without_a_server_a_caller_hears_the_apology_is_retried_and_ends_politely() -> None:
    async with running(rtp=(32000, 32099)) as asterisk, SippCaller(asterisk.sip, "95500") as caller:
        await eventually(lambda: caller.answered_at, 10, "the call is answered")
        answered = caller.answered_at
        assert answered is not None
        await eventually(lambda: caller.trace.ended_by, 40.0, "Asterisk ends the call")
        lasted = time.monotonic() - answered
        assert caller.trace.ended_by == "called"
        assert 20.0 <= lasted < 35.0
        heard = caller.rtp.heard(answered, answered + lasted)
        assert longest_gap(heard) < LONGEST_SILENCE
        assert (Path(asterisk.home) / "asterisk/sounds/prompts/both/apology_both.wav").exists()


async def test_a_server_that_comes_during_the_apology_gets_the_call() -> None:
    async with running(rtp=(32000, 32099)) as asterisk, SippCaller(asterisk.sip, "95500") as caller:
        await eventually(lambda: caller.answered_at, 10, "the apology has begun")
        async with session(asterisk.ari) as http:
            ari = asterisk.ari
            url = f"{ari.url}/ari/events?app=hollyhock&api_key={ari.user}:{ari.password}"
            async with http.ws_connect(url) as events:
                event = await events.receive_json(timeout=20)
                assert event["type"] == "StasisStart"
                assert event["args"] == ["in", "95500"]
        await caller.hang_up()


async def test_the_busy_flag_sends_new_calls_to_the_apology_although_a_server_is_there() -> None:
    async with running(rtp=(32000, 32099)) as asterisk, session(asterisk.ari) as http:
        ari = asterisk.ari
        flag = f"{ari.url}/ari/asterisk/variable?variable=HOLLYHOCK_BUSY&value="
        url = f"{ari.url}/ari/events?app=hollyhock&api_key={ari.user}:{ari.password}"
        async with http.ws_connect(url) as events:
            (await http.post(flag + "1")).raise_for_status()
            async with SippCaller(asterisk.sip, "95500") as caller:
                await eventually(lambda: caller.answered_at, 10, "the apology has begun")
                (await http.post(flag + "0")).raise_for_status()
                event = await events.receive_json(timeout=20)
                assert event["type"] == "StasisStart"
                await caller.hang_up()


async def test_server_killed_and_unable_to_start_sends_callers_to_the_apology(a_site: Site) -> None:
    """One caller in silence, one with hold music, two who talk: only those who talk are left alone."""
    crash = a_site.home / "crash"
    await a_site.up(STAND_IN_CRASH=str(crash))
    await a_site.ready()
    facts = a_site.asterisk()
    assert facts is not None
    ari = facts.ari
    async with (
        session(ari) as http,
        SippCaller(a_site.sip, "95500", name="silent") as silent,
        SippCaller(a_site.sip, "95500", name="waiting") as waiting,
        SippCaller(a_site.sip, "95500", name="talker", tone=700) as talker,
        SippCaller(a_site.sip, "95500", name="partner", tone=1100) as partner,
    ):
        callers = [silent, waiting, talker, partner]

        async def post(path: str) -> None:
            (await http.post(f"{ari.url}/ari/{path}")).raise_for_status()

        async def channels() -> dict[str, str]:
            listed = await (await http.get(f"{ari.url}/ari/channels")).json()
            return {item["protocol_id"]: item["id"] for item in listed}

        async def all_here() -> bool:
            return len(await channels()) == 4

        await eventually(all_here, 10, "four channels")
        ids = await channels()
        for caller in callers:
            await post(f"channels/{ids[caller.call_id]}/answer")
        await post("bridges/c1-h?type=holding")
        await post(f"bridges/c1-h/addChannel?role=holding_participant&channel={ids[waiting.call_id]}")
        await post("bridges/c2-t?type=mixing")
        await post(f"bridges/c2-t/addChannel?channel={ids[talker.call_id]},{ids[partner.call_id]}")
        await talker.rtp.hears(1100)

        crash.touch()
        os.kill(a_site.server_pid(), signal.SIGKILL)
        killed = time.monotonic()
        await a_site.says("2 more callers go to the apology")
        assert 4.5 < time.monotonic() - killed < 7.0
        assert await channels() == ids

        async def sent() -> bool:
            listed = await (await http.get(f"{ari.url}/ari/channels")).json()
            there = {item["id"] for item in listed if item["dialplan"]["context"] == "hollyhock-apology"}
            return there == {ids[silent.call_id], ids[waiting.call_id]}

        await eventually(sent, 10, "both in the apology, nobody else")

        crash.unlink()
        await a_site.says("the server ended")
        await eventually(lambda: silent.rtp.last(1.0).any(), 10, "the silent caller hears something")
        end = time.monotonic()
        assert longest_gap(silent.rtp.heard(killed, end)) < LONGEST_SILENCE
        assert longest_gap(waiting.rtp.heard(killed, end)) < LONGEST_SILENCE
        await talker.rtp.hears(1100)
        await partner.rtp.hears(700)
        for caller in callers:
            await caller.hang_up()
