"""Is the process alive, is it ready for calls, and what does it speak."""

from __future__ import annotations

from aiohttp import web

from ctiserver.api.bodies import HealthAnswer, ReadyAnswer
from ctiserver.api.errors import json_answer
from ctiserver.api.parts import PARTS
from ctiserver.ports_http import Route

OPENAPI = web.AppKey("openapi", bytes)


async def healthz(request: web.Request) -> web.StreamResponse:
    return json_answer(HealthAnswer(status="alive", version=request.app[PARTS].version))


async def readyz(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    missing = tuple(name for name, check in parts.ready.items() if not check())
    degraded = tuple(name for name, check in parts.watched.items() if not check())
    status = 503 if missing else 200
    return json_answer(ReadyAnswer(ready=not missing, missing=missing, degraded=degraded), status=status)


async def openapi(request: web.Request) -> web.StreamResponse:
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


ROUTES = (
    Route(
        method="GET", path="/healthz", handler=healthz, summary="The process is alive", login=False, answer=HealthAnswer
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=readyz,
        summary="Ready for calls: 200, or 503 and what is missing",
        login=False,
        answer=ReadyAnswer,
        refusal=ReadyAnswer,
        statuses=(503,),
    ),
    Route(
        method="GET", path="/api/v1/openapi.json", handler=openapi, summary="This description", login=False, answer=dict
    ),
)
