"""What users of other call centers suffer from, where routing is to blame: each complaint has a test that names it.

The threads are public issue reports of other products. Where another file has the story already, ELSEWHERE says which;
a test here looks that it is still there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import acd.core.agent as agents
import acd.core.index as indexes
from ctiserver import turn
from ctiserver.model import commands as cmd, events as ev, ids
from ctiserver.model.causes import ClearedBy, LegFailure
from ctiserver.model.ids import ConversationId
from ctiserver.model.work import AgentState, ContactState
from tests.acd.fake_calls import FakeCalls, Says
from tests.acd.house import agent, queue, site
from tests.acd.office import Office, at_work

ELSEWHERE = {
    "1 stuck agent, seen in production": "tests/live/test_planted_faults.py",
    "2 two agents get one call": "tests/acd/test_ring_all.py::test_the_first_leg_up_wins_and_the_others_are_cancelled",
    "2 two pick up at once": "tests/live/test_routing.py::"
    "test_two_pick_up_at_the_same_moment_and_one_of_them_has_the_caller",
    "1 logged out for ever after misses": "tests/scenarios/test_call_stories.py::"
    "test_an_agent_who_has_missed_too_many_is_back_with_one_click",
    "2 ghost call (freeswitch#2529)": "tests/scenarios/test_call_stories.py::test_no_agent_rings_for_a_caller_who_left",
    "5 a reload drops the call": "tests/acd/test_agents.py::test_a_reload_in_a_talk_does_not_touch_it",
    "7 several tabs fight over the phone": "tests/acd/test_agents.py::"
    "test_a_second_page_does_not_get_the_phone_unless_it_takes_it_over",
    "8 wrap-up cut short": "tests/acd/test_agents.py::test_wrap_up_is_extended_by_thirty_seconds_ten_times_at_most",
    "8 a break asked for in a talk": "tests/acd/test_agents.py::test_a_break_asked_for_in_a_talk_begins_after_it",
    "9 why not this agent": "tests/acd/test_why.py::test_each_reason_why_not_is_counted_once",
    "9 why am I waiting": "tests/acd/test_why.py::test_a_waiting_contact_says_who_would_serve_it_if_he_were_ready",
    "9 order across queues is non-deterministic (Wazo)": "tests/acd/test_fair_order.py::"
    "test_neither_a_restart_nor_the_order_of_the_configuration_changes_who_is_next",
    "10 callbacks lose their place": "tests/scenarios/test_callbacks.py::"
    "test_a_caller_who_books_keeps_place_skills_step_and_data",
    "11 the place in the line goes backwards": "tests/acd/test_queue_rules.py::"
    "test_the_place_in_the_line_is_that_of_the_fair_order",
    "13 a restart loses everything": "tests/scenarios/test_coming_back.py::"
    "test_the_server_is_killed_with_calls_in_every_state_and_goes_on",
}

NAMED = (
    *("freeswitch#2529", "asterisk#176", "NethServer/dev#7632", "amazon-connect-streams#939"),
    *("amazon-connect-streams#33, #513", "amazon-connect-streams#567", "jambonz-feature-server#1363"),
    *("dynamics-365#3017", "asterisk#2123", "kazoo#6609"),
)
"""Chronic defects of others, each named by the docstring of a test in which it would show."""


@pytest.mark.parametrize("defect", NAMED)
def test_a_chronic_defect_of_others_has_a_test_that_names_it(defect: str) -> None:
    there = [path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("test_*.py")]
    told = re.compile(rf'def test_\w+\([^"]*?-> None:\n    """[^"]*{re.escape(defect)}\b')
    assert any(told.search(text) for text in there)


@pytest.mark.parametrize("complaint", list(ELSEWHERE))
def test_the_story_of_this_complaint_is_told(complaint: str) -> None:
    path, _, name = ELSEWHERE[complaint].partition("::")
    text = Path(__file__).parents[2].joinpath(path).read_text("utf-8")
    assert re.search(rf"def {name}\(" if name else r"def test_", text)


# --- 1. stuck agent: freeswitch#1973 #2540 #1062, opensips#3123 #2530, OpenACD#69, kazoo#6609, Cisco 45160 ------

CALL = ConversationId("cx-1")


def offered(office: Office) -> None:
    office.come()


def ringing(office: Office) -> None:
    office.come()
    office.confirm(CALL)


def answered_too_late(office: Office) -> None:
    ringing(office)
    offer = office.offer(CALL)
    office.wait(20.0)
    office.up(offer, "1001")


def caller_gone(office: Office) -> None:
    ringing(office)
    office.hang_up(CALL)


def page_gone(office: Office) -> None:
    ringing(office)
    office.link("1001", 0)


def leg_lost_in_the_talk(office: Office) -> None:
    office.come()
    office.talk(CALL)
    office.lost(CALL, "1001")


def wrapping_up(office: Office) -> None:
    office.come()
    office.talk(CALL)
    office.hang_up(CALL)


SITUATIONS: list[Callable[[Office], None]] = [
    offered,
    ringing,
    answered_too_late,
    caller_gone,
    page_gone,
    leg_lost_in_the_talk,
    wrapping_up,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_1_no_agent_is_stuck_when_nothing_more_is_ever_heard(situation: Callable[[Office], None]) -> None:
    """From here on the switch, the page and the caller say nothing: every state but a talk ends by its own clock."""
    office = Office(site(staff=[agent("1001", max_misses=1)]))
    office.ready("1001")
    situation(office)
    office.wait(60.0)
    assert office.state("1001") in (AgentState.READY, AgentState.NOT_READY)
    assert office.world.agents[ids.AgentId("1001")].work == {}
    assert office.world.reservations == {}


# --- 2. ghost call: freeswitch#2529, kazoo acdc todo, asterisk#176, NethServer/dev#7753 -------------------------


def test_2_the_ring_is_cancelled_in_the_very_turn_in_which_the_caller_is_gone() -> None:
    office = Office()
    office.ready("1001")
    ringing(office)
    office.hang_up(CALL)
    assert office.just()[:1] == ["CallCleared"]
    assert "RingCancelled" in office.just()


def test_2_nobody_is_rung_for_a_caller_who_left_before_his_ring_began() -> None:
    office = Office()
    office.ready("1001")
    call = office.come()
    office.hang_up(call)
    office.wait(5.0)
    assert office.seen(ev.RingAsked) == []


def test_2_an_agent_is_never_in_two_offers() -> None:
    office = Office(site(staff=[agent("1001")]))
    office.ready("1001")
    calls = [office.come() for _ in range(3)]
    assert [office.waits(call) for call in calls] == [False, True, True]
    offer = office.confirm(calls[0])
    office.wait(20.0)
    assert all(office.waits(call) for call in calls), "his phone still rings, as far as we know"
    office.failed(offer, LegFailure.TOO_LATE)
    assert [office.waits(call) for call in calls].count(False) == 1


# --- 8. missed or rejected: asterisk#607 #1006, connect-streams#241 #567 #613 #952 #977 -------------------------


@pytest.mark.parametrize(
    ("how", "event", "misses"),
    [
        (None, ev.OfferMissed, 1),
        (LegFailure.REJECTED, ev.OfferRejected, 0),
        (LegFailure.UNREACHABLE, ev.OfferUnreachable, 0),
    ],
    ids=["missed", "rejected", "unreachable"],
)
def test_8_missed_rejected_and_unreachable_are_told_apart(
    how: LegFailure | None, event: type[ev.OfferMissed | ev.OfferRejected | ev.OfferUnreachable], misses: int
) -> None:
    office = Office()
    office.ready("1001")
    ringing(office)
    if how is None:
        office.wait(20.0)
    else:
        office.failed(office.offer(CALL), how)
    assert len(office.seen(event)) == 1
    assert len(office.seen(ev.OfferMissed) + office.seen(ev.OfferRejected) + office.seen(ev.OfferUnreachable)) == 1
    assert office.world.agents[ids.AgentId("1001")].misses == misses
    assert office.world.agents[ids.AgentId("1001")].ready


def test_8_no_wrap_up_is_skipped_whoever_hangs_up() -> None:
    office = Office()
    office.ready("1001")
    for by in (ClearedBy.CUSTOMER, ClearedBy.AGENT):
        call = office.come()
        office.talk(call)
        office.hang_up(call, by)
        assert office.state("1001") is AgentState.WRAP_UP
        office.wait(31.0)
        assert office.state("1001") is AgentState.READY


# --- 9. why did the eighth caller go first: freeswitch#2511 #1221, opensips#2679, asterisk#1691, chatwoot#10583 --


def test_9_the_eighth_caller_goes_eighth_and_the_record_says_when_each_was_due() -> None:
    """Callers of one queue, offers missed and refused in between; nobody overtakes."""
    office = Office(site(staff=[agent("1001", max_misses=0), agent("1002", max_misses=0)]))
    calls = []
    for _ in range(8):
        calls.append(office.come())
        office.wait(3.0)
    office.ready("1001", "1002")
    order: list[str] = []
    while len(order) < 8:
        offers = [held for held in office.world.reservations.values() if not held.decided]
        first = min(offers, key=lambda held: calls.index(ConversationId(held.conversation)))
        if len(order) in (2, 5) and office.contact(first.conversation).offers == 1:
            office.failed(office.confirm(first.conversation), LegFailure.REJECTED)
            continue
        order.append(first.conversation)
        office.serve(ConversationId(first.conversation), 1.0)
        office.wait(31.0)
    assert order == calls
    made = office.seen(ev.OfferMade)
    assert sorted(made, key=lambda one: one.why.due)[0].conversation == calls[0]


def test_9_an_idle_agent_is_offered_a_caller_as_soon_as_he_may_have_him() -> None:
    """Whatever makes him able to: in no turn a caller waits for whom somebody is free (the house looks every turn)."""
    ways: dict[str, Callable[[Office], object]] = {
        "ready": lambda o: o.take(cmd.SetReady(**o.who("1001"))),
        "linked": lambda o: o.link("1001", 1),
        "skilled": lambda o: o.reload(site(staff=[agent("1001", skills={"x": 1})])),
    }
    for way, happens in ways.items():
        skills = {} if way == "skilled" else {"x": 1}
        office = Office(site(staff=[agent("1001", skills=skills)]))
        office.ready("1001")
        if way == "ready":
            office.take(cmd.SetNotReady(**office.who("1001"), reason="lunch"))
        if way == "linked":
            office.link("1001", 0)
        call = office.come(requires="x")
        assert office.waits(call)
        happens(office)
        assert office.offered_to(call) == "1001", way


# --- 10. callbacks always first: FreePBX#621 --------------------------------------------------------------------


def test_10_a_callback_is_served_when_its_place_comes_up_neither_before_nor_after() -> None:
    office = Office()
    before = office.come()
    office.wait(10.0)
    gone = office.now
    office.wait(10.0)
    after = office.come()
    office.wait(60.0)
    callback = office.enter(medium="callback", waited=office.now - gone)
    late = office.come()
    office.ready("1001")
    assert office.order(4) == [before, callback, after, late]


# --- 11. a place that goes backwards: Wazo, fusionpbx#6743, asterisk#1386 #1568 ---------------------------------


def test_11_the_place_of_a_waiting_caller_only_goes_back_for_a_head_start() -> None:
    """Others come, step, are offered and give up; his own place never grows but for those who have a head start."""
    office = Office(site([queue("service")], [agent("1001", max_misses=0)]))
    calls = [office.come() for _ in range(6)]
    last = office.contact(calls[-1])
    places = [office.acd.index.position(last)]
    for call in calls[:3]:
        office.come()
        office.hang_up(call)
        places.append(office.acd.index.position(last))
    assert places == [6, 5, 4, 3]
    office.come(priority=100.0)
    assert office.acd.index.position(last) == 4


# --- 14. queues times members: asterisk#1972 #1961 #1214 #1611, freeswitch#2458 #2916 ---------------------------


def test_14_an_offer_does_not_look_at_every_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 agents of one queue are free: once the first caller has come, a caller costs a look at a few of them."""
    count = 2000
    looks: Counter[str] = Counter()
    office = Office(site(staff=[agent(f"a{n:04}") for n in range(count)]), fold=False)
    plain_status, plain_rank = agents.status, indexes.Pool.rank

    def status(*args: object, **more: object) -> str:
        looks["status"] += 1
        return plain_status(*args, **more)  # type: ignore[arg-type]

    def rank(*args: object) -> object:
        looks["rank"] += 1
        return plain_rank(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(agents, "status", status)
    monkeypatch.setattr(indexes.Pool, "rank", rank)

    def run(*events: ev.Event) -> None:
        """A turn without the house's checks, which look at everybody."""
        turn.run(office.world, (FakeCalls(), office.acd), Says(events), epoch="t", at=office.now, seed=1)  # type: ignore[arg-type]

    for one in office.world.site.agents:
        run(*at_work(one.id, office.now))
    run(*office.events_of_a_caller("service"))
    looks.clear()
    for _ in range(100):
        run(*office.events_of_a_caller("service"))
    offered_now = [c for c in office.world.contacts.values() if c.state is ContactState.RESERVED]
    assert len(offered_now) == 101
    assert looks["status"] <= 400
    assert looks["rank"] <= 400
