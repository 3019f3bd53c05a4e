"""What a desktop shows of queues that an agent serves through his group."""

from __future__ import annotations

from agent_desktop import view
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.routing import GroupConfig, Label, ServesConfig
from ctiserver.model.site import AgentConfig, QueueConfig, SiteConfig
from ctiserver.model.work import Agent
from ctiserver.model.world import World, WorldState

NAME = Label(zh="队", en="team")


def test_the_queues_of_the_group_come_before_his_own_and_count_him() -> None:
    site = SiteConfig(
        queues=tuple(QueueConfig(id=name, name=NAME) for name in ("order", "service")),
        groups=(GroupConfig(id="first", name=NAME, serves=(ServesConfig(queue="service"),)),),
        agents=(AgentConfig(id="1001", name=NAME, group="first", queues=("order",)),),
    )
    ready = Agent(id=AgentId("1001"), signed_in=True, ready=True)
    world = World(WorldState(site=site, agents={AgentId("1001"): ready}))
    assert view.keys_of(world, AgentId("1001")) == ("me", "site", "queue/service", "queue/order")
    me, queue = view.me(world, AgentId("1001")), view.queue_doc(world, QueueId("service"))
    assert me is not None
    assert me.queues == ("service", "order")
    assert queue is not None
    assert (queue.staffed, queue.ready) == (1, 1)
