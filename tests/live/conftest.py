"""One site (Asterisk and server) for the tests of a file that can share it; a fresh one where a test kills things."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.harness.site import Site, site
from tests.live.house import prepare


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_site() -> AsyncIterator[Site]:
    async with site() as running:
        yield running


@pytest_asyncio.fixture
async def own_site() -> AsyncIterator[Site]:
    async with site(rtp=(24400, 24799)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Site]:
    """The demo site with two numbers that lead straight to a queue (see house.py)."""
    first = 25000 + os.getpid() % 10 * 280
    async with site(rtp=(first, first + 279), prepare=prepare) as running:
        yield running
