"""The site's configuration over HTTP: see it, change it, go back to an earlier version. For administrators only.

A change names the revision that it was made on; a change on an older one is a 409 that says what is different now. One
that would make a bad site is a 422 with every fault and its place. Both change nothing. What is accepted is in force
when the answer comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from ctiserver.api.errors import NotFound, Unavailable, json_answer
from ctiserver.api.parts import PARTS
from ctiserver.model.principal import Permission
from ctiserver.ports_http import PRINCIPAL, Route
from ctiserver.ports_site import (
    Fitting,
    SiteChange,
    SiteEdit,
    SiteFault,
    SiteNotWritten,
    SiteRefused,
    Sites,
    SiteStale,
    SiteVersion,
    SiteView,
)

Revision = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]


class SiteEditsBody(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of rows, all or none, in this order. `check`: only say what they would do."""

    revision: Revision
    edits: Annotated[tuple[SiteEdit, ...], Meta(min_length=1, max_length=1000)]
    check: bool = False


class SiteRestoreBody(msgspec.Struct, frozen=True, kw_only=True):
    revision: Revision
    version: Annotated[int, Meta(ge=1, le=1_000_000_000)]


class SiteVersionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    versions: tuple[SiteVersion, ...]


class RequirementQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`queue`: of those who serve it."""

    requires: Annotated[str, Meta(max_length=1000)] = ""
    queue: Annotated[str, Meta(max_length=64)] = ""


class SiteRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """`faults` of a bad site; of a stale change what is different now, by whom and when it was changed last."""

    code: str
    message: str
    faults: tuple[SiteFault, ...] = ()
    changed: tuple[str, ...] = ()
    by: str = ""
    at: float = 0.0


async def site(request: web.Request) -> web.StreamResponse:
    sites = _sites(request)
    return await told(lambda: sites.view())


async def change_site(request: web.Request, body: SiteEditsBody) -> web.StreamResponse:
    sites, by = _sites(request), request[PRINCIPAL].user
    return await told(lambda: sites.change(by, body.revision, body.edits, check=body.check))


async def restore_site(request: web.Request, body: SiteRestoreBody) -> web.StreamResponse:
    sites, by = _sites(request), request[PRINCIPAL].user
    return await told(lambda: sites.restore(by, body.revision, body.version))


async def reload_site(request: web.Request) -> web.StreamResponse:
    sites, by = _sites(request), request[PRINCIPAL].user
    return await told(lambda: sites.reload(by))


async def site_versions(request: web.Request) -> web.StreamResponse:
    return json_answer(SiteVersionsAnswer(versions=tuple(await _sites(request).versions())))


async def requirement(request: web.Request, query: RequirementQuery) -> web.StreamResponse:
    return json_answer(_sites(request).fitting(query.requires, query.queue))


def _sites(request: web.Request) -> Sites:
    sites = request.app[PARTS].sites
    if sites is None:
        raise NotFound
    return sites


async def told(work: Callable[[], Awaitable[object]]) -> web.StreamResponse:
    """The answer, or what keeps the site from being so."""
    try:
        found = await work()
    except SiteRefused as error:
        message = f"{len(error.faults)} faults, nothing was changed."
        return json_answer(SiteRefusal(code="bad_site", message=message, faults=error.faults), status=422)
    except SiteStale as error:
        refusal = SiteRefusal(
            code="stale_site",
            message="The site was changed meanwhile; nothing of yours was done.",
            changed=error.changed,
            by=error.version.by,
            at=error.version.at,
        )
        return json_answer(refusal, status=409)
    except SiteNotWritten as error:
        raise Unavailable("site_not_written", f"Nothing was changed: {error}.") from None
    return await asyncio.to_thread(json_answer, found)  # 10,000 agents are some megabytes


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/admin/site",
        handler=site,
        summary="The site's configuration, row by row",
        access=Permission.CONFIGURE,
        answer=SiteView,
        refusal=SiteRefusal,
        statuses=(403, 404, 422, 503),
    ),
    Route(
        method="PATCH",
        path="/api/v1/admin/site",
        handler=change_site,
        summary="Change rows of the configuration, in force at once",
        access=Permission.CONFIGURE,
        body=SiteEditsBody,
        answer=SiteChange,
        refusal=SiteRefusal,
        statuses=(403, 404, 409, 422, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/admin/site/versions",
        handler=site_versions,
        summary="Who changed what, newest first",
        access=Permission.CONFIGURE,
        answer=SiteVersionsAnswer,
        statuses=(403, 404),
    ),
    Route(
        method="POST",
        path="/api/v1/admin/site/restore",
        handler=restore_site,
        summary="Make an earlier version the one in force",
        access=Permission.CONFIGURE,
        body=SiteRestoreBody,
        answer=SiteChange,
        refusal=SiteRefusal,
        statuses=(403, 404, 409, 422, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/admin/site/reload",
        handler=reload_site,
        summary="Load what was changed in the file by hand",
        access=Permission.CONFIGURE,
        answer=SiteChange,
        refusal=SiteRefusal,
        statuses=(403, 404, 409, 422, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/admin/requirement",
        handler=requirement,
        summary="Whether a text is a requirement, and who would fit now",
        access=Permission.CONFIGURE,
        query=RequirementQuery,
        answer=Fitting,
        statuses=(403, 404),
    ),
)
