"""Fixtures of the set-up tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.setup.instances import Site, site


@pytest_asyncio.fixture
async def a_site() -> AsyncIterator[Site]:
    """A data folder with ports of its own, nothing running yet."""
    async with site() as made:
        yield made
