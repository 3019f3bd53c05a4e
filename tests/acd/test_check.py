"""The checker's own cost: it is asked in the running server, so it must look at everything once."""

from __future__ import annotations

import time

import msgspec

from acd.core import check
from acd.core.index import Index
from ctiserver.model.ids import AgentId, BridgeId, ContactId, ConversationId, InteractionId, LeaseId, LegId, QueueId
from ctiserver.model.site import AgentConfig
from ctiserver.model.talk import Conversation, Leg, LegState, Place, Role
from ctiserver.model.work import Agent, Contact, ContactState, Device, WorkItem, WorkKind
from ctiserver.model.world import World, WorldState
from tests.scenarios.conftest import label, make_site


def full_house(size: int) -> World:
    """`size` agents and as many callers: four of five talk, the others wait while the other agents have a break."""
    names = [f"{n:05d}" for n in range(size)]
    agents = tuple(AgentConfig(id=n, name=label(n), skills={"zh": 50, "en": 10}, queues=("service",)) for n in names)
    world = World(WorldState(site=msgspec.structs.replace(make_site(), agents=agents), switch_up=True, now=1000.0))
    for n, name in enumerate(names):
        talks = n % 5 > 0
        lease = LeaseId(f"d{n:016x}")
        device = Device(lease=lease, endpoint=lease, instance="page", registered=True, contact=True)
        agent = Agent(id=AgentId(name), signed_in=True, ready=talks, links=1, device=device)
        conversation, contact, leg = ConversationId(f"ctest-{n:x}"), ContactId(f"ktest-{n:x}"), LegId(f"{n}.1")
        world.agents[agent.id] = agent
        world.conversations[conversation] = Conversation(
            id=conversation,
            interaction=InteractionId(f"itest-{n:x}"),
            customer_leg=leg,
            dialled="95500",
            caller_number="",
            caller_name="",
            arrived_at=1.0,
            legs={leg: Leg(id=leg, role=Role.CUSTOMER, state=LegState.CONNECTED, created_at=1.0)},
            place=Place.WAITING,
            bridges=(BridgeId(f"{conversation}-h"),),
            contact=contact,
        )
        world.contacts[contact] = Contact(
            id=contact,
            conversation=conversation,
            queue=QueueId("service"),
            requires="zh >= 10",
            priority=0.0,
            queued_at=1.0,
            entered_at=1.0,
            state=ContactState.CONNECTED if talks else ContactState.WAITING,
            agent=agent.id if talks else None,
        )
        if talks:
            agent.work[contact] = WorkItem(
                contact=contact, conversation=conversation, kind=WorkKind.BUSY, since=1.0
            )
        else:
            world.deadlines.set(f"acd.maxwait:{contact}", 5000.0)
    return world


def seconds(size: int) -> float:
    """CPU of one check, the least of five."""
    world = full_house(size)
    index = Index(world)
    took: list[float] = []
    for _ in range(5):
        began = time.process_time()
        assert check.faults(world, index) == []
        took.append(time.process_time() - began)
    return min(took)


def test_four_times_the_house_takes_some_four_times_as_long() -> None:
    small, large = seconds(500), seconds(2000)
    print(f"500 agents and contacts: {small * 1000:.1f} ms; 2,000: {large * 1000:.1f} ms")
    assert large < 9 * small, "a square would be sixteen times"
