"""The call list and recordings: an agent's own; a lead's teams'; an admin's: everybody's. And an agent's own day."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiohttp import web

from ctiserver.api.bodies import CallsAnswer, CallsQuery, DayQuery, MissedAnswer, MissedQuery
from ctiserver.api.errors import NotFound, json_answer
from ctiserver.api.parts import PARTS, ApiParts
from ctiserver.model.ids import AgentId
from ctiserver.model.principal import Permission, Principal
from ctiserver.ports_http import PRINCIPAL, CallRow, Day, Route

_CONVERSATION = re.compile(r"^[A-Za-z0-9_\-]{1,64}$")
_FILE = re.compile(r"^[A-Za-z0-9_\-]{1,80}\.wav$")
_NOBODY = AgentId("")


async def calls(request: web.Request, query: CallsQuery) -> web.StreamResponse:
    parts = await _caught_up(request)
    search = query.search.replace("\0", "")
    rows = await parts.calls.recent(_whose(parts, request[PRINCIPAL]), query.limit, query.before, search)
    return json_answer(CallsAnswer(calls=await asyncio.to_thread(_playable, rows, parts.recordings)))


async def day(request: web.Request, query: DayQuery) -> web.StreamResponse:
    """The books are waited for: the page asks when a call has just ended."""
    parts = await _caught_up(request)
    agent = request[PRINCIPAL].agent or _NOBODY
    return json_answer(await parts.days.day(agent, query.since, parts.now()))


async def missed(request: web.Request, query: MissedQuery) -> web.StreamResponse:
    parts = await _caught_up(request)
    rows = await parts.days.missed(request[PRINCIPAL].agent or _NOBODY, query.limit)
    return json_answer(MissedAnswer(missed=tuple(rows)))


async def _caught_up(request: web.Request) -> ApiParts:
    parts = request.app[PARTS]
    if parts.caught_up is not None:
        await parts.caught_up()
    return parts


def _playable(rows: Sequence[CallRow], folder: Path) -> tuple[CallRow, ...]:
    """A recording counts once its file is there: that is some time after the switch has ended it."""
    return tuple(
        msgspec.structs.replace(row, recording=row.recording and (folder / f"{row.conversation}.wav").is_file())
        for row in rows
    )


async def recording(request: web.Request) -> web.StreamResponse:
    parts, conversation = request.app[PARTS], request.match_info["conversation"]
    name = None
    if _CONVERSATION.match(conversation):
        name = await parts.calls.recording(conversation, _whose(parts, request[PRINCIPAL]))
    if name is None or not _FILE.match(name):
        raise NotFound("unknown_recording", "There is no recording of this call for you.")
    path = parts.recordings / name
    if not await asyncio.to_thread(_is_plain_file, path):
        raise NotFound("recording_not_ready", "The recording is not on disk yet. Try again in a moment.")
    return web.FileResponse(path, headers={"Content-Type": "audio/wav", "Cache-Control": "private, no-store"})


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _whose(parts: ApiParts, principal: Principal) -> tuple[AgentId, ...] | None:
    """A lead's are those of the own teams, and his own; None = everybody's."""
    own = (principal.agent or _NOBODY,)
    if not principal.may(Permission.ALL_CALLS):
        return own
    led = parts.rights.agents(principal)
    return None if led is None else (*led, *own)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/calls",
        handler=calls,
        summary="My calls, newest first",
        access=Permission.OWN_CALLS,
        query=CallsQuery,
        answer=CallsAnswer,
        statuses=(400, 401, 403, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/day",
        handler=day,
        summary="My day in figures",
        access=Permission.TAKE_CALLS,
        query=DayQuery,
        answer=Day,
        statuses=(400, 401, 403, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/missed",
        handler=missed,
        summary="Calls that rang me in vain, newest first",
        access=Permission.TAKE_CALLS,
        query=MissedQuery,
        answer=MissedAnswer,
        statuses=(400, 401, 403, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/recordings/{conversation}",
        handler=recording,
        summary="A recording, with byte ranges",
        access=Permission.OWN_CALLS,
        answer=bytes,
        answer_type="audio/wav",
        statuses=(206, 304, 401, 403, 404, 412, 416, 503),
    ),
)
