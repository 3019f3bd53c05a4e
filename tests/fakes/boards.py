"""Boards that are open on a floor of the fakes: told of every turn as the server tells them, and checked after each.

Lives here: four leads' boards, and the property that what each holds is what it would be shown anew. Not here: what
happens on the floor (tests/scenarios), sockets.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ctiserver.model.principal import Principal, Role
from ctiserver.model.routing import GroupConfig, ServesConfig
from ctiserver.model.site import Label, SiteConfig
from ctiserver.model.teams import teams_of
from ctiserver.model.turns import Record
from ctiserver.model.world import World
from monitor.hour import LastHour
from monitor.server import Floor as Boards, Room
from tests.fakes.floor import Floor

LEADS = {"admin": Role.ADMIN, "2001": Role.LEAD, "2002": Role.LEAD, "2003": Role.LEAD}


def in_teams(site: SiteConfig) -> SiteConfig:
    """1001 is in the team of 2001, the others in that of 2002, whose queues are fewer; 2003 leads a team of nobody."""
    first = GroupConfig(id="first", name=Label(zh="first", en="first"), leads=("2001",))
    serves = (ServesConfig(queue=site.queues[0].id),)
    second = GroupConfig(id="second", name=Label(zh="second", en="second"), serves=serves, leads=("2002",))
    third = GroupConfig(id="third", name=Label(zh="third", en="third"), leads=("2003",))
    agents = tuple(
        msgspec.structs.replace(agent, group="first")
        if agent.id == "1001"
        else msgspec.structs.replace(agent, group="second", queues=())
        for agent in site.agents
    )
    return msgspec.structs.replace(site, groups=(first, second, third), agents=agents)


def principal(user: str) -> Principal:
    return Principal(session="s", user=user, role=LEADS[user], name=Label(zh=user, en=user), agent=None)


class Open:
    """Open boards on a fake floor: told of every turn, as the server tells them, and checked after each."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.turns = 0
        self.told = 0
        self._open()
        floor.records = _Watched(self, floor.records)

    def _open(self) -> None:
        self.world: World = self.floor.world
        self.hour = LastHour()
        self.hour.take(self.world, self.floor.now)
        self.boards = Boards(self.world, lambda: self.floor.now, self.hour)
        self.held: dict[str, dict[str, bytes]] = {}
        for user in LEADS:
            self.held[user] = dict(self.room(user).held)

    def room(self, user: str) -> Room:
        return self.boards.room(teams_of(self.world.site, principal(user)))

    def turn(self, record: Record) -> None:
        if self.world is not self.floor.world:  # the server has died, the pages come back
            return self._open()
        self.turns += 1
        self.boards.touched.turn(record.events)
        if self.boards.touched.all:
            self.boards.begin()
            self.held = {user: dict(self.room(user).held) for user in LEADS}
        minute = self.hour.take(self.world, self.floor.now)
        changed = self.boards.fresh((*self.boards.touched.taken(), *self.boards.figures(), *minute))
        for mine, room in self.boards.rooms.items():
            fresh, gone = room.change(changed)
            self.told += len(fresh) + len(gone)
            for user in LEADS:
                if teams_of(self.world.site, principal(user)) == mine:
                    self.held[user].update(fresh)
                    for key in gone:
                        del self.held[user][key]
        self.check(record)
        return None

    def check(self, record: Record) -> None:
        anew = Boards(self.world, lambda: self.floor.now, self.hour)
        for user in LEADS:
            wanted = anew.room(teams_of(self.world.site, principal(user))).held
            if self.held[user] != wanted:
                assert read(self.held[user]) == read(wanted), (user, record.seq, record.events)
                raise AssertionError("the same in other words")


class _Watched(list[Record]):
    def __init__(self, watcher: Open, records: list[Record]) -> None:
        super().__init__(records)
        self._watcher = watcher

    def append(self, record: Record) -> None:
        super().append(record)
        self._watcher.turn(record)


def read(held: dict[str, bytes]) -> dict[str, Any]:
    return {key: msgspec.json.decode(data) for key, data in held.items()}
