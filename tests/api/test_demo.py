"""The caller page: a browser as a demo customer's phone, its limits and the story it is told."""

from __future__ import annotations

import pytest
from aiohttp import WSServerHandshakeError

from ctiserver.api.sip_proxy import FORBIDDEN
from ctiserver.model import events
from ctiserver.model.causes import ClearedBy
from ctiserver.model.facts import Tick
from ctiserver.model.ids import ConversationId, InteractionId, LegId, PlaybackId
from ctiserver.model.ivr import IvrSession
from ctiserver.model.turns import Record
from tests.api.house import House, closing, register_text, request_text
from tests.harness.waiting import eventually

CALLER = "13900000001"


async def new_call(house: House, **more: str) -> dict[str, str]:
    body = {"caller": CALLER, "number": "95500"} | more
    response = await house.client.post("/api/v1/demo/calls", json=body, headers={"Origin": house.origin})
    assert response.status == 200, await response.text()
    answer: dict[str, str] = await response.json()
    return answer


def invite(call: str, number: str = "95500") -> str:
    return request_text("INVITE", f"sip:{number}@127.0.0.1", f"sip:{call}@127.0.0.1", f"<sip:{number}@127.0.0.1>")


def started(conversation: str, caller: str = CALLER) -> events.ConversationStarted:
    return events.ConversationStarted(
        conversation=ConversationId(conversation),
        interaction=InteractionId("i"),
        leg=LegId(f"leg-{conversation}"),
        dialled="95500",
        caller_number=caller,
        caller_name="张伟",
        at=1.0,
    )


def tell(house: House, *of: events.Event) -> None:
    house.api.record(Record(seq=1, at=2.0, seed=0, input=Tick(), events=of, effects=()))


async def test_the_page_lists_numbers_and_customers(house: House) -> None:
    answer = await (await house.client.get("/api/v1/demo")).json()
    assert answer["numbers"] == [{"number": "95500", "name": {"zh": "客服热线", "en": "Service line"}}]
    assert (answer["active"], answer["limit"]) == (0, 10)
    callers = {each["phone"]: each["customer"]["name"] for each in answer["callers"]}
    assert callers[CALLER] == "张伟"
    assert callers["+447700900123"] == "Emily Carter"


async def test_a_call_gets_an_endpoint_and_may_dial_only_its_number(house: House) -> None:
    call = await new_call(house)
    assert house.callers.endpoints == {call["call"]: (CALLER, "张伟")}
    assert call["password"] == f"secret of {call['call']}"
    socket = await house.sip(call["ws_path"])
    await socket.send_str(invite(call["username"]))
    assert await socket.receive_str(timeout=2)
    await socket.send_str(invite(call["username"], "110"))
    assert await closing(socket) == FORBIDDEN
    assert len(house.registrar.received) == 1


async def test_a_demo_phone_cannot_become_an_agents(house: House) -> None:
    call = await new_call(house)
    socket = await house.sip(call["ws_path"])
    await socket.send_str(register_text("e-d0123456789abcdef"))
    assert await closing(socket) == FORBIDDEN


async def test_a_call_belongs_to_the_page_that_made_it(house: House) -> None:
    call = await new_call(house)
    house.client.session.cookie_jar.clear()
    with pytest.raises(WSServerHandshakeError) as error:
        await house.sip(call["ws_path"])
    assert error.value.status == 403
    with pytest.raises(WSServerHandshakeError) as error:
        await house.sip(f"/api/v1/demo/calls/{call['call']}/live")
    assert error.value.status == 404


@pytest.mark.parametrize(
    ("more", "code"), [({"number": "110"}, "unknown_number"), ({"caller": "13911112222"}, "unknown_caller")]
)
async def test_only_configured_numbers_and_demo_customers(house: House, more: dict[str, str], code: str) -> None:
    body = {"caller": CALLER, "number": "95500"} | more
    response = await house.client.post("/api/v1/demo/calls", json=body)
    assert (response.status, (await response.json())["code"]) == (404, code)
    assert house.callers.endpoints == {}


async def test_ten_calls_and_no_eleventh_until_one_is_over(house: House) -> None:
    house.linger = 30.0
    await house.reopen()
    calls = [await new_call(house) for _ in range(10)]
    full = await house.client.post("/api/v1/demo/calls", json={"caller": CALLER, "number": "95500"})
    assert (full.status, (await full.json())["code"]) == (409, "demo_full")
    socket = await house.sip(calls[3]["ws_path"])
    await socket.send_str(invite(calls[3]["call"]))
    await socket.receive_str(timeout=2)
    tell(house, started("c1"))
    tell(house, events.CallCleared(conversation=ConversationId("c1"), by=ClearedBy.AGENT, cause=16, at=3.0))
    await new_call(house)


async def test_a_call_that_is_never_dialled_or_whose_page_closed_frees_its_place(house: House) -> None:
    await new_call(house)
    await eventually(lambda: house.callers.endpoints == {}, 3, "the endpoint of an unused call is removed")
    call = await new_call(house)
    socket = await house.sip(call["ws_path"])
    await socket.close()
    await eventually(lambda: house.callers.endpoints == {}, 3, "the endpoint is removed after the socket closed")
    assert (await (await house.client.get("/api/v1/demo")).json())["active"] == 0


async def test_each_page_hears_the_story_of_its_own_call(house: House) -> None:
    house.linger = 30.0
    await house.reopen()
    first, second = await new_call(house), await new_call(house)
    for call in (second, first):  # the second page dials first
        socket = await house.sip(call["ws_path"])
        await socket.send_str(invite(call["call"]))
        await socket.receive_str(timeout=2)
    live = await house.sip(f"/api/v1/demo/calls/{first['call']}/live")
    tell(house, started("c-of-second"))
    tell(house, started("c-of-first", "+8613900000001"))
    mine, other = ConversationId("c-of-first"), ConversationId("c-of-second")
    session = IvrSession(flow="main", revision=1, node="menu", language="zh")
    spoken = ("zh/welcome", "zh/odd", "en/odd")
    prompt = events.PromptStarted(
        conversation=mine, request=1, playback=PlaybackId("p"), prompts=spoken, interruptible=True
    )
    tell(
        house,
        events.Established(conversation=mine, leg=LegId("leg-c-of-first"), at=2.0),
        events.IvrChanged(conversation=mine, session=session),
        events.IvrChanged(conversation=mine, session=session),
        prompt,
        events.DigitReceived(conversation=other, leg=LegId("x"), digit="7", masked=False, at=2.0),
        events.DigitReceived(conversation=mine, leg=LegId("x"), digit="4", masked=True, at=2.0),
        events.CallCleared(conversation=mine, by=ClearedBy.CUSTOMER, cause=16, at=3.0),
    )
    stories = [await live.receive_json(timeout=2) for _ in range(5)]
    assert [each["kind"] for each in stories] == ["answered", "node", "prompt", "digit", "end"]
    assert stories[0] == {
        "type": "story",
        "at": 2.0,
        "kind": "answered",
        "text": {"zh": "系统已应答", "en": "The system answered"},
    }
    assert stories[2]["text"] == {"zh": "您好 odd", "en": "Welcome odd"}
    assert "4" not in stories[3]["text"]["en"]
    assert await closing(live) == 1000


async def test_a_page_keeps_its_line_when_the_server_restarts(house: House) -> None:
    house.linger = 30.0
    await house.reopen()
    call = await new_call(house)
    await house.reopen()
    forged = call["ws_path"].replace("number=95500", "number=110")
    for path in (forged, forged[:-1], f"/sip?lease={call['call']}"):
        with pytest.raises(WSServerHandshakeError) as error:
            await house.sip(path)
        assert error.value.status == 403
    socket = await house.sip(call["ws_path"])
    await socket.send_str(invite(call["call"]))
    assert await socket.receive_str(timeout=2)


async def test_a_real_site_has_no_caller_page(house: House) -> None:
    await house.reopen(demo_site=False)
    for method, path in (("GET", "/api/v1/demo"), ("POST", "/api/v1/demo/calls"), ("GET", "/api/v1/demo/calls/x/live")):
        response = await house.client.request(method, path, json={"caller": "1", "number": "1"})
        assert (response.status, (await response.json())["code"]) == (404, "demo_off")
