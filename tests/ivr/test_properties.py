"""What holds for any flow and anything that can happen: no exception, no silence without end, no secret digit."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings, strategies as st

from ctiserver.model import events as e
from ctiserver.model.causes import EndReason
from ctiserver.model.facts import Customer
from ctiserver.model.ivr import IvrSession
from ivr.flow.document import decode
from ivr.flow.inspect import inspect
from ivr.nodes.menu import MAX_PATH
from ivr.runtime import MAX_STEPS, MAX_STEPS_A_RUN, MAX_TRACE
from tests.ivr.driver import CALLER, CONVERSATION, Caller, flow_text, site_with

CUSTOMERS = [None, Customer(id="c1", code="K1", name="王芳", language="en", classes=("vip",), manager="1001")]
KEYS = st.sampled_from("0123456789*#")

happenings = st.lists(
    st.one_of(
        st.tuples(st.just("press"), KEYS),
        st.tuples(st.just("press"), KEYS),
        st.tuples(st.just("prompt_ends"), st.booleans()),
        st.tuples(st.just("stale_prompt"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 3.0, 8.0, 200.0])),
        st.tuples(st.just("refused"), st.sampled_from(list(EndReason))),
        st.tuples(st.just("identified"), st.sampled_from(CUSTOMERS)),
        st.tuples(st.just("answered_again"), st.none()),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=25,
)

NAMES = ["n0", "n1", "n2", "n3", "n4"]
targets = st.sampled_from([*NAMES, None, "not_there"])
speeches = st.lists(
    st.sampled_from(
        [
            {"prompt": "welcome"},
            {"prompt": "menu_main", "language": "all"},
            {"prompt": "not_recorded"},
            {"digits": "${x}"},
            {"each_language": [{"prompt": "goodbye"}, {"digits": "7"}]},
        ]
    ),
    max_size=2,
)
expressions = st.sampled_from(["x == 1", "not customer.known", "x + 1", "unknown", "1 / 0", "'a' in customer.classes"])


def exits(*names: str) -> st.SearchStrategy[dict[str, str | None]]:
    return st.fixed_dictionaries({name: targets for name in names})


def node(kind: str, exit_names: tuple[str, ...], **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), "exits": exits(*exit_names), **fields})


asking = {
    "speech": speeches,
    "invalid": speeches,
    "attempts": st.integers(1, 3),
    "barge_in": st.booleans(),
    "flush": st.booleans(),
}
refusals = ("no_agents", "full", "closed", "timed_out", "error")
nodes = st.one_of(
    node("play", ("next", "error"), speech=speeches, barge_in=st.booleans(), flush=st.booleans()),
    node(
        "menu",
        ("failed", "error"),
        choices=st.dictionaries(
            st.sampled_from(["1", "2", "12", "*", "#9"]), st.fixed_dictionaries({"to": targets}), max_size=3
        ),
        **asking,
    ),
    node(
        "collect",
        ("next", "timeout", "invalid", "error"),
        variable=st.just("x"),
        min=st.integers(1, 2),
        max=st.integers(2, 5),
        terminator=st.sampled_from(["", "#", "*"]),
        masked=st.booleans(),
        **asking,
    ),
    node(
        "set",
        ("next", "error"),
        values=st.lists(
            st.one_of(
                st.fixed_dictionaries({"variable": st.just("x"), "value": st.sampled_from([1, "12", None, True, 0.5])}),
                st.fixed_dictionaries({"variable": st.sampled_from(["x", "language"]), "expression": expressions}),
                st.just({"variable": "language", "value": "en"}),
            ),
            max_size=2,
        ),
    ),
    node("condition", ("true", "false", "error"), expression=expressions),
    node("queue", refusals, queue=st.sampled_from(["service", "no_such"]), data=st.just({"x": "${x}"})),
    node("transfer", refusals, agent=st.sampled_from(["1001", "${customer.manager}", "no_such"])),
    st.fixed_dictionaries({"type": st.just("hangup"), "speech": speeches}),
)
flows = st.fixed_dictionaries(
    {
        "id": st.just("any"),
        "title": st.just({"zh": "任意", "en": "any"}),
        "languages": st.just(["zh", "en"]),
        "start": st.sampled_from(NAMES),
        "goodbye": speeches,
        "problem": speeches,
        "nodes": st.fixed_dictionaries({name: nodes for name in NAMES}),
    }
)


def holds(caller: Caller, made: list[e.Event]) -> None:
    """What must be true after every turn."""
    session = caller.session
    asked = [event for event in made if isinstance(event, e.PromptAsked)]
    assert all(event.media and len(event.media) == len(event.prompts) for event in asked)
    if session is None:
        assert caller.world.deadlines.next() is None
        return
    assert session.waiting in ("prompt", "digits", "queue")
    assert (session.deadline is None) == (session.waiting == "queue"), "a wait without a live cause"
    assert caller.world.deadlines.next() == session.deadline
    assert len(session.trace) <= MAX_TRACE
    assert session.steps <= MAX_STEPS
    assert len(session.digits) <= 64
    assert msgspec.json.decode(msgspec.json.encode(session), type=IvrSession) == session


def live(caller: Caller, story: list[tuple[str, Any]]) -> None:
    """The whole call, with the invariants after each happening, to its end."""
    caller.answered()
    requests: list[int] = []
    for kind, what in story:
        before = len(caller.all_events)
        steps = caller.session.steps if caller.session is not None else 0
        match kind:
            case "press":
                caller.press(what)
            case "prompt_ends":
                caller.prompt_ends(ok=what)
            case "stale_prompt":
                old = (caller.session.request if caller.session else 0) - 1 - what
                stored = caller.stored()
                caller.prompt_ends(request=old)
                assert caller.stored() == stored
            case "wait":
                caller.wait(what)
            case "refused":
                caller.refused(what)
            case "identified":
                caller.identified(what)
            case "answered_again":
                if caller.session is not None:
                    caller.answered()
            case _:
                caller.restart()
        made = caller.all_events[before:]
        holds(caller, made)
        requests.extend(event.request for event in made if isinstance(event, e.PromptAsked))
        if kind != "wait" and caller.session is not None:
            assert caller.session.steps - steps <= MAX_STEPS_A_RUN
    assert requests == sorted(set(requests)), "a request number was used twice"
    caller.hangs_up()
    assert caller.session is None
    assert caller.world.deadlines.next() is None
    ended = [event.reason for event in caller.all_events if isinstance(event, e.IvrEnded)]
    assert len(ended) == 1
    caller.press("1")
    caller.wait(500.0)
    assert [event.reason for event in caller.all_events if isinstance(event, e.IvrEnded)] == ended


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["main", "desk", "circle", "rules"]), st.sampled_from(CUSTOMERS), happenings)
def test_our_flows_bear_anything(name: str, customer: Customer | None, story: list[tuple[str, Any]]) -> None:
    live(Caller(site_with((name, flow_text(name))), customer=customer), story)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(flows, happenings)
def test_any_flow_bears_anything(document: dict[str, Any], story: list[tuple[str, Any]]) -> None:
    text = json.dumps(document)
    site = site_with(("any", text))
    inspect(decode(text), site)  # the checks bear any flow, too
    live(Caller(site), story)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["press", "prompt_ends", "restart"]), max_size=12), st.booleans())
def test_masked_digits_are_in_no_event_and_no_state(story: list[str], dispatcher_masks: bool) -> None:
    """Even if the dispatcher forgot to mask: the core keeps their number and nothing else."""
    caller = Caller(site_with(("desk", flow_text("desk"))))
    caller.answered()
    for kind in story:
        if caller.session is None or caller.session.node not in ("notice", "pin"):
            break
        if kind == "prompt_ends":
            caller.prompt_ends()
        elif kind == "restart":
            caller.restart()
        elif dispatcher_masks:
            caller.press("7")
            assert caller.hidden[-1]
        else:
            caller.turn(e.DigitReceived(conversation=CONVERSATION, leg=CALLER, digit="7", masked=False, at=caller.now))

    said = msgspec.json.encode(caller.all_events) + caller.stored()

    assert b"77" not in said
    assert b'digits":"7' not in said
    assert b'pin":"7' not in said


def test_a_session_that_never_ends_is_ended() -> None:
    """A caller (or a machine) who walks in circles is sent away after 2,000 steps."""
    menu = {"type": "menu", "speech": [{"prompt": "menu_main"}], "choices": {"1": {"to": "a"}}}
    document = {
        "id": "any", "title": {"zh": "圈", "en": "circle"}, "languages": ["zh"], "start": "a", "nodes": {"a": menu},
    }  # fmt: skip
    caller = Caller(site_with(("any", json.dumps(document))))
    caller.answered()
    for _ in range(MAX_STEPS - 1):
        caller.press("1")
    assert caller.session is not None
    assert caller.session.steps == MAX_STEPS
    assert len(caller.session.path) == MAX_PATH

    caller.press("1")

    assert (caller.session.ending, caller.session.prompts) == ("error", ("zh/technical_problem",))
