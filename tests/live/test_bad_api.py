"""Schemathesis over the whole HTTP description, against the running server: only what is described, whoever asks.

Everything is asked without a login, as an agent with and without the CSRF word, as a team lead and as the
administrator; and once more while the database is locked. Long forms: tests/torture/test_hostile_long.py.
"""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio

from tests.harness.apistorm import CALLER, code_of, headers_of, judge, storm
from tests.harness.site import PASSWORD, Site
from tests.harness.waiting import eventually
from tests.live.fuzz import megabytes
from tests.live.house import BRISK, calling, conversation_of, hears_music, polite_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139666000"
SEED = 20261122
EXAMPLES = 4
"""Random requests for each operation and kind of data; beside them come some 200 with boundary values."""

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def description(house: Site) -> dict[str, Any]:
    async with house.http.get(f"{house.url}/api/v1/openapi.json") as answer:
        found: dict[str, Any] = await answer.json()
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(house: Site) -> dict[str, list[str]]:
    """Ids that exist: a customer, a conversation with a recording."""
    async with calling(house, BRISK, f"{PREFIX}01") as line:
        await hears_music(line.rtp)
    conversation = conversation_of(house, f"{PREFIX}01")
    recording = house.home / "recordings" / f"{conversation}.wav"
    await eventually(recording.is_file, 10, "the recording on disk", poll=0.1)
    return {"conversation": [conversation], "customer": ["cu-0001"]}


@pytest.mark.timeout(300)  # some seconds of a processor of its own, which it may not have
@pytest.mark.parametrize("who", CALLER)
async def test_everything_is_asked(
    house: Site, description: dict[str, Any], known: dict[str, list[str]], who: str
) -> None:
    # A logout would end the storm of whoever is logged in; 60 failed logins close the door to this address.
    without = ("/api/v1/logout", "/api/v1/login") if CALLER[who] else ()
    async with headers_of(house, who) as headers:
        report = await asyncio.to_thread(
            storm, description, house.url, headers, seed=SEED, examples=EXAMPLES, without=without, known=known
        )
    judge(report)
    assert len(report.statuses) == sum(map(len, description["paths"].values())) - len(without)
    everybodys = {200} if CALLER[who] else {401}
    assert everybodys <= set(report.statuses["GET /api/v1/me"]), "the login counts"
    if who == "agent without csrf":
        assert set(report.statuses["POST /api/v1/device"]) <= {403, 405}, "nothing unsafe without the word"
    if who == "lead":
        assert 200 in report.statuses["GET /api/v1/recordings/{conversation}"]


@pytest.mark.timeout(300)
async def test_everything_is_asked_while_the_database_is_locked(
    house: Site, description: dict[str, Any], known: dict[str, list[str]]
) -> None:
    """What only reads is answered as ever; what must write says 503 `database_unavailable`; a call goes on."""
    async with headers_of(house, "lead") as headers, headers_of(house, "nobody") as nobodys:
        with closing(sqlite3.connect(house.home / "hollyhock.db", timeout=5, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            without = ("/api/v1/logout", "/api/v1/login")  # each login would wait some seconds for the lock
            report = await asyncio.to_thread(
                storm, description, house.url, headers, seed=SEED + 1, examples=1, without=without, known=known
            )

            async def log_in() -> tuple[int, str, str]:
                body = {"user": "1001", "password": PASSWORD}
                async with house.http.post(f"{house.url}/api/v1/login", json=body, headers=nobodys) as answer:
                    return answer.status, code_of(await answer.read()), answer.headers["Retry-After"]

            async def log_out() -> int:
                async with house.http.post(f"{house.url}/api/v1/logout", headers=headers) as answer:
                    return answer.status

            refused, done, _ = await asyncio.gather(log_in(), log_out(), polite_call(house, f"{PREFIX}02"))
            lock.execute("ROLLBACK")
    judge(report, away=True)
    assert refused == (503, "database_unavailable", "2")
    assert done == 200, "a logout counts at once, and is written when it can be"
    async with headers_of(house, "lead"):
        pass  # the next login is written again


RAW = {
    "csrf of odd bytes": ("POST /api/v1/device", b"X-CSRF-Token: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}", 403),
    "no gzip": ("POST /api/v1/login", b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400),
    "cut gzip": (
        "POST /api/v1/login",
        b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56",
        400,
    ),
    "bad chunk": ("POST /api/v1/login", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nZZ\r\n", 400),
    "no socket": ("GET /api/v1/live", b"\r\n", 400),
    "half a handshake": ("GET /api/v1/live", b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400),
    "odd origin": ("GET /api/v1/live", b"Upgrade: websocket\r\nOrigin: \xff\r\n\r\n", 403),
    "odd cookie": ("GET /api/v1/me", b"Cookie: hh_session=\xff\r\n\r\n", 401),
    "dates": ("GET /api/v1/calls?before=1e99", b"\r\n", 400),
    "arabic digits": ("GET /api/v1/calls?limit=%D9%A1", b"\r\n", 400),
    "no number": ("GET /api/v1/calls?limit=1_0", b"\r\n", 400),
    "not a number": ("GET /api/v1/calls?before=nan", b"\r\n", 400),
}
"""Requests that a well-behaved client cannot send: the request, the rest of its head, the answer."""


@pytest.mark.parametrize("kind", RAW)
async def test_a_request_of_odd_bytes(house: Site, kind: str) -> None:
    """By a logged-in agent, byte by byte: a refusal, and a server that says nothing of it in its log."""
    line, rest, wanted = RAW[kind]
    method, path = line.split(" ")
    async with headers_of(house, "agent") as headers:
        if b"Cookie:" in rest:
            del headers["Cookie"]
        if b"Origin:" in rest:
            del headers["Origin"]
        if b"X-CSRF" in rest:
            del headers["X-CSRF-Token"]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        start = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\nContent-Type: application/json\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        try:
            writer.write((start + head).encode() + rest)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
            assert int(answer.split(b" ")[1]) == wanted, answer
        finally:
            writer.close()


async def test_a_recording_by_halves(house: Site, known: dict[str, list[str]]) -> None:
    """Ranges and conditions about a file: whatever they say, the answer is one of those described."""
    path = f"/api/v1/recordings/{known['conversation'][0]}"
    seen: dict[str, int] = {}
    async with headers_of(house, "lead") as headers:
        for name, value in (
            ("Range", "bytes=0-99"), ("Range", "bytes=-1"), ("Range", "bytes=99999999999999999999-"),
            ("Range", "bytes=5-1"), ("Range", "bytes=a-b"), ("Range", "lines=1-2"),
            ("If-Modified-Since", "Fri, 31 Dec 2100 23:59:59 GMT"), ("If-Modified-Since", "yesterday"),
            ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), ("If-Match", '"x"'), ("If-None-Match", "*"),
            ("If-Range", "rubbish"), ("Accept-Encoding", "zzz, *;q=0"),
        ):  # fmt: skip
            async with house.http.get(house.url + path, headers={**headers, name: value}) as answer:
                seen[f"{name}: {value}"] = answer.status
                assert "no-store" in answer.headers["Cache-Control"]
                await answer.read()
    print(seen)
    assert set(seen.values()) <= {200, 206, 304, 412, 416}, seen


async def test_a_small_body_that_becomes_a_huge_one(house: Site) -> None:
    """50 MB of one letter, 49 kB packed: refused before it is all there."""
    packed = gzip.compress(b'{"user":"' + b"a" * 50_000_000 + b'"}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json", "Origin": house.url}
    before = megabytes(house.pid)
    for _ in range(5):
        async with house.http.post(f"{house.url}/api/v1/login", data=packed, headers=headers) as answer:
            assert answer.status == 413
    assert megabytes(house.pid) - before < 20


async def test_afterwards_all_is_as_before(house: Site) -> None:
    """A call is answered, Asterisk holds nothing, the log has no mistake of ours and no number of a caller."""
    await polite_call(house, f"{PREFIX}03")
    await house.quiet(3)
    assert house.complaints() == []
    assert PREFIX not in house.log.read_text("utf-8", "replace")
