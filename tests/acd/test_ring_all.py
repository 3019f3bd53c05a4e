"""Ring all: several agents are offered one contact, the first leg up has it, and who becomes free joins in."""

from __future__ import annotations

import pytest

from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import LegFailure
from ctiserver.model.ids import ConversationId
from ctiserver.model.routing import Algorithm, RuleConfig
from ctiserver.model.work import AgentState
from tests.acd.house import agent, queue, site
from tests.acd.office import Office, group, grouped, member, serves

STAFF = ("1001", "1002", "1003", "1004")


@pytest.fixture
def office() -> Office:
    return Office(
        site(
            [queue("service", algorithm=Algorithm.RING_ALL, ring_at_most=3, wrap_up_seconds=0.0), queue("other")],
            [agent(name, "service", "other") for name in STAFF],
        )
    )


def rung(office: Office, call: ConversationId) -> list[str]:
    """Who is offered the caller at this moment."""
    return [name for name, one in office.offered_now().items() if one == call]


def test_the_first_leg_up_wins_and_the_others_are_cancelled(office: Office) -> None:
    office.ready("1001", "1002", "1003")
    call = office.come()
    offer = office.confirm(call)
    office.up(offer, "1003")
    assert office.contact(call).agent == "1003"
    assert [event.agent for event in office.seen(ev.RingCancelled)] == ["1001", "1002"]
    office.up(offer, "1001")
    assert office.contact(call).agent == "1003", "too late"


def test_who_becomes_free_while_it_rings_is_rung_too_for_the_time_that_is_left(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    offer = office.confirm(call)
    office.wait(4.0)
    office.ready("1002")
    assert rung(office, call) == ["1001", "1002"]
    office.confirm_of("1002")
    rings = office.seen(ev.RingAsked)
    assert [ring.agent for ring in rings] == ["1001", "1002"]
    assert rings[0].deadline == rings[1].deadline
    office.up(offer, "1002")
    assert office.contact(call).agent == "1002"
    assert office.state("1001") is AgentState.RESERVED, "until his leg is seen to be gone"


def test_a_page_that_says_nothing_is_rung_after_150_ms_when_its_agent_has_joined(office: Office) -> None:
    office.ready("1001")
    office.come()
    office.wait(1.0)
    office.ready("1002")
    office.wait(0.2)
    assert [ring.agent for ring in office.seen(ev.RingAsked)] == ["1001", "1002"]


def test_after_half_of_its_time_nobody_joins(office: Office) -> None:
    """He would be told that he had missed a call that rang for a moment."""
    office.ready("1001")
    call = office.come()
    office.wait(10.1)
    office.ready("1002")
    assert rung(office, call) == ["1001"]
    office.wait(10.0)
    assert "1002" in rung(office, call), "the next round is for all"


def test_no_more_join_than_the_queue_allows(office: Office) -> None:
    office.ready("1001", "1002")
    call = office.come()
    office.ready("1003", "1004")
    assert rung(office, call) == ["1001", "1002", "1003"]
    offer = office.confirm(call)
    office.failed(offer, LegFailure.REJECTED, "1001")
    office.take(cmd.SetNotReady(**office.who("1004"), reason="lunch"))
    office.take(cmd.SetReady(**office.who("1004")))
    assert rung(office, call) == ["1002", "1003", "1004"], "a place was free again"


def test_who_has_refused_it_does_not_join_it_again(office: Office) -> None:
    office.ready("1001", "1002")
    call = office.come()
    offer = office.confirm(call)
    office.failed(offer, LegFailure.REJECTED, "1001")
    office.take(cmd.SetNotReady(**office.who("1001"), reason="lunch"))
    office.take(cmd.SetReady(**office.who("1001")))
    assert rung(office, call) == ["1002"]


def test_a_caller_who_waits_goes_before_one_whom_somebody_rings_for_already(office: Office) -> None:
    office.ready("1001")
    ringing, waiting = office.come(), office.come("other")
    assert office.waits(waiting)
    office.ready("1002")
    assert office.offered_to(waiting) == "1002"
    assert rung(office, ringing) == ["1001"]


def test_only_who_may_have_it_joins() -> None:
    queues = [queue("service", algorithm=Algorithm.RING_ALL, requires="french"), queue("other")]
    french = {"french": 1}
    office = Office(
        grouped(
            queues,
            [
                agent("1", skills=french),
                agent("2"),
                agent("3", "other", skills=french),
                member("4", "late", skills=french),
                agent("5", skills=french),
            ],
            group("late", serves("service", delay=30.0)),
        )
    )
    office.ready("1")
    call = office.come()
    office.ready("2", "3", "4", "5")
    assert rung(office, call) == ["1", "5"]


def test_of_two_that_ring_he_joins_the_one_that_goes_first(office: Office) -> None:
    office.ready("1001", "1002")
    first = office.come(agent="1001")
    late = office.come(agent="1002")
    office.hang_up(first)
    office.hang_up(late)
    office.take(cmd.SetNotReady(**office.who("1002"), reason="lunch"))
    usual = office.come()
    office.take(cmd.SetReady(**office.who("1002")))
    assert rung(office, usual) == ["1001", "1002"]
    vip = office.come(priority=60.0)
    office.ready("1003")
    assert rung(office, vip) == ["1003"]
    office.ready("1004")
    assert rung(office, vip) == ["1003", "1004"]
    assert rung(office, usual) == ["1001", "1002"]


def test_a_rule_may_ring_all_for_some_and_one_for_the_others() -> None:
    rule = RuleConfig(id="urgent", when={"path": "urgent"}, algorithm=Algorithm.RING_ALL)
    office = Office(site([queue("service", rules=(rule,))]))
    office.ready("1001", "1002", "1003")
    plain = office.come()
    urgent = office.come(path=("urgent",))
    assert rung(office, plain) == ["1001"]
    assert rung(office, urgent) == ["1002", "1003"]


def test_all_miss_it_and_all_are_rung_again(office: Office) -> None:
    """Their phones fall silent one after the other; the first who is free is not left alone with the second ring."""
    office.ready("1001", "1002", "1003")
    call = office.come()
    offer = office.confirm(call)
    office.wait(20.0)
    assert office.waits(call)
    for name in ("1002", "1001", "1003"):
        office.failed(offer, LegFailure.TOO_LATE, name)
        office.wait(0.01)
    assert sorted(rung(office, call)) == ["1001", "1002", "1003"]
    assert len(office.seen(ev.OfferMade)) == 2
    assert [event.agent for event in office.seen(ev.OfferJoined)] == ["1001", "1003"]


def test_the_caller_leaves_and_who_had_joined_is_free(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    office.ready("1002")
    office.confirm(call)
    office.hang_up(call)
    office.wait(2.1)
    assert office.world.reservations == {}
    assert office.offered_now() == {}


def test_joining_survives_a_restart_and_is_decided_again(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    office.ready("1002")
    assert office.decided_again() == office.log
    office.restart()
    office.ready("1003")
    assert rung(office, call) == ["1001", "1002", "1003"]
