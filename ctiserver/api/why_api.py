"""Why, for team leads and administrators: who waits (live), and the whole answer for a contact or an offer."""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec
from aiohttp import web

from ctiserver.api import live_list
from ctiserver.api.errors import NotFound, Unavailable, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.principal import Permission
from ctiserver.ports_http import PRINCIPAL, Route
from ctiserver.ports_why import CannotAnswer, Whys
from ctiserver.why import Answer, Unknown

BEAT = 1.0
"""Seconds between two looks at the list; it is sent when it has changed (our choice: calm figures)."""


def _whys(request: web.Request) -> Whys:
    whys = request.app[PARTS].whys
    if whys is None:
        raise NotFound
    return whys


async def why_contact(request: web.Request) -> web.StreamResponse:
    return await _answered(request, _whys(request).contact(request.match_info["contact"]))


async def why_offer(request: web.Request) -> web.StreamResponse:
    return await _answered(request, _whys(request).offer(request.match_info["reservation"]))


async def _answered(request: web.Request, asked: Awaitable[Answer]) -> web.StreamResponse:
    """A lead hears of contacts of queues that the own agents serve, and of agents only of these; the counts beside them
    are of everybody."""
    rights, who = request.app[PARTS].rights, request[PRINCIPAL]
    try:
        answer = await asked
        rights.queue(who, QueueId(answer.queue))
        return json_answer(_of_teams(answer, rights.agents(who)))
    except Unknown:
        raise NotFound("unknown_contact", "There is no such contact or offer.") from None
    except CannotAnswer as error:
        raise Unavailable("cannot_answer", str(error)) from None


def _of_teams(answer: Answer, agents: tuple[AgentId, ...] | None) -> Answer:
    if agents is None:
        return answer
    told, record = answer.told, answer.record
    if told is not None:
        nearest = tuple(name for name in told.nearest if name in agents)
        kept = tuple(one for one in told.agents if one.agent in agents)
        told = msgspec.structs.replace(told, agents=kept, nearest=nearest)
    if record is not None:
        candidates = tuple(one for one in record.candidates if one.agent in agents)
        chosen = tuple(name for name in record.chosen if name in agents)
        record = msgspec.structs.replace(record, candidates=candidates, chosen=chosen)
    return msgspec.structs.replace(answer, told=told, record=record)


async def waiting_live(request: web.Request) -> web.StreamResponse:
    """The whole list whenever it has changed, at most once a second; nothing is taken."""
    whys, rights, who = _whys(request), request.app[PARTS].rights, request[PRINCIPAL]

    def look() -> tuple[bytes, bytes]:
        now = whys.waiting()
        shown = rights.of_queues(who, now.waiting, lambda row: row.queue)
        if len(shown) < len(now.waiting):
            now = msgspec.structs.replace(now, waiting=shown, count=len(shown))
        return msgspec.json.encode(msgspec.structs.replace(now, now=0.0)), msgspec.json.encode(now)

    return await live_list.serve(request, lambda: whys.seq, look, BEAT)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/contacts/{contact}/why",
        handler=why_contact,
        summary="Why a contact waits, and what would serve it now; of one that is over what happened to it",
        access=Permission.WHY,
        answer=Answer,
        statuses=(401, 403, 404, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/offers/{reservation}/why",
        handler=why_offer,
        summary="Why an offer went to this agent: every agent of the site at that moment",
        access=Permission.WHY,
        answer=Answer,
        statuses=(401, 403, 404, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/waiting/live",
        handler=waiting_live,
        summary="All waiting contacts in the fair order, sent whenever they change (WebSocket)",
        access=Permission.WHY,
        websocket=True,
        statuses=(401, 403, 404, 429),
    ),
)
