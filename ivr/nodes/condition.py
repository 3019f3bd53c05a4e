"""The condition node: go one way or the other."""

from __future__ import annotations

from ivr.flow.expression import ExpressionError, evaluate
from ivr.nodes.base import Exits, Node, Target, targets
from ivr.nodes.run import Run
from ivr.nodes.set import read_by


class ConditionExits(Exits, frozen=True, kw_only=True):
    true: Target = None
    false: Target = None
    error: Target = None


class Condition(Node, frozen=True, kw_only=True, tag="condition"):
    """Leave by `true` or `false`. `error`: the expression failed, e.g. a variable was never set.

    {"type": "condition", "expression": "customer.known and 'vip' in customer.classes",
     "exits": {"true": "vip", "false": "menu", "error": "menu"}}
    """

    expression: str
    exits: ConditionExits = ConditionExits()

    def targets(self) -> dict[str, Target]:
        return targets(self.exits)

    def enter(self, run: Run) -> str | None:
        try:
            return "true" if evaluate(self.expression, run.session.variables) else "false"
        except ExpressionError as error:
            run.note(str(error))
            return "error"

    def reads(self) -> tuple[str, ...]:
        return read_by(self.expression)
