"""Static checks of a flow: what would go wrong on a call and can be seen beforehand.

Lives here: the checks, each a function that yields issues. Must not live here: decoding (a text that cannot be
decoded has no issues, it has a FlowError), the editor. An error must be put right before publishing; a warning may
be meant so. Order: by node as the document lists them, so that the same flow gives the same list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from ctiserver.model.requirement import BadRequirement, canonical, named, parse
from ctiserver.model.site import SiteConfig
from ivr.flow.document import Flow
from ivr.flow.expression import NAME, ExpressionError, check, references
from ivr.flow.speech import Speech, prompt_ids, templates
from ivr.nodes.base import Node
from ivr.nodes.callback import Callback
from ivr.nodes.condition import Condition
from ivr.nodes.hangup import Hangup
from ivr.nodes.menu import Menu
from ivr.nodes.play import Play
from ivr.nodes.queue import Queue
from ivr.nodes.set import LANGUAGE, Set
from ivr.nodes.transfer import Transfer

KNOWN = (
    "call.dialled",
    "call.number",
    "call.name",
    "customer.known",
    "customer.id",
    "customer.code",
    "customer.name",
    "customer.language",
    "customer.manager",
    "customer.classes",
)
"""What every session knows from its start (ivr.runtime)."""


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One finding; `node` '' = the flow itself, `field` the exit or field it is about."""

    severity: Literal["error", "warning"]
    code: str
    node: str
    field: str
    detail: str


def inspect(flow: Flow, site: SiteConfig) -> tuple[Issue, ...]:
    """Everything that is wrong with the flow on this site."""
    found = [
        *_targets(flow),
        *_reachable(flow),
        *_loops(flow),
        *_prompts(flow, site),
        *_destinations(flow, site),
        *_keys(flow),
        *_variables(flow),
    ]
    place = {name: number for number, name in enumerate(("", *flow.nodes))}
    return tuple(sorted(found, key=lambda issue: (place.get(issue.node, 0), issue.code, issue.field, issue.detail)))


def _error(code: str, node: str, field: str, detail: str) -> Issue:
    return Issue(severity="error", code=code, node=node, field=field, detail=detail)


def _warning(code: str, node: str, field: str, detail: str) -> Issue:
    return Issue(severity="warning", code=code, node=node, field=field, detail=detail)


# --- where exits lead ------------------------------------------------------------------------------


def _targets(flow: Flow) -> Iterator[Issue]:
    if flow.start not in flow.nodes:
        yield _error("unknown_node", "", "start", flow.start)
    for name, node in flow.nodes.items():
        for field, target in node.targets().items():
            if target is not None and target not in flow.nodes:
                yield _error("unknown_node", name, field, target)
            elif target is None and not (flow.problem if field == "error" else flow.goodbye):
                yield _warning("dead_end", name, field, "the call ends here without a word")


def _next(flow: Flow, name: str) -> tuple[str, ...]:
    """The nodes that the exits lead to."""
    targets = flow.nodes[name].targets().values()
    return tuple(dict.fromkeys(target for target in targets if target is not None and target in flow.nodes))


def _reachable(flow: Flow) -> Iterator[Issue]:
    reached: dict[str, None] = {}
    ahead = [flow.start] if flow.start in flow.nodes else []
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached[name] = None
            ahead.extend(_next(flow, name))
    for name in flow.nodes:
        if name not in reached:
            yield _error("unreachable", name, "", "no exit leads here")


def _loops(flow: Flow) -> Iterator[Issue]:
    """Nodes that go round without waiting, and nodes from which no way leads out."""
    passing = {name: _passes_to(flow, name, node) for name, node in flow.nodes.items()}
    for name in flow.nodes:
        if _leads_back(name, passing):
            yield _error("loop_without_wait", name, "", "goes round without waiting for the caller")
    ends: dict[str, None] = {}
    growing = True
    while growing:
        growing = False
        for name, node in flow.nodes.items():
            if name not in ends and (_can_end(node) or any(target in ends for target in _next(flow, name))):
                ends[name] = None
                growing = True
    for name in flow.nodes:
        if name not in ends:
            yield _error("no_way_out", name, "", "no way leads to an agent, a hang-up or the end")


def _passes_to(flow: Flow, name: str, node: Node) -> tuple[str, ...]:
    """Where a session can go on to without any wait in this node."""
    return _next(flow, name) if isinstance(node, Set | Condition | Callback) else ()


def _leads_back(name: str, passing: dict[str, tuple[str, ...]]) -> bool:
    seen: dict[str, None] = {}
    ahead = list(passing[name])
    while ahead:
        at = ahead.pop()
        if at == name:
            return True
        if at not in seen:
            seen[at] = None
            ahead.extend(passing[at])
    return False


def _can_end(node: Node) -> bool:
    return isinstance(node, Queue | Transfer | Hangup) or any(
        target is None for field, target in node.targets().items() if field != "error"
    )


# --- what is said ---------------------------------------------------------------------------------


def _prompts(flow: Flow, site: SiteConfig) -> Iterator[Issue]:
    spoken: list[tuple[str, str, Speech]] = [("", "goodbye", flow.goodbye), ("", "problem", flow.problem)]
    for name, node in flow.nodes.items():
        spoken.extend((name, field, speech) for field, speech in node.speeches())
        if isinstance(node, Play | Menu) and not node.speech:
            yield _error("silence", name, "speech", "says nothing")
    for name, field, speech in spoken:
        asked = dict.fromkeys(prompt_ids(speech, flow.languages))
        for prompt in dict.fromkeys(prompt for prompt, _ in asked):
            if not site.prompts.get(prompt):
                yield _error("missing_prompt", name, field, prompt)
        for prompt, language in asked:
            files = site.prompts.get(prompt)
            if not files:
                continue
            for wanted in (language,) if language else flow.languages:
                if wanted not in files:
                    yield _warning("missing_prompt", name, field, f"{prompt} in {wanted}")


# --- where callers are sent ------------------------------------------------------------------------


def _destinations(flow: Flow, site: SiteConfig) -> Iterator[Issue]:
    queues = [queue.id for queue in site.queues]
    agents = [agent.id for agent in site.agents]
    skills = [skill for agent in site.agents for skill in agent.skills]
    for name, node in flow.nodes.items():
        if (
            isinstance(node, Queue | Callback | Transfer)
            and node.queue
            and not references(node.queue)
            and node.queue not in queues
        ):
            yield _error("unknown_queue", name, "queue", node.queue)
        if isinstance(node, Queue | Callback):
            yield from _requirements(name, node, skills)
        if isinstance(node, Callback) and any(one.id == node.queue and one.callback is None for one in site.queues):
            yield _warning("no_callbacks", name, "queue", f"{node.queue} takes no callbacks: all leave by refused")
        if isinstance(node, Transfer):
            if node.agent and not references(node.agent) and node.agent not in agents:
                yield _error("unknown_agent", name, "agent", node.agent)
            if node.number:
                yield _warning("not_yet", name, "number", "outside numbers leave by the error exit")


def _requirements(name: str, node: Queue | Callback, skills: list[str]) -> Iterator[Issue]:
    try:
        steps = node.steps if isinstance(node, Queue) else ()
        asked = [("requires", node.requirement()), *(("steps", canonical(step.requires)) for step in steps)]
    except BadRequirement as error:
        yield _error("bad_requirement", name, "requires", str(error))
        return
    for field, text in asked:
        for skill in named(parse(text)):
            if skill not in skills:
                yield _warning("unknown_skill", name, field, f"no agent has {skill}")


# --- what is typed --------------------------------------------------------------------------------


def _keys(flow: Flow) -> Iterator[Issue]:
    for name, node in flow.nodes.items():
        if isinstance(node, Queue):
            yield from _keys_of_queue(name, node, flow)
        if not isinstance(node, Menu):
            continue
        if not node.choices:
            yield _error("no_choices", name, "choices", "nothing to choose")
        for key in node.choices:
            shorter = next((one for one in node.choices if one != key and key.startswith(one)), None)
            if shorter is not None:
                yield _error("key_conflict", name, key, f"{shorter} is taken before {key} can be typed")


def _keys_of_queue(name: str, node: Queue, flow: Flow) -> Iterator[Issue]:
    """A key that leads round to the same queue without a word would only cost the caller his place."""
    for key, target in node.keys.items():
        if target == name:
            yield _error("key_conflict", name, key, "leads back into the same queue")


# --- what is known --------------------------------------------------------------------------------


def _variables(flow: Flow) -> Iterator[Issue]:
    known = [*KNOWN, LANGUAGE, *(variable for node in flow.nodes.values() for variable in node.sets())]
    for field, speech in (("goodbye", flow.goodbye), ("problem", flow.problem)):
        yield from _unknown(known, "", field, templates(speech))
    for name, node in flow.nodes.items():
        for expression in _expressions(node):
            try:
                check(expression)
            except ExpressionError as error:
                yield _error("bad_expression", name, expression, str(error))
        yield from _unknown(known, name, "", node.reads())
        if isinstance(node, Set):
            for one in node.values:
                literal = one.variable == LANGUAGE and not one.expression
                if literal and one.value not in flow.languages:
                    yield _error("unknown_language", name, LANGUAGE, str(one.value))


def _unknown(known: list[str], name: str, field: str, texts: Iterable[str]) -> Iterator[Issue]:
    for variable in dict.fromkeys(variable for text in texts for variable in references(text)):
        if not NAME.fullmatch(variable):
            yield _error("bad_template", name, field, variable)
        elif variable not in known:
            yield _error("unknown_variable", name, field, variable)


def _expressions(node: Node) -> tuple[str, ...]:
    if isinstance(node, Condition):
        return (node.expression,)
    return tuple(one.expression for one in node.values if one.expression) if isinstance(node, Set) else ()


# --- the text itself ------------------------------------------------------------------------------


def repeated_keys(text: str) -> tuple[str, ...]:
    """Keys written twice in one object of the JSON text, e.g. two choices "1" of a menu: only the last would count.

    Raises ValueError when the text is no JSON.
    """
    found: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        found.extend(key for place, key in enumerate(keys) if key in keys[:place])
        return dict(pairs)

    json.loads(text, object_pairs_hook=note)
    return tuple(dict.fromkeys(found))
