"""Relaxation steps: what is asked for while a caller waits, and what ends a step."""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import LegFailure
from ctiserver.model.ids import ConversationId
from ctiserver.model.routing import Algorithm, StepConfig
from ctiserver.model.site import AgentConfig, SiteConfig
from tests.acd.house import agent, queue, site
from tests.acd.office import Office, group, grouped, member, serves, step

STEPS = (step("french >= 80", 30.0), step("french >= 40", 30.0), step("english", 30.0))


def config(*staff: AgentConfig, **more: object) -> SiteConfig:
    return site([queue("service", **{"steps": STEPS, **more})], list(staff))


@pytest.fixture
def office() -> Office:
    return Office(
        config(
            agent("1001", skills={"french": 50}),
            agent("1002", skills={"english": 1}),
            agent("1003", skills={"german": 1}),
        )
    )


def steps_of(office: Office) -> list[tuple[int, str, float]]:
    """Step, why, and after how many seconds of waiting."""
    began = office.seen(ev.ContactQueued)[0].at
    return [(event.step, event.why, round(event.at - began, 6)) for event in office.seen(ev.ContactStepped)]


# --- by time ------------------------------------------------------------------------------------------------


def test_each_step_admits_more_agents_when_its_time_has_come(office: Office) -> None:
    office.ready("1003", "1002")
    call = office.come()
    office.wait(59.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_to(call) == "1002"
    assert steps_of(office) == [(1, "time", 30.0), (2, "time", 60.0)]
    assert office.seen(ev.OfferMade)[0].why.step == 2
    assert office.seen(ev.OfferMade)[0].why.requires == "english >= 1"


def test_an_agent_admitted_by_the_step_of_the_moment_is_not_kept_waiting(office: Office) -> None:
    call = office.come()
    office.wait(35.0)
    office.ready("1002", "1001")
    assert office.offered_to(call) == "1001"


def test_after_the_last_step_any_agent_of_the_queue_may_have_it(office: Office) -> None:
    office.ready("1003")
    call = office.come()
    office.wait(89.0)
    assert office.waits(call)
    office.wait(2.0)
    assert office.offered_to(call) == "1003"


def test_but_never_one_who_lacks_what_queue_and_flow_always_require() -> None:
    office = Office(config(agent("1001"), agent("1002", skills={"licence": 1, "german": 9}), requires="licence"))
    office.ready("1001", "1002")
    call = office.come(requires="german >= 10")
    office.wait(600.0)
    assert office.waits(call)
    assert office.seen(ev.OfferMade) == []
    other = office.come(requires="german >= 9")
    office.wait(91.0)
    assert office.offered_to(other) == "1002"


def test_a_flow_brings_its_own_steps_instead_of_the_queues(office: Office) -> None:
    office.ready("1003")
    call = office.come(steps=(step("klingon", 5.0), step("german >= 1", 5.0)))
    office.wait(4.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_to(call) == "1003"


def test_the_last_step_may_hold_for_ever() -> None:
    office = Office(config(agent("1001"), steps=(step("french", 10.0), step("english"))))
    office.ready("1001")
    call = office.come()
    office.wait(3000.0)
    assert office.waits(call)
    assert len(steps_of(office)) == 1


# --- reserved meanwhile -------------------------------------------------------------------------------------


def test_the_clock_of_a_step_runs_on_while_it_rings_somewhere(office: Office) -> None:
    """Only an answer counts (oracle RC-4): two rings of 20 s lie between the 30th and the 70th second."""
    office.ready("1001", "1002")
    office.wait(1.0)
    call = office.come()
    office.wait(30.1)
    offer = office.confirm(call)
    assert office.offered_to(call) == "1001"
    office.wait(20.0)
    office.failed(offer, LegFailure.TOO_LATE)
    assert office.offered_to(call) == "1001", "nobody else is admitted yet"
    office.confirm(call)
    office.wait(9.9)
    assert steps_of(office)[-1] == (2, "time", 60.0)
    assert office.offered_to(call) == "1001", "a running offer goes on"
    office.wait(10.1)
    assert office.offered_to(call) == "1002", "who let it pass is the last to be asked"


def test_an_answer_ends_all_clocks(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    office.wait(31.0)
    office.talk(call)
    assert [key for key in office.world.deadlines.keys() if key.startswith("acd.step")] == []
    office.wait(100.0)
    assert len(steps_of(office)) == 1


def test_a_lost_talk_goes_on_with_the_step_it_had_reached(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    office.wait(31.0)
    office.talk(call)
    office.lost(call, "1001")
    office.wait(15.1)
    assert office.contact(call).step == 1
    office.ready("1002")
    office.wait(28.0)
    assert office.waits(call), "its time begins anew"
    office.wait(2.0)
    assert office.offered_to(call) == "1002"


# --- by agents available ------------------------------------------------------------------------------------

EAGER = (step("french", 300.0, available_below=2), step("english", 300.0, available_below=1), step("", 300.0))


def trio(*more: AgentConfig, steps: tuple[StepConfig, ...] = EAGER) -> SiteConfig:
    french = {"french": 1}
    return config(agent("1001", skills=french), agent("1002", skills=french), *more, steps=steps)


def test_everybody_is_busy_as_it_enters_so_all_its_steps_end_in_one_turn() -> None:
    office = Office(trio(agent("1003")))
    office.ready("1003")
    call = office.come()
    assert office.offered_to(call) == "1003"
    assert steps_of(office) == [(1, "available", 0.0), (2, "available", 0.0)]


def test_enough_agents_are_free_so_the_step_holds_and_serves() -> None:
    office = Office(trio())
    office.ready("1001", "1002")
    call = office.come()
    assert office.offered_to(call) == "1001"
    assert steps_of(office) == []


def waiting_for_three() -> tuple[Office, ConversationId]:
    """Three free agents are admitted, but all of them are avoided: the caller waits although his step holds."""
    office = Office(
        site(
            [queue("service", steps=(step("french", 300.0, available_below=2), step("new"))), queue("other")],
            [*(agent(f"100{n}", skills={"french": 1}) for n in (1, 2, 3)), agent("1009", skills={"new": 1})],
        )
    )
    office.ready("1001", "1002", "1003", "1009")
    call = office.come()
    for name in ("1001", "1002", "1003"):
        assert office.offered_to(call) == name
        office.failed(office.confirm(call), LegFailure.REJECTED)
    assert office.waits(call)
    assert steps_of(office) == []
    return office, call


LOSSES = {
    "a break": lambda office, name: office.take(cmd.SetNotReady(**office.who(name), reason="lunch")),
    "a sign-out": lambda office, name: office.take(cmd.SignOut(**office.who(name))),
    "a lost desktop": lambda office, name: office.link(name, 0),
    "a lost contact": lambda office, name: office.take(
        facts.DeviceContact(endpoint=f"lease-{name}", present=False, at=office.now)  # type: ignore[arg-type]
    ),
    "another page": lambda office, name: office.take(
        cmd.TakeDevice(**office.who(name), lease=f"another-{name}", instance="page2", take_over=True)
    ),
    "another caller": lambda office, name: office.come("other", agent=name),
}


@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_step_ends_when_one_too_many_is_taken(loss: str) -> None:
    office, call = waiting_for_three()
    LOSSES[loss](office, "1001")
    assert steps_of(office) == [], "two are enough"
    LOSSES[loss](office, "1002")
    assert [(number, why) for number, why, _ in steps_of(office)] == [(1, "available")]
    assert office.offered_to(call) == "1009"


def test_a_new_configuration_may_leave_too_few() -> None:
    office, call = waiting_for_three()
    staff = [msgspec.structs.replace(one, skills={}) if one.id < "1003" else one for one in office.world.site.agents]
    office.reload(msgspec.structs.replace(office.world.site, agents=tuple(staff)))
    assert [(number, why) for number, why, _ in steps_of(office)] == [(1, "available")]
    assert office.offered_to(call) == "1009"


def test_a_caller_who_comes_back_finds_too_few() -> None:
    """While he was being offered others were taken; that ends his step as he is back."""
    office = Office(
        config(
            *(agent(f"100{n}", skills={"french": 1}) for n in (1, 2)),
            agent("1009", skills={"new": 1}),
            steps=(step("french", 300.0, available_below=2), step("new")),
        )
    )
    office.ready("1001", "1002", "1009")
    call = office.come()
    offer = office.confirm(call)
    office.take(cmd.SetNotReady(**office.who("1002"), reason="lunch"))
    office.failed(offer, LegFailure.REJECTED)
    assert office.offered_to(call) == "1009"
    assert [(number, why) for number, why, _ in steps_of(office)] == [(1, "available")]


def refused_by_all(office: Office, requires: str, priority: float = 0.0) -> ConversationId:
    """A caller who waits although enough agents are free: all of them have refused him."""
    call = office.come(requires=requires, priority=priority)
    while not office.waits(call):
        office.failed(office.confirm(call), LegFailure.REJECTED)
    return call


def stepped_since(office: Office, before: int) -> list[str]:
    return [event.contact for event in office.log[before:] if isinstance(event, ev.ContactStepped)]


def test_a_ring_for_all_ends_the_step_of_each_waiting_caller_once() -> None:
    office = Office(
        site(
            [
                queue("service", steps=(step("french", 300.0, available_below=1), step("never"))),
                queue("ring", algorithm=Algorithm.RING_ALL),
            ],
            [agent(f"100{n}", "service", "ring", skills={"french": 1}) for n in range(1, 5)],
        )
    )
    office.ready("1001", "1002", "1003", "1004")
    calls = [refused_by_all(office, requires) for requires in ("x = 0", "y = 0", "x = 0")]
    before = len(office.log)
    ringing = office.come("ring")
    assert len(office.offer(ringing).agents) == 4
    assert stepped_since(office, before) == [office.contact(call).id for call in calls]


def test_several_callers_step_in_the_same_order_after_a_restart() -> None:
    """Pools are made in the order in which callers came, after a restart in another: the journal must not show it."""

    def story(restarts: bool) -> list[str]:
        office = Office(
            site(
                [queue("service", steps=(step("french", 300.0, available_below=1), step("never")))],
                [agent(f"100{n}", skills={"french": 1}) for n in (1, 2)],
            ),
            fold=False,
        )
        office.ready("1001", "1002")
        for name in ("z", "y", "x"):
            office.hang_up(office.come(requires=f"{name} = 0"))
        for name, head_start in (("x", 0.0), ("y", 9.0), ("z", 5.0)):
            refused_by_all(office, f"{name} = 0", head_start)
        if restarts:
            office.restart()
        before = len(office.log)
        for name in ("1001", "1002"):
            office.take(cmd.SetNotReady(**office.who(name), reason="lunch"))
        return stepped_since(office, before)

    assert len(story(False)) == 3
    assert story(False) == story(True)


# --- live changes -------------------------------------------------------------------------------------------


def steps_changed(office: Office, *steps: StepConfig) -> None:
    queues = (msgspec.structs.replace(office.world.site.queues[0], steps=steps),)
    office.reload(msgspec.structs.replace(office.world.site, queues=queues))


def test_a_step_made_shorter_while_it_runs_ends_at_its_new_time(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    office.wait(12.0)
    steps_changed(office, step("french >= 80", 15.0), *STEPS[1:])
    office.wait(2.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_to(call) == "1001"


def test_a_step_made_shorter_than_it_has_lasted_ends_at_once(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    office.wait(12.0)
    steps_changed(office, step("french >= 80", 10.0), *STEPS[1:])
    office.wait(0.0)
    assert office.offered_to(call) == "1001"


def test_a_step_made_longer_lasts_longer(office: Office) -> None:
    office.ready("1001")
    call = office.come()
    office.wait(12.0)
    steps_changed(office, step("french >= 80", 50.0), *STEPS[1:])
    office.wait(37.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_to(call) == "1001"


def test_a_new_skill_in_the_middle_of_a_step_serves_at_once(office: Office) -> None:
    office.ready("1003")
    call = office.come()
    office.wait(5.0)
    staff = [msgspec.structs.replace(one, skills={"french": 90}) for one in office.world.site.agents]
    office.reload(msgspec.structs.replace(office.world.site, agents=tuple(staff)))
    assert office.offered_to(call) == "1003"


def test_steps_taken_away_leave_no_clock_behind(office: Office) -> None:
    office.ready("1003")
    call = office.come()
    office.wait(5.0)
    steps_changed(office)
    assert office.offered_to(call) == "1003"
    assert [key for key in office.world.deadlines.keys() if key.startswith("acd.step")] == []


def test_steps_and_delays_go_side_by_side() -> None:
    """A group sees the queue after 20 s, and its agent is skilled enough for the second step only."""
    office = Office(
        grouped(
            [queue("service", steps=STEPS)],
            [member("2001", "late", skills={"french": 40})],
            group("late", serves("service", delay=20.0)),
        )
    )
    office.ready("2001")
    call = office.come()
    office.wait(29.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_to(call) == "2001"
