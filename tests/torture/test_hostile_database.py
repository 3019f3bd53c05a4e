"""The database's file taken away under a running server, put back later; and another one laid in its place.

Calls go on; what needs the books says 503 `database_unavailable`; afterwards the books hold every call.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness.apistorm import headers_of, judge, storm
from tests.harness.site import site
from tests.harness.waiting import eventually
from tests.live.house import BRISK, call_list, calling, conversation_of, hears_music, lead, polite_call, prepare

pytestmark = pytest.mark.timeout(300)

PREFIX = "139222000"


def move(source: Path, target: Path) -> None:
    """The file with its log and its index of the log."""
    target.mkdir(exist_ok=True)
    for part in sorted(source.glob("hollyhock.db*")):
        part.rename(target / part.name)


async def test_the_books_are_taken_away_and_brought_back(tmp_path: Path) -> None:
    async with site(rtp=(28200, 28499), prepare=prepare) as house:
        await polite_call(house, f"{PREFIX}00")
        async with calling(house, BRISK, f"{PREFIX}01") as line:
            await hears_music(line.rtp, within=3)
        async with house.http.get(f"{house.url}/api/v1/openapi.json") as answer:
            description = await answer.json()
        async with headers_of(house, "lead") as headers, lead(house) as http:
            safe = house.home / "safe"
            move(house.home, safe)
            report = await asyncio.to_thread(
                storm, description, house.url, headers, seed=1, examples=30, without=("/api/v1/logout", "/api/v1/login")
            )
            judge(report, away=True)
            async with calling(house, BRISK, f"{PREFIX}02") as line:
                await hears_music(line.rtp, within=3)
            for strange in house.home.glob("hollyhock.db*"):
                strange.unlink()
            move(safe, house.home)

            async def both() -> bool:
                wanted = {conversation_of(house, f"{PREFIX}0{number}") for number in (1, 2)}
                return {call["conversation"] for call in await call_list(http)} >= wanted

            await polite_call(house, f"{PREFIX}03")
            print(report, house.tail(20))
            await eventually(both, 40, "both calls in the books", poll=0.5)
        assert house.complaints() == []
