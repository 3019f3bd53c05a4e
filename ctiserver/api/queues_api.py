"""Queues, for team leads and administrators: how they stand, and the emergency switch.

Lives here: addresses and answers. Not here: what closing does (`acd.core.queue_rules`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from acd.core.queue_now import QueueNow
from ctiserver.api.bodies import Done
from ctiserver.api.errors import NotFound, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.model import commands as cmd
from ctiserver.model.ids import QueueId
from ctiserver.model.principal import Permission
from ctiserver.ports_http import PRINCIPAL, Route


class QueuesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    queues: tuple[QueueNow, ...]


class CloseBody(msgspec.Struct, frozen=True, kw_only=True):
    """`reason`: for those who ask why it is closed."""

    reason: Annotated[str, Meta(max_length=200)] = ""


async def queues(request: web.Request) -> web.StreamResponse:
    parts = request.app[PARTS]
    shown = parts.rights.of_queues(request[PRINCIPAL], parts.queues(), lambda row: row.id)
    return json_answer(QueuesAnswer(queues=shown))


async def close(request: web.Request, body: CloseBody) -> web.StreamResponse:
    """Whatever its hours say, until it is opened again."""
    queue, by = _queue(request), request[PRINCIPAL].user
    await request.app[PARTS].submit(cmd.CloseQueue(id="", by=by, queue=queue, reason=body.reason))
    return json_answer(Done())


async def reopen(request: web.Request) -> web.StreamResponse:
    """It follows its hours again."""
    await request.app[PARTS].submit(cmd.OpenQueue(id="", by=request[PRINCIPAL].user, queue=_queue(request)))
    return json_answer(Done())


def _queue(request: web.Request) -> QueueId:
    name = request.match_info["queue"]
    if all(queue.id != name for queue in request.app[PARTS].queues()):
        raise NotFound("unknown_queue", "There is no such queue.")
    request.app[PARTS].rights.queue(request[PRINCIPAL], QueueId(name))
    return QueueId(name)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/queues",
        handler=queues,
        summary="Every queue: open or closed, who waits, what became of all callers, the predicted wait",
        access=Permission.SWITCH_QUEUES,
        answer=QueuesAnswer,
        statuses=(401, 403),
    ),
    Route(
        method="POST",
        path="/api/v1/queues/{queue}/close",
        handler=close,
        summary="The emergency switch: close a queue whatever its hours say",
        access=Permission.SWITCH_QUEUES,
        body=CloseBody,
        answer=Done,
        statuses=(400, 401, 403, 404, 409, 413, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/queues/{queue}/open",
        handler=reopen,
        summary="Let a queue follow its hours again",
        access=Permission.SWITCH_QUEUES,
        answer=Done,
        statuses=(401, 403, 404, 409, 503),
    ),
)
