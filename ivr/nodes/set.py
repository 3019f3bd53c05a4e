"""The set node: give variables values."""

from __future__ import annotations

import msgspec

from ivr.flow.expression import ExpressionError, check, evaluate
from ivr.nodes.base import Exits, Node, Target, Variable, targets
from ivr.nodes.run import Run

LANGUAGE = "language"
"""Setting this variable changes the language that the caller hears from here on."""


class SetExits(Exits, frozen=True, kw_only=True):
    next: Target = None
    error: Target = None


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variable: a literal `value`, or an `expression` over the variables so far."""

    variable: Variable
    value: str | int | float | bool | None = None
    expression: str = ""


class Set(Node, frozen=True, kw_only=True, tag="set"):
    """Set variables, in order. Setting `language` changes what the caller hears. `error`: an expression failed, or
    the flow does not have that language; variables set before the failure stay.

    {"type": "set", "values": [{"variable": "tries", "value": 0},
                               {"variable": "vip", "expression": "'vip' in customer.classes"},
                               {"variable": "language", "value": "en"}],
     "exits": {"next": "menu", "error": "menu"}}
    """

    values: tuple[Assignment, ...]
    exits: SetExits = SetExits()

    def targets(self) -> dict[str, Target]:
        return targets(self.exits)

    def enter(self, run: Run) -> str | None:
        for one in self.values:
            try:
                value = evaluate(one.expression, run.session.variables) if one.expression else one.value
            except ExpressionError as error:
                run.note(f"{one.variable}: {error}")
                return "error"
            if one.variable == LANGUAGE:
                if value not in run.languages:
                    run.note(f"the flow has no language {value!r}")
                    return "error"
                run.change(language=value)
            run.set(one.variable, value)
        return "next"

    def reads(self) -> tuple[str, ...]:
        return read_by(*(one.expression for one in self.values if one.expression))

    def sets(self) -> tuple[str, ...]:
        return tuple(one.variable for one in self.values)


def read_by(*expressions: str) -> tuple[str, ...]:
    """The variables of the expressions as templates; those of an expression that is not allowed are unknown."""
    found: list[str] = []
    for expression in expressions:
        try:
            found.extend(f"${{{name}}}" for name in check(expression))
        except ExpressionError:
            continue
    return tuple(found)
