"""The long forms of what tests/live does briefly: the API, the three sockets and the trunk under hostile input.

Some ten minutes. A caller waits in a queue through all of it; honest calls and commands go on beside it. Seeds are
fixed: a failure comes again with the same line.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.harness.apistorm import CALLER, headers_of, judge, storm
from tests.harness.holes import longest_hole
from tests.harness.rfc4475 import MESSAGES
from tests.harness.sip import SipAgent
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import eventually
from tests.live import fuzz
from tests.live.house import (
    LONELY,
    Line,
    calling,
    end_strays,
    hears_music,
    polite_call,
    prepare,
    served_at_last,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1200)]

PREFIX = "139333000"
SEQUENCES = 1000
DATAGRAMS = 6000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Site]:
    async with site(rtp=(27800, 28199), prepare=prepare) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def waiting(house: Site) -> AsyncIterator[Line]:
    """He waits through all of it, in a queue that nobody serves until the last test."""
    async with calling(house, LONELY, f"{PREFIX}99") as line:
        await hears_music(line.rtp)
        yield line


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def blamed(house: Site, waiting: Line) -> AsyncIterator[None]:
    """What the server's log says during a test is that test's fault; the worst hole in the waiter's music is told."""
    before, began = len(house.complaints()), time.monotonic()
    yield
    hole = longest_hole(waiting.rtp.between(began))
    print(f"longest hole {hole:.2f} s, load {os.getloadavg()[0]:.0f}")
    assert house.complaints()[before:] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacker(house: Site) -> AsyncIterator[Desk]:
    async with Desk(house, "1002") as desk:
        yield desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def honest(house: Site) -> AsyncIterator[Desk]:
    async with Desk(house, "1003") as desk:
        yield desk


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_live_link(house: Site, attacker: Desk, honest: Desk, seed: int) -> None:
    codes: Counter[int | None] = Counter()
    memory: list[float] = []
    headers = fuzz.headers_of(attacker)
    for number, sequence in enumerate(
        await asyncio.to_thread(fuzz.sequences, fuzz.GOOD_LIVE, seed=seed, count=SEQUENCES)
    ):
        socket = await fuzz.play(house.port, "/api/v1/live", headers, sequence)
        codes[socket.close_code] += 1
        fuzz.coherent(socket.texts)
        await fuzz.at_once(honest)
        if number % 50 == 0:
            await fuzz.as_fresh(attacker)
            await polite_call(house, f"{PREFIX}02")
            memory.append(fuzz.megabytes(house.pid))
    print(f"how they ended: {dict(codes)}; memory {memory[1]:.0f} -> {memory[-1]:.0f} MB")
    assert memory[-1] - memory[1] < 40


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_sip_socket(house: Site, attacker: Desk, honest: Desk, seed: int) -> None:
    codes: Counter[int | None] = Counter()
    before = await house.holds()
    good = fuzz.good_sip(str(attacker.lease))
    headers = fuzz.headers_of(attacker) | {"Sec-WebSocket-Protocol": "sip"}
    for number, sequence in enumerate(await asyncio.to_thread(fuzz.sequences, good, seed=seed, count=SEQUENCES)):
        socket = await fuzz.play(house.port, f"/sip?lease={attacker.lease}", headers, sequence)
        codes[socket.close_code] += 1
        await fuzz.at_once(honest)
        if number % 100 == 0:
            await polite_call(house, f"{PREFIX}03")
    print(f"how they ended: {dict(codes)}")
    assert honest.docs["me"]["phone"]["contact"]

    async def same() -> bool:
        assert await house.holds() == before
        return True

    await eventually(same, 5, "Asterisk as before", poll=0.2)


def bent(data: bytes, chance: random.Random) -> bytes:
    """The message with some bytes, lines or its end changed."""
    lines = data.split(b"\r\n")
    match chance.randrange(5):
        case 0:
            made = bytearray(data)
            for _ in range(chance.randrange(1, 10)):
                made[chance.randrange(len(made))] = chance.randrange(256)
            return bytes(made)
        case 1:
            return data[: chance.randrange(1, len(data))]
        case 2:
            place = chance.randrange(len(lines))
            return b"\r\n".join([*lines[:place], lines[chance.randrange(len(lines))], *lines[place:]])
        case 3:
            place = chance.randrange(1, len(lines))
            return b"\r\n".join([*lines[:place], *lines[place + 1 :]])
        case _:
            place = chance.randrange(len(data))
            return data[:place] + chance.randbytes(chance.randrange(1, 400)) + data[place:]


async def test_bent_torture_messages_on_the_trunk(house: Site) -> None:
    """RFC 4475's messages, each bent again and again, as calls and as they are: no 5xx but 501 and 505."""
    chance, before = random.Random(4475), await house.holds()
    names = sorted(MESSAGES)
    statuses: Counter[int] = Counter()
    async with SipAgent(target=house.sip, user="torture") as agent:
        agent.core.polite = False
        for number in range(DATAGRAMS):
            message = MESSAGES[chance.choice(names)]
            data = message.calling(LONELY) if chance.random() < 0.5 else message.fresh()
            agent.raw(bent(data, chance)[:60_000])
            await asyncio.sleep(0.002)
            if number % 50 == 49:
                await asyncio.sleep(0.05)
                end_strays(agent)
                await asyncio.sleep(0.02)
                statuses.update(e.message.status for e in agent.core.log if e.way == "in" and e.message.status >= 200)
                agent.core.log.clear()
            if number % 1000 == 999:
                await polite_call(house, f"{PREFIX}04")
        print(dict(sorted(statuses.items())))
        assert not [status for status in statuses if status >= 500 and status not in (501, 505, 603)]

        async def settled() -> bool:
            end_strays(agent)
            now = await house.holds()
            assert now == before, now
            return True

        # Those whose answer was lost on the way to us are given up by Asterisk after 32 s (64 x T1).
        await eventually(settled, 60, "the calls among them to be over", poll=1.0)


async def test_bent_torture_messages_by_tcp(house: Site) -> None:
    chance, before = random.Random(4476), await house.holds()
    names = sorted(MESSAGES)
    for number in range(600):
        reader, writer = await asyncio.open_connection(*house.sip)
        try:
            for _ in range(chance.randrange(1, 4)):
                writer.write(bent(MESSAGES[chance.choice(names)].fresh(), chance))
            async with asyncio.timeout(0.02):
                await reader.read(65536)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        if number % 100 == 99:
            await polite_call(house, f"{PREFIX}05")

    async def same() -> bool:
        assert await house.holds() == before
        return True

    await eventually(same, 5, "Asterisk as before", poll=0.2)


async def api_storm(house: Site, who: str, seed: int, known: dict[str, list[str]]) -> None:
    without = ("/api/v1/logout", "/api/v1/login") if CALLER[who] else ()
    async with house.http.get(f"{house.url}/api/v1/openapi.json") as answer:
        document = await answer.json()
    async with headers_of(house, who) as headers:
        report = await asyncio.to_thread(
            storm, document, house.url, headers, seed=seed, examples=100, without=without, known=known
        )
    judge(report)
    await polite_call(house, f"{PREFIX}01")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("who", [who for who in CALLER if CALLER[who]])
async def test_the_api_by_people(house: Site, who: str, seed: int) -> None:
    await api_storm(house, who, seed, {"customer": ["cu-0001", "cu-0002"]})


async def test_the_caller_who_waited_through_all_this_is_served(house: Site, waiting: Line) -> None:
    await served_at_last(house, waiting)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_api_by_nobody(house: Site, seed: int) -> None:
    """Last: so many failed logins close the door to this address for five minutes, as they should."""
    await api_storm(house, "nobody", seed, {})


async def test_the_log_is_quiet(house: Site) -> None:
    assert fuzz.warnings(house) == []
    assert PREFIX not in house.log.read_text("utf-8", "replace")
