"""Team leads in calls over HTTP: who may, whose phone it is, what is asked of the core, and the log."""

from __future__ import annotations

import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import MonitorEnd, MonitorMode
from ctiserver.model.ids import ConversationId, seat
from ctiserver.model.turns import Record
from ctiserver.store.projection import Projector
from tests.api.house import House

CALL = "/api/v1/talks/c0-1"


async def test_a_lead_asks_in_his_own_name_from_his_seat(house: House) -> None:
    csrf = await house.log_in("2001")
    for what, body in (
        ("monitor", {"mode": "whisper"}),
        ("monitor/change", {"mode": "barge"}),
        ("monitor/stop", {}),
        ("disconnect", {}),
    ):
        answer = await house.client.post(f"{CALL}/{what}", headers=csrf, json=body)
        assert answer.status == 200, await answer.text()
    who = {"id": "", "by": "2001", "agent": seat("2001"), "conversation": ConversationId("c0-1")}
    assert house.desk.commands[-4:] == [
        cmd.MonitorCall(**who, mode=MonitorMode.WHISPER),  # type: ignore[arg-type]
        cmd.ChangeMonitor(**who, mode=MonitorMode.BARGE),  # type: ignore[arg-type]
        cmd.StopMonitor(**who),  # type: ignore[arg-type]
        cmd.DisconnectCall(**who),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("user", ["1001", "admin"])
async def test_nobody_else_may(house: House, user: str) -> None:
    csrf = await house.log_in(user)
    for what in ("monitor", "monitor/change", "monitor/stop", "disconnect"):
        assert (await house.client.post(f"{CALL}/{what}", headers=csrf, json={})).status == 403
    assert (await house.client.get("/api/v1/talks")).status == 403
    assert (await house.client.post("/api/v1/seat/phone", headers=csrf, json={"instance": "p"})).status == 403
    assert not house.desk.commands


async def test_a_lead_has_a_phone_without_an_agents_seat(house: House) -> None:
    csrf = await house.log_in("2001")
    answer = await house.client.post("/api/v1/seat/phone", headers=csrf, json={"instance": "page-1"})
    assert answer.status == 200, await answer.text()
    lease = (await answer.json())["lease"]
    assert house.desk.held[lease].agent == seat("2001")
    async with await house.sip(f"/sip?lease={lease}") as socket:
        await socket.send_str("x")
    await house.log_in("1001")
    refused = await house.client.get(f"/sip?lease={lease}", headers={"Origin": house.origin})
    assert refused.status in (403, 404)


async def test_the_log_is_the_administrators(house: House) -> None:
    def turn(seq: int, event: ev.Event) -> Record:
        return Record(seq=seq, at=0.0, seed=1, input=facts.Tick(), events=(event,), effects=(), rejected="")

    told = {"conversation": ConversationId("c0-1"), "lead": seat("2001"), "by": "2001", "listened": "1001"}
    records = [
        turn(1, ev.MonitorJoined(**told, mode=MonitorMode.LISTEN, at=10.25)),  # type: ignore[arg-type]
        turn(2, ev.MonitorChanged(**told, mode=MonitorMode.BARGE, at=20.5)),  # type: ignore[arg-type]
        turn(3, ev.MonitorStopped(**told, mode=MonitorMode.BARGE, why=MonitorEnd.CALL_OVER, at=30.0)),  # type: ignore[arg-type]
    ]
    for _ in range(2):  # reading the journal again changes nothing
        await Projector(house.database, "t", 3, lambda seq: iter(records)).catch_up()
    await house.log_in("2001")
    assert (await house.client.get("/api/v1/monitor-log")).status == 403
    await house.log_in("admin")
    rows = (await (await house.client.get("/api/v1/monitor-log?limit=2")).json())["rows"]
    assert rows[0] == {
        "at": 30.0, "what": "stopped", "by": "2001", "listened": "1001", "conversation": "c0-1",
        "mode": "barge", "why": "call_over",
    }  # fmt: skip
    assert [row["what"] for row in rows] == ["stopped", "changed"]
    rows = (await (await house.client.get("/api/v1/monitor-log?before=20.5")).json())["rows"]
    assert [(row["what"], row["at"]) for row in rows] == [("joined", 10.25)]
