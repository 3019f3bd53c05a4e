"""The phone of an agent: taking the device lease, and the SIP socket that only its holder may use."""

from __future__ import annotations

import asyncio
import re
import secrets

from aiohttp import web

from ctiserver.api.bodies import DeviceAnswer, DeviceBody, SipQuery
from ctiserver.api.demo_calls import DEMO, DEMO_COOKIE
from ctiserver.api.errors import BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.api.security import COOKIE, LOGINS, is_websocket
from ctiserver.api.sip_proxy import LEASE_TAKEN, Line, SipProxy
from ctiserver.model.commands import TakeDevice
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LeaseId, is_lease, seat
from ctiserver.model.principal import Permission
from ctiserver.ports_http import LOGIN_ENDED, PRINCIPAL, Route

PROXY = web.AppKey("sip_proxy", SipProxy)

_DEMO_CALL = re.compile(r"^x[0-9a-f]{16}$")
_DEVICE_SECONDS = 5.0


async def take_device(request: web.Request, body: DeviceBody) -> web.StreamResponse:
    principal = request[PRINCIPAL]
    return await grant(request, _agent(principal.agent), body)


async def grant(request: web.Request, agent: AgentId, body: DeviceBody) -> web.StreamResponse:
    """Make a page the phone of `agent`, who is the person behind the request, or his seat."""
    parts, principal = request.app[PARTS], request[PRINCIPAL]
    held = parts.device(body.lease) if body.lease is not None else None
    # A lease is continued only by the agent who holds it; any other word gets a new one and ACD decides about it.
    lease = body.lease if body.lease is not None and held is not None and held.agent == agent else _new_lease()
    command = TakeDevice(
        id=secrets.token_hex(8),
        by=principal.user,
        agent=agent,
        lease=LeaseId(lease),
        instance=body.instance,
        take_over=body.take_over,
    )
    async with asyncio.timeout(_DEVICE_SECONDS):
        await parts.submit(command)
    held = parts.device(lease)
    if held is None or held.agent != agent:
        raise Conflict(Rejection.PHONE_ELSEWHERE.value, "Another page is your phone. Take it over to use this one.")
    return json_answer(
        DeviceAnswer(
            lease=lease,
            username=held.endpoint,
            password=parts.device_password(lease),
            domain=parts.sip_domain,
            ws_path=f"/sip?lease={lease}",
        )
    )


async def sip_socket(request: web.Request, query: SipQuery) -> web.StreamResponse:
    """The route is public in the table because a demo caller has no login; each branch checks its own right."""
    if not is_websocket(request):
        raise NotFound
    if "sip" not in [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]:
        raise BadRequest("This socket speaks SIP: ask for the subprotocol sip.", "no_sip")
    lease = query.lease
    if _DEMO_CALL.match(lease):
        return await _demo_socket(request, query)
    login = await request.app[LOGINS].find(request.cookies.get(COOKIE, ""))
    if login is None:
        raise NotLoggedIn
    parts, principal = request.app[PARTS], login.principal
    held = parts.device(lease) if is_lease(lease) else None
    if held is None or held.agent not in (principal.agent, seat(principal.user)):
        raise Forbidden("not_your_lease", "This page does not hold the phone.")
    proxy, logins = request.app[PROXY], request.app[LOGINS]

    def ended() -> tuple[int, str] | None:
        if not logins.lives(principal.session):
            return LOGIN_ENDED, "the login has ended"
        return None if parts.device(lease) == held else (LEASE_TAKEN, "another page is the phone now")

    line = Line(
        lease=lease,
        endpoint=held.endpoint,
        registered=lambda: parts.registered(lease, held.agent),
        alive=lambda: logins.touch(principal.session),
        ended=ended,
    )
    forget = logins.on_end(principal.session, lambda: proxy.end_lease(lease, LOGIN_ENDED, "the login has ended"))
    try:
        return await proxy.serve(request, line, lambda: parts.socket_gone(lease, held.agent))
    finally:
        forget()


async def _demo_socket(request: web.Request, query: SipQuery) -> web.StreamResponse:
    call, demo, token = query.lease, request.app.get(DEMO), request.cookies.get(DEMO_COOKIE, "")
    if demo is not None:
        demo.adopt(call, query.number, query.signature, token)
    line = demo.line(call, token) if demo is not None else None
    if demo is None or line is None:
        raise Forbidden("not_your_lease", "This call is not yours.")
    return await request.app[PROXY].serve(request, line, lambda: demo.socket_closed(call))


def _agent(agent: AgentId | None) -> AgentId:
    if agent is None:
        raise Forbidden("not_allowed", "You are no agent: you have no phone.")
    return agent


def _new_lease() -> str:
    return "d" + secrets.token_hex(8)


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/device",
        handler=take_device,
        summary="Make this page my phone",
        access=Permission.TAKE_CALLS,
        body=DeviceBody,
        answer=DeviceAnswer,
        statuses=(400, 401, 403, 409, 413, 503),
    ),
    Route(
        method="GET",
        path="/sip",
        handler=sip_socket,
        summary="SIP over WebSocket (subprotocol sip)",
        login=False,
        query=SipQuery,
        websocket=True,
        statuses=(401, 403, 404, 503),
    ),
)
