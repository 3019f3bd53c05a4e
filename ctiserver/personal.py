"""A record as plain data for people's eyes: who called, what he typed and what was noted about him is masked.

Here: what may be shown. A text field is shown only when its name is in `OPEN`, so one that is added later is hidden
until somebody has thought about it. Menu choices stay visible (they say which way the flow went), typed digits do not.
The site's configuration becomes a count of its parts: it is long, and it names people.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ctiserver.model.turns import Record

MASK = "•••"

OPEN = frozenset(
    {
        *("type", "id", "by", "agent", "agents", "only_agent", "prefer", "chosen", "rule", "tie_break", "excluded"),
        *("conversation", "interaction", "contact", "contacts", "reservation", "queue", "queues", "requires", "skills"),
        *("leg", "legs", "channel", "bridge", "replaces", "endpoint", "lease", "previous", "instance", "playback"),
        *("dialled", "state", "how", "why", "reason", "effect", "target", "disposition", "ending", "key", "quiet"),
        "failure",
        "rules",  # that applied: the site's own ids
        *("flow", "node", "exit", "waiting", "path", "language", "languages", "names", "version"),
        *("media", "prompts"),
        *("kind", "repair", "detail"),  # of faults: sentences that are made of ids
    }
)
_OPEN_OF_TYPE = {
    *(("RecordingDone", "name"), ("RecordingEnded", "name")),  # of tracks
    *(("UsePhone", "phone"), ("DeskPhoneChanged", "phone")),  # a desk phone's id, no number
}
_SPOKEN_DIGIT = re.compile(r"(?<=/)(d\d|n\d+|n_and)$")


def plain(record: Record, *, personal: bool) -> dict[str, Any]:
    """The record as JSON-able data: seq, at, seed, input, events, effects, rejected."""
    shown: dict[str, Any] = {
        "seq": record.seq,
        "at": record.at,
        "seed": record.seed,
        "input": _data(record.input),
        "events": _data(record.events),
        "effects": _data(record.effects),
        "rejected": record.rejected,
    }
    if not personal:
        shown["input"] = _masked(shown["input"])
        shown["events"] = [_masked(event) for event in shown["events"]]
        shown["effects"] = [_masked(effect) for effect in shown["effects"]]
    return shown


def _data(thing: object) -> Any:
    """As the file has it: dicts, lists, texts, numbers."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(thing))


def _masked(fields: dict[str, Any]) -> dict[str, Any]:
    kind = fields.get("type", "")
    return {name: _field(kind, name, value) for name, value in fields.items()}


def _field(kind: str, name: str, value: Any) -> Any:
    if name == "site" and isinstance(value, dict):
        return _counts(value)
    if name in ("media", "prompts") and isinstance(value, list):
        return [_SPOKEN_DIGIT.sub(MASK, item) for item in value]
    if isinstance(value, dict) and name not in ("data", "variables") and name not in OPEN:
        return _masked(value)
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [_masked(item) for item in value]
    if name in OPEN or (kind, name) in _OPEN_OF_TYPE:
        return value
    return _hidden(value)


def _hidden(value: Any) -> Any:
    """Nothing stays nothing; numbers outside `data` and `variables` are times and counts."""
    if isinstance(value, dict):
        return dict.fromkeys(value, MASK)
    return MASK if isinstance(value, str | list) and value else value


def _counts(site: dict[str, Any]) -> dict[str, Any]:
    counts: dict[str, Any] = {name: len(part) for name, part in site.items() if isinstance(part, list | dict)}
    counts["flows"] = {flow["id"]: flow["revision"] for flow in site.get("flows", ())}
    return counts
