"""Effects: what an adapter is to do. Decided by a core, written to the journal, released after it.

Effects with the same `lane` run in order, of different lanes side by side; each has a deadline. Only a
refusal or a time-out comes back (as `EffectFailed`): what an effect changed is told by facts (DESIGN 5.2).
"""

from __future__ import annotations

import msgspec

from ctiserver.model.ids import AgentId, BridgeId, ConversationId, LeaseId, LegId, PlaybackId
from ctiserver.model.site import PhoneConfig


class _Effect(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class _CallEffect(_Effect, frozen=True, kw_only=True):
    conversation: ConversationId


class AnswerLeg(_CallEffect, frozen=True, kw_only=True):
    leg: LegId


class HangUpLeg(_CallEffect, frozen=True, kw_only=True):
    leg: LegId
    cause: int = 16


class RefuseCaller(_Effect, frozen=True, kw_only=True):
    """End a channel that never became a conversation."""

    leg: LegId
    cause: int


class RingEndpoint(_CallEffect, frozen=True, kw_only=True):
    """Call an agent's device. `auto_answer` asks the phone to pick up by itself: a take-back, or an
    agent who wants that."""

    leg: LegId
    endpoint: str
    caller_number: str
    caller_name: str
    auto_answer: bool
    timeout_seconds: float


class CallCustomer(_CallEffect, frozen=True, kw_only=True):
    """Call a customer's number through the trunk: `trunk` is the carrier's host:port, `shown` our number."""

    leg: LegId
    number: str
    trunk: str
    shown: str
    timeout_seconds: float


class RingTone(_CallEffect, frozen=True, kw_only=True):
    """The party hears the tone of a phone that rings somewhere else (`on`), or no longer."""

    leg: LegId
    on: bool


class OpenBridge(_CallEffect, frozen=True, kw_only=True):
    """`holding`: music for one; else a mixing bridge."""

    bridge: BridgeId
    holding: bool


class CloseBridge(_CallEffect, frozen=True, kw_only=True):
    bridge: BridgeId


class JoinBridge(_CallEffect, frozen=True, kw_only=True):
    """Put the leg into the bridge (it leaves its old one). `quiet`: the playback to await the end of first. `mute`:
    what it says and presses reaches nobody, from its first packet on."""

    leg: LegId
    bridge: BridgeId
    holding: bool
    quiet: PlaybackId | None = None
    mute: bool = False


class OpenWhisper(_CallEffect, frozen=True, kw_only=True):
    """A snoop on the agent's leg, put into the whisper bridge: whoever sits there hears both sides and is heard by the
    agent alone."""

    leg: LegId
    snoop: LegId
    bridge: BridgeId


class LeaveBridge(_CallEffect, frozen=True, kw_only=True):
    """Take the leg out of the bridge: a flow has it again. `quiet`: the playback to await the end of first."""

    leg: LegId
    bridge: BridgeId
    quiet: PlaybackId | None = None


class PlayMedia(_CallEffect, frozen=True, kw_only=True):
    leg: LegId
    playback: PlaybackId
    media: tuple[str, ...]


class StopPlayback(_CallEffect, frozen=True, kw_only=True):
    playback: PlaybackId


class OpenTracks(_CallEffect, frozen=True, kw_only=True):
    """Snoops on the customer's leg, ready to be recorded; each name says which side it hears (ids.SIDES).

    Made before the answer, so that the record begins with it; one that was lost in the talk is made anew.
    """

    leg: LegId
    names: tuple[str, ...]


class StartRecording(_CallEffect, frozen=True, kw_only=True):
    names: tuple[str, ...]


class FindCustomer(_CallEffect, frozen=True, kw_only=True):
    """Ask the CRM who calls; answered by `CustomerFound`. Nothing waits for it."""

    number: str


class LookAt(_CallEffect, frozen=True, kw_only=True):
    """Read what the switch holds of this conversation; answered by `ConversationSeen`."""

    legs: tuple[LegId, ...] = ()
    """The legs and tracks there were when the look was decided. A later one is still to be made when the switch is
    read."""


class ProvisionDevice(_Effect, frozen=True, kw_only=True):
    agent: AgentId
    lease: LeaseId
    endpoint: str


class RemoveDevice(_Effect, frozen=True, kw_only=True):
    lease: LeaseId
    endpoint: str


class SetPhones(_Effect, frozen=True, kw_only=True):
    """The desk phones of the site are these, and no others."""

    phones: tuple[PhoneConfig, ...]


Effect = (
    AnswerLeg
    | HangUpLeg
    | RefuseCaller
    | RingEndpoint
    | CallCustomer
    | RingTone
    | OpenBridge
    | CloseBridge
    | JoinBridge
    | OpenWhisper
    | LeaveBridge
    | PlayMedia
    | StopPlayback
    | OpenTracks
    | StartRecording
    | FindCustomer
    | LookAt
    | ProvisionDevice
    | RemoveDevice
    | SetPhones
)


def lane(effect: Effect) -> str:
    """The order lane of an effect: its conversation, or the endpoint it provisions, or all desk phones."""
    match effect:
        case ProvisionDevice() | RemoveDevice():
            return effect.endpoint
        case SetPhones():
            return "phones"
        case RefuseCaller():
            return effect.leg
        case FindCustomer():
            return f"{effect.conversation}:crm"
        case _:
            return effect.conversation


def in_step(effect: Effect) -> bool:
    """Whether the switch takes it as one request, at once and in order: its answer need not be awaited before the next
    effect of the lane is sent. The others wait for something in between, or go another way."""
    match effect:
        case JoinBridge() | LeaveBridge():
            return effect.quiet is None
        case AnswerLeg() | HangUpLeg() | RingEndpoint() | OpenBridge() | CloseBridge() | PlayMedia() | StartRecording():
            return True
        case CallCustomer() | RingTone():
            return True
        case _:
            return False
