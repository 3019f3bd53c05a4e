"""Asterisk's events as facts of our own. Pure: no state, no clock, no I/O.

Caller names and numbers are cut to 64 printable characters here, before anything else sees them. An id of
ours names its role (ctiserver.model.ids); any other channel in our application is a caller's.
"""

from __future__ import annotations

import unicodedata

from ctiserver.asterisk import wire
from ctiserver.model import facts, ids
from ctiserver.model.ids import BridgeId, LegId, PlaybackId

APP = "hollyhock"
"""Our Stasis application, as the dialplan names it."""
MAX_TEXT = 64
APOLOGY_CONTEXT = "hollyhock-apology"
IN_CONTEXTS = ("hollyhock-in", APOLOGY_CONTEXT)
"""Dialplan contexts whose channels are callers."""

CALLED = ("a", "b", "c", "l")
"""The kinds of legs that we call: agents', those of who is called in beside them, customers' of callbacks, and team
leads'."""
LEGS = ("", *CALLED)
"""The kinds of channels that are legs; all others are snoops."""


def clean(text: str) -> str:
    """At most 64 printable characters: control, format, surrogate and unassigned ones dropped, space runs joined."""
    printable = "".join(c for c in text[: 4 * MAX_TEXT] if unicodedata.category(c)[0] != "C" or c == "\t")
    return " ".join(printable.split())[:MAX_TEXT]


def fact_of(event: wire.Event) -> facts.Fact | None:
    """The fact that an event reports, or None if it means nothing to us."""
    match event:
        case wire.StasisStart():
            return _started(event)
        case wire.ChannelStateChange():
            return _state(event)
        case wire.ChannelHangupRequest() if event.cause and ids.kind(event.channel.id) in LEGS:
            return facts.LegEnding(leg=LegId(event.channel.id), cause=event.cause, at=event.at)
        case wire.StasisEnd() if not ids.kind(event.channel.id):
            return facts.LegEnded(leg=LegId(event.channel.id), cause=0, at=event.at)
        case wire.ChannelDestroyed() if ids.kind(event.channel.id) in LEGS:
            return facts.LegEnded(leg=LegId(event.channel.id), cause=event.cause, at=event.at)
        case wire.ChannelEnteredBridge() if event.channel is not None and ids.kind(event.channel.id) in LEGS:
            return facts.LegMoved(leg=LegId(event.channel.id), bridge=BridgeId(event.bridge.id), at=event.at)
        case wire.ChannelLeftBridge() if ids.kind(event.channel.id) in LEGS:
            return facts.LegMoved(leg=LegId(event.channel.id), bridge=None, at=event.at)
        case wire.ChannelDtmfReceived() if event.digit in "0123456789*#ABCD":
            return facts.DigitPressed(leg=LegId(event.channel.id), digit=event.digit, at=event.at)
        case wire.ChannelHold():
            return facts.LegHold(leg=LegId(event.channel.id), on=True, at=event.at)
        case wire.ChannelUnhold():
            return facts.LegHold(leg=LegId(event.channel.id), on=False, at=event.at)
        case wire.PlaybackFinished() if ids.owner(event.playback.id) is not None:
            ok = event.playback.state != "failed"
            return facts.PlaybackDone(playback=PlaybackId(event.playback.id), ok=ok, at=event.at)
        case wire.RecordingFinished() | wire.RecordingFailed():
            ok = isinstance(event, wire.RecordingFinished)
            seconds = float(event.recording.duration or 0)
            return facts.RecordingDone(name=event.recording.name, seconds=seconds, ok=ok, at=event.at)
        case wire.ContactStatusChange() if ids.desk_phone(event.endpoint.resource) is not None:
            # Not the status of this one contact: when a phone moves, the new one is told of before the old one's end.
            # A browser's contact lives with its socket, which our own proxy sees.
            present = event.endpoint.state == "online"
            return facts.DeviceContact(endpoint=event.endpoint.resource, present=present, at=event.at)
        case _:
            return None


def _started(event: wire.StasisStart) -> facts.Fact | None:
    channel = event.channel
    kind = ids.kind(channel.id)
    if kind in CALLED:
        return facts.LegUp(leg=LegId(channel.id), at=event.at)
    if kind:
        return None
    # A channel that came in by another way than the dialplan's line for callers (an INVITE with Replaces) dialled
    # nothing, so it is refused as any caller without a number of ours: nobody stays here unnoticed.
    dialled = event.args[1] if len(event.args) > 1 and event.args[0] == "in" else ""
    return facts.CallerArrived(
        channel=LegId(channel.id),
        dialled=clean(dialled),
        caller_number=clean(channel.caller.number),
        caller_name=clean(channel.caller.name),
        at=event.at,
        replaces=LegId(event.replace_channel.id) if event.replace_channel is not None else None,
        up=channel.state == "Up",
    )


def _state(event: wire.ChannelStateChange) -> facts.Fact | None:
    kind = ids.kind(event.channel.id)
    match event.channel.state:
        case "Ringing" if kind in CALLED:
            return facts.LegRinging(leg=LegId(event.channel.id), at=event.at)
        case "Up" if kind == "":
            return facts.LegUp(leg=LegId(event.channel.id), at=event.at)
        case _:
            return None  # a leg that we call is ours to move only with its StasisStart


def seen_channel(channel: wire.Channel) -> facts.SeenChannel:
    """A channel of `GET channels`. Only one that is in our application counts as inbound."""
    ours = ids.kind(channel.id) != ""
    in_stasis = channel.dialplan.app_name == "Stasis" and channel.dialplan.app_data.partition(",")[0] == APP
    return facts.SeenChannel(
        id=LegId(channel.id),
        state=channel.state,
        created_at=channel.created,
        dialled=clean(dialled_of(channel)),
        caller_number=clean(channel.caller.number),
        caller_name=clean(channel.caller.name),
        in_app=ours or in_stasis,
        inbound=not ours and in_stasis and channel.dialplan.context in IN_CONTEXTS,
    )


def dialled_of(channel: wire.Channel) -> str:
    """The number a caller dialled: the second argument of Stasis(app,in,NUMBER), which survives the apology context."""
    arguments = channel.dialplan.app_data.split(",")
    return arguments[2] if len(arguments) > 2 else channel.dialplan.exten


def seen_bridge(bridge: wire.Bridge) -> facts.SeenBridge:
    return facts.SeenBridge(id=BridgeId(bridge.id), legs=tuple(LegId(channel) for channel in bridge.channels))
