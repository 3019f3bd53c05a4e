"""After a restart the configuration may differ: prompts have moved, a flow is gone. No caller is left in silence."""

from __future__ import annotations

import msgspec

from ctiserver.model import events as e
from ctiserver.model.facts import SwitchSeen
from ctiserver.model.site import SiteConfig
from tests.ivr.driver import CONVERSATION, Caller, flow_text, site_with, told


def in_the_menu() -> Caller:
    caller = Caller(site_with(("main", flow_text("main"))))
    caller.answered()
    caller.prompt_ends()
    caller.heard.clear()
    return caller


def changed(caller: Caller, **fields: object) -> SiteConfig:
    return msgspec.structs.replace(caller.world.site, **fields)


def test_a_prompt_is_repeated_from_where_it_is_now() -> None:
    caller = in_the_menu()
    caller.world.site = changed(caller, prompts={"menu_main": {"zh": "sound:new/zh", "en": "sound:new/en"}})

    caller.restart()

    asked = caller.heard[-1]
    assert isinstance(asked, e.PromptAsked)
    assert asked.media == ("sound:new/zh", "sound:new/en")
    assert asked.request == 3


def test_a_prompt_that_is_gone_counts_as_failed() -> None:
    caller = in_the_menu()
    caller.world.site = changed(caller, prompts={})

    caller.restart()

    assert [told(event) for event in caller.heard] == ["stops"]
    assert caller.session is not None
    assert caller.session.waiting == "digits"


def test_a_call_stays_on_the_revision_it_began_with() -> None:
    caller = in_the_menu()
    old = caller.world.site.flows[0]
    other = flow_text("main").replace('"1": {"to": "say_service"', '"1": {"to": "say_complaint"')
    newer = msgspec.structs.replace(old, revision=8, document=other)
    caller.world.site = changed(caller, flows=(newer, old))

    caller.press("1")
    caller.prompt_ends()

    assert told(caller.heard[-1]) == "queues service, path main/menu:1/service"
    next_caller = Caller(caller.world.site)
    next_caller.answered()
    next_caller.press("1")
    next_caller.prompt_ends()
    assert told(next_caller.heard[-1]) == "queues complaint, path main/menu:1/complaint"


def test_a_caller_whose_flow_is_gone_hears_an_apology() -> None:
    caller = in_the_menu()
    caller.world.site = changed(caller, flows=())

    caller.press("1")

    assert [told(event) for event in caller.heard] == [
        "stops",
        "says zh/technical_problem en/technical_problem (to its end)",
    ]
    caller.prompt_ends()
    assert told(caller.heard[-1]) == "ends error"


def test_a_flow_that_cannot_be_read_is_an_apology_too() -> None:
    caller = Caller(site_with(("main", '{"format": 1')))

    caller.answered()

    assert told(caller.heard[-1]) == "says zh/technical_problem en/technical_problem (to its end)"


def test_without_any_prompt_the_call_ends_at_once() -> None:
    caller = Caller(site_with(("main", '{"format": 1'), prompts=[]))

    caller.answered()

    assert [told(event) for event in caller.heard] == ["hangs up 16", "ends error"]


def test_a_caller_who_left_while_we_were_down_hears_nothing() -> None:
    caller = in_the_menu()

    made = caller.turn(SwitchSeen(channels=(), bridges=(), contacts=()))

    assert made == []


def test_a_leg_of_somebody_else_starts_nothing_and_types_nothing() -> None:
    caller = in_the_menu()
    agent = f"{CONVERSATION}.a1"

    assert caller.turn(e.Established(conversation=CONVERSATION, leg=agent, at=caller.now)) == []  # type: ignore[arg-type]
    digit = e.DigitReceived(conversation=CONVERSATION, leg=agent, digit="1", masked=False, at=caller.now)  # type: ignore[arg-type]
    assert caller.turn(digit) == []


def test_a_deadline_that_was_moved_says_nothing() -> None:
    caller = in_the_menu()

    assert caller.turn(e.DeadlinePassed(key=f"ivr.{CONVERSATION}", at=caller.now)) == []


def test_a_caller_who_hung_up_while_we_answered_is_not_greeted() -> None:
    caller = Caller(site_with(("main", flow_text("main"))))
    caller.conversation.cleared = True

    caller.answered()

    assert caller.heard == []
