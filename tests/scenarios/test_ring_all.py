"""Ring all, with the real conversation core: one caller, several phones, and exactly one talk."""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.routing import Algorithm
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, ContactState, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site
from tests.scenarios.stories import ends, finish, into_queue, over

STAFF = ("1001", "1002", "1003")


@pytest.fixture
def floor() -> Floor:
    """Three agents with their pages, and a queue that rings all of them."""
    plain = make_site()
    rings = msgspec.structs.replace(plain.queues[0], algorithm=Algorithm.RING_ALL)
    floor = Floor(msgspec.structs.replace(plain, queues=(rings,)))
    for name in STAFF:
        floor.log_in(name)
    return floor


def all_ring(floor: Floor) -> tuple[LegId, dict[str, LegId]]:
    """A caller, and the leg that rings each agent."""
    caller = into_queue(floor)
    for name in STAFF:
        floor.confirm(name)
    floor.settle()
    return caller, {name: floor.ringing_leg(name) for name in STAFF}


def states(floor: Floor) -> dict[str, AgentState]:
    return {name: agent_state(floor.agent(name)) for name in STAFF}


READY, BUSY, RESERVED = AgentState.READY, AgentState.BUSY, AgentState.RESERVED


def test_all_phones_ring_the_first_to_answer_has_the_caller_the_others_fall_silent(floor: Floor) -> None:
    caller, legs = all_ring(floor)
    assert states(floor) == dict.fromkeys(STAFF, RESERVED)
    floor.switch.answer(legs["1002"])
    floor.settle()
    assert states(floor) == {"1001": READY, "1002": BUSY, "1003": READY}
    assert floor.switch.bridge_of(caller) == floor.switch.bridge_of(legs["1002"]) == "t"
    assert legs["1001"] not in floor.switch.channels
    assert legs["1003"] not in floor.switch.channels
    assert [event.agent for event in floor.events(ev.OfferWithdrawn)] == ["1001", "1003"]  # type: ignore[attr-defined]
    assert [floor.agent(name).misses for name in STAFF] == [0, 0, 0]
    floor.switch.end(caller)
    floor.settle()
    finish(floor, "1002")
    assert ends(floor) == [EndReason.ANSWERED]


def test_two_pick_up_at_once_and_the_second_hears_nobody(floor: Floor) -> None:
    """asterisk#176: two agents never get one call."""
    caller, legs = all_ring(floor)
    floor.switch.answer(legs["1003"])
    floor.switch.answer(legs["1001"])
    floor.settle()
    assert states(floor) == {"1001": READY, "1002": READY, "1003": BUSY}
    assert legs["1001"] not in floor.switch.channels
    joined = [effect.leg for effect in floor.switch.performed if isinstance(effect, fx.JoinBridge)]
    assert legs["1001"] not in joined
    floor.switch.end(caller)
    floor.settle()
    finish(floor, "1003")


def test_those_who_were_rung_for_nothing_get_the_next_caller(floor: Floor) -> None:
    _, legs = all_ring(floor)
    second = into_queue(floor, "1.2")
    assert floor.contact().state is ContactState.WAITING
    floor.switch.answer(legs["1002"])
    floor.settle()
    assert states(floor) == {"1001": RESERVED, "1002": BUSY, "1003": RESERVED}
    for leg in ("1.1", second):
        floor.switch.end(LegId(leg))
    floor.settle()
    finish(floor, "1002")


def test_the_caller_leaves_and_all_phones_fall_silent(floor: Floor) -> None:
    caller, legs = all_ring(floor)
    floor.switch.end(caller)
    floor.settle()
    assert not [leg for leg in legs.values() if leg in floor.switch.channels]
    over(floor)
    assert states(floor) == dict.fromkeys(STAFF, READY)
    assert ends(floor) == [EndReason.ABANDONED]


def test_one_refuses_one_cannot_be_reached_and_the_third_answers(floor: Floor) -> None:
    caller, legs = all_ring(floor)
    floor.switch.end(legs["1001"], 21)
    floor.switch.end(legs["1002"], 0)
    floor.settle()
    assert states(floor) == {"1001": READY, "1002": READY, "1003": RESERVED}
    assert floor.conversation().place is Place.WAITING
    floor.switch.answer(legs["1003"])
    floor.settle()
    assert floor.switch.bridge_of(caller) == "t"
    floor.switch.end(caller)
    floor.settle()
    finish(floor, "1003")
    assert len(floor.events(ev.OfferRejected)) == len(floor.events(ev.OfferUnreachable)) == 1


def test_nobody_answers_so_all_have_missed_it_and_it_rings_again(floor: Floor) -> None:
    caller, legs = all_ring(floor)
    floor.advance(20.5)
    assert [floor.agent(name).misses for name in STAFF] == [1, 1, 1]
    assert states(floor) == dict.fromkeys(STAFF, RESERVED)
    again = {name: floor.ringing_leg(name) for name in STAFF}
    assert not set(again.values()) & set(legs.values())
    floor.switch.answer(again["1001"])
    floor.settle()
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_a_page_loaded_anew_loses_its_ring_only(floor: Floor) -> None:
    caller, legs = all_ring(floor)
    floor.reload("1001", "page2")
    assert legs["1001"] not in floor.switch.channels
    floor.switch.answer(legs["1002"])
    floor.settle()
    assert floor.switch.bridge_of(caller) == "t"
    floor.switch.end(caller)
    floor.settle()
    finish(floor, "1002")


def test_the_phone_that_stops_last_is_free_when_its_leg_is_gone(floor: Floor) -> None:
    """The switch does not say that one of the silenced legs is gone: its agent is free after 2 s all the same."""
    caller, legs = all_ring(floor)
    floor.calm = False
    floor.lost = lambda item: isinstance(item, facts.LegEnded) and item.leg == legs["1003"]
    floor.switch.answer(legs["1001"])
    floor.settle()
    assert states(floor) == {"1001": BUSY, "1002": READY, "1003": RESERVED}
    floor.advance(2.0)
    assert states(floor) == {"1001": BUSY, "1002": READY, "1003": READY}
    floor.lost = lambda _item: False
    floor.feed(floor.switch.seen())
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("answered", [False, True])
def test_the_server_is_killed_while_all_ring(floor: Floor, answered: bool) -> None:
    """It comes back to three rings, or to one talk whose other rings are still to be ended."""
    caller, legs = all_ring(floor)
    if answered:
        floor.switch.answer(legs["1002"])
    floor.restart()
    floor.settle()
    for name in STAFF:
        floor.feed_links(name)
    floor.settle()
    assert floor.switch.channels[caller] == "Up"
    floor.advance(3.0)
    talking = [name for name in STAFF if states(floor)[name] is BUSY]
    if not talking:
        leg = floor.ringing_leg("1001")
        floor.switch.answer(leg)
        floor.settle()
        talking = ["1001"]
    assert len(talking) == 1
    assert floor.switch.bridge_of(caller) == "t"
    up = [leg for leg in floor.switch.channels if leg != caller]
    assert up == [floor.switch_leg(talking[0])] if hasattr(floor, "switch_leg") else len(up) == 1
    floor.switch.end(caller)
    floor.settle()
    finish(floor, talking[0])


def test_only_as_many_ring_as_the_queue_allows(floor: Floor) -> None:
    plain = floor.world.site
    two = msgspec.structs.replace(plain.queues[0], ring_at_most=2)
    floor.feed(facts.SiteLoaded(site=msgspec.structs.replace(plain, queues=(two,))))
    floor.command(cmd.SetNotReady, "1001", reason="lunch")
    floor.command(cmd.SetReady, "1001")
    caller = into_queue(floor)
    reserved = [name for name in STAFF if states(floor)[name] is RESERVED]
    assert reserved == ["1001", "1002"], "the longest idle, a break does not count"
    assert AgentId("1003") not in next(iter(floor.world.reservations.values())).agents
    floor.switch.end(caller)
    over(floor)
