"""The caller page's addresses: what can be dialled, a new call, its live story. 404 demo_off on a real site."""

from __future__ import annotations

import asyncio
import secrets

import aiohttp
import msgspec
from aiohttp import web

from crm.rules.phones import phone_key
from ctiserver.api.bodies import DemoAnswer, DemoCallAnswer, DemoCallBody, DemoCaller, DemoCustomer
from ctiserver.api.demo_calls import DEMO, DEMO_COOKIE, DemoCalls
from ctiserver.api.errors import NotFound, json_answer
from ctiserver.api.parts import PARTS, DemoParts, DialledNumber
from ctiserver.api.security import is_websocket
from ctiserver.ports_http import Route

_CUSTOMERS = 50
_SEND_SECONDS = 5.0


async def demo(request: web.Request) -> web.StreamResponse:
    parts, calls = _demo(request)
    customers = await request.app[PARTS].customers.with_phones(_CUSTOMERS)
    callers = tuple(
        DemoCaller(phone=phone, customer=DemoCustomer(name=each.name, code=each.code, classes=each.classes))
        for each in customers
        for phone in each.phones
    )
    numbers = tuple(DialledNumber(number=each.number, name=each.name) for each in parts.site().numbers)
    return json_answer(DemoAnswer(numbers=numbers, callers=callers, active=calls.active, limit=parts.limit))


async def new_call(request: web.Request, body: DemoCallBody) -> web.StreamResponse:
    parts, calls = _demo(request)
    if body.number not in [each.number for each in parts.site().numbers]:
        raise NotFound("unknown_number", "This number is not configured.")
    customer = await request.app[PARTS].customers.by_number(body.caller)
    phones = customer.phones if customer is not None else ()
    phone = next((each for each in phones if phone_key(each) == phone_key(body.caller)), None)
    if customer is None or phone is None:
        raise NotFound("unknown_caller", "Choose one of the demo customers' numbers.")
    token = request.cookies.get(DEMO_COOKIE, "")
    if not (40 <= len(token) <= 64):
        token = secrets.token_urlsafe(32)
    call = await calls.start(token, phone, customer.name, body.number)
    main = request.app[PARTS]
    response = json_answer(
        DemoCallAnswer(
            call=call,
            username=call,
            password=main.device_password(call),
            domain=main.sip_domain,
            ws_path=calls.ws_path(call),
        )
    )
    response.set_cookie(
        DEMO_COOKIE, token, httponly=True, samesite="Strict", path="/", secure=main.secure_cookies or request.secure
    )
    return response


async def live(request: web.Request) -> web.StreamResponse:
    _parts, calls = _demo(request)
    stories = calls.listen(request.match_info["call"], request.cookies.get(DEMO_COOKIE, ""))
    if stories is None or not is_websocket(request):
        raise NotFound("unknown_call", "There is no such call on this page.")
    socket = web.WebSocketResponse(compress=False, max_msg_size=1024, heartbeat=15.0, timeout=1.0)
    await socket.prepare(request)

    async def push() -> None:
        async for each in stories:
            async with asyncio.timeout(_SEND_SECONDS):
                await socket.send_str(msgspec.json.encode(each).decode())

    async def watch() -> None:
        async for _message in socket:
            pass  # the page has nothing to say here; reading notices that it went

    tasks = {asyncio.create_task(push(), name="stories"), asyncio.create_task(watch(), name="stories-watch")}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await socket.close(code=aiohttp.WSCloseCode.OK)
    return socket


def _demo(request: web.Request) -> tuple[DemoParts, DemoCalls]:
    parts, calls = request.app[PARTS].demo, request.app.get(DEMO)
    if parts is None or calls is None or not parts.site().demo:
        raise NotFound("demo_off", "This is no demo site.")
    return parts, calls


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/demo",
        handler=demo,
        summary="What the caller page can dial, and as whom",
        login=False,
        answer=DemoAnswer,
        statuses=(404, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/demo/calls",
        handler=new_call,
        summary="A demo customer's phone for one call",
        login=False,
        body=DemoCallBody,
        answer=DemoCallAnswer,
        statuses=(400, 403, 404, 409, 413, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/demo/calls/{call}/live",
        handler=live,
        summary="The call's story, as it happens",
        login=False,
        websocket=True,
        statuses=(403, 404),
    ),
)
