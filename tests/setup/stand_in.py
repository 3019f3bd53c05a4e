"""A tiny server in the real one's place: answers /readyz and joins Asterisk as the application `hollyhock`.

Run with the settings' environment. `STAND_IN_CRASH=always` makes it end at once, `STAND_IN_CRASH=FILE` while FILE
exists, `STAND_IN_REFUSE=TEXT` ends it with exit code 2 and that text.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from ctiserver.cli import asterisk_of
from ctiserver.settings import load_settings


async def ready(request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def serve() -> None:
    settings = load_settings(os.environ)
    app = web.Application()
    app.router.add_get("/readyz", ready)
    runner = web.AppRunner(app)
    await runner.setup()
    async with aiohttp.ClientSession() as session:
        ari = asterisk_of(settings)
        where = f"{ari.url}/ari/events?app=hollyhock&api_key={ari.user}:{ari.password}"
        async with session.ws_connect(where) as socket:
            await web.TCPSite(runner, settings.http.host, settings.http.port).start()
            async for _ in socket:
                pass
    await asyncio.Event().wait()  # Asterisk went away; the real server would connect again


if __name__ == "__main__":
    crash = os.environ.get("STAND_IN_CRASH", "")
    if crash == "always" or (crash and Path(crash).exists()):
        sys.exit("stand-in: told to crash")
    if refuse := os.environ.get("STAND_IN_REFUSE", ""):
        print(refuse, file=sys.stderr)
        sys.exit(2)
    asyncio.run(serve())
