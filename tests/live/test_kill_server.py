"""kill -9 of the server six times: the short form of the campaign in tests/torture, with all of its judgements."""

from __future__ import annotations

import pytest

from tests.torture import campaign, report
from tests.torture.judge import BACK_WITHIN, LONGEST_GAP

KILLS = 6
SEED = 20251


@pytest.mark.timeout(240)
async def test_six_kills_in_talk_queue_hold_ring_wrap_up_and_prompt_cost_nobody_anything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verdict = await campaign.run("small", SEED, KILLS)
    with capsys.disabled():
        print(f"\n{report.page(verdict)}")
    assert verdict.all_faults() == []
    # No allowance for a busy machine in these:
    assert max(one.worst_lost() for one in verdict.rounds) < LONGEST_GAP
    assert max(one.ready for one in verdict.rounds) < BACK_WITHIN
    assert len({one.kind for one in verdict.rounds}) == len(campaign.KINDS)
