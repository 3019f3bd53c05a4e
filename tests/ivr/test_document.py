"""The flow document as data: it reads, writes and publishes its schema."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from ivr.flow.document import FlowError, decode, encode
from ivr.flow.schema import SCHEMA_FILE, schema_text
from tests.ivr.driver import flow_text

FLOWS = ("main", "desk", "circle", "rules")


def test_the_published_schema_is_fresh() -> None:
    """If this fails: python -m ivr.flow.schema"""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("name", FLOWS)
def test_flows_fit_the_published_schema(name: str) -> None:
    jsonschema_rs.validator_for(json.loads(schema_text())).validate(json.loads(flow_text(name)))


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_survives_reading_and_writing(name: str) -> None:
    flow = decode(flow_text(name))

    assert decode(encode(flow)) == flow


def test_what_the_editor_keeps_for_itself_is_kept_untouched() -> None:
    document = json.loads(flow_text("circle"))
    document["_ui"] = {"zoom": 0.75, "positions": {"one": [1, 2.5]}, "colours": None, "备注": ["草稿", True]}

    assert json.loads(encode(decode(json.dumps(document))))["_ui"] == document["_ui"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "truncated"),
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ('{"format": 2}', r"\$\.format"),
        (flow_text("circle").replace('"next": "two"', '"next": 5'), r"\$\.nodes\[\.\.\.\]\.exits\.next"),
    ],
)
def test_a_text_that_is_no_flow_says_where_and_why(text: str, place: str) -> None:
    with pytest.raises(FlowError, match=place):
        decode(text)


def test_bytes_that_are_no_text_are_no_flow() -> None:
    with pytest.raises(FlowError):
        decode(b'{"id": "\xff\xfe"}')
