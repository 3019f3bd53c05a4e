"""Five hundred calls in a row at 20 a second: nobody fails, nothing stays, nothing grows, the journal adds up.

SIP's timers run five times as fast here, so that Asterisk's memory settles within the warm-up; `make soak` has the long
form with the usual ones.
"""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.soak import KINDS, Soak, show, soak

CALLS = 500


@pytest.mark.timeout(180)
async def test_five_hundred_calls_leave_nothing_behind() -> None:
    report = await soak(Soak(calls=CALLS, quick=True, warm_up=0.5))
    show(report, Console(width=120))
    assert report.found == ()
    assert (report.made, report.failed, report.recordings) == (CALLS, 0, CALLS)
    assert report.served == sum(round(CALLS * share) for name, _, share, keys in KINDS if not keys.hangs_up)
