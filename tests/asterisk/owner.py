"""A client of ARI in a process of its own, so that it can be killed as a server would be."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from ctiserver.asterisk.runtime import Instance

OWNER = """
import asyncio, sys
import msgspec
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari import AriLink

async def main():
    address = msgspec.json.decode(sys.argv[1], type=AriAddress)
    link = AriLink(address, "hollyhock", on_event=lambda event: None)
    await link.start()
    await link.wait_ready(5)
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def other_owner(asterisk: Instance) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own that is the application's client, as the server is."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        OWNER,
        msgspec.json.encode(asterisk.ari).decode(),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(10.0):
            while (await process.stdout.readline()) != b"ready\n":
                assert process.returncode is None
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
