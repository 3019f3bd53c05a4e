"""The published worked examples, part two: steps that relax (RC) and several channels at once (CC).

What S and D mean, the sources in full, and where the products count otherwise than we do: test_oracles.
"""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason, LegFailure
from ctiserver.model.ids import ConversationId
from ctiserver.model.routing import CapacityConfig, StepConfig
from ctiserver.model.site import AgentConfig, SiteConfig
from tests.acd.house import agent, queue, site
from tests.acd.office import Office, group, grouped, member, serves, step

# --- 3. steps that relax --------------------------------------------------------------------------------------

CRITERIA = (
    step("french >= 80 and dynamodb >= 100", 30.0),
    step("french >= 80 and dynamodb >= 80", 30.0),
    step("french >= 60 and dynamodb >= 80"),
)


def proficient(*, dynamodb: int = 80, steps: tuple[StepConfig, ...] = CRITERIA) -> SiteConfig:
    """Agent1's DynamoDB is 5 in the set-up table, 4 in the walk-through: the outcome is the same."""
    one = {"french": 60, "dynamodb": dynamodb, "kinesis": 40, "ec2": 80, "english": 80}
    two = {"french": 80, "dynamodb": 60, "ec2": 100, "neptune": 100, "english": 60}
    staff = [agent("Agent1", "q", "other", skills=one), agent("Agent2", "q", "other", skills=two)]
    return site([queue("q", steps=steps, offer_seconds=5.0), queue("other", steps=steps)], staff)


@pytest.fixture(params=[80, 100], ids=["DynamoDB 4", "DynamoDB 5"])
def office(request: pytest.FixtureRequest) -> Office:
    office = Office(proficient(dynamodb=request.param))
    office.ready("Agent1", "Agent2")
    return office


def test_RC_1_nobody_matches_the_first_step(office: Office) -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies. 0-30 s."""
    call = office.come("q")
    office.wait(29.0)
    assert office.waits(call)


def test_RC_2_nobody_matches_the_second_step(office: Office) -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies. 30-60 s."""
    call = office.come("q")
    office.wait(31.0)
    assert office.waits(call)
    assert office.contact(call).step == 1
    office.wait(28.0)
    assert office.waits(call)


def test_RC_3_the_third_step_matches_Agent1_at_once(office: Office) -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies. At 60 s."""
    call = office.come("q")
    office.wait(60.0)
    assert office.offered_to(call) == "Agent1"
    (made,) = office.seen(ev.OfferMade)
    assert made.at == office.contact(call).entered_at + 60.0


def test_RC_3_and_never_Agent2() -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies.

    The third step never expires, Agent2's DynamoDB 3 fails for ever.
    """
    office = Office(proficient())
    office.ready("Agent2")
    call = office.come("q")
    office.wait(3500.0)
    assert office.waits(call)
    assert office.seen(ev.OfferMade) == []


def test_RC_4_a_rejection_stops_no_clock_and_he_stays_in_the_pool() -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies.

    Only an accepted offer is a match.

    He who rejected is spared this contact for the time of an offer; then he is asked again in the same step.
    """
    office = Office(proficient(steps=(step("french >= 80", 29.0), step("french >= 60"))))
    office.ready("Agent1", "Agent2")
    call = office.come("q")
    for _ in range(4):
        assert office.offered_to(call) == "Agent2"
        assert office.contact(call).step == 0
        office.wait(1.0)
        office.failed(office.confirm(call), LegFailure.REJECTED)
        assert office.waits(call)
        office.wait(5.0)
    office.wait(1.0)
    office.failed(office.confirm(call), LegFailure.REJECTED)
    office.wait(3.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_to(call) == "Agent1", "29 s after it entered"


def test_RC_5_in_another_queue_it_starts_with_the_first_step_again(office: Office) -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies."""
    short = msgspec.structs.replace(office.world.site.queues[0], max_wait_seconds=45.0)
    office.reload(msgspec.structs.replace(office.world.site, queues=(short, office.world.site.queues[1])))
    call = office.come("q")
    office.wait(45.0)
    assert [event.reason for event in office.seen(ev.ContactEnded)] == [EndReason.TIMED_OUT]
    office.ask_again(call, "other")
    office.wait(59.0)
    assert office.waits(call)
    office.wait(2.0)
    assert office.offered_to(call) == "Agent1"


def test_RC_6_in_an_agents_own_queue_criteria_have_no_effect_and_are_carried_along() -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies."""
    office = Office(proficient(steps=()))
    office.ready("Agent2")
    own = office.come("q", agent="Agent2", steps=CRITERIA)
    assert office.offered_to(own) == "Agent2"
    assert office.contact(own).steps == CRITERIA
    office.hang_up(own)
    standard = office.come("q", steps=CRITERIA)
    office.wait(200.0)
    assert office.waits(standard)


def test_RC_7_a_step_whose_attribute_was_deleted_matches_nobody_until_it_expires(office: Office) -> None:
    """S. Amazon Connect Administrator Guide, Set up routing based on agent proficiencies.

    Nobody has the attribute any more; the contact waits in the step that names it.
    """
    steps = (step("french >= 60", 30.0), step("neptune >= 100", 30.0), step("ec2 >= 80"))
    office.reload(proficient(steps=steps))
    call = office.come("q", requires="english >= 80")
    office.failed(office.confirm(call), LegFailure.REJECTED)
    without = [
        msgspec.structs.replace(one, skills={k: v for k, v in one.skills.items() if k != "french"})
        for one in office.world.site.agents
    ]
    office.reload(msgspec.structs.replace(office.world.site, agents=tuple(without)))
    office.wait(59.0)
    assert office.waits(call)
    office.wait(2.0)
    assert office.offered_to(call) == "Agent1"


def test_RC_8_when_all_steps_have_expired_any_agent_of_the_queue() -> None:
    """S. Amazon Connect API Reference: RoutingCriteriaInput."""
    office = Office(proficient(steps=(*CRITERIA[:2], step("french >= 100", 30.0))))
    office.ready("Agent2", "Agent1")
    call = office.come("q")
    office.wait(89.0)
    assert office.waits(call)
    office.wait(2.0)
    assert office.offered_to(call) == "Agent2", "the longest idle"


# --- 4. several channels at once ------------------------------------------------------------------------------

CHANNELS = {
    "voice": CapacityConfig(max=1, alone=True),
    "chat": CapacityConfig(max=2, alone=True),
    "task": CapacityConfig(max=1, alone=False),
}


def one_agent() -> Office:
    one: AgentConfig = member("1", "g")
    office = Office(grouped([queue("q", wrap_up_seconds=30.0)], [one], group("g", serves("q"), capacity=CHANNELS)))
    office.ready("1")
    return office


def has(office: Office, *media: str) -> list[ConversationId]:
    """He works on one of each of these."""
    found = [office.enter("q", medium=medium) for medium in media]
    for one in found:
        office.talk(one)
    return found


@pytest.mark.parametrize(
    ("in_hand", "medium", "offered"),
    [
        pytest.param(("chat",), "task", False, id="CC-1: chat allows no other channel"),
        pytest.param(("chat",), "chat", True, id="CC-2: chat maximum is 2"),
        pytest.param(("task",), "chat", True, id="CC-4: task allows other channels"),
        pytest.param(("task", "chat"), "voice", False, id="CC-5: the chat forbids it, though the task would allow it"),
        pytest.param(("task",), "voice", True, id="CC-6: only the task is left"),
        pytest.param(("task", "voice"), "task", False, id="CC-7: voice forbids, and the task maximum is used up"),
    ],
)
def test_what_is_offered_beside_what(in_hand: tuple[str, ...], medium: str, offered: bool) -> None:
    """S. Amazon Connect Administrator Guide (June 2023), Create a routing profile."""
    office = one_agent()
    has(office, *in_hand)
    contact = office.enter("q", medium=medium)
    assert office.waits(contact) is not offered


def test_CC_3_fully_idle_again_when_both_chats_and_their_wrap_up_are_closed() -> None:
    """S. Amazon Connect Administrator Guide (June 2023), Create a routing profile."""
    office = one_agent()
    chats = has(office, "chat", "chat")
    task = office.enter("q", medium="task")
    for chat in chats:
        office.hang_up(chat)
    assert office.waits(task), "their wrap-up is not closed"
    office.wait(30.0)
    assert not office.waits(task)


def test_CC_7_nor_after_the_voice_call_ends() -> None:
    """S. Amazon Connect Administrator Guide (June 2023), Create a routing profile."""
    office = one_agent()
    _, voice = has(office, "task", "voice")
    task = office.enter("q", medium="task")
    office.hang_up(voice)
    office.wait(31.0)
    assert office.waits(task)
