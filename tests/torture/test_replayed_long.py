"""The long form of tests/live/test_replayed.py: more than 2,000 calls."""

from __future__ import annotations

import pytest

from tests.live import replayed

CALLS = 2200


@pytest.mark.timeout(400)
async def test_2200_calls_with_a_change_of_skills_and_a_kill_are_decided_again_bit_for_bit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = await replayed.story(CALLS, 15.0, 60)
    with capsys.disabled():
        print(f"\n{replayed.page(told)}")
    replayed.good(told, CALLS)
