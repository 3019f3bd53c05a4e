"""Events: what happened and what was decided. THE closed union; the journal holds nothing else.

Made by a core's `decide`, applied by every core's `apply` (only that changes the world), handed on to the
cores, written to the journal, shown to desktops, folded into reports. Call events use CSTA names (DESIGN
section 7). Each event of a conversation names it in `conversation`.
"""

from __future__ import annotations

from ctiserver.model.call_events import (
    AgentLegBack as AgentLegBack,
)
from ctiserver.model.call_events import (
    AgentLegFailed as AgentLegFailed,
)
from ctiserver.model.call_events import (
    AgentLegLost as AgentLegLost,
)
from ctiserver.model.call_events import (
    AgentLegUp as AgentLegUp,
)
from ctiserver.model.call_events import (
    BridgeClosed as BridgeClosed,
)
from ctiserver.model.call_events import (
    BridgeOpened as BridgeOpened,
)
from ctiserver.model.call_events import (
    CallCleared as CallCleared,
)
from ctiserver.model.call_events import (
    CallerAway as CallerAway,
)
from ctiserver.model.call_events import (
    CallerReturned as CallerReturned,
)
from ctiserver.model.call_events import (
    CallRefused as CallRefused,
)
from ctiserver.model.call_events import (
    ConnectionCleared as ConnectionCleared,
)
from ctiserver.model.call_events import (
    ConversationForgotten as ConversationForgotten,
)
from ctiserver.model.call_events import (
    ConversationStarted as ConversationStarted,
)
from ctiserver.model.call_events import (
    CustomerIdentified as CustomerIdentified,
)
from ctiserver.model.call_events import (
    Delivered as Delivered,
)
from ctiserver.model.call_events import (
    DigitReceived as DigitReceived,
)
from ctiserver.model.call_events import (
    Established as Established,
)
from ctiserver.model.call_events import (
    HangUpAsked as HangUpAsked,
)
from ctiserver.model.call_events import (
    HangUpBegun as HangUpBegun,
)
from ctiserver.model.call_events import (
    HangUpSeen as HangUpSeen,
)
from ctiserver.model.call_events import (
    Held as Held,
)
from ctiserver.model.call_events import (
    IvrChanged as IvrChanged,
)
from ctiserver.model.call_events import (
    IvrEnded as IvrEnded,
)
from ctiserver.model.call_events import (
    LegPlaced as LegPlaced,
)
from ctiserver.model.call_events import (
    LegSeenUp as LegSeenUp,
)
from ctiserver.model.call_events import (
    LookBegun as LookBegun,
)
from ctiserver.model.call_events import (
    LookLater as LookLater,
)
from ctiserver.model.call_events import (
    Originated as Originated,
)
from ctiserver.model.call_events import (
    PhoneHeld as PhoneHeld,
)
from ctiserver.model.call_events import (
    PromptAsked as PromptAsked,
)
from ctiserver.model.call_events import (
    PromptEnded as PromptEnded,
)
from ctiserver.model.call_events import (
    PromptStarted as PromptStarted,
)
from ctiserver.model.call_events import (
    PromptStopAsked as PromptStopAsked,
)
from ctiserver.model.call_events import (
    QueueAsked as QueueAsked,
)
from ctiserver.model.call_events import (
    Queued as Queued,
)
from ctiserver.model.call_events import (
    QueueRefused as QueueRefused,
)
from ctiserver.model.call_events import (
    RecordingEnded as RecordingEnded,
)
from ctiserver.model.call_events import (
    RecordingStarted as RecordingStarted,
)
from ctiserver.model.call_events import (
    Retrieved as Retrieved,
)
from ctiserver.model.call_events import (
    Talking as Talking,
)
from ctiserver.model.event_base import EventBase
from ctiserver.model.fault_events import (
    ContactForgotten as ContactForgotten,
)
from ctiserver.model.fault_events import (
    DeadlineMended as DeadlineMended,
)
from ctiserver.model.fault_events import (
    FaultFound as FaultFound,
)
from ctiserver.model.fault_events import (
    IndexRebuilt as IndexRebuilt,
)
from ctiserver.model.fault_events import (
    WorkDropped as WorkDropped,
)
from ctiserver.model.site import SiteConfig
from ctiserver.model.work_events import (
    AgentSignedIn as AgentSignedIn,
)
from ctiserver.model.work_events import (
    AgentSignedOut as AgentSignedOut,
)
from ctiserver.model.work_events import (
    AvailabilityChosen as AvailabilityChosen,
)
from ctiserver.model.work_events import (
    Candidate as Candidate,
)
from ctiserver.model.work_events import (
    ContactConnected as ContactConnected,
)
from ctiserver.model.work_events import (
    ContactEnded as ContactEnded,
)
from ctiserver.model.work_events import (
    ContactQueued as ContactQueued,
)
from ctiserver.model.work_events import (
    ContactRequeued as ContactRequeued,
)
from ctiserver.model.work_events import (
    DeskPhoneChanged as DeskPhoneChanged,
)
from ctiserver.model.work_events import (
    DesktopLinkChanged as DesktopLinkChanged,
)
from ctiserver.model.work_events import (
    DeviceContactChanged as DeviceContactChanged,
)
from ctiserver.model.work_events import (
    DeviceReady as DeviceReady,
)
from ctiserver.model.work_events import (
    DeviceReleased as DeviceReleased,
)
from ctiserver.model.work_events import (
    DeviceTaken as DeviceTaken,
)
from ctiserver.model.work_events import (
    DispositionSet as DispositionSet,
)
from ctiserver.model.work_events import (
    NoteWritten as NoteWritten,
)
from ctiserver.model.work_events import (
    OfferConfirmed as OfferConfirmed,
)
from ctiserver.model.work_events import (
    OfferMade as OfferMade,
)
from ctiserver.model.work_events import (
    OfferMissed as OfferMissed,
)
from ctiserver.model.work_events import (
    OfferRejected as OfferRejected,
)
from ctiserver.model.work_events import (
    OfferUnreachable as OfferUnreachable,
)
from ctiserver.model.work_events import (
    OfferWithdrawn as OfferWithdrawn,
)
from ctiserver.model.work_events import (
    ReservationClosed as ReservationClosed,
)
from ctiserver.model.work_events import (
    RingAsked as RingAsked,
)
from ctiserver.model.work_events import (
    RingCancelled as RingCancelled,
)
from ctiserver.model.work_events import (
    Why as Why,
)
from ctiserver.model.work_events import (
    WrapUpEnded as WrapUpEnded,
)
from ctiserver.model.work_events import (
    WrapUpExtended as WrapUpExtended,
)
from ctiserver.model.work_events import (
    WrapUpStarted as WrapUpStarted,
)


class SiteChanged(EventBase, frozen=True, kw_only=True):
    site: SiteConfig


class DeadlinePassed(EventBase, frozen=True, kw_only=True):
    """A deadline of the book is due; `key` begins with the core's name, e.g. 'acd.offer:<reservation>'."""

    key: str
    at: float


class SwitchLinkChanged(EventBase, frozen=True, kw_only=True):
    up: bool
    reason: str = ""


CallEvent = (
    ConversationStarted
    | CustomerIdentified
    | Originated
    | Delivered
    | Established
    | Queued
    | Talking
    | Held
    | Retrieved
    | PhoneHeld
    | BridgeOpened
    | BridgeClosed
    | LegPlaced
    | LegSeenUp
    | LookLater
    | PromptStarted
    | PromptEnded
    | DigitReceived
    | RecordingStarted
    | RecordingEnded
    | CallerAway
    | CallerReturned
    | HangUpBegun
    | HangUpSeen
    | LookBegun
    | ConnectionCleared
    | CallCleared
    | ConversationForgotten
    | CallRefused
    | AgentLegUp
    | AgentLegFailed
    | AgentLegLost
    | AgentLegBack
)
IvrEvent = IvrChanged | PromptAsked | PromptStopAsked | QueueAsked | HangUpAsked | IvrEnded
ContactEvent = (
    ContactQueued
    | OfferMade
    | OfferConfirmed
    | RingAsked
    | RingCancelled
    | OfferMissed
    | OfferRejected
    | OfferUnreachable
    | OfferWithdrawn
    | ReservationClosed
    | ContactRequeued
    | ContactConnected
    | ContactEnded
    | QueueRefused
)
AgentEvent = (
    AgentSignedIn
    | AgentSignedOut
    | AvailabilityChosen
    | DeviceTaken
    | DeviceReady
    | DeviceContactChanged
    | DeviceReleased
    | DesktopLinkChanged
    | WrapUpStarted
    | WrapUpExtended
    | WrapUpEnded
    | NoteWritten
    | DispositionSet
)
AuditEvent = FaultFound | DeadlineMended | WorkDropped | ContactForgotten | IndexRebuilt
Event = (
    SiteChanged
    | DeadlinePassed
    | SwitchLinkChanged
    | DeskPhoneChanged
    | CallEvent
    | IvrEvent
    | ContactEvent
    | AgentEvent
    | AuditEvent
)
