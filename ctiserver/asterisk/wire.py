"""What Asterisk says over ARI, as typed frozen values.

Here live the ARI models and events that we use, and the decoding of one WebSocket frame. No I/O, no
clock, no meaning: `translate` turns these values into facts. Field names and types come from the
`rest-api/*.json` files that Asterisk 22.10.1 ships; fields we never read are left out, fields that
Asterisk adds are ignored, and a frame that cannot be read is a value (`Unreadable`), never an exception.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, get_args

import msgspec

T = TypeVar("T")


Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment by Asterisk's own clock, `2026-11-22T13:45:01.123+0000` on the wire. Use `at` and `created`."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


# ---------------------------------------------------------------- models


class CallerId(msgspec.Struct, frozen=True):
    name: str = ""
    number: str = ""


class DialplanPlace(msgspec.Struct, frozen=True):
    context: str = ""
    exten: str = ""
    priority: int = 0
    app_name: str = ""
    app_data: str = ""


class Channel(msgspec.Struct, frozen=True):
    """One leg. `state` is one of Down, Rsrvd, OffHook, Dialing, Ring, Ringing, Up, Busy, Unknown.

    `protocol_id` is the SIP Call-ID of a PJSIP channel. `channelvars` holds the variables that ari.conf
    names in `channelvars=`, empty string where unset.
    """

    id: str
    name: str = ""
    state: str = ""
    caller: CallerId = CallerId()
    connected: CallerId = CallerId()
    dialplan: DialplanPlace = DialplanPlace()
    creationtime: Moment = NEVER
    language: str = ""
    protocol_id: str = ""
    channelvars: dict[str, str] = {}

    @property
    def created(self) -> float:
        """When Asterisk made it: seconds since 1970 UTC by Asterisk's clock, 0.0 if it did not say."""
        return self.creationtime.timestamp()


class Bridge(msgspec.Struct, frozen=True):
    """`bridge_type` is `mixing` or `holding`; `channels` are channel ids in Asterisk's order."""

    id: str
    bridge_type: str = ""
    technology: str = ""
    bridge_class: str = ""
    creator: str = ""
    name: str = ""
    channels: tuple[str, ...] = ()
    creationtime: Moment = NEVER

    @property
    def created(self) -> float:
        """When Asterisk made it: seconds since 1970 UTC by Asterisk's clock, 0.0 if it did not say."""
        return self.creationtime.timestamp()


class Playback(msgspec.Struct, frozen=True):
    """`state` is queued, playing, continuing, done or failed; `target_uri` is `channel:ID` or `bridge:ID`."""

    id: str
    media_uri: str = ""
    next_media_uri: str = ""
    target_uri: str = ""
    language: str = ""
    state: str = ""


class LiveRecording(msgspec.Struct, frozen=True):
    """`state` is queued, recording, paused, done, failed or canceled. Durations are whole seconds."""

    name: str
    format: str = ""
    target_uri: str = ""
    state: str = ""
    duration: int | None = None
    talking_duration: int | None = None
    silence_duration: int | None = None
    cause: str = ""


class StoredRecording(msgspec.Struct, frozen=True):
    name: str
    format: str = ""


class Endpoint(msgspec.Struct, frozen=True):
    """`state` is unknown, offline or online."""

    technology: str
    resource: str
    state: str = ""
    channel_ids: tuple[str, ...] = ()


class Peer(msgspec.Struct, frozen=True):
    peer_status: str
    cause: str = ""
    address: str = ""
    port: str = ""


class ContactInfo(msgspec.Struct, frozen=True):
    """`contact_status` is Reachable, Unreachable, NonQualified, Unknown, Created or Removed."""

    uri: str
    contact_status: str
    aor: str
    roundtrip_usec: str = ""


class AsteriskPing(msgspec.Struct, frozen=True):
    ping: str
    asterisk_id: str = ""
    timestamp: str = ""


class RtpStatistics(msgspec.Struct, frozen=True):
    """Counters are packets, jitter and round trip are seconds; what Asterisk does not know yet is None."""

    channel_uniqueid: str = ""
    txcount: int = 0
    rxcount: int = 0
    txploss: int = 0
    rxploss: int = 0
    txjitter: float | None = None
    rxjitter: float | None = None
    rtt: float | None = None
    maxrtt: float | None = None


class Variable(msgspec.Struct, frozen=True):
    value: str


class ConfigTuple(msgspec.Struct, frozen=True):
    attribute: str
    value: str


class Application(msgspec.Struct, frozen=True):
    """A Stasis application with what it is subscribed to."""

    name: str
    channel_ids: tuple[str, ...] = ()
    bridge_ids: tuple[str, ...] = ()
    endpoint_ids: tuple[str, ...] = ()


# ---------------------------------------------------------------- events


class AriEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every event has: the application it went to and Asterisk's own time of it."""

    application: str = ""
    timestamp: Moment = NEVER

    @property
    def at(self) -> float:
        """When it happened: seconds since 1970 UTC by Asterisk's clock, 0.0 if it did not say."""
        return self.timestamp.timestamp()


class StasisStart(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel
    args: tuple[str, ...] = ()
    replace_channel: Channel | None = None


class StasisEnd(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel


class ChannelCreated(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel


class ChannelStateChange(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel


class ChannelDestroyed(AriEvent, frozen=True, kw_only=True, tag=True):
    """`cause` is a Q.850 cause, `tech_cause` the SIP status where Asterisk gives it."""

    channel: Channel
    cause: int = 0
    cause_txt: str = ""
    tech_cause: int | None = None


class ChannelHangupRequest(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel
    cause: int | None = None
    tech_cause: int | None = None
    soft: bool = False


class ChannelDtmfReceived(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel
    digit: str
    duration_ms: int = 0


class ChannelEnteredBridge(AriEvent, frozen=True, kw_only=True, tag=True):
    bridge: Bridge
    channel: Channel | None = None


class ChannelLeftBridge(AriEvent, frozen=True, kw_only=True, tag=True):
    bridge: Bridge
    channel: Channel


class ChannelVarset(AriEvent, frozen=True, kw_only=True, tag=True):
    variable: str
    value: str
    channel: Channel | None = None


class ChannelHold(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel
    musicclass: str = ""


class ChannelUnhold(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel


class ChannelTalkingStarted(AriEvent, frozen=True, kw_only=True, tag=True):
    channel: Channel


class ChannelTalkingFinished(AriEvent, frozen=True, kw_only=True, tag=True):
    """`duration` is milliseconds of talk."""

    channel: Channel
    duration: int = 0


class PlaybackStarted(AriEvent, frozen=True, kw_only=True, tag=True):
    playback: Playback


class PlaybackContinuing(AriEvent, frozen=True, kw_only=True, tag=True):
    playback: Playback


class PlaybackFinished(AriEvent, frozen=True, kw_only=True, tag=True):
    playback: Playback


class RecordingStarted(AriEvent, frozen=True, kw_only=True, tag=True):
    recording: LiveRecording


class RecordingFinished(AriEvent, frozen=True, kw_only=True, tag=True):
    recording: LiveRecording


class RecordingFailed(AriEvent, frozen=True, kw_only=True, tag=True):
    recording: LiveRecording


class BridgeCreated(AriEvent, frozen=True, kw_only=True, tag=True):
    bridge: Bridge


class BridgeDestroyed(AriEvent, frozen=True, kw_only=True, tag=True):
    bridge: Bridge


class PeerStatusChange(AriEvent, frozen=True, kw_only=True, tag=True):
    endpoint: Endpoint
    peer: Peer


class ContactStatusChange(AriEvent, frozen=True, kw_only=True, tag=True):
    endpoint: Endpoint
    contact_info: ContactInfo


class EndpointStateChange(AriEvent, frozen=True, kw_only=True, tag=True):
    endpoint: Endpoint


class Dial(AriEvent, frozen=True, kw_only=True, tag=True):
    """Progress of an outgoing leg. `dialstatus` is empty at first, then RINGING, ANSWER, BUSY, NOANSWER ..."""

    peer: Channel
    caller: Channel | None = None
    dialstring: str = ""
    dialstatus: str = ""


class ApplicationReplaced(AriEvent, frozen=True, kw_only=True, tag=True):
    """Another client has taken our application name. The link deals with it; `on_event` never sees it."""


class RestResponse(msgspec.Struct, frozen=True):
    """The answer to a request that went over the events WebSocket. The link deals with it."""

    request_id: str
    status_code: int
    reason_phrase: str = ""
    message_body: str = ""


Event = (
    StasisStart
    | StasisEnd
    | ChannelCreated
    | ChannelStateChange
    | ChannelDestroyed
    | ChannelHangupRequest
    | ChannelDtmfReceived
    | ChannelEnteredBridge
    | ChannelLeftBridge
    | ChannelVarset
    | ChannelHold
    | ChannelUnhold
    | ChannelTalkingStarted
    | ChannelTalkingFinished
    | PlaybackStarted
    | PlaybackContinuing
    | PlaybackFinished
    | RecordingStarted
    | RecordingFinished
    | RecordingFailed
    | BridgeCreated
    | BridgeDestroyed
    | PeerStatusChange
    | ContactStatusChange
    | EndpointStateChange
    | Dial
)
"""The events that `on_event` may get: a closed union, to be matched exhaustively."""


# ---------------------------------------------------------------- frames


class UnknownEvent(msgspec.Struct, frozen=True):
    """An event of a type that we do not use."""

    type: str


class Unreadable(msgspec.Struct, frozen=True):
    """A frame that is no JSON, has no type, or lacks a field that its type must have. `reason` holds no values."""

    type: str
    reason: str


Frame = Event | ApplicationReplaced | RestResponse | UnknownEvent | Unreadable

_EVENT_TYPES: tuple[type[AriEvent], ...] = (*get_args(Event), ApplicationReplaced)


class _Kind(msgspec.Struct):
    type: str = ""


_kind = msgspec.json.Decoder(_Kind)
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    event_type.__name__: msgspec.json.Decoder(event_type) for event_type in _EVENT_TYPES
}
_decoders["RESTResponse"] = msgspec.json.Decoder(RestResponse)


def decode_frame(data: bytes | str) -> Frame:
    """One WebSocket text frame as a value. Never raises for bad input."""
    kind = ""
    try:
        # The type first: 0.2 us, and an event that we do not use costs nothing more.
        kind = _kind.decode(data).type
        decoder = _decoders.get(kind)
        if decoder is None:
            return UnknownEvent(kind[:64]) if kind else Unreadable("", "no type")
        frame: Frame = decoder.decode(data)
        return frame
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        # msgspec names the path and the wanted type, and never the value: no caller data gets into a log.
        reason = str(problem) if isinstance(problem, msgspec.DecodeError) else type(problem).__name__
        return Unreadable(kind[:64], reason[:200])


def decode_as(data: bytes, wanted: type[T]) -> T:
    """The body of an answer as one of the models. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=wanted)
