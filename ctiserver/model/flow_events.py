"""Events of flows (made by ivr.runtime), and what they ask of calls and queues.

Import them from `ctiserver.model.events`.
"""

from __future__ import annotations

from ctiserver.model.causes import EndReason
from ctiserver.model.event_base import EventBase
from ctiserver.model.ids import AgentId, ConversationId, QueueId
from ctiserver.model.ivr import IvrSession
from ctiserver.model.routing import StepConfig


class IvrChanged(EventBase, frozen=True, kw_only=True):
    """The session as it is now (None: it ended). Its trace tells the path."""

    conversation: ConversationId
    session: IvrSession | None


class PromptAsked(EventBase, frozen=True, kw_only=True):
    """IVR -> calls: play `media` (URIs of the switch) as one playback. `prompts` are 'lang/id', for captions."""

    conversation: ConversationId
    request: int
    media: tuple[str, ...]
    prompts: tuple[str, ...]
    interruptible: bool


class PromptStopAsked(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    request: int


class QueueAsked(EventBase, frozen=True, kw_only=True):
    """IVR -> ACD: this caller needs an agent. `requires` adds to the queue's own requirement, `steps` replace its
    steps; `priority` is seconds of head start."""

    conversation: ConversationId
    queue: QueueId
    requires: str
    priority: float
    agent: AgentId | None
    """a transfer to one agent; None = anyone who fits"""
    data: dict[str, str]
    path: tuple[str, ...]
    """what the caller chose, for the pop, e.g. ('main', 'menu:2', 'complaint')"""
    steps: tuple[StepConfig, ...] = ()


class LeaveAsked(EventBase, frozen=True, kw_only=True):
    """IVR -> ACD: the waiting caller pressed a key by which he may leave the queue."""

    conversation: ConversationId
    key: str


class CallbackAsked(EventBase, frozen=True, kw_only=True):
    """IVR -> ACD: this caller wants to be called back at `number` ('' = his own) instead of waiting. He keeps the place
    he has, or had last, in the queue; `requires`, `priority`, `data` and `path` count for one who never waited."""

    conversation: ConversationId
    queue: QueueId
    number: str
    requires: str = ""
    priority: float = 0.0
    data: dict[str, str] = {}
    path: tuple[str, ...] = ()


class CallbackRefused(EventBase, frozen=True, kw_only=True):
    """ACD -> IVR: no callback was booked; `why` is one of acd.core.callback's words."""

    conversation: ConversationId
    queue: QueueId
    why: str


class QueueRefused(EventBase, frozen=True, kw_only=True):
    """ACD -> IVR: the contact was not queued or left the queue without an agent: go on at the node's exit, or where
    the key leads by which the caller left."""

    conversation: ConversationId
    reason: EndReason
    key: str = ""


class HangUpAsked(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    cause: int


class IvrEnded(EventBase, frozen=True, kw_only=True):
    """The flow is over for this caller: 'queued' (handed over), 'hung_up', 'caller_gone', 'error'."""

    conversation: ConversationId
    reason: str
