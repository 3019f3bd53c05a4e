"""Every situation x every input of agent, contact and reservation against the reviewed tables in tables/*.toml.

The tables are the specification: written from DESIGN section 4, not from the code. Where the two differ, somebody finds
out who is right.
"""

from __future__ import annotations

from typing import get_args

import pytest

from acd.core.applies import APPLY
from acd.core.follows import FOLLOWS
from acd.core.matches import MATCHES
from ctiserver.model import commands as cmd, events as ev, facts
from tests.acd import inputs, tables

TABLES = {name: tables.read(name) for name in tables.NAMES}


def cells() -> list[tuple[str, str, str, str]]:
    found = [
        (table.name, row.given, situation, cell)
        for table in TABLES.values()
        for row in table.rows
        for situation, cell in row.cells.items()
    ]
    quiet = [
        (table.name, given, situation, tables.NOTHING)
        for table in TABLES.values()
        for given in table.nothing
        for situation in table.situations
    ]
    return found + quiet


@pytest.mark.parametrize("table", tables.NAMES)
def test_every_input_has_exactly_one_row(table: str) -> None:
    said = [*(row.given for row in TABLES[table].rows), *TABLES[table].nothing]
    assert sorted(said) == sorted(inputs.INPUTS)


def test_every_type_that_can_reach_the_core_is_an_input() -> None:
    """Commands, facts, events of calls and flows, deadlines. A new one needs its rows, or a reason why not."""
    reach = [
        *get_args(cmd.Command),
        *get_args(facts.Fact),
        *get_args(ev.CallEvent),
        *get_args(ev.IvrEvent),
        *(ev.SiteChanged, ev.DeadlinePassed, ev.SwitchLinkChanged),
    ]
    there = dict.fromkeys(kind.__name__ for kind, _ in inputs.INPUTS.values() if not isinstance(kind, str))
    known = {**there, **dict.fromkeys(inputs.OF_NO_CONCERN), **dict.fromkeys(inputs.OTHERWISE)}
    assert sorted(known) == sorted(kind.__name__ for kind in reach)
    assert len(known) == len(there) + len(inputs.OF_NO_CONCERN) + len(inputs.OTHERWISE), "told twice"


def test_every_kind_of_deadline_is_an_input() -> None:
    there = sorted(kind for kind, _ in inputs.INPUTS.values() if isinstance(kind, str))
    assert there == tables.deadline_kinds()


def test_the_core_has_no_ear_for_what_is_of_no_concern() -> None:
    heard = dict.fromkeys(kind.__name__ for kind in (*FOLLOWS, *MATCHES, *APPLY))
    assert [name for name in inputs.OF_NO_CONCERN if name in heard] == []


@pytest.mark.parametrize("table", tables.NAMES)
def test_the_situations_are_what_the_table_calls_them(table: str) -> None:
    for situation, state in TABLES[table].states.items():
        house = tables.stage(table, situation)
        assert tables.Watched(table, house).state() == state, situation


@pytest.mark.parametrize(("table", "given", "situation", "cell"), cells(), ids=lambda value: value.replace(":", ""))
def test_cell(table: str, given: str, situation: str, cell: str) -> None:
    found = tables.answer(table, situation, given)
    if table != "agent" and cell == tables.NOTHING and found.startswith("refused"):
        found = tables.NOTHING  # whether the agent was refused is the agent's table's
    assert found == cell
