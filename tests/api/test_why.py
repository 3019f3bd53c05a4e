"""Why over HTTP: the real desk of answers over a day's journal and its world, asked by leads; agents may not ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from ctiserver import replay, turn
from ctiserver.api.why_api import BEAT
from ctiserver.model import events as ev, facts
from ctiserver.model.turns import Record
from ctiserver.why import Answer
from ctiserver.why_desk import AT_ONCE, WhyDesk
from tests.api.house import House
from tests.drivers.journals import day, written
from tests.fakes.floor import EPOCH

OFFER, WAITING, OVER = "rtest-d-2", "ktest-26", "ktest-d"
"""See tests/drivers/journals.py: one call served, one caller waits at the end of the day."""


class Day:
    """A house whose world is the end of that day."""

    def __init__(self, house: House, records: list[Record]) -> None:
        self.house = house
        self.world, self.cores = replay.house()
        for record in records:
            turn.fold(self.world, self.cores, record)
        folder = written(house.folder / "journal", records)
        now = self.world.now + 12.0
        house.whys = self.desk = WhyDesk(self.world, lambda: self.cores[2].index, folder, EPOCH, lambda: now)

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        answer = await self.house.client.get(path)
        return answer.status, await answer.json()

    async def answer(self, path: str) -> Answer:
        status, body = await self.get(path)
        assert status == 200, body
        return msgspec.convert(body, type=Answer)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return day()


@pytest_asyncio.fixture
async def the_day(house: House, records: list[Record]) -> AsyncIterator[Day]:
    there = Day(house, records)
    await house.reopen()
    await house.log_in("2001")
    yield there


async def test_a_waiting_contact_is_answered_from_the_live_world(the_day: Day) -> None:
    before = msgspec.msgpack.encode(the_day.world.state())
    answer = await the_day.answer(f"/api/v1/contacts/{WAITING}/why")
    assert answer.told is not None
    assert (answer.told.verdict, answer.told.excluded) == ("not_ready", {"not_ready": 1, "signed_out": 2})
    assert answer.told.at - answer.told.entered_at == pytest.approx(12.0, abs=0.1), "now, not the last turn's time"
    assert msgspec.msgpack.encode(the_day.world.state()) == before


async def test_an_offer_of_the_past_and_a_contact_that_is_over_come_from_the_journal(
    the_day: Day, records: list[Record]
) -> None:
    (made,) = [event for record in records for event in record.events if isinstance(event, ev.OfferMade)]
    offer = await the_day.answer(f"/api/v1/offers/{OFFER}/why")
    assert offer.record == made.why
    assert offer.told is not None
    assert [one.agent for one in offer.told.agents if one.place] == ["1001"]
    over = await the_day.answer(f"/api/v1/contacts/{OVER}/why")
    assert over.told is None and over.record == made.why
    assert "ContactConnected" in [one.event for one in over.history]


@pytest.mark.parametrize(
    "path",
    ["contacts/ktest-999", "contacts/kother-26", "contacts/rtest-d-2", "offers/ktest-26", "offers/%20", "contacts/k"],
)
async def test_what_is_not_there_is_a_404_and_starts_nothing(
    the_day: Day, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_day.desk, "_ask", None)
    assert await the_day.get(f"/api/v1/{path}/why") == (
        404,
        {"code": "unknown_contact", "message": "There is no such contact or offer."},
    )


async def test_leads_and_administrators_may_ask_agents_may_not(the_day: Day) -> None:
    paths = (f"/api/v1/contacts/{WAITING}/why", f"/api/v1/offers/{OFFER}/why")
    await the_day.house.log_in("1001")
    for path in paths:
        assert (await the_day.get(path))[0] == 403
    await the_day.house.log_in("admin")
    assert (await the_day.get(paths[0]))[0] == 200


async def test_many_who_ask_about_the_past_wait_or_are_refused(
    the_day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time, a few wait, more are told to come again."""
    running, most, go_on = 0, 0, asyncio.Event()
    ask = the_day.desk._ask

    async def slow(name: str) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1
        return await ask(OVER)

    monkeypatch.setattr(the_day.desk, "_ask", slow)
    asked = [asyncio.create_task(the_day.get(f"/api/v1/offers/{OFFER}/why")) for _ in range(AT_ONCE + 2)]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result()[0] for task in done} == {503}
    go_on.set()
    statuses = [status for status, _ in await asyncio.gather(*asked)]
    assert sorted(statuses) == [200] * AT_ONCE + [503] * 2
    assert most == 1


async def test_an_answer_that_takes_too_long_is_a_503_and_leaves_no_process(
    the_day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctiserver.why_desk.PATIENCE", 0.05)
    status, body = await the_day.get(f"/api/v1/offers/{OFFER}/why")
    assert (status, body["code"]) == (503, "cannot_answer")


async def test_a_journal_that_cannot_tell_is_a_503(the_day: Day) -> None:
    for path in (the_day.house.folder / "journal").glob("journal-*.log"):
        path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    status, body = await the_day.get(f"/api/v1/offers/{OFFER}/why")
    assert (status, body["code"]) == (503, "cannot_answer")


async def test_the_list_of_those_who_wait_comes_live(the_day: Day) -> None:
    """The whole list at once, then again when it has changed: somebody hangs up."""
    house = the_day.house
    socket = await house.client.ws_connect("/api/v1/waiting/live", headers={"Origin": house.origin})
    first = await socket.receive_json(timeout=5)
    (row,) = first["waiting"]
    assert (first["count"], row["contact"], row["queue"], row["able"]) == (1, WAITING, "service", 3)
    assert (row["requires"], row["step"], row["steps"], row["offered_to"]) == ("zh >= 10", 1, 0, [])
    conversation = the_day.world.contacts[WAITING].conversation  # type: ignore[index]
    leg = the_day.world.conversations[conversation].customer_leg
    gone = facts.LegEnded(leg=leg, cause=16, at=the_day.world.now)
    turn.run(the_day.world, the_day.cores, gone, epoch=EPOCH, at=the_day.world.now, seed=1)
    assert await socket.receive_json(timeout=BEAT + 5) == {"now": first["now"], "count": 0, "waiting": []}
    await socket.close()


async def test_the_live_list_ends_with_the_login(the_day: Day) -> None:
    house = the_day.house
    csrf = await house.log_in("2001")
    socket = await house.client.ws_connect("/api/v1/waiting/live", headers={"Origin": house.origin})
    await socket.receive(timeout=5)
    await house.client.post("/api/v1/logout", headers=csrf)
    end = await socket.receive(timeout=5)
    assert (end.type, end.data) == (WSMsgType.CLOSE, 4401)


async def test_without_origin_or_as_an_agent_there_is_no_live_list(the_day: Day) -> None:
    house = the_day.house
    socket_headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert (await house.client.get("/api/v1/waiting/live", headers=socket_headers)).status == 403
    await house.log_in("1001")
    answer = await house.client.get("/api/v1/waiting/live", headers={"Origin": house.origin})
    assert answer.status == 403
