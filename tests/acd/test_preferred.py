"""Preferred agents: the last agent, the account manager, a named one; how long the caller waits for him alone."""

from __future__ import annotations

import msgspec
import pytest

from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import LegFailure
from ctiserver.model.facts import Customer
from ctiserver.model.ids import ConversationId
from ctiserver.model.routing import RuleConfig
from ctiserver.model.site import SiteConfig
from tests.acd.house import agent, queue, site
from tests.acd.office import Office, step

CALLER = "13800000001"
LI = Customer(id="u1", code="1", name="Li", classes=("key_account",), manager="1003")


def rule(prefer: str, seconds: float = 30.0, **more: object) -> RuleConfig:
    return RuleConfig(**{"id": f"prefers {prefer}", "prefer": prefer, "prefer_seconds": seconds, **more})


def config(*rules: RuleConfig, **more: object) -> SiteConfig:
    return site([queue("service", rules=rules, wrap_up_seconds=0.0, **more)])


def office_with(*rules: RuleConfig, **more: object) -> Office:
    office = Office(config(*rules, **more))
    office.ready("1001", "1002", "1003")
    return office


def busy(office: Office, *names: str) -> list[ConversationId]:
    """These agents talk to somebody."""
    calls = [office.come(agent=name) for name in names]
    for call in calls:
        office.talk(call)
    return calls


# --- who is meant -------------------------------------------------------------------------------------------


def test_the_second_call_of_a_customer_goes_to_the_agent_he_talked_to() -> None:
    office = office_with(rule("last_agent"))
    office.serve(office.come(number="2"))
    assert office.serve(office.come(number=CALLER)) == "1002"
    office.serve(office.come(number="3"))
    assert office.offered_to(office.come(number=CALLER)) == "1002", "although 1001 is the longest idle"


def test_the_last_agent_is_the_one_who_talked_last_not_the_one_who_was_rung() -> None:
    office = office_with(rule("last_agent"))
    call = office.come(number=CALLER)
    office.failed(office.confirm(call), LegFailure.REJECTED)
    assert office.serve(call) == "1002"
    assert office.offered_to(office.come(number=CALLER)) == "1002"


def test_a_known_customer_is_remembered_whatever_number_he_calls_from() -> None:
    office = office_with(rule("last_agent"))
    office.serve(office.come(number="9"))
    office.serve(office.come(number=CALLER, customer=LI))
    assert office.offered_to(office.come(number="77", customer=LI)) == "1002"


def test_an_unknown_caller_has_no_last_agent_and_waits_for_nobody() -> None:
    office = office_with(rule("last_agent"))
    call = office.come(number=CALLER)
    assert office.contact(call).prefer is None
    assert office.offered_to(call) == "1001"


def test_a_caller_without_number_is_not_remembered() -> None:
    office = office_with(rule("last_agent"))
    office.serve(office.come())
    assert office.world.last_agents == {}


def test_of_many_customers_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.core.reservation.REMEMBERED", 2)
    office = office_with(rule("last_agent"))
    for number in ("1", "2", "1", "3"):
        office.serve(office.come(number=number))
    assert list(office.world.last_agents) == ["1", "3"]


def test_the_account_manager_of_the_customer_has_his_calls() -> None:
    office = office_with(rule("account_manager"))
    assert office.offered_to(office.come(customer=LI)) == "1003"
    stranger = msgspec.structs.replace(LI, manager="")
    gone = msgspec.structs.replace(LI, manager="1999")
    assert office.offered_to(office.come(customer=stranger)) == "1001"
    assert office.contact(office.come(customer=gone)).prefer is None


def test_an_agent_may_be_named_by_the_rule() -> None:
    office = office_with(rule("1002"))
    assert office.offered_to(office.come()) == "1002"


def test_of_several_rules_the_first_that_means_somebody_holds_with_its_time() -> None:
    office = office_with(rule("last_agent", 5.0), rule("account_manager", 50.0), rule("1001", 500.0))
    busy(office, "1003")
    call = office.come(customer=LI)
    contact = office.contact(call)
    assert (contact.prefer, contact.prefer_until - office.now) == ("1003", 50.0)
    assert contact.rules == ("prefers last_agent", "prefers account_manager", "prefers 1001")


@pytest.mark.parametrize("gone", ["at home", "with the company no more"])
def test_the_last_agent_is_not_there_so_the_account_manager_is_meant(gone: str) -> None:
    office = office_with(rule("last_agent"), rule("account_manager"))
    assert office.serve(office.come(customer=LI)) == "1003"
    other = msgspec.structs.replace(LI, manager="1002")
    office.take(cmd.SetNotReady(**office.who("1003"), reason="lunch"))
    office.take(cmd.SignOut(**office.who("1003")))
    if gone != "at home":
        staff = tuple(one for one in office.world.site.agents if one.id != "1003")
        office.reload(msgspec.structs.replace(office.world.site, agents=staff))
    assert office.offered_to(office.come(customer=other)) == "1002"


# --- how long he is waited for ------------------------------------------------------------------------------


def test_the_caller_waits_for_a_busy_agent_alone_and_then_for_anybody() -> None:
    office = office_with(rule("1003"))
    busy(office, "1003")
    call = office.come()
    office.wait(29.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_to(call) == "1001"
    assert [event.at - office.contact(call).queued_at for event in office.seen(ev.PreferenceEnded)] == [30.0]


def test_he_gets_it_as_soon_as_he_is_free_before_those_who_wait_longer() -> None:
    office = office_with(rule("1003", when={"path": "again"}))
    talk = busy(office, "1003", "1001", "1002")
    office.come()
    mine = office.come(path=("again",))
    office.hang_up(talk[0])
    assert office.offered_to(mine) == "1003"


def test_he_is_asked_first_after_his_time_too() -> None:
    office = office_with(rule("1003", 10.0))
    calls = busy(office, "1001", "1002", "1003")
    call = office.come()
    office.wait(11.0)
    for talk in calls:
        office.hang_up(talk)
    assert office.offered_to(call) == "1001", "somebody has to be the first to be free"
    other = office.come()
    assert office.offered_to(other) == "1003"


def test_he_is_asked_first_of_those_free_when_he_is_not_waited_for() -> None:
    office = office_with(rule("1003", 0.0))
    assert office.offered_to(office.come()) == "1003"
    assert office.offered_to(office.come()) == "1001", "nobody waits for him"


def test_a_break_is_not_worth_less_than_a_talk() -> None:
    """He is signed in and on a break: the caller waits for him, at most so long."""
    office = office_with(rule("1003"))
    office.take(cmd.SetNotReady(**office.who("1003"), reason="lunch"))
    call = office.come()
    office.wait(10.0)
    assert office.waits(call)
    office.take(cmd.SetReady(**office.who("1003")))
    assert office.offered_to(call) == "1003"


# --- nobody waits for one who cannot have it ----------------------------------------------------------------


def test_one_who_is_not_signed_in_is_not_waited_for() -> None:
    office = Office(config(rule("1003")))
    office.ready("1001")
    assert office.offered_to(office.come()) == "1001"


def test_one_whose_phone_is_gone_is_not_waited_for() -> None:
    office = office_with(rule("1003"))
    office.link("1003", 0)
    assert office.offered_to(office.come()) == "1001"


@pytest.mark.parametrize("lacks", ["a skill", "the queue"])
def test_one_who_may_not_have_it_is_not_waited_for(lacks: str) -> None:
    asked = "licence" if lacks == "a skill" else ""
    where = "service" if lacks == "a skill" else "other"
    staff = [agent("1001", skills={"licence": 1}), agent("1003", where)]
    office = Office(site([queue("service", rules=(rule("1003"),)), queue("other")], staff))
    office.ready("1001", "1003")
    call = office.come(requires=asked)
    assert office.offered_to(call) == "1001"


def test_the_steps_of_the_queue_do_not_keep_him_away() -> None:
    """Steps say who else may have it; the preferred agent must meet what queue and flow always require."""
    office = office_with(rule("1003"), steps=(step("french", 300.0),))
    assert office.offered_to(office.come()) == "1003"


def test_he_signs_out_and_others_may_have_it_at_once() -> None:
    office = office_with(rule("1003"))
    talk = busy(office, "1003")
    calls = [office.come() for _ in range(2)]
    office.take(cmd.SetNotReady(**office.who("1003"), reason="lunch"))
    office.hang_up(talk[0])
    office.take(cmd.SignOut(**office.who("1003")))
    assert office.offered_now() == {"1001": calls[0], "1002": calls[1]}
    assert [key for key in office.world.deadlines.keys() if key.startswith("acd.prefer")] == []


def test_two_who_wait_for_him_are_freed_in_the_same_order_after_a_restart() -> None:
    def story(restarts: bool) -> list[str]:
        office = Office(config(rule("1003")), fold=False)
        office.ready("1003")
        (talk,) = busy(office, "1003")
        for text, head_start in (("x = 0", 0.0), ("y = 0", 9.0), ("", 5.0)):
            office.come(requires=text, priority=head_start)
        office.take(cmd.SetNotReady(**office.who("1003"), reason="lunch"))
        office.hang_up(talk)
        if restarts:
            office.restart()
        before = len(office.log)
        office.take(cmd.SignOut(**office.who("1003")))
        return [event.contact for event in office.log[before:] if isinstance(event, ev.PreferenceEnded)]

    assert len(story(False)) == 3
    assert story(False) == story(True)


@pytest.mark.parametrize("loss", ["the agent", "his skill", "his queue"])
def test_a_new_configuration_takes_him_away_and_others_may_have_it_at_once(loss: str) -> None:
    office = Office(
        site(
            [queue("service", requires="licence", rules=(rule("1003"),)), queue("other")],
            [agent(name, skills={"licence": 1}) for name in ("1001", "1003")],
        )
    )
    office.ready("1001", "1003")
    busy(office, "1003")
    call = office.come()
    assert office.waits(call)
    first = office.world.site.agents[0]
    changed = {
        "the agent": (first,),
        "his skill": (first, agent("1003")),
        "his queue": (first, agent("1003", "other", skills={"licence": 1})),
    }
    office.reload(msgspec.structs.replace(office.world.site, agents=changed[loss]))
    assert office.offered_to(call) == "1001"


@pytest.mark.parametrize("why", [LegFailure.REJECTED, LegFailure.UNREACHABLE])
def test_he_refuses_it_and_others_are_asked_at_once(why: LegFailure) -> None:
    office = office_with(rule("1003"))
    call = office.come()
    offer = office.confirm(call)
    office.failed(offer, why)
    assert office.offered_to(call) == "1001"
    assert office.contact(call).prefer_until == 0.0


def test_he_misses_it_and_is_not_rung_again_before_the_others() -> None:
    office = office_with(rule("1003"))
    call = office.come()
    office.wait(20.3)
    assert office.offered_to(call) == "1001"
    office.wait(20.2)
    assert office.offered_to(call) == "1002"
    office.wait(20.2)
    assert office.offered_to(call) == "1001", "all three have let it pass: the longest idle of them, as for anybody"


def test_his_page_is_loaded_anew_and_it_comes_back_to_him() -> None:
    office = office_with(rule("1003"))
    call = office.come()
    office.confirm(call)
    office.link("1003", 0)
    office.wait(2.1)
    assert office.waits(call)
    office.link("1003", 1)
    assert office.offered_to(call) == "1003"


def test_who_lost_a_talk_is_asked_first_and_waited_for_no_more() -> None:
    office = office_with(rule("1003"))
    call = office.come()
    office.talk(call)
    office.lost(call, "1003")
    office.wait(15.1)
    assert office.offered_to(call) == "1001", "he is not ready, and somebody else is free"
    assert office.contact(call).prefer == "1003"


# --- a named agent ------------------------------------------------------------------------------------------


def test_a_transfer_to_one_agent_waits_for_him_whatever_the_rules_prefer() -> None:
    office = office_with(rule("1003"))
    busy(office, "1002")
    call = office.come(agent="1002")
    office.wait(200.0)
    assert office.waits(call)
    assert office.contact(call).prefer_until == 0.0
    assert office.contact(call).only_agent == "1002"
