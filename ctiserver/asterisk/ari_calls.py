"""The requests that we make of Asterisk, one typed method each.

Each method is one request: sent once, with a deadline, raising the errors of `ari_errors`. No decisions and
no waiting for events: an answer only says accepted or refused. What waits for a channel's own thread (answer,
add, remove, set variable) may be held up by a prompt that this channel plays, and holds up all requests behind
it: stop the playback and await PlaybackFinished first, or say `blocking=True` to send it by HTTP.
Parameter names are those of the `rest-api/*.json` files of Asterisk 22.10.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from ctiserver.asterisk import wire
from ctiserver.asterisk.ari import AriLink
from ctiserver.asterisk.ari_errors import AriRefused, AriUnreadable
from ctiserver.asterisk.ari_http import Answer

T = TypeVar("T")
Direction = Literal["none", "both", "in", "out"]
Role = Literal["holding_participant", "participant", "announcer"]
BridgeType = Literal["mixing", "mixing,video_sfu", "holding"]
TALK: BridgeType = "mixing,video_sfu"
"""A bridge that mixes two parties too (there is no video in it). Plain `mixing` hands packets of one on to the other,
and then the record of a second agent is lost in half of the talks (ADR 9, tests/asterisk/test_facts_mixing.py)."""
_Params = dict[str, str | int | bool]


def _comma_list(values: Sequence[str]) -> str:
    """Asterisk splits lists at commas and knows no quoting: a value with a comma would become two."""
    for value in values:
        if "," in value or not value:
            raise ValueError("a list value may hold no comma and may not be empty")
    return ",".join(values)


def _read(answer: Answer, wanted: type[T]) -> T:
    try:
        return wire.decode_as(answer.body, wanted)
    except (msgspec.DecodeError, ValueError) as problem:
        raise AriUnreadable(f"answer is no {wanted}: {type(problem).__name__}", sent=True) from None


class AriCalls:
    """Typed requests over one link. All deadlines are seconds; `deadline` is that of a usual request."""

    def __init__(self, link: AriLink, *, deadline: float = 5.0) -> None:
        self._link = link
        self._deadline = deadline

    async def _send(
        self,
        method: str,
        path: tuple[str, ...],
        params: _Params | None = None,
        body: Mapping[str, object] | None = None,
        *,
        blocking: bool = False,
    ) -> Answer:
        send = self._link.http_request if blocking else self._link.request
        return await send(method, path, params, body, deadline=self._deadline)

    # ------------------------------------------------------------ channels

    async def answer(self, channel: str, *, blocking: bool = False) -> None:
        await self._send("POST", ("channels", channel, "answer"), blocking=blocking)

    async def ring(self, channel: str) -> None:
        await self._send("POST", ("channels", channel, "ring"))

    async def stop_ringing(self, channel: str) -> None:
        await self._send("DELETE", ("channels", channel, "ring"))

    async def hangup(self, channel: str, reason_code: int = 16) -> None:
        """`reason_code` is a Q.850 cause (16 normal, 17 busy, 21 rejected, 34 congestion)."""
        await self._send("DELETE", ("channels", channel), {"reason_code": reason_code})

    async def originate(
        self,
        endpoint: str,
        channel_id: str,
        *,
        app: str | None = None,
        app_args: Sequence[str] = (),
        caller_id: str = "",
        timeout_s: int = 30,
        variables: Mapping[str, str] | None = None,
        formats: Sequence[str] = (),
        originator: str = "",
        other_channel_id: str = "",
    ) -> wire.Channel:
        """Call an endpoint and put it into `app` (ours by default) when it answers. `timeout_s` bounds the ringing.

        AriRefused 409 does not prove that the id is in use: GET the channel instead of trusting it.
        """
        params: _Params = {
            "endpoint": endpoint,
            "channelId": channel_id,
            "app": app or self._link.app,
            "timeout": timeout_s,
        }
        if app_args:
            params["appArgs"] = _comma_list(app_args)
        if caller_id:
            params["callerId"] = caller_id
        if formats:
            params["formats"] = _comma_list(formats)
        if originator:
            params["originator"] = originator
        if other_channel_id:
            params["otherChannelId"] = other_channel_id
        body = {"variables": dict(variables)} if variables else None
        return _read(await self._send("POST", ("channels",), params, body), wire.Channel)

    async def get_channels(self) -> list[wire.Channel]:
        return _read(await self._send("GET", ("channels",)), list[wire.Channel])

    async def get_channel(self, channel: str) -> wire.Channel | None:
        """None if there is no such channel."""
        return await self._find(("channels", channel), wire.Channel)

    async def set_variable(self, channel: str, name: str, value: str, *, blocking: bool = False) -> None:
        """Never while the channel plays, unless `blocking`."""
        path = ("channels", channel, "variable")
        await self._send("POST", path, {"variable": name, "value": value}, blocking=blocking)

    async def get_variable(self, channel: str, name: str) -> str | None:
        """None if the channel or the variable is not there."""
        found = await self._find(("channels", channel, "variable"), wire.Variable, {"variable": name})
        return None if found is None else found.value

    async def continue_(
        self, channel: str, *, context: str = "", extension: str = "", priority: int = 0, label: str = ""
    ) -> None:
        """Let the channel leave Stasis into the dialplan; without a place it goes on after the Stasis() call."""
        params: _Params = {}
        if context:
            params["context"] = context
        if extension:
            params["extension"] = extension
        if priority:
            params["priority"] = priority
        if label:
            params["label"] = label
        await self._send("POST", ("channels", channel, "continue"), params)

    async def dtmf(self, channel: str, digits: str, *, between_ms: int = 100, duration_ms: int = 100) -> None:
        """Send digits to the far end of the channel."""
        params: _Params = {"dtmf": digits, "between": between_ms, "duration": duration_ms}
        await self._send("POST", ("channels", channel, "dtmf"), params)

    async def mute(self, channel: str, direction: Direction = "in") -> None:
        await self._send("POST", ("channels", channel, "mute"), {"direction": direction})

    async def unmute(self, channel: str, direction: Direction = "in") -> None:
        await self._send("DELETE", ("channels", channel, "mute"), {"direction": direction})

    async def start_music(self, channel: str, music_class: str = "") -> None:
        await self._send("POST", ("channels", channel, "moh"), {"mohClass": music_class} if music_class else None)

    async def stop_music(self, channel: str) -> None:
        await self._send("DELETE", ("channels", channel, "moh"))

    async def snoop(
        self,
        channel: str,
        snoop_id: str,
        *,
        spy: Direction = "none",
        whisper: Direction = "none",
        app: str | None = None,
        app_args: Sequence[str] = (),
    ) -> wire.Channel:
        """A channel of its own that hears (`spy`) or speaks into (`whisper`) this one: `in` is what its party says."""
        params: _Params = {"app": app or self._link.app, "spy": spy, "whisper": whisper}
        if app_args:
            params["appArgs"] = _comma_list(app_args)
        return _read(await self._send("POST", ("channels", channel, "snoop", snoop_id), params), wire.Channel)

    async def external_media(
        self,
        channel_id: str,
        external_host: str,
        *,
        format: str = "ulaw",
        app: str | None = None,
        encapsulation: Literal["rtp", "audiosocket", "none"] = "rtp",
        transport: Literal["udp", "tcp", "websocket"] = "udp",
        connection_type: Literal["client", "server"] = "client",
    ) -> wire.Channel:
        """A leg without signalling: plain media to and from `external_host` (`host:port`). It is up at once."""
        params: _Params = {
            "channelId": channel_id,
            "app": app or self._link.app,
            "external_host": external_host,
            "format": format,
            "encapsulation": encapsulation,
            "transport": transport,
            "connection_type": connection_type,
        }
        return _read(await self._send("POST", ("channels", "externalMedia"), params), wire.Channel)

    async def rtp_statistics(self, channel: str) -> wire.RtpStatistics | None:
        """None if the channel is not there or has no RTP."""
        return await self._find(("channels", channel, "rtp_statistics"), wire.RtpStatistics)

    # ------------------------------------------------------------ playing

    async def play(self, channel: str, playback_id: str, media: Sequence[str], *, lang: str = "") -> wire.Playback:
        """Play media URIs one after another. Two calls with one id play twice: never repeat it."""
        return await self._play(("channels", channel), playback_id, media, lang)

    async def play_on_bridge(
        self, bridge: str, playback_id: str, media: Sequence[str], *, lang: str = ""
    ) -> wire.Playback:
        return await self._play(("bridges", bridge), playback_id, media, lang)

    async def _play(self, target: tuple[str, str], playback_id: str, media: Sequence[str], lang: str) -> wire.Playback:
        params: _Params = {"media": _comma_list(media)}
        if lang:
            params["lang"] = lang
        return _read(await self._send("POST", (*target, "play", playback_id), params), wire.Playback)

    async def stop_playback(self, playback_id: str) -> bool:
        """False if it had ended already."""
        return await self._remove(("playbacks", playback_id))

    async def get_playback(self, playback_id: str) -> wire.Playback | None:
        return await self._find(("playbacks", playback_id), wire.Playback)

    # ------------------------------------------------------------ bridges

    async def create_bridge(self, bridge_id: str, bridge_type: BridgeType, *, name: str = "") -> wire.Bridge:
        """AriRefused 409 if the id is in use."""
        params: _Params = {"type": bridge_type, "bridgeId": bridge_id}
        if name:
            params["name"] = name
        return _read(await self._send("POST", ("bridges",), params), wire.Bridge)

    async def get_bridges(self) -> list[wire.Bridge]:
        return _read(await self._send("GET", ("bridges",)), list[wire.Bridge])

    async def get_bridge(self, bridge: str) -> wire.Bridge | None:
        return await self._find(("bridges", bridge), wire.Bridge)

    async def destroy_bridge(self, bridge: str) -> bool:
        """False if there was none."""
        return await self._remove(("bridges", bridge))

    async def add_to_bridge(
        self,
        bridge: str,
        channel: str,
        *,
        role: Role | None = None,
        mute: bool = False,
        absorb_dtmf: bool = False,
        inhibit_connected_line: bool = True,
        blocking: bool = False,
    ) -> None:
        """A holding bridge gives music only with role `holding_participant`. Never while the channel plays."""
        params: _Params = {
            "channel": _comma_list((channel,)),
            "mute": mute,
            "absorbDTMF": absorb_dtmf,
            "inhibitConnectedLineUpdates": inhibit_connected_line,
        }
        if role is not None:
            params["role"] = role
        await self._send("POST", ("bridges", bridge, "addChannel"), params, blocking=blocking)

    async def remove_from_bridge(self, bridge: str, channel: str, *, blocking: bool = False) -> None:
        """AriRefused 422 if the channel is not in this bridge."""
        path = ("bridges", bridge, "removeChannel")
        await self._send("POST", path, {"channel": _comma_list((channel,))}, blocking=blocking)

    # ------------------------------------------------------------ recording

    async def record(
        self,
        channel: str,
        name: str,
        *,
        format: str = "wav",
        max_duration_s: int = 0,
        if_exists: Literal["fail", "overwrite", "append"] = "fail",
    ) -> wire.LiveRecording:
        """Record what comes from the channel into the spool's `recording` folder (which must exist: else 500)."""
        params: _Params = {"name": name, "format": format, "ifExists": if_exists, "beep": False}
        if max_duration_s:
            params["maxDurationSeconds"] = max_duration_s
        return _read(await self._send("POST", ("channels", channel, "record"), params), wire.LiveRecording)

    async def get_live_recording(self, name: str) -> wire.LiveRecording | None:
        """ARI lists no live recordings: each is asked for by its name."""
        return await self._find(("recordings", "live", name), wire.LiveRecording)

    async def get_live_recordings(self, names: Sequence[str]) -> list[wire.LiveRecording]:
        """Those of `names` that are live, in the same order."""
        found = [await self.get_live_recording(name) for name in names]
        return [recording for recording in found if recording is not None]

    async def stop_recording(self, name: str) -> bool:
        """Stop and keep; False if it was not live."""
        return await self._act(("recordings", "live", name, "stop"))

    async def discard_recording(self, name: str) -> bool:
        """Stop and delete; False if it was not live."""
        return await self._remove(("recordings", "live", name))

    async def mute_recording(self, name: str) -> bool:
        """Record silence instead of the voice (card data); time goes on. False if it is not live."""
        return await self._act(("recordings", "live", name, "mute"))

    async def unmute_recording(self, name: str) -> bool:
        return await self._remove(("recordings", "live", name, "mute"))

    async def stored_recordings(self) -> list[wire.StoredRecording]:
        answer = await self._send("GET", ("recordings", "stored"), blocking=True)
        return _read(answer, list[wire.StoredRecording])

    async def download_recording(
        self, name: str, target: str, *, deadline: float = 60.0, most_bytes: int = 1 << 30
    ) -> int:
        """Stream a stored recording into the file `target`; its size in bytes."""
        path = ("recordings", "stored", name, "file")
        return await self._link.download(path, target, deadline=deadline, most_bytes=most_bytes)

    async def delete_recording(self, name: str) -> bool:
        """Delete a stored recording; False if there was none."""
        return await self._remove(("recordings", "stored", name), blocking=True)

    # ------------------------------------------------------------ endpoints, applications, configuration

    async def get_endpoints(self, technology: str = "PJSIP") -> list[wire.Endpoint]:
        return _read(await self._send("GET", ("endpoints", technology)), list[wire.Endpoint])

    async def get_endpoint(self, resource: str, technology: str = "PJSIP") -> wire.Endpoint | None:
        return await self._find(("endpoints", technology, resource), wire.Endpoint)

    async def subscribe(self, event_sources: Sequence[str], app: str | None = None) -> wire.Application:
        """`event_sources` such as `channel:ID`, `bridge:ID`, `endpoint:PJSIP/1001`; never `deviceState:`."""
        params: _Params = {"eventSource": _comma_list(event_sources)}
        path = ("applications", app or self._link.app, "subscription")
        return _read(await self._send("POST", path, params), wire.Application)

    async def unsubscribe(self, event_sources: Sequence[str], app: str | None = None) -> wire.Application:
        params: _Params = {"eventSource": _comma_list(event_sources)}
        path = ("applications", app or self._link.app, "subscription")
        return _read(await self._send("DELETE", path, params), wire.Application)

    async def disallow_events(self, types: Sequence[str], app: str | None = None) -> None:
        """Asterisk sends no more events of these types. Kept, like subscriptions, while the application has any."""
        body = {"disallowed": [{"type": event_type} for event_type in types]}
        await self._send("PUT", ("applications", app or self._link.app, "eventFilter"), None, body)

    async def allow_events(self, types: Sequence[str], app: str | None = None) -> None:
        """Asterisk sends events of these types alone."""
        body = {"allowed": [{"type": event_type} for event_type in types]}
        await self._send("PUT", ("applications", app or self._link.app, "eventFilter"), None, body)

    async def get_applications(self) -> list[wire.Application]:
        return _read(await self._send("GET", ("applications",)), list[wire.Application])

    async def put_dynamic(
        self, config_class: str, object_type: str, object_id: str, fields: Mapping[str, str]
    ) -> list[wire.ConfigTuple]:
        """Make or change a configuration object, e.g. `res_pjsip`, `endpoint`. The answer is what it is now."""
        path = ("asterisk", "config", "dynamic", config_class, object_type, object_id)
        body = {"fields": [{"attribute": name, "value": value} for name, value in fields.items()]}
        return _read(await self._send("PUT", path, None, body), list[wire.ConfigTuple])

    async def find_dynamic(self, config_class: str, object_type: str, object_id: str) -> list[wire.ConfigTuple] | None:
        """The configuration object as it is now, None if there is none."""
        path = ("asterisk", "config", "dynamic", config_class, object_type, object_id)
        return await self._find(path, list[wire.ConfigTuple])

    async def delete_dynamic(self, config_class: str, object_type: str, object_id: str) -> bool:
        """False if there was none."""
        return await self._remove(("asterisk", "config", "dynamic", config_class, object_type, object_id))

    async def set_global_variable(self, name: str, value: str) -> None:
        await self._send("POST", ("asterisk", "variable"), {"variable": name, "value": value})

    async def ping(self) -> wire.AsteriskPing:
        return _read(await self._send("GET", ("asterisk", "ping")), wire.AsteriskPing)

    # ------------------------------------------------------------ the three shapes of answer

    async def _find(self, path: tuple[str, ...], wanted: type[T], params: _Params | None = None) -> T | None:
        try:
            return _read(await self._send("GET", path, params), wanted)
        except AriRefused as refused:
            if refused.status == 404:
                return None
            raise

    async def _remove(self, path: tuple[str, ...], *, blocking: bool = False) -> bool:
        return await self._done("DELETE", path, blocking)

    async def _act(self, path: tuple[str, ...]) -> bool:
        return await self._done("POST", path, False)

    async def _done(self, method: str, path: tuple[str, ...], blocking: bool) -> bool:
        try:
            await self._send(method, path, blocking=blocking)
        except AriRefused as refused:
            if refused.status == 404:
                return False
            raise
        return True
