"""Facts about arrivals, ends, ids and restarts that recovery and effects lean on (DESIGN 5.2, 5.3)."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from ctiserver.asterisk import runtime, wire
from ctiserver.asterisk.ari_errors import AriRefused
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import MUSIC_HZ, PROMPT_HZ, Caller, prompt
from tests.asterisk.owner import other_owner
from tests.asterisk.party import Party, no_channel, only_channel
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.waiting import never

Connect = Callable[[str], Awaitable[Party]]


@asynccontextmanager
async def registered(asterisk: Instance, ari: Party, user: str) -> AsyncIterator[SipAgent]:
    """A phone whose endpoint was made at run time."""
    calls = ari.calls
    password = "secret-of-a-test"
    auth = {"auth_type": "userpass", "username": user, "password": password}
    endpoint = {"aors": user, "auth": user, "context": "hollyhock-agent", "disallow": "all", "allow": "ulaw"}
    await calls.put_dynamic("res_pjsip", "auth", user, auth)
    await calls.put_dynamic("res_pjsip", "aor", user, {"max_contacts": "1", "remove_existing": "yes"})
    await calls.put_dynamic("res_pjsip", "endpoint", user, {**endpoint, "direct_media": "no", "rtp_symmetric": "yes"})
    try:
        async with SipAgent(target=asterisk.sip, user=user, password=password) as phone:
            yield phone
    finally:
        for kind in ("endpoint", "aor", "auth"):
            await calls.delete_dynamic("res_pjsip", kind, user)


# ---------------------------------------------------------------- the client dies


async def test_callers_in_a_holding_bridge_outlive_a_killed_client_and_obey_the_next(
    asterisk: Instance, ari: Party, connect: Connect
) -> None:
    async with other_owner(asterisk) as owner, Caller(asterisk) as caller:
        await caller.call()
        channel = await only_channel(ari)
        await ari.calls.answer(channel)
        await caller.sip.answered()
        connect_media(caller.sip, caller.rtp)
        await ari.calls.create_bridge("b-orphan", "holding")
        await ari.calls.add_to_bridge("b-orphan", channel, role="holding_participant")
        await caller.hears(MUSIC_HZ)
        owner.send_signal(signal.SIGKILL)
        await owner.wait()
        await never(lambda: caller.sip.ended_at, 0.5, "the caller is dropped")
        await caller.hears(MUSIC_HZ)

        heir = await connect("hollyhock")
        assert [found.id for found in await heir.calls.get_channels()] == [channel]
        bridge = await heir.calls.get_bridge("b-orphan")
        assert bridge is not None
        assert bridge.channels == (channel,)
        await heir.calls.remove_from_bridge("b-orphan", channel)
        await heir.event(wire.ChannelLeftBridge)
        await heir.calls.hangup(channel)
        await caller.sip.ended()


async def test_a_caller_can_be_sent_to_the_dialplan_while_the_client_is_dead(asterisk: Instance, ari: Party) -> None:
    async with other_owner(asterisk) as owner, Caller(asterisk) as caller:
        await caller.call()
        channel = await only_channel(ari)
        await ari.calls.answer(channel)
        await caller.sip.answered()
        owner.kill()
        await owner.wait()
        await ari.calls.continue_(channel, context="hollyhock-forward", extension="1", priority=1)
        await caller.sip.ended()


async def test_nothing_is_kept_for_a_client_that_was_away(asterisk: Instance, ari: Party, connect: Connect) -> None:
    """So every connect begins with GET channels and GET bridges."""
    async with other_owner(asterisk) as owner, Caller(asterisk) as caller:
        await caller.call()
        channel = await only_channel(ari)
        await ari.calls.answer(channel)
        await caller.sip.answered()
        owner.kill()
        await owner.wait()
        caller.sip.bye()
        await no_channel(ari)
        heir = await connect("hollyhock")
        await never(lambda: heir.events, 0.2, "a late event")


async def test_subscriptions_and_the_event_filter_outlive_their_client(connect: Connect, app_name: str) -> None:
    first = await connect(app_name)
    await first.calls.subscribe(["endpoint:PJSIP/trunk"])
    await first.calls.disallow_events(["ChannelVarset"])
    await first.link.close()
    second = await connect(app_name)
    kept = [application for application in await second.calls.get_applications() if application.name == app_name]
    assert [application.endpoint_ids for application in kept] == [("PJSIP/trunk",)]
    await second.leg(f"{app_name}-leg")
    assert second.seen(wire.ChannelVarset) == []
    await second.calls.unsubscribe(["endpoint:PJSIP/trunk"])


async def test_a_call_that_arrives_while_no_client_listens_does_not_wait_in_stasis(asterisk: Instance) -> None:
    """The dialplan goes on with STASISSTATUS=FAILED: the apology answers."""
    async with Caller(asterisk) as caller:
        await caller.call()
        await caller.sip.answered()


# ---------------------------------------------------------------- ends


async def test_an_inbound_channel_ends_with_stasis_end_only(cti: Party, caller: Caller) -> None:
    """Without a subscription neither ChannelDestroyed nor the request that carries the cause is heard."""
    caller.sip.bye()
    await cti.event(wire.StasisEnd)
    await no_channel(cti)
    await never(lambda: cti.seen(wire.ChannelDestroyed), 0.2, "ChannelDestroyed")
    assert [(event.cause, event.soft) for event in cti.seen(wire.ChannelHangupRequest)] == [(None, False)]


async def test_a_subscriber_hears_the_cause_in_the_second_hangup_request(cti: Party, caller: Caller) -> None:
    """ChannelDestroyed says 0 when it was the caller who hung up."""
    await cti.calls.subscribe([f"channel:{caller.channel}"])
    caller.sip.bye()
    destroyed = await cti.event(wire.ChannelDestroyed)
    assert (destroyed.channel.id, destroyed.cause) == (caller.channel, 0)
    assert [(event.cause, event.soft) for event in cti.seen(wire.ChannelHangupRequest)] == [(None, False), (16, True)]
    kinds = [type(event) for event in cti.events]
    assert kinds.index(wire.ChannelHangupRequest) < kinds.index(wire.StasisEnd) < kinds.index(wire.ChannelDestroyed)


async def test_our_own_hangup_gives_its_cause_to_the_subscriber(cti: Party, caller: Caller) -> None:
    await cti.calls.subscribe([f"channel:{caller.channel}"])
    await cti.calls.hangup(caller.channel, reason_code=34)
    destroyed = await cti.event(wire.ChannelDestroyed)
    assert destroyed.cause == 34


async def test_a_caller_who_hangs_up_in_a_prompt_ends_the_prompt(
    asterisk: Instance, cti: Party, caller: Caller
) -> None:
    await cti.calls.play(caller.channel, "p-bye", [prompt(asterisk, 3)])
    await caller.hears(PROMPT_HZ)
    caller.sip.bye()
    request = await cti.event(wire.ChannelHangupRequest)
    finished = await cti.end_of_playback("p-bye")
    await cti.event(wire.StasisEnd)
    assert request.channel.id == caller.channel
    assert finished.playback.state in ("done", "failed")


# ---------------------------------------------------------------- phones made at run time


async def test_dynamic_configuration_makes_a_phone_that_registers_and_rings(asterisk: Instance, ari: Party) -> None:
    async with registered(asterisk, ari, "7001") as phone, RtpEndpoint() as rtp:
        endpoint = await ari.calls.get_endpoint("7001")
        assert endpoint is not None
        assert endpoint.state == "offline"
        await ari.calls.subscribe(["endpoint:PJSIP/7001"])
        assert (await phone.core.register()).status == 200
        change = await ari.event(wire.ContactStatusChange)
        assert (change.endpoint.resource, change.contact_info.aor) == ("7001", "7001")
        leg = f"{ari.app}-a1"
        await ari.calls.originate("PJSIP/7001", leg, variables={"HOLLYHOCK_CONV": "c1"}, caller_id="张三 <95500>")
        call = await phone.next_call()
        call.ring()
        await ari.event(wire.ChannelStateChange, lambda event: event.channel.state == "Ringing")
        call.answer(phone.sdp(rtp))
        start = await ari.start_of(leg)
        assert start.channel.channelvars["HOLLYHOCK_CONV"] == "c1"
        assert "张三".encode() in call.invite.encode(), "the name goes out as it is, in UTF-8"
        await ari.calls.hangup(leg)
        await call.ended()
        destroyed = await ari.event(wire.ChannelDestroyed, lambda event: event.channel.id == leg)
        assert destroyed.cause == 16
    assert await ari.calls.get_endpoint("7001") is None


@pytest.mark.parametrize(("status", "cause"), [(486, 17), (603, 21), (480, 19)])
async def test_a_phone_that_refuses_ends_with_its_cause(
    asterisk: Instance, ari: Party, status: int, cause: int
) -> None:
    async with registered(asterisk, ari, "7002") as phone:
        await phone.core.register()
        leg = f"{ari.app}-r{status}"
        await ari.calls.originate("PJSIP/7002", leg)
        (await phone.next_call()).reject(status)
        destroyed = await ari.event(wire.ChannelDestroyed, lambda event: event.channel.id == leg)
        assert (destroyed.cause, destroyed.tech_cause) == (cause, status)


async def test_originate_to_an_endpoint_without_contact_is_refused_or_destroyed(asterisk: Instance, ari: Party) -> None:
    async with registered(asterisk, ari, "7003"):
        with pytest.raises(AriRefused) as refusal:
            await ari.calls.originate("PJSIP/7003", f"{ari.app}-u1")
        assert refusal.value.status == 500
        assert await ari.calls.get_channel(f"{ari.app}-u1") is None


async def test_a_known_channel_id_is_refused_and_does_harm() -> None:
    """409 for a call, 500 for external media; either leaves something behind, so this Asterisk is killed, not ended."""
    async with runtime.running(rtp=(31200, 31299)) as asterisk:
        ari = Party(asterisk.ari, "clash")
        await ari.start()
        async with registered(asterisk, ari, "7004") as phone:
            await phone.core.register()
            await ari.calls.originate("PJSIP/7004", "leg")
            await phone.next_call()
            with pytest.raises(AriRefused) as refusal:
                await ari.calls.originate("PJSIP/7004", "leg")
            assert refusal.value.status == 409
            with pytest.raises(AriRefused) as refusal:
                await ari.calls.external_media("leg", "127.0.0.1:9")
            assert refusal.value.status == 500
            assert [channel.id for channel in await ari.calls.get_channels()] == ["leg"]
            for n in range(3):
                try:
                    print(await ari.calls.originate("PJSIP/7004", f"fresh{n}"))
                except AriRefused as e:
                    print(e)
        await ari.link.close()
        asterisk.kill()


async def test_live_recordings_cannot_be_listed(ari: Party) -> None:
    """So the reconcile asks for each that it expects."""
    with pytest.raises(AriRefused) as refusal:
        await ari.link.request("GET", ("recordings", "live"))
    assert refusal.value.status in (404, 405)
