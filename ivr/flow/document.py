"""The flow document: what the designer edits, what a published revision is, as typed JSON.

Lives here: the document's shape, decoding and encoding. Must not live here: what nodes do (ivr.nodes), checks that
need the site (ivr.flow.inspect). The revision number is the store's, not the document's. The published schema,
schema.json beside this file, is generated from these types (`python -m ivr.flow.schema`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from ctiserver.model.site import FlowConfig, Label
from ivr.flow.speech import Part, Speech
from ivr.nodes.base import NodeId
from ivr.nodes.table import AnyNode

FORMAT = 1

Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]


class FlowError(Exception):
    """The text is no flow document; the message says where and why."""


class Flow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call flow.

    `languages` is the fall-back order of prompts; with `follow_customer` a caller whose customer record names one of
    them hears that one first. `goodbye` is said when an exit leads nowhere, `problem` when that exit is an error or a
    limit is reached. `_ui` belongs to the editor and is kept untouched.
    """

    format: Literal[1] = 1
    id: NodeId
    title: Label
    languages: Annotated[tuple[Language, ...], msgspec.Meta(min_length=1)]
    follow_customer: bool = True
    start: NodeId
    goodbye: Speech = ()
    problem: Speech = (Part(prompt="technical_problem"),)
    nodes: dict[NodeId, AnyNode]
    ui: dict[str, Any] = msgspec.field(name="_ui", default_factory=dict)


_decoder = msgspec.json.Decoder(Flow)


def decode(text: str | bytes) -> Flow:
    """The document in `text`. Raises FlowError with the place of the mistake, e.g. `$.nodes[...].exits`."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FlowError(str(error)) from error


def encode(flow: Flow) -> str:
    """The document as readable JSON, ending in a newline; `decode` gives the same flow."""
    return msgspec.json.format(msgspec.json.encode(flow), indent=2).decode() + "\n"


@lru_cache(maxsize=256)
def published(revision: FlowConfig) -> Flow:
    """The flow of an immutable revision, decoded once. Raises FlowError."""
    return decode(revision.document)


EMERGENCY = Flow(
    id="emergency",
    title=Label(zh="系统故障", en="Technical problem"),
    languages=("zh", "en"),
    start="end",
    nodes={},
    problem=(Part(prompt="technical_problem", language="all"),),
)
"""What a caller hears when his number has no usable flow: its start does not exist, so `problem` is said."""
