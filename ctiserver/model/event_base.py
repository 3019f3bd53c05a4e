"""What every event is: a frozen, tagged value. See `events` for the union of them all."""

from __future__ import annotations

import msgspec


class EventBase(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The tag is the class's name: it is in the journal, so an event is never renamed."""
