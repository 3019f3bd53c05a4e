"""Events: what happened and what was decided. THE closed union; the journal holds nothing else.

Made by a core's `decide`, applied by every core's `apply` (only that changes the world), handed on to the
cores, written to the journal, shown to desktops, folded into reports. Call events use CSTA names (DESIGN
section 7). Each event of a conversation names it in `conversation`.
"""

from __future__ import annotations

import msgspec

from ctiserver.model.causes import ClearedBy, EndReason, LegFailure
from ctiserver.model.facts import Customer
from ctiserver.model.ids import (
    AgentId,
    BridgeId,
    ContactId,
    ConversationId,
    InteractionId,
    LeaseId,
    LegId,
    PlaybackId,
    QueueId,
    ReservationId,
)
from ctiserver.model.ivr import IvrSession
from ctiserver.model.site import SiteConfig


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


# --- everything ---------------------------------------------------------------------------------


class SiteChanged(_Event, frozen=True, kw_only=True):
    site: SiteConfig


class DeadlinePassed(_Event, frozen=True, kw_only=True):
    """A deadline of the book is due; `key` begins with the core's name, e.g. 'acd.offer:<reservation>'."""

    key: str
    at: float


class SwitchLinkChanged(_Event, frozen=True, kw_only=True):
    up: bool
    reason: str = ""


# --- conversations (ctiserver.calls) --------------------------------------------------------------


class ConversationStarted(_Event, frozen=True, kw_only=True):
    """A caller arrived at a configured number."""

    conversation: ConversationId
    interaction: InteractionId
    leg: LegId
    dialled: str
    caller_number: str
    caller_name: str
    at: float


class CustomerIdentified(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    customer: Customer | None


class Originated(_Event, frozen=True, kw_only=True):
    """We are calling an agent. `take_back` = the agent's page was reloaded or lost, bring him back into the talk."""

    conversation: ConversationId
    leg: LegId
    agent: AgentId
    endpoint: str
    instance: str
    reservation: ReservationId | None
    take_back: bool
    at: float


class Delivered(_Event, frozen=True, kw_only=True):
    """The agent's device rings."""

    conversation: ConversationId
    leg: LegId
    at: float


class Established(_Event, frozen=True, kw_only=True):
    """The leg is connected (the customer's: answered by us; an agent's: he picked up)."""

    conversation: ConversationId
    leg: LegId
    at: float


class Queued(_Event, frozen=True, kw_only=True):
    """The customer's leg waits with music (queue, hold or lost agent), in its own holding bridge."""

    conversation: ConversationId
    at: float


class Talking(_Event, frozen=True, kw_only=True):
    """Customer and agent are in the talk bridge together."""

    conversation: ConversationId
    leg: LegId
    at: float


class Held(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    agent: AgentId
    at: float


class Retrieved(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    agent: AgentId
    at: float


class BridgeOpened(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    bridge: BridgeId


class BridgeClosed(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    bridge: BridgeId


class LegPlaced(_Event, frozen=True, kw_only=True):
    """Where the switch says that the leg sits now."""

    conversation: ConversationId
    leg: LegId
    bridge: BridgeId | None


class PromptStarted(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    request: int
    playback: PlaybackId
    prompts: tuple[str, ...]
    interruptible: bool


class PromptEnded(_Event, frozen=True, kw_only=True):
    """`finished`: played to its end, or it could not be played (`ok` false), or it was stopped by a digit."""

    conversation: ConversationId
    request: int
    ok: bool
    interrupted: bool


class DigitReceived(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    leg: LegId
    digit: str
    masked: bool
    at: float


class RecordingStarted(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    names: tuple[str, ...]
    at: float


class RecordingEnded(_Event, frozen=True, kw_only=True):
    """One track is complete in the switch."""

    conversation: ConversationId
    name: str
    seconds: float
    ok: bool


class CallerAway(_Event, frozen=True, kw_only=True):
    """The caller is in the dialplan's apology: we were away. He comes back by himself, or gives up."""

    conversation: ConversationId
    at: float


class CallerReturned(_Event, frozen=True, kw_only=True):
    """The caller entered our application again; he is put where he belongs, a flow repeats its wait."""

    conversation: ConversationId
    at: float


class HangUpBegun(_Event, frozen=True, kw_only=True):
    """We asked the switch to end a leg; its end is still to be seen. `by` is who wanted it."""

    conversation: ConversationId
    leg: LegId
    by: ClearedBy


class HangUpSeen(_Event, frozen=True, kw_only=True):
    """The switch says that the leg is about to end, and why."""

    conversation: ConversationId
    leg: LegId
    cause: int


class LookBegun(_Event, frozen=True, kw_only=True):
    """An effect's outcome is unclear: we look at what the switch really holds. `looks` counts them."""

    conversation: ConversationId
    looks: int


class ConnectionCleared(_Event, frozen=True, kw_only=True):
    """A leg is gone."""

    conversation: ConversationId
    leg: LegId
    agent: AgentId | None
    cause: int
    at: float


class CallCleared(_Event, frozen=True, kw_only=True):
    """The customer's leg is gone: the conversation is over. Other legs are being ended."""

    conversation: ConversationId
    by: ClearedBy
    cause: int
    at: float


class ConversationForgotten(_Event, frozen=True, kw_only=True):
    """Every leg, bridge and recording of an ended conversation is gone: the state drops it."""

    conversation: ConversationId


class CallRefused(_Event, frozen=True, kw_only=True):
    """A caller was turned away before a conversation began (unknown number, overload)."""

    leg: LegId
    dialled: str
    cause: int
    at: float


class AgentLegUp(_Event, frozen=True, kw_only=True):
    """Calls -> ACD: the agent answered the offer's ring (the SIP answer is the acceptance)."""

    conversation: ConversationId
    reservation: ReservationId
    agent: AgentId
    leg: LegId
    at: float


class AgentLegFailed(_Event, frozen=True, kw_only=True):
    """Calls -> ACD: the ring ended without an answer; the leg is gone for sure."""

    conversation: ConversationId
    reservation: ReservationId
    agent: AgentId
    leg: LegId
    failure: LegFailure
    at: float


class AgentLegLost(_Event, frozen=True, kw_only=True):
    """Calls -> ACD: the agent's leg vanished in the talk; the customer has music."""

    conversation: ConversationId
    agent: AgentId
    leg: LegId
    at: float


class AgentLegBack(_Event, frozen=True, kw_only=True):
    """Calls -> ACD: the lost agent is back in the talk."""

    conversation: ConversationId
    agent: AgentId
    leg: LegId
    at: float


# --- IVR (ivr.runtime) ----------------------------------------------------------------------------


class IvrChanged(_Event, frozen=True, kw_only=True):
    """The session as it is now (None: it ended). Its trace tells the path."""

    conversation: ConversationId
    session: IvrSession | None


class PromptAsked(_Event, frozen=True, kw_only=True):
    """IVR -> calls: play `media` (URIs of the switch) as one playback. `prompts` are 'lang/id', for captions."""

    conversation: ConversationId
    request: int
    media: tuple[str, ...]
    prompts: tuple[str, ...]
    interruptible: bool


class PromptStopAsked(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    request: int


class QueueAsked(_Event, frozen=True, kw_only=True):
    """IVR -> ACD: this caller needs an agent. `requires` adds to the queue's own requirement; `priority` is seconds."""

    conversation: ConversationId
    queue: QueueId
    requires: dict[str, int]
    priority: float
    agent: AgentId | None
    """a transfer to one agent; None = anyone who fits"""
    data: dict[str, str]
    path: tuple[str, ...]
    """what the caller chose, for the pop, e.g. ('main', 'menu:2', 'complaint')"""


class QueueRefused(_Event, frozen=True, kw_only=True):
    """ACD -> IVR: the contact was not queued or left the queue without an agent: go on at the node's exit."""

    conversation: ConversationId
    reason: EndReason


class HangUpAsked(_Event, frozen=True, kw_only=True):
    conversation: ConversationId
    cause: int


class IvrEnded(_Event, frozen=True, kw_only=True):
    """The flow is over for this caller: 'queued' (handed over), 'hung_up', 'caller_gone', 'error'."""

    conversation: ConversationId
    reason: str


# --- ACD: contacts and reservations ------------------------------------------------------------------


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One agent who could have been chosen, with the rank keys that were compared (smaller is better)."""

    agent: AgentId
    keys: tuple[float, ...]


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why this agent: rule, the ten best candidates with their keys, the others counted by reason."""

    rule: str
    chosen: tuple[AgentId, ...]
    candidates: tuple[Candidate, ...]
    excluded: dict[str, int]
    tie_break: str


class ContactQueued(_Event, frozen=True, kw_only=True):
    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    requires: dict[str, int]
    priority: float
    only_agent: AgentId | None
    data: dict[str, str]
    path: tuple[str, ...]
    at: float


class OfferMade(_Event, frozen=True, kw_only=True):
    """Contact and agents are reserved for each other; desktops show the pop, the ring follows."""

    reservation: ReservationId
    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    agents: tuple[AgentId, ...]
    confirm_by: float
    deadline: float
    why: Why
    at: float


class OfferConfirmed(_Event, frozen=True, kw_only=True):
    reservation: ReservationId
    agent: AgentId
    at: float


class RingAsked(_Event, frozen=True, kw_only=True):
    """ACD -> calls: ring this agent for this contact; `deadline` is absolute."""

    reservation: ReservationId
    contact: ContactId
    conversation: ConversationId
    agent: AgentId
    deadline: float


class RingCancelled(_Event, frozen=True, kw_only=True):
    """ACD -> calls: stop ringing this agent. He stays reserved (withdrawing) until the leg's end is seen."""

    reservation: ReservationId
    conversation: ConversationId
    agent: AgentId


class OfferMissed(_Event, frozen=True, kw_only=True):
    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class OfferRejected(_Event, frozen=True, kw_only=True):
    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class OfferUnreachable(_Event, frozen=True, kw_only=True):
    """The device could not be rung or vanished: not the agent's fault, not counted."""

    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class OfferWithdrawn(_Event, frozen=True, kw_only=True):
    """The offer ended for another reason: caller gone, somebody else took it."""

    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class ReservationClosed(_Event, frozen=True, kw_only=True):
    """No leg of it is left: agents are free of it."""

    reservation: ReservationId


class ContactRequeued(_Event, frozen=True, kw_only=True):
    """Back to the head of its queue, keeping its arrival; `prefer` is asked first if reachable."""

    contact: ContactId
    prefer: AgentId | None
    at: float


class ContactConnected(_Event, frozen=True, kw_only=True):
    contact: ContactId
    conversation: ConversationId
    reservation: ReservationId
    agent: AgentId
    at: float


class ContactEnded(_Event, frozen=True, kw_only=True):
    """Exactly one per contact. For `answered` it comes when the talk ends."""

    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    reason: EndReason
    at: float


# --- ACD: agents ------------------------------------------------------------------------------------


class AgentSignedIn(_Event, frozen=True, kw_only=True):
    agent: AgentId
    at: float


class AgentSignedOut(_Event, frozen=True, kw_only=True):
    agent: AgentId
    at: float
    why: str = ""


class AvailabilityChosen(_Event, frozen=True, kw_only=True):
    """`ready`, or not ready with `reason`; `by` is the agent himself or what forced it ('device_lost', 'misses')."""

    agent: AgentId
    ready: bool
    reason: str
    by: str
    at: float


class DeviceTaken(_Event, frozen=True, kw_only=True):
    """This page holds the phone now; `endpoint` is its SIP endpoint, provisioned for this lease only."""

    agent: AgentId
    lease: LeaseId
    endpoint: str
    instance: str
    previous: LeaseId | None
    at: float


class DeviceReady(_Event, frozen=True, kw_only=True):
    """The lease's softphone is registered by page load `instance`."""

    agent: AgentId
    lease: LeaseId
    endpoint: str
    instance: str
    at: float


class DeviceContactChanged(_Event, frozen=True, kw_only=True):
    agent: AgentId
    endpoint: str
    present: bool
    at: float


class DeviceReleased(_Event, frozen=True, kw_only=True):
    agent: AgentId
    lease: LeaseId
    at: float


class DesktopLinkChanged(_Event, frozen=True, kw_only=True):
    agent: AgentId
    links: int
    at: float


class WrapUpStarted(_Event, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    conversation: ConversationId
    until: float
    at: float


class WrapUpExtended(_Event, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    until: float


class WrapUpEnded(_Event, frozen=True, kw_only=True):
    """`how`: 'done' by the agent, 'time' when the deadline passed."""

    agent: AgentId
    contact: ContactId
    how: str
    at: float


class NoteWritten(_Event, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    conversation: ConversationId
    text: str
    at: float


class DispositionSet(_Event, frozen=True, kw_only=True):
    agent: AgentId
    contact: ContactId
    conversation: ConversationId
    disposition: str
    at: float


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
    | BridgeOpened
    | BridgeClosed
    | LegPlaced
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
Event = SiteChanged | DeadlinePassed | SwitchLinkChanged | CallEvent | IvrEvent | ContactEvent | AgentEvent
