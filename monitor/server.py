"""The live link of leads' boards and wallboards: a snapshot at sequence N, then deltas (DESIGN 5.8).

Lives here: who shows what, when it is sent. Not here: what a document says (`monitor.board`), who may see it
(`ctiserver.model.teams`), the socket itself (`ctiserver.live_link`). Boards that may see the same share one *room*:
what changed is rendered and encoded once for all rooms, a delta is put together once for all boards of a room. A board
takes no commands, they have their addresses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import web

from ctiserver import live_link
from ctiserver.live_link import Link
from ctiserver.model import teams
from ctiserver.model.ids import QueueId
from ctiserver.model.principal import Permission, Principal
from ctiserver.model.teams import Teams
from ctiserver.model.turns import Record
from ctiserver.model.world import World
from ctiserver.ports_http import Route
from monitor import board
from monitor.hour import LastHour

BEAT = 1.0
"""Seconds between freshness beats; changed figures of queues come in place of the beat."""
SETTLE = 0.05
"""Seconds that changes of agents and calls are gathered: a ring or an answer is several turns."""
MAX_FRAME = 1024
FRAMES_A_SECOND = 5.0
_json = msgspec.json.Encoder()

Docs = dict[str, tuple[board.Owner, bytes]]


class Room:
    """Boards that may see the same. `held`: what all of them have; `seq`: what it is the state of."""

    def __init__(self, world: World, mine: Teams) -> None:
        self.mine = mine
        self.queues: dict[QueueId, None] = teams.queues_of(world, mine)
        self.site = _json.encode(board.site_doc(world, mine))
        self.held: dict[str, bytes] = {}
        self.seq = -1
        self.links: dict[Link, None] = {}
        self.spoken = False

    def sees(self, owner: board.Owner) -> bool:
        if self.mine.groups is None:
            return True
        if owner.group:
            return owner.group in self.mine.groups
        return owner.queue in self.queues

    def fill(self, docs: Docs) -> None:
        self.held = {"site": self.site} | {key: data for key, (owner, data) in docs.items() if self.sees(owner)}

    def change(self, changed: dict[str, tuple[board.Owner, bytes] | None]) -> tuple[dict[str, bytes], list[str]]:
        """What its boards have to be told of these; they hold it from now on."""
        fresh: dict[str, bytes] = {}
        gone: list[str] = []
        for key, found in changed.items():
            if found is not None and self.sees(found[0]):
                if self.held.get(key) != found[1]:
                    fresh[key] = self.held[key] = found[1]
            elif self.held.pop(key, None) is not None:
                gone.append(key)
        return fresh, gone


class Floor:
    """What all boards show, without their sockets: documents kept up to date by turns, and rooms."""

    def __init__(self, world: World, now: Callable[[], float], hour: LastHour) -> None:
        self._world = world
        self._now = now
        self._hour = hour
        self.touched = board.Touched(world)
        self.docs: Docs = {}
        self.rooms: dict[Teams, Room] = {}
        self._last_quarter = self._quarter()
        self.begin()

    def begin(self) -> None:
        """Everything anew: at the beginning, and when the site is another."""
        self.touched = board.Touched(self._world)
        self.docs = {}
        for key in (*board.keys(self._world), *self._hour.keys()):
            self._render(key)
        self.rooms = {}

    def room(self, mine: Teams) -> Room:
        found = self.rooms.get(mine)
        if found is None:
            found = self.rooms[mine] = Room(self._world, mine)
            found.fill(self.docs)
            found.seq = self._world.seq
        return found

    def _render(self, key: str) -> tuple[board.Owner, bytes] | None:
        """Bring one document up to date."""
        past = key.startswith("hour/")
        made = self._hour.doc(key) if past else board.render(self._world, key, self._now())
        if made is None:
            self.docs.pop(key, None)
            return None
        found = self.docs[key] = (made[0], _json.encode(made[1]))
        return found

    def fresh(self, keys: Iterable[str]) -> dict[str, tuple[board.Owner, bytes] | None]:
        """These documents, rendered, as far as they are not as before."""
        changed: dict[str, tuple[board.Owner, bytes] | None] = {}
        for key in keys:
            before = self.docs.get(key)
            after = self._render(key)
            if after != before:
                changed[key] = after
        return changed

    def figures(self) -> tuple[str, ...]:
        """The queues whose figures may be different: touched ones; where somebody waits the prediction moves, and a
        quarter of an hour moves all service levels."""
        moving = (f"queue/{name}" for name, known in self._world.forecasts.items() if known.line_since)
        keys = dict.fromkeys((*self.touched.figures(), *moving))
        if self._quarter() != self._last_quarter:
            self._last_quarter = self._quarter()
            keys.update(dict.fromkeys(f"queue/{name}" for name in self._world.queue_configs))
        return tuple(keys)

    def _quarter(self) -> int:
        return int(self._now() // 900.0)


class Boards:
    """All open boards. Call `on_turn` after every turn."""

    def __init__(self, world: World, *, now: Callable[[], float] = time.time) -> None:
        self._world = world
        self._now = now
        self._links: dict[Link, None] = {}
        self._floor: Floor | None = None
        """None while no board is open: then a turn costs nothing."""
        self._settling: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._hour = LastHour()
        self._minute: asyncio.TimerHandle | None = None
        self.sent = 0

    def start(self) -> None:
        """From now on the last hour is kept, whether a board is open or not."""
        now = self._now()
        self._minute = asyncio.get_running_loop().call_later(60.0 - now % 60.0, self.start)
        keys = self._hour.take(self._world, now)
        if self._floor is not None:
            self._tell(self._floor, keys)

    @property
    def connected(self) -> int:
        return len(self._links)

    # ---- turns

    def on_turn(self, record: Record) -> None:
        floor = self._floor
        if floor is None:
            return
        floor.touched.turn(record.events)
        if floor.touched.all:
            self._anew(floor)
        elif floor.touched.fast and self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE, self._settle)

    def _settle(self) -> None:
        self._settling = None
        if self._floor is not None:
            self._tell(self._floor, self._floor.touched.taken())

    def _anew(self, floor: Floor) -> None:
        """The site is another: everybody may see other things, and gets everything."""
        floor.begin()
        for link in self._links:
            room = floor.room(self._teams(link.principal))
            room.links[link] = None
            self._send(link, self._snapshot(room))

    def _tell(self, floor: Floor, keys: Iterable[str]) -> None:
        changed = floor.fresh(keys)
        if not changed:
            return
        for room in floor.rooms.values():
            fresh, gone = room.change(changed)
            if not fresh and not gone:
                continue
            told = live_link.delta(self._world.seq, room.seq, self._now(), fresh, gone)
            room.seq = self._world.seq
            self._send_all(room, told)

    def _tick(self) -> None:
        floor = self._floor
        if floor is None:
            self._beat = None
            return
        self._beat = asyncio.get_running_loop().call_later(BEAT, self._tick)
        self._tell(floor, floor.figures())
        for room in floor.rooms.values():
            if not room.spoken and room.links:
                self._send_all(room, live_link.beat(room.seq, self._now()))
            room.spoken = False

    # ---- sending

    def _snapshot(self, room: Room) -> bytes:
        return live_link.snapshot(room.seq, self._now(), room.held)

    def _send_all(self, room: Room, data: bytes) -> None:
        room.spoken = True
        for link in room.links:
            self._send(link, data)

    def _send(self, link: Link, data: bytes) -> None:
        self.sent += 1
        link.send(data)

    def _teams(self, principal: Principal) -> Teams:
        return teams.teams_of(self._world.site, principal)

    # ---- sockets

    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/api/v1/floor/live",
                handler=self.handle,
                summary="Live board of agents, queues and calls: snapshot, deltas (WebSocket)",
                access=Permission.FLOOR,
                websocket=True,
                statuses=(401, 403, 429),
            ),
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """`WS /api/v1/floor/live`. The caller has checked session, permission and Origin."""
        link = Link(request, max_frame=MAX_FRAME, frames=FRAMES_A_SECOND)
        await link.open(self._links)
        self._enter(link)

        def take(text: str) -> None:
            if _asks_again(text):
                self._enter(link)

        await link.serve(take, lambda: self._leave(link))
        return link.socket

    def _enter(self, link: Link) -> None:
        """Show it everything, as it is now."""
        if self._floor is None:
            self._floor = Floor(self._world, self._now, self._hour)
        floor = self._floor
        if self._beat is None:
            self._tick()
        self._tell(floor, floor.touched.taken())
        self._links[link] = None
        room = floor.room(self._teams(link.principal))
        room.links[link] = None
        self._send(link, self._snapshot(room))

    def _leave(self, link: Link) -> None:
        self._links.pop(link, None)
        floor = self._floor
        if floor is None:
            return
        for mine, room in list(floor.rooms.items()):
            room.links.pop(link, None)
            if not room.links:
                del floor.rooms[mine]
        if not self._links:
            self._floor = None

    async def close(self) -> None:
        for timer in (self._beat, self._settling, self._minute):
            if timer is not None:
                timer.cancel()
        await live_link.close_all(self._links)


def _asks_again(text: str) -> bool:
    try:
        return msgspec.json.decode(text, type=dict[str, object]).get("type") == "resync"
    except (msgspec.MsgspecError, RecursionError):
        return False
