"""Schemathesis over our own OpenAPI description, against a running server: what was answered, what was otherwise.

Here: `storm` (examples, boundary values and random requests, seeded), its `Report`, what every answer must be, and who
asks. Not here: what an operation should have answered (the tests). `storm` blocks the thread that calls it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from tests.harness.site import PASSWORD, Site

# Judged by the tests themselves: a 503 is an answer while a dependency is down; a description says less than the server
# checks (roles, what exists), so "accepted" and "refused" cannot be told from it.
_NOT_ASKED = (
    "not_a_server_error", "positive_data_acceptance", "negative_data_rejection", "ignored_auth", "use_after_free",
    "ensure_resource_availability", "object_level_authorization", "missing_required_header",
)  # fmt: skip


@dataclass
class Report:
    """`statuses` by operation, e.g. `GET /api/v1/me` -> {200: 7}; `faults` in words, each once."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    odd: list[tuple[str, Response]] = field(default_factory=list)
    """answers of 5xx, with their operation"""
    headers: dict[str, list[Mapping[str, list[str]]]] = field(default_factory=dict)
    """the headers of every answer, by operation"""

    @property
    def requests(self) -> int:
        return sum(counter.total() for counter in self.statuses.values())

    def __str__(self) -> str:
        lines = [f"{operation}: {dict(sorted(seen.items()))}" for operation, seen in sorted(self.statuses.items())]
        return "\n".join([f"{self.requests} requests", *lines, *self.faults.values()])


def storm(
    document: dict[str, Any],
    url: str,
    headers: Mapping[str, str],
    *,
    seed: int,
    examples: int,
    without: tuple[str, ...] = (),
    known: Mapping[str, list[str]] | None = None,
) -> Report:
    """Ask everything that `document` describes, `examples` random requests an operation, always with these headers.

    `without`: paths that are left out. `known`: path parameters by name -> values that exist; every other value is
    tried as well.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": url,
            "headers": dict(headers),
            "request-timeout": 10.0,
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "checks": {name: {"enabled": False} for name in _NOT_ASKED},
            "phases": {"stateful": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_dict(_prepared(document, without, known or {}), config=config)
    report = Report()
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            report.faults[event.title] = f"{event.label}: {event.info.format()}"
        elif isinstance(event, FatalError):
            raise event.exception
        elif isinstance(event, ScenarioFinished):
            _note(report, event)
    return report


def _note(report: Report, event: ScenarioFinished) -> None:
    for case_id, interaction in event.recorder.interactions.items():
        case, response = event.recorder.cases[case_id].value, interaction.response
        if response is None:
            report.faults[f"{case_id} no answer"] = f"{case.operation.label}: no answer"
            continue
        operation = case.operation.label
        report.statuses.setdefault(operation, Counter())[response.status_code] += 1
        report.headers.setdefault(operation, []).append(response.headers)
        if response.status_code >= 500:
            report.odd.append((operation, response))
        for check in event.recorder.checks.get(case_id, ()):
            if check.failure_info is not None:
                failure = check.failure_info.failure
                words = f"{operation}: {check.name}: {failure.title}: {failure.message}; {interaction.request.method}"
                words += f" {interaction.request.uri[:200]} -> {response.status_code}"
                report.faults.setdefault(f"{operation} {check.name} {response.status_code}", words)


def _prepared(document: dict[str, Any], without: tuple[str, ...], known: Mapping[str, list[str]]) -> dict[str, Any]:
    """Without some paths; with what exists among the values of path parameters; the login is ours, not its own."""
    document = copy.deepcopy(document)
    document["paths"] = {path: item for path, item in document["paths"].items() if path not in without}
    for item in document["paths"].values():
        for operation in item.values():
            operation.pop("security", None)
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in known:
                    parameter["schema"] = {"anyOf": [{"enum": known[parameter["name"]]}, parameter["schema"]]}
    document["components"].pop("securitySchemes", None)
    return document


CALLER = {"nobody": "", "agent": "1003", "agent without csrf": "1003", "lead": "2001", "admin": "admin"}


@asynccontextmanager
async def headers_of(house: Site, who: str) -> AsyncIterator[dict[str, str]]:
    """What this person's requests carry, as long as the block lasts."""
    headers = {"Origin": house.url}
    async with aiohttp.ClientSession(house.url, headers=headers) as http:
        if CALLER[who]:
            async with http.post("/api/v1/login", json={"user": CALLER[who], "password": PASSWORD}) as answer:
                assert answer.status == 200, await answer.text()
                headers["Cookie"] = f"hh_session={answer.cookies['hh_session'].value}"
                if who != "agent without csrf":
                    headers["X-CSRF-Token"] = (await answer.json())["csrf"]
        yield headers


def judge(report: Report, *, away: bool = False) -> None:
    """Nothing but what is described; 503 only while something is `away`; headers that a browser and a cache need."""
    print(report)
    assert not report.faults, report
    codes = {(operation, answer.status_code, code_of(answer.content)) for operation, answer in report.odd}
    assert away or not codes, codes
    assert all(status == 503 and code == "database_unavailable" for _, status, code in codes), codes
    for operation, answers in report.headers.items():
        for headers in answers:
            assert headers["x-content-type-options"] == ["nosniff"], operation
            assert headers["x-frame-options"] == ["DENY"], operation
            assert "no-store" in headers["cache-control"][0], f"{operation}: {headers}"
            for cookie in headers.get("set-cookie", ()):
                assert "HttpOnly" in cookie and "SameSite=Strict" in cookie, cookie
                assert operation in ("POST /api/v1/login", "POST /api/v1/logout", "POST /api/v1/demo/calls")


def code_of(body: bytes) -> str:
    code: str = msgspec.json.decode(body)["code"]
    return code
