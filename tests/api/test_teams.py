"""Permissions by team: a lead sees and touches the own agents, who waits for them, and their calls. Nothing else.

2001 leads 1001, who serves `service`; 1002 serves `order` and is led by somebody else. Every address of a lead is tried
on what is not his: a new one without a line here makes this file fail.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest_asyncio

from acd.core import queue_now
from acd.core.index import Index
from ctiserver.api.app import ROUTES
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, ConversationId, InteractionId, LegId, QueueId
from ctiserver.model.principal import Permission
from ctiserver.model.routing import GroupConfig, ServesConfig
from ctiserver.model.site import AgentConfig, Label, QueueConfig, ReasonConfig, SiteConfig
from ctiserver.model.talk import Conversation, Place
from ctiserver.model.work import Agent, Contact, ContactState
from ctiserver.model.world import World, WorldState
from ctiserver.ports_why import Waiting, WaitingNow
from ctiserver.store.projection import Projector
from ctiserver.why import Answer
from monitor.server import Boards
from tests.api.house import START, House
from tests.contract.day import connected, ended, queued, record

NAME = Label(zh="名", en="name")
LEADS = (Permission.FLOOR, Permission.WHY, Permission.SWITCH_QUEUES, Permission.ALL_CALLS, Permission.MONITOR)

REFUSED: list[tuple[str, str, str, Any]] = [
    ("POST", "/api/v1/floor/agents/{agent}/state", "/api/v1/floor/agents/1002/state", {"state": "ready"}),
    ("PATCH", "/api/v1/floor/agents/{agent}", "/api/v1/floor/agents/1002", {"skills": {"x": 1}}),
    ("PATCH", "/api/v1/floor/agents/{agent}", "/api/v1/floor/agents/1001", {"queues": ["order"]}),
    ("POST", "/api/v1/floor/calls/{conversation}/end", "/api/v1/floor/calls/c1-3/end", {}),
    ("POST", "/api/v1/floor/calls/{conversation}/end", "/api/v1/floor/calls/c1-2/end", {}),
    ("POST", "/api/v1/floor/contacts/{contact}/pull", "/api/v1/floor/contacts/k1-2/pull", {"agent": "1001"}),
    ("POST", "/api/v1/floor/contacts/{contact}/pull", "/api/v1/floor/contacts/k1-1/pull", {"agent": "1002"}),
    ("POST", "/api/v1/floor/contacts/{contact}/priority", "/api/v1/floor/contacts/k1-2/priority", {"seconds": 60}),
    ("POST", "/api/v1/floor/messages", "/api/v1/floor/messages", {"text": "x", "agents": ["1001", "1002"]}),
    ("POST", "/api/v1/queues/{queue}/close", "/api/v1/queues/order/close", {}),
    ("POST", "/api/v1/queues/{queue}/open", "/api/v1/queues/order/open", {}),
    ("POST", "/api/v1/lost-callers/{contact}/callback", "/api/v1/lost-callers/k9-2/callback", {}),
    ("POST", "/api/v1/lost-callers/{contact}/dismiss", "/api/v1/lost-callers/k9-2/dismiss", {}),
    ("POST", "/api/v1/callbacks/{contact}/cancel", "/api/v1/callbacks/k1-2/cancel", {}),
    ("GET", "/api/v1/contacts/{contact}/why", "/api/v1/contacts/k1-2/why", None),
    ("GET", "/api/v1/offers/{reservation}/why", "/api/v1/offers/r1-2/why", None),
    ("POST", "/api/v1/talks/{conversation}/monitor", "/api/v1/talks/c1-3/monitor", {}),
    ("POST", "/api/v1/talks/{conversation}/monitor/change", "/api/v1/talks/c1-3/monitor/change", {}),
    ("POST", "/api/v1/talks/{conversation}/disconnect", "/api/v1/talks/c1-3/disconnect", {}),
    ("POST", "/api/v1/talks/{conversation}/disconnect", "/api/v1/talks/c1-2/disconnect", {}),
    *(
        ("POST", f"/api/v1/talks/{{conversation}}/{what}", f"/api/v1/talks/c1-3/{what}", {})
        for what in ("take-over", "hold", "retrieve", "hang-up", "transfer")
    ),
]
SHOWN_IN_PART = (
    *("/api/v1/queues", "/api/v1/lost-callers", "/api/v1/callbacks", "/api/v1/waiting/live", "/api/v1/floor/live"),
    *("/api/v1/floor/audit", "/api/v1/talks", "/api/v1/talks/live"),
)
HIS_OWN = (
    *("/api/v1/seat/phone", "/api/v1/seat/phone/ready", "/api/v1/seat/phone/desk", "/api/v1/seat/phone/release"),
    "/api/v1/talks/{conversation}/monitor/stop",
)
"""His own phone; and leaving a call that he is in, whoever talks there by now."""


def teams_site() -> SiteConfig:
    ours = GroupConfig(id="ours", name=NAME, serves=(ServesConfig(queue="service"),), leads=("2001",))
    theirs = GroupConfig(id="theirs", name=NAME, serves=(ServesConfig(queue="order"),), leads=("2002",))
    return SiteConfig(
        queues=tuple(QueueConfig(id=name, name=NAME) for name in ("service", "order")),
        groups=(ours, theirs),
        agents=tuple(AgentConfig(id=n, name=NAME, group=g) for n, g in (("1001", "ours"), ("1002", "theirs"))),
        reasons=(ReasonConfig(id="break", name=NAME),),
    )


def teams_world() -> World:
    """k1-1 waits in `service`, k1-2 in `order`; 1001 talks in c1-4, 1002 in c1-3."""
    calls = {"1": ("service", None), "2": ("order", None), "3": ("order", "1002"), "4": ("service", "1001")}
    contacts, conversations = {}, {}
    for n, (queue, agent) in calls.items():
        contact, conversation = ContactId(f"k1-{n}"), ConversationId(f"c1-{n}")
        who = AgentId(agent) if agent else None
        contacts[contact] = Contact(
            id=contact,
            conversation=conversation,
            queue=QueueId(queue),
            requires="",
            priority=0.0,
            queued_at=START,
            entered_at=START,
            state=ContactState.CONNECTED if who else ContactState.WAITING,
            agent=who,
        )
        conversations[conversation] = Conversation(
            id=conversation,
            interaction=InteractionId("i1"),
            customer_leg=LegId(n),
            dialled="95500",
            caller_number="1",
            caller_name="",
            arrived_at=START,
            legs={},
            place=Place.TALKING if who else Place.WAITING,
            contact=contact,
            agent=who,
        )
    agents = {AgentId(n): Agent(id=AgentId(n), signed_in=True) for n in ("1001", "1002")}
    return World(
        WorldState(site=teams_site(), agents=agents, contacts=contacts, conversations=conversations, now=START)
    )


class Whys:
    """Everything asked for is of the queue `order`, but k1-1."""

    seq = 1

    def waiting(self) -> WaitingNow:
        rows = tuple(
            Waiting(
                contact=ContactId(contact),
                queue=QueueId(queue),
                queue_name=NAME,
                medium="voice",
                entered_at=START,
                due=START,
                head=False,
                offers=0,
                offered_to=(),
                requires="",
                step=1,
                steps=0,
                able=1,
            )
            for contact, queue in (("k1-1", "service"), ("k1-2", "order"))
        )
        return WaitingNow(now=START, count=2, waiting=rows)

    async def contact(self, name: str) -> Answer:
        queue = "service" if name == "k1-1" else "order"
        return Answer(subject="contact", contact=ContactId(name), queue=queue, history=())

    async def offer(self, name: str) -> Answer:
        return await self.contact(name)


@pytest_asyncio.fixture
async def teams(house: House) -> House:
    world = house.world = teams_world()
    house.queues = queue_now.look(world, Index(world), START)
    house.whys = Whys()
    house.routes = Boards(world, now=house.clock).routes()
    events: list[tuple[ev.Event, ...]] = []
    for n, (queue, agent) in enumerate((("service", "1001"), ("order", "1002")), 1):
        conversation, contact = f"c9-{n}", f"k9-{n}"
        started = ev.ConversationStarted(
            conversation=ConversationId(conversation),
            interaction=InteractionId(f"i9-{n}"),
            leg=LegId(f"9.{n}"),
            dialled="95500",
            caller_number=f"1390000000{n}",
            caller_name="",
            at=START - 100,
        )
        events.append((started, queued(contact, conversation, queue, START - 100)))
        events.append((ended(contact, conversation, queue, EndReason.ABANDONED, START - 60),))
        events.append((queued(f"k8-{n}", conversation, queue, START - 50),))
        talk = connected(f"k8-{n}", conversation, START - 40)
        events.append((msgspec.structs.replace(talk, agent=AgentId(agent)),))
        events.append((ev.LeadActed(by="admin", what="ForceState", agent=AgentId(agent), at=START - 30),))
    records = [record(seq, *of) for seq, of in enumerate(events, 1)]
    await Projector(house.database, "1", len(records), lambda seq: iter(records[seq - 1 :])).catch_up()
    await house.reopen()
    return house


def test_every_address_of_a_lead_is_tried() -> None:
    boards = Boards(World()).routes()
    asked = {route.path for route in (*ROUTES, *boards) if route.access in LEADS}
    assert asked == {path for _, path, _, _ in REFUSED} | {*SHOWN_IN_PART} | {*HIS_OWN}


async def test_what_is_of_another_team_is_refused(teams: House) -> None:
    csrf = await teams.log_in("2001")
    for method, _, path, body in REFUSED:
        answer = await teams.client.request(method, path, headers=csrf, json=body)
        assert (answer.status, (await answer.json())["code"]) == (403, "not_your_team"), path
    assert teams.desk.commands == []


async def test_an_administrator_has_everything(teams: House) -> None:
    csrf = await teams.log_in("admin")
    for method, _, path, body in REFUSED:
        answer = await teams.client.request(method, path, headers=csrf, json=body)
        if "/talks/" in path:  # listening is the leads'
            assert answer.status == 403
        else:
            assert (await answer.json()).get("code") != "not_your_team", path


async def test_his_own_he_may(teams: House) -> None:
    csrf = await teams.log_in("2001")
    for path, body in (
        ("/api/v1/floor/agents/1001/state", {"state": "not_ready", "reason": "break"}),
        ("/api/v1/floor/contacts/k1-1/pull", {"agent": "1001"}),
        ("/api/v1/floor/contacts/k1-1/priority", {"seconds": 60}),
        ("/api/v1/floor/calls/c1-4/end", {}),
        ("/api/v1/floor/messages", {"text": "lunch"}),
        ("/api/v1/queues/service/close", {}),
        ("/api/v1/lost-callers/k9-1/dismiss", {}),
    ):
        answer = await teams.client.post(path, headers=csrf, json=body)
        assert answer.status == 200, (path, await answer.text())
    told = teams.desk.commands[4]
    assert isinstance(told, cmd.SendMessage)
    assert told.agents == ("1001",), "all: those of the own teams"
    assert (await teams.client.get("/api/v1/contacts/k1-1/why")).status == 200


async def test_lists_show_the_own_part(teams: House) -> None:
    async def get(path: str) -> Any:
        return await (await teams.client.get(path)).json()

    await teams.log_in("2001")
    assert [row["id"] for row in (await get("/api/v1/queues"))["queues"]] == ["service"]
    assert [row["contact"] for row in (await get("/api/v1/lost-callers"))["callers"]] in (["k9-1"], [])
    assert [row["contact"] for row in (await get("/api/v1/calls"))["calls"]] == ["k8-1"]
    assert [line["agent"] for line in (await get("/api/v1/floor/audit"))["lines"]] == ["1001"]
    assert [talk["conversation"] for talk in (await get("/api/v1/talks"))["talks"]] == ["c1-4"]
    async with teams.client.ws_connect("/api/v1/waiting/live", headers={"Origin": teams.origin}) as socket:
        heard = await socket.receive_json(timeout=5)
        assert (heard["count"], [row["contact"] for row in heard["waiting"]]) == (1, ["k1-1"])
    async with teams.client.ws_connect("/api/v1/floor/live", headers={"Origin": teams.origin}) as socket:
        heard = await socket.receive_json(timeout=5)
        assert heard["docs"].keys() == {"site", "agent/1001", "queue/service", "call/c1-1", "call/c1-4"}
    await teams.log_in("admin")
    assert len((await get("/api/v1/floor/audit"))["lines"]) == 2
    assert len((await get("/api/v1/calls"))["calls"]) >= 2


async def test_an_agent_is_no_lead(teams: House) -> None:
    csrf = await teams.log_in("1001")
    for method, _, path, body in REFUSED:
        answer = await teams.client.request(method, path, headers=csrf, json=body)
        assert answer.status == 403, path
    assert (await teams.client.get("/api/v1/floor/live", headers={"Origin": teams.origin})).status == 403
    assert teams.desk.commands == []


async def test_hostile_bodies_and_names_reach_nobody(teams: House) -> None:
    csrf = await teams.log_in("admin")
    states: tuple[Any, ...] = ({"state": "asleep"}, {"state": None}, {}, {"state": "ready", "reason": "x" * 65}, [])
    for body in (*states, "ready", {"state": ["ready"]}):
        answer = await teams.client.post("/api/v1/floor/agents/1001/state", headers=csrf, json=body)
        assert answer.status == 400, body
    for seconds in (-1, 86_401, "60", None):
        body = {"seconds": seconds}
        assert (await teams.client.post("/api/v1/floor/contacts/k1-1/priority", headers=csrf, json=body)).status == 400
    for body in ({"text": ""}, {"text": "x" * 501}, {"text": "x", "agents": []}, {"text": "x", "agents": ["%00"]}):
        assert (await teams.client.post("/api/v1/floor/messages", headers=csrf, json=body)).status == 400, body
    for name in ("%00", "a" * 65, "..%2f..", "1001%20", "'--"):
        for path, body in (
            (f"/api/v1/floor/agents/{name}/state", {"state": "ready"}),
            (f"/api/v1/floor/contacts/{name}/pull", {"agent": "1001"}),
            (f"/api/v1/floor/contacts/{name}/priority", {"seconds": 1}),
            (f"/api/v1/floor/calls/{name}/end", {}),
        ):
            assert (await teams.client.post(path, headers=csrf, json=body)).status == 404, path
    assert teams.desk.commands == []
