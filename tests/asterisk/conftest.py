"""One private Asterisk for all tests of this folder, and links to it.

Every test uses an application name of its own, so that tests do not hear each other's calls. Only the dialplan's
own application (`hollyhock`) is shared: SIP callers arrive there.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from ctiserver.asterisk.runtime import Instance, running
from tests.asterisk.caller import MUSIC_HZ, PROMPT_HZ, PROMPT_SECONDS, Caller
from tests.asterisk.party import Party
from tests.harness import tones

_numbers = itertools.count(1)


def _home() -> Path:
    """A data folder with test tones among its sounds and one as its music."""
    home = Path(tempfile.mkdtemp(prefix="hollyhock-facts-"))
    home.chmod(0o755)
    sounds = home / "asterisk" / "sounds"
    (sounds / "moh").mkdir(parents=True)
    # The first by name is played first: also when the project brings music of its own.
    tones.write_wav(sounds / "moh" / "0-test.wav", tones.tone(MUSIC_HZ, 20.0)).chmod(0o644)
    for seconds in PROMPT_SECONDS:
        tones.write_wav(sounds / f"tone{seconds}.wav", tones.tone(PROMPT_HZ, seconds)).chmod(0o644)
    return home


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asterisk() -> AsyncIterator[Instance]:
    """A real Asterisk, shared by the whole session, with test tones among its sounds and as its hold music."""
    home = await asyncio.to_thread(_home)
    try:
        async with running(home, rtp=(30000, 30999)) as instance:
            yield instance
    finally:
        shutil.rmtree(home, ignore_errors=True)


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


@pytest_asyncio.fixture
async def cti(connect: Callable[[str], Awaitable[Party]]) -> Party:
    """The client of the dialplan's application: callers arrive here."""
    return await connect("hollyhock")


@pytest_asyncio.fixture
async def caller(asterisk: Instance, cti: Party) -> AsyncIterator[Caller]:
    """A SIP caller with RTP whose call stands in our application, answered, in no bridge."""
    async with Caller(asterisk) as one:
        await one.call()
        await one.arrive(cti)
        yield one
