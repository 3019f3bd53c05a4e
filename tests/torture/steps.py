"""The ACD core driven for a very long time: `python -m tests.torture steps --steps 1000000 --seed 1`.

Lives here: the pieces of the run, each begun with a seed of its own, so that a run goes on where another one ended
(`--seed` is the first piece's) and a failure comes again by its seed alone. Not here: the machine (tests.acd.machine).
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable

import msgspec
from hypothesis import HealthCheck, Phase, seed as seeded, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.acd.machine import CallCenter

PIECE = 20_000
"""Steps of one piece, about."""
RULES_A_RUN = 100


class Piece(msgspec.Struct, kw_only=True):
    """One piece. `fault`: '' or what broke, with the shortest story that Hypothesis found."""

    seed: int
    steps: int
    seconds: float
    fault: str
    events: dict[str, int]


def piece(seed: int) -> Piece:
    class Machine(CallCenter):
        steps = 0
        events: Counter[str] = Counter()

    run = settings(
        max_examples=PIECE // RULES_A_RUN,
        stateful_step_count=RULES_A_RUN,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        print_blob=False,
    )
    began = time.process_time()
    fault = ""
    try:
        run_state_machine_as_test(seeded(seed)(Machine), settings=run)
    except BaseException as error:  # a group of exceptions is one too; whatever broke is the result
        if isinstance(error, KeyboardInterrupt):
            raise
        fault = "".join(traceback.format_exception(error))
    return Piece(
        seed=seed,
        steps=Machine.steps,
        seconds=round(time.process_time() - began, 1),
        fault=fault,
        events=dict(Machine.events),
    )


def run(steps: int, seed: int, told: Callable[[Piece], None]) -> list[Piece]:
    """Pieces until there are so many steps, or one has failed."""
    pieces: list[Piece] = []
    while sum(one.steps for one in pieces) < steps:
        pieces.append(piece(seed + len(pieces)))
        told(pieces[-1])
        if pieces[-1].fault:
            break
    return pieces
