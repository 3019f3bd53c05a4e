"""A page that goes away in a talk: two counts of its packets decide whether its leg is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest

from ctiserver import lost_pages
from ctiserver.lost_pages import LostPages
from ctiserver.model import events as ev, facts
from ctiserver.model.errors import SwitchError
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.talk import Place
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site
from tests.scenarios.stories import talking


class Reader:
    """Counts as given, one for each reading; an exception is raised."""

    def __init__(self, *counts: int | Exception | None) -> None:
        self.counts = list(counts)
        self.asked: list[LegId] = []

    async def received(self, leg: LegId) -> int | None:
        self.asked.append(leg)
        count = self.counts.pop(0)
        if isinstance(count, Exception):
            raise count
        return count

    async def read(self) -> facts.SwitchReading:
        raise NotImplementedError

    async def refresh(self, leg: LegId) -> None:
        raise NotImplementedError


class House:
    """A talk, and the watch over its page."""

    def __init__(self, reader: Reader) -> None:
        self.floor = Floor(make_site())
        _, self.leg = talking(self.floor)
        self.reader = reader
        self.tasks: list[asyncio.Task[None]] = []
        self.fed: list[facts.LegSilent] = []
        self.pages = LostPages(self.floor.world, reader, self.fed.append, lambda: self.floor.now, self._start)

    def _start(self, work: Coroutine[object, object, None], name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=name))

    async def after(self, *happened: ev.Event) -> list[LegId]:
        """What was fed after these events."""
        for event in happened:
            self.pages.hear(event)
        await asyncio.gather(*self.tasks)
        return [fact.leg for fact in self.fed]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_pages, "APART", 0.0)


def links(count: int) -> ev.DesktopLinkChanged:
    return ev.DesktopLinkChanged(agent=AgentId("1001"), links=count, at=0.0)


async def test_no_packets_between_two_counts_and_the_leg_is_lost() -> None:
    house = House(Reader(700, 700))
    assert await house.after(links(0)) == [house.leg]


async def test_a_page_whose_sound_goes_on_has_only_lost_a_socket() -> None:
    house = House(Reader(700, 715))
    assert await house.after(links(0)) == []


async def test_its_sip_socket_counts_like_its_live_link_and_both_are_one_look() -> None:
    house = House(Reader(700, 700))
    endpoint = house.floor.world.agents[AgentId("1001")].device.endpoint  # type: ignore[union-attr]
    gone = ev.DeviceContactChanged(agent=AgentId("1001"), endpoint=endpoint, present=False, at=0.0)
    assert await house.after(gone, links(0)) == [house.leg]
    assert house.reader.asked == [house.leg, house.leg]


@pytest.mark.parametrize("counts", [(0, 0), (None, None), (700, None)], ids=["ice not done", "gone", "ended meanwhile"])
async def test_a_leg_without_a_first_packet_or_without_an_end_is_not_judged(counts: tuple[int | None, ...]) -> None:
    house = House(Reader(*counts))
    assert await house.after(links(0)) == []


async def test_a_second_tab_that_comes_is_no_loss_and_one_that_goes_is_looked_at() -> None:
    house = House(Reader(700, 715))
    await house.after(links(0))
    house.reader.counts = [800, 815]
    assert await house.after(links(2)) == []
    assert len(house.reader.asked) == 2
    assert await house.after(links(1)) == []
    assert len(house.reader.asked) == 4


async def test_a_switch_that_is_away_is_no_lost_page() -> None:
    house = House(Reader(SwitchError("link lost")))
    assert await house.after(links(0)) == []


def test_the_caller_of_a_lost_page_has_music_and_the_page_is_rung_again() -> None:
    floor = Floor(make_site())
    _, leg = talking(floor)
    floor.feed(facts.LegSilent(leg=leg, at=floor.now))
    floor.settle()
    assert [event.leg for event in floor.events(ev.AgentLegLost)] == [leg]  # type: ignore[attr-defined]
    back = [e for e in floor.events(ev.Originated) if e.take_back]  # type: ignore[attr-defined]
    assert len(back) == 1, "its phone still has a contact: rung at once"
    floor.switch.answer(back[0].leg)  # type: ignore[attr-defined]
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    floor.feed(facts.LegSilent(leg=leg, at=floor.now))
    floor.settle()
    assert floor.conversation().place is Place.TALKING, "told twice, ended once"
