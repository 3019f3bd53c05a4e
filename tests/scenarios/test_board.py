"""The lead's board: an old snapshot and the deltas after it are a fresh snapshot, whatever happens on the floor.

Whole days played by chance (test_random_days) with boards open: of one who sees everything, of the leads of two teams,
and of a lead whose team is empty. After every turn what each board holds is compared with what it would be shown anew.
"""

from __future__ import annotations

from typing import Any

import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.ids import AgentId
from ctiserver.model.teams import Teams, teams_of
from monitor import board
from monitor.hour import LastHour
from monitor.server import Floor as Boards
from tests.fakes.boards import Open, in_teams, principal, read
from tests.fakes.floor import Floor
from tests.scenarios import test_random_days as days
from tests.scenarios.conftest import make_site


@pytest.mark.parametrize("seed", range(4))
def test_an_old_snapshot_and_the_deltas_are_a_fresh_snapshot(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = days.sites()
    monkeypatch.setattr(days, "sites", lambda: tuple(in_teams(site) for site in usual))
    day = days.Day(seed)
    opened = Open(day.floor)
    day.play()
    assert opened.turns > 200
    assert opened.told > 100


def board_of(floor: Floor, user: str) -> dict[str, Any]:
    boards = Boards(floor.world, lambda: floor.now, LastHour())
    return read(boards.room(teams_of(floor.world.site, principal(user))).held)


def test_a_lead_sees_the_own_team_who_waits_for_it_and_its_calls() -> None:
    """1001 serves the queue too, but is of another team: 2002 sees who waits, not whom 1001 talks to."""
    site = in_teams(make_site())
    floor = Floor(site)
    floor.log_in("1001", ready=False)
    leg = floor.switch.call("1.1", "95500")
    floor.advance(5)
    floor.switch.press(leg, "1")
    floor.advance(1)
    name = floor.conversation().id
    assert {"agent/1001", "queue/service"} == board_of(floor, "2001").keys() - {"site", f"call/{name}"}
    assert {"agent/1002", "agent/1003"} == {key for key in board_of(floor, "2002") if key.startswith("agent/")}
    assert f"call/{name}" in board_of(floor, "2001")
    assert f"call/{name}" in board_of(floor, "2002"), "they serve its queue"
    assert board_of(floor, "2003").keys() == {"site"}, "a team of nobody"
    assert board_of(floor, "admin").keys() == board_of(floor, "2001").keys() | board_of(floor, "2002").keys()
    floor.command(cmd.SetReady, "1001")
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.advance(1)
    assert f"call/{name}" in board_of(floor, "2001")
    assert f"call/{name}" not in board_of(floor, "2002"), "another team's call"
    assert board_of(floor, "2001")["agent/1001"]["call"]["conversation"] == name


def test_without_any_named_lead_each_lead_has_everything() -> None:
    site = make_site()
    assert teams_of(site, principal("2001")) == Teams(None)
    assert teams_of(in_teams(site), principal("2001")) == Teams(("first",))
    assert teams_of(in_teams(site), principal("admin")) == Teams(None)


def test_the_service_level_counts_each_wait_once() -> None:
    """One is answered at once, one gives up: half of them, now and today; a quarter of an hour later it is history."""
    floor = Floor(make_site())
    floor.log_in("1001", ready=False)
    gone = floor.switch.call("1.1", "95500")
    floor.advance(5)
    floor.switch.press(gone, "1")
    floor.advance(1)
    floor.switch.end(gone)
    floor.advance(1)
    floor.command(cmd.SetReady, "1001")
    leg = floor.switch.call("2.1", "95500")
    floor.advance(5)
    floor.switch.press(leg, "1")
    floor.advance(0.01)
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.advance(1)
    queue = board_of(floor, "admin")["queue/service"]
    assert (queue["service_now"], queue["service_today"]) == (0.5, 0.5)
    assert (queue["good_now"], queue["over_now"]) == (1, 2)
    assert (queue["answered_today"], queue["lost_today"], queue["busy"], queue["staffed"]) == (1, 1, 1, 1)
    floor.advance(3000)
    queue = board_of(floor, "admin")["queue/service"]
    assert (queue["service_now"], queue["service_today"]) == (None, 0.5)


def test_the_last_hour_has_a_point_a_minute_of_what_was_then() -> None:
    """One waits, then they talk; three minutes that nobody saw are a gap; after an hour the oldest point goes."""
    floor = Floor(in_teams(make_site()))
    hour = LastHour()
    floor.log_in("1001", ready=False)
    waiting_caller(floor, "1.1")
    first = hour.take(floor.world, floor.now)
    assert set(first) == {"hour/queue/service", "hour/group/first", "hour/group/second", "hour/group/third"}
    assert hour.take(floor.world, floor.now - floor.now % 60 + 59) == (), "it is the same minute"
    floor.command(cmd.SetReady, "1001")
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.advance(60)
    hour.take(floor.world, floor.now)
    floor.switch.end("1.1")
    floor.advance(240)
    hour.take(floor.world, floor.now)
    found = hour.doc("hour/queue/service")
    assert found is not None
    doc = found[1]
    assert doc.until == floor.now - floor.now % 60
    assert doc.waiting == (1, 0, None, None, None, 0)
    assert doc.talking == (0, 1, None, None, None, 0)
    assert (doc.good, doc.over) == ((0, 1, None, None, None, 1), (0, 1, None, None, None, 1))
    group = hour.doc("hour/group/second")
    assert group is not None
    assert (group[0].group, group[1].talking) == ("second", (0, 0, None, None, None, 0)), "1001 is not of it"
    for _ in range(70):
        floor.advance(60)
        hour.take(floor.world, floor.now)
    found = hour.doc("hour/queue/service")
    assert found is not None
    assert len(found[1].waiting) == 60
    assert None not in found[1].waiting


def test_each_lead_gets_the_last_hour_of_the_own_teams_and_queues() -> None:
    floor = Floor(in_teams(make_site()))
    hour = LastHour()
    hour.take(floor.world, floor.now)
    boards = Boards(floor.world, lambda: floor.now, hour)

    def past(user: str) -> set[str]:
        held = boards.room(teams_of(floor.world.site, principal(user))).held
        return {key for key in held if key.startswith("hour/")}

    assert past("2001") == {"hour/queue/service", "hour/group/first"}
    assert past("2003") == {"hour/group/third"}
    assert past("admin") == set(hour.keys())


def test_a_document_that_shows_nobody_new_is_not_told() -> None:
    """A change that a board does not show costs it nothing."""
    floor = Floor(make_site())
    opened = Open(floor)
    told = opened.told
    floor.feed(facts.LinkChanged(agent=AgentId("1001"), links=1))
    assert opened.told == told


def test_keys_are_those_of_the_world() -> None:
    floor = Floor(make_site())
    assert list(board.keys(floor.world)) == ["agent/1001", "agent/1002", "agent/1003", "queue/service"]


def waiting_caller(floor: Floor, channel: str) -> str:
    leg = floor.switch.call(channel, "95500")
    floor.advance(5)
    floor.switch.press(leg, "1")
    floor.advance(1)
    return floor.contact().id


def offers(floor: Floor) -> list[tuple[str, tuple[str, ...]]]:
    return [(event.contact, event.agents) for event in floor.events(ev.OfferMade) if isinstance(event, ev.OfferMade)]


def test_a_pulled_caller_is_that_agents_next_whoever_is_free_before() -> None:
    floor = Floor(make_site())
    floor.log_in("1001", ready=False)
    floor.log_in("1002", ready=False)
    first, second = waiting_caller(floor, "1.1"), waiting_caller(floor, "2.1")
    assert floor.command(cmd.PullContact, "1002", by="2001", contact=second) is None
    floor.command(cmd.SetReady, "1001")
    floor.command(cmd.SetReady, "1002")
    assert offers(floor) == [(first, ("1001",)), (second, ("1002",))]
    refused = floor.command(cmd.PullContact, "1003", by="2001", contact=second)
    assert refused is not None
    assert refused.code == "not_waiting", "it rings"


def test_after_a_minute_anybody_may_have_the_pulled_caller() -> None:
    floor = Floor(make_site())
    floor.log_in("1001", ready=False)
    floor.log_in("1002", ready=False)
    name = waiting_caller(floor, "1.1")
    floor.command(cmd.PullContact, "1002", by="2001", contact=name)
    floor.command(cmd.SetReady, "1001")
    floor.advance(59)
    assert offers(floor) == []
    floor.advance(2)
    assert offers(floor) == [(name, ("1001",))]


def test_a_caller_with_a_head_start_is_served_before_who_came_first() -> None:
    floor = Floor(make_site())
    floor.log_in("1001", ready=False)
    waiting_caller(floor, "1.1")
    second = waiting_caller(floor, "2.1")
    assert floor.command(cmd.PrioritiseContact, "", by="2001", contact=second, seconds=60) is None
    floor.command(cmd.SetReady, "1001")
    assert offers(floor) == [(second, ("1001",))]
