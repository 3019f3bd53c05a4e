"""The one single-page app: index.html for its pages, files with a content hash in their name for ever.

Only files that lie in the static folder when a request comes; no folder listing, no symbolic links out of it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from ctiserver.api.errors import NotFound
from ctiserver.api.parts import PARTS

PAGES = (
    *("/", "/call", "/admin", "/wallboard"),
    *("/lead", "/lead/calls", "/lead/callbacks", "/lead/queues", "/lead/waiting"),
)
_HASHED = "public, max-age=31536000, immutable"
_FRESH = "no-cache"


async def page(request: web.Request) -> web.StreamResponse:
    path = request.app[PARTS].static / "index.html"
    if not await asyncio.to_thread(path.is_file):
        return web.Response(text="The web app is not built yet: run `make web`.\n", status=503)
    return web.FileResponse(path, headers={"Cache-Control": _FRESH})


async def asset(request: web.Request) -> web.StreamResponse:
    root = request.app[PARTS].static
    path = await asyncio.to_thread(_inside, root, request.path.lstrip("/"))
    if path is None:
        raise NotFound
    hashed = request.path.startswith("/assets/")
    return web.FileResponse(path, headers={"Cache-Control": _HASHED if hashed else _FRESH})


def _inside(root: Path, name: str) -> Path | None:
    """The file `name` of the folder, if it is really in it."""
    if "\0" in name or "\\" in name:
        return None
    try:
        path = (root / name).resolve()
        return path if path.is_relative_to(root.resolve()) and path.is_file() else None
    except OSError:
        return None


def add_static(app: web.Application) -> None:
    for each in PAGES:
        app.router.add_get(each, page)
    app.router.add_get("/assets/{name:.+}", asset)
    app.router.add_get(r"/{name:[A-Za-z0-9_\-]+\.[a-z0-9]{2,12}}", asset)
