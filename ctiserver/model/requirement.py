"""Skills: what a contact needs of an agent, as an expression over his levels.

Lives here: reading, writing in one canonical form, joining and matching requirements. Not here: who is chosen.

    sales >= 50 and (english >= 60 or french >= 60) and not trainee

A name is a skill (letters of any script, digits, `_ . -`; others in double quotes); alone it means `>= 1`. Levels are
0-100, a skill that an agent has not counts as 0. `not` binds closest, then `and`, then `or`. An empty requirement is
met by everybody. Two requirements that differ only in order, brackets or spaces have one canonical text, so that text
is compared and kept, and the tree is made once. Flows ask in it, queues are configured in it, the ACD matches by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

Requirement = str
"""A requirement in canonical text; '' = anybody."""

MAX_TEXT = 1000
"""Characters that a person may write. Its canonical text may be longer (`a` is `a >= 1`), and several joined are."""
MAX_DEPTH = 40
"""Brackets and `not` within each other that a person may write: the limit of work, the reader goes as deep as they."""
_JOINED = 1
"""How much deeper a text may be that we have written: an `or` gets brackets when it is joined with others."""


class BadRequirement(ValueError):
    """The text is no requirement; the message says what is wrong and where."""


class Level(msgspec.Struct, frozen=True):
    """A comparison of one skill's level."""

    skill: str
    compare: str  # >=, <=, >, <, =, !=
    level: int


class Not(msgspec.Struct, frozen=True):
    part: Node


class All(msgspec.Struct, frozen=True):
    """Every part holds; none = anybody."""

    parts: tuple[Node, ...]


class Any(msgspec.Struct, frozen=True):
    parts: tuple[Node, ...]


Node = Level | Not | All | Any

_TOKEN = re.compile(r'\s*(?:(>=|<=|!=|==|=|>|<)|([()])|([0-9]+)(?![\w.-])|"([^"]{1,64})"|([^\W\d][\w.-]{0,63}))')
_WORDS = ("and", "or", "not")
_PLAIN = re.compile(r"[^\W\d][\w.-]{0,63}")


@lru_cache(maxsize=8192)
def parse(text: str) -> Node:
    """The tree of a requirement, in canonical order. Raises BadRequirement.

    For texts that have been through `canonical` or were joined of such; what a person has written goes there first."""
    return _Reader(text, MAX_DEPTH + _JOINED).whole()


def canonical(text: str) -> Requirement:
    """The one text of all requirements that read alike. Raises BadRequirement, also for too much text."""
    if len(text) > MAX_TEXT:
        raise BadRequirement(f"longer than {MAX_TEXT} characters")
    return write(_Reader(text, MAX_DEPTH).whole())


@lru_cache(maxsize=8192)
def joined(*requirements: Requirement) -> Requirement:
    """What is left to meet when all of them must be met. Raises BadRequirement."""
    return write(_all([parse(text) for text in requirements]))


def of_levels(levels: Mapping[str, int]) -> Requirement:
    """The requirement that each of these skills has at least this level."""
    return write(_all([Level(skill, ">=", level) for skill, level in levels.items()]))


def fits(skills: Mapping[str, int], requires: Requirement) -> bool:
    """Whether an agent with these skills meets the requirement."""
    return met(skills, parse(requires))


def met(skills: Mapping[str, int], node: Node) -> bool:
    match node:
        case Level(skill, compare, level):
            return _compare(skills.get(skill, 0), compare, level)
        case Not(part):
            return not met(skills, part)
        case All(parts):
            return all(met(skills, part) for part in parts)
        case Any(parts):
            return any(met(skills, part) for part in parts)


def named(node: Node) -> tuple[str, ...]:
    """The skills that a requirement speaks of, each once, in order."""
    match node:
        case Level(skill, _, _):
            return (skill,)
        case Not(part):
            return named(part)
        case All(parts) | Any(parts):
            return tuple(dict.fromkeys(skill for part in parts for skill in named(part)))


def wanted(node: Node) -> tuple[str, ...]:
    """The skills of which more is better for this requirement: those it asks for and does not forbid."""
    match node:
        case Level(skill, compare, _):
            return (skill,) if compare in (">=", ">", "=") else ()
        case Not():
            return ()
        case All(parts) | Any(parts):
            return tuple(dict.fromkeys(skill for part in parts for skill in wanted(part)))


def missing(skills: Mapping[str, int], node: Node) -> tuple[str, ...]:
    """What keeps an agent with these skills from meeting the requirement: the parts that do not hold, as text."""
    if met(skills, node):
        return ()
    if isinstance(node, All):
        return tuple(text for part in node.parts for text in missing(skills, part))
    return (write(node),)


def write(node: Node) -> Requirement:
    match node:
        case Level(skill, compare, level):
            name = skill if _PLAIN.fullmatch(skill) and skill.lower() not in _WORDS else f'"{skill}"'
            return f"{name} {compare} {level}"
        case Not(part):
            return f"not {_inner(part)}"
        case All(parts):
            return " and ".join(_inner(part) if isinstance(part, Any) else write(part) for part in parts)
        case Any(parts):
            return " or ".join(write(part) for part in parts)


def _inner(node: Node) -> str:
    return write(node) if isinstance(node, Level | Not) else f"({write(node)})"


def _compare(have: int, compare: str, level: int) -> bool:
    match compare:
        case ">=":
            return have >= level
        case ">":
            return have > level
        case "<=":
            return have <= level
        case "<":
            return have < level
        case "!=":
            return have != level
        case _:
            return have == level


def _all(parts: list[Node]) -> Node:
    """All of them, flat, in order, of several least levels of one skill the highest."""
    flat: dict[str, Node] = {}
    least: dict[str, int] = {}
    for part in parts:
        for one in part.parts if isinstance(part, All) else (part,):
            if isinstance(one, Level) and one.compare == ">=":
                least[one.skill] = max(one.level, least.get(one.skill, 0))
            else:
                flat[write(one)] = one
    for skill, level in least.items():
        one = Level(skill, ">=", level)
        flat[write(one)] = one
    ordered = tuple(flat[text] for text in sorted(flat))
    return ordered[0] if len(ordered) == 1 else All(ordered)


def _any(parts: list[Node]) -> Node:
    flat: dict[str, Node] = {}
    for part in parts:
        for one in part.parts if isinstance(part, Any) else (part,):
            flat[write(one)] = one
    ordered = tuple(flat[text] for text in sorted(flat))
    return ordered[0] if len(ordered) == 1 else Any(ordered)


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, most: int) -> None:
        self._most = most  # depth
        self._tokens: list[tuple[str, str, int]] = []  # kind, text, place
        self._at = 0
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise BadRequirement(f"cannot be read from {text[place:].strip()[:20]!r} on")
            compare, bracket, number, quoted, name = found.groups()
            if name is not None and name.lower() in _WORDS:
                self._tokens.append((name.lower(), name, place))
            elif name is not None or quoted is not None:
                self._tokens.append(("name", name or quoted, place))
            elif number is not None:
                self._tokens.append(("number", number, place))
            else:
                word = bracket or ("=" if compare == "==" else compare)
                self._tokens.append((bracket or "compare", word, place))
            place = found.end()

    def whole(self) -> Node:
        if not self._tokens:
            return All(())
        node = self._or(0)
        if self._peek():
            raise BadRequirement(f"did not expect {self._tokens[self._at][1]!r}")
        return node

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self, kind: str, what: str) -> str:
        if self._peek() != kind:
            found = repr(self._tokens[self._at][1]) if self._peek() else "the end"
            raise BadRequirement(f"expected {what}, found {found}")
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _or(self, depth: int) -> Node:
        parts = [self._and(depth)]
        while self._peek() == "or":
            self._at += 1
            parts.append(self._and(depth))
        return _any(parts)

    def _and(self, depth: int) -> Node:
        parts = [self._not(depth)]
        while self._peek() == "and":
            self._at += 1
            parts.append(self._not(depth))
        return _all(parts)

    def _not(self, depth: int) -> Node:
        if depth > self._most:
            raise BadRequirement("too deep")
        if self._peek() == "not":
            self._at += 1
            part = self._not(depth + 1)
            return part.part if isinstance(part, Not) else Not(part)
        if self._peek() == "(":
            self._at += 1
            node = self._or(depth + 1)
            self._take(")", "a closing bracket")
            return node
        skill = self._take("name", "a skill")
        if self._peek() != "compare":
            return Level(skill, ">=", 1)
        compare = self._take("compare", "a comparison")
        level = int(self._take("number", "a level")[:4])
        if level > 100:
            raise BadRequirement(f"level {level} of {skill} is over 100")
        return Level(skill, compare, level)
