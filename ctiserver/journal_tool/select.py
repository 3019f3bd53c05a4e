"""Which records somebody wants to see.

Here: the filters of `show` and `tail`. A conversation's records are found by its id and by the ids that belong to it
(legs, bridges, contact, reservation), which are learned while reading; so read from before its beginning.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import msgspec

from ctiserver.model import events as ev, ids
from ctiserver.model.turns import Record

_AGO = re.compile(r"(\d+)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ABOUT_AGENT = ("agent", "by", "agents", "chosen", "only_agent", "prefer")


def moment(text: str, now: float) -> float:
    """Epoch seconds of `30m`, `2h`, `1d` (ago), `16:40` (today, UTC), `2026-11-22` or `2026-11-22 16:40[:05]` (UTC).

    Raises ValueError.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return now - int(ago[1]) * _SECONDS[ago[2]]
    if re.fullmatch(r"\d\d?:\d\d(:\d\d)?", text.strip()):
        today = datetime.datetime.fromtimestamp(now, datetime.UTC).date().isoformat()
        text = f"{today} {text.strip().rjust(5, '0') if text.count(':') == 1 else text.strip().rjust(8, '0')}"
    try:
        parsed = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no time such as 2026-11-22T16:40, 16:40 (UTC) or 30m (ago)") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)).timestamp()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; empty means all. `since` is epoch seconds, `types` are names of inputs, events, effects."""

    first: int = 1
    last: int | None = None
    since: float = 0.0
    conversation: str = ""
    agent: str = ""
    types: tuple[str, ...] = ()


class Selector:
    """Feed it every record, in order: it learns which ids belong together."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._of_conversation = {wanted.conversation} if wanted.conversation else set()
        self._of_agent: set[str] = set()

    def wants(self, record: Record) -> bool:
        self._learn(record)
        wanted = self.wanted
        if record.seq < wanted.first or (wanted.last is not None and record.seq > wanted.last):
            return False
        if record.at < wanted.since:
            return False
        if wanted.types and not any(type(thing).__name__ in wanted.types for thing in _things(record)):
            return False
        if wanted.conversation and not any(self._is_of_conversation(text) for text in _texts(_things(record))):
            return False
        return not wanted.agent or any(self._is_of_agent(thing) for thing in _things(record))

    def _learn(self, record: Record) -> None:
        for event in record.events:
            match event:
                case ev.ConversationStarted() if event.conversation in self._of_conversation:
                    self._of_conversation |= {event.leg, event.interaction}
                case ev.ContactQueued() if event.conversation in self._of_conversation:
                    self._of_conversation.add(event.contact)
                case ev.OfferMade() if event.conversation in self._of_conversation:
                    self._of_conversation.add(event.reservation)
                case ev.Originated() if event.agent == self.wanted.agent:
                    self._of_agent.add(event.leg)
                case ev.DeviceTaken() if event.agent == self.wanted.agent:
                    self._of_agent.add(event.endpoint)
                case _:
                    pass

    def _is_of_conversation(self, text: str) -> bool:
        # A deadline's key ends in the id it is for: `acd.offer:<reservation>`.
        return (
            text in self._of_conversation
            or text.rpartition(":")[2] in self._of_conversation
            or ids.owner(text) == self.wanted.conversation
        )

    def _is_of_agent(self, thing: object) -> bool:
        for name in _ABOUT_AGENT:
            value = getattr(thing, name, None)
            if value == self.wanted.agent or (isinstance(value, tuple) and self.wanted.agent in value):
                return True
        return any(getattr(thing, name, None) in self._of_agent for name in ("leg", "endpoint") if self._of_agent)


def _things(record: Record) -> list[Any]:
    return [record.input, *record.events, *record.effects]


def _texts(thing: object) -> list[str]:
    """Every text anywhere in it, except configuration."""
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, list | tuple):
        return [text for item in thing for text in _texts(item)]
    if isinstance(thing, dict):
        return [text for item in thing.values() for text in _texts(item)]
    if isinstance(thing, msgspec.Struct):
        names = (name for name in thing.__struct_fields__ if name != "site")
        return [text for name in names for text in _texts(getattr(thing, name))]
    return []
