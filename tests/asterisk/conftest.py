"""One private Asterisk for all tests of this folder, and links to it.

Every test uses an application name of its own, so that tests do not hear each other's calls. Only the dialplan's
own application (`hollyhock`) is shared: SIP callers arrive there.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from ctiserver.asterisk.runtime import Instance, running
from tests.asterisk.party import Party

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asterisk() -> AsyncIterator[Instance]:
    """A real Asterisk, shared by the whole session."""
    async with running(rtp=(30000, 30999)) as instance:
        yield instance


@pytest.fixture
def app_name() -> str:
    """A Stasis application that no other test uses."""
    return f"test{next(_numbers)}"


@pytest_asyncio.fixture
async def connect(asterisk: Instance) -> AsyncIterator[Callable[[str], Awaitable[Party]]]:
    """`await connect("name")` gives a connected client of that application; closed after the test."""
    made: list[Party] = []

    async def make(app: str) -> Party:
        party = Party(asterisk.ari, app)
        made.append(party)
        await party.start()
        return party

    yield make
    for party in reversed(made):
        await party.clean_up()


@pytest_asyncio.fixture
async def ari(connect: Callable[[str], Awaitable[Party]], app_name: str) -> Party:
    """A connected client with an application of its own."""
    return await connect(app_name)
