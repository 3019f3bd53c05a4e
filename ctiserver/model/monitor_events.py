"""Events of team leads in calls (made by ctiserver.calls): in the journal they are the audit log of listening.

Import them from `ctiserver.model.events`. `lead` is the lead's seat, `by` the user, `listened` the agent whose talk it
is at that moment (None: nobody's).
"""

from __future__ import annotations

from ctiserver.model.causes import MonitorEnd, MonitorMode
from ctiserver.model.event_base import EventBase
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LegId, QueueId


class MonitorStarted(EventBase, frozen=True, kw_only=True):
    """A lead comes into the call; his phone is being rung. He hears nothing before `MonitorJoined`."""

    conversation: ConversationId
    leg: LegId
    lead: AgentId
    by: str
    listened: AgentId | None
    mode: MonitorMode
    endpoint: str
    instance: str
    at: float


class MonitorJoined(EventBase, frozen=True, kw_only=True):
    """His phone has answered: from now on he hears."""

    conversation: ConversationId
    lead: AgentId
    by: str
    listened: AgentId | None
    mode: MonitorMode
    at: float


class MonitorChanged(EventBase, frozen=True, kw_only=True):
    """From now on the lead listens, whispers or barges: `mode`."""

    conversation: ConversationId
    lead: AgentId
    by: str
    listened: AgentId | None
    mode: MonitorMode
    at: float


class MonitorMoved(EventBase, frozen=True, kw_only=True):
    """The customer talks to another agent now, and the lead is still there."""

    conversation: ConversationId
    lead: AgentId
    by: str
    listened: AgentId | None
    mode: MonitorMode
    at: float


class MonitorStopped(EventBase, frozen=True, kw_only=True):
    """The lead is out of the call, or never came in."""

    conversation: ConversationId
    lead: AgentId
    by: str
    listened: AgentId | None
    mode: MonitorMode
    why: MonitorEnd
    at: float


class CallTakenOver(EventBase, frozen=True, kw_only=True):
    """The lead has the agent's place: his leg `leg` talks, `agent` is through with his `contact` (of `queue`). `data`,
    `path` and `priority` are that contact's: they go with the customer when the lead sends him on."""

    conversation: ConversationId
    contact: ContactId
    agent: AgentId
    queue: QueueId
    note: str
    leg: LegId
    lead: AgentId
    by: str
    at: float
    data: dict[str, str] = {}
    path: tuple[str, ...] = ()
    priority: float = 0.0


class WhisperOpened(EventBase, frozen=True, kw_only=True):
    """A snoop on the agent's leg `leg` is being made for the whispering lead."""

    conversation: ConversationId
    snoop: LegId
    leg: LegId


class WhisperClosed(EventBase, frozen=True, kw_only=True):
    """The snoop is no longer wanted; a new one is made for another leg of the agent."""

    conversation: ConversationId
