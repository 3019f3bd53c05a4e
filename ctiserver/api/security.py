"""The gate before every handler: Origin, login, permission, CSRF; and the headers after it.

Routes that are not in the table (other servers' routes) need a login, and CSRF on unsafe methods: forgetting to say
something closes, never opens. Every WebSocket handshake must carry an allowed Origin (DESIGN 5.8).
"""

from __future__ import annotations

import hmac
import re

from aiohttp import web
from aiohttp.typedefs import Handler

from ctiserver.api.errors import Forbidden, NotLoggedIn
from ctiserver.api.logins import Login, LoginBook
from ctiserver.api.parts import PARTS, ROUTE_TABLE
from ctiserver.ports_http import PRINCIPAL, Route

COOKIE = "hh_session"
CSRF_HEADER = "X-CSRF-Token"
LOGIN = web.RequestKey("login", Login)
LOGINS = web.AppKey("logins", LoginBook)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"^[A-Za-z0-9.\-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?$")
_OTHER = Route(method="*", path="*", handler=lambda: None, summary="")  # type: ignore[arg-type,return-value]


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.match_info.http_exception is not None:
        return await handler(request)  # 404 and 405 tell nothing
    route = _route(request)
    unsafe = request.method not in _SAFE
    _check_origin(request, needed=is_websocket(request), looked_at=unsafe or is_websocket(request))
    if route.login:
        login = await request.app[LOGINS].find(request.cookies.get(COOKIE, ""))
        if login is None:
            raise NotLoggedIn
        if unsafe and not hmac.compare_digest(_octets(request.headers.get(CSRF_HEADER, "")), login.csrf.encode()):
            raise Forbidden("bad_csrf", "Reload the page and try again.")
        if route.access is not None and not login.principal.may(route.access):
            raise Forbidden("not_allowed", "Your role does not allow this.")
        request[LOGIN] = login
        request[PRINCIPAL] = login.principal
    return await handler(request)


def is_websocket(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal on_response_prepare. Inline styles are the component library's; scripts are our own files only."""
    host = request.host if _HOST.match(request.host) else ""
    sockets = f" ws://{host} wss://{host}" if host else ""
    headers = response.headers
    headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'self'; connect-src 'self'{sockets}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    )
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
    headers.setdefault("Cache-Control", "no-store")  # files of the pages have said what they are before


def _octets(header: str) -> bytes:
    """The bytes of a header as they came: what is no UTF-8 in it are half pairs here, and those do not encode."""
    return header.encode("utf-8", "surrogateescape")


def _route(request: web.Request) -> Route:
    resource = request.match_info.route.resource
    canonical = resource.canonical if resource is not None else ""
    table = request.app[ROUTE_TABLE]
    method = "GET" if request.method == "HEAD" else request.method
    return table.get((method, canonical), _OTHER)


def _check_origin(request: web.Request, *, needed: bool, looked_at: bool) -> None:
    """Browsers send Origin with every WebSocket and unsafe request; other programs need none but for WebSockets."""
    origin = request.headers.get("Origin")
    if not looked_at or (origin is None and not needed):
        return
    allowed = request.app[PARTS].origins or {f"{request.scheme}://{request.host}"}
    if origin not in allowed:
        raise Forbidden("bad_origin", "Open the page from the server's own address.")
