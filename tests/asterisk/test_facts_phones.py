"""Facts about desk phones: how their contacts are heard of, what their hold, redirection and registration look like.

Each is what `ctiserver.asterisk.devices` and `switch` lean on; the phones are made by our own `Devices`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ctiserver.asterisk import translate, wire
from ctiserver.asterisk.ari_errors import AriRefused
from ctiserver.asterisk.devices import Devices
from ctiserver.asterisk.runtime import Instance
from ctiserver.asterisk.switch import SUBSCRIBE_AT_ONCE
from ctiserver.model import facts
from ctiserver.model.site import Label, PhoneConfig
from tests.asterisk.party import Party
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcore import Identity, SipCore
from tests.harness.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "secret-of-a-test"
PHONES = "hollyhock-phones-test"


def phone(name: str, contact: str = "") -> PhoneConfig:
    return PhoneConfig(id=name, name=Label(zh=name, en=name), contact=contact)


@pytest_asyncio.fixture(loop_scope="session")
async def party(asterisk: Instance, app_name: str) -> AsyncIterator[Party]:
    """A client as the server is one: a second application for contacts alone."""
    party = Party(asterisk.ari, app_name, also=(PHONES,))
    await party.start()
    await party.calls.allow_events(("ContactStatusChange",), PHONES)
    devices = Devices(party.calls, lambda _endpoint: SECRET)
    await devices.set_phones((phone("t1"), phone("t2", "sip:t2@127.0.0.1:9")))
    await party.calls.subscribe(("endpoint:PJSIP/desk-t1",), PHONES)
    try:
        yield party
    finally:
        await party.calls.unsubscribe(("endpoint:PJSIP/desk-t1",), PHONES)
        await devices.set_phones(())
        await party.clean_up()


def desk(asterisk: Instance, name: str = "t1") -> SipAgent:
    return SipAgent(target=asterisk.sip, user=f"desk-{name}", password=SECRET)


def contacts(party: Party) -> list[facts.Fact | None]:
    return [translate.fact_of(event) for event in party.seen(wire.ContactStatusChange)]


def told(party: Party) -> bool | None:
    """What the last fact about the phone's contact says."""
    known = [fact.present for fact in contacts(party) if isinstance(fact, facts.DeviceContact)]
    return known[-1] if known else None


async def test_contacts_are_heard_of_by_the_second_application_and_channel_events_come_once(
    asterisk: Instance, party: Party
) -> None:
    async with desk(asterisk) as agent, RtpEndpoint() as rtp:
        assert (await agent.core.register()).status == 200
        await eventually(lambda: told(party) is True, 10, "the contact")
        leg = f"{party.app}-a1"
        await party.calls.originate("PJSIP/desk-t1", leg)
        call = await agent.next_call()
        call.ring()
        call.answer(agent.sdp(rtp))
        connect_media(call, rtp)
        await party.start_of(leg)
        await rtp.press("5")
        await party.event(wire.ChannelDtmfReceived)
        await agent.core.outcome(call.request("INVITE", body=agent.sdp(rtp, direction="sendonly"), **SDP))
        await party.event(wire.ChannelHold)
        await agent.core.outcome(call.request("INVITE", body=agent.sdp(rtp), **SDP))
        await party.event(wire.ChannelUnhold)
        call.bye()
        await party.event(wire.ChannelDestroyed)
        for kind in (wire.StasisStart, wire.ChannelDtmfReceived, wire.ChannelHold, wire.ChannelUnhold):
            assert len(party.seen(kind)) == 1, kind.__name__
        strangers = (wire.PeerStatusChange, wire.EndpointStateChange)
        assert not [event for event in party.events if isinstance(event, strangers)]
        assert (await agent.core.register(expires=0)).status == 200
        await eventually(lambda: told(party) is False, 10, "the contact to be gone")


SDP = {"content_type": "application/sdp"}


def statuses(party: Party) -> list[str]:
    return sorted(event.contact_info.contact_status for event in party.seen(wire.ContactStatusChange))


async def test_a_phone_that_registers_from_another_place_is_still_there(asterisk: Instance, party: Party) -> None:
    """The end of its old contact is told after the new one: what counts is the state of the endpoint."""
    async with desk(asterisk) as first:
        await first.core.register()
        await eventually(lambda: told(party) is True, 10, "the contact")
    async with desk(asterisk) as second:
        await second.core.register()
        told_of = ["NonQualified", "NonQualified", "Reachable", "Reachable", "Removed"]  # the last two in any order
        await eventually(lambda: statuses(party) == told_of, 10, "all that is told")
        assert told(party) is True
        assert [e.state for e in await party.calls.get_endpoints() if e.resource == "desk-t1"] == ["online"]
        await party.calls.originate("PJSIP/desk-t1", f"{party.app}-a2")
        (await second.next_call()).reject(486)


async def test_a_redirected_ring_ends_with_cause_23(asterisk: Instance, party: Party) -> None:
    """Or with 0 and without ChannelHangupRequest: when Asterisk was quicker to give the leg up than to look at its
    answer (two in a hundred, half of them on a busy machine)."""
    async with desk(asterisk) as agent:
        await agent.core.register()
        leg = f"{party.app}-a3"
        await party.calls.originate("PJSIP/desk-t1", leg)
        (await agent.next_call()).reject(302)
        destroyed = await party.event(wire.ChannelDestroyed, lambda event: event.channel.id == leg)
        assert destroyed.cause in (23, 0)
        assert all(e.state != "Up" for e in await party.calls.get_channels()), "it leads nowhere"


async def test_phones_are_set_again_without_losing_a_registration(asterisk: Instance, party: Party) -> None:
    """The aor shows the registered contact as if it were a fixed one: only `max_contacts` tells them apart."""
    devices = Devices(party.calls, lambda _endpoint: SECRET)
    async with desk(asterisk) as agent:
        await agent.core.register()
        shown = {one.attribute: one.value for one in await aor(party, "t1")}
        assert (shown["contact"], shown["max_contacts"]) == (agent.core.identity.contact, "1")
        await devices.set_phones((phone("t1"), phone("t2", "sip:t2@127.0.0.1:10")))
        assert {one.attribute: one.value for one in await aor(party, "t1")} == shown
        assert [one.value for one in await aor(party, "t2") if one.attribute == "contact"] == ["sip:t2@127.0.0.1:10"]
        await devices.set_phones((phone("t1", "sip:t1@127.0.0.1:9"), phone("t2")))

        async def moved() -> bool:
            contacts = [one.value for one in await aor(party, "t1") if one.attribute == "contact"]
            return contacts == ["sip:t1@127.0.0.1:9"]

        await eventually(moved, 10, "the registered contact to be gone")  # it outlives its aor for a moment
        assert (await agent.core.register()).status in (403, 404), "it is at a fixed contact now"
    async with desk(asterisk, "t2") as agent:
        assert (await agent.core.register()).status == 200
    await devices.set_phones((phone("t2"),))

    async def gone() -> bool:
        return await party.calls.get_endpoint("desk-t1") is None

    await eventually(gone, 10, "the endpoint to be gone")  # it is listed for a moment longer


async def test_a_list_has_127_values_at_most(party: Party) -> None:
    """So phones are subscribed to a hundred at a time."""
    assert SUBSCRIBE_AT_ONCE <= 127
    await party.calls.subscribe(["endpoint:PJSIP/desk-t1"] * 127, PHONES)
    await party.calls.unsubscribe(["endpoint:PJSIP/desk-t1"] * 127, PHONES)
    with pytest.raises(AriRefused, match="Too many values"):
        await party.calls.subscribe(["endpoint:PJSIP/desk-t1"] * 128, PHONES)


async def aor(party: Party, name: str) -> list[wire.ConfigTuple]:
    found = await party.calls.find_dynamic("res_pjsip", "aor", f"desk-{name}")
    assert found is not None
    return found


async def test_a_phone_on_tcp_is_rung_on_its_own_connection(asterisk: Instance, party: Party) -> None:
    reader, writer = await asyncio.open_connection(*asterisk.sip)
    host, port = writer.get_extra_info("sockname")
    me = Identity(
        user="desk-t1",
        domain="127.0.0.1",
        contact=f"sip:desk-t1@{host}:{port};transport=tcp",
        via=f"SIP/2.0/TCP {host}:{port}",
        password=SECRET,
    )
    core = SipCore(me, lambda message: writer.write(message.encode()))

    async def read() -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = re.search(rb"(?i)content-length:\s*(\d+)", head)
            core.received(head + await reader.readexactly(int(size[1]) if size else 0))

    reading = asyncio.create_task(read())
    try:
        assert (await core.register()).status == 200
        await eventually(lambda: told(party) is True, 10, "the contact")
        await party.calls.originate("PJSIP/desk-t1", f"{party.app}-a4")
        call = await core.next_call()
        assert call.invite.get("via").startswith("SIP/2.0/TCP")
        call.reject(486)
        await party.event(wire.ChannelDestroyed)
        assert (await core.register(expires=0)).status == 200
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await core.close()
        writer.close()
