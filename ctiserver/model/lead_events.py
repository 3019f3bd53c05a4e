"""Events of what leads do: states they force, contacts they move, messages.

Import them from `ctiserver.model.events`."""

from __future__ import annotations

from ctiserver.model.event_base import EventBase
from ctiserver.model.ids import AgentId, ContactId, ConversationId
from ctiserver.model.work import Notice


class LeadActed(EventBase, frozen=True, kw_only=True):
    """One line of the audit log: who (`by`, a user) did what (`what`, a command's or a monitor's word) to whom, when.
    `detail`: what else belongs to it (a reason, a state); never a caller's number."""

    by: str
    what: str
    agent: AgentId | None = None
    conversation: ConversationId | None = None
    contact: ContactId | None = None
    detail: str = ""
    at: float


class AgentTold(EventBase, frozen=True, kw_only=True):
    """A message, or that somebody else has changed the agent's state: shown until he acknowledges it."""

    agent: AgentId
    notice: Notice
    at: float


class NoticeRead(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    notice: str
    at: float


class ContactPulled(EventBase, frozen=True, kw_only=True):
    """The waiting contact is this agent's, before all others and until then his alone."""

    contact: ContactId
    agent: AgentId
    until: float
    at: float


class ContactPrioritised(EventBase, frozen=True, kw_only=True):
    """`priority`: its head start from now on, in seconds."""

    contact: ContactId
    priority: float
    at: float
