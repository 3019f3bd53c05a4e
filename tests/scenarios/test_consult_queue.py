"""Consult of a queue, on the fake switch in virtual time: the agent asks for anybody of it, and waits for the first."""

from __future__ import annotations

import msgspec
import pytest

from agent_desktop import view
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import EndReason, Parted
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.site import QueueConfig, SiteConfig
from ctiserver.model.talk import PartyState, consulted
from ctiserver.model.work import AgentState, Task, WorkKind
from tests.fakes.floor import Floor
from tests.scenarios.conftest import label, make_site
from tests.scenarios.stories import do, ends, finish, finish_both, into_queue, state, talking, where


def site() -> SiteConfig:
    """A second queue, of experts: 1002 and 1003 serve it, and it wants English, which 1003 does not speak."""
    base = make_site()
    experts = QueueConfig(id="experts", name=label("experts"), requires="en >= 10", max_wait_seconds=120.0)
    agents = [
        msgspec.structs.replace(agent, queues=("service", "experts"), skills={"zh": 50, "en": english})
        for agent, english in zip(base.agents[1:], (50, 0), strict=True)
    ]
    return msgspec.structs.replace(base, queues=(*base.queues, experts), agents=(base.agents[0], *agents))


@pytest.fixture
def floor() -> Floor:
    return Floor(site())


def waiting(floor: Floor, queue: str = "experts") -> tuple[LegId, LegId]:
    """1001 talks, and asks for one of the queue; nobody is free. The caller and his leg."""
    caller, leg = talking(floor)
    assert do(floor, cmd.ConsultCall, queue=queue) is None
    assert where(floor, caller, leg) == "h-"
    assert leg in floor.switch.ring_tones, "he hears it ring"
    one = consulted(floor.conversation())
    assert one is not None
    assert one.state is PartyState.WAITING
    return caller, leg


def answers(floor: Floor, agent: str = "1002") -> LegId:
    """His desktop paints the pop, his phone rings, he picks up."""
    item = floor.work(agent)
    assert (item.kind, item.task) == (WorkKind.RESERVED, Task.CONSULT)
    floor.confirm(agent)
    floor.settle()
    leg = floor.ringing_leg(agent)
    floor.switch.answer(leg)
    floor.settle()
    return leg


def test_the_next_who_is_free_is_shown_the_pop_and_has_the_customer_in_the_end(floor: Floor) -> None:
    caller, leg = waiting(floor)
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert [(one.name, one.state, one.lost) for one in shown.parties] == [(label("experts"), "waiting", False)]
    floor.advance(50)
    floor.log_in("1002")
    floor.settle()
    pop = view.work(floor.world, AgentId("1002"), floor.work("1002"))
    assert pop is not None
    assert (pop.caller.number, pop.path) == ("13800138000", floor.contact().path), "the customer's context"
    other = answers(floor)
    assert where(floor, caller, leg, other) == "hcc"
    assert do(floor, cmd.CompleteConsult) is None
    assert where(floor, caller, other) == "tt"
    assert "experts" not in floor.world.books, "no caller of that queue"
    floor.switch.end(caller)
    floor.settle()
    finish_both(floor)
    assert ends(floor) == [EndReason.ANSWERED, EndReason.ANSWERED]


def test_he_goes_before_callers_who_wait(floor: Floor) -> None:
    """A customer and an agent are held up by him."""
    caller, _ = waiting(floor)
    other = into_queue(floor, "1.2")
    floor.log_in("1002")
    floor.settle()
    assert floor.work("1002").task is Task.CONSULT
    floor.log_in("1003")
    floor.settle()
    assert floor.work("1003").task is Task.CONTACT, "who is asked for nothing has the caller"
    floor.switch.end(other)
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_only_who_serves_the_queue_and_has_its_skills_is_asked(floor: Floor) -> None:
    caller, _ = waiting(floor)
    floor.log_in("1003")
    floor.settle()
    assert not floor.agent("1003").work, "he speaks no English"
    assert do(floor, cmd.CancelConsult) is None
    assert do(floor, cmd.ConsultCall, queue="experts") is None
    assert not floor.agent("1003").work
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_who_is_free_at_once_is_asked_at_once_the_longest_idle_first(floor: Floor) -> None:
    caller, _ = talking(floor)
    floor.log_in("1003")
    floor.advance(10)
    floor.log_in("1002")
    assert do(floor, cmd.ConsultCall, queue="service") is None
    assert floor.work("1003").task is Task.CONSULT
    assert not floor.agent("1002").work
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("way", [cmd.CancelConsult, cmd.HangUpCall])
def test_called_off_while_he_waits(floor: Floor, way: type[cmd.Command]) -> None:
    caller, leg = waiting(floor)
    for command in (cmd.CompleteConsult, cmd.SwapCall, cmd.ConferenceCall):
        assert do(floor, command) is Rejection.CONSULT_RINGING, "nobody is there yet"
    assert do(floor, way) is None
    assert where(floor, caller, leg) == "tt"
    assert leg not in floor.switch.ring_tones
    floor.log_in("1002")
    floor.settle()
    assert not floor.agent("1002").work, "nobody is asked any more"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("way", ["rejects", "misses", "is not reached"])
def test_who_lets_it_pass_is_not_asked_again_and_the_next_is(floor: Floor, way: str) -> None:
    caller, leg = waiting(floor, "service")
    floor.log_in("1002")
    floor.settle()
    floor.confirm("1002")
    floor.settle()
    his = floor.ringing_leg("1002")
    match way:
        case "rejects":
            floor.switch.end(his, 17)
        case "misses":
            floor.advance(25)
        case _:
            floor.switch.end(his, 20)
    floor.settle()
    assert not floor.agent("1002").work
    assert leg in floor.switch.ring_tones, "it goes on ringing for who asks"
    gone = [event for event in floor.events(ev.PartyLeft) if isinstance(event, ev.PartyLeft)]
    assert [event.again for event in gone] == [True]
    floor.advance(5)
    assert not floor.agent("1002").work
    floor.log_in("1003")
    floor.settle()
    other = answers(floor, "1003")
    assert where(floor, caller, leg, other) == "hcc"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_nobody_comes_within_the_queues_longest_wait(floor: Floor) -> None:
    """The customer keeps his music until the agent takes him back, as after any consult that came to nothing."""
    caller, leg = waiting(floor)
    floor.advance(120)
    gone = floor.conversation().party_gone
    assert gone is not None
    assert (gone.why, gone.queue) == (Parted.MISSED, "experts")
    shown = view.work(floor.world, AgentId("1001"), floor.work("1001"))
    assert shown is not None
    assert shown.party_gone is not None
    assert shown.party_gone.name == label("experts")
    assert where(floor, caller, leg) == "ht"
    assert leg not in floor.switch.ring_tones
    assert do(floor, cmd.RetrieveCall) is None
    assert where(floor, caller, leg) == "tt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


def test_from_a_conference_and_into_it(floor: Floor) -> None:
    caller, leg = talking(floor)
    floor.log_in("1003")
    assert do(floor, cmd.ConsultCall, to_agent="1003") is None
    third = answers(floor, "1003")
    assert do(floor, cmd.ConferenceCall) is None
    assert do(floor, cmd.ConsultCall, queue="experts") is None
    assert where(floor, caller, leg, third) == "t-t", "the others talk on"
    floor.log_in("1002")
    floor.settle()
    other = answers(floor)
    assert do(floor, cmd.ConferenceCall) is None
    assert where(floor, caller, leg, third, other) == "tttt"
    floor.switch.end(caller)
    floor.settle()
    finish(floor)


@pytest.mark.parametrize("moment", ["waiting", "asked", "ringing"])
@pytest.mark.parametrize("way", ["customer hangs up", "killed", "agent lost", "agent lost for good"])
def test_whatever_happens_meanwhile(floor: Floor, moment: str, way: str) -> None:
    caller, leg = waiting(floor)
    if moment != "waiting":
        floor.log_in("1002")
    if moment == "ringing":
        floor.settle()
        floor.confirm("1002")
        floor.settle()
    match way:
        case "killed":
            floor.restart()
            for agent in ("1001", "1002") if moment != "waiting" else ("1001",):
                floor.feed_links(agent)
            floor.advance(1)
            assert where(floor, caller, leg) == "h-"
            if moment == "waiting":
                floor.log_in("1002")
                floor.settle()
                other = answers(floor)
            else:
                other = floor.ringing_leg("1002")
                floor.switch.answer(other)
                floor.settle()
            assert where(floor, caller, leg, other) == "hcc"
        case "agent lost":
            floor.switch.end(leg, 44)
            floor.settle()
            again = floor.ringing_leg("1001")
            assert again != leg
            assert again in floor.switch.ring_tones
            if moment == "waiting":
                floor.log_in("1002")
                floor.settle()
            other = answers(floor) if moment != "ringing" else floor.ringing_leg("1002")
            if moment == "ringing":
                floor.switch.answer(other)
                floor.settle()
            assert where(floor, caller, again, other) == "hcc"
        case "agent lost for good":
            floor.switch.unregister("d1001")
            floor.switch.end(leg, 44)
            floor.advance(16)
            assert floor.contact().head, "the customer waits again, at the head"
            assert not any(one.state is PartyState.WAITING for one in floor.conversation().parties)
        case _:
            pass
    floor.switch.end(caller)
    floor.settle()
    floor.advance(40)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    assert state(floor, "1002") in (AgentState.READY, AgentState.NULL)
    floor.check_journal()


def test_what_cannot_be_asked(floor: Floor) -> None:
    caller, _ = talking(floor)
    assert do(floor, cmd.ConsultCall, queue="nowhere") is Rejection.UNKNOWN_TARGET
    assert do(floor, cmd.ConsultCall) is Rejection.BAD_COMMAND
    assert do(floor, cmd.ConsultCall, queue="experts", to_agent="1002") is Rejection.BAD_COMMAND
    refused = floor.command(cmd.CloseQueue, "", queue="experts", reason="ill")
    assert refused is None
    assert do(floor, cmd.ConsultCall, queue="experts") is Rejection.TARGET_CLOSED
    floor.switch.end(caller)
    floor.settle()
    finish(floor)
