"""What a caller hears: prompts in his language, with a fall-back, never half a sentence of silence."""

from __future__ import annotations

from ctiserver.model.ivr import Value
from ivr.flow.speech import Part, Resolved, resolve

PROMPTS = {
    "hello": {"zh": "zh/hello.wav", "en": "en/hello.wav"},
    "only_zh": {"zh": "zh/only.wav"},
    "chime": {"both": "both/chime.wav"},
    "d4": {"zh": "zh/4.wav", "en": "en/4.wav"},
    "d2": {"zh": "zh/2.wav", "en": "en/2.wav"},
}
VARIABLES: dict[str, Value] = {"order_no": "42-24", "pin": "****"}


def heard(*speech: Part, own: str = "zh") -> Resolved:
    return resolve(speech, languages=("zh", "en"), own=own, prompts=PROMPTS, variables=VARIABLES)


def test_the_caller_hears_his_own_language() -> None:
    assert heard(Part(prompt="hello"), own="en").prompts == ("en/hello",)
    assert heard(Part(prompt="hello"), own="en").media == ("en/hello.wav",)


def test_a_language_that_the_flow_does_not_have_counts_as_its_first() -> None:
    assert heard(Part(prompt="hello"), own="fr").prompts == ("zh/hello",)


def test_a_prompt_missing_in_his_language_is_said_in_another() -> None:
    assert heard(Part(prompt="only_zh"), own="en").prompts == ("zh/only_zh",)
    assert heard(Part(prompt="chime"), own="en").prompts == ("both/chime",)


def test_a_prompt_missing_in_every_language_is_told_and_left_out() -> None:
    resolved = heard(Part(prompt="hello"), Part(prompt="nothing"))

    assert (resolved.prompts, resolved.missing) == (("zh/hello",), ("nothing",))


def test_every_language_begins_with_the_callers_own() -> None:
    assert heard(Part(prompt="hello", language="all"), own="en").prompts == ("en/hello", "zh/hello")


def test_every_language_says_each_recording_once() -> None:
    assert heard(Part(prompt="only_zh", language="all"), own="en").prompts == ("zh/only_zh",)
    assert heard(Part(prompt="chime", language="all")).prompts == ("both/chime",)
    assert heard(Part(prompt="nothing", language="all")).missing == ("nothing",)


def test_one_language_can_be_asked_for() -> None:
    assert heard(Part(prompt="hello", language="en")).prompts == ("en/hello",)


def test_a_group_is_said_whole_in_one_language_after_the_other() -> None:
    group = Part(each_language=(Part(prompt="hello"), Part(digits="4")))

    assert heard(group).prompts == ("zh/hello", "zh/d4", "en/hello", "en/d4")


def test_digits_are_said_one_by_one_and_other_signs_not_at_all() -> None:
    assert heard(Part(digits="${order_no}"), own="en").prompts == ("en/d4", "en/d2", "en/d2", "en/d4")
    assert heard(Part(digits="${pin}")).media == ()
