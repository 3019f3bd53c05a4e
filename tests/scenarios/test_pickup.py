"""Pick-up: a call that rings at a colleague is taken from him. It costs him nothing; the caller never rings twice."""

from __future__ import annotations

import pytest

from agent_desktop.directory import directory
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.ids import AgentId
from ctiserver.model.routing import Algorithm
from ctiserver.model.work import AgentState, ContactState, NoticeKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.stories import into_queue
from tests.scenarios.test_auto_answer import rings, site


def ringing_at_first(floor: Floor) -> None:
    """It rings for 1002, who asked for no automatic answer; 1003 is free too."""
    floor.log_in("1002")
    floor.advance(1)
    floor.log_in("1003")
    into_queue(floor)
    floor.confirm("1002")
    floor.settle()
    assert rings(floor) == [False]


def test_a_colleague_takes_the_call_and_his_phone_answers_by_itself() -> None:
    floor = Floor(site())
    ringing_at_first(floor)
    contact = floor.contact().id
    assert [(one.id, one.ringing) for one in directory(floor.world, AgentId("1003")).agents] == [("1002", contact)]
    assert floor.command(cmd.PickUpCall, "1003", contact=contact) is None
    assert [one.ringing for one in directory(floor.world, AgentId("1002")).agents] == [contact]
    assert len(rings(floor)) == 1, "the card first"
    floor.confirm("1003")
    floor.settle()
    assert rings(floor) == [False, True]
    assert (floor.contact().state, floor.contact().agent) == (ContactState.CONNECTED, "1003")
    left = floor.world.agents["1002"]
    assert (agent_state(left), left.misses, left.ready) == (AgentState.READY, 0, True)
    assert [(notice.kind, notice.by) for notice in left.notices] == [(NoticeKind.PICKED_UP, "1003")]
    assert not floor.events(ev.OfferMissed)


def test_when_the_page_that_picked_up_dies_the_others_have_it_at_once_and_answer_by_hand() -> None:
    floor = Floor(site())
    ringing_at_first(floor)
    floor.command(cmd.PickUpCall, "1003", contact=floor.contact().id)
    floor.settle()
    floor.feed(facts.LinkChanged(agent=AgentId("1003"), links=0))
    floor.confirm("1002")
    floor.settle()
    offers = [event.agents for event in floor.events(ev.OfferMade) if isinstance(event, ev.OfferMade)]
    assert offers == [("1002",), ("1003",), ("1002",)]
    assert rings(floor) == [False, False]


def test_a_call_that_rings_several_phones_is_picked_up_from_all_of_them() -> None:
    floor = Floor(site(Algorithm.RING_ALL))
    for agent in ("1002", "1003"):
        floor.log_in(agent)
    into_queue(floor)
    for agent in ("1002", "1003"):
        floor.confirm(agent)
    floor.settle()
    assert rings(floor) == [False, False]
    floor.log_in("1001", ready=False)
    refused = floor.command(cmd.PickUpCall, "1001", contact=floor.contact().id)
    assert refused is not None
    assert refused.code == "not_ready", "a break is a break"
    assert floor.command(cmd.PickUpCall, "1002", contact=floor.contact().id) is None
    assert rings(floor) == [False, False], "his own phone rings with it: he answers that"


@pytest.mark.parametrize("when", ["answered", "gone"])
def test_too_late_is_said(when: str) -> None:
    floor = Floor(site())
    ringing_at_first(floor)
    contact = floor.contact().id
    if when == "answered":
        floor.switch.answer(floor.ringing_leg("1002"))
    else:
        floor.switch.end(floor.conversation().customer_leg)
    floor.settle()
    refused = floor.command(cmd.PickUpCall, "1003", contact=contact)
    assert refused is not None
    assert refused.code == "not_waiting"
    assert not [effect for effect in floor.switch.performed if isinstance(effect, fx.RingEndpoint)][1:]
