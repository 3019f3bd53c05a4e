"""The live world behind `ports_talks.Talks`. No rules here."""

from __future__ import annotations

from ctiserver import talks
from ctiserver.model.ids import AgentId
from ctiserver.model.world import World
from ctiserver.talks import SeatPhone, Talk


class TalksDesk:
    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def seq(self) -> int:
        return self._world.seq

    def all(self) -> list[Talk]:
        return talks.talks(self._world)

    def agent_of(self, conversation: str) -> AgentId | None:
        return talks.agent_of(self._world, conversation)

    def phone(self, seat: AgentId) -> SeatPhone | None:
        return talks.seat_phone(self._world, seat)
