"""Writes docs/state-machines.md: the reviewed state tables of agent, contact and reservation, and diagrams of them.

`python -m tests.docs.machines` writes the file; a test checks that it is fresh. It is made of tests/acd/tables/*.toml,
so it says what ought to be; that the code does it is tests/acd/test_tables.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.acd import tables
from tests.acd.tables import NOTHING, Table

TARGET = Path(__file__).parents[2] / "docs" / "state-machines.md"
WORDS = {
    "agent": (
        "Agent",
        "The derived state of one agent. A cell is his state afterwards and the events that name him.",
    ),
    "contact": (
        "Contact",
        "A contact is *gone* when it has ended and is in nobody's hands any more: its agent's wrap-up is over.",
    ),
    "reservation": (
        "Reservation",
        "One letter for each agent of it: `o` offered, his desktop has not shown it yet; `r` his phone rings; `w`"
        " withdrawing: his ring is cancelled, the end of its leg not seen yet; `+` he has won; `x` he has nothing more"
        " to do with it.",
    ),
}
MOST = 6
"""Inputs written at one arrow; the table below has them all."""


def arrows(table: Table) -> dict[tuple[str, str], list[str]]:
    """From state to another state: by which inputs."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in table.rows:
        for situation, cell in row.cells.items():
            if cell == NOTHING or cell.startswith("refused"):
                continue
            before, after = table.states[situation], cell.partition(":")[0]
            given = found.setdefault((before, after), [])
            if before != after and row.given not in given:
                given.append(row.given)
    return {ends: given for ends, given in found.items() if given}


def diagram(table: Table) -> list[str]:
    found = arrows(table)
    states = list(dict.fromkeys([*table.states.values(), *(after for _, after in found)]))
    names = {state: f"s{number}" for number, state in enumerate(states)}
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    lines += [f'    state "{state.replace("_", " ")}" as {names[state]}' for state in states]
    for (before, after), given in found.items():
        shown = given if len(given) <= MOST else [*given[: MOST - 1], f"and {len(given) - MOST + 1} more"]
        label = "<br/>".join(one.replace(",", " -") for one in shown)
        lines.append(f"    {names[before]} --> {names[after]}: {label}")
    return [*lines, "```"]


def grid(table: Table) -> list[str]:
    columns = list(table.situations)
    lines = [f"| Input | {' | '.join(columns)} | |", "|---" * (len(columns) + 2) + "|"]
    for row in table.rows:
        cells = " | ".join(row.cells[one].replace("refused ", "*refused:* ") for one in columns)
        lines.append(f"| {row.given} | {cells} | {row.why} |")
    return lines


def render() -> str:
    """The whole document."""
    lines = [
        "# State machines of the routing kernel",
        "",
        "Made by `python -m tests.docs.machines` from the reviewed tables in `tests/acd/tables`: do not edit.",
        "The tables are written from the design; tests put the real core into each situation, give it each input and",
        "compare. What agents see and may do, with calls and browser around it, is in [state tables](state-tables.md).",
        "",
        "Inputs are commands, facts, events of the conversation core and of flows, and deadlines. A deadline that is",
        "not set fires too, as a stale one, and must change nothing. `-`: nothing about it changes, to the last stored",
        "field. Events in a cell are those that name this agent, contact or reservation, in order.",
        "",
    ]
    for name in tables.NAMES:
        table = tables.read(name)
        title, words = WORDS[name]
        lines += [f"## {title}", "", words, "", *diagram(table), "", "Situations:", ""]
        lines += [f"- **{one}** ({table.states[one]}): {about}" for one, about in table.situations.items()]
        lines += ["", *grid(table), "", "These inputs change nothing in any situation: "]
        lines += [f"{', '.join(table.nothing)}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"{TARGET} written", file=sys.stderr)
