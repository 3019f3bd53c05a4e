"""Virtual hold on the fake switch in virtual time: each test is one story, each ends with nothing left over.

The site: callers press 1 and wait for `service`; the one queue takes callbacks (3 tries, 60 s apart, 20 s of ringing).
A caller who has waited two seconds too long is asked by the queue's exit `timed_out`, as a flow would do it; one who
dials 95501 books at once.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from acd.core import callback
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.causes import EndReason, Unreached
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import LegId
from ctiserver.model.routing import CALLBACK, CallbackConfig, OutboundConfig, RuleConfig, StepConfig
from ctiserver.model.site import FlowConfig, NumberConfig, QueueConfig, SiteConfig
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, Contact, ContactState, WorkKind, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import FLOW, label, make_site
from tests.scenarios.stories import ends, file_call

OWN, OTHER = "13800138000", "13900139000"
PATIENCE = 30.0
"""Seconds after which a waiting caller is given back to his flow, which books the callback."""
KEPT = 3600.0

Flow = dict[str, Any]


def flow(name: str, start: str, nodes: Flow) -> FlowConfig:
    document = {**FLOW, "id": name, "start": start, "nodes": nodes}
    return FlowConfig(id=name, revision=1, document=json.dumps(document))


def site(**rules: Any) -> SiteConfig:
    """`main` waits first, `direct` books at once; `typed` asks for a number and books that."""
    base = make_site()
    queue = QueueConfig(
        id="service",
        name=label("service"),
        requires="zh >= 10",
        steps=(StepConfig(requires="zh >= 40", for_seconds=5),),
        priority=0.0,
        max_wait_seconds=PATIENCE,
        callback=CallbackConfig(tries=3, retry_seconds=60, ring_seconds=20, keep_seconds=KEPT, max_open=2),
    )
    book = {
        "type": "callback",
        "queue": "service",
        "data": {"wish": "back"},
        "speech": [{"prompt": "booked"}],
        "exits": {"refused": "no"},
    }
    no = {"type": "hangup", "speech": [{"prompt": "no"}]}
    wait = {"type": "queue", "queue": "service", "data": {"order": "7"}, "exits": {"timed_out": "book"}}
    ask = {"type": "collect", "variable": "back", "speech": [{"prompt": "menu"}], "max": 20, "exits": {"next": "book"}}
    return msgspec.structs.replace(
        base,
        numbers=tuple(
            NumberConfig(number=number, flow=name, name=label(name))
            for number, name in (("95500", "main"), ("95501", "direct"), ("95502", "typed"))
        ),
        queues=(msgspec.structs.replace(queue, **rules),),
        flows=(
            flow("main", "service", {"service": wait, "book": book, "no": no}),
            flow("direct", "book", {"book": book, "no": no}),
            flow("typed", "ask", {"ask": ask, "book": {**book, "number": "${back}"}, "no": no}),
        ),
        prompts={"menu": {"zh": "sound:menu"}, "booked": {"zh": "sound:booked"}, "no": {"zh": "sound:no"}},
        outbound=OutboundConfig(trunk="192.0.2.9:5060", prefixes=("139",), never=("0900", "139000")),
    )


@pytest.fixture
def floor() -> Floor:
    return Floor(site())


def calls(floor: Floor, dialled: str = "95500", number: str = OWN, channel: str = "") -> LegId:
    leg = floor.switch.call(channel or f"9.{floor.world.seq}", dialled, number)
    floor.settle()
    return leg


def booked(floor: Floor, number: str = OWN) -> Contact:
    """A caller who waited in vain, has booked and has hung up: what is left of him."""
    caller = calls(floor, number=number)
    floor.advance(PATIENCE)
    floor.settle()
    floor.switch.end(caller)
    floor.advance(11)
    return the_callback(floor, number)


def the_callback(floor: Floor, number: str = OWN) -> Contact:
    return next(
        one for one in floor.world.contacts.values() if one.booking is not None and one.booking.number == number
    )


def offered(floor: Floor, agent: str = "1001") -> LegId:
    """An agent who is rung for it."""
    floor.log_in(agent)
    floor.confirm(agent)
    floor.settle()
    return floor.ringing_leg(agent)


def calling(floor: Floor, agent: str = "1001") -> tuple[LegId, LegId]:
    """The agent has answered: his leg, and the customer's that rings."""
    mine = offered(floor, agent)
    floor.switch.answer(mine)
    floor.settle()
    return mine, customer_leg(floor)


def customer_leg(floor: Floor) -> LegId:
    return next(leg for leg in reversed(floor.switch.dialled) if leg in floor.switch.channels)


def talking(floor: Floor) -> tuple[LegId, LegId]:
    mine, his = calling(floor)
    floor.switch.answer(his)
    floor.settle()
    return mine, his


def over(floor: Floor) -> None:
    floor.advance(40)
    assert floor.switch.quiet()
    assert not floor.switch.ring_tones
    assert not floor.world.conversations
    assert not floor.world.contacts
    assert not floor.world.reservations
    assert not [key for key in floor.world.deadlines.keys() if not key.startswith("acd.lost")]
    floor.check_journal()


def refusals(floor: Floor) -> list[str]:
    return [event.why for event in floor.events(ev.CallbackRefused) if isinstance(event, ev.CallbackRefused)]


# --- booking --------------------------------------------------------------------------------------------------------


def test_a_caller_who_books_keeps_place_skills_step_and_data(floor: Floor) -> None:
    came = floor.now
    caller = calls(floor)
    floor.advance(PATIENCE)
    floor.settle()
    assert floor.switch.played[-1] == ("sound:booked",)
    kept = the_callback(floor)
    assert kept.medium == CALLBACK
    assert kept.queued_at == pytest.approx(came, abs=0.1)
    assert kept.entered_at > came + PATIENCE - 1
    assert kept.step == 1, "the first step was over before he left"
    assert kept.data == {"order": "7", "wish": "back"}
    assert kept.path == ("main", "service")
    assert kept.conversation != floor.events(ev.ConversationStarted)[0].conversation  # type: ignore[union-attr]
    floor.advance(3)
    assert caller not in floor.switch.channels, "told, and the flow is over"
    assert floor.world.conversations[kept.conversation].place is Place.BOOKED
    floor.check_journal()


def test_who_never_waited_is_as_of_now(floor: Floor) -> None:
    calls(floor, "95501")
    assert the_callback(floor).queued_at == pytest.approx(floor.now, abs=0.2)
    assert the_callback(floor).data == {"wish": "back"}
    assert the_callback(floor).step == 0


def test_a_rule_may_be_about_callbacks_alone() -> None:
    rules = (
        RuleConfig(id="back", when={"medium": "callback"}, priority=45.0),
        RuleConfig(id="call", when={"medium": "voice"}, priority=5.0),
    )
    floor = Floor(site(rules=rules))
    calls(floor, "95501")
    assert (the_callback(floor).rules, the_callback(floor).priority) == (("back",), 45.0)
    calls(floor, number="13600136000")
    assert (floor.contact().rules, floor.contact().priority) == (("call",), 5.0)


def test_one_open_callback_a_number_and_as_many_as_the_queue_allows(floor: Floor) -> None:
    calls(floor, "95501")
    calls(floor, "95501")
    assert refusals(floor) == [callback.OPEN]
    assert floor.switch.played[-1] == ("sound:no",)
    calls(floor, "95501", number="13700137000")
    calls(floor, "95501", number="13600136000")
    assert refusals(floor) == [callback.OPEN, callback.FULL]


@pytest.mark.parametrize(
    ("typed", "refused"),
    [
        ("13911112222", None),
        ("13900012222", callback.NUMBER),  # begins with what is never called
        ("02087654321", callback.NUMBER),
        (OWN, None),
        ("12", callback.NUMBER),
    ],
)
def test_what_numbers_may_be_typed(floor: Floor, typed: str, refused: str | None) -> None:
    caller = calls(floor, "95502")
    for digit in typed + "#":
        floor.switch.press(caller, digit)
        floor.settle()
    assert refusals(floor) == ([refused] if refused else [])
    if refused is None:
        assert the_callback(floor, typed).medium == CALLBACK


@pytest.mark.parametrize("number", ["0900123456", "110", "anonymous", ""])
def test_a_caller_whose_own_number_cannot_be_called(floor: Floor, number: str) -> None:
    """Whoever shows a premium number as his own would have us dial it."""
    calls(floor, "95501", number=number)
    assert refusals(floor) == [callback.NUMBER]


def test_without_a_trunk_or_a_rule_there_is_no_callback() -> None:
    for config, why in (
        (site(callback=None), callback.NO_CALLBACKS),
        (msgspec.structs.replace(site(), outbound=OutboundConfig()), callback.NO_TRUNK),
    ):
        floor = Floor(config)
        calls(floor, "95501")
        assert refusals(floor) == [why]


# --- the call -------------------------------------------------------------------------------------------------------


def test_the_agent_answers_hears_it_ring_and_talks(floor: Floor) -> None:
    contact = booked(floor)
    mine = offered(floor)
    assert floor.work("1001").medium == CALLBACK
    ring = next(one for one in reversed(floor.switch.performed) if isinstance(one, fx.RingEndpoint))
    assert ring.caller_number == OWN
    floor.switch.answer(mine)
    floor.settle()
    conversation = floor.world.conversations[contact.conversation]
    assert conversation.place is Place.CALLING
    assert floor.switch.ring_tones == {mine}
    his = customer_leg(floor)
    asked = next(one for one in reversed(floor.switch.performed) if isinstance(one, fx.CallCustomer))
    assert (asked.number, asked.trunk, asked.shown) == (OWN, "192.0.2.9:5060", "95500")
    floor.advance(5)
    floor.switch.answer(his)
    floor.settle()
    assert floor.switch.bridge_of(mine) == floor.switch.bridge_of(his) == "t"
    assert not floor.switch.ring_tones
    assert floor.switch.snoops, "recorded like any other"
    floor.advance(30)
    assert floor.command(cmd.HoldCall, "1001", conversation=contact.conversation) is None
    floor.settle()
    assert floor.switch.bridge_of(his) == "h"
    assert floor.command(cmd.RetrieveCall, "1001", conversation=contact.conversation) is None
    floor.settle()
    floor.switch.end(his)
    floor.settle()
    file_call(floor)
    assert ends(floor)[-1] is EndReason.ANSWERED
    assert floor.world.last_agents[OWN].agent == "1001"
    over(floor)


def test_he_who_booked_first_is_called_before_those_who_came_later(floor: Floor) -> None:
    """Two wait; the first books and hangs up. The agent who becomes free calls him before he serves the second."""
    first = calls(floor)
    floor.advance(20)
    calls(floor, number="13700137000")
    floor.advance(11)
    floor.switch.end(first)
    floor.settle()
    offered(floor)
    assert floor.work("1001").contact == the_callback(floor).id
    assert the_callback(floor).state is ContactState.RESERVED


# --- nobody answers -------------------------------------------------------------------------------------------------


def test_no_answer_busy_and_failure_are_tries_and_the_third_is_the_last(floor: Floor) -> None:
    contact = booked(floor)
    mine, his = calling(floor)
    floor.advance(20.1)
    assert his not in floor.switch.channels
    assert mine not in floor.switch.channels
    assert contact.state is ContactState.SCHEDULED
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP
    assert floor.work("1001").until - floor.now <= callback.TRY_WRAP_UP
    file_call(floor, disposition="")  # there is no talk of which to tell the outcome
    floor.advance(58)
    assert contact.state is ContactState.SCHEDULED
    floor.advance(2)
    assert contact.state is ContactState.RESERVED
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.settle()
    floor.switch.end(customer_leg(floor), 17)
    floor.settle()
    assert contact.booking is not None
    assert (contact.booking.tries, contact.booking.last) == (2, Unreached.BUSY)
    floor.advance(61)
    floor.switch.trunk_up = False
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.settle()
    assert contact.end_reason is EndReason.FAILED
    assert agent_state(floor.agent("1001")) is AgentState.WRAP_UP
    why = [event.why for event in floor.events(ev.CustomerUnreached) if isinstance(event, ev.CustomerUnreached)]
    assert why == [Unreached.NO_ANSWER, Unreached.BUSY, Unreached.FAILED]
    over(floor)


def test_an_agent_who_gives_up_has_made_a_try(floor: Floor) -> None:
    contact = booked(floor)
    mine, his = calling(floor)
    assert floor.command(cmd.HangUpCall, "1001", conversation=contact.conversation) is None
    floor.settle()
    assert not {mine, his} & set(floor.switch.channels)
    assert contact.state is ContactState.SCHEDULED
    floor.advance(61)
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.settle()
    floor.switch.end(floor.ringing_leg("1001"), 16)  # on his phone
    floor.settle()
    assert contact.booking is not None
    assert contact.booking.tries == 2
    assert customer_legs_there(floor) == []


def customer_legs_there(floor: Floor) -> list[LegId]:
    return [leg for leg in floor.switch.dialled if leg in floor.switch.channels]


def test_an_agent_whose_line_is_lost_has_made_no_try(floor: Floor) -> None:
    contact = booked(floor)
    mine, _ = calling(floor)
    floor.log_in("1002")
    floor.switch.unregister("d1001")
    floor.switch.end(mine, 44)
    floor.settle()
    assert customer_legs_there(floor) == []
    assert contact.state is ContactState.RESERVED
    assert floor.work("1002").contact == contact.id
    assert contact.booking is not None
    assert contact.booking.tries == 0


def test_a_page_that_is_loaded_anew_goes_on_calling(floor: Floor) -> None:
    booked(floor)
    mine, his = calling(floor)
    floor.reload("1001", "page2")
    floor.settle()
    again = floor.ringing_leg("1001")
    assert again != mine
    assert floor.switch.ring_tones == {again}
    floor.switch.answer(his)
    floor.settle()
    assert floor.switch.bridge_of(again) == floor.switch.bridge_of(his) == "t"
    floor.switch.end(his)
    floor.settle()
    file_call(floor)
    over(floor)


def test_the_wrap_up_of_a_try_is_over_when_the_next_is_due(floor: Floor) -> None:
    contact = booked(floor)
    calling(floor)
    floor.advance(20.1)
    for _ in range(9):
        floor.command(cmd.ExtendWrapUp, "1001", contact=contact.id)
    floor.advance(60)
    assert contact.state is ContactState.RESERVED
    assert floor.work("1001").kind is WorkKind.RESERVED


def test_a_customer_who_answers_too_late_is_let_go(floor: Floor) -> None:
    """His answer and our giving up cross each other: the leg that comes up is ended again."""
    contact = booked(floor)
    _, his = calling(floor)
    floor.lost = lambda item: isinstance(item, facts.LegEnded) and item.leg == his
    floor.calm = False
    floor.command(cmd.HangUpCall, "1001", conversation=contact.conversation)
    floor.settle()
    floor.feed(facts.LegUp(leg=his, at=floor.now))
    assert floor.world.conversations[contact.conversation].place is Place.BOOKED
    assert not floor.events(ev.Talking)


# --- how it ends otherwise ------------------------------------------------------------------------------------------


def test_it_is_kept_only_so_long(floor: Floor) -> None:
    contact = booked(floor)
    floor.advance(KEPT)
    assert contact.end_reason is EndReason.TIMED_OUT
    over(floor)


def test_no_try_is_planned_beyond_that(floor: Floor) -> None:
    contact = booked(floor)
    floor.advance(KEPT - 70)
    calling(floor)
    floor.advance(20.1)
    assert contact.end_reason is EndReason.TIMED_OUT
    over(floor)


@pytest.mark.parametrize("when", [ContactState.WAITING, ContactState.RESERVED, ContactState.SCHEDULED])
def test_a_lead_cancels_it(floor: Floor, when: ContactState) -> None:
    contact = booked(floor)
    if when is ContactState.RESERVED:
        offered(floor)
    elif when is ContactState.SCHEDULED:
        calling(floor)
        floor.advance(20.1)
    assert contact.state is when
    assert lead(floor, cmd.CancelCallback, contact=contact.id) is None
    floor.settle()
    assert ends(floor)[-1] is EndReason.WITHDRAWN
    assert lead(floor, cmd.CancelCallback, contact=contact.id) is Rejection.UNKNOWN_CALLBACK
    over(floor)


def test_one_that_is_being_called_is_not_cancelled(floor: Floor) -> None:
    contact = booked(floor)
    _, his = calling(floor)
    assert lead(floor, cmd.CancelCallback, contact=contact.id) is Rejection.CALLBACK_RUNNING
    floor.switch.answer(his)
    floor.settle()
    assert lead(floor, cmd.CancelCallback, contact=contact.id) is Rejection.CALLBACK_RUNNING


def test_a_lead_books_one(floor: Floor) -> None:
    fields = {"queue": "service", "number": "13800138000", "name": "张伟", "of": "k1", "dialled": "95500"}
    assert lead(floor, cmd.BookCallback, **fields) is None
    assert lead(floor, cmd.BookCallback, **fields) is Rejection.CALLBACK_REFUSED
    contact = the_callback(floor)
    assert contact.booking is not None
    assert contact.booking.by == "2001"
    _, his = talking(floor)
    assert floor.world.conversations[contact.conversation].caller_name == "张伟"
    floor.switch.end(his)
    floor.settle()
    file_call(floor)
    over(floor)


def lead(floor: Floor, kind: type[cmd.Command], **fields: object) -> Rejection | None:
    refused = floor.feed(msgspec.convert({"type": kind.__name__, "id": "1", "by": "2001", "agent": "", **fields}, kind))
    return refused.code if refused is not None else None


@pytest.mark.parametrize("when", [ContactState.WAITING, ContactState.RESERVED, ContactState.SCHEDULED])
def test_a_customer_who_calls_in_again_has_his_place(floor: Floor, when: ContactState) -> None:
    contact = booked(floor)
    floor.log_in("1002", ready=False)
    if when is ContactState.RESERVED:
        offered(floor)
    elif when is ContactState.SCHEDULED:
        calling(floor)
        floor.advance(20.1)
    assert contact.state is when
    caller = calls(floor)
    assert ends(floor)[-1] is EndReason.WITHDRAWN
    new = floor.contact()
    assert new.medium == "voice"
    assert new.queued_at == contact.queued_at
    floor.advance(1)
    assert not customer_legs_there(floor)
    floor.switch.end(caller)
    over(floor)


def test_who_calls_us_while_we_call_him_is_served_once(floor: Floor) -> None:
    """His line is busy, with us: the callback is over, he waits as a caller."""
    contact = booked(floor)
    _, his = calling(floor)
    caller = calls(floor)
    floor.switch.end(his, 17)
    floor.settle()
    assert contact.end_reason is EndReason.WITHDRAWN
    file_call(floor, disposition="")
    assert floor.work("1001").medium == "voice"
    floor.switch.end(caller)
    floor.settle()
    over(floor)


def test_a_lost_agent_s_customer_waits_like_any_other_and_hangs_up(floor: Floor) -> None:
    contact = booked(floor)
    mine, his = talking(floor)
    floor.switch.unregister("d1001")
    floor.switch.end(mine, 44)
    floor.advance(16)
    assert contact.state is ContactState.WAITING
    assert floor.switch.bridge_of(his) == "h"
    assert lead(floor, cmd.CancelCallback, contact=contact.id) is Rejection.CALLBACK_RUNNING
    floor.log_in("1002")
    floor.confirm("1002")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1002"))
    floor.settle()
    assert floor.switch.bridge_of(his) == "t", "nobody is called a second time"
    assert len(floor.switch.dialled) == 1
    floor.switch.end(his)
    floor.settle()
    file_call(floor, "1002")
    over(floor)


def test_a_queue_that_is_removed_ends_its_callbacks(floor: Floor) -> None:
    contact = booked(floor)
    floor.feed(facts.SiteLoaded(site=msgspec.structs.replace(site(), queues=())))
    assert contact.end_reason is EndReason.CLOSED
    over(floor)


# --- kill -9 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["waiting", "ringing", "calling", "answered unheard", "talking", "scheduled"])
def test_it_survives_a_kill(floor: Floor, moment: str) -> None:
    """Whatever it is doing when the server is killed: afterwards the customer is reached, once, and nothing is left."""
    contact = booked(floor).id
    his: LegId | None = None
    match moment:
        case "ringing":
            offered(floor)
        case "calling" | "answered unheard":
            _, his = calling(floor)
        case "talking":
            _, his = talking(floor)
        case "scheduled":
            calling(floor)
            floor.advance(25)
    if moment == "answered unheard" and his is not None:
        floor.switch.answer(his)
    floor.restart()
    floor.feed_links("1001") if moment != "waiting" else floor.log_in("1001")
    floor.settle()
    if moment == "calling" and his is not None:
        assert his in floor.switch.channels, "it rings on"
        floor.switch.answer(his)
        floor.settle()
    elif moment in ("waiting", "ringing", "scheduled"):
        floor.advance(61 if moment == "scheduled" else 1)
        floor.confirm("1001")
        floor.settle()
        floor.switch.answer(floor.ringing_leg("1001"))
        floor.settle()
        his = customer_leg(floor)
        floor.switch.answer(his)
        floor.settle()
    assert his is not None
    assert floor.world.contacts[contact].state is ContactState.CONNECTED
    assert floor.switch.bridge_of(his) == "t"
    floor.switch.end(his)
    floor.settle()
    file_call(floor)
    assert ends(floor)[-1] is EndReason.ANSWERED
    over(floor)


def test_a_customer_who_hung_up_while_nobody_listened_is_called_again(floor: Floor) -> None:
    contact = booked(floor).id
    mine, his = calling(floor)
    del floor.switch.channels[his]
    floor.restart()
    floor.feed_links("1001")
    floor.settle()
    assert mine not in floor.switch.channels
    live = floor.world.contacts[contact]
    assert live.booking is not None
    assert live.booking.tries == 0
    assert live.state is ContactState.RESERVED


def test_the_customer_answered_and_the_agent_went_while_nobody_listened(floor: Floor) -> None:
    """Nobody would talk to him: he is let go, and called again by the next who is free."""
    contact = booked(floor).id
    mine, his = calling(floor)
    floor.switch.channels[his] = "Up"
    del floor.switch.channels[mine]
    floor.switch.unregister("d1001")
    floor.restart()
    floor.settle()
    live = floor.world.contacts[contact]
    assert live.state is ContactState.WAITING
    assert floor.world.conversations[live.conversation].place is Place.BOOKED
    assert his not in floor.switch.channels
    assert not floor.events(ev.Talking)
    _, again = calling(floor, "1002")
    floor.switch.answer(again)
    floor.settle()
    assert floor.switch.bridge_of(again) == "t"


def test_a_kill_before_the_call_was_sent(floor: Floor) -> None:
    """The decision to call him is in the journal, its effects never were: the agent is rung for it again."""
    contact = booked(floor).id
    mine = offered(floor)
    floor.switch.later(facts.LegUp(leg=mine, at=floor.now))
    perform, floor.switch.perform = floor.switch.perform, lambda effect: None  # type: ignore[method-assign]
    floor.calm = False
    floor.settle()
    floor.switch.perform = perform  # type: ignore[method-assign]
    floor.switch.channels[mine] = "Up"
    floor.restart()
    floor.feed_links("1001")
    floor.settle()
    assert floor.world.contacts[contact].state is ContactState.RESERVED
    assert mine not in floor.switch.channels


