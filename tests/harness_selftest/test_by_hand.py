"""The phones of the command line call each other: what one speaks and presses, the other reports."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest


async def _phone(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.harness", *arguments, "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.timeout(40)
async def test_a_caller_and_a_called_by_hand_report_tones_digits_and_who_hung_up() -> None:
    called = await _phone("answer", "--after", "0.2", "--tone", "1100", "--expect", "700", "--patience", "15")
    assert called.stderr is not None
    where = (await asyncio.wait_for(called.stderr.readline(), 10)).decode().rpartition("@")[2].strip()
    caller = await _phone(
        "call", "95500", "--server", where, "--tone", "700", "--press", "0.5:42#", "--seconds", "2", "--expect", "1100"
    )
    said = json.loads((await asyncio.wait_for(caller.communicate(), 15))[0])
    heard = json.loads((await asyncio.wait_for(called.communicate(), 15))[0])
    assert (caller.returncode, called.returncode) == (0, 0)
    assert (said["ended_by"], heard["ended_by"]) == ("us", "them")
    assert said["answered_after"] >= 0.2
    assert heard["digits"] == "42#"
    assert said["packets_received"] > 80
    assert said["heard"][0]["hz"] == pytest.approx(1100, abs=5)
    assert heard["heard"][0]["hz"] == pytest.approx(700, abs=5)


@pytest.mark.timeout(20)
async def test_a_call_that_nobody_takes_is_exit_code_1() -> None:
    caller = await _phone("call", "95500", "--server", "127.0.0.1:9", "--patience", "0.5")
    await asyncio.wait_for(caller.communicate(), 10)
    assert caller.returncode == 1
