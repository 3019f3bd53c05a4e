"""OpenAPI 3.1 from the route table and the msgspec types. A test checks that no route is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from ctiserver.api.errors import ErrorBody
from ctiserver.api.security import COOKIE, CSRF_HEADER
from ctiserver.ports_http import Route

_PLAIN = (None, bytes, dict)


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    routes = tuple(routes)
    types = [kind for route in routes for kind in (route.body, route.answer) if kind not in _PLAIN]
    types += [route.refusal for route in routes if route.refusal is not None]
    types.append(ErrorBody)
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hollyhock",
            "version": version,
            "license": {"name": "Apache-2.0"},
            "description": _BEFORE_ANY_ROUTE,
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "login": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
            },
        },
    }


def _operation(route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    success = "101" if route.websocket else "200"
    answers: dict[str, Any] = {success: {"description": "Switching Protocols" if route.websocket else "Done"}}
    if route.answer is not None:
        schema = schema_of.get(route.answer, {"type": "string", "format": "binary"} if route.answer is bytes else {})
        answers[success]["content"] = {route.answer_type: {"schema": schema}}
    for status in sorted({*route.statuses, *_by_kind(route)}):
        answers[str(status)] = {"description": _DESCRIPTIONS.get(status, "Refused")}
        if status not in _OF_FILES:
            schema = schema_of[route.refusal or ErrorBody]
            answers[str(status)]["content"] = {"application/json": {"schema": schema}}
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "responses": answers,
    }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{([a-z_]+)}", route.path)
    ]
    if route.query is not None:
        properties = msgspec.json.schema(route.query)["$defs"][route.query.__name__]["properties"]
        parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[route.body]}},
        }
    if route.login:
        operation["security"] = [{"login": []} if route.method == "GET" else {"login": [], "csrf": []}]
    return operation


def _by_kind(route: Route) -> set[int]:
    """The answers that come with being what it is, whatever the handler says."""
    statuses = set()
    if route.body is not None:
        statuses |= {400, 403, 408, 413}
    if route.query is not None:
        statuses |= {400}
    if route.websocket:
        statuses |= {400, 403}
    if route.login:
        statuses |= {401, 503} if route.method == "GET" else {401, 403, 503}
    return statuses


_BEFORE_ANY_ROUTE = (
    "Before any of these is reached: 400 and 417 in plain text for what is no HTTP, "
    "404 and 405 for other addresses and methods."
)
_OF_FILES = frozenset({206, 304, 412, 416})
"""Answers about a file without a body of ours."""

_DESCRIPTIONS = {
    206: "A part of it",
    304: "As you have it",
    400: "The request cannot be understood",
    401: "Not logged in",
    403: "Not allowed",
    404: "Unknown",
    408: "Too slow",
    409: "Not possible now",
    412: "Changed since",
    413: "Too large",
    416: "No such range",
    422: "It would make a bad site",
    429: "Too many attempts",
    503: "Not available now",
}
