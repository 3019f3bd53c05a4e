"""Every command x every state of the call x every kind of phone, against the reviewed table in tables/commands.toml.

The table is the specification. Whatever is commanded, nothing is left when the customer hangs up: the auditor looks
after every turn (tests.fakes.floor), and at the end no channel, bridge, item of work or deadline may be there.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import get_args

import pytest

from ctiserver.model import commands as cmd
from ctiserver.model.errors import Rejection
from tests.calls import situations
from tests.calls.situations import AGENT, CALLER, COLLEAGUE, THIRD, Call

TABLE = tomllib.loads((Path(__file__).parent / "tables" / "commands.toml").read_text("utf-8"))
ROWS: dict[str, dict[str, str]] = TABLE["command"]
OF_LEADS = ("MonitorCall", "ChangeMonitor", "StopMonitor", "TakeOverCall", "DisconnectCall")
"""About a call too, but no agent's: tests/scenarios/test_monitoring.py."""


def expected(command: str, situation: str, kind: str) -> str:
    row = ROWS[command]
    return row.get(f"{situation}, {kind}", row.get(situation, row.get("rest", "")))


CELLS = [
    (kind, situation, command)
    for command in situations.COMMANDS
    for situation in situations.SITUATIONS
    for kind in situations.KINDS
]


def test_every_command_that_is_about_a_call_has_its_row() -> None:
    assert sorted(ROWS) == sorted(situations.COMMANDS)
    named = {name.partition(",")[0] for name in ROWS}
    about = {kind.__name__ for kind in get_args(cmd.Command) if "conversation" in kind.__struct_fields__}
    assert about - named == set(OF_LEADS)


def test_the_table_names_situations_and_codes_that_there_are() -> None:
    codes = {f"refused {code.value}" for code in Rejection}
    for command, row in ROWS.items():
        for where, told in row.items():
            name = where.partition(",")[0]
            assert name in (*situations.SITUATIONS, "rest", "why"), (command, where)
            assert where == "why" or not told.startswith("refused") or told in codes, (command, told)


@pytest.mark.parametrize("kind", situations.KINDS)
@pytest.mark.parametrize("situation", situations.SITUATIONS)
def test_the_situations_are_what_they_are_called(situation: str, kind: str) -> None:
    call = Call(kind)
    situations.SITUATIONS[situation](call)
    assert call.state() == situation


@pytest.mark.parametrize(("kind", "situation", "command"), CELLS, ids=lambda value: value.replace(" ", "_"))
def test_cell(kind: str, situation: str, command: str) -> None:
    found, call = situations.cell(kind, situation, command)
    assert found == expected(command, situation, kind)
    if found.startswith("refused"):
        assert call.state() == situation
    else:
        nothing_is_left(call)


def nothing_is_left(call: Call) -> None:
    """The customer hangs up, nobody picks up any more, wrap-ups run out."""
    floor = call.floor
    floor.switch.end(CALLER)
    floor.advance(60)
    assert floor.switch.quiet(), (floor.switch.channels, floor.switch.bridges)
    assert not floor.world.conversations
    assert not floor.world.contacts
    assert not floor.world.reservations
    for agent in (AGENT, COLLEAGUE, THIRD):
        assert not floor.agent(agent).work
    floor.check_journal()
