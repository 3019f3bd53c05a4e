"""One fair order across all queues: head starts, service objectives, the longest wait; the same whatever came when."""

from __future__ import annotations

import random

import msgspec
import pytest

from acd.core.contact import due, rank_key
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import LegFailure
from ctiserver.model.ids import ConversationId
from tests.acd.house import agent, queue, site
from tests.acd.office import Office, group, grouped, member, serves


def test_a_head_start_counts_in_seconds_across_queues() -> None:
    office = Office(site([queue("a"), queue("b", priority=60.0)], [agent("1001", "a", "b")]))
    early = office.come("a")
    office.wait(59.0)
    favoured = office.come("b")
    office.wait(2.0)
    late = office.come("b")
    office.ready("1001")
    assert office.order(3) == [favoured, early, late]


def test_a_service_objective_says_how_long_one_may_wait() -> None:
    """Complaints are to be answered within 20 s, orders within 10 min: whoever is due first is first."""
    queues = [queue("complaint", objective_seconds=20.0), queue("order", objective_seconds=600.0)]
    office = Office(site(queues, [agent("1001", "complaint", "order")]))
    order = office.come("order")
    office.wait(579.0)
    first = office.come("complaint")
    office.wait(2.0)
    second = office.come("complaint")
    office.ready("1001")
    assert office.order(3) == [first, order, second]


def test_due_is_arrival_plus_objective_less_head_starts() -> None:
    office = Office(site([queue("a", objective_seconds=30.0, priority=100.0)], [agent("1001", "a")]))
    call = office.contact(office.come("a", priority=7.0))
    assert due(call, office.world.queue_configs[call.queue]) == office.now + 30.0 - 100.0 - 7.0


def test_nothing_about_the_order_changes_with_time() -> None:
    office = Office(site([queue("a", priority=3.0, objective_seconds=9.0)], [agent("1001", "a")]))
    calls = [office.contact(office.come("a", priority=float(n % 3))) for n in range(6)]
    config = office.world.site.queues[0]
    before = [rank_key(call, config) for call in calls]
    office.wait(1800.0)
    assert [rank_key(call, config) for call in calls] == before


def test_whoever_was_offered_and_came_back_is_before_all_of_his_priority_class() -> None:
    office = Office(
        grouped(
            [queue("a"), queue("b")],
            [member("1", "g", max_misses=0)],
            group("g", serves("a", 1), serves("b", 2)),
        )
    )
    office.ready("1")
    back = office.come("b")
    office.confirm(back)
    vip_b, first_a = office.come("b", priority=9000.0), office.come("a")
    office.link("1", 0)
    office.wait(2.1)
    office.link("1", 1)
    assert office.order(3) == [first_a, back, vip_b], "the head of one queue is not before a queue of higher priority"


# --- changed while callers wait -----------------------------------------------------------------------------


def test_a_queues_priority_changed_while_callers_wait_counts_at_once() -> None:
    office = Office(site([queue("a"), queue("b")], [agent("1001", "a", "b")]))
    first = office.come("a")
    office.wait(10.0)
    second = office.come("b")
    office.reload(site([queue("a"), queue("b", priority=11.0)], [agent("1001", "a", "b")]))
    office.ready("1001")
    assert office.order(2) == [second, first]


def test_an_objective_changed_while_callers_wait_counts_at_once() -> None:
    office = Office(site([queue("a"), queue("b")], [agent("1001", "a", "b")]))
    first = office.come("a")
    office.wait(10.0)
    second = office.come("b")
    office.reload(site([queue("a", objective_seconds=11.0), queue("b")], [agent("1001", "a", "b")]))
    office.ready("1001")
    assert office.order(2) == [second, first]


def test_a_groups_priority_changed_while_callers_wait_counts_at_once() -> None:
    def config(of_b: int) -> object:
        return grouped([queue("a"), queue("b")], [member("1", "g")], group("g", serves("a", 2), serves("b", of_b)))

    office = Office(config(3))  # type: ignore[arg-type]
    first, second = office.come("a"), office.come("b")
    office.reload(config(1))  # type: ignore[arg-type]
    office.ready("1")
    assert office.order(2) == [second, first]


# --- deterministic ------------------------------------------------------------------------------------------

QUEUES = [queue("a"), queue("b", priority=20.0), queue("c", objective_seconds=15.0)]


def of_all_queues() -> Office:
    return Office(site(QUEUES, [agent("1001", "a", "b", "c"), agent("1002", "c", "b", "a")]), fold=False)


def callers(office: Office, seed: int) -> dict[ConversationId, float]:
    """Forty callers of three queues in two minutes, some favoured; when each is due."""
    chance = random.Random(seed)
    found: dict[ConversationId, float] = {}
    for _ in range(40):
        name, head_start = chance.choice("abc"), chance.choice([0.0, 0.0, 10.0, 40.0])
        call = office.come(name, priority=head_start, requires=chance.choice(["", "", "not x", "y = 0"]))
        config = next(one for one in QUEUES if one.id == name)
        found[call] = office.now + config.objective_seconds - config.priority - head_start
        office.wait(chance.choice([0.0, 1.0, 5.0]))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_forty_callers_of_three_queues_are_served_in_the_order_in_which_they_are_due(seed: int) -> None:
    """The expected order is sorted here from nothing but arrival and configuration; equal ones by arrival."""
    office = of_all_queues()
    expected = sorted(callers(office, seed).items(), key=lambda one: one[1])
    office.ready("1001")
    assert office.order(40) == [call for call, _ in expected]


@pytest.mark.parametrize("seed", range(3))
def test_neither_a_restart_nor_the_order_of_the_configuration_changes_who_is_next(seed: int) -> None:
    def story(restarts: bool, turned: bool) -> list[ConversationId]:
        office = of_all_queues()
        if turned:
            office.reload(
                msgspec.structs.replace(
                    office.world.site,
                    queues=tuple(reversed(office.world.site.queues)),
                    agents=tuple(reversed(office.world.site.agents)),
                )
            )
        callers(office, seed)
        if restarts:
            office.restart()
        office.ready("1002")
        return office.order(40)

    plain = story(restarts=False, turned=False)
    assert story(restarts=True, turned=False) == plain
    assert story(restarts=False, turned=True) == plain


def test_callers_of_one_instant_are_served_in_the_order_in_which_they_came() -> None:
    office = of_all_queues()
    calls = [office.come("a") for _ in range(20)]  # ids of one and of two digits
    office.ready("1001")
    assert office.order(20) == calls


def test_every_decision_of_a_busy_day_is_decided_again_the_same() -> None:
    """Steps, refusals, breaks and a change of the configuration in between; the inputs alone are kept."""
    office = Office(site(QUEUES, [agent(f"100{n}", "a", "b", "c") for n in range(1, 5)]))
    office.ready("1001", "1002", "1003")
    chance = random.Random(4)
    for turn in range(60):
        calls = [ConversationId(name) for name in office.offered_now().values()]
        match chance.randrange(5):
            case 0 if calls:
                office.failed(office.confirm(calls[0]), chance.choice(list(LegFailure)))
            case 1 if calls:
                office.talk(calls[0])
            case 2:
                office.take(cmd.SetNotReady(**office.who("1003"), reason="lunch"))
            case 3:
                office.take(cmd.SetReady(**office.who("1003")))
            case _:
                office.come(chance.choice("abc"), priority=float(chance.randrange(30)))
        if turn == 30:
            office.reload(msgspec.structs.replace(office.world.site, queues=tuple(reversed(QUEUES))))
        office.wait(chance.choice([0.0, 0.2, 3.0, 21.0]))
    assert office.decided_again() == office.log


def test_a_record_has_the_same_bytes_after_a_restart() -> None:
    """Counters that have gone back to nothing are there before it and not after it; no record may show that."""

    def offers(restarts: bool) -> bytes:
        office = Office(site([queue("a")], [agent(f"100{n}", "a") for n in (1, 2, 3, 4)]), fold=False)
        office.ready("1001", "1002", "1003")
        office.hang_up(office.come("a"))
        office.says(ev.SwitchLinkChanged(up=False))
        for _ in range(2):
            office.come("a")
        if restarts:
            office.restart()
        made = [event for event in office.says(ev.SwitchLinkChanged(up=True)) if isinstance(event, ev.OfferMade)]
        assert len(made) == 2
        return msgspec.msgpack.encode(made)

    assert offers(restarts=True) == offers(restarts=False)
