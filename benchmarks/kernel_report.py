"""What the kernel benchmark found: tables for the terminal and for docs, plots, JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.kernel import DECISIONS, IDLE, SHAPES, Result, Taken
from ctiserver import plot

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "routing-benchmarks.md"
FOLDER = ROOT / "docs" / "benchmarks"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
AIM_P99 = 500.0
"""Microseconds."""
AIM_STEPS = 30_000
AIM_DAY = 20.0


def at(values: list[float], share: float) -> float:
    """The value that this share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def of_all(taken: Taken) -> list[float]:
    return [value for values in taken.times.values() for value in values]


def rows_of_big(result: Result) -> list[list[str]]:
    rows = []
    for taken in result.big:
        for decision in DECISIONS:
            values = taken.times[decision]
            rows.append(
                [taken.shape, f"{taken.idle:.0%}", decision, str(len(values))]
                + [f"{at(values, share):.0f}" for share in (0.5, 0.99, 1.0)]
            )
        whole = of_all(taken)
        rows.append(
            [taken.shape, f"{taken.idle:.0%}", "all", str(len(whole))]
            + [f"{at(whole, share):.0f}" for share in (0.5, 0.99, 1.0)]
        )
    return rows


HEAD = ["requirement", "agents free", "decision", "n", "p50, us", "p99, us", "most, us"]


def growth_of(result: Result, shape: str, idle: float) -> list[Taken]:
    return [taken for taken in result.growth if taken.shape == shape and taken.idle == idle]


def verdicts(result: Result) -> list[list[str]]:
    worst = max(at(of_all(taken), 0.99) for taken in result.big)
    day = result.day
    for_100k = day.seconds * 100_000 / day.calls
    grown = max(
        at(of_all(found[-1]), 0.5) / at(of_all(found[0]), 0.5)
        for shape in SHAPES
        for idle in IDLE
        if len(found := growth_of(result, shape, idle)) > 1
    )
    sizes = sorted({taken.agents for taken in result.growth})
    first = max(taken.first for taken in result.big)
    pauses = [pause for taken in result.big for pause in taken.pauses]
    return [
        ["one decision, 1,000 queues, 10,000 agents, 10,000 waiting: p99 <= 0.5 ms", f"{worst / 1000:.2f} ms"],
        [f"steps/s at 1,000 agents >= {AIM_STEPS:,}", f"{day.steps / day.seconds:,.0f}"],
        ["a day of 100,000 calls in <= 20 s", f"{for_100k:.1f} s" + ("" if day.calls > 90_000 else " (extrapolated)")],
        [
            f"{sizes[-1] // sizes[0]} times as many agents and waiting callers: the middle decision costs",
            f"{grown:.2f} times as much at most",
        ],
        ["the first call of a requirement (looks at each agent of the queue once)", f"{first / 1000:.2f} ms at most"],
        ["longest pause of the garbage collector", f"{max(pauses, default=0.0):.1f} ms in {len(pauses)}"],
    ]


def show(result: Result, console: Console) -> None:
    table = Table(*HEAD, title="One decision: 1,000 queues, 10,000 agents with 5 skills, 10,000 waiting")
    for row in rows_of_big(result):
        table.add_row(*row)
    console.print(table)
    table = Table("aim", "reached", title="Aims")
    for row in verdicts(result):
        table.add_row(*row)
    console.print(table)


def chart(result: Result) -> str:
    """The middle and the 99 % decision over the size, one panel per shape and share of free agents."""
    panels = []
    for shape in SHAPES:
        for idle in IDLE:
            found = growth_of(result, shape, idle)
            lines = []
            for decision in ("arrives, is served", "arrives, waits", "agent free", "answers"):
                for share, dashed in ((0.5, False), (0.99, True)):
                    points = tuple((float(taken.agents), at(taken.times[decision], share)) for taken in found)
                    name = decision if not dashed else "p99"
                    lines.append(plot.Line(name=name, points=points, dashed=dashed))
            panels.append(plot.Panel(title=f"{shape}, {idle:.0%} of the agents free", lines=tuple(lines)))
    label = "agents, and waiting callers"
    return plot.figure("CPU time of one decision", label, "us", panels, x_from=None, log_x=True)


def as_json(result: Result) -> bytes:
    """Quantiles of every decision; the single times are left out."""
    whole = msgspec.to_builtins(result)
    for part in (*whole["big"], *whole["growth"]):
        part["times"] = {
            decision: {
                "n": len(values),
                **{name: round(at(values, share), 1) for name, share in (("p50", 0.5), ("p99", 0.99), ("most", 1.0))},
            }
            for decision, values in part["times"].items()
        }
        part["pauses"] = [round(pause, 2) for pause in part["pauses"]]
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def publish(result: Result) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "kernel.json").write_bytes(as_json(result))
    (FOLDER / "kernel.svg").write_text(chart(result), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{markdown(result)}\n\n{END}{after}", encoding="utf-8")


def markdown(result: Result) -> str:
    """What stands between the markers of the page."""
    on = result.machine
    parts = [
        f"{on['cores']} x {on['model']}, Linux {on['kernel']}, Python {result.python}, load {on['load_1_min']} when it "
        "began.",
        "### What was wanted",
        _table(["aim", "reached"], verdicts(result)),
        "### Growth",
        "![Growth](benchmarks/kernel.svg)",
        "### The large site",
        _table(HEAD, rows_of_big(result)),
        "As data: [kernel.json](benchmarks/kernel.json).",
    ]
    return "\n\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))
