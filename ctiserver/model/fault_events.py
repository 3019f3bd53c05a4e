"""Events of repairs: what the cores do about faults that the auditor has found.

Import them from `ctiserver.model.events`. Most repairs use the events of everyday work; these are for states that
everyday work never reaches.
"""

from __future__ import annotations

from ctiserver.model.event_base import EventBase
from ctiserver.model.faults import FaultKind
from ctiserver.model.ids import AgentId, ContactId, ConversationId, QueueId


class FaultFound(EventBase, frozen=True, kw_only=True):
    """A fault and what was done about it; `repair` is empty when nothing was (no repair is known, or it was tried
    often enough)."""

    kind: FaultKind
    target: str
    conversation: ConversationId | None
    detail: str
    repair: str
    at: float


class DeadlineMended(EventBase, frozen=True, kw_only=True):
    """A deadline is set as the state wants it; None: it has no cause and is dropped."""

    key: str
    due: float | None


class BookMended(EventBase, frozen=True, kw_only=True):
    """A queue's account did not add up: so many callers count as having entered it."""

    queue: QueueId
    entered: int


class WorkDropped(EventBase, frozen=True, kw_only=True):
    """An agent is freed of a piece of work that nothing else would ever end."""

    agent: AgentId
    contact: ContactId
    at: float


class ContactForgotten(EventBase, frozen=True, kw_only=True):
    """An ended contact that nobody has in hand is dropped."""

    contact: ContactId


class IndexRebuilt(EventBase, frozen=True, kw_only=True):
    """The ACD's index did not fit the state and is derived anew."""

    at: float
