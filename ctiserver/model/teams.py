"""Permissions by team: what a lead sees and touches. The ONE place where that is decided.

Pure values. A lead has the agents of the groups that name him (`GroupConfig.leads`), the contacts that wait in queues
which those agents serve, and the calls in which those agents are. On a site where no group names anybody each lead has
everything, as administrators always have.
"""

from __future__ import annotations

import msgspec

from ctiserver.model.ids import AgentId, ConversationId, QueueId
from ctiserver.model.principal import Principal, Role
from ctiserver.model.site import SiteConfig
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import World


class Teams(msgspec.Struct, frozen=True):
    """The groups that somebody leads. None: everything is his."""

    groups: tuple[str, ...] | None

    @property
    def all(self) -> bool:
        return self.groups is None


EVERYTHING = Teams(None)


def teams_of(site: SiteConfig, principal: Principal) -> Teams:
    """Administrators have everything, agents nothing; leads what names them, or everything while no group names one."""
    if principal.role is Role.ADMIN:
        return EVERYTHING
    if principal.role is not Role.LEAD:
        return Teams(())
    if not any(group.leads for group in site.groups):
        return EVERYTHING
    return Teams(tuple(sorted(group.id for group in site.groups if principal.user in group.leads)))


def has_agent(world: World, teams: Teams, agent: AgentId) -> bool:
    """Whether he is of these teams; one without a group is nobody's but of those who have everything."""
    if teams.groups is None:
        return True
    config = world.agent_configs.get(agent)
    return config is not None and config.group in teams.groups and bool(config.group)


def queues_of(world: World, teams: Teams) -> dict[QueueId, None]:
    """The queues that the teams' agents serve, in the site's order."""
    if teams.groups is None:
        return dict.fromkeys(world.queue_configs)
    served: dict[QueueId, None] = {}
    for name in world.agent_configs:
        if has_agent(world, teams, name):
            served.update(dict.fromkeys(world.serves.get(name, ())))
    return {queue: None for queue in world.queue_configs if queue in served}


def has_queue(world: World, teams: Teams, queue: QueueId) -> bool:
    """Whether an agent of these teams serves the queue."""
    return teams.groups is None or any(has_agent(world, teams, name) for name in world.members.get(queue, ()))


def has_contact(world: World, teams: Teams, contact: Contact) -> bool:
    """One that was answered belongs to the agent's team; one that waits, to all who serve its queue."""
    if contact.agent is not None and contact.state not in (ContactState.WAITING, ContactState.RESERVED):
        return has_agent(world, teams, contact.agent)
    return has_queue(world, teams, contact.queue)


def has_conversation(world: World, teams: Teams, name: ConversationId) -> bool:
    """The call of an agent of theirs, or of one who waits for them; a caller who is in a flow is nobody's yet."""
    if teams.groups is None:
        return True
    conversation = world.conversations.get(name)
    if conversation is None:
        return False
    if conversation.agent is not None:
        return has_agent(world, teams, conversation.agent)
    contact = world.contacts.get(conversation.contact) if conversation.contact is not None else None
    return contact is not None and contact.state is not ContactState.ENDED and has_contact(world, teams, contact)
