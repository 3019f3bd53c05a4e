"""The SIP socket: only the holder's page, only his endpoint, bounded, and gone when the right to it is gone."""

from __future__ import annotations

import pytest
from aiohttp import ClientWebSocketResponse, WSServerHandshakeError

from ctiserver.api.sip_proxy import (
    FORBIDDEN,
    FRAME_BYTES,
    FRAMES_A_SECOND,
    LEASE_TAKEN,
    SWITCH_GONE,
)
from ctiserver.api.sip_text import BadSip, Sip, accepts_registration, allowed, read
from ctiserver.model import events
from ctiserver.model.bucket import TokenBucket
from ctiserver.model.facts import Tick
from ctiserver.model.ids import AgentId, LeaseId
from ctiserver.model.turns import Record
from ctiserver.ports_http import LOGIN_ENDED, TOO_FAST
from tests.api.house import House, closing, register_text, request_text
from tests.harness.waiting import eventually


async def phone(house: House) -> tuple[dict[str, str], str, ClientWebSocketResponse]:
    csrf = await house.log_in()
    device = await house.take_device(csrf)
    return csrf, device["lease"], await house.sip(device["ws_path"])


async def refused(house: House, path: str, **headers: str) -> int:
    with pytest.raises(WSServerHandshakeError) as error:
        await house.client.ws_connect(path, protocols=("sip",), headers={"Origin": house.origin} | headers)
    return error.value.status


async def test_frames_go_both_ways(house: House) -> None:
    _csrf, lease, socket = await phone(house)
    assert socket.protocol == "sip"
    await socket.send_str(register_text(f"e-{lease}"))
    assert (await socket.receive_str(timeout=2)).startswith("SIP/2.0 200")
    assert house.registrar.received == [register_text(f"e-{lease}")]
    await socket.send_str("\r\n\r\n")
    assert await socket.receive_str(timeout=2)
    await socket.close()
    await eventually(lambda: house.gone == [(lease, "1001")], 2, "the desk hears that the socket went")
    await eventually(lambda: not house.registrar.sockets, 2, "the socket to the switch is closed")


async def test_a_handshake_needs_login_lease_and_origin(house: House) -> None:
    assert await refused(house, "/sip?lease=d0123456789abcdef") == 401
    csrf = await house.log_in()
    lease = (await house.take_device(csrf))["lease"]
    assert await refused(house, f"/sip?lease={lease}", Origin="http://evil.example") == 403
    for other in ("", "d0123456789abcdef", "x0123456789abcdef", "%00", lease.upper()):
        assert await refused(house, f"/sip?lease={other}") == 403
    with pytest.raises(WSServerHandshakeError) as error:
        await house.client.ws_connect(f"/sip?lease={lease}", protocols=("sip",))
    assert error.value.status == 403
    await house.log_in("1002")
    assert await refused(house, f"/sip?lease={lease}") == 403
    assert (await house.client.get(f"/sip?lease={lease}")).status == 404


async def test_without_a_switch_the_browser_is_refused_with_503(house: House) -> None:
    csrf = await house.log_in()
    path = (await house.take_device(csrf))["ws_path"]
    await house.registrar.stop()
    assert await refused(house, path) == 503


async def test_the_switch_going_away_closes_the_browser_side(house: House) -> None:
    _csrf, _lease, socket = await phone(house)
    await house.registrar.stop()
    assert await closing(socket) == SWITCH_GONE


async def test_logout_ends_the_socket(house: House) -> None:
    csrf, _lease, socket = await phone(house)
    await house.client.post("/api/v1/logout", headers=csrf)
    assert await closing(socket) == LOGIN_ENDED


async def test_a_take_over_ends_the_old_socket_but_not_the_new_one(house: House) -> None:
    csrf, lease, old = await phone(house)
    device = await house.take_device(csrf, instance="page-2", take_over=True)
    new = await house.sip(device["ws_path"])
    taken = events.DeviceTaken(
        agent=AgentId("1001"),
        lease=LeaseId(device["lease"]),
        endpoint="e",
        instance="page-2",
        previous=LeaseId(lease),
        at=1.0,
    )
    house.api.record(Record(seq=1, at=1.0, seed=0, input=Tick(), events=(taken,), effects=()))
    assert await closing(old) == LEASE_TAKEN
    await new.send_str(register_text(f"e-{device['lease']}"))
    assert await new.receive_str(timeout=2)


async def test_a_newer_socket_of_the_same_lease_replaces_the_older(house: House) -> None:
    _csrf, lease, old = await phone(house)
    new = await house.sip(f"/sip?lease={lease}")
    assert await closing(old) == LEASE_TAKEN
    await new.send_str(register_text(f"e-{lease}"))
    assert await new.receive_str(timeout=2)
    assert house.gone == []


async def test_frames_of_16_kb_pass_and_larger_ones_close(house: House) -> None:
    _csrf, lease, socket = await phone(house)
    await socket.send_str(register_text(f"e-{lease}", size=FRAME_BYTES))
    assert await socket.receive_str(timeout=2)
    await socket.send_str(register_text(f"e-{lease}", size=FRAME_BYTES + 1))
    assert await closing(socket) == 1009
    assert len(house.registrar.received) == 1


async def test_more_than_fifty_frames_a_second_close(house: House) -> None:
    _csrf, lease, socket = await phone(house)
    for _ in range(200):
        await socket.send_str("\r\n\r\n")
    assert await closing(socket) == TOO_FAST
    assert len(house.registrar.received) <= FRAMES_A_SECOND + 5


async def test_more_than_a_hundred_phones_have_a_line(house: House) -> None:
    """aiohttp's client allows 100 connections unless told otherwise: agent 101 would have no phone."""
    sockets = [await house.api.proxy._connect() for _ in range(130)]
    assert all(not socket.closed for socket in sockets)
    for socket in sockets:
        await socket.close()


def test_the_bucket_allows_fifty_a_second_for_ever() -> None:
    bucket = TokenBucket(FRAMES_A_SECOND, 0.0)
    assert all(bucket.take(n / FRAMES_A_SECOND) for n in range(1000))
    assert [bucket.take(30.0) for n in range(60)].count(True) == FRAMES_A_SECOND


@pytest.mark.parametrize(
    "text",
    [
        register_text("e-somebody-else"),
        request_text("REGISTER", "sip:127.0.0.1", "sip:{me}@127.0.0.1", "<sip:other@127.0.0.1>"),
        request_text("INVITE", "sip:95500@127.0.0.1", "sip:{me}@127.0.0.1", "<sip:95500@127.0.0.1>"),
        request_text("REFER", "sip:95500@127.0.0.1", "sip:{me}@127.0.0.1", "<sip:95500@127.0.0.1>;tag=2"),
        request_text("REGISTER", "sip:127.0.0.1", "sip:{me}@h>\r\nFrom: <sip:x@h", "<sip:{me}@127.0.0.1>"),
        "GET / HTTP/1.1\r\n\r\n",
        "\0",
    ],
)
async def test_what_is_not_this_phones_business_closes_and_never_reaches_the_switch(house: House, text: str) -> None:
    _csrf, lease, socket = await phone(house)
    await socket.send_str(text.replace("{me}", f"e-{lease}"))
    assert await closing(socket) == FORBIDDEN
    assert house.registrar.received == []


async def test_binary_frames_close(house: House) -> None:
    _csrf, lease, socket = await phone(house)
    await socket.send_bytes(register_text(f"e-{lease}").encode())
    assert await closing(socket) == 1003


def test_only_a_200_to_a_register_with_a_contact_means_registered() -> None:
    answer = "SIP/2.0 200 OK\r\nCSeq: 2 REGISTER\r\nContact: <sip:x@y>;expires=60\r\n\r\n"
    assert accepts_registration(answer)
    for other in (
        answer.replace("200 OK", "401 Unauthorized"),
        answer.replace("REGISTER", "INVITE"),
        answer.replace("Contact: <sip:x@y>;expires=60\r\n", ""),
    ):
        assert not accepts_registration(other)


def test_reading_sip_is_sure_or_refuses() -> None:
    assert read("SIP/2.0 200 OK\r\n\r\n") is None
    found = read('INVITE sip:95500@h SIP/2.0\r\nf: "sip:x@y <z>" <sip:me@h>;tag=1\r\nt: <sip:95500@h;a=;tag=5>\r\n\r\n')
    assert found == Sip(method="INVITE", uri_user="95500", from_user="me", to_user="95500", in_dialog=False)
    assert allowed(found, "me", ("95500",))
    assert not allowed(found, "me", ("95501",))
    assert not allowed(found, "you", ("95500",))
    for text in ("INVITE sip:a@h SIP/2.0\r\nFrom: <sip:me@h>\r\n To: x\r\n\r\n", "invite sip:a@h SIP/2.0\r\n\r\n"):
        with pytest.raises(BadSip):
            read(text)
