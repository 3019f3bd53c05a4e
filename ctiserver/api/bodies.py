"""Request bodies, answers and query values: the types that the API speaks, and their strict decoding.

OpenAPI is generated from these types. Every text has a length, so nothing unbounded enters the server; what does not
fit is a 400 that says where.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from ctiserver.api.errors import ApiError, BadRequest
from ctiserver.api.parts import DialledNumber
from ctiserver.model.principal import Role
from ctiserver.model.site import Label
from ctiserver.ports_http import CallRow, MissedOffer

BODY_BYTES = 64 * 1024
_BODY_SECONDS = 10.0

UserName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.\-]{1,32}$")]
Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:\-]{1,64}$")]
Number = Annotated[str, Meta(pattern=r"^\+?[0-9*#]{1,32}$")]
LeaseWord = Annotated[str, Meta(pattern=r"^d[0-9a-f]{16}$")]


class LoginBody(msgspec.Struct, frozen=True, kw_only=True):
    user: UserName
    password: Annotated[str, Meta(min_length=1, max_length=256)]


class LoginAnswer(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    role: Role
    name: Label
    agent: str | None
    csrf: str


class Done(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool = True


class DeviceBody(msgspec.Struct, frozen=True, kw_only=True):
    """`instance` names one page load; `lease` is what this page holds already."""

    instance: Word
    lease: LeaseWord | None = None
    take_over: bool = False


class DeviceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    lease: str
    username: str
    password: str
    domain: str
    ws_path: str


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`before`: only calls queued before this time (epoch seconds). `search`: words that caller, customer or note
    must all have."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    before: Annotated[float, Meta(ge=-1e12, le=1e12)] | None = None
    search: Annotated[str, Meta(max_length=64)] = ""


class DayQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: when the day began (epoch seconds)."""

    since: Annotated[float, Meta(ge=-1e12, le=1e12)]


class MissedQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class SipQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`lease`: the agent's device lease or the caller page's call; the rest comes with a call that a restart forgot."""

    lease: str = ""
    number: str = ""
    signature: str = ""


class CallsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    calls: tuple[CallRow, ...]


class MissedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    missed: tuple[MissedOffer, ...]


class DemoCustomer(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    code: str
    classes: tuple[str, ...]


class DemoCaller(msgspec.Struct, frozen=True, kw_only=True):
    phone: str
    customer: DemoCustomer


class DemoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    numbers: tuple[DialledNumber, ...]
    callers: tuple[DemoCaller, ...]
    active: int
    limit: int


class DemoCallBody(msgspec.Struct, frozen=True, kw_only=True):
    caller: Number
    number: Number


class DemoCallAnswer(msgspec.Struct, frozen=True, kw_only=True):
    call: str
    username: str
    password: str
    domain: str
    ws_path: str


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    version: str


class ReadyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    ready: bool
    missing: tuple[str, ...]
    degraded: tuple[str, ...]


T = TypeVar("T")


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The JSON body as `kind`. Raises BadRequest; a body over 64 kB is a 413 of the application."""
    if request.content_type != "application/json":
        raise BadRequest("Send JSON with Content-Type: application/json.", "not_json")
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            raw = await request.read()
    except TimeoutError as error:
        raise ApiError(408, "too_slow", "The request body did not arrive in time.") from error
    except web.RequestPayloadError as error:
        raise BadRequest("The body is not what its headers say.", "bad_body") from error
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)[:200]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.", "not_json") from error


def read_query(request: web.Request, kind: type[T]) -> T:
    """The query string as `kind`; a repeated name counts once, an unknown one not at all. Raises BadRequest."""
    try:
        return msgspec.convert(dict(request.query), type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)[:200]) from error
