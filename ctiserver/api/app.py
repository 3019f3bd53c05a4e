"""The HTTP application: the table of all routes, middlewares, start and stop.

`make_app(parts)` is all that the composition root needs; `app[API]` is its handle afterwards (feed it journal
records, end leases). Other servers' routes come in `parts.extra_routes`.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import msgspec
import structlog
from aiohttp import WSCloseCode, web

from ctiserver.api import (
    admin_api,
    calls_api,
    demo_api,
    device_api,
    floor_api,
    health_api,
    live_list,
    login_api,
    lost_api,
    monitor_api,
    queues_api,
    why_api,
)
from ctiserver.api.bodies import BODY_BYTES, read_body, read_query
from ctiserver.api.demo_calls import DEMO, DemoCalls
from ctiserver.api.device_api import PROXY
from ctiserver.api.errors import errors_to_answers
from ctiserver.api.health_api import OPENAPI
from ctiserver.api.login_api import THROTTLE
from ctiserver.api.logins import LoginBook
from ctiserver.api.openapi import document
from ctiserver.api.parts import PARTS, ROUTE_TABLE, ApiParts
from ctiserver.api.security import LOGINS, add_headers, gate
from ctiserver.api.sip_proxy import SipProxy
from ctiserver.api.static import PAGES, add_static
from ctiserver.api.throttle import LoginThrottle
from ctiserver.model import events
from ctiserver.model.faults import FaultKind
from ctiserver.model.turns import Record
from ctiserver.ports_http import LOGIN_WATCH, DatabaseUnavailable, Route

log = structlog.get_logger(__name__)

ROUTES: tuple[Route, ...] = (
    *login_api.ROUTES,
    *device_api.ROUTES,
    *calls_api.ROUTES,
    *lost_api.ROUTES,
    *queues_api.ROUTES,
    *demo_api.ROUTES,
    *admin_api.ROUTES,
    *why_api.ROUTES,
    *floor_api.ROUTES,
    *monitor_api.ROUTES,
    *health_api.ROUTES,
)


@dataclass(frozen=True)
class Api:
    """The running HTTP side, for the composition root."""

    logins: LoginBook
    proxy: SipProxy
    demo: DemoCalls | None

    def record(self, record: Record) -> None:
        """A view of the journal: ended leases lose their socket, demo callers hear their story. Never raises."""
        for event in record.events:
            match event:
                case events.DeviceTaken(previous=previous, lease=lease) if previous is not None and previous != lease:
                    self.proxy.end_lease(previous)
                case events.DeviceReleased(lease=lease):
                    self.proxy.end_lease(lease)
                case events.FaultFound(kind=FaultKind.LEASE_STALE, target=lease):
                    self.proxy.end_lease(lease, WSCloseCode.GOING_AWAY, "register again")
                case _:
                    pass
        if self.demo is not None:
            self.demo.record(record)


API = web.AppKey("api", Api)


def make_app(parts: ApiParts) -> web.Application:
    """The application, ready for a runner. Nothing is started before the runner starts it."""
    app = web.Application(middlewares=[errors_to_answers, gate], client_max_size=BODY_BYTES)
    logins = LoginBook(parts.logins, parts.now)
    proxy = SipProxy(parts.sip_backend)
    demo = DemoCalls(parts.demo, proxy, parts.device_password) if parts.demo is not None else None
    app[PARTS] = parts
    app[LOGINS] = logins
    app[LOGIN_WATCH] = logins
    app[THROTTLE] = LoginThrottle(parts.now)
    app[PROXY] = proxy
    app[live_list.LINKS] = {}
    if demo is not None:
        app[DEMO] = demo
    app[API] = Api(logins, proxy, demo)
    routes = (*ROUTES, *(route for route in parts.extra_routes if isinstance(route, Route)))
    app[OPENAPI] = msgspec.json.encode(document(routes, parts.version))
    table = {(route.method, route.path): route for route in routes}
    for path in (*PAGES, "/assets/{name}", "/{name}"):
        table["GET", path] = Route(method="GET", path=path, handler=_nothing, summary="", login=False)
    app[ROUTE_TABLE] = table
    for route in routes:
        app.router.add_route(route.method, route.path, _decoded(route))
    app.router.add_routes(route for route in parts.extra_routes if not isinstance(route, Route))
    add_static(app)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_keep_logins)
    app.on_shutdown.append(_stop)
    return app


def _decoded(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler that says what query and body it takes is called with them, decoded and checked."""
    if route.query is None and route.body is None:
        return route.handler

    @functools.wraps(route.handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        given: list[object] = []
        if route.query is not None:
            given.append(read_query(request, route.query))
        if route.body is not None:
            given.append(await read_body(request, route.body))
        return await route.handler(request, *given)

    return handle


async def _keep_logins(app: web.Application) -> AsyncIterator[None]:
    try:
        await app[LOGINS].load()
    except DatabaseUnavailable:
        log.info("logins_not_loaded")  # the first request tries again
    task = asyncio.create_task(app[LOGINS].run(), name="logins")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await app[LOGINS].tidy()


async def _stop(app: web.Application) -> None:
    if DEMO in app:
        await app[DEMO].close()
    await app[PROXY].close()
    await live_list.close(app)


async def _nothing(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound
