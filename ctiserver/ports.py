"""Ports: what drivers and servers need from the outside world. Adapters implement them; fakes pass the same tests."""

from __future__ import annotations

from typing import Protocol

from ctiserver.model.effects import Effect
from ctiserver.model.facts import SwitchReading
from ctiserver.model.ids import LegId
from ctiserver.model.turns import Record


class Clock(Protocol):
    """Wall time in epoch seconds (UTC) and monotonic seconds."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class Performer(Protocol):
    """Carries out effects. Returns when the request is accepted; raises SwitchError if refused or timed out."""

    async def perform(self, effect: Effect) -> None: ...


class SwitchReader(Protocol):
    """What the auditor asks of the switch. Every method raises SwitchError when the switch is away or refuses."""

    async def read(self) -> SwitchReading: ...

    async def received(self, leg: LegId) -> int | None: ...

    async def refresh(self, leg: LegId) -> None: ...


class JournalWriter(Protocol):
    """Appends one record with one write; raises OSError when that fails."""

    epoch: str

    def append(self, record: Record) -> None: ...
