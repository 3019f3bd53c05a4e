"""Events of agents: sign-in, availability, devices, and what they do with their work after a call (made by acd.core).

Import them from `ctiserver.model.events`.
"""

from __future__ import annotations

from ctiserver.model.event_base import EventBase
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LeaseId
from ctiserver.model.work import DeviceKind


class AgentSignedIn(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    at: float


class AgentSignedOut(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    at: float
    why: str = ""


class AvailabilityChosen(EventBase, frozen=True, kw_only=True):
    """`ready`, or not ready with `reason`; `by` is the agent himself or what forced it ('device_lost', 'misses')."""

    agent: AgentId
    ready: bool
    reason: str
    by: str
    at: float


class DeviceTaken(EventBase, frozen=True, kw_only=True):
    """This page or desk phone is the agent's phone now; `endpoint` is its SIP endpoint. A page's is provisioned for
    this lease only and has no `contact` yet."""

    agent: AgentId
    lease: LeaseId
    endpoint: str
    instance: str
    previous: LeaseId | None
    kind: DeviceKind = DeviceKind.BROWSER
    contact: bool = False
    at: float


class DeviceReady(EventBase, frozen=True, kw_only=True):
    """The lease's phone can be rung: a softphone registered by page load `instance`, or a desk phone ('')."""

    agent: AgentId
    lease: LeaseId
    endpoint: str
    instance: str
    at: float


class DeviceContactChanged(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    endpoint: str
    present: bool
    at: float


class DeskPhoneChanged(EventBase, frozen=True, kw_only=True):
    """A desk phone that registers has a SIP contact now, or no longer; whoever uses it, if anybody does."""

    phone: str
    present: bool
    at: float


class DeviceReleased(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    lease: LeaseId
    at: float


class DesktopLinkChanged(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    links: int
    at: float


class WrapUpStarted(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    conversation: ConversationId
    until: float
    at: float


class WrapUpExtended(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    until: float


class WrapUpEnded(EventBase, frozen=True, kw_only=True):
    """`how`: 'done' by the agent, 'time' when the deadline passed."""

    agent: AgentId
    contact: ContactId
    how: str
    at: float


class NoteWritten(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    conversation: ConversationId
    text: str
    at: float


class DispositionSet(EventBase, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    conversation: ConversationId
    disposition: str
    at: float
