"""`hollyhock sim`: a day of a call center on the production routing core; options, files, output, exit codes.

Exit codes: 0 simulated, 1 the target cannot be reached, 2 something is wrong with what was given. The seed is made into
a generator here: `acd.sim` has no chance of its own. The heavy imports are in the functions: the server's own start
goes through this module.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from acd.sim.scenario import Call, Scenario
    from acd.sim.staffing import Staffed
    from ctiserver.model.site import SiteConfig

LARGEST = 200_000_000
"""Bytes of a CSV; a million calls are 40 MB."""


def _refuse(lines: list[str], code: int = 2) -> NoReturn:
    for line in lines:
        print(f"hollyhock: {line}", file=sys.stderr)
    raise typer.Exit(code)


def sim(
    scenario: Annotated[Path, typer.Argument(help="A scenario: docs/simulator.md says how it is written.")],
    calls: Annotated[Path | None, typer.Option("--csv", help="Real calls instead of drawn ones.")] = None,
    seed: Annotated[int, typer.Option(help="Of the chance; the same seed gives the same day.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for sim.json and sim.svg.")] = None,
    staff: Annotated[
        float | None, typer.Option("--staff", help="Search the fewest agents for this service level, e.g. 0.8.")
    ] = None,
    per: Annotated[str, typer.Option(help="With --staff: 'interval' or 'day'.")] = "interval",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="With --staff: how many drawn days must agree.")] = 5,
) -> None:
    """Simulate a day of calls and agents on the routing core that the server runs; search the staffing it needs."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from acd.sim import centre, figures, staffing
    from acd.sim.calls import drawn
    from ctiserver.sim_tool import show

    if staff is not None and not 0.0 < staff < 1.0:
        _refuse([f"--staff {staff:g}: a share between 0 and 1, such as 0.8"])
    if per not in ("interval", "day"):
        _refuse([f"--per {per}: interval or day"])
    prepared = _scenario(scenario)
    day = _read_calls(calls, prepared, seed) if calls is not None else drawn(prepared, random.Random(seed))
    if not day:
        _refuse([f"{calls or scenario}: there is no call"])
    if out is not None and out.exists() and not out.is_dir():
        _refuse([f"{out}: is not a folder"])
    console = Console(width=None if sys.stdout.isatty() else 160)
    found: Staffed | None = None
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        if staff is not None:
            searching = progress.add_task("staffing", total=1.0)
            more = range(1, seeds if calls is None else 1)
            days = [day, *(drawn(prepared, random.Random(seed + number)) for number in more)]
            search = staffing.per_interval if per == "interval" else staffing.per_day
            try:
                found = search(prepared, days, staff, lambda done: progress.update(searching, completed=done))
            except staffing.Unreachable as error:
                progress.stop()
                _refuse([f"{staff:.0%} cannot be reached: {error}"], code=1)
            progress.update(searching, completed=1.0)
            prepared = found.scenario
        span = prepared.end - prepared.begin
        running = progress.add_task("the day", total=span)
        run = centre.Centre(prepared, day, lambda at: progress.update(running, completed=at - prepared.begin))
        result = figures.figures(prepared, run.run())
        progress.update(running, completed=span)
    if found is not None:
        console.print(show.staff(found))
    console.print(show.by_interval(result))
    console.print(show.by_queue(result))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "sim.json").write_bytes(show.as_json(result, found))
        (out / "sim.svg").write_text(show.chart(result, scenario.stem), encoding="utf-8")
        console.print(f"written: {out / 'sim.json'}, {out / 'sim.svg'}")


def _scenario(path: Path) -> Scenario:
    from acd.sim.reading import BadScenario, load
    from ctiserver.site import BadSite

    try:
        return load(_text(path), lambda name: _site(path.parent / name))
    except BadScenario as error:
        _refuse([f"{path}: {fault}" for fault in error.faults])
    except BadSite as error:
        _refuse([f"{error.file}: {fault}" for fault in error.faults])


def _site(path: Path) -> SiteConfig:
    """A site.toml with the flows beside it; the demo's has them elsewhere."""
    from ctiserver import site
    from ivr.speech.prompts import PromptStore

    flows = site.DEMO_FLOWS if path.resolve() == site.DEMO_SITE.resolve() else path.parent / "flows"
    return site.read(path, flows, PromptStore(site.PROMPTS), Path("/"))[0]


def _read_calls(path: Path, scenario: Scenario, seed: int) -> list[Call]:
    from acd.sim.calls import BadCalls, read

    try:
        return read(_text(path), scenario, random.Random(seed))
    except BadCalls as error:
        _refuse([f"{path}: {fault}" for fault in error.faults])


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            _refuse([f"{path}: larger than {LARGEST // 1_000_000} MB"])
        return path.read_text(encoding="utf-8")
    except OSError as error:
        _refuse([f"{path}: {error.strerror}"])
    except UnicodeDecodeError as error:
        _refuse([f"{path}: not UTF-8 text (byte {error.start})"])
