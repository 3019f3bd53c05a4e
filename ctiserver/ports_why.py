"""Why, as the HTTP side sees it: the port, and the list of those who wait.

Lives here: Protocol and plain values. Not here: answers (`ctiserver.why`), where they are worked out
(`ctiserver.why_desk` implements the port). Times are epoch seconds.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from ctiserver.model.ids import AgentId, ContactId, QueueId
from ctiserver.model.routing import Label
from ctiserver.why import Answer


class CannotAnswer(Exception):
    """Not now: too many ask, or the journal cannot tell. One line."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One contact that waits or is being offered. `due` orders the list (the fair order); `able`: agents of the site
    who could ever have it as it is asked for now, 0 = nobody."""

    contact: ContactId
    queue: QueueId
    queue_name: Label
    medium: str
    entered_at: float
    due: float
    head: bool
    offers: int
    offered_to: tuple[AgentId, ...]
    requires: str
    step: int
    steps: int
    able: int


class WaitingNow(msgspec.Struct, frozen=True, kw_only=True):
    """`count`: all; `waiting`: the first of them. `now`: the server's clock."""

    now: float
    count: int
    waiting: tuple[Waiting, ...]


class Whys(Protocol):
    @property
    def seq(self) -> int:
        """The last turn's number: as long as it stays, so does the list."""

    def waiting(self) -> WaitingNow: ...

    async def contact(self, name: str) -> Answer:
        """Raises Unknown, CannotAnswer."""

    async def offer(self, name: str) -> Answer:
        """Raises Unknown, CannotAnswer."""
