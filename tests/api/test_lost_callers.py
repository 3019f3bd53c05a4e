"""The lists of lost callers and of booked callbacks over HTTP: who may see them, what a lead can do."""

from __future__ import annotations

import pytest

from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import ContactId, ConversationId, InteractionId, LegId
from ctiserver.store.projection import Projector
from tests.api.house import START, House
from tests.contract.day import ended, queued, record

CONTACT = "k1-1"


async def lose_one(house: House) -> None:
    """A caller of the last hour who hung up."""
    started = ev.ConversationStarted(
        conversation=ConversationId("c1-1"),
        interaction=InteractionId("i1-1"),
        leg=LegId("1.1"),
        dialled="95500",
        caller_number="13900000001",
        caller_name="张伟",
        at=START - 100,
    )
    records = [
        record(1, started, queued(CONTACT, "c1-1", "service", START - 100)),
        record(2, ended(CONTACT, "c1-1", "service", EndReason.ABANDONED, START - 60)),
    ]
    await Projector(house.database, "1", 2, lambda seq: iter(records[seq - 1 :])).catch_up()


async def test_a_lead_sees_books_and_dismisses(house: House) -> None:
    await lose_one(house)
    csrf = await house.log_in("2001")
    answer = await house.client.get("/api/v1/lost-callers")
    assert answer.status == 200, await answer.text()
    (row,) = (await answer.json())["callers"]
    assert (row["contact"], row["number"], row["queue"], row["reason"]) == (
        CONTACT,
        "13900000001",
        "service",
        "abandoned",
    )
    assert (await (await house.client.get("/api/v1/lost-callers?hours=0.01")).json())["callers"] == []
    for what in ("callback", "dismiss"):
        response = await house.client.post(f"/api/v1/lost-callers/{CONTACT}/{what}", headers=csrf)
        assert response.status == 200, await response.text()
    booked, dismissed = house.desk.commands[-2:]
    assert booked == cmd.BookCallback(
        id="", by="2001", queue=row["queue"], number="13900000001", name="张伟", of=CONTACT, dialled="95500"
    )
    assert dismissed == cmd.DismissLost(id="", by="2001", contact=ContactId(CONTACT))


@pytest.mark.parametrize("contact", ["nobody", "k1-1x", "%00", "a" * 300])
async def test_an_unknown_one_is_a_404(house: House, contact: str) -> None:
    await lose_one(house)
    csrf = await house.log_in("2001")
    for what in ("callback", "dismiss"):
        response = await house.client.post(f"/api/v1/lost-callers/{contact}/{what}", headers=csrf)
        assert response.status == 404
    assert not house.desk.commands


async def test_an_agent_may_not(house: House) -> None:
    await lose_one(house)
    csrf = await house.log_in("1001")
    assert (await house.client.get("/api/v1/lost-callers")).status == 403
    assert (await house.client.get("/api/v1/callbacks")).status == 403
    for path in (f"lost-callers/{CONTACT}/callback", f"lost-callers/{CONTACT}/dismiss", f"callbacks/{CONTACT}/cancel"):
        assert (await house.client.post(f"/api/v1/{path}", headers=csrf)).status == 403
    assert not house.desk.commands


async def test_a_lead_cancels_a_callback(house: House) -> None:
    csrf = await house.log_in("2001")
    assert (await (await house.client.get("/api/v1/callbacks")).json()) == {"callbacks": [], "queues": {}}
    response = await house.client.post("/api/v1/callbacks/k1-9/cancel", headers=csrf)
    assert response.status == 200
    assert house.desk.commands == [cmd.CancelCallback(id="", by="2001", contact=ContactId("k1-9"))]
    for odd in ("%00", "k1%209", "a" * 65, "%ED%A0%80"):
        assert (await house.client.post(f"/api/v1/callbacks/{odd}/cancel", headers=csrf)).status == 404
    assert len(house.desk.commands) == 1
