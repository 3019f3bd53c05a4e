"""Each node type's docstring shows one example; it is a node, and the table knows every type."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from ivr.flow.speech import Part
from ivr.nodes.table import NODE_TYPES, AnyNode


def examples(text: str | None) -> list[str]:
    """The JSON objects in a docstring: each begins a line with a brace and ends where its braces are even."""
    found: list[str] = []
    for start in re.finditer(r"^ *\{", text or "", re.MULTILINE):
        if any(start.start() < end for end in [0, *_ends(text or "", found)]):
            continue
        _, length = json.JSONDecoder().raw_decode((text or "")[start.end() - 1 :])
        found.append((text or "")[start.end() - 1 : start.end() - 1 + length])
    return found


def _ends(text: str, found: list[str]) -> list[int]:
    return [text.index(one) + len(one) for one in found]


@pytest.mark.parametrize("node_type", NODE_TYPES, ids=lambda node_type: node_type.__name__)
def test_the_example_in_the_docstring_is_a_node(node_type: type[AnyNode]) -> None:
    (example,) = examples(node_type.__doc__)

    node = msgspec.json.decode(example, type=AnyNode)

    assert type(node) is node_type
    assert msgspec.json.decode(msgspec.json.encode(node), type=AnyNode) == node
    assert node.targets().keys() >= {"error"} or node_type.__name__ == "Hangup"


def test_the_examples_of_speech_parts_are_parts() -> None:
    parts = [msgspec.json.decode(example, type=Part) for example in examples(Part.__doc__)]

    assert len(parts) == 5


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ('{"type": "sing"}', "Invalid value 'sing'"),
        ('{"type": "play", "speech": [], "exits": {"nxet": null}}', "unknown field `nxet`"),
        ('{"type": "play", "speech": [{"prompt": "a", "digits": "1"}]}', "exactly one of"),
        ('{"type": "menu", "speech": [], "choices": {"x": {"to": null}}}', "matching regex"),
        ('{"type": "menu", "speech": [], "choices": {}, "attempts": 0}', ">= 1"),
        ('{"type": "collect", "speech": [], "variable": "n", "min": 5, "max": 4}', "min is greater than max"),
        ('{"type": "collect", "speech": [], "variable": "call.number", "max": 4}', "matching regex"),
        ('{"type": "transfer", "number": "1", "queue": "service"}', "an agent, a queue or a number"),
        ('{"type": "transfer"}', "an agent, a queue or a number"),
    ],
)
def test_a_node_that_makes_no_sense_is_refused_with_the_reason(wrong: str, complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=re.escape(complaint)):
        msgspec.json.decode(wrong, type=AnyNode)
