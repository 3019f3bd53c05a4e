"""The site changes in the middle of live work: what is in force for whom, in the very turn of the change (ADR 19).

Every story ends with the journal: folding it gives the live state, deciding it again gives the same records.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.routing import GroupConfig, RuleConfig, ServesConfig, StepConfig
from ctiserver.model.site import AgentConfig, QueueConfig, SiteConfig
from ctiserver.model.talk import Place
from ctiserver.model.turns import Record
from ctiserver.model.work import AgentState, ContactState, WorkKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import FLOW, label, make_site

change = msgspec.structs.replace


def agent(name: str, level: int = 50, *, group: str = "", queues: tuple[str, ...] = ("service",)) -> AgentConfig:
    return AgentConfig(id=name, name=label(name), skills={"zh": level} if level else {}, queues=queues, group=group)


def site(*agents: AgentConfig, groups: tuple[GroupConfig, ...] = (), **queue: Any) -> SiteConfig:
    """One queue that asks for zh >= 10; 1 in the menu leads to it."""
    service = change(make_site().queues[0], **queue)
    return change(make_site(), queues=(service,), agents=agents or (agent("1001"),), groups=groups)


def load(floor: Floor, fresh: SiteConfig) -> Record:
    """The change; its record, which holds all that is decided in its turn."""
    floor.feed(facts.SiteLoaded(site=fresh, by="admin"))
    return next(
        record for record in reversed(floor.records) if any(isinstance(e, ev.SiteChanged) for e in record.events)
    )


def offers(record: Record) -> list[AgentId]:
    return [name for event in record.events if isinstance(event, ev.OfferMade) for name in event.agents]


def caller(floor: Floor, channel: str = "1.1") -> LegId:
    leg = floor.switch.call(channel, "95500", number=f"1380000{channel[-1]}")
    floor.settle()
    floor.switch.press(leg, "1")
    floor.settle()
    return leg


def rung(floor: Floor, name: str) -> LegId:
    floor.confirm(name)
    floor.settle()
    return floor.ringing_leg(name)


def talking(floor: Floor, name: str, channel: str = "1.1") -> LegId:
    leg = caller(floor, channel)
    floor.switch.answer(rung(floor, name))
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    return leg


def reasons(floor: Floor) -> list[EndReason]:
    return [event.reason for event in floor.events(ev.ContactEnded)]  # type: ignore[attr-defined]


def state(floor: Floor, name: str) -> AgentState:
    return agent_state(floor.agent(name))


# --- skills and requirements ----------------------------------------------------------------------------


def test_a_skill_that_is_raised_serves_the_waiting_caller_in_the_same_turn() -> None:
    floor = Floor(site(agent("1001", 0)))
    floor.log_in("1001")
    caller(floor)
    assert offers(load(floor, site(agent("1001", 10)))) == ["1001"]
    floor.check_journal()


def test_a_requirement_that_is_raised_holds_for_who_waits_already_and_lowered_lets_him_go() -> None:
    floor = Floor(site(agent("1001"), agent("1002", 90)))
    caller(floor)
    load(floor, site(agent("1001"), agent("1002", 90), requires="zh >= 80"))
    floor.log_in("1001")
    assert floor.contact().state is ContactState.WAITING, "1001 has not what is asked for now"
    record = load(floor, site(agent("1001"), agent("1002", 90), requires="zh >= 40"))
    assert offers(record) == ["1001"]
    floor.check_journal()


def test_an_offer_that_rings_is_not_taken_back_when_more_is_asked_for() -> None:
    floor = Floor(site())
    floor.log_in("1001")
    leg = caller(floor)
    ring = rung(floor, "1001")
    load(floor, site(requires="zh >= 80"))
    floor.switch.answer(ring)
    floor.settle()
    assert floor.switch.bridge_of(leg) == "t"
    floor.check_journal()


@pytest.mark.parametrize("relaxed", [0, 1])
def test_a_contact_keeps_the_steps_that_are_behind_it(relaxed: int) -> None:
    """A step's time counts from when it began: 30 s are made 5 s, and over 10 s after its begin it is over at once."""
    slow = (StepConfig(requires="zh >= 80", for_seconds=30.0), StepConfig(requires="zh >= 60", for_seconds=30.0))
    fast = (change(slow[0], for_seconds=5.0), change(slow[1], for_seconds=5.0))
    floor = Floor(site(agent("1001"), steps=slow))
    floor.log_in("1001")
    caller(floor)
    floor.advance(30.0 * relaxed + 10.0)
    assert floor.contact().step == relaxed
    load(floor, site(agent("1001"), steps=fast))
    floor.settle()
    assert floor.contact().step == relaxed + 1
    floor.advance(5.0)
    assert floor.work("1001").kind is WorkKind.RESERVED, "after the last step anybody of the queue"
    floor.check_journal()


# --- agents ---------------------------------------------------------------------------------------------


def test_an_agent_who_is_taken_away_in_a_talk_ends_it_wraps_up_and_is_signed_out() -> None:
    floor = Floor(site(agent("1001"), agent("1002")))
    floor.log_in("1001")
    leg = talking(floor, "1001")
    load(floor, site(agent("1002")))
    floor.advance(20.0)
    assert floor.switch.bridge_of(leg) == "t", "his talk goes on"
    item = floor.work("1001")
    assert floor.command(cmd.WriteNote, "1001", contact=item.contact, text="still mine") is None
    floor.switch.end(leg)
    floor.settle()
    assert state(floor, "1001") is AgentState.WRAP_UP
    done = {"contact": item.contact, "disposition": "solved", "note": "", "ready": True}
    assert floor.command(cmd.FinishWrapUp, "1001", **done) is None
    caller(floor, "1.2")
    assert floor.contact().state is ContactState.WAITING, "he gets no more"
    floor.advance(0.1)
    assert state(floor, "1001") is AgentState.NULL
    refused = floor.command(cmd.SignIn, "1001")
    assert refused is not None and refused.code is Rejection.UNKNOWN_AGENT
    floor.check_journal()


def test_an_agent_who_is_taken_away_while_it_rings_is_withdrawn_and_another_is_rung() -> None:
    floor = Floor(site(agent("1001"), agent("1002")))
    floor.log_in("1001")
    leg = caller(floor)
    ring = rung(floor, "1001")
    floor.log_in("1002")
    assert offers(load(floor, site(agent("1002")))) == ["1002"]
    floor.settle()
    assert ring not in floor.switch.channels
    assert state(floor, "1001") is AgentState.NULL
    floor.switch.answer(rung(floor, "1002"))
    floor.settle()
    assert floor.switch.bridge_of(leg) == "t"
    floor.check_journal()


def test_an_agent_who_is_taken_away_while_he_is_free_is_signed_out_and_undone_he_signs_in_again() -> None:
    floor = Floor(site(agent("1001"), agent("1002")))
    floor.log_in("1001")
    load(floor, site(agent("1002")))
    floor.settle()
    assert state(floor, "1001") is AgentState.NULL
    load(floor, site(agent("1001"), agent("1002")))
    assert floor.command(cmd.SignIn, "1001") is None
    assert floor.command(cmd.SetReady, "1001") is None
    caller(floor)
    assert floor.work("1001").kind is WorkKind.RESERVED
    floor.check_journal()


def test_an_agent_who_is_back_before_his_talk_ends_was_never_away() -> None:
    floor = Floor(site(agent("1001"), agent("1002")))
    floor.log_in("1001")
    leg = talking(floor, "1001")
    load(floor, site(agent("1002")))
    load(floor, site(agent("1001"), agent("1002")))
    floor.switch.end(leg)
    floor.advance(31.0)
    assert state(floor, "1001") is AgentState.READY
    floor.check_journal()


def test_a_killed_server_signs_out_who_was_taken_away_meanwhile() -> None:
    """The file was changed while nobody ran: the start finds it."""
    floor = Floor(site(agent("1001"), agent("1002")))
    floor.log_in("1001")
    leg = talking(floor, "1001")
    load(floor, site(agent("1002")))
    floor.restart()
    floor.feed_links("1001")
    floor.settle()
    assert floor.switch.bridge_of(leg) == "t"
    floor.switch.end(leg)
    floor.advance(31.0)
    assert state(floor, "1001") is AgentState.NULL
    floor.check_journal()


def test_nobody_waits_alone_for_a_preferred_agent_who_is_taken_away() -> None:
    rules = (RuleConfig(id="mine", prefer="1001", prefer_seconds=60.0),)
    floor = Floor(site(agent("1001"), agent("1002"), rules=rules))
    floor.log_in("1001")
    talking(floor, "1001")
    floor.log_in("1002")
    caller(floor, "1.2")
    assert floor.contact().state is ContactState.WAITING, "he waits for 1001"
    record = load(floor, site(agent("1002")))
    assert offers(record) == ["1002"]
    floor.check_journal()


# --- queues ---------------------------------------------------------------------------------------------


def two_queues(*kept: str) -> SiteConfig:
    """1 leads to `service`, 2 to `order`; whose queue is closed hears the goodbye."""
    nodes: dict[str, Any] = {
        "menu": {
            **FLOW["nodes"]["menu"],  # type: ignore[index]
            "choices": {"1": {"to": "service"}, "2": {"to": "order"}},
        },
        "sorry": {"type": "hangup", "speech": [{"prompt": "menu"}]},
    }
    for name in ("service", "order"):
        nodes[name] = {"type": "queue", "queue": name, "exits": {"closed": "sorry"}}
    base = make_site({**FLOW, "nodes": nodes})
    queues = tuple(QueueConfig(id=name, name=label(name)) for name in kept)
    return change(base, queues=queues, agents=(agent("1001", queues=kept),))


def test_a_queue_that_is_taken_away_lets_its_callers_go_by_the_exit_and_others_wait_on() -> None:
    floor = Floor(two_queues("service", "order"))
    first = caller(floor, "1.1")
    other = floor.switch.call("1.2", "95500")
    floor.settle()
    floor.switch.press(other, "2")
    floor.settle()
    record = load(floor, two_queues("order"))
    assert [e.reason for e in record.events if isinstance(e, ev.ContactEnded)] == [EndReason.CLOSED]
    floor.advance(5.0)
    assert first not in floor.switch.channels, "he has heard the goodbye"
    assert floor.switch.bridge_of(other) == "h"
    floor.check_journal()


def test_a_queue_that_is_taken_away_while_it_rings_connects_who_answers_and_frees_who_does_not() -> None:
    for answered in (True, False):
        floor = Floor(two_queues("service", "order"))
        floor.log_in("1001")
        leg = caller(floor)
        ring = rung(floor, "1001")
        load(floor, two_queues("order"))
        if answered:
            floor.switch.answer(ring)
            floor.settle()
            assert floor.switch.bridge_of(leg) == "t"
            floor.switch.end(leg)
            floor.advance(31.0)
        else:
            floor.advance(30.0)
            assert leg not in floor.switch.channels
        assert reasons(floor) == [EndReason.ANSWERED if answered else EndReason.CLOSED]
        assert state(floor, "1001") is AgentState.READY
        floor.check_journal()


@pytest.mark.parametrize(("longest", "after"), [(20.0, 0.0), (40.0, 10.0), (100.0, 70.0)])
def test_the_longest_wait_counts_from_when_the_caller_began_to_wait(longest: float, after: float) -> None:
    floor = Floor(site(max_wait_seconds=60.0))
    caller(floor)
    floor.advance(30.0)
    load(floor, site(max_wait_seconds=longest))
    floor.advance(after - 0.5 if after else 0.0)
    if after:
        assert reasons(floor) == []
    floor.advance(1.0)
    assert reasons(floor) == [EndReason.TIMED_OUT]
    floor.check_journal()


# --- groups ---------------------------------------------------------------------------------------------


def groups(**serves: ServesConfig) -> tuple[GroupConfig, ...]:
    return tuple(GroupConfig(id=name, name=label(name), serves=(how,)) for name, how in serves.items())


def test_a_tier_that_is_changed_decides_about_the_next_offer() -> None:
    one, two = (ServesConfig(queue="service", tier=tier) for tier in (1, 2))
    people = (agent("1001", group="a", queues=()), agent("1002", group="b", queues=()))
    floor = Floor(site(*people, groups=groups(a=one, b=two)))
    floor.log_in("1001")
    floor.advance(1.0)
    floor.log_in("1002")
    load(floor, site(*people, groups=groups(a=two, b=one)))
    caller(floor)
    assert floor.work("1002").kind is WorkKind.RESERVED, "1001 has been idle longer, but the tier comes first"
    floor.check_journal()


@pytest.mark.parametrize(("delay", "served"), [(0.0, "at once"), (20.0, "soon"), (90.0, "later")])
def test_a_delay_counts_from_when_the_caller_came(delay: float, served: str) -> None:
    people = (agent("1001", group="a", queues=()),)
    before = groups(a=ServesConfig(queue="service", delay_seconds=60.0))
    floor = Floor(site(*people, groups=before))
    floor.log_in("1001")
    caller(floor)
    floor.advance(30.0)
    fresh = site(*people, groups=groups(a=ServesConfig(queue="service", delay_seconds=delay)))
    record = load(floor, fresh)
    assert offers(record) == (["1001"] if served == "at once" else [])
    floor.settle()
    assert bool(floor.agent("1001").work) is (served != "later")
    floor.advance(60.0)
    assert [e.agents for e in floor.events(ev.OfferMade)][:1] == [("1001",)]  # type: ignore[attr-defined]
    floor.check_journal()


def test_priorities_that_are_swapped_decide_who_is_next() -> None:
    """Two callers of two queues, one agent: whose queue is first for his group is."""

    def of(service: int, order: int) -> SiteConfig:
        serves = (ServesConfig(queue="service", priority=service), ServesConfig(queue="order", priority=order))
        team = (GroupConfig(id="team", name=label("team"), serves=serves),)
        return change(two_queues("service", "order"), groups=team, agents=(agent("1001", group="team", queues=()),))

    floor = Floor(of(1, 2))
    caller(floor, "1.1")
    late = floor.switch.call("1.2", "95500")
    floor.settle()
    floor.switch.press(late, "2")
    floor.settle()
    load(floor, of(2, 1))
    floor.log_in("1001")
    offer = floor.events(ev.OfferMade)[0]
    assert offer.queue == "order"  # type: ignore[attr-defined]
    floor.check_journal()


def test_an_agent_who_changes_group_is_offered_what_the_new_one_serves() -> None:
    team = groups(a=ServesConfig(queue="service"), b=ServesConfig(queue="other"))
    floor = Floor(site(agent("1001", group="b", queues=()), groups=team))
    floor.log_in("1001")
    caller(floor)
    assert offers(load(floor, site(agent("1001", group="a", queues=()), groups=team))) == ["1001"]
    floor.check_journal()


