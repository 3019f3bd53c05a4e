"""A hundred calls, skills changed meanwhile, kill -9: the journal decided again is the same (tests/torture: 2,200)."""

from __future__ import annotations

import pytest

from tests.live import replayed

CALLS = 105


@pytest.mark.timeout(90)
async def test_a_run_with_a_change_of_skills_and_a_kill_is_decided_again_bit_for_bit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = await replayed.story(CALLS, 25.0, 15)
    with capsys.disabled():
        print(f"\n{replayed.page(told)}")
    replayed.good(told, CALLS)
