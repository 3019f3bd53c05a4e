"""Queue rules: closed, nobody there, full, overflow; and what becomes of those who wait when a queue closes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from acd.core import forecast, hours
from acd.core.queue_rules import MAX_HOPS
from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, ConversationId, QueueId
from ctiserver.model.routing import CalendarConfig, HolidayConfig, OverflowConfig, RuleConfig, StepConfig
from ctiserver.model.site import AgentConfig, QueueConfig, SiteConfig
from ctiserver.model.work import ContactState, Forecast
from tests.acd.house import House, agent, queue, site

ZONE = "Asia/Shanghai"
OFFICE = CalendarConfig(
    id="office",
    zone=ZONE,
    week=dict.fromkeys(hours.DAYS[:5], ("09:00-17:30",)),
    holidays=(HolidayConfig(day="2026-10-01"),),
)


def shop(
    queues: list[QueueConfig], staff: list[AgentConfig] | None = None, calendars: tuple[CalendarConfig, ...] = (OFFICE,)
) -> SiteConfig:
    return msgspec.structs.replace(site(queues, staff), calendars=calendars)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()


def at(house: House, text: str) -> None:
    """Virtual time passes until this local time."""
    house.wait(moment(text) - house.now)


def opened_at(text: str, config: SiteConfig) -> House:
    house = House(site([]))
    house.now = moment(text)
    house.take(facts.SiteLoaded(site=config))
    return house


def switch(house: House, name: str, *, close: bool, reason: str = "fire drill") -> None:
    if close:
        house.take(cmd.CloseQueue(id="x", by="lead", queue=QueueId(name), reason=reason))
    else:
        house.take(cmd.OpenQueue(id="x", by="lead", queue=QueueId(name)))


def refusals(house: House) -> list[EndReason]:
    return [event.reason for event in house.seen(ev.QueueRefused)]


def away(house: House) -> list[tuple[str, EndReason, str | None]]:
    return [(event.queue, event.reason, event.to) for event in house.seen(ev.CallerTurnedAway)]


def queued_in(house: House, call: ConversationId) -> str:
    return next(
        c.queue for c in house.world.contacts.values() if c.conversation == call and c.state is not ContactState.ENDED
    )


def books(house: House, name: str) -> tuple[int, dict[str, int], int]:
    """Entered, ended by reason, still here."""
    book = house.world.books[QueueId(name)]
    here = [c for c in house.world.contacts.values() if c.queue == name and c.state is not ContactState.ENDED]
    return book.entered, {reason.value: count for reason, count in sorted(book.ended.items())}, len(here)


# --- hours ------------------------------------------------------------------------------------------------


def test_outside_its_hours_a_queue_takes_nobody_and_the_flow_goes_on() -> None:
    house = opened_at("2026-11-20T17:29:59", shop([queue("service", calendar="office")]))
    inside = house.call()
    house.now += 1.0
    house.call()
    assert queued_in(house, inside) == "service"
    house.hang_up(inside)
    assert refusals(house) == [EndReason.CLOSED]
    assert away(house) == [("service", EndReason.CLOSED, None)]
    at(house, "2026-11-23T09:00:00")
    house.call()
    assert len(refusals(house)) == 1


def test_those_who_wait_when_the_hours_end_are_served_if_nothing_else_is_said() -> None:
    house = opened_at("2026-11-20T17:20:00", shop([queue("service", calendar="office")]))
    waiting = house.call()
    at(house, "2026-11-20T17:45:00")
    house.ready("1001")
    assert house.offered_to(waiting) == "1001"


def test_those_who_wait_leave_when_the_hours_end_at_that_very_moment() -> None:
    house = opened_at("2026-11-20T17:20:00", shop([queue("service", calendar="office", at_close="leave")]))
    house.ready("1001", "1002")
    talking = house.call()
    house.talk(talking)
    at(house, "2026-11-20T17:29:50")
    ringing, waiting = house.call(), house.call()
    house.confirm(ringing)
    at(house, "2026-11-20T17:30:00")
    ends = {e.conversation: (e.reason, e.at) for e in house.seen(ev.ContactEnded)}
    assert ends[waiting] == (EndReason.CLOSED, moment("2026-11-20T17:30:00"))
    assert ends[ringing][0] is EndReason.CLOSED, "his agent's phone falls silent too"
    assert talking not in ends
    assert "RingCancelled" in [type(event).__name__ for event in house.log]


def test_the_clock_of_the_hours_goes_on_over_a_restart_and_a_quiet_month() -> None:
    house = opened_at("2026-09-29T12:00:00", shop([queue("service", calendar="office", at_close="leave")]))
    at(house, "2026-09-30T17:29:00")
    house.restart()
    house.call()
    at(house, "2026-09-30T17:30:00")
    assert refusals(house) == [EndReason.CLOSED]
    assert house.world.deadlines.get("acd.hours:service") == moment("2026-10-02T09:00:00"), "over the holiday"
    always = msgspec.structs.replace(OFFICE, week=dict.fromkeys(hours.DAYS, ("00:00-24:00",)), holidays=())
    quiet = opened_at("2026-11-01T00:00:00", shop([queue("service", calendar="office")], calendars=(always,)))
    at(quiet, "2026-12-01T00:00:00")
    assert quiet.world.deadlines.get("acd.hours:service") is not None


def test_new_hours_hold_at_once_for_those_who_wait() -> None:
    config = shop([queue("service", calendar="office", at_close="leave")])
    house = opened_at("2026-11-20T10:00:00", config)
    house.call()
    shut = msgspec.structs.replace(OFFICE, holidays=(HolidayConfig(day="2026-11-20", hours=("08:00-09:30",)),))
    house.take(facts.SiteLoaded(site=msgspec.structs.replace(config, calendars=(shut,))))
    assert refusals(house) == [EndReason.CLOSED]
    house.take(facts.SiteLoaded(site=site([queue("service")])))
    assert house.world.deadlines.get("acd.hours:service") is None
    house.call()
    assert len(refusals(house)) == 1


def test_a_named_agent_is_reached_outside_the_hours_too() -> None:
    house = opened_at("2026-11-21T10:00:00", shop([queue("service", calendar="office", no_agent_leaves=True)]))
    call = house.call(agent="1001")
    assert queued_in(house, call) == "service"


# --- the emergency switch -----------------------------------------------------------------------------------


def test_the_switch_closes_a_queue_and_opens_it_again() -> None:
    house = House()
    waiting = house.call()
    switch(house, "service", close=True)
    assert house.seen(ev.QueueSwitched)[0].by == "lead"
    house.call()
    assert refusals(house) == [EndReason.CLOSED]
    assert queued_in(house, waiting) == "service", "who waits already is served"
    house.restart()
    house.call()
    assert len(refusals(house)) == 2, "the switch is where it was after a restart"
    switch(house, "service", close=False)
    house.call()
    assert len(refusals(house)) == 2


def test_the_switch_sends_those_who_wait_away_where_closing_does() -> None:
    house = House(site([queue("service", at_close="leave")]))
    house.call()
    switch(house, "service", close=True)
    assert [(e.reason) for e in house.seen(ev.ContactEnded)] == [EndReason.CLOSED]


def test_a_switch_that_is_there_already_says_nothing_and_an_unknown_queue_is_refused() -> None:
    house = House()
    switch(house, "service", close=False)
    switch(house, "service", close=True)
    switch(house, "service", close=True)
    assert len(house.seen(ev.QueueSwitched)) == 1
    nowhere = cmd.CloseQueue(id="x", by="lead", queue=QueueId("nowhere"))
    assert house.rejected(nowhere) is Rejection.UNKNOWN_QUEUE
    house.take(facts.SiteLoaded(site=site([queue("order")])))
    assert house.world.closed_queues == {}


def test_a_caller_who_lost_his_agent_is_not_sent_away_when_the_queue_closes_or_overflows() -> None:
    """His flow is over: he would be cut off in the middle of his affair."""
    over = (OverflowConfig(to="b", after_seconds=30.0),)
    house = House(site([queue("a", at_close="leave", overflow=over), queue("b")], [agent("1001", "a", "b")]))
    house.ready("1001")
    call = house.call("a")
    house.talk(call)
    house.lost(call, "1001")
    house.wait(15.1)
    assert house.contact(call).state is ContactState.WAITING
    switch(house, "a", close=True)
    house.wait(60.0)
    assert queued_in(house, call) == "a"
    assert house.seen(ev.ContactEnded) == []


# --- nobody there, full -----------------------------------------------------------------------------------


def test_without_an_agent_the_caller_waits_unless_the_queue_says_otherwise() -> None:
    staff = [agent("1001", "patient", "strict")]
    house = House(site([queue("patient"), queue("strict", no_agent_leaves=True)], staff))
    house.call("patient")
    house.call("strict")
    assert refusals(house) == [EndReason.OVERFLOWED]
    house.take(cmd.SignIn(**house.who("1001")))
    house.call("strict")
    assert len(refusals(house)) == 1, "he is signed in, if not ready"
    house.take(cmd.SignOut(**house.who("1001")))
    assert len(refusals(house)) == 2, "the last one has gone home"
    assert len(house.world.contacts) == 1


def test_the_last_agent_who_goes_home_leaves_his_callers_to_the_other_queue() -> None:
    staff = [agent("1001", "day"), agent("1002", "night")]
    house = House(site([queue("day", when_no_agent="night"), queue("night", no_agent_leaves=True)], staff))
    house.take(cmd.SignIn(**house.who("1001")))
    call = house.call("day")
    house.take(cmd.SignOut(**house.who("1001")))
    assert queued_in(house, call) == "day", "there is nobody either: he waits on"
    house.take(cmd.SignIn(**house.who("1001")))
    house.take(cmd.SignIn(**house.who("1002")))
    house.take(cmd.SignOut(**house.who("1001")))
    assert queued_in(house, call) == "night"


def test_a_full_queue_sends_on_to_the_next_and_that_one_too() -> None:
    queues = [
        queue("a", max_waiting=1, when_full="b"),
        queue("b", max_waiting=1, when_full="c"),
        queue("c", max_waiting=1),
    ]
    house = House(site(queues, [agent("1001", "a", "b", "c")]))
    calls = [house.call("a") for _ in range(4)]
    assert [queued_in(house, call) for call in calls[:3]] == ["a", "b", "c"]
    assert refusals(house) == [EndReason.REJECTED]
    assert away(house)[-3:] == [
        ("a", EndReason.REJECTED, "b"),
        ("b", EndReason.REJECTED, "c"),
        ("c", EndReason.REJECTED, None),
    ]
    assert house.world.books[QueueId("a")].entered == 4


def test_the_flow_hears_the_reason_of_the_queue_that_it_asked_for() -> None:
    house = House(shop([queue("a", when_closed="b"), queue("b", max_waiting=0)]))
    switch(house, "a", close=True)
    house.call("a")
    assert refusals(house) == [EndReason.CLOSED]


def test_a_circle_of_queues_ends() -> None:
    queues = [queue("a", when_full="b", max_waiting=0), queue("b", when_full="a", max_waiting=0)]
    house = House(site(queues, [agent("1001", "a", "b")]))
    house.call("a")
    assert refusals(house) == [EndReason.REJECTED]
    assert away(house) == [("a", EndReason.REJECTED, "b"), ("b", EndReason.REJECTED, None)]


def test_nobody_is_sent_on_more_often_than_the_limit() -> None:
    queues = [queue(f"q{n}", max_waiting=0, when_full=f"q{n + 1}") for n in range(9)]
    house = House(site([*queues, queue("q9")], [agent("1001", "q9")]))
    house.call("q0")
    assert refusals(house) == [EndReason.REJECTED]
    assert len(away(house)) == MAX_HOPS + 1


def test_many_who_leave_at_once_do_not_overfill_the_other_queue() -> None:
    config = site([queue("a", at_close="leave", when_closed="b"), queue("b", max_waiting=2)], [agent("1001", "a", "b")])
    house = House(config)
    calls = [house.call("a") for _ in range(5)]
    switch(house, "a", close=True)
    assert [queued_in(house, call) for call in calls[:2]] == ["b", "b"], "the first ones have the places"
    assert refusals(house) == [EndReason.CLOSED] * 3
    assert books(house, "a") == (5, {"closed": 5}, 0)
    assert books(house, "b") == (2, {}, 2)


# --- overflow ---------------------------------------------------------------------------------------------


def test_a_caller_who_has_waited_long_enough_goes_to_the_other_queue_and_keeps_his_time() -> None:
    staff = [agent("1001", "a"), agent("1002", "b")]
    house = House(site([queue("a", overflow=(OverflowConfig(to="b", after_seconds=30.0),)), queue("b")], staff))
    arrived = house.now
    call = house.call("a", priority=12.0)
    house.wait(29.9)
    later = house.call("b")
    house.wait(0.1)
    moved = next(c for c in house.world.contacts.values() if c.conversation == call)
    assert (moved.queue, moved.queued_at, moved.entered_at, moved.priority) == ("b", arrived, arrived + 30.0, 12.0)
    (made,) = [e for e in house.seen(ev.ContactQueued) if e.moved_from is not None]
    assert made.been == ("a",)
    assert [e.reason for e in house.seen(ev.ContactEnded)] == [EndReason.OVERFLOWED]
    house.ready("1002")
    assert house.offered_to(call) == "1002", "he came before the other"
    assert house.contact(later).state is ContactState.WAITING
    assert house.seen(ev.QueueRefused) == []


def test_the_other_queue_asks_for_what_it_asks_for_and_begins_with_its_first_step() -> None:
    """Oracle RC-5: moved to another queue before a match, the criteria start again with step 1."""
    steps = (StepConfig(requires="gold", for_seconds=40.0), StepConfig(requires="silver", for_seconds=40.0))
    config = site(
        [
            queue("a", steps=steps, overflow=(OverflowConfig(to="b", after_seconds=50.0),)),
            queue("b", steps=steps, rules=(RuleConfig(id="old", when={"number": "95500"}, priority=5.0),)),
        ],
        [agent("1001", "a", "b", skills={"silver": 1}), agent("1002", "b", skills={"gold": 1})],
    )
    house = House(config)
    call = house.call("a", requires="latin >= 100")
    house.wait(50.0)
    moved = house.contact(call)
    assert (moved.queue, moved.step, moved.requires, moved.rules) == ("b", 0, "", ("old",))
    house.ready("1001")
    assert moved.state is ContactState.WAITING
    house.wait(40.0)
    assert house.offered_to(call) == "1001"


def test_no_caller_overflows_in_a_circle_and_one_whom_nobody_takes_is_tried_again() -> None:
    config = site(
        [
            queue("a", overflow=(OverflowConfig(to="b", after_seconds=10.0),)),
            queue("b", max_waiting=1, overflow=(OverflowConfig(to="a", after_seconds=10.0),)),
        ],
        [agent("1001", "a", "b")],
    )
    house = House(config)
    holder = house.call("b")
    call = house.call("a")
    house.wait(9.0)
    house.hang_up(holder)
    holder = house.call("b")
    house.wait(8.0)
    assert queued_in(house, call) == "a", "the other queue is full"
    house.hang_up(holder)
    house.wait(5.0)
    assert queued_in(house, call) == "b"
    house.wait(100.0)
    assert queued_in(house, call) == "b", "he does not come back"


def test_a_caller_whose_agent_is_rung_at_that_moment_stays_and_goes_when_it_came_to_nothing() -> None:
    staff = [agent("1001", "a", max_misses=1), agent("1002", "b")]
    house = House(site([queue("a", overflow=(OverflowConfig(to="b", after_seconds=30.0),)), queue("b")], staff))
    call = house.call("a")
    house.wait(25.0)
    house.ready("1001")
    house.confirm(call)
    house.wait(14.0)
    assert queued_in(house, call) == "a"
    house.wait(15.0)
    assert queued_in(house, call) == "b"


def test_a_long_line_overflows_on_entering() -> None:
    config = site([queue("a", overflow=(OverflowConfig(to="b", waiting_over=2),)), queue("b")], [agent("1", "a", "b")])
    house = House(config)
    calls = [house.call("a") for _ in range(5)]
    assert [queued_in(house, call) for call in calls] == ["a", "a", "a", "b", "b"]
    assert books(house, "a") == (5, {"overflowed": 2}, 3)
    switch(house, "b", close=True)
    assert queued_in(house, house.call("a")) == "a", "the other one is closed: here he may wait"


def test_a_long_predicted_wait_overflows_on_entering_and_not_while_an_agent_is_free() -> None:
    config = site(
        [queue("a", overflow=(OverflowConfig(to="b", predicted_over_seconds=60.0),)), queue("b")],
        [agent("1001", "a"), agent("1002", "b")],
    )
    house = House(config, fold=False)
    assert queued_in(house, house.call("a")) == "a", "nothing is known yet"
    house.world.forecasts[QueueId("a")] = Forecast(gap=40.0, starts=20, ring=5.0, moved_at=house.now)
    assert forecast.predicted(house.world, QueueId("a"), 2) == 85.0
    assert queued_in(house, house.call("a")) == "b"
    house.world.forecasts[QueueId("a")].gap = 20.0
    assert queued_in(house, house.call("a")) == "a"
    empty = House(config, fold=False)
    empty.ready("1001")
    empty.world.forecasts[QueueId("a")] = Forecast(gap=400.0, starts=20)
    assert empty.offered_to(empty.call("a")) == "1001"


def test_a_step_ends_when_the_wait_is_predicted_to_be_longer_than_it_allows() -> None:
    steps = (StepConfig(requires="gold", wait_over_seconds=60.0), StepConfig(requires="silver"))
    staff = [agent("1001", skills={"gold": 1}), agent("1002", skills={"silver": 1})]
    house = House(site([queue("service", steps=steps)], staff), fold=False)
    house.ready("1002")
    call = house.call()
    house.wait(20.0)
    assert house.contact(call).step == 0, "nothing is known yet"
    house.world.forecasts[QueueId("service")] = Forecast(gap=70.0, starts=20, moved_at=house.now)
    house.wait(5.1)
    assert [(e.step, e.why) for e in house.seen(ev.ContactStepped)] == [(1, "predicted")]
    assert house.offered_to(call) == "1002"
    assert house.contact(house.call()).step == 1, "at once, when it is known on entering"


# --- the books ----------------------------------------------------------------------------------------------


def test_every_end_is_counted_in_its_queue_and_the_books_balance() -> None:
    staff = [agent("1001", "a"), agent("1002", "b")]
    config = site(
        [
            queue(
                "a",
                max_waiting=3,
                max_wait_seconds=50.0,
                wrap_up_seconds=0.0,
                overflow=(OverflowConfig(to="b", after_seconds=40.0),),
            ),
            queue("b", max_waiting=1),
        ],
        staff,
    )
    house = House(config)
    house.ready("1001")
    answered = house.call("a")
    house.talk(answered)
    house.hang_up(answered)
    house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))
    house.call("a")
    abandoned = house.call("a")
    house.call("a")
    house.call("a")  # full
    house.hang_up(abandoned)
    house.wait(45.0)  # one overflows, the other queue is full then
    switch(house, "a", close=True)
    house.call("a")
    house.wait(10.0)
    assert books(house, "a") == (
        6,
        {"abandoned": 1, "answered": 1, "closed": 1, "overflowed": 1, "rejected": 1, "timed_out": 1},
        0,
    )
    assert books(house, "b") == (1, {}, 1)
    assert Counter(refusals(house)) == Counter([EndReason.REJECTED, EndReason.TIMED_OUT, EndReason.CLOSED])


def test_the_place_in_the_line_is_that_of_the_fair_order() -> None:
    house = House()
    first, second = house.call(), house.call()
    vip = house.call(priority=60.0)
    places = [house.acd.index.position(house.contact(call)) for call in (first, second, vip)]
    assert places == [2, 3, 1]
    house.ready("1001")
    assert house.offered_to(vip) == "1001"
    assert [house.acd.index.position(house.contact(call)) for call in (first, second)] == [1, 2]


@pytest.mark.parametrize("name", ["1001", "1002"])
def test_what_the_rules_decided_is_decided_again_in_the_same_way(name: str) -> None:
    queues = [queue("a", overflow=(OverflowConfig(to="b", after_seconds=5.0),), at_close="leave"), queue("b")]
    house = House(site(queues, [agent("1001", "a"), agent("1002", "b")]))
    for _ in range(3):
        house.call("a")
    house.wait(5.0)
    house.call("a")
    house.ready(name)
    switch(house, "a", close=True)
    more: list[Any] = house.decided_again()
    assert more == house.log
    assert AgentId(name) in house.world.agents
