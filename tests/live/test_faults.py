"""Something fails while people are on the telephone: the short forms (the long ones: `make torture`)."""

from __future__ import annotations

import pytest

from tests.live import faults


@pytest.mark.timeout(60)
async def test_a_cut_link_to_asterisk_is_noticed_by_the_log_alone(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.link_cut(24200))


@pytest.mark.timeout(60)
async def test_a_stopped_postgresql_stops_no_call(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.postgres_stopped(4.0, 24400))


@pytest.mark.timeout(60)
async def test_a_full_disk_refuses_new_calls_and_keeps_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.disk_full(3.0, 24600))


@pytest.mark.timeout(60)
async def test_a_second_server_makes_the_older_one_stop_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell(capsys, await faults.second_server(24800))


def tell(capsys: pytest.CaptureFixture[str], measured: str) -> None:
    with capsys.disabled():
        print(f"\n{measured}")
