"""`python -m benchmarks` (`make bench`): callers at a steady rate through menu, queue, agent and talk.

Prints a table, writes JSON, and renews the table of docs/benchmarks.md when the JSON lies in docs/benchmarks/.

Exit code 0: measured, no failed call; 1: calls failed (the figures are still written); 2: could not run.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import profiler, report, run
from ctiserver.asterisk.runtime_errors import CannotStart

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"


def _options(argv: list[str]) -> tuple[run.Options, Path]:
    default = run.Options()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rate", type=float, default=default.rate, help="calls a second (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=default.seconds, help="measured window (default %(default)g)")
    parser.add_argument("--warm-up", type=float, default=default.warm_up, help="before it (default %(default)g)")
    parser.add_argument("--agents", type=int, default=default.agents, help="default %(default)d")
    parser.add_argument("--talk", type=float, default=default.talk, help="seconds of talk (default %(default)g)")
    parser.add_argument(
        "--answer-after", type=float, default=default.answer_after, help="seconds of ringing (default %(default)g)"
    )
    parser.add_argument(
        "--rtp", action=argparse.BooleanOptionalAction, default=default.rtp, help="callers send sound (default: no)"
    )
    parser.add_argument("--profile", action="store_true", help="sample the server with py-spy during the window")
    parser.add_argument("--keep-journal", default="", metavar="FOLDER", help="copy the run's journal there")
    parser.add_argument("--out", type=Path, default=FOLDER / "first.json", help="the JSON file (default %(default)s)")
    got = parser.parse_args(argv)
    if not (0 < got.rate <= 100 and 1 <= got.seconds <= 3600 and 0 <= got.warm_up <= 600):
        parser.error("--rate is 0-100 calls/s, --seconds 1-3600, --warm-up 0-600")
    if not (1 <= got.agents <= 400 and 0 <= got.talk <= 6 and 0 <= got.answer_after <= 10):
        # A WebRTC leg without sound is ended by Asterisk after 8 s (rtp_timeout of the browser's endpoint).
        parser.error("--agents is 1-400, --talk 0-6 s, --answer-after 0-10 s")
    fields = {name: getattr(got, name) for name in run.Options.__struct_fields__}
    return msgspec.convert(fields, run.Options), got.out


def main(argv: list[str]) -> int:
    options, out = _options(argv)
    console = Console(width=None if sys.stdout.isatty() else 140)
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{run.took(began)}  {what}", file=sys.stderr, flush=True)

    try:
        if options.profile:
            profiler.program()
        result = asyncio.run(run.bench(options, say))
    except (CannotStart, profiler.NoProfiler) as error:
        print(error, file=sys.stderr)
        return 2
    report.show(result, console)
    report.write(result, out)
    say(f"written to {out}")
    if out.resolve().parent == FOLDER and PAGE.exists():
        report.write_page(PAGE, FOLDER)
    return 1 if result.failures or result.troubles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
