"""Numbers as they are spoken, the words of an announcement, keys of a queue, and which digits nobody may write down."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctiserver.model.causes import EndReason
from ivr.flow.document import decode
from ivr.flow.inspect import inspect
from ivr.flow.numbers import vocabulary, words
from ivr.flow.speech import Part, resolve
from ivr.speech.catalogue import read_entries
from tests.ivr.driver import CONVERSATION, Caller, flow_text, site_with

ENTRIES = read_entries(Path(__file__).parents[2] / "ivr" / "prompts")


@pytest.mark.parametrize(
    ("number", "chinese", "english"),
    [
        (0, "零", "zero"),
        (7, "七", "seven"),
        (10, "十", "ten"),
        (15, "十五", "fifteen"),
        (20, "二十", "twenty"),
        (42, "四十二", "forty two"),
        (100, "一百", "one hundred"),
        (105, "一百零五", "one hundred and five"),
        (110, "一百一十", "one hundred and ten"),
        (118, "一百一十八", "one hundred and eighteen"),
        (71, "七十一", "seventy one"),
        (150, "一百五十", "one hundred and fifty"),
        (999, "九百九十九", "nine hundred and ninety nine"),
        (1204, "一二零四", "one two zero four"),
    ],
)
def test_numbers_are_said_as_people_say_them(number: int, chinese: str, english: str) -> None:
    assert "".join(ENTRIES[word].text("zh") or "" for word in words(number, "zh-CN")) == chinese
    assert " ".join(ENTRIES[word].text("en") or "" for word in words(number, "en")) == english


def test_every_word_of_every_number_is_recorded() -> None:
    for language in ("zh", "en"):
        for number in range(1000):
            assert all(word in vocabulary(language) for word in words(number, language))
        assert all(word in ENTRIES for word in vocabulary(language))
    assert words(31, "fr") == ("d3", "d1"), "a language whose numbers nobody has taught us"


def test_a_number_with_a_word_missing_is_said_whole_in_the_next_language() -> None:
    prompts = {word: {"zh": f"zh/{word}", "en": f"en/{word}"} for word in vocabulary("zh")}
    del prompts["n_and"]["zh"]

    def said(text: str) -> tuple[str, ...]:
        variables = {"orders": text}
        part = Part(number="${orders}")
        return resolve((part,), languages=("zh", "en"), own="zh", prompts=prompts, variables=variables).prompts

    assert said("132") == ("zh/d1", "zh/n100", "zh/n30", "zh/d2")
    assert said("105") == ("en/d1", "en/n100", "en/n_and", "en/d5")
    assert said("none") == ()


def test_a_number_part_asks_for_its_words_when_the_flow_is_checked() -> None:
    text = flow_text("wait").replace('"prompt": "menu_main"', '"number": "${call.number}"')
    site = site_with(("wait", text), prompts=["goodbye", "collect_order", "no_agents", "technical_problem"])
    missing = [issue.detail for issue in inspect(decode(text), site) if issue.code == "missing_prompt"]
    assert missing == sorted(vocabulary("zh"))


def test_a_key_that_leads_nowhere_or_round_is_found() -> None:
    text = flow_text("wait").replace('"1": "secret"', '"1": "service", "5": "nowhere"')
    issues = {(issue.code, issue.node, issue.field) for issue in inspect(decode(text), site_with(("wait", text)))}
    assert {("key_conflict", "service", "1"), ("unknown_node", "service", "key_5")} <= issues
    clean = flow_text("wait")
    assert [issue for issue in inspect(decode(clean), site_with(("wait", clean))) if issue.severity == "error"] == []


def waiting() -> Caller:
    caller = Caller(site_with(("wait", flow_text("wait"))))
    caller.answered()
    caller.press("1")
    return caller


def secret(caller: Caller) -> str:
    """Which of all keys must be masked now."""
    return "".join(key for key in "0123456789*#" if caller.core.masks(caller.world, CONVERSATION, key))


def test_in_the_queue_only_the_keys_of_the_queue_are_written_down() -> None:
    caller = waiting()
    assert secret(caller) == "02345678"
    caller.told("queue_wait", 1, 0, 0)
    assert secret(caller) == "02345678", "in an announcement too"


def test_in_a_talk_nobody_writes_down_what_is_typed() -> None:
    caller = waiting()
    caller.answered_by_agent()
    assert secret(caller) == "0123456789"


def test_what_follows_a_key_is_secret_where_the_flow_says_so() -> None:
    caller = waiting()
    caller.refused(EndReason.LEFT_BY_KEY, "1")
    assert secret(caller) == "0123456789"
