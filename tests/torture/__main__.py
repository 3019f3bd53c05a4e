"""The long campaigns by hand: `python -m tests.torture kill --seed N --kills 20 --cast full` and
`python -m tests.torture steps --steps 1000000 --seed N`. Exit code 1: a fault."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.torture import campaign, report, steps
from tests.torture.cast import SIZES
from tests.torture.judge import Round


def kill(arguments: argparse.Namespace) -> int:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("kills", total=arguments.kills)

        def told(one: Round) -> None:
            progress.update(bar, advance=1, description=one.kind)
            for fault in one.faults:
                progress.console.print(f"kill {one.number} ({one.kind}): {fault}", markup=False)

        kept = arguments.out / f"kill-{arguments.cast}-{arguments.seed}"
        work = campaign.run(arguments.cast, arguments.seed, arguments.kills, told=told, keep=kept)
        verdict = asyncio.run(work)
    path = report.write(verdict, arguments.out)
    print(report.page(verdict))
    print(f"report: {path}")
    return 0 if verdict.good else 1


def step(arguments: argparse.Namespace) -> int:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"seed {arguments.seed}", total=arguments.steps)

        def told(one: steps.Piece) -> None:
            progress.update(bar, advance=one.steps, description=f"seed {one.seed + 1}")

        pieces = steps.run(arguments.steps, arguments.seed, told)
    events: Counter[str] = Counter()
    for one in pieces:
        events.update(one.events)
    done, seconds = sum(one.steps for one in pieces), sum(one.seconds for one in pieces)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"steps-{arguments.seed}-{pieces[-1].seed}.json"
    told_all = {"pieces": pieces, "events": dict(sorted(events.items()))}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told_all)))
    print(f"{done:,} steps, seeds {arguments.seed} - {pieces[-1].seed}, {seconds:.0f} s; report: {path}")
    if pieces[-1].fault:
        print(f"{pieces[-1].fault}\nagain: python -m tests.torture steps --steps 1 --seed {pieces[-1].seed}")
    return 1 if pieces[-1].fault else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("kill")
    command.set_defaults(work=kill)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--kills", type=int, default=20)
    command.add_argument("--cast", choices=sorted(SIZES), default="full")
    command.add_argument("--out", type=Path, default=Path("var/torture"))
    command = commands.add_parser("steps")
    command.set_defaults(work=step)
    command.add_argument("--seed", type=int, default=1, help="of the first piece; the next ones count up")
    command.add_argument("--steps", type=int, default=1_000_000)
    command.add_argument("--out", type=Path, default=Path("var/torture"))
    arguments = parser.parse_args()
    found: int = arguments.work(arguments)
    return found


if __name__ == "__main__":
    sys.exit(main())
