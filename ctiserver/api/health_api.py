"""Is the process alive, is it ready for calls, and what does it speak."""

from __future__ import annotations

from aiohttp import web

from ctiserver.api.bodies import HealthAnswer, ReadyAnswer
from ctiserver.api.errors import Forbidden, NotFound, NotLoggedIn, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.api.security import COOKIE, LOGINS
from ctiserver.model.principal import Permission
from ctiserver.ports_http import Route

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text form."""
OPENAPI = web.AppKey("openapi", bytes)


async def healthz(request: web.Request) -> web.StreamResponse:
    return json_answer(HealthAnswer(status="alive", version=request.app[PARTS].version))


async def readyz(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    missing = tuple(name for name, check in parts.ready.items() if not check())
    degraded = tuple(name for name, check in parts.watched.items() if not check())
    status = 503 if missing else 200
    return json_answer(ReadyAnswer(ready=not missing, missing=missing, degraded=degraded), status=status)


async def metrics(request: web.Request) -> web.StreamResponse:
    """For whoever asks from this machine, and for people who see all calls: it names no person."""
    parts = request.app[PARTS]
    if not _from_here(request):
        login = await request.app[LOGINS].find(request.cookies.get(COOKIE, ""))
        if login is None:
            raise NotLoggedIn
        if not login.principal.may(Permission.ALL_CALLS):
            raise Forbidden("not_allowed", "Your role does not allow this.")
    if parts.metrics is None:
        raise NotFound
    return web.Response(body=await parts.metrics(), headers={"Content-Type": METRICS_TYPE})


def _from_here(request: web.Request) -> bool:
    """Through a proxy on this machine everybody comes from here: it says so."""
    proxied = "Forwarded" in request.headers or "X-Forwarded-For" in request.headers
    return not proxied and request.remote in ("127.0.0.1", "::1")


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
        method="GET",
        path="/metrics",
        handler=metrics,
        summary="Figures for Prometheus, without a login from this machine only",
        login=False,
        answer=str,
        answer_type=METRICS_TYPE.partition(";")[0],
        statuses=(401, 403, 404),
    ),
    Route(
        method="GET", path="/api/v1/openapi.json", handler=openapi, summary="This description", login=False, answer=dict
    ),
)
