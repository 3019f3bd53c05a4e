"""Golden sessions: each file cases/FLOW.NAME.case is one call, told line by line.

Unindented lines happen to the flow; the indented lines below are everything it does about it, in order.
`trace`, `var` and `waits` lines check what the session knows after that.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ctiserver.model.causes import EndReason
from ctiserver.model.facts import Customer
from tests.ivr.driver import Caller, flow_text, site_with, steps, told

CASES = sorted((Path(__file__).parent / "cases").glob("*.case"))
CHECKS = ("trace", "var", "waits", "note", "keys")


def customer(words: list[str]) -> Customer | None:
    if not words:
        return None
    language, *classes = words
    return Customer(id="c1", code="K001", name="王芳", language=language, classes=tuple(classes), manager="1001")


def happens(caller: Caller, words: list[str]) -> None:
    match words:
        case ["call", *_]:
            caller.answered()
        case ["prompt", "ends"]:
            caller.prompt_ends()
        case ["prompt", "fails"]:
            caller.prompt_ends(ok=False)
        case ["press", keys]:
            for key in keys:
                caller.press(key)
        case ["wait", seconds]:
            caller.wait(float(seconds))
        case ["refused", reason, *key]:
            caller.refused(EndReason(reason), *key)
        case ["told", prompt, position, low, high]:
            caller.told(prompt.strip("-"), int(position), float(low), float(high))
        case ["offered"]:
            caller.offered()
        case ["agent", "answers"]:
            caller.answered_by_agent()
        case ["customer", *rest]:
            caller.identified(customer(rest))
        case ["restart"]:
            caller.restart()
        case ["caller", "hangs", "up"]:
            caller.hangs_up()
        case _:
            raise AssertionError(f"unknown line {words}")


def check(caller: Caller, words: list[str]) -> None:
    session = caller.last
    assert session is not None
    match words:
        case ["trace", *rest]:
            assert steps(session.trace) == " ".join(rest)
        case ["var", name, value]:
            assert str(session.variables[name]) == value
        case ["waits", what, *seconds]:
            assert (session.waiting, caller.session is not None) == (what, True)
            assert session.deadline == (caller.now + float(seconds[0]) if seconds else session.deadline)
        case ["keys", kept]:
            assert session.digits == kept
        case ["note", *rest]:
            assert " ".join(rest) in [step.note for step in session.trace]
        case _:
            raise AssertionError(f"unknown check {words}")


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_the_call_goes_as_told(path: Path) -> None:
    flow = path.name.split(".")[0]
    caller: Caller | None = None
    expected: list[str] = []
    checks: list[list[str]] = []
    happened = "the start"

    def settle() -> None:
        if caller is not None:
            assert [told(event) for event in caller.heard] == expected, f"after: {happened}"
            for words in checks:
                check(caller, words)
            caller.heard.clear()
        expected.clear()
        checks.clear()

    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            text = line.strip()
            if text.split()[0] in CHECKS:
                checks.append(text.split())
            else:
                expected.append(text)
            continue
        settle()
        happened = line
        words = line.split()
        if words[0] == "call":
            caller = Caller(
                site_with((flow, flow_text(flow))), dialled=words[1], customer=customer(words[3:] if words[2:] else [])
            )
        assert caller is not None, "a case begins with a call"
        happens(caller, words)
    settle()
