"""The static checks find what would go wrong on a call, at the node where it would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ivr.flow.document import decode
from ivr.flow.inspect import inspect, repeated_keys
from tests.ivr.driver import PROMPTS, flow_text, site_with


def found(document: dict[str, Any] | str) -> set[str]:
    """The issues as 'severity code node field: detail'."""
    text = document if isinstance(document, str) else json.dumps(document)
    issues = inspect(decode(text), site_with(("main", text)))
    return {f"{one.severity} {one.code} {one.node} {one.field}: {one.detail}" for one in issues}


def flow(**nodes: dict[str, Any]) -> dict[str, Any]:
    """A flow that starts at its first node."""
    return {
        "id": "main",
        "title": {"zh": "测试", "en": "test"},
        "languages": ["zh", "en"],
        "start": next(iter(nodes)),
        "goodbye": [{"prompt": "goodbye"}],
        "nodes": nodes,
    }


def play(target: str | None, prompt: str = "welcome") -> dict[str, Any]:
    return {"type": "play", "speech": [{"prompt": prompt}], "exits": {"next": target, "error": target}}


def menu(**choices: str | None) -> dict[str, Any]:
    return {
        "type": "menu",
        "speech": [{"prompt": "menu_main"}],
        "choices": {key.removeprefix("k"): {"to": target} for key, target in choices.items()},
    }


def condition(expression: str, true: str | None, false: str | None) -> dict[str, Any]:
    return {"type": "condition", "expression": expression, "exits": {"true": true, "false": false}}


def test_the_demo_flow_has_no_issues() -> None:
    assert found(flow_text("main")) == set()
    assert repeated_keys(flow_text("main")) == ()


@pytest.mark.parametrize(
    ("document", "issue"),
    [
        (flow(a=play("nowhere")), "error unknown_node a next: nowhere"),
        (flow(a=play(None)) | {"start": "b"}, "error unknown_node  start: b"),
        (flow(a=play(None), b=play(None)), "error unreachable b : no exit leads here"),
        (flow(a=play(None)) | {"goodbye": []}, "warning dead_end a next: the call ends here without a word"),
        (flow(a=play("a")), "error no_way_out a : no way leads to an agent, a hang-up or the end"),
        (
            flow(a=condition("1 > 2", "b", None), b=condition("2 > 1", "a", None)),
            "error loop_without_wait b : goes round without waiting for the caller",
        ),
        (flow(a=play(None, "hymn")), "error missing_prompt a speech: hymn"),
        (flow(a={"type": "play", "speech": []}), "error silence a speech: says nothing"),
        (flow(a={"type": "queue", "queue": "sales"}), "error unknown_queue a queue: sales"),
        (
            flow(a={"type": "queue", "queue": "order", "requires": {"french": 1}}),
            "warning unknown_skill a requires: no agent has french",
        ),
        (flow(a={"type": "transfer", "agent": "9999"}), "error unknown_agent a agent: 9999"),
        (
            flow(a={"type": "transfer", "number": "10086"}),
            "warning not_yet a number: outside numbers leave by the error exit",
        ),
        (flow(a=menu(k1=None, k12=None)), "error key_conflict a 12: 1 is taken before 12 can be typed"),
        (flow(a=menu()), "error no_choices a choices: nothing to choose"),
        (flow(a=condition("2 ** 9", None, None)), "error bad_expression a 2 ** 9: Pow is not allowed"),
        (flow(a=condition("tires > 1", None, None)), "error unknown_variable a : tires"),
        (
            flow(a={"type": "queue", "queue": "order", "data": {"no": "${order}"}}),
            "error unknown_variable a : order",
        ),
        (
            flow(a={"type": "set", "values": [{"variable": "language", "value": "fr"}]}),
            "error unknown_language a language: fr",
        ),
    ],
)
def test_what_would_go_wrong_is_found(document: dict[str, Any], issue: str) -> None:
    assert issue in found(document)


def test_a_prompt_missing_in_one_language_is_a_warning() -> None:
    text = flow_text("main")
    site = site_with(("main", text), prompts=[name for name in PROMPTS if name != "goodbye"])
    site.prompts["goodbye"] = {"zh": "sound:zh/goodbye"}

    issues = inspect(decode(text), site)

    assert [(one.severity, one.code, one.node, one.detail) for one in issues] == [
        ("warning", "missing_prompt", "", "goodbye in en"),
        ("warning", "missing_prompt", "sorry", "goodbye in en"),
    ]


def test_a_loop_with_a_wait_is_no_mistake() -> None:
    assert found(flow(a=condition("customer.known", "b", None), b=menu(k1="a", k2=None))) == set()


def test_a_key_written_twice_is_found_in_the_text() -> None:
    assert repeated_keys('{"choices": {"1": {"to": "a"}, "2": {"to": null}, "1": {"to": "b"}}}') == ("1",)
