"""What a lead does from the floor: states, calls, waiting contacts, messages, skills and queues; and who did what.

Lives here: addresses, bodies, and that everything is of the own teams (`rights`). Not here: what a command does
(`acd.core.lead`, `ctiserver.calls`), the board itself (`monitor.server`), the site's text (`ctiserver.site_desk`).
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from ctiserver.api.admin_api import SiteRefusal, told
from ctiserver.api.bodies import Done
from ctiserver.api.errors import BadRequest, NotFound, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.model import commands as cmd
from ctiserver.model.ids import AgentId, ContactId, ConversationId, QueueId, seat
from ctiserver.model.principal import Permission
from ctiserver.ports_http import PRINCIPAL, AuditRow, Route
from ctiserver.ports_site import SiteChange, SiteEdit

_ID = re.compile(r"^[A-Za-z0-9_.\-]{1,64}$")
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")]
Level = Annotated[int, Meta(ge=0, le=100)]
Skill = Annotated[str, Meta(min_length=1, max_length=64)]


class StateBody(msgspec.Struct, frozen=True, kw_only=True):
    """`reason`: of not ready."""

    state: cmd.Forced
    reason: Annotated[str, Meta(max_length=64)] = ""


class PullBody(msgspec.Struct, frozen=True, kw_only=True):
    agent: Id


class PriorityBody(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds`: the contact's head start from now on."""

    seconds: cmd.HeadStart


class MessageBody(msgspec.Struct, frozen=True, kw_only=True):
    """`agents` null: everybody of the own teams who is signed in."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]
    agents: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=1000)] | None = None


class AbilityBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is not said stays. `queues`: those that he serves beside his group's."""

    skills: Annotated[dict[Skill, Level], Meta(max_length=200)] | None = None
    queues: Annotated[tuple[Id, ...], Meta(max_length=200)] | None = None


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`before`: epoch seconds, for the next page."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    before: float | None = None


class AuditAnswer(msgspec.Struct, frozen=True, kw_only=True):
    lines: tuple[AuditRow, ...]


async def state(request: web.Request, body: StateBody) -> web.StreamResponse:
    agent = AgentId(_named(request, "agent"))
    request.app[PARTS].rights.agent(request[PRINCIPAL], agent)
    by = request[PRINCIPAL].user
    await request.app[PARTS].submit(cmd.ForceState(id="", by=by, agent=agent, state=body.state, reason=body.reason))
    return json_answer(Done())


async def end_call(request: web.Request) -> web.StreamResponse:
    conversation = ConversationId(_named(request, "conversation"))
    request.app[PARTS].rights.conversation(request[PRINCIPAL], conversation)
    user = request[PRINCIPAL].user
    command = cmd.DisconnectCall(id="", by=user, agent=seat(user), conversation=conversation)
    await request.app[PARTS].submit(command)
    return json_answer(Done())


async def pull(request: web.Request, body: PullBody) -> web.StreamResponse:
    """The contact and the agent are both of the own teams."""
    contact, who = ContactId(_named(request, "contact")), request[PRINCIPAL]
    request.app[PARTS].rights.contact(who, contact)
    request.app[PARTS].rights.agent(who, AgentId(body.agent))
    command = cmd.PullContact(id="", by=who.user, agent=AgentId(body.agent), contact=contact)
    await request.app[PARTS].submit(command)
    return json_answer(Done())


async def prioritise(request: web.Request, body: PriorityBody) -> web.StreamResponse:
    contact, who = ContactId(_named(request, "contact")), request[PRINCIPAL]
    request.app[PARTS].rights.contact(who, contact)
    await request.app[PARTS].submit(cmd.PrioritiseContact(id="", by=who.user, contact=contact, seconds=body.seconds))
    return json_answer(Done())


async def message(request: web.Request, body: MessageBody) -> web.StreamResponse:
    parts, who = request.app[PARTS], request[PRINCIPAL]
    if body.agents is not None:
        agents = tuple(AgentId(name) for name in body.agents)
        for name in agents:
            parts.rights.agent(who, name)
    else:
        mine = parts.rights.agents(who)
        agents = mine if mine is not None else tuple(AgentId(name) for name in parts.agent_names())
    await parts.submit(cmd.SendMessage(id="", by=who.user, agents=agents, text=body.text))
    return json_answer(Done())


async def ability(request: web.Request, body: AbilityBody) -> web.StreamResponse:
    """The site's row of the agent is changed, as administrators change it: in the file, checked, in force at once."""
    parts, who = request.app[PARTS], request[PRINCIPAL]
    agent = AgentId(_named(request, "agent"))
    parts.rights.agent(who, agent)
    for queue in body.queues or ():
        parts.rights.queue(who, QueueId(queue))
    if parts.sites is None:
        raise NotFound
    fields = {"skills": body.skills, "queues": list(body.queues) if body.queues is not None else None}
    values = {key: value for key, value in fields.items() if value is not None}
    if not values:
        raise BadRequest("Say skills, queues or both.")
    edit = SiteEdit(table="agents", id=agent, set=values)
    revision = (await parts.sites.view()).revision
    sites = parts.sites
    return await told(lambda: sites.change(who.user, revision, (edit,), check=False))


async def audit(request: web.Request, query: AuditQuery) -> web.StreamResponse:
    """Of a lead with teams: what was done by himself or to the own agents."""
    parts, who = request.app[PARTS], request[PRINCIPAL]
    if parts.audit is None:
        raise NotFound
    if parts.caught_up is not None:
        await parts.caught_up()
    rows = await parts.audit.lines(parts.rights.agents(who), who.user, query.limit, query.before)
    return json_answer(AuditAnswer(lines=tuple(rows)))


def _named(request: web.Request, what: str) -> str:
    """An id of the address; it would stay in the journal."""
    name = request.match_info[what]
    if not _ID.match(name):
        raise NotFound("unknown_id", "There is nothing of this id.")
    return name


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/floor/agents/{agent}/state",
        handler=state,
        summary="Force an agent ready, not ready or signed out",
        access=Permission.FLOOR,
        body=StateBody,
        answer=Done,
        statuses=(403, 404, 409, 503),
    ),
    Route(
        method="PATCH",
        path="/api/v1/floor/agents/{agent}",
        handler=ability,
        summary="Change an agent's skills and queues, in force at once",
        access=Permission.FLOOR,
        body=AbilityBody,
        answer=SiteChange,
        refusal=SiteRefusal,
        statuses=(403, 404, 409, 422, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/floor/calls/{conversation}/end",
        handler=end_call,
        summary="Disconnect a call",
        access=Permission.FLOOR,
        answer=Done,
        statuses=(401, 403, 404, 409, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/floor/contacts/{contact}/pull",
        handler=pull,
        summary="Give a waiting contact to an agent: offered to him next",
        access=Permission.FLOOR,
        body=PullBody,
        answer=Done,
        statuses=(403, 404, 409, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/floor/contacts/{contact}/priority",
        handler=prioritise,
        summary="Set a waiting contact's head start",
        access=Permission.FLOOR,
        body=PriorityBody,
        answer=Done,
        statuses=(403, 404, 409, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/floor/messages",
        handler=message,
        summary="Message one, some or all agents of the own teams",
        access=Permission.FLOOR,
        body=MessageBody,
        answer=Done,
        statuses=(403, 404, 409, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/floor/audit",
        handler=audit,
        summary="The audit log: who did what to whom, newest first",
        access=Permission.FLOOR,
        query=AuditQuery,
        answer=AuditAnswer,
        statuses=(400, 401, 403, 404, 503),
    ),
)
