"""Hostile clients on the live link, the SIP socket and the caller page's story, beside honest people.

After each sequence an honest command is answered at once and the desktop's deltas say what a fresh snapshot says. In
the end memory and connections are what they were, the log is quiet, a call goes from end to end, and one who waited in
a queue through all of it is served. Long: tests/torture/test_hostile_long.py.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.harness.rawsocket import PING, RawSocket, frame
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.live.fuzz import (
    GOOD_LIVE,
    Step,
    as_fresh,
    at_once,
    coherent,
    good_sip,
    headers_of,
    megabytes,
    open_files,
    play,
    sequences,
    warnings,
)
from tests.live.house import (
    BRISK,
    LONELY,
    Line,
    calling,
    first_ring,
    hears_music,
    polite_call,
    served_at_last,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139444000"
SEED = 20261122
COUNT = 40


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def waiting(house: Site) -> AsyncIterator[Line]:
    """He waits through all of it, in a queue that nobody serves until the last test."""
    async with calling(house, LONELY, f"{PREFIX}99") as line:
        await hears_music(line.rtp)
        yield line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacker(house: Site) -> AsyncIterator[Desk]:
    """His login opens the hostile sockets; his own desktop and phone are honest."""
    async with Desk(house, "1002") as desk:
        yield desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def honest(house: Site) -> AsyncIterator[Desk]:
    async with Desk(house, "1003") as desk:
        yield desk


async def made(good: list[str], count: int) -> list[list[Step]]:
    """In a thread: the waiting caller's sound is timed by this loop."""
    return await asyncio.to_thread(sequences, good, seed=SEED, count=count)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_rest(house: Site, attacker: Desk, honest: Desk) -> tuple[float, int]:
    """Memory and open files of the server once it has met everybody."""
    await polite_call(house, f"{PREFIX}98")
    for sequence in await made(GOOD_LIVE, 5):
        await play(house.port, "/api/v1/live", headers_of(attacker), sequence)
    await asyncio.sleep(0.2)
    return megabytes(house.pid), open_files(house.pid)


async def test_hostile_clients_of_the_live_link(
    house: Site, attacker: Desk, honest: Desk, at_rest: tuple[float, int]
) -> None:
    codes: Counter[int | None] = Counter()

    async def attack() -> None:
        for number, sequence in enumerate(await made(GOOD_LIVE, COUNT)):
            socket = await play(house.port, "/api/v1/live", headers_of(attacker), sequence)
            codes[socket.close_code] += 1
            coherent(socket.texts)
            await at_once(honest)
            if number % 8 == 0:
                await as_fresh(attacker)

    await asyncio.gather(attack(), polite_call(house, f"{PREFIX}97"))
    print(f"how they ended: {dict(codes)}")
    await as_fresh(attacker)
    await as_fresh(honest)


async def test_hostile_clients_of_the_sip_socket(
    house: Site, attacker: Desk, honest: Desk, at_rest: tuple[float, int]
) -> None:
    """With the lease of the attacker's own phone: nothing of it becomes a call, and nobody else loses his contact."""
    before = await house.holds()
    codes: Counter[int | None] = Counter()
    headers = headers_of(attacker) | {"Sec-WebSocket-Protocol": "sip"}
    for sequence in await made(good_sip(str(attacker.lease)), COUNT):
        socket = await play(house.port, f"/sip?lease={attacker.lease}", headers, sequence)
        codes[socket.close_code] += 1
        await at_once(honest)
    print(f"how they ended: {dict(codes)}")
    assert honest.docs["me"]["phone"]["contact"]
    assert await house.holds() == before


async def test_hostile_clients_of_the_callers_story(house: Site, honest: Desk, at_rest: tuple[float, int]) -> None:
    """A page without a login, and its one call: four may listen, none has anything to say."""
    headers = {"Origin": house.url}
    async with house.http.get(f"{house.url}/api/v1/demo", headers=headers) as answer:
        caller = (await answer.json())["callers"][0]["phone"]
    body = {"caller": caller, "number": BRISK}
    async with house.http.post(f"{house.url}/api/v1/demo/calls", json=body, headers=headers) as answer:
        call = await answer.json()
        headers["Cookie"] = f"hh_demo={answer.cookies['hh_demo'].value}"
    path = f"/api/v1/demo/calls/{call['call']}/live"
    for sequence in await made(['{"x":1}', "hello"], COUNT // 2):
        await play(house.port, path, headers, sequence)
        await at_once(honest)
    async with AsyncExitStack() as stack:

        async def fills() -> bool:  # those that just left may still be counted
            await stack.enter_async_context(RawSocket(house.port, path, headers))
            return True

        for _ in range(4):
            await eventually(fills, 10, "a place at the story")
            await asyncio.sleep(0.02)
        with pytest.raises(ConnectionError, match="404"):
            await stack.enter_async_context(RawSocket(house.port, path, headers))
    with pytest.raises(ConnectionError, match="404"):
        async with RawSocket(house.port, path, headers | {"Cookie": "hh_demo=" + "x" * 43}):
            pass


@pytest.mark.parametrize("protocols", ["", "xmpp", "sips", "a, b" * 500])
async def test_the_sip_socket_without_its_protocol(house: Site, attacker: Desk, protocols: str) -> None:
    """Who does not speak SIP is refused at the door."""
    headers = headers_of(attacker) | ({"Sec-WebSocket-Protocol": protocols} if protocols else {})
    with pytest.raises(ConnectionError, match="400"):
        async with RawSocket(house.port, f"/sip?lease={attacker.lease}", headers):
            pass


@pytest.mark.parametrize("path", ["/api/v1/live", "/sip?lease="])
async def test_who_asks_for_echoes_and_leaves(
    house: Site, attacker: Desk, at_rest: tuple[float, int], path: str
) -> None:
    """The echo finds nobody: no mistake of ours, so no word in the log."""
    headers = headers_of(attacker) | ({"Sec-WebSocket-Protocol": "sip"} if "sip" in path else {})
    for _ in range(20):
        async with RawSocket(house.port, path + (str(attacker.lease) if "sip" in path else ""), headers) as socket:
            socket.send(frame(b"x" * 100, PING) * 200)
            await asyncio.sleep(0)
    assert house.complaints() == []


async def test_clients_that_never_read(
    house: Site, attacker: Desk, honest: Desk, at_rest: tuple[float, int]
) -> None:
    """They ask for more than they take, and answer no ping: each is cut off, and nobody else waits for them."""
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(RawSocket(house.port, "/api/v1/live", headers_of(attacker), reads=False))
            for _ in range(10)
        ]
        for _ in range(10):
            for socket in sockets:
                socket.send(frame(b'{"type":"resync"}') * 20)
            await at_once(honest)
            await asyncio.sleep(0.05)
        await eventually(lambda: all(_ended(each) for each in sockets), 10, "all of them to be cut off", poll=0.1)
    await as_fresh(attacker)


def _ended(socket: RawSocket) -> bool:
    socket.send(frame(b"{}"))
    return socket.hung_up


async def test_memory_and_connections_are_what_they_were(house: Site, at_rest: tuple[float, int]) -> None:
    memory, files = at_rest
    await eventually(lambda: open_files(house.pid) <= files + 2, 10, f"{files} open files", poll=0.1)
    now = megabytes(house.pid)
    print(f"memory {memory:.0f} -> {now:.0f} MB, files {files} -> {open_files(house.pid)}")
    assert now - memory < 40


async def test_afterwards_a_call_goes_from_end_to_end(house: Site, attacker: Desk, honest: Desk) -> None:
    """The abused phone registers again and is called."""
    if attacker.phone is not None:
        await attacker.phone.__aexit__(None, None, None)
    await attacker.take_phone()
    await attacker.ready()
    async with calling(house, BRISK, f"{PREFIX}01"):
        _, call = await first_ring(attacker)
        assert attacker.phone is not None
        attacker.phone.answer(call)
        await attacker.works("busy")
    await attacker.state("ready")
    await attacker.expect("SetNotReady", reason="break")


async def test_the_caller_who_waited_through_all_this_is_served(house: Site, waiting: Line) -> None:
    await served_at_last(house, waiting)


async def test_the_log_is_quiet(house: Site) -> None:
    assert house.complaints() == []
    assert warnings(house) == []
