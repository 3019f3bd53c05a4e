"""Team leads in calls: who talks now, the lead's own phone, listen, whisper, barge, disconnect; and the log of it.

Lives here: addresses, answers, and the question whether this lead may touch this agent. Not here: what a lead hears and
who hears him (`ctiserver.calls.monitoring`). A lead's phone hangs on a seat of his own (`ids.seat`), so he needs no
agent's seat, and one who has it listens from beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from ctiserver.api import live_list
from ctiserver.api.bodies import DeviceAnswer, DeviceBody, Done, LeaseWord, Word
from ctiserver.api.device_api import grant
from ctiserver.api.errors import NotFound, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.api.rights import Rights
from ctiserver.model import commands as cmd
from ctiserver.model.causes import MonitorMode
from ctiserver.model.ids import AgentId, ConversationId, LeaseId, seat
from ctiserver.model.principal import Permission, Principal
from ctiserver.ports_http import PRINCIPAL, Route
from ctiserver.ports_talks import MonitorRow, Talks
from ctiserver.talks import SeatPhone, Talk

BEAT = 0.25
"""Seconds between two looks at the talks; they are sent when they have changed (our choice: calm, and yet at once)."""


class TalksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`phone`: this lead's, None while he has none."""

    now: float
    talks: tuple[Talk, ...]
    phone: SeatPhone | None


class ModeBody(msgspec.Struct, frozen=True, kw_only=True):
    """How he wants to be in the call."""

    mode: MonitorMode = MonitorMode.LISTEN


class SeatReadyBody(msgspec.Struct, frozen=True, kw_only=True):
    """`instance`: of the page that registered."""

    lease: LeaseWord
    instance: Word


class SeatLeaseBody(msgspec.Struct, frozen=True, kw_only=True):
    lease: Word


class SeatDeskBody(msgspec.Struct, frozen=True, kw_only=True):
    """`take_over`: also from somebody who has signed in with it."""

    phone: Word
    take_over: bool = False


class SendBody(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of them."""

    queue: Word | None = None
    to_agent: Word | None = None
    flow: Word | None = None


class MonitorLogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`before`: only what was before this time (epoch seconds)."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 200
    before: Annotated[float, Meta(ge=-1e12, le=1e12)] | None = None


class MonitorLogAnswer(msgspec.Struct, frozen=True, kw_only=True):
    rows: Sequence[MonitorRow]


# --- who talks


def _talks(request: web.Request) -> Talks:
    talks = request.app[PARTS].talks
    if talks is None:
        raise NotFound
    return talks


def _seen(talks: Talks, rights: Rights, principal: Principal, now: float) -> TalksAnswer:
    """Only the talks of those whom he may touch. Nobody's talk (its customer waits for another agent) he sees while he
    is in it."""
    own = seat(principal.user)
    shown = tuple(
        talk
        for talk in talks.all()
        if (talk.agent is not None and (talk.agent == own or rights.leads(principal, AgentId(talk.agent))))
        or (talk.monitor is not None and talk.monitor.user == principal.user)
    )
    return TalksAnswer(now=now, talks=shown, phone=talks.phone(own))


async def talks(request: web.Request) -> web.StreamResponse:
    return json_answer(_seen(_talks(request), request.app[PARTS].rights, request[PRINCIPAL], request.app[PARTS].now()))


async def talks_live(request: web.Request) -> web.StreamResponse:
    """The whole list whenever it has changed; nothing is taken."""
    there, principal, now = _talks(request), request[PRINCIPAL], request.app[PARTS].now
    rights = request.app[PARTS].rights

    def look() -> tuple[bytes, bytes]:
        seen = _seen(there, rights, principal, now())
        return msgspec.json.encode(msgspec.structs.replace(seen, now=0.0)), msgspec.json.encode(seen)

    return await live_list.serve(request, lambda: there.seq, look, BEAT)


# --- the lead's phone


async def take_phone(request: web.Request, body: DeviceBody) -> web.StreamResponse:
    """This page becomes the phone of this lead's seat."""
    return await grant(request, seat(request[PRINCIPAL].user), body)


async def phone_ready(request: web.Request, body: SeatReadyBody) -> web.StreamResponse:
    return await _done(request, cmd.PhoneReady, lease=LeaseId(body.lease), instance=body.instance)


async def use_desk_phone(request: web.Request, body: SeatDeskBody) -> web.StreamResponse:
    return await _done(request, cmd.UsePhone, phone=body.phone, take_over=body.take_over)


async def release_phone(request: web.Request, body: SeatLeaseBody) -> web.StreamResponse:
    return await _done(request, cmd.ReleaseDevice, lease=LeaseId(body.lease))


# --- in a call


async def monitor(request: web.Request, body: ModeBody) -> web.StreamResponse:
    return await _done(request, cmd.MonitorCall, conversation=_conversation(request), mode=body.mode)


async def change(request: web.Request, body: ModeBody) -> web.StreamResponse:
    return await _done(request, cmd.ChangeMonitor, conversation=_conversation(request), mode=body.mode)


async def stop(request: web.Request) -> web.StreamResponse:
    """Always allowed: a lead who is in a call may leave it, whoever talks there now."""
    conversation = ConversationId(request.match_info["conversation"])
    return await _done(request, cmd.StopMonitor, conversation=conversation)


async def take_over(request: web.Request) -> web.StreamResponse:
    return await _done(request, cmd.TakeOverCall, conversation=_conversation(request))


async def hold(request: web.Request) -> web.StreamResponse:
    """Of a call that he has taken over; so are the next three."""
    return await _done(request, cmd.HoldCall, conversation=_conversation(request))


async def retrieve(request: web.Request) -> web.StreamResponse:
    return await _done(request, cmd.RetrieveCall, conversation=_conversation(request))


async def hang_up(request: web.Request) -> web.StreamResponse:
    return await _done(request, cmd.HangUpCall, conversation=_conversation(request))


async def send_on(request: web.Request, body: SendBody) -> web.StreamResponse:
    """To whomever: he gives the customer away, and sees no more of him."""
    to = {"queue": body.queue or "", "to_agent": AgentId(body.to_agent or ""), "flow": body.flow or ""}
    return await _done(request, cmd.TransferCall, conversation=_conversation(request), **to)


async def disconnect(request: web.Request) -> web.StreamResponse:
    """One who waits may be ended too: then it is the queue's team that counts."""
    conversation = _conversation(request)
    if _talks(request).agent_of(conversation) is None:
        request.app[PARTS].rights.conversation(request[PRINCIPAL], conversation)
    return await _done(request, cmd.DisconnectCall, conversation=conversation)


def _conversation(request: web.Request) -> ConversationId:
    """Of an agent whom he may touch."""
    name, principal = request.match_info["conversation"], request[PRINCIPAL]
    agent = _talks(request).agent_of(name)
    if agent is not None and agent != seat(principal.user):
        request.app[PARTS].rights.agent(principal, agent)
    return ConversationId(name)


async def _done(request: web.Request, kind: Callable[..., cmd.Command], **fields: object) -> web.StreamResponse:
    user = request[PRINCIPAL].user
    await request.app[PARTS].submit(kind(id="", by=user, agent=seat(user), **fields))
    return json_answer(Done())


# --- the log


async def log(request: web.Request, query: MonitorLogQuery) -> web.StreamResponse:
    parts = request.app[PARTS]
    if parts.monitor_log is None:
        raise NotFound
    if parts.caught_up is not None:
        await parts.caught_up()
    return json_answer(MonitorLogAnswer(rows=await parts.monitor_log.rows(query.limit, query.before)))


_REFUSED = (400, 401, 403, 404, 409, 413, 503)


def _post(path: str, handler: Callable[..., Awaitable[web.StreamResponse]], summary: str, body: object = None) -> Route:
    return Route(
        method="POST",
        path=path,
        handler=handler,
        summary=summary,
        access=Permission.MONITOR,
        body=body,
        answer=Done,
        statuses=_REFUSED if body is not None else (401, 403, 404, 409, 503),
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/talks",
        handler=talks,
        summary="Who talks now, and who listens",
        access=Permission.MONITOR,
        answer=TalksAnswer,
        statuses=(401, 403, 404),
    ),
    Route(
        method="GET",
        path="/api/v1/talks/live",
        handler=talks_live,
        summary="The same, sent whenever it changes (WebSocket)",
        access=Permission.MONITOR,
        websocket=True,
        statuses=(401, 403, 404, 429),
    ),
    Route(
        method="POST",
        path="/api/v1/seat/phone",
        handler=take_phone,
        summary="Make this page my phone for listening",
        access=Permission.MONITOR,
        body=DeviceBody,
        answer=DeviceAnswer,
        statuses=_REFUSED,
    ),
    _post("/api/v1/seat/phone/ready", phone_ready, "My page's phone is registered", SeatReadyBody),
    _post("/api/v1/seat/phone/desk", use_desk_phone, "Use a desk phone for listening", SeatDeskBody),
    _post("/api/v1/seat/phone/release", release_phone, "Give my phone back", SeatLeaseBody),
    _post("/api/v1/talks/{conversation}/monitor", monitor, "Come into a call: listen, whisper or barge", ModeBody),
    _post("/api/v1/talks/{conversation}/monitor/change", change, "Listen, whisper or barge from now on", ModeBody),
    _post("/api/v1/talks/{conversation}/monitor/stop", stop, "Leave the call"),
    _post("/api/v1/talks/{conversation}/take-over", take_over, "Take the agent's place in the call that I am in"),
    _post("/api/v1/talks/{conversation}/hold", hold, "Hold the call that I have taken over"),
    _post("/api/v1/talks/{conversation}/retrieve", retrieve, "Retrieve it"),
    _post("/api/v1/talks/{conversation}/hang-up", hang_up, "End it"),
    _post("/api/v1/talks/{conversation}/transfer", send_on, "Send its customer to an agent, queue or flow", SendBody),
    _post("/api/v1/talks/{conversation}/disconnect", disconnect, "End an agent's call"),
    Route(
        method="GET",
        path="/api/v1/monitor-log",
        handler=log,
        summary="Who has listened to whom, newest first",
        access=Permission.MONITOR_LOG,
        query=MonitorLogQuery,
        answer=MonitorLogAnswer,
        statuses=(400, 401, 403, 404, 503),
    ),
)
