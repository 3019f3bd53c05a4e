"""Rules on what is known of a caller when he enters: who is a VIP, what his call needs, how his agent is chosen."""

from __future__ import annotations

import pytest

from ctiserver.model import events as ev
from ctiserver.model.facts import Customer
from ctiserver.model.routing import Algorithm, RuleConfig
from tests.acd.house import agent, queue, site
from tests.acd.office import Office

VIP = Customer(id="u1", code="1", name="Li", classes=("vip", "old"))
KEY_ACCOUNT = Customer(id="u2", code="2", name="Wang", classes=("key_account",), manager="1002")
ANYBODY = Customer(id="u3", code="3", name="Zhao")


def office_with(*rules: RuleConfig, **more: object) -> Office:
    return Office(site([queue("service", rules=rules, **more)]))


def test_a_vip_has_a_head_start() -> None:
    office = office_with(RuleConfig(id="vip", when={"class": "vip"}, priority=300.0))
    calls = [office.come(customer=who) for who in (None, ANYBODY, VIP)]
    office.ready("1001")
    assert office.order(3) == [calls[2], calls[0], calls[1]]


def test_a_head_start_is_no_licence_to_starve_the_others() -> None:
    office = office_with(RuleConfig(id="vip", when={"class": "vip"}, priority=300.0))
    patient = office.come()
    office.wait(301.0)
    office.come(customer=VIP)
    office.ready("1001")
    assert office.order(1) == [patient]


def test_the_call_of_a_key_account_goes_to_its_manager_and_needs_somebody_who_may_decide() -> None:
    rule = RuleConfig(
        id="key account", when={"class": "key_account"}, requires="contracts >= 50", prefer="account_manager"
    )
    staff = [agent("1001"), agent("1002", skills={"contracts": 60}), agent("1003", skills={"contracts": 50})]
    office = Office(site([queue("service", rules=(rule,))], staff))
    office.ready("1001", "1003", "1002")
    first, second = office.come(customer=KEY_ACCOUNT), office.come(customer=KEY_ACCOUNT)
    assert office.offered_to(first) == "1002"
    office.talk(first)
    office.wait(31.0)
    assert office.offered_to(second) == "1003", "his manager is in a talk; not everybody may have it"
    assert office.seen(ev.OfferMade)[-1].why.requires == "contracts >= 50"


CASES: dict[str, tuple[dict[str, str], bool]] = {
    "nothing is asked": ({}, True),
    "his class": ({"class": "vip"}, True),
    "another of his classes": ({"class": "old"}, True),
    "not his class": ({"class": "key_account"}, False),
    "the number dialled": ({"number": "95500"}, True),
    "another number": ({"number": "95501"}, False),
    "what he chose": ({"path": "menu:2"}, True),
    "what he did not choose": ({"path": "menu:3"}, False),
    "what the flow knows": ({"data.product": "loan"}, True),
    "what the flow knows otherwise": ({"data.product": "card"}, False),
    "what the flow does not know": ({"data.colour": "red"}, False),
    "the medium": ({"medium": "voice"}, True),
    "another medium": ({"medium": "chat"}, False),
    "all of it": ({"class": "vip", "path": "menu:2", "data.product": "loan", "number": "95500"}, True),
    "all but one": ({"class": "vip", "path": "menu:3", "data.product": "loan", "number": "95500"}, False),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_rule_applies_when_all_that_it_asks_holds(case: str) -> None:
    when, applies = CASES[case]
    office = office_with(RuleConfig(id="r", when=when, priority=10.0))
    call = office.come(customer=VIP, data={"product": "loan"}, path=("main", "menu:2"))
    assert office.contact(call).rules == (("r",) if applies else ())
    assert office.contact(call).priority == (10.0 if applies else 0.0)


def test_of_an_unknown_caller_no_class_holds() -> None:
    office = office_with(RuleConfig(id="r", when={"class": "vip"}, priority=10.0))
    assert office.contact(office.come()).rules == ()


def test_head_starts_and_requirements_add_up_the_first_algorithm_holds() -> None:
    office = office_with(
        RuleConfig(id="one", requires="x", priority=10.0),
        RuleConfig(id="two", when={"class": "nobody"}, requires="never", priority=1000.0),
        RuleConfig(id="three", requires="y >= 5", priority=20.0, algorithm=Algorithm.ROUND_ROBIN),
        RuleConfig(id="four", requires="x >= 3", algorithm=Algorithm.PERCENT),
    )
    contact = office.contact(office.come(requires="z", priority=5.0))
    assert contact.rules == ("one", "three", "four")
    assert contact.priority == 35.0
    assert contact.requires == "x >= 3 and y >= 5 and z >= 1"
    assert contact.algorithm is Algorithm.ROUND_ROBIN


def test_the_algorithm_may_depend_on_how_the_caller_came_in() -> None:
    """The queue takes the longest idle; callers of one number get the best."""
    staff = [agent("1001", skills={"fault": 20}), agent("1002", skills={"fault": 90})]
    rule = RuleConfig(id="gold", when={"number": "95588"}, algorithm=Algorithm.BEST_LONGEST_IDLE)
    office = Office(site([queue("service", requires="fault", rules=(rule,))], staff))
    office.ready("1001", "1002")
    gold = office.come(dialled="95588")
    assert office.offered_to(gold) == "1002"
    office.hang_up(gold)
    assert office.offered_to(office.come()) == "1001"
    assert [made.why.rule for made in office.seen(ev.OfferMade)] == ["best_longest_idle", "longest_idle"]


def test_what_the_rules_said_is_in_the_journal_and_does_not_change_with_the_configuration() -> None:
    office = office_with(RuleConfig(id="vip", when={"class": "vip"}, priority=300.0))
    call = office.come(customer=VIP)
    office.reload(site([queue("service")]))
    assert office.contact(call).priority == 300.0
    (queued,) = office.seen(ev.ContactQueued)
    assert (queued.rules, queued.priority) == (("vip",), 300.0)
