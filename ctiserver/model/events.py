"""Events: what happened and what was decided. THE closed union; the journal holds nothing else.

Made by a core's `decide`, applied by every core's `apply` (only that changes the world), handed on to the
cores, written to the journal, shown to desktops, folded into reports. Call events use CSTA names (DESIGN
section 7). Each event of a conversation names it in `conversation`.
"""

from __future__ import annotations

from ctiserver.model.agent_events import (
    AgentSignedIn as AgentSignedIn,
    AgentSignedOut as AgentSignedOut,
    AvailabilityChosen as AvailabilityChosen,
    DeskPhoneChanged as DeskPhoneChanged,
    DesktopLinkChanged as DesktopLinkChanged,
    DeviceContactChanged as DeviceContactChanged,
    DeviceReady as DeviceReady,
    DeviceReleased as DeviceReleased,
    DeviceTaken as DeviceTaken,
    DispositionSet as DispositionSet,
    NoteWritten as NoteWritten,
    WrapUpEnded as WrapUpEnded,
    WrapUpExtended as WrapUpExtended,
    WrapUpStarted as WrapUpStarted,
)
from ctiserver.model.call_events import (
    AgentLegBack as AgentLegBack,
    AgentLegFailed as AgentLegFailed,
    AgentLegLost as AgentLegLost,
    AgentLegUp as AgentLegUp,
    BridgeClosed as BridgeClosed,
    BridgeOpened as BridgeOpened,
    CallCleared as CallCleared,
    CallerAway as CallerAway,
    CallerReturned as CallerReturned,
    CallRefused as CallRefused,
    ConnectionCleared as ConnectionCleared,
    ConversationForgotten as ConversationForgotten,
    ConversationStarted as ConversationStarted,
    CustomerCalled as CustomerCalled,
    CustomerIdentified as CustomerIdentified,
    CustomerUnreached as CustomerUnreached,
    Delivered as Delivered,
    DigitReceived as DigitReceived,
    Established as Established,
    HangUpBegun as HangUpBegun,
    HangUpSeen as HangUpSeen,
    Held as Held,
    KeyAsked as KeyAsked,
    KeyPressed as KeyPressed,
    KeyPromptEnded as KeyPromptEnded,
    LegPlaced as LegPlaced,
    LegSeenUp as LegSeenUp,
    LookBegun as LookBegun,
    LookLater as LookLater,
    Originated as Originated,
    OutsideCalled as OutsideCalled,
    OutsideUnreached as OutsideUnreached,
    PhoneHeld as PhoneHeld,
    PromptEnded as PromptEnded,
    PromptStarted as PromptStarted,
    Queued as Queued,
    RecordingEnded as RecordingEnded,
    RecordingStarted as RecordingStarted,
    Retrieved as Retrieved,
    Talking as Talking,
    Transferred as Transferred,
)
from ctiserver.model.event_base import EventBase
from ctiserver.model.fault_events import (
    BookMended as BookMended,
    ContactForgotten as ContactForgotten,
    DeadlineMended as DeadlineMended,
    FaultFound as FaultFound,
    IndexRebuilt as IndexRebuilt,
    WorkDropped as WorkDropped,
)
from ctiserver.model.flow_events import (
    CallbackAsked as CallbackAsked,
    CallbackRefused as CallbackRefused,
    HangUpAsked as HangUpAsked,
    IvrChanged as IvrChanged,
    IvrEnded as IvrEnded,
    LeaveAsked as LeaveAsked,
    PromptAsked as PromptAsked,
    PromptStopAsked as PromptStopAsked,
    QueueAsked as QueueAsked,
    QueueRefused as QueueRefused,
)
from ctiserver.model.lead_events import (
    AgentTold as AgentTold,
    ContactPrioritised as ContactPrioritised,
    ContactPulled as ContactPulled,
    LeadActed as LeadActed,
    NoticeRead as NoticeRead,
)
from ctiserver.model.monitor_events import (
    CallTakenOver as CallTakenOver,
    MonitorChanged as MonitorChanged,
    MonitorJoined as MonitorJoined,
    MonitorMoved as MonitorMoved,
    MonitorStarted as MonitorStarted,
    MonitorStopped as MonitorStopped,
    WhisperClosed as WhisperClosed,
    WhisperOpened as WhisperOpened,
)
from ctiserver.model.party_events import (
    Conferenced as Conferenced,
    ConsultAsked as ConsultAsked,
    ConsultQueued as ConsultQueued,
    ConsultRing as ConsultRing,
    ConsultUp as ConsultUp,
    PartyLeft as PartyLeft,
    PassedOutside as PassedOutside,
    Swapped as Swapped,
)
from ctiserver.model.site import SiteConfig
from ctiserver.model.work_events import (
    CallbackBooked as CallbackBooked,
    CallbackDue as CallbackDue,
    CallbackPlanned as CallbackPlanned,
    CallerTurnedAway as CallerTurnedAway,
    CallMade as CallMade,
    Candidate as Candidate,
    ComfortDue as ComfortDue,
    ContactConnected as ContactConnected,
    ContactEnded as ContactEnded,
    ContactOpened as ContactOpened,
    ContactPassed as ContactPassed,
    ContactQueued as ContactQueued,
    ContactRequeued as ContactRequeued,
    ContactStepped as ContactStepped,
    LostDismissed as LostDismissed,
    OfferConfirmed as OfferConfirmed,
    OfferJoined as OfferJoined,
    OfferMade as OfferMade,
    OfferMissed as OfferMissed,
    OfferRejected as OfferRejected,
    OfferUnreachable as OfferUnreachable,
    OfferWithdrawn as OfferWithdrawn,
    PreferenceEnded as PreferenceEnded,
    QueueSwitched as QueueSwitched,
    ReservationClosed as ReservationClosed,
    RingAsked as RingAsked,
    RingCancelled as RingCancelled,
    Why as Why,
)


class SiteChanged(EventBase, frozen=True, kw_only=True):
    """The configuration is another one from now on. By whom, which text, what is different: see `SiteLoaded`."""

    site: SiteConfig
    by: str = ""
    revision: str = ""
    changed: tuple[str, ...] = ()


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
    | Transferred
    | KeyAsked
    | KeyPressed
    | KeyPromptEnded
    | OutsideCalled
    | OutsideUnreached
    | ConsultAsked
    | ConsultQueued
    | PassedOutside
    | ConsultRing
    | ConsultUp
    | Swapped
    | Conferenced
    | PartyLeft
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
    | CustomerCalled
    | CustomerUnreached
    | CallTakenOver
)
MonitorEvent = MonitorStarted | MonitorJoined | MonitorChanged | MonitorMoved | MonitorStopped
IvrEvent = (
    IvrChanged | PromptAsked | PromptStopAsked | QueueAsked | LeaveAsked | CallbackAsked | HangUpAsked | IvrEnded
)
ContactEvent = (
    ContactQueued
    | ContactStepped
    | ContactOpened
    | PreferenceEnded
    | ComfortDue
    | OfferMade
    | OfferJoined
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
    | ContactPassed
    | ContactEnded
    | CallerTurnedAway
    | QueueRefused
    | CallbackBooked
    | CallbackRefused
    | CallMade
    | LostDismissed
    | CallbackPlanned
    | CallbackDue
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
QueueEvent = QueueSwitched
LeadEvent = LeadActed | AgentTold | NoticeRead | ContactPulled | ContactPrioritised
AuditEvent = FaultFound | BookMended | DeadlineMended | WorkDropped | ContactForgotten | IndexRebuilt
Event = (
    SiteChanged
    | DeadlinePassed
    | SwitchLinkChanged
    | DeskPhoneChanged
    | CallEvent
    | MonitorEvent
    | WhisperOpened
    | WhisperClosed
    | IvrEvent
    | ContactEvent
    | QueueEvent
    | LeadEvent
    | AgentEvent
    | AuditEvent
)
