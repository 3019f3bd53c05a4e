"""The last hour of the floor, a point a minute for every queue and every group: for small plots. Pure.

Lives here: taking a point, keeping sixty, the document of it. Not here: when a minute is over (`monitor.server`), the
figures themselves (`monitor.board` shows the same ones). It is no part of the world and of no snapshot: after a restart
it begins empty, and the page says from when on it knows.
"""

from __future__ import annotations

from collections import deque

import msgspec

from acd.core import served
from ctiserver.model.work import AgentState, ContactState, agent_state
from ctiserver.model.world import World
from monitor.board import Owner

MINUTES = 60

Line = tuple[int | None, ...]


class FloorHour(msgspec.Struct, frozen=True, kw_only=True):
    """`until`: the last point's minute, epoch seconds; every list has a point a minute up to it, oldest first, at most
    60; None: nothing is known of that minute. `good` of `over` waits: the service level as it was "now" then. A
    group has agents only."""

    until: float
    waiting: Line = ()
    good: Line = ()
    over: Line = ()
    ready: Line
    talking: Line


class LastHour:
    """Points by document key. Call `take` whenever a minute may be over."""

    def __init__(self) -> None:
        self._minute = 0
        self._points: dict[str, deque[tuple[int, ...] | None]] = {}

    def take(self, world: World, now: float) -> tuple[str, ...]:
        """The point of this minute, unless it is there; the keys of the documents that are different now."""
        minute = int(now // 60.0)
        if minute <= self._minute:
            return ()
        missed = min(minute - self._minute - 1, MINUTES)
        self._minute = minute
        taken = _points(world, now)
        gone = tuple(key for key in self._points if key not in taken)
        for key in gone:
            del self._points[key]
        for key, point in taken.items():
            points = self._points.setdefault(key, deque(maxlen=MINUTES))
            if points:
                points.extend([None] * missed)
            points.append(point)
        return (*taken, *gone)

    def keys(self) -> tuple[str, ...]:
        return tuple(self._points)

    def doc(self, key: str) -> tuple[Owner, FloorHour] | None:
        points = self._points.get(key)
        if points is None:
            return None
        lines = [
            tuple(point[i] if point is not None else None for point in points) for i in range(len(points[-1] or ()))
        ]
        _, kind, name = key.split("/", 2)
        until = self._minute * 60.0
        if kind == "group":
            return Owner(group=name), FloorHour(until=until, ready=lines[0], talking=lines[1])
        ready, talking, waiting, good, over = lines
        doc = FloorHour(until=until, waiting=waiting, good=good, over=over, ready=ready, talking=talking)
        return Owner(queue=name), doc


def _points(world: World, now: float) -> dict[str, tuple[int, ...]]:
    """Of a group (ready, talking); of a queue these of its members, then waiting, good, over."""
    states = {name: agent_state(found) for name, found in world.agents.items()}
    groups: dict[str, list[AgentState]] = {group.id: [] for group in world.site.groups}
    for name, config in world.agent_configs.items():
        groups.setdefault(config.group, []).append(states.get(name, AgentState.NULL))
    waiting: dict[str, int] = {}
    for contact in world.contacts.values():
        if contact.state in (ContactState.WAITING, ContactState.RESERVED):
            waiting[contact.queue] = waiting.get(contact.queue, 0) + 1
    points: dict[str, tuple[int, ...]] = {f"hour/group/{name}": _at_work(members) for name, members in groups.items()}
    for queue in world.queue_configs:
        members = [states.get(member, AgentState.NULL) for member in world.members[queue]]
        lately = served.counted(world.books.get(queue), served.lately(now))
        over = lately.good + lately.late + lately.lost
        points[f"hour/queue/{queue}"] = (*_at_work(members), waiting.get(queue, 0), lately.good, over)
    return points


def _at_work(states: list[AgentState]) -> tuple[int, int]:
    return states.count(AgentState.READY), states.count(AgentState.BUSY)
