"""What `benchmarks.desktops` found, as data, and how it is counted. Pure: numbers in, numbers out.

Not here: how it was measured (desktops.py, inp.py), tables and plots (desktops_report.py). A figure of which something
is missing is no figure: `complaints_of_boards`, `complaints_of_page` and `complaints_of_idle` say what.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.boards import Sight
from benchmarks.figures import Spread
from benchmarks.floor_people import Change

AIM_BOARD_MS = 100.0
AIM_IDLE = 0.0005
"""Of a core, for one desktop."""
AIM_INP_MS = 100.0
ARRIVING = 50.0
"""Events a second while a page is used."""
SHORTEST_MS = 16.0
"""A browser reports no interaction that is shorter."""
_NEARLY = 0.9
"""Of the wanted rate: a busy machine may be a little late."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How many and how long (seconds)."""

    people: int = 500
    before: float = 60.0
    idle: float = 65.0
    boards: tuple[int, ...] = (20, 100)
    rate: float = 20.0
    changing: float = 25.0
    interactions: int = 110
    waiting: int = 60
    """callers on the floor"""
    calm: float = 3.0
    """before what is measured"""
    own: bool = True
    """the page at which each event is its own, too"""


QUICK = Plan(before=2.0, idle=5.0, boards=(20,), changing=5.0, interactions=15, waiting=20, calm=1.0, own=False)


class Boards(msgspec.Struct, frozen=True, kw_only=True):
    """States that changed while boards were open. Spreads in ms: `each` board, the `last` board of each change, the
    agent's `own` page, the `answered` command, the queue `figures` on each desktop."""

    boards: int
    desktops: int
    rate: float
    seconds: float
    changes: int
    unseen: int
    """(change, board) pairs that never came"""
    gaps: int
    each: Spread
    last: Spread
    own: Spread
    answered: Spread
    figures: Spread
    late_people: Spread
    late_boards: Spread
    messages_a_second: float
    bytes_a_message: float
    cores: dict[str, float]


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of a core with nobody and with everybody connected. `each`: of the server, for one desktop."""

    desktops: int
    seconds: float
    nobody: dict[str, float]
    everybody: dict[str, float]
    each: float
    messages_a_second: float
    registers_a_second: float
    memory_mb: tuple[float, float]


class Slow(msgspec.Struct, frozen=True):
    """An interaction that took long: ms until the next paint, of them until its handlers began and until they ended."""

    type: str
    target: str
    ms: float
    began: float
    ended: float


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page that was used. `inp`: Interaction to Next Paint, ms; `arrived`: documents a second by its live link;
    `changes`: states that changed, a second."""

    name: str
    interactions: int
    inp: float
    worst: float
    p50: float
    arrived: float
    messages: float
    changes: float
    wanted: float
    """events a second that had to arrive"""
    seconds: float
    slowest: tuple[Slow, ...]
    cores: dict[str, float]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    plan: Plan
    at: str
    machine: dict[str, object]
    versions: dict[str, str]
    idle: Idle
    boards: tuple[Boards, ...]
    pages: tuple[Page, ...]
    troubles: tuple[str, ...]


# --- boards ----------------------------------------------------------------------------------------------------------


class Arrived(msgspec.Struct, frozen=True):
    """Seconds from the command until each board, and until the last board, was told."""

    each: tuple[float, ...]
    last: tuple[float, ...]
    unseen: int


def arrived(changes: Sequence[Change], sights: Iterable[Sight], boards: int) -> Arrived:
    """For each change and board: its first sight of this agent in this state, before the agent changes again."""
    found: dict[tuple[int, str, str], list[float]] = {}
    for sight in sights:
        found.setdefault((sight.board, sight.user, sight.state), []).append(sight.at)
    for moments in found.values():
        moments.sort()
    following: dict[str, float] = {}
    until: list[float] = []
    for change in reversed(changes):
        until.append(following.get(change.user, float("inf")))
        following[change.user] = change.sent
    until.reverse()
    each: list[float] = []
    last: list[float] = []
    unseen = 0
    for change, end in zip(changes, until, strict=True):
        mine = []
        for board in range(boards):
            moments = found.get((board, change.user, change.state), [])
            place = bisect_left(moments, change.sent)
            if place < len(moments) and moments[place] < end:
                mine.append(moments[place] - change.sent)
        unseen += boards - len(mine)
        each += mine
        if boards and len(mine) == boards:
            last.append(max(mine))
    return Arrived(tuple(each), tuple(last), unseen)


def figures_of(changes: Sequence[Change], people: Sequence[Sequence[float]]) -> list[float]:
    """Seconds until each desktop's next figures of queues, from when the changed agent's own page knew."""
    found = []
    for change in changes:
        for moments in people:
            place = bisect_left(moments, change.known)
            if change.known and place < len(moments):
                found.append(moments[place] - change.sent)
    return found


def complaints_of_boards(one: Boards, wanted: int, people: int) -> list[str]:
    """`wanted`: boards that had to be there; `people`: desktops."""
    found = []
    if not wanted or one.boards < wanted:
        found.append(f"{one.boards} of {wanted} boards were connected")
    if one.desktops < people or not people:
        found.append(f"{one.desktops} of {people} desktops were connected")
    if one.changes < _NEARLY * one.rate * one.seconds or not one.changes:
        found.append(f"{one.changes} states changed in {one.seconds:.0f} s instead of {one.rate:g} a second")
    if one.unseen:
        found.append(f"{one.unseen} times a board was never told of a change")
    if one.gaps:
        found.append(f"{one.gaps} deltas did not follow the one before")
    if one.own.count < one.changes:
        found.append(f"{one.changes - one.own.count} changes were never told to the agent's own page")
    return found


def complaints_of_idle(one: Idle, people: int) -> list[str]:
    found = []
    if one.desktops < people or not people:
        found.append(f"idle: {one.desktops} of {people} desktops were connected")
    if one.messages_a_second < _NEARLY * one.desktops:
        found.append(f"idle: {one.messages_a_second:.0f} beats a second for {one.desktops} desktops")
    return found


# --- pages -----------------------------------------------------------------------------------------------------------


class Entry(msgspec.Struct, frozen=True):
    """What a browser's PerformanceObserver tells of one event. ms; `start` since the page began."""

    id: int
    type: str
    duration: float
    start: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    target: str = ""


class Inp(msgspec.Struct, frozen=True):
    """ms. Without any reported event all are SHORTEST_MS: every interaction was shorter."""

    inp: float
    worst: float
    p50: float
    slowest: tuple[Slow, ...]


def inp(entries: Iterable[Entry], interactions: int) -> Inp:
    """Interaction to Next Paint as the web-vitals library has it: of each interaction its longest event, and of these
    the longest, but one is left out for each 50 interactions. `interactions`: all, those too short to be told of too.
    """
    longest: dict[int, Entry] = {}
    for entry in entries:
        if entry.id and (entry.id not in longest or entry.duration > longest[entry.id].duration):
            longest[entry.id] = entry
    ordered = sorted(longest.values(), key=lambda entry: -entry.duration)
    if not ordered:
        return Inp(SHORTEST_MS, SHORTEST_MS, SHORTEST_MS, ())
    middle = interactions // 2
    slowest = tuple(
        Slow(
            entry.type,
            entry.target,
            entry.duration,
            round(entry.began - entry.start, 1),
            round(entry.ended - entry.start, 1),
        )
        for entry in ordered[:5]
    )
    return Inp(
        inp=ordered[min(len(ordered) - 1, interactions // 50)].duration,
        worst=ordered[0].duration,
        p50=ordered[middle].duration if middle < len(ordered) else SHORTEST_MS,
        slowest=slowest,
    )


def complaints_of_page(one: Page, interactions: int) -> list[str]:
    found = []
    if one.interactions < interactions or not interactions:
        found.append(f"{one.name}: {one.interactions} interactions instead of {interactions}")
    if one.changes < _NEARLY * ARRIVING:
        found.append(f"{one.name}: {one.changes:.1f} states changed a second instead of {ARRIVING:g}")
    if one.arrived < _NEARLY * one.wanted or not one.arrived:
        found.append(f"{one.name}: {one.arrived:.1f} events a second arrived instead of {one.wanted:g}")
    return found


def aims(result: Result) -> list[tuple[str, str, bool]]:
    """What was wanted, what was reached, whether that is enough."""
    idle = result.idle
    found = [
        (
            f"state change -> all {one.boards} boards, {one.desktops} desktops connected: p99 <= {AIM_BOARD_MS:g} ms",
            f"{one.last.p99:.1f} ms",
            one.last.count > 0 and one.last.p99 <= AIM_BOARD_MS,
        )
        for one in result.boards
    ]
    found.append(
        (
            f"server CPU for a connected idle desktop < {AIM_IDLE:.2%} of a core",
            f"{idle.each:.4%}",
            idle.desktops > 0 and idle.each < AIM_IDLE,
        )
    )
    found += [
        (
            f"INP <= {AIM_INP_MS:g} ms while {ARRIVING:g} events/s arrive: {one.name}",
            f"{one.inp:g} ms",
            one.interactions > 0 and one.inp <= AIM_INP_MS,
        )
        for one in result.pages
    ]
    return found
