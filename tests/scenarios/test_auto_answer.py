"""Calls that answer by themselves, for agents whose site says so: after the card, and not when several phones ring."""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import commands as cmd, effects as fx
from ctiserver.model.routing import Algorithm
from ctiserver.model.site import PhoneConfig, SiteConfig
from tests.fakes.floor import Floor
from tests.scenarios import test_callbacks as callbacks
from tests.scenarios.conftest import label, make_site
from tests.scenarios.stories import into_queue

AGENT = "1001"


def site(algorithm: Algorithm = Algorithm.LONGEST_IDLE) -> SiteConfig:
    """1001 wants no button to press; the others do."""
    plain = make_site()
    first, *others = plain.agents
    return msgspec.structs.replace(
        plain,
        agents=(msgspec.structs.replace(first, auto_answer=True), *others),
        queues=(msgspec.structs.replace(plain.queues[0], algorithm=algorithm),),
        phones=(PhoneConfig(id="p1", name=label("p1")),),
    )


def rings(floor: Floor) -> list[bool]:
    """For each phone that was rung: whether it was asked to answer by itself."""
    return [effect.auto_answer for effect in floor.switch.performed if isinstance(effect, fx.RingEndpoint)]


@pytest.mark.parametrize("phone", ["page", "desk phone"])
def test_his_phone_answers_by_itself_once_the_card_is_there(phone: str) -> None:
    floor = Floor(site())
    if phone == "page":
        floor.log_in(AGENT)
    else:
        floor.sit(AGENT, "p1")
    into_queue(floor)
    assert rings(floor) == [], "the card first"
    floor.confirm(AGENT)
    floor.settle()
    assert rings(floor) == [True]


def test_a_colleague_who_did_not_ask_for_it_presses_the_button() -> None:
    floor = Floor(site())
    floor.log_in("1002")
    into_queue(floor)
    floor.confirm("1002")
    floor.settle()
    assert rings(floor) == [False]


def test_a_call_that_rings_several_phones_is_taken_by_a_hand() -> None:
    floor = Floor(site(Algorithm.RING_ALL))
    for name in (AGENT, "1002"):
        floor.log_in(name)
    into_queue(floor)
    for name in (AGENT, "1002"):
        floor.confirm(name)
    floor.settle()
    assert rings(floor) == [False, False]


def test_a_callback_is_his_to_accept() -> None:
    with_callbacks = callbacks.site()
    first, *others = with_callbacks.agents
    agents = (msgspec.structs.replace(first, auto_answer=True), *others)
    floor = Floor(msgspec.structs.replace(with_callbacks, agents=agents))
    callbacks.booked(floor)
    callbacks.offered(floor)
    assert rings(floor) == [False]


def test_a_colleagues_call_rings() -> None:
    floor = Floor(site())
    for name in (AGENT, "1002"):
        floor.log_in(name, ready=name != AGENT)
    assert floor.command(cmd.MakeCall, "1002", to_agent=AGENT) is None
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1002"))
    floor.settle()
    assert rings(floor) == [True, False], "his own phone answers the call that he makes; the colleague's rings"
