"""Expressions and `${...}` templates of flows: a small, bounded, pure language on top of simpleeval.

Lives here: what may be written, what it costs at most, how names are found. Must not live here: nodes, sessions.
An expression is checked as a syntax tree before it runs: no attribute, subscript, comprehension, power or format
string exists; `customer.name` is one name. Unhardened, one format string made 1 GB; the limits below keep an
evaluation far under a millisecond.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import simpleeval  # type: ignore[import-untyped, unused-ignore]

from ctiserver.model.ivr import Value

MAX_LENGTH = 300  # characters of an expression
MAX_PARTS = 80  # nodes of its syntax tree
MAX_DEPTH = 12
MAX_NUMBER = 1e15  # below 2**53: a float holds every whole number up to here
MAX_TEXT = 500  # characters of a text value

NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?")
_TEMPLATE = re.compile(r"\$\{([^{}]*)\}")


class ExpressionError(Exception):
    """The expression is not allowed, or cannot be evaluated with these variables."""


def _bounded(value: Any) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > MAX_NUMBER:
            raise ExpressionError("number too large")
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ExpressionError("text too long")
        return value
    raise ExpressionError(f"a {type(value).__name__} is no value")


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError("not a number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionError("not a text")
    return value


def _add(left: Any, right: Any) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return _bounded(left + right)
    return _bounded(_number(left) + _number(right))


def _numeric(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Value]:
    return lambda left, right: _bounded(function(_number(left), _number(right)))


def _int(value: Any) -> Value:
    if isinstance(value, str):
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", value.strip()):
            raise ExpressionError("not a whole number")
        return int(value)
    return _bounded(int(_number(value)))


def _str(value: Any) -> Value:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _add,
    ast.Sub: _numeric(operator.sub),
    ast.Mult: _numeric(operator.mul),
    ast.Div: _numeric(operator.truediv),
    ast.FloorDiv: _numeric(operator.floordiv),
    ast.Mod: _numeric(operator.mod),
    ast.USub: lambda value: _bounded(-_number(value)),
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda part, whole: _text(part) in _text(whole),
    ast.NotIn: lambda part, whole: _text(part) not in _text(whole),
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda value: abs(_number(value)),
    "int": _int,
    "len": lambda text: len(_text(text)),
    "lower": lambda text: _text(text).lower(),
    "max": lambda left, right: max(_number(left), _number(right)),
    "min": lambda left, right: min(_number(left), _number(right)),
    "starts": lambda text, start: _text(text).startswith(_text(start)),
    "ends": lambda text, end: _text(text).endswith(_text(end)),
    "str": _str,
    "upper": lambda text: _text(text).upper(),
}
"""What an expression may call; every argument by position."""

_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}
_ALLOWED = (
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.Constant,
    ast.IfExp,
    ast.Load,
    ast.Name,
    ast.UnaryOp,
    ast.And,
    ast.Or,
    *_OPERATORS,
)


class _JoinNames(ast.NodeTransformer):
    """Makes one name of `customer.name`, so that the evaluator never sees an attribute."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:  # noqa: N802 - ast's own naming
        if not isinstance(node.value, ast.Name):
            raise ExpressionError("only names like customer.name may have a dot")
        return ast.copy_location(ast.Name(id=f"{node.value.id}.{node.attr}", ctx=ast.Load()), node)


@lru_cache(maxsize=1024)
def _parse(expression: str) -> ast.expr:
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    if "\\" in expression:
        raise ExpressionError("a backslash is not allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree: ast.expr = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError, Warning) as error:
        raise ExpressionError("not an expression") from error
    joined: ast.expr = _JoinNames().visit(tree)
    _check(joined)
    return joined


def _check(tree: ast.expr) -> None:
    parts, level = 0, list[ast.AST]((tree,))
    for _ in range(MAX_DEPTH):
        parts += len(level)
        for node in level:
            _check_node(node)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            break
    if level or parts > MAX_PARTS:
        raise ExpressionError("too complicated")


def _check_node(node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED):
        raise ExpressionError(f"{type(node).__name__} is not allowed")
    if isinstance(node, ast.Constant):
        _bounded(node.value)
    if isinstance(node, ast.Call):
        if node.keywords or not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise ExpressionError("unknown function")
    elif isinstance(node, ast.Name) and not NAME.fullmatch(node.id):
        raise ExpressionError(f"{node.id!r} is no name")


def check(expression: str) -> tuple[str, ...]:
    """The variables that the expression reads, in alphabetical order.

    Raises ExpressionError when it is not allowed.
    """
    tree = _parse(expression)
    called = [id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return tuple(sorted(dict.fromkeys(name for name in names if name not in _CONSTANTS)))


def evaluate(expression: str, variables: Mapping[str, Value]) -> Value:
    """The value of the expression. Raises ExpressionError, also for a variable that was never set."""
    tree = _parse(expression)
    names = {**variables, **_CONSTANTS}
    try:
        result = simpleeval.SimpleEval(_OPERATORS, FUNCTIONS, names).eval(expression, tree)
    except ExpressionError:
        raise
    except simpleeval.NameNotDefined as error:
        raise ExpressionError(f"{error.name} was never set") from error
    except (simpleeval.InvalidExpression, TypeError, ValueError, ArithmeticError) as error:
        raise ExpressionError(type(error).__name__) from error
    return _bounded(result)


def references(template: str) -> tuple[str, ...]:
    """The variables that a `${...}` template names, in order."""
    return tuple(match.strip() for match in _TEMPLATE.findall(template))


def fill(template: str, variables: Mapping[str, Value]) -> str:
    """The template with each `${name}` replaced by its value; an unknown one becomes ''. Cut to MAX_TEXT."""
    return _TEMPLATE.sub(lambda found: str(_str(variables.get(found[1].strip()))), template)[:MAX_TEXT]
