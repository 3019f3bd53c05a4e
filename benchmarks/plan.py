"""What a bench runs: windows of steady load, in order. Pure.

Two sides: `house` is ours, `yardstick` is app_queue. Ours and the yardstick take turns (house, yardstick, house,
yardstick), so that whatever else changes on the machine meets both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

CALLS = 100
"""Calls that a window should hold at least: CPU a call is a mean over them."""
SHORTEST = 10.0


class Kind(StrEnum):
    """What is called."""

    WHOLE = "whole"
    """Ours: menu, key, queue, agent, talk, wrap-up."""
    STRAIGHT = "straight"
    """Ours: the queue-and-talk part alone."""
    YARDSTICK = "yardstick"
    """app_queue: the same part."""


class Condition(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Calls a second; `rtp`: callers and agents send sound; `record`: the calls are recorded."""

    rate: float
    rtp: bool
    record: bool

    def __str__(self) -> str:
        sound, tape = "RTP" if self.rtp else "no RTP", "recorded" if self.record else "not recorded"
        return f"{self.rate:g} calls/s, {sound}, {tape}"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """`warm_up` seconds, then `seconds` that are measured."""

    kind: Kind
    condition: Condition
    warm_up: float
    seconds: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. `in_ivr`: callers side by side who press keys in the menus (0: none)."""

    windows: tuple[Window, ...]
    agents: int = 200
    idle: int = 300
    in_ivr: int = 200
    answer_after: float = 0.3
    talk: float = 2.0
    profile: bool = False

    def takes(self, between: float, start: float) -> float:
        """About so many seconds; `between`: around each window, `start`: once."""
        return start + sum(window.warm_up + window.seconds + between for window in self.windows)


WARM_UP = {Kind.WHOLE: 7.0, Kind.STRAIGHT: 3.5, Kind.YARDSTICK: 3.5}
"""Seconds until as many calls end as begin: a whole call takes 5.6 s, the queue-and-talk part 2.4 s."""
ORDER = (Kind.STRAIGHT, Kind.YARDSTICK, Kind.STRAIGHT, Kind.YARDSTICK, Kind.WHOLE)
SLOW = 5.0
"""At so few calls a second the windows are long and there is one of each."""


def windows(conditions: Sequence[Condition]) -> Iterator[Window]:
    for condition in conditions:
        seconds = round(max(SHORTEST, CALLS / condition.rate))
        for kind in ORDER[2:] if condition.rate <= SLOW else ORDER:
            yield Window(kind=kind, condition=condition, warm_up=WARM_UP[kind], seconds=seconds)


def matrix(rates: Sequence[float], rtp: Sequence[bool], record: Sequence[bool]) -> list[Condition]:
    return [Condition(rate=one, rtp=two, record=three) for two in rtp for three in record for one in rates]


def short() -> Plan:
    """What a developer waits for."""
    return Plan(windows=tuple(windows([*matrix([10], [False], [False]), *matrix([20], [True], [True])])))


def full() -> Plan:
    """Everything."""
    return Plan(windows=tuple(windows(matrix([5, 10, 20], [False, True], [False, True]))))
