"""The kill campaign by hand: `python -m tests.torture kill --seed N --kills 20 --cast full`. Exit code 1: a fault."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.torture import campaign, report
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("kill")
    command.set_defaults(work=kill)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--kills", type=int, default=20)
    command.add_argument("--cast", choices=sorted(SIZES), default="full")
    command.add_argument("--out", type=Path, default=Path("var/torture"))
    arguments = parser.parse_args()
    found: int = arguments.work(arguments)
    return found


if __name__ == "__main__":
    sys.exit(main())
