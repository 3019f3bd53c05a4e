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
    types.append(ErrorBody)
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hollyhock", "version": version, "license": {"name": "Apache-2.0"}},
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
    for status in route.statuses:
        content = {"application/json": {"schema": schema_of[ErrorBody]}}
        answers[str(status)] = {"description": _DESCRIPTIONS.get(status, "Refused"), "content": content}
        if status == 206:
            answers["206"] = {"description": "A part of it"}
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "responses": answers,
    }
    names = re.findall(r"{([a-z_]+)}", route.path)
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[route.body]}},
        }
    if route.login:
        operation["security"] = [{"login": []} if route.method == "GET" else {"login": [], "csrf": []}]
    return operation


_DESCRIPTIONS = {
    400: "The request cannot be understood",
    401: "Not logged in",
    403: "Not allowed",
    404: "Unknown",
    409: "Not possible now",
    413: "Too large",
    416: "No such range",
    429: "Too many attempts",
    503: "Not available now",
}
