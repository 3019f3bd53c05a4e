"""`python -m benchmarks` (`make bench`): calls at a steady rate, ours and app_queue's in turn.

Prints tables and writes JSON; `--full` also renews the tables and plots of docs/benchmarks.md.

Exit code 0: measured, no failed call; 1: calls failed or something was complained about (the figures are still
written); 2: could not run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import plan as plans, profiler, report, run
from ctiserver.asterisk.runtime_errors import CannotStart

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"
YES = {"yes": [True], "no": [False], "both": [False, True]}


def options(argv: list[str]) -> tuple[plans.Plan, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the whole matrix, published in docs (about 25 minutes)")
    parser.add_argument("--rates", default="", metavar="5,10,20", help="calls a second, instead of the short form's")
    parser.add_argument("--rtp", choices=YES, default="no", help="callers and agents send sound (with --rates)")
    parser.add_argument("--record", choices=YES, default="yes", help="calls are recorded (with --rates)")
    parser.add_argument("--agents", type=int, default=200, help="agents with a SIP phone (default %(default)d)")
    parser.add_argument("--idle", type=int, default=300, help="further desktops (default %(default)d)")
    parser.add_argument("--no-menus", action="store_true", help="leave out the 200 callers in the menus")
    parser.add_argument("--profile", action="store_true", help="sample the server with py-spy, in windows of their own")
    parser.add_argument("--out", type=Path, help="where the JSON goes (default: the folder for temporary files)")
    got = parser.parse_args(argv)
    plan = plans.full() if got.full else plans.short()
    if got.rates:
        try:
            rates = [float(text) for text in got.rates.split(",")]
        except ValueError:
            parser.error("--rates is a list of numbers, such as 5,10,20")
        if not all(0 < rate <= 100 for rate in rates):
            parser.error("--rates is 0-100 calls/s")
        plan = plans.Plan(windows=tuple(plans.windows(plans.matrix(rates, YES[got.rtp], YES[got.record]))))
    if not (1 <= got.agents <= 400 and 0 <= got.idle <= 600):
        parser.error("--agents is 1-400, --idle 0-600")
    changed = msgspec.structs.replace(
        plan,
        agents=got.agents,
        idle=got.idle,
        in_ivr=0 if got.no_menus else plan.in_ivr,
        profile=got.profile or got.full,
    )
    return changed, got


def progress() -> Callable[[str], None]:
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}", file=sys.stderr, flush=True)

    return say


def main(argv: list[str]) -> int:
    plan, got = options(argv)
    out = got.out or Path(tempfile.gettempdir()) / "hollyhock-bench.json"
    say = progress()
    say(f"this takes about {plan.takes(run.AROUND, run.BEFORE) / 60:.0f} minutes")
    try:
        if plan.profile and not got.profile and not profiler.there():
            say("without profiles: py-spy is not installed")
            plan = msgspec.structs.replace(plan, profile=False)
        elif plan.profile:
            profiler.program()
        result = run.ended_cleanly(run.bench(plan, say))
    except KeyboardInterrupt:
        print("ended before its time", file=sys.stderr)
        return 2
    except (CannotStart, profiler.NoProfiler, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    report.show(result, Console(width=None if sys.stdout.isatty() else 180))
    report.write(result, out)
    if got.full:
        report.publish(result, PAGE, FOLDER)
    say(f"written to {PAGE if got.full else out}")
    return 1 if result.failures or result.troubles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
