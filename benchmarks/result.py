"""What a run gives, as data: windows, rows of windows that belong together, callers in the menus. Makes no figures."""

from __future__ import annotations

import msgspec

from benchmarks import figures, metrics, profiler, replay
from benchmarks.plan import Condition, Kind, Plan, Window
from benchmarks.sipp import Calls


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One window. `cores` are shares of one core; server and Asterisk in CPU ms a call, nothing subtracted."""

    window: Window
    at: str
    seconds: float
    calls: int
    """ended in the window"""
    server_ms: float
    asterisk_ms: float
    cores: dict[str, float]
    callers: Calls
    phones: Calls
    unserved: int
    deltas_a_second: float
    client_late: figures.Spread
    server_says: metrics.Watched
    """of itself, on its metrics page"""
    records_a_call: float = 0.0
    quiet: bool = True

    @property
    def failures(self) -> int:
        """Calls that SIPp or the journal counts as failed."""
        return max(self.callers.failed, self.unserved)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """All windows of one kind and condition together. `off_by`: how far they are from their mean (0-1)."""

    kind: Kind
    condition: Condition
    calls: int
    failures: int
    server_ms: float
    asterisk_ms: float
    off_by: float
    times: dict[str, figures.Spread]


class InMenus(msgspec.Struct, frozen=True, kw_only=True):
    """Many callers in the menus at once, who press keys."""

    callers: int
    record: bool
    digits: int
    digits_a_second: float
    digit_to_prompt: figures.Spread
    digit_to_sound: figures.Spread
    event_to_turn: figures.Spread
    failures: int
    cores: dict[str, float]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a plan."""

    plan: Plan
    at: str
    machine: dict[str, object]
    versions: dict[str, str]
    idle_cores: dict[str, float]
    memory_mb: dict[str, tuple[float, float]]
    """Resident: everybody connected and nobody has called; at the end."""
    windows: tuple[Measured, ...]
    rows: tuple[Row, ...]
    in_menus: tuple[InMenus, ...]
    replayed: replay.Replayed | None
    profiles: dict[str, profiler.Profile]
    troubles: tuple[str, ...]

    @property
    def failures(self) -> int:
        return sum(row.failures for row in self.rows) + sum(one.failures for one in self.in_menus)

    @property
    def quiet(self) -> bool:
        return all(window.quiet for window in self.windows)
