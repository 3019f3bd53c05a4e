"""The typed messages: they agree with the interface that this Asterisk describes, and no frame can break them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, strategies as st

from ctiserver.asterisk import runtime_find, wire

Properties = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def described() -> dict[str, Properties]:
    """Model name -> its properties, from the JSON files that Asterisk ships; an event has also those of its parent."""
    binary = runtime_find.find(os.environ)
    assert binary is not None, "needs an Asterisk: `make up` once, or an asterisk on PATH"
    folder = (binary.data or Path("/usr/share/asterisk")) / "rest-api"
    models: dict[str, Properties] = {}
    for name in ("events", "channels", "bridges", "playbacks", "recordings", "endpoints", "asterisk", "applications"):
        found = msgspec.json.decode((folder / f"{name}.json").read_bytes())["models"]
        models |= {model: dict(facts["properties"]) for model, facts in found.items()}
    for event in get_args(wire.Event):
        models[event.__name__] |= models["Event"]
    return models


OTHER_NAMES = {"CallerId": "CallerID", "DialplanPlace": "DialplanCEP", "RtpStatistics": "RTPstat"}


@pytest.mark.parametrize(
    "ours",
    [
        *get_args(wire.Event), wire.Channel, wire.CallerId, wire.DialplanPlace, wire.Bridge, wire.Playback,
        wire.Endpoint, wire.LiveRecording, wire.StoredRecording, wire.Peer, wire.ContactInfo, wire.AsteriskPing,
        wire.RtpStatistics, wire.Variable, wire.ConfigTuple, wire.Application,
    ],
    ids=lambda ours: ours.__name__,
)  # fmt: skip
def test_every_field_we_read_exists_and_what_we_require_is_required(
    described: dict[str, Properties], ours: type[msgspec.Struct]
) -> None:
    theirs = described[OTHER_NAMES.get(ours.__name__, ours.__name__)]
    for field in msgspec.structs.fields(ours):
        assert field.name in theirs, f"{ours.__name__}.{field.name} is unknown to this Asterisk"
        if field.required:
            assert theirs[field.name].get("required"), f"{ours.__name__}.{field.name} may be missing"


def test_an_event_says_when_it_happened_in_seconds_of_asterisks_clock() -> None:
    event = wire.decode_frame(
        b'{"type":"StasisStart","timestamp":"2026-11-22T21:45:01.123+0800","args":["in","95500"],'
        b'"channel":{"id":"7","state":"Ring","creationtime":"2026-11-22T13:45:00.000+0000","colour":"a new field"}}'
    )
    assert isinstance(event, wire.StasisStart)
    assert (event.at, event.channel.created) == (1795355101.123, 1795355100.0)
    assert (event.channel.id, event.channel.state, event.args) == ("7", "Ring", ("in", "95500"))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
_types = st.sampled_from(
    [event.__name__ for event in get_args(wire.Event)] + ["RESTResponse", "ApplicationReplaced", "?"]
)
_names = st.sampled_from(["channel", "bridge", "playback", "timestamp", "id", "request_id", "status_code", "args"])


@given(st.binary() | st.text())
def test_any_bytes_are_a_frame_or_unreadable(data: bytes | str) -> None:
    wire.decode_frame(data)


@given(_types, st.dictionaries(_names, _json, max_size=5))
def test_any_fields_of_a_known_type_are_an_event_or_unreadable(kind: str, fields: dict[str, Any]) -> None:
    frame = wire.decode_frame(msgspec.json.encode({**fields, "type": kind}))
    assert isinstance(frame, wire.Unreadable | wire.UnknownEvent) or type(frame).__name__.lower() == kind.lower()


@given(st.text(min_size=1))
def test_what_is_said_of_an_unreadable_frame_holds_none_of_its_values(secret: str) -> None:
    frame = wire.decode_frame(msgspec.json.encode({"type": "ChannelDtmfReceived", "digit": [f"<{secret}>"]}))
    assert isinstance(frame, wire.Unreadable)
    assert f"<{secret}>" not in frame.reason
