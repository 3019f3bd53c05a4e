"""BYE to CANCEL two hundred times: the long form of what tests/live/test_waiting.py does twenty times."""

from __future__ import annotations

import pytest

from tests.harness.site import Desk, site
from tests.live.cancels import bye_to_cancel, p99
from tests.live.house import prepare

RUNS = 200
ALLOWED = 200.0
"""Milliseconds, for 99 of 100."""


@pytest.mark.timeout(300)
async def test_two_hundred_callers_who_go_while_the_agents_phone_rings(capsys: pytest.CaptureFixture[str]) -> None:
    async with site(rtp=(27400, 27799), prepare=prepare) as house:
        async with Desk(house, "1002") as desk:
            made = await bye_to_cancel(house, desk, RUNS)
        await house.quiet()
        assert house.complaints() == []
    with capsys.disabled():
        print(f"\n{made}")
    assert p99(made.took) < ALLOWED
