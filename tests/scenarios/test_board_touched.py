"""What a turn touches on the lead's board (`monitor.board.Touched`): each rule has a story that fails without it.

`Open` compares after every turn what boards hold with what they would be shown anew. Here: every situation of a call,
with boards that were open before and boards that are opened in it, and commands in it; consults and callbacks by
chance; and by name the turns whose events say less than they change.
"""

from __future__ import annotations

import random

import msgspec
import pytest

from ctiserver.model import commands as cmd, facts
from ctiserver.model.routing import Algorithm, CalendarConfig
from tests.calls import situations
from tests.calls.situations import AGENT, CALLER, COLLEAGUE, THIRD, Call
from tests.fakes.boards import Open
from tests.fakes.floor import Floor
from tests.scenarios import test_random_callbacks as callbacks, test_random_consults as consults
from tests.scenarios.conftest import make_site
from tests.scenarios.test_queue_rules import centre, queue
from tests.scenarios.test_ring_all import STAFF, all_ring

ZHANG = facts.Customer(id="7", code="K7", name="Zhang Wei")


def named(floor: Floor) -> None:
    """The look-up was slow: only now is it known who he is; the fact names the conversation and nobody else."""
    for name in list(floor.world.conversations):
        floor.feed(facts.CustomerFound(conversation=name, customer=ZHANG))


@pytest.mark.parametrize("opened", ["before", "in it"])
@pytest.mark.parametrize("situation", situations.SITUATIONS)
def test_in_every_situation_of_a_call_boards_follow(situation: str, opened: str) -> None:
    call = Call("browser")
    boards = Open(call.floor) if opened == "before" else None
    situations.SITUATIONS[situation](call)
    boards = boards or Open(call.floor)
    named(call.floor)
    call.floor.advance(3)
    call.floor.switch.end(CALLER)
    call.floor.advance(60)
    assert boards.turns > 1


@pytest.mark.parametrize("command", [name for name in situations.COMMANDS if "nobody" not in name])
def test_whatever_is_commanded_boards_follow(command: str) -> None:
    for situation in ("offered", "talking", "held", "consult_ringing", "consulting", "conference", "consult_waiting"):
        call = Call("browser")
        situations.SITUATIONS[situation](call)
        boards = Open(call.floor)
        situations.COMMANDS[command](call)
        call.floor.advance(1)
        named(call.floor)
        call.floor.advance(30)
        assert boards.turns > 1


@pytest.mark.parametrize("seed", range(4))
def test_consults_and_conferences_by_chance(seed: int) -> None:
    dice = random.Random(seed)
    call = Call("browser")
    boards = Open(call.floor)
    situations.SITUATIONS[dice.choice(consults.BEGINNINGS)](call)
    for step in range(consults.STEPS):
        consults.happens(call, dice, step)
        call.floor.advance(dice.choice([0, 0.001, 0.1, 1, 5]))
    assert boards.turns > 30


@pytest.mark.parametrize("seed", range(3))
def test_callbacks_by_chance(seed: int) -> None:
    day = callbacks.Day(seed)
    boards = Open(day.floor)
    day.live()
    day.over()
    assert boards.turns > 50


def test_a_customer_who_is_named_in_the_middle_of_a_talk_is_named_on_his_agents_row() -> None:
    call = Call("browser")
    situations.talking(call)
    boards = Open(call.floor)
    named(call.floor)
    assert b"Zhang Wei" in boards.held["admin"][f"agent/{AGENT}"]
    (conversation,) = call.floor.world.conversations
    assert b"Zhang Wei" in boards.held["admin"][f"call/{conversation}"]


def test_a_customer_who_is_named_while_a_colleague_is_asked_about_him_is_named_on_both_rows() -> None:
    call = Call("browser")
    boards = Open(call.floor)
    situations.consulting(call)
    named(call.floor)
    for agent in (AGENT, COLLEAGUE):
        assert b"Zhang Wei" in boards.held["admin"][f"agent/{agent}"]
    assert b"Zhang Wei" not in boards.held["admin"][f"agent/{THIRD}"]


def ringing(opened: str) -> tuple[Floor, Open]:
    plain = make_site()
    rings = msgspec.structs.replace(plain.queues[0], algorithm=Algorithm.RING_ALL)
    floor = Floor(msgspec.structs.replace(plain, queues=(rings,)))
    boards = Open(floor) if opened == "before" else None
    for name in STAFF:
        floor.log_in(name)
    all_ring(floor)
    return floor, boards or Open(floor)


@pytest.mark.parametrize("opened", ["before", "while they ring"])
@pytest.mark.parametrize("ending", ["answered", "gone", "rejected", "one more"])
def test_of_all_who_are_rung_each_is_shown_free_again(opened: str, ending: str) -> None:
    floor, boards = ringing(opened)
    match ending:
        case "answered":
            floor.switch.answer(floor.ringing_leg("1002"))
        case "gone":
            floor.switch.end(CALLER)
        case "rejected":
            floor.switch.end(floor.ringing_leg("1003"), 21)
        case _:
            floor.command(cmd.SignOut, "1002")
    floor.advance(0.001)
    floor.advance(40)
    assert boards.turns > 1


def test_an_agent_whose_phone_does_not_fall_silent_is_shown_free_when_he_is() -> None:
    """The caller leaves, the end of the agent's leg is never seen: after two seconds a deadline frees him."""
    call = Call("browser")
    boards = Open(call.floor)
    situations.offered(call)
    call.floor.advance(0.2)
    ringing_leg = call.floor.ringing_leg(AGENT)
    call.floor.calm = False
    call.floor.lost = lambda fact: getattr(fact, "leg", "") == ringing_leg
    call.floor.switch.end(CALLER)
    call.floor.advance(1)
    assert b'"state":"reserved"' in boards.held["admin"][f"agent/{AGENT}"]
    call.floor.advance(2)
    assert b'"state":"ready"' in boards.held["admin"][f"agent/{AGENT}"]


def test_a_colleague_who_is_called_is_shown_busy() -> None:
    """The call's event names the one who calls and its contact, and that one names the colleague."""
    floor = Floor(make_site())
    boards = Open(floor)
    for agent in (AGENT, COLLEAGUE):
        floor.log_in(agent)
    assert floor.command(cmd.MakeCall, AGENT, to_agent=COLLEAGUE) is None
    assert b'"state":"busy"' in boards.held["admin"][f"agent/{COLLEAGUE}"]
    floor.advance(60)


def test_an_answer_by_one_who_does_not_serve_the_queue_moves_its_figures() -> None:
    """1001 hands the customer of `service` to 1002, who serves `other` alone."""
    floor = Floor(centre(queue("service"), queue("other")))
    boards = Open(floor)
    floor.log_in("1001")
    floor.switch.call("1.1", "95500")
    floor.settle()
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.settle()
    floor.log_in("1002")
    (conversation,) = floor.world.conversations
    assert floor.command(cmd.TransferCall, "1001", conversation=conversation, to_agent="1002") is None
    floor.settle()
    floor.confirm("1002")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1002"))
    floor.advance(1)
    assert boards.turns > 10


def test_figures_move_with_the_clock_where_nothing_else_does() -> None:
    """Who waits is predicted anew, and a quarter of an hour makes the service level history."""
    call = Call("browser")
    boards = Open(call.floor)
    situations.cleared(call)
    call.floor.switch.end(CALLER)
    call.floor.advance(60)
    assert b'"over_now":1' in boards.held["admin"]["queue/service"]
    call.floor.advance(3600)
    call.floor.feed(facts.Tick())
    assert b'"over_now":0' in boards.held["admin"]["queue/service"]


def test_another_site_is_another_board() -> None:
    floor = Floor(make_site())
    boards = Open(floor)
    agents = tuple(msgspec.structs.replace(agent, skills={"zh": 7}) for agent in floor.world.site.agents)
    floor.feed(facts.SiteLoaded(site=msgspec.structs.replace(floor.world.site, agents=agents)))
    assert b'"zh":7' in boards.held["admin"]["agent/1001"]


def test_a_queue_closes_by_its_hours_and_nothing_else_happens() -> None:
    """Its clock is the only event there is."""
    office = CalendarConfig(id="office", zone="UTC", week={"thu": ("00:00-00:10",)})
    floor = Floor(centre(queue("service", calendar="office"), calendars=(office,)))
    boards = Open(floor)
    thursday = 7 * 86400.0
    assert b'"open":false' in boards.held["admin"]["queue/service"]
    floor.advance(thursday + 60 - floor.now)
    assert b'"open":true' in boards.held["admin"]["queue/service"]
    floor.advance(600)
    assert b'"open":false' in boards.held["admin"]["queue/service"]
    assert boards.turns == 2
