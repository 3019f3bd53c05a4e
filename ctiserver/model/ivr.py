"""The state of one IVR session: serialisable between waits, pinned to one immutable flow revision.

Owned by `ivr.runtime`; no behaviour here. Times are absolute epoch seconds. A masked digit is kept only as the
sign `MASK` (its place and count), never as what was typed (DESIGN 5.7).
"""

from __future__ import annotations

import msgspec

Value = str | int | float | bool | None

MASK = "•"
"""Stands in `IvrSession.digits` for a digit that nobody may know."""


class IvrStep(msgspec.Struct, frozen=True, kw_only=True):
    """One node visited: when it was entered, by which exit it was left ('' = still in it), what went wrong in it."""

    node: str
    exit: str
    at: float
    note: str = ""


class IvrSession(msgspec.Struct, frozen=True, kw_only=True):
    """Where a caller is in a flow.

    `waiting` is 'prompt' (a playback runs), 'digits' (a key is awaited), 'queue' (an agent is awaited),
    'callback' (within a turn) or ''.
    `node` '' = the flow is over and its last prompt plays; `ending` then says how it ends ('hung_up', 'error').
    `request`, `prompts` ('language/id'), `interruptible` are the last prompt asked for, so that it can be repeated.
    `digits` are the keys typed and not yet used; `path` is what the caller chose so far ('menu:2').
    `swallow` is a key that closes what is complete already; pressed before `swallow_until` it means nothing.
    """

    flow: str
    revision: int
    node: str
    language: str
    variables: dict[str, Value] = {}
    waiting: str = ""
    request: int = 0
    prompts: tuple[str, ...] = ()
    interruptible: bool = False
    digits: str = ""
    swallow: str = ""
    swallow_until: float = 0.0
    attempt: int = 0
    deadline: float | None = None
    steps: int = 0
    started_at: float = 0.0
    path: tuple[str, ...] = ()
    ending: str = ""
    trace: tuple[IvrStep, ...] = ()
