"""Login, logout, me."""

from __future__ import annotations

import structlog
from aiohttp import web

from ctiserver.api.bodies import Done, LoginAnswer, LoginBody
from ctiserver.api.errors import ApiError, json_answer
from ctiserver.api.logins import Login
from ctiserver.api.parts import PARTS
from ctiserver.api.security import COOKIE, LOGIN, LOGINS
from ctiserver.api.throttle import LoginThrottle
from ctiserver.ports_http import Route

log = structlog.get_logger(__name__)

THROTTLE = web.AppKey("throttle", LoginThrottle)


async def log_in(request: web.Request, body: LoginBody) -> web.StreamResponse:
    parts, throttle = request.app[PARTS], request.app[THROTTLE]
    address = request.remote or ""
    wait = throttle.begin(body.user, address)
    if wait > 0:
        log.warning("login_throttled")
        raise ApiError(429, "too_many_attempts", "Too many failed logins. Wait, then try again.", retry_after=wait)
    user = await parts.users.get(body.user)
    if not await parts.passwords.verify(user.password_hash if user else None, body.password) or user is None:
        raise ApiError(401, "bad_credentials", "User name or password is wrong.")
    throttle.succeeded(body.user, address)
    token, login = await request.app[LOGINS].create(user)
    response = json_answer(_answer(login))
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="Strict", path="/", secure=parts.secure_cookies or request.secure
    )
    return response


async def log_out(request: web.Request) -> web.StreamResponse:
    principal = request[LOGIN].principal
    await request.app[LOGINS].end(principal.session)
    logged_out = request.app[PARTS].logged_out
    if logged_out is not None and principal.agent is not None:
        await logged_out(principal.agent)
    response = json_answer(Done())
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


async def me(request: web.Request) -> web.StreamResponse:
    return json_answer(_answer(request[LOGIN]))


def _answer(login: Login) -> LoginAnswer:
    who = login.principal
    return LoginAnswer(user=who.user, role=who.role, name=who.name, agent=who.agent, csrf=login.csrf)


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/login",
        handler=log_in,
        summary="Log in",
        login=False,
        body=LoginBody,
        answer=LoginAnswer,
        statuses=(400, 401, 403, 413, 429, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/logout",
        handler=log_out,
        summary="Log out; sockets of this login close",
        answer=Done,
        statuses=(401, 403, 503),
    ),
    Route(method="GET", path="/api/v1/me", handler=me, summary="Who I am", answer=LoginAnswer, statuses=(401, 503)),
)
