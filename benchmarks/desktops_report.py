"""What `benchmarks.desktops` found: tables for the terminal and for docs, a plot, JSON. Makes no figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import desktops_result as results
from benchmarks.figures import Spread
from benchmarks.report import BEGIN, END, Section, markdown, table
from ctiserver import plot

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "desktop-benchmarks.md"
FOLDER = ROOT / "docs" / "benchmarks"
FIGURES, PLOT = "desktops.json", "desktops.svg"
QUIET = 0.10
"""Cores of strangers, above which a run is not to be published."""


def together(cores: Mapping[str, float], name: str) -> dict[str, float]:
    """All that begin with `name` as one."""
    found = {key: share for key, share in cores.items() if not key.startswith(name)}
    return found | {name: round(sum(share for key, share in cores.items() if key.startswith(name)), 4)}


def sections(result: results.Result) -> Iterator[Section]:
    """In reading order."""
    rows = [(aim, reached, "yes" if enough else "NO") for aim, reached, enough in results.aims(result)]
    yield Section(title="What was wanted", rows=[("aim", "reached", "enough"), *rows])
    yield Section(title="Boards, ms: p50 / p99 / worst", rows=_boards(result))
    yield Section(title="Idle desktops", rows=_idle(result))
    yield Section(title="Pages", rows=_pages(result))
    yield Section(title="The slowest interactions", rows=_slowest(result))
    yield Section(title="The run", rows=_facts(result))


def _boards(result: results.Result) -> list[tuple[str, ...]]:
    lines: dict[str, Callable[[results.Boards], str]] = {
        "changes; never seen": lambda one: f"{one.changes}; {one.unseen}",
        "command sent -> the last board": lambda one: _spread(one.last),
        "-> each board": lambda one: _spread(one.each),
        "-> the agent's own page": lambda one: _spread(one.own),
        "-> answered": lambda one: _spread(one.answered),
        "-> queue figures at every desktop (gathered for a second)": lambda one: _spread(one.figures),
        "lateness of the desktops' process": lambda one: _spread(one.late_people),
        "lateness of the boards' process": lambda one: _spread(one.late_boards),
        "messages to boards": lambda one: f"{one.messages_a_second:,.0f} a second, {one.bytes_a_message:,.0f} bytes",
        "of a core": lambda one: _shares(one.cores),
    }
    head = ("", *(f"{one.boards} boards, {one.desktops} desktops, {one.rate:g} changes/s" for one in result.boards))
    return [head, *((name, *(cell(one) for one in result.boards)) for name, cell in lines.items())]


def _idle(result: results.Result) -> list[tuple[str, ...]]:
    idle = result.idle
    return [
        ("", ""),
        ("server, nobody connected", f"{idle.nobody['server']:.2%} of a core"),
        (f"server, {idle.desktops} desktops with a registered phone", f"{idle.everybody['server']:.2%} of a core"),
        ("one desktop", f"{idle.each:.4%} of a core"),
        ("beats and figures; registrations", f"{idle.messages_a_second:g}; {idle.registers_a_second:g} a second"),
        ("Asterisk without / with them", f"{idle.nobody['asterisk']:.2%} / {idle.everybody['asterisk']:.2%} of a core"),
        ("the desktops' own process", f"{idle.everybody['desktops']:.2%} of a core"),
        ("memory of the server without / with them", f"{idle.memory_mb[0]:g} / {idle.memory_mb[1]:g} MB"),
    ]


def _pages(result: results.Result) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("", "INP", "p50", "worst", "interactions", "states changed", "documents; messages that came", "of a core")
    ]
    for one in result.pages:
        rows.append(
            (
                one.name,
                f"{one.inp:g} ms",
                f"{one.p50:g} ms",
                f"{one.worst:g} ms",
                f"{one.interactions} in {one.seconds:.0f} s",
                f"{one.changes:g}/s",
                f"{one.arrived:g}/s; {one.messages:g}/s",
                _shares(one.cores),
            )
        )
    return rows


def _slowest(result: results.Result) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("page", "event", "at", "until painted", "handlers began / ended after")]
    for one in result.pages:
        for slow in one.slowest[:3]:
            rows.append((one.name, slow.type, slow.target, f"{slow.ms:g} ms", f"{slow.began:g} / {slow.ended:g} ms"))
    return rows


def _facts(result: results.Result) -> list[tuple[str, ...]]:
    busiest = max(
        (cores.get("others", 0.0) for cores in (result.idle.everybody, *(one.cores for one in result.boards))),
        default=0.0,
    )
    quiet = "" if busiest < QUIET else " (NOT QUIET)"
    return [
        ("", ""),
        ("strangers on the machine at most, without the pages", f"{busiest:.0%} of a core{quiet}"),
        ("machine", f"{result.machine['cores']} x {result.machine['model']}, Linux {result.machine['kernel']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        ("when", result.at),
    ]


def _spread(value: Spread) -> str:
    return f"{value.p50:.1f} / {value.p99:.1f} / {value.worst:.1f}" if value.count else "-"


def _shares(cores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in cores.items())


def show(result: results.Result, console: Console) -> None:
    for section in sections(result):
        console.print(table(section))
    for trouble in result.troubles:
        console.print(f"trouble: {trouble}", style="red", markup=False)


def write(result: results.Result, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def chart(result: results.Result) -> str:
    """How the times are spread: a panel for each number of boards."""
    panels = []
    for one in result.boards:
        lines = [
            plot.Line(name=name, points=((50.0, value.p50), (99.0, value.p99), (100.0, value.worst)))
            for name, value in (("last board", one.last), ("each board", one.each), ("own page", one.own))
        ]
        panels.append(plot.Panel(title=f"{one.boards} boards", lines=tuple(lines)))
    return plot.figure("From the command to the boards", "share of the changes, %", "ms", panels, x_from=50.0)


def publish(result: results.Result, page: Path = PAGE, folder: Path = FOLDER) -> None:
    """The JSON, the plot, and the tables between the marks of the page."""
    write(result, folder / FIGURES)
    (folder / PLOT).write_text(chart(result), "utf-8")
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    plots = f"![Boards]({folder.name}/{PLOT})\n\nAs data: [{FIGURES}]({folder.name}/{FIGURES})."
    tables = "\n\n".join(markdown(section) for section in sections(result))
    page.write_text(f"{before}{BEGIN}\n\n{plots}\n\n{tables}\n\n{END}{after}", "utf-8")
