"""Queues over HTTP: how they stand, and the emergency switch, for leads and administrators alone."""

from __future__ import annotations

import pytest

from acd.core.queue_now import look
from acd.core.queue_rules import LEAVE
from ctiserver.model import commands as cmd
from ctiserver.model.ids import QueueId
from tests.acd.house import House as Floor, queue, site
from tests.api.house import House


@pytest.fixture
def floor(house: House) -> Floor:
    """Three callers: one waits, one gave up, one came when the queue was closed by hand."""
    floor = Floor(site([queue("service", at_close=LEAVE), queue("order")]))
    floor.call("order")
    floor.hang_up(floor.call("order"))
    floor.take(cmd.CloseQueue(id="x", by="2001", queue=QueueId("order"), reason="fire drill"))
    floor.call("order")
    house.queues = look(floor.world, floor.acd.index, floor.now)
    return floor


async def test_a_lead_sees_what_became_of_everybody(house: House, floor: Floor) -> None:
    await house.log_in("2001")
    answer = await house.client.get("/api/v1/queues")
    service, order = (await answer.json())["queues"]
    assert (service["id"], service["open"], service["entered"]) == ("service", True, 0)
    assert order["open"] is False
    assert (order["closed_by"], order["closed_reason"], order["closed_at"]) == ("2001", "fire drill", floor.now)
    assert (order["waiting"], order["entered"], order["ended"]) == (1, 3, {"abandoned": 1, "closed": 1})
    assert (order["predicted_seconds"], order["held"], order["told"]) == (None, None, None), "too little is known"


@pytest.mark.parametrize("user", ["2001", "admin"])
async def test_a_lead_or_an_administrator_closes_and_opens(house: House, floor: Floor, user: str) -> None:
    csrf = await house.log_in(user)
    closed = await house.client.post("/api/v1/queues/service/close", headers=csrf, json={"reason": "flood"})
    opened = await house.client.post("/api/v1/queues/order/open", headers=csrf)
    assert (closed.status, opened.status) == (200, 200)
    assert house.desk.commands[-2:] == [
        cmd.CloseQueue(id="", by=user, queue=QueueId("service"), reason="flood"),
        cmd.OpenQueue(id="", by=user, queue=QueueId("order")),
    ]


async def test_what_is_no_queue_is_a_404_and_a_long_reason_a_400(house: House, floor: Floor) -> None:
    csrf = await house.log_in("2001")
    assert (await house.client.post("/api/v1/queues/nowhere/open", headers=csrf)).status == 404
    too_long = {"reason": "x" * 201}
    assert (await house.client.post("/api/v1/queues/order/close", headers=csrf, json=too_long)).status == 400
    assert not house.desk.commands


async def test_an_agent_may_not(house: House, floor: Floor) -> None:
    csrf = await house.log_in("1001")
    assert (await house.client.get("/api/v1/queues")).status == 403
    assert (await house.client.post("/api/v1/queues/order/open", headers=csrf)).status == 403
    assert (await house.client.post("/api/v1/queues/order/close", headers=csrf, json={})).status == 403
    assert not house.desk.commands
