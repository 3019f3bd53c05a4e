"""Callers who went without an agent, and booked callbacks: lists and what a lead does about them.

Lives here: addresses and answers. Not here: who is on the list (`ctiserver.store.lost`), whether a callback may be
booked (`acd.core.callback`).
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from ctiserver.api.bodies import Done
from ctiserver.api.errors import NotFound, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.model import commands as cmd
from ctiserver.model.ids import ContactId, QueueId
from ctiserver.model.principal import Permission
from ctiserver.model.site import Label
from ctiserver.ports_http import PRINCIPAL, LostCaller, OpenCallback, Route

_CONTACT = re.compile(r"^[A-Za-z0-9_\-]{1,64}$")


class LostQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`hours`: how far back."""

    hours: Annotated[float, Meta(gt=0, le=24 * 31)] = 24.0
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class LostAnswer(msgspec.Struct, frozen=True, kw_only=True):
    callers: tuple[LostCaller, ...]


class CallbacksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`queues`: what the queues are called."""

    callbacks: tuple[OpenCallback, ...]
    queues: dict[str, Label]


async def lost_callers(request: web.Request, query: LostQuery) -> web.StreamResponse:
    parts = request.app[PARTS]
    if parts.caught_up is not None:
        await parts.caught_up()
    found = await parts.lost.open(parts.now() - query.hours * 3600.0, query.limit)
    shown = parts.rights.of_queues(request[PRINCIPAL], found, lambda row: row.queue)
    return json_answer(LostAnswer(callers=shown))


async def book(request: web.Request) -> web.StreamResponse:
    """To the number that he called from, in the queue in which he waited."""
    caller = await _caller(request)
    await request.app[PARTS].submit(
        cmd.BookCallback(
            id="",
            by=request[PRINCIPAL].user,
            queue=QueueId(caller.queue),
            number=caller.number[:32],
            name=caller.name[:64],
            of=caller.contact,
            dialled=caller.dialled,
        )
    )
    return json_answer(Done())


async def dismiss(request: web.Request) -> web.StreamResponse:
    caller = await _caller(request)
    await request.app[PARTS].submit(
        cmd.DismissLost(id="", by=request[PRINCIPAL].user, contact=ContactId(caller.contact))
    )
    return json_answer(Done())


async def callbacks(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    shown = parts.rights.of_queues(request[PRINCIPAL], parts.open_callbacks(), lambda row: row.queue)
    return json_answer(CallbacksAnswer(callbacks=shown, queues=dict(parts.queue_names())))


async def cancel(request: web.Request) -> web.StreamResponse:
    contact = request.match_info["contact"]
    if not _CONTACT.match(contact):  # it would stay in the journal
        raise NotFound("unknown_callback", "There is no such callback.")
    request.app[PARTS].rights.contact(request[PRINCIPAL], ContactId(contact))
    await request.app[PARTS].submit(cmd.CancelCallback(id="", by=request[PRINCIPAL].user, contact=ContactId(contact)))
    return json_answer(Done())


async def _caller(request: web.Request) -> LostCaller:
    contact = request.match_info["contact"]
    found = await request.app[PARTS].lost.get(contact) if _CONTACT.match(contact) else None
    if found is None:
        raise NotFound("unknown_caller", "There is no such lost caller.")
    request.app[PARTS].rights.queue(request[PRINCIPAL], QueueId(found.queue))
    return found


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/lost-callers",
        handler=lost_callers,
        summary="Callers who went without an agent and were not served since, newest first",
        access=Permission.ALL_CALLS,
        query=LostQuery,
        answer=LostAnswer,
        statuses=(400, 401, 403, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/lost-callers/{contact}/callback",
        handler=book,
        summary="Have a lost caller called back",
        access=Permission.ALL_CALLS,
        answer=Done,
        statuses=(401, 403, 404, 409, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/lost-callers/{contact}/dismiss",
        handler=dismiss,
        summary="Take a lost caller off the list",
        access=Permission.ALL_CALLS,
        answer=Done,
        statuses=(401, 403, 404, 409, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/callbacks",
        handler=callbacks,
        summary="Booked callbacks that are not done",
        access=Permission.ALL_CALLS,
        answer=CallbacksAnswer,
        statuses=(401, 403),
    ),
    Route(
        method="POST",
        path="/api/v1/callbacks/{contact}/cancel",
        handler=cancel,
        summary="End a booked callback that is not being called now",
        access=Permission.ALL_CALLS,
        answer=Done,
        statuses=(401, 403, 404, 409, 503),
    ),
)
