"""What a lead may see and touch, asked at the edge: `ctiserver.model.teams` over the live world.

Lives here: looking things up by the ids of a request, and the refusal. Not here: the rule itself. What is unknown is
let through to whoever has everything (the core says that it is unknown) and refused to everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ctiserver.api.errors import Forbidden
from ctiserver.model import teams
from ctiserver.model.ids import AgentId, ContactId, ConversationId, QueueId
from ctiserver.model.principal import Principal
from ctiserver.model.teams import Teams
from ctiserver.model.world import World

Row = TypeVar("Row")


class Rights:
    """Over the live world. Every check raises Forbidden."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def teams(self, principal: Principal) -> Teams:
        """The groups whose agents he may touch."""
        return teams.teams_of(self._world().site, principal)

    def leads(self, principal: Principal, name: AgentId) -> bool:
        """Whether he may touch this agent; unlike the checks below it raises nothing."""
        return teams.has_agent(self._world(), self.teams(principal), name)

    def agent(self, principal: Principal, name: AgentId) -> None:
        """Insists that the agent is of his teams."""
        self._insist(self.leads(principal, name))

    def queue(self, principal: Principal, name: QueueId) -> None:
        """Insists that an agent of his teams serves the queue."""
        self._insist(teams.has_queue(self._world(), self.teams(principal), name))

    def contact(self, principal: Principal, name: ContactId) -> None:
        """Insists that the contact is his teams': see `teams.has_contact`."""
        mine, found = self.teams(principal), self._world().contacts.get(name)
        self._insist(mine.all or (found is not None and teams.has_contact(self._world(), mine, found)))

    def conversation(self, principal: Principal, name: ConversationId) -> None:
        """Insists that the call is his teams': see `teams.has_conversation`."""
        self._insist(teams.has_conversation(self._world(), self.teams(principal), name))

    def agents(self, principal: Principal) -> tuple[AgentId, ...] | None:
        """The agents that he leads, in the site's order; None: all there are, were and will be."""
        world, mine = self._world(), self.teams(principal)
        if mine.all:
            return None
        return tuple(name for name in world.agent_configs if teams.has_agent(world, mine, name))

    def of_queues(self, principal: Principal, rows: Iterable[Row], queue: Callable[[Row], str]) -> tuple[Row, ...]:
        """The rows about queues that his agents serve."""
        world, mine = self._world(), self.teams(principal)
        if mine.all:
            return tuple(rows)
        queues = teams.queues_of(world, mine)
        return tuple(row for row in rows if queue(row) in queues)

    def _insist(self, may: bool) -> None:
        if not may:
            raise Forbidden("not_your_team", "This belongs to another team.")
