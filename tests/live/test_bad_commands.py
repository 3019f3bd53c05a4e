"""Every command of the live link with hostile fields: a typed refusal each, and a world that has not moved.

The attacker is a signed-in agent who knows everybody's ids. His colleagues have a call on hold and a wrap-up, one had
an offer; a caller waits for nobody. The journal of the whole attack holds no event but that his links came and went.
"""

from __future__ import annotations

import json
import typing
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.errors import Rejection
from tests.harness.deskphone import DeskPhone
from tests.harness.site import Desk, Site, site
from tests.live.desk_people import PHONE, prepare, rings
from tests.live.fuzz import as_fresh, fresh
from tests.live.house import CALM, LONELY, Line, calling, conversation_of, first_ring, hears_music, lead

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139555000"
COMMANDS: dict[str, type[Any]] = {kind.__name__: kind for kind in typing.get_args(cmd.Command)}
WITH_FIELDS = [name for name, kind in COMMANDS.items() if set(kind.__struct_fields__) > {"id", "by", "agent"}]
BY_HTTP = ("TakeDevice", "CloseQueue", "OpenQueue", "BookCallback", "CancelCallback", "DismissLost")
BY_HTTP += ("MonitorCall", "ChangeMonitor", "StopMonitor", "TakeOverCall", "DisconnectCall")
BY_HTTP += ("ForceState", "PullContact", "PrioritiseContact", "SendMessage")
"""Commands that have their own address: the link knows none of them."""
BY_TIME = (ev.DeadlinePassed, ev.ConversationForgotten)
"""What happens meanwhile by itself: the calls that have ended are forgotten."""
A_BURST = 45
"""Frames that one socket may send at once; then the attacker opens another."""

# As JSON texts, since some of them no encoder writes.
WORDS = {
    "empty": '""', "NUL": '"\\u0000"', "half a pair": '"\\ud800"', "15 kB": json.dumps("x" * 15_000),
    "number": "7", "number as text": '"7"', "huge number": "9" * 400, "beyond float": "1e999", "fraction": "0.5",
    "true": "true", "null": "null", "list": "[]", "list of it": '["c0-1"]', "object": "{}",
    "deep": "[" * 500 + "]" * 500,
    "path": '"../../etc/passwd"', "sql": '"\' OR 1=1 --"', "chinese": '"通话"', "digits of others": '"٣"',
}  # fmt: skip
BOOLS = {"number": "1", "text": '"yes"', "null": "null", "list": "[]", "object": "{}", "NUL": '"\\u0000"'}


@dataclass
class Floor:
    """The colleagues and what can be known of them."""

    desks: dict[str, Desk]
    ids: dict[str, str]
    line: Line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Site]:
    """With desk phones: the leg of our WebSocket phone, which has no sound, would be lost while it is held so long."""
    async with site(rtp=(28600, 28799), prepare=prepare) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(house: Site) -> AsyncIterator[Floor]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        desks = {user: await enter(Desk(house, user)) for user in ("1001", "1002", "1003", "1004")}
        phone = await enter(DeskPhone(house, "p2", tone=PHONE))
        await desks["1001"].expect("UsePhone", phone=phone.name)
        await desks["1001"].sees(lambda docs: docs["me"]["phone"]["kind"] == "desk", "the phone on the desk")
        await desks["1001"].sees(lambda docs: docs["me"]["phone"]["contact"], "its contact")
        await enter(calling(house, LONELY, f"{PREFIX}04"))
        ended = await enter(calling(house, CALM, f"{PREFIX}03"))
        await _talks(desks["1003"])
        held = await enter(calling(house, CALM, f"{PREFIX}01"))
        await desks["1001"].expect("SetReady")
        phone.answer(await rings(desks["1001"], phone))
        work = await desks["1001"].works("busy")
        await desks["1001"].expect("HoldCall", conversation=work["conversation"])
        await ended.agent.core.outcome(ended.call.bye())
        wrapped = await desks["1003"].works("wrap_up")
        for _ in range(4):  # 30 s each: it lasts as long as the attack
            await desks["1003"].expect("ExtendWrapUp", contact=wrapped["contact"])
        async with calling(house, CALM, f"{PREFIX}02"):
            await desks["1004"].expect("SetReady")
            offer = await desks["1004"].works("offer")
        await desks["1004"].sees(lambda docs: docs["me"]["state"] == "ready", "the offer to be over")
        await desks["1004"].expect("SetNotReady", reason="break")
        await hears_music(held.rtp)
        ids = {
            "held conversation": work["conversation"], "held contact": work["contact"], "his agent": "1001",
            "his lease": str(desks["1001"].lease), "leg": f"{work['conversation']}.a1",
            "bridge": f"{work['conversation']}-t",
            "wrap-up contact": wrapped["contact"], "wrap-up conversation": wrapped["conversation"],
            "past offer": offer["reservation"], "offered contact": offer["contact"],
            "waiting conversation": conversation_of(house, f"{PREFIX}04"), "user": "admin",
        }  # fmt: skip
        yield Floor(desks, ids, held)


async def _talks(desk: Desk) -> dict[str, Any]:
    await desk.expect("SetReady")
    _, call = await first_ring(desk)
    assert desk.phone is not None
    desk.phone.answer(call)
    return await desk.works("busy")


def hostile(name: str, floor: Floor) -> Iterator[tuple[str, str]]:
    """What is sent for one command: a description and the frame's text. Every field but one is as good as it gets."""
    own = floor.desks["1002"]
    good = {
        "lease": str(own.lease), "instance": own.instance, "phone": "nobodys", "reason": "break", "text": "x",
        "note": "x", "disposition": "resolved", "ready": True, "take_over": False, "reservation": "r0-1",
        "conversation": "c0-1", "contact": "k0-1", "queue": "service", "to_agent": "", "flow": "", "party": "1003",
        "number": "13800000000", "name": "x", "dialled": "95500", "of": "k0-1",
        "mode": "listen",
        "state": "ready", "seconds": 60.0, "agents": ["1001"], "notice": "n0-1",
    }  # fmt: skip
    fields = {each for each in COMMANDS[name].__struct_fields__ if each not in ("id", "by", "agent")}
    hints = typing.get_type_hints(COMMANDS[name])
    for field in sorted(fields):
        values = dict(BOOLS) if hints[field] is bool else WORDS | {k: json.dumps(v) for k, v in floor.ids.items()}
        if field == "instance":  # any short word is a page's name, and his own page is his to name
            values = {what: value for what, value in values.items() if what == "15 kB" or not value.startswith('"')}
        if field in ("text", "note"):  # a note may say anything; whose it is is told by the other fields
            values = {what: value for what, value in values.items() if not value.startswith('"')}
        for what, value in values.items():
            rest = {each: json.dumps(good[each]) for each in fields - {field}} | {field: value}
            yield f"{field}={what}", _frame(name, rest)
        missing = {each: json.dumps(good[each]) for each in fields - {field}}
        if not (name == "UsePhone" and field == "take_over"):  # it has a default
            yield f"no {field}", _frame(name, missing)
    his = good | {
        "lease": floor.ids["his lease"], "conversation": floor.ids["held conversation"], "reason": "holiday",
        "contact": floor.ids["held contact"], "reservation": floor.ids["past offer"],
    }  # fmt: skip
    claims = {"agent": '"1001"', "by": '"admin"', "role": '"admin"'}
    yield "as somebody else", _frame(name, {each: json.dumps(his[each]) for each in fields} | claims)


def _frame(name: str, fields: dict[str, str]) -> str:
    body = "".join(f',"{field}":{value}' for field, value in fields.items())
    return f'{{"type":"command","id":"attack","name":"{name}"{body}}}'


async def answers(desk: Desk, frames: list[tuple[str, str]]) -> dict[str, dict[str, Any] | int]:
    """What each frame was answered, or the code that closed the link."""
    seen: dict[str, dict[str, Any] | int] = {}
    for start in range(0, len(frames), A_BURST):
        async with desk._http.ws_connect(f"{desk.site.url}/api/v1/live", headers={"Origin": desk.site.url}) as socket:
            for what, text in frames[start : start + A_BURST]:
                await socket.send_str(text)
                seen[what] = await _answer(socket)
    return seen


async def _answer(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any] | int:
    while True:
        message = await socket.receive(10)
        if message.type is not WSMsgType.TEXT:
            return socket.close_code or 0
        heard: dict[str, Any] = message.json()
        if heard["type"] == "answer":
            return heard


@pytest.mark.parametrize("name", WITH_FIELDS)
async def test_a_command_with_hostile_fields(house: Site, floor: Floor, name: str) -> None:
    """Refused with one of the typed reasons; nobody's documents and nothing in the journal have moved."""
    people = [floor.desks[user] for user in ("1001", "1002", "1003")]
    before = [await fresh(desk) for desk in people]
    records = len(house.records())
    seen = await answers(floor.desks["1002"], list(hostile(name, floor)))
    print(f"{name}: {len(seen)} attempts, {sorted({each['code'] for each in seen.values() if isinstance(each, dict)})}")
    for what, answer in seen.items():
        assert isinstance(answer, dict), f"{what}: closed with {answer}"
        assert answer["ok"] is False, what
        assert answer["code"] in set(Rejection), (what, answer)
        assert answer["id"] == ("attack" if answer["id"] else ""), "what is no JSON has no id"
        assert len(json.dumps(answer)) < 500, what
    moved = [event for record in house.records()[records:] for event in record.events if not isinstance(event, BY_TIME)]
    assert {type(event) for event in moved} <= {ev.DesktopLinkChanged}, moved
    assert [await fresh(desk) for desk in people] == before
    await as_fresh(floor.desks["1002"])


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_of_100_kilobytes_closes_the_link(floor: Floor, name: str) -> None:
    frames = [("100 kB", _frame(name, {"contact": json.dumps("x" * 100_000)}))]
    assert await answers(floor.desks["1002"], frames) == {"100 kB": 1009}


async def test_a_lead_gives_no_command_of_an_agent(house: Site, floor: Floor) -> None:
    """Who is no agent is refused whatever he asks, although all he names exists."""
    fields = {"conversation": json.dumps(floor.ids["held conversation"]), "reason": '"break"'}
    for user in ("2001", "admin"):
        async with lead(house, user) as http, http.ws_connect("/api/v1/live") as socket:
            for name in COMMANDS:
                await socket.send_str(_frame(name, fields))
                answer = await _answer(socket)
                wanted = "bad_command" if name in BY_HTTP else "not_allowed"
                assert isinstance(answer, dict) and (answer["ok"], answer["code"]) == (False, wanted), (name, answer)


async def test_the_same_id_twice_is_answered_twice(floor: Floor) -> None:
    """An id belongs to the client: it comes back, and means nothing to the server."""
    frames = [("first", _frame("SetReady", {"x": "1"})), ("again", _frame("SetNotReady", {"reason": '"break"'}))] * 3
    async with floor.desks["1002"]._http.ws_connect(
        f"{floor.desks['1002'].site.url}/api/v1/live", headers={"Origin": floor.desks["1002"].site.url}
    ) as socket:
        for _, text in frames:
            await socket.send_str(text)
        heard = [await _answer(socket) for _ in frames]
    assert [each["id"] for each in heard if isinstance(each, dict)] == ["attack"] * 6
    assert all(isinstance(each, dict) and each["ok"] for each in heard), heard


async def test_nobody_was_disturbed(house: Site, floor: Floor) -> None:
    """The held call is taken back by its own agent, and the log has nothing to say."""
    assert floor.line.call.ended_at is None
    await floor.desks["1001"].expect("RetrieveCall", conversation=floor.ids["held conversation"])
    await floor.desks["1001"].sees(lambda docs: not floor.desks["1001"].work()["held"], "the call to be back")
    assert house.complaints() == []

