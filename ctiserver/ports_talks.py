"""What the HTTP side needs to show talks to team leads and to let them in (implemented by the composition root)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ctiserver.model.ids import AgentId
from ctiserver.talks import SeatPhone, Talk


class MonitorRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log of listening. `what`: started (his phone rings), joined, changed, moved (another agent talks
    to the customer now) or stopped, with `why`; `listened`: the agent whose talk it was at `at` (epoch seconds)."""

    at: float
    what: str
    by: str
    listened: str | None
    conversation: str
    mode: str
    why: str


class MonitorLog(Protocol):
    """May raise DatabaseUnavailable."""

    async def rows(self, limit: int, before: float | None) -> Sequence[MonitorRow]:
        """Newest first."""


class Talks(Protocol):
    @property
    def seq(self) -> int:
        """Nothing changes without another number."""

    def all(self) -> Sequence[Talk]: ...

    def agent_of(self, conversation: str) -> AgentId | None:
        """Whose talk it is; None: nobody's, or there is none."""

    def phone(self, seat: AgentId) -> SeatPhone | None: ...
