"""Requirements: how they read, the one text that each has, whom they admit, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ctiserver.model.requirement import (
    MAX_DEPTH,
    MAX_TEXT,
    All,
    Any,
    BadRequirement,
    Level,
    Node,
    Not,
    canonical,
    fits,
    joined,
    met,
    missing,
    named,
    of_levels,
    parse,
    wanted,
    write,
)

# --- the one text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canon"),
    [
        ("", ""),
        ("   ", ""),
        ("sales", "sales >= 1"),
        ("sales>=50", "sales >= 50"),
        ("sales == 50", "sales = 50"),
        ("b >= 1 and a >= 1", "a >= 1 and b >= 1"),
        ("a and (b and c)", "a >= 1 and b >= 1 and c >= 1"),
        ("(a or (c or b))", "a >= 1 or b >= 1 or c >= 1"),
        ("a and a", "a >= 1"),
        ("a >= 20 and a >= 60 and a >= 40", "a >= 60"),
        ("not not a", "a >= 1"),
        ("NOT a AND b OR c", "b >= 1 and not a >= 1 or c >= 1"),
        ("a or b and c", "a >= 1 or b >= 1 and c >= 1"),
        ("(a or b) and c", "(a >= 1 or b >= 1) and c >= 1"),
        ("not (b or a)", "not (a >= 1 or b >= 1)"),
        ('"and" >= 3', '"and" >= 3'),
        ('"two words" and x', '"two words" >= 1 and x >= 1'),
        ('"plain"', "plain >= 1"),
        ("普通话 >= 60 and (粤语 or 英语 >= 40)", "普通话 >= 60 and (粤语 >= 1 or 英语 >= 40)"),
        ("c-1.x_y >= 7", "c-1.x_y >= 7"),
    ],
)
def test_texts_that_mean_the_same_have_one_form(text: str, canon: str) -> None:
    assert canonical(text) == canon
    assert canonical(canon) == canon


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("and", "expected a skill, found 'and'"),
        ("a and", "expected a skill, found the end"),
        ("a b", "did not expect 'b'"),
        ("(a", "expected a closing bracket, found the end"),
        ("a)", "did not expect ')'"),
        ("()", "expected a skill, found ')'"),
        ("a >=", "expected a level, found the end"),
        ("a >= b", "expected a level, found 'b'"),
        ("a >= 101", "level 101 of a is over 100"),
        ("a >= 99999999999999999999", "is over 100"),
        ("a >= -1", "cannot be read from '-1' on"),
        ("a >= 5.5", "cannot be read from '5.5' on"),
        ("a >= 5x", "cannot be read from '5x' on"),
        ("50 >= a", "expected a skill, found '50'"),
        ("a & b", "cannot be read from '& b' on"),
        ('"open', "cannot be read from '\"open' on"),
        ('""', "cannot be read"),
        ("a < > 5", "expected a level, found '>'"),
        ("not", "expected a skill, found the end"),
        ("x" * (MAX_TEXT + 1), f"longer than {MAX_TEXT} characters"),
        ("(" * (MAX_DEPTH + 2) + "a" + ")" * (MAX_DEPTH + 2), "too deep"),
        ("not " * (MAX_DEPTH + 2) + "a", "too deep"),
    ],
)
def test_what_cannot_be_read_says_what_and_where(text: str, says: str) -> None:
    with pytest.raises(BadRequirement) as fault:
        canonical(text)
    assert says in str(fault.value)


def test_as_much_as_a_person_may_write_can_be_read_again_and_joined() -> None:
    """Its canonical text is longer and, joined with others, deeper than what a person may write."""
    turns = MAX_DEPTH // 2 - 1
    deep = "not (a or " * turns + "b" + ")" * turns + " or " + "(" * MAX_DEPTH + "c" + ")" * MAX_DEPTH
    long = " or ".join(f"s{n}" for n in range(100, 225))
    assert len(long) <= MAX_TEXT < len(canonical(long))
    texts = [canonical(deep), canonical(long), "d >= 1"]
    assert all(canonical(write(parse(text))) == text for text in texts if len(text) <= MAX_TEXT)
    assert len(named(parse(joined(*texts)))) == 3 + 125 + 1


# --- random ones ----------------------------------------------------------------------------------------------

skills = st.sampled_from(["a", "b", "英语", "and", "two words", "c-1.x"])
levels = st.builds(Level, skills, st.sampled_from([">=", "<=", ">", "<", "=", "!="]), st.integers(0, 100))


def _deeper(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    some = st.lists(inner, min_size=1, max_size=4).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(All, some), st.builds(Any, some))


nodes: st.SearchStrategy[Node] = st.recursive(levels, _deeper, max_leaves=8)
people = st.dictionaries(skills, st.integers(0, 100))


def loose(node: Node) -> str:
    """The node as a careless person would write it: brackets everywhere."""
    match node:
        case Level(skill, compare, level):
            return f'"{skill}"{compare}{level}'
        case Not(part):
            return f"not({loose(part)})"
        case All(parts):
            return "(" + " AND ".join(loose(part) for part in parts) + ")"
        case Any(parts):
            return "(" + " or ".join(loose(part) for part in parts) + ")"


@given(nodes)
def test_what_is_written_is_read_again(node: Node) -> None:
    text = canonical(loose(node))
    assert write(parse(text)) == text
    assert parse(text) == parse(loose(node))


@given(nodes, people)
def test_the_canonical_text_admits_exactly_the_same_people(node: Node, person: dict[str, int]) -> None:
    assert fits(person, canonical(loose(node))) is met(person, node)


@given(nodes, nodes, people)
def test_joined_means_and(one: Node, two: Node, person: dict[str, int]) -> None:
    texts = canonical(loose(one)), canonical(loose(two))
    both = joined(*texts)
    assert fits(person, both) is (met(person, one) and met(person, two))
    assert both == joined(*reversed(texts)) == canonical(f"({texts[0]}) and ({texts[1]})")


@given(nodes, people)
def test_what_is_missing_is_named_and_having_it_is_enough(node: Node, person: dict[str, int]) -> None:
    read = parse(canonical(loose(node)))
    texts = missing(person, read)
    assert bool(texts) is not met(person, read)
    assert all(not fits(person, text) for text in texts)


# --- whom it admits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        ("", True),
        ("a >= 60", True),
        ("a > 60", False),
        ("a <= 60 and a < 61", True),
        ("a = 60", True),
        ("a != 60", False),
        ("x", False),
        ("x >= 0", True),
        ("x = 0", True),
        ("not x", True),
        ("a >= 50 and (x or b >= 30) and not trainee", True),
        ("a >= 50 and (x or b >= 31)", False),
    ],
)
def test_a_skill_that_he_has_not_counts_as_nothing(text: str, admitted: bool) -> None:
    assert fits({"a": 60, "b": 30}, text) is admitted


def test_nothing_to_join_is_met_by_everybody() -> None:
    assert joined() == joined("", "") == ""
    assert joined("", "a", "a >= 40") == "a >= 40"


def test_levels_become_a_requirement() -> None:
    assert of_levels({"b": 20, "a": 10}) == "a >= 10 and b >= 20"
    assert of_levels({}) == ""


def test_the_skills_asked_for_are_not_those_forbidden() -> None:
    node = parse("sales >= 50 and (english or french < 20) and not trainee and thai > 3")
    assert set(named(node)) == {"sales", "english", "french", "trainee", "thai"}
    assert set(wanted(node)) == {"sales", "english", "thai"}


def test_what_a_person_lacks_is_told_part_by_part() -> None:
    node = parse("sales >= 50 and (english or french) and not trainee")
    lacks = missing({"sales": 40, "trainee": 1}, node)
    assert lacks == ("english >= 1 or french >= 1", "not trainee >= 1", "sales >= 50")
    assert missing({"sales": 50, "french": 9}, node) == ()
