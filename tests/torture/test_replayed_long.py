"""The long form of tests/live/test_replayed.py: more than 2,000 calls."""

from __future__ import annotations

import pytest

from tests.live import replayed

CALLS, LEAST = 2200, 2000
"""Calls made, and those that must be in the journal: while the server is away callers hear the dialplan's apology."""


@pytest.mark.timeout(400)
async def test_2200_calls_with_a_change_of_skills_and_a_kill_are_decided_again_bit_for_bit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = await replayed.story(CALLS, 12.0, 45)
    with capsys.disabled():
        print(f"\n{replayed.page(told)}")
    replayed.good(told, LEAST)
