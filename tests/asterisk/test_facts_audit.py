"""Facts that the auditor leans on: what a deleted endpoint or address leaves, and what a session refresh does."""

from __future__ import annotations

import asyncio

from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import Caller
from tests.asterisk.party import Party
from tests.asterisk.test_facts_calls import registered
from tests.harness.waiting import eventually


async def state_of(ari: Party, endpoint: str) -> str:
    """'online', 'offline', or '' if there is none."""
    return next((e.state for e in await ari.calls.get_endpoints() if e.resource == endpoint), "")


async def test_a_session_refresh_reaches_a_silent_caller_and_changes_nothing(cti: Party, caller: Caller) -> None:
    caller.rtp.mute_rtp()
    await eventually(lambda: _silent(cti, caller), 10, "the last packet to be counted")
    before = await cti.calls.rtp_statistics(caller.channel)
    await cti.calls.set_variable(caller.channel, "PJSIP_SEND_SESSION_REFRESH()", "invite", blocking=True)
    await eventually(lambda: [e for e in caller.sip.log("in") if e.message.method == "INVITE"], 10, "a re-INVITE")
    await eventually(lambda: [e for e in caller.sip.log("in") if e.message.method == "ACK"], 10, "its ACK")
    assert before is not None
    after = await cti.calls.rtp_statistics(caller.channel)
    assert after is not None
    assert after.rxcount == before.rxcount > 0
    assert caller.sip.ended_at is None


async def test_a_deleted_endpoint_made_again_has_its_contact_and_takes_its_password(
    asterisk: Instance, ari: Party
) -> None:
    async with registered(asterisk, ari, "daudit1") as phone:
        await phone.core.register()
        assert await state_of(ari, "daudit1") == "online"
        await ari.calls.delete_dynamic("res_pjsip", "endpoint", "daudit1")
        await eventually(lambda: _is(ari, "daudit1", ""), 10, "its end")
        endpoint = {"aors": "daudit1", "auth": "daudit1", "context": "hollyhock-agent", "allow": "ulaw"}
        await ari.calls.put_dynamic("res_pjsip", "endpoint", "daudit1", endpoint)
        await eventually(lambda: _is(ari, "daudit1", "online"), 10, "its contact")
        assert (await phone.core.register()).status == 200


async def test_a_deleted_address_makes_its_endpoint_offline_until_the_phone_registers_again(
    asterisk: Instance, ari: Party
) -> None:
    async with registered(asterisk, ari, "daudit2") as phone:
        await phone.core.register()
        await ari.calls.delete_dynamic("res_pjsip", "aor", "daudit2")
        await eventually(lambda: _is(ari, "daudit2", "offline"), 10, "offline")
        await ari.calls.put_dynamic("res_pjsip", "aor", "daudit2", {"max_contacts": "1", "remove_existing": "yes"})
        assert await state_of(ari, "daudit2") == "offline"
        await phone.core.register()
        await eventually(lambda: _is(ari, "daudit2", "online"), 10, "online")


async def _silent(cti: Party, caller: Caller) -> bool:
    """No packet is counted for a tenth of a second: he sends one every 20 ms while he speaks."""
    before = await cti.calls.rtp_statistics(caller.channel)
    await asyncio.sleep(0.1)
    after = await cti.calls.rtp_statistics(caller.channel)
    return before is not None and after is not None and after.rxcount == before.rxcount > 0


async def _is(ari: Party, endpoint: str, state: str) -> bool:
    return await state_of(ari, endpoint) == state
