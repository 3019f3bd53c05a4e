"""The published worked examples, asked of the real core: choosing an agent (AV) and a call (CN).

Steps that relax (RC) and several channels (CC) are in test_oracles_steps.

S: the source states input and answer. D: the source states the rule, numbers or answer are worked out from it. Sources:
Avaya Business Advocate User Guide, Release 3.1, February 2006; Amazon Connect Administrator Guide (awsdocs, June 2023,
CC BY-SA 4.0; of proficiencies a later edition) and its API Reference. Erlang's formulae: tests/sim.

Where the products count otherwise than we do, said once here:
- Avaya's skill level 1 is the best, ours is 100: level 1 is 90 here, level 2 is 80. Amazon's levels 1-5 are 20-100.
- Avaya counts the idle time of MIA in each skill by itself; ours counts since the end of his last work of any kind. In
  AV-3 and AV-4 there is one skill. Its LOA rules for extension calls have no counterpart yet: agents make no calls.
  Occupancy does not begin anew at the peers' value after a break: ours forgets with a time constant of an hour instead.
- Amazon's contact priority (a class) and age adjustment (seconds) are one number here, the head start in seconds: a
  class is a head start longer than anybody may wait.
- Amazon's personal queue of an agent is a contact for this agent alone.
"""

from __future__ import annotations

from math import log

import pytest

from acd.core.rank.least_occupied import MEMORY
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.ids import ConversationId
from ctiserver.model.routing import Algorithm
from tests.acd.house import agent, queue, site
from tests.acd.office import Office, group, grouped, member, serves

# --- 1. choosing an agent for a call --------------------------------------------------------------------------

BEST, NEXT = 90, 80


def sales(algorithm: Algorithm, **shares: float) -> Office:
    """Agents A and B of level 1, C of level 2, all available."""
    levels = {"A": BEST, "B": BEST, "C": NEXT}
    share = {name: {"sales": shares[name]} if shares else {} for name in levels}
    staff = [agent(name, "sales", skills={"sales": levels[name]}, shares=share[name]) for name in levels]
    office = Office(site([queue("sales", requires="sales", algorithm=algorithm, wrap_up_seconds=0.0)], staff))
    office.ready("A", "B", "C")
    return office


def work(office: Office, name: str, seconds: float) -> None:
    call = office.come("sales", agent=name)
    office.talk(call)
    office.wait(seconds)
    office.hang_up(call)


def chosen(office: Office) -> tuple[str, dict[str, dict[str, float]]]:
    """Who gets the next Sales call, and by what all were compared."""
    call = office.come("sales")
    why = office.seen(ev.OfferMade)[-1].why
    return office.offered_to(call), {one.agent: dict(zip(why.names, one.keys, strict=True)) for one in why.candidates}


def occupied(algorithm: Algorithm, shares: dict[str, float]) -> Office:
    """Each has been at work so long without a break, until now, that this is his occupancy."""
    office = sales(algorithm)
    begins = {name: -MEMORY * log(1.0 - share) for name, share in shares.items()}
    calls: list[ConversationId] = []
    last = max(begins.values())
    for name in sorted(begins, key=lambda one: -begins[one]):
        office.wait(last - begins[name])
        last = begins[name]
        calls.append(office.come("sales", agent=name))
        office.talk(calls[-1])
    office.wait(last)
    for call in calls:
        office.hang_up(call)
    return office


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        pytest.param(Algorithm.BEST_LEAST_OCCUPIED, "A", id="AV-1"),
        pytest.param(Algorithm.LEAST_OCCUPIED, "C", id="AV-2"),
    ],
)
def test_least_occupied_agent(algorithm: Algorithm, expected: str) -> None:
    """S. Avaya Business Advocate User Guide 3.1 (2006), pages 34, 36, 37."""
    office = occupied(algorithm, {"A": 0.90, "B": 0.95, "C": 0.64})
    name, keys = chosen(office)
    assert {one: round(key["occupancy"], 6) for one, key in keys.items()} == {"A": 0.90, "B": 0.95, "C": 0.64}
    assert name == expected


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        pytest.param(Algorithm.BEST_LONGEST_IDLE, "B", id="AV-3"),
        pytest.param(Algorithm.LONGEST_IDLE, "C", id="AV-4"),
    ],
)
def test_most_idle_agent(algorithm: Algorithm, expected: str) -> None:
    """S. Avaya Business Advocate User Guide 3.1 (2006), pages 34, 36, 37.

    Time since the last Sales call: A 5 s, B 10 s, C 30 s.
    """
    office = sales(algorithm)
    work(office, "C", 60.0)
    office.wait(10.0)
    work(office, "B", 10.0)
    work(office, "A", 5.0)
    office.wait(5.0)
    name, keys = chosen(office)
    assert {one: office.now - key["idle_since"] for one, key in keys.items()} == {"A": 5.0, "B": 10.0, "C": 30.0}
    assert name == expected


def test_AV_5_percent_allocation() -> None:
    """S. Avaya Business Advocate User Guide 3.1 (2006), pages 34, 36, 37.

    The adjusted work time, which the guide gives as an input, is done as real work here.
    """
    office = sales(Algorithm.PERCENT, A=25.0, B=50.0, C=75.0)
    for name, seconds in (("A", 35.0), ("B", 49.0), ("C", 78.0)):
        work(office, name, seconds)
    name, keys = chosen(office)
    assert {one: key["work_per_share"] for one, key in keys.items()} == {"A": 1.40, "B": 0.98, "C": 1.04}
    assert name == "B"
    assert list(keys) == ["B", "C", "A"]


def test_AV_note_work_time_begins_anew_at_log_in() -> None:
    """S. Avaya Business Advocate User Guide 3.1 (2006), page 112."""
    office = sales(Algorithm.PERCENT, A=50.0, B=50.0, C=50.0)
    for name in ("C", "A", "B"):
        work(office, name, 100.0)
    office.take(cmd.SetNotReady(**office.who("B"), reason="lunch"))
    office.take(cmd.SignOut(**office.who("B")))
    office.ready("B")
    name, keys = chosen(office)
    assert (name, keys["B"]["work_per_share"]) == ("B", 0.0)


# --- 2. choosing a call for an agent --------------------------------------------------------------------------

PROFILES = {
    "P1": (serves("Sales", 1), serves("Support", 2)),
    "P2": (serves("Sales", 1), serves("Support", 1, delay=30.0)),
    "P3": (serves("Tier1", 1), serves("Tier2", 1), serves("Tier3", 2, delay=20.0), serves("Tier4", 3, delay=80.0)),
    "P4": (serves("Sales", 1), serves("Support", 1)),
}
NOTHING = ""


def profile(name: str, *agents: str) -> Office:
    queues = [queue(one.queue, wrap_up_seconds=0.0) for one in PROFILES[name]]
    staff = [member(one, name) for one in agents or ("1",)]
    return Office(grouped(queues, staff, group(name, *PROFILES[name])))


def waiting(office: Office, ages: dict[str, float]) -> dict[str, ConversationId]:
    """One contact in each of these queues, so old by now."""
    left = max(ages.values())
    calls: dict[str, ConversationId] = {}
    for name in sorted(ages, key=lambda one: -ages[one]):
        office.wait(left - ages[name])
        left = ages[name]
        calls[name] = office.come(name)
    office.wait(left)
    return calls


@pytest.mark.parametrize(
    ("name", "ages", "expected"),
    [
        pytest.param("P1", {"Sales": 1, "Support": 600}, "Sales", id="CN-1, D: priority beats age"),
        pytest.param("P1", {"Support": 1}, "Support", id="CN-2, S: nothing of higher priority waits"),
        pytest.param("P2", {"Sales": 1, "Support": 20}, "Sales", id="CN-3, S: inside its delay"),
        pytest.param("P2", {"Support": 31, "Sales": 5}, "Support", id="CN-5, S and D: past it, equal priority, older"),
        pytest.param("P2", {"Support": 31, "Sales": 40}, "Sales", id="CN-6, D: equal priority, the older first"),
        pytest.param("P3", {"Tier1": 5, "Tier2": 9}, "Tier2", id="CN-7, D: equal priority, the older first"),
        pytest.param("P3", {"Tier3": 25}, "Tier3", id="CN-8, S: past its delay, Tier1 and Tier2 empty"),
        pytest.param("P3", {"Tier3": 10}, NOTHING, id="CN-9, S: inside its delay"),
        pytest.param("P3", {"Tier3": 300, "Tier1": 1}, "Tier1", id="CN-10, S: Tier3 only when Tier1 and 2 are empty"),
        pytest.param("P3", {"Tier4": 85}, "Tier4", id="CN-11, S: past its delay, nothing above it waits"),
        pytest.param("P3", {"Tier4": 85, "Tier3": 25}, "Tier3", id="CN-12, S: priority first"),
        pytest.param("P3", {"Tier4": 500, "Tier1": 1}, "Tier1", id="CN-13, S: priority first"),
        pytest.param("P4", {"Sales": 12, "Support": 15}, "Support", id="CN-14, S: equal in both, the oldest first"),
        pytest.param("P3", {"Tier4": 85, "Tier3": 5}, "Tier4", id="our decision: the invisible does not hold up"),
    ],
)
def test_one_agent_becomes_free(name: str, ages: dict[str, float], expected: str) -> None:
    """Amazon Connect Administrator Guide (June 2023), Queues: priority and delay.

    The text can be read two ways when Tier3 is inside its delay while Tier4 is past its own: a contact that the agent
    may not see holds up nothing (ADR 14), so he gets the Tier4 contact instead of idling for 15 s.
    """
    office = profile(name)
    calls = waiting(office, ages)
    office.ready("1")
    offered = list(office.offered_now().values())
    assert offered == ([calls[expected]] if expected else [])


def test_CN_4_a_delay_holds_even_when_the_agent_is_idle() -> None:
    """D. Amazon Connect Administrator Guide (June 2023), Queues: priority and delay.

    Support waits for 20 s; the boundary itself is nowhere stated.
    """
    office = profile("P2")
    calls = waiting(office, {"Support": 20.0})
    office.ready("1")  # a second goes by
    assert office.offered_now() == {}
    office.wait(8.0)
    assert office.offered_now() == {}, "29 s"
    office.wait(2.0)
    assert office.offered_now() == {"1": calls["Support"]}, "31 s"


def test_CN_15_of_several_free_agents_the_longest_available() -> None:
    """S. Amazon Connect Administrator Guide (June 2023), Queues: priority and delay. Idle for 10 s, 90 s and 40 s."""
    office = profile("P4", "1", "2", "3")
    office.ready("2")
    office.wait(49.0)
    office.ready("3")
    office.wait(29.0)
    office.ready("1")
    office.wait(9.0)
    call = office.come("Sales")
    assert {name: office.now - office.world.agents[name].idle_since for name in office.world.agents} == {
        "1": 10.0,
        "2": 90.0,
        "3": 40.0,
    }
    assert office.offered_to(call) == "2"


@pytest.mark.parametrize("name", list(PROFILES))
def test_CN_16_the_agents_own_queue_comes_first_and_has_no_delay(name: str) -> None:
    """S. Amazon Connect Administrator Guide (June 2023), Queues: priority and delay.

    1 s in his own queue, 300 s in each of the others.
    """
    office = profile(name)
    for one in PROFILES[name]:
        office.come(one.queue)
    office.wait(299.0)
    own = office.come(PROFILES[name][-1].queue, agent="1")
    office.wait(1.0)
    office.ready("1")
    assert office.offered_now() == {"1": own}


def test_CN_contact_priority_inside_a_queue() -> None:
    """S. Amazon Connect Administrator Guide (June 2023): Change routing priority / age.

    5 is usual, a smaller number goes first, whatever their ages.

    Ours is a head start: a class of more than the longest wait each.
    """
    office = profile("P4")
    longest = office.world.site.queues[0].max_wait_seconds
    of_class = {number: (5 - number) * longest for number in (5, 4, 1)}
    usual = office.come("Sales", priority=of_class[5])
    office.wait(longest - 100.0)
    urgent, first = (office.come("Sales", priority=of_class[number]) for number in (4, 1))
    office.ready("1")
    assert office.order(3) == [first, urgent, usual]


def test_CN_equal_contact_priority_goes_by_entry() -> None:
    """S. Amazon Connect Administrator Guide (June 2023): Change routing priority / age."""
    office = profile("P4")
    first = office.come("Sales")
    office.wait(1.0)
    second = office.come("Sales")
    office.ready("1")
    assert office.order(2) == [first, second]


@pytest.mark.parametrize(("adjustment", "second_first"), [(8.0, True), (6.0, True), (4.0, False)])
def test_CN_age_adjustment(adjustment: float, second_first: bool) -> None:
    """S rule, D numbers. Amazon Connect Administrator Guide (June 2023): Change routing priority / age.

    60 s against 55 s and so many more.
    """
    office = profile("P4")
    first = office.come("Sales")
    office.wait(5.0)
    second = office.come("Sales", priority=adjustment)
    office.wait(55.0)
    office.ready("1")
    assert office.order(2) == ([second, first] if second_first else [first, second])
