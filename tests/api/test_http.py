"""Bad input, unknown addresses, health, the web app's files, recordings, OpenAPI."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from ctiserver.api.app import ROUTES
from ctiserver.model import events
from ctiserver.model.causes import EndReason
from ctiserver.model.facts import Tick
from ctiserver.model.ids import AgentId, ContactId, ConversationId, InteractionId, LegId, QueueId, ReservationId
from ctiserver.model.turns import Record
from ctiserver.store.projection import Projector
from tests.api.house import START, House, decoded

POSTS = [route for route in ROUTES if route.method == "POST"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 30_000, "bad_request"),
        (b'{"user":' + b"[" * 30_000, "bad_request"),
        (b'{"user":"\\ud800","password":"x"}', "not_json"),
        (b'{"user":"\\u0000","password":"x"}', "bad_request"),
        (b'{"user":1,"password":"x"}', "bad_request"),
        (b'{"user":"1001"}', "bad_request"),
        (b'{"user":"' + b"a" * 33 + b'","password":"x"}', "bad_request"),
    ],
)
async def test_a_malformed_login_is_a_400_that_says_where(house: House, body: bytes, code: str) -> None:
    response = await house.client.post("/api/v1/login", data=body, headers={"Content-Type": "application/json"})
    assert (response.status, (await response.json())["code"]) == (400, code)


async def test_a_form_is_not_json(house: House) -> None:
    response = await house.client.post("/api/v1/login", data={"user": "1001", "password": "x"})
    assert (response.status, (await response.json())["code"]) == (400, "not_json")


async def test_a_body_over_64_kb_is_a_413(house: House) -> None:
    response = await house.client.post(
        "/api/v1/login", data=b" " * (64 * 1024 + 1), headers={"Content-Type": "application/json"}
    )
    assert (response.status, (await response.json())["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing", "/api", "/api/v1/recordings/%00", "/x/y", "/assets/../../etc/passwd", "/assets/%2e%2e/x"],
)
async def test_unknown_addresses_are_404(house: House, path: str) -> None:
    await house.log_in("admin")
    response = await house.client.get(path)
    assert response.status == 404
    assert (await response.json())["code"] in ("not_found", "unknown_recording")


async def test_a_wrong_method_is_405(house: House) -> None:
    response = await house.client.delete("/api/v1/login")
    assert (response.status, (await response.json())["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=٣", "before=nan", "before=x", "before=1e400"]
)
async def test_odd_query_values_are_400(house: House, query: str) -> None:
    await house.log_in()
    response = await house.client.get(f"/api/v1/calls?{query}")
    assert (response.status, (await response.json())["code"]) == (400, "bad_request")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from(["user", "password", "instance", "lease", "take_over", "caller", "number"])
_bodies = st.dictionaries(_fields, _json | st.sampled_from(["1001", "95500", "13900000001", True]), max_size=7)


def _encodable(body: object) -> bool:
    try:
        msgspec.json.encode(body)
    except (UnicodeEncodeError, OverflowError, ValueError, TypeError):
        return False
    return True


async def test_no_body_whatever_makes_a_5xx_or_an_undeclared_answer(house: House) -> None:
    """Every POST of the table, 150 odd bodies each."""
    csrf = await house.log_in() | {"Content-Type": "application/json"}
    for data in _odd_bodies():
        for route in POSTS:
            if route.body is None:
                continue
            response = await house.client.post(route.path, data=data, headers=csrf)
            assert response.status in {200, *route.statuses} - {500, 503}, (route.path, response.status, data)


def _odd_bodies() -> list[bytes]:
    """Drawn first, because hypothesis does not run coroutines."""
    found: list[bytes] = []

    @settings(max_examples=150, deadline=None, database=None)
    @given(body=_bodies | _json, raw=st.binary(max_size=40), which=st.booleans())
    def draw(body: object, raw: bytes, which: bool) -> None:
        found.append(msgspec.json.encode(body) if which and _encodable(body) else raw)

    draw()
    return found


async def test_health_and_readiness(house: House) -> None:
    assert (await house.client.get("/healthz")).status == 200
    assert await (await house.client.get("/readyz")).json() == {"ready": True, "missing": [], "degraded": []}
    house.health["switch"] = False
    response = await house.client.get("/readyz")
    assert (response.status, (await response.json())["missing"]) == (503, ["switch"])
    assert (await house.client.get("/healthz")).status == 200


async def test_figures_are_for_this_machine_and_for_who_sees_all_calls(house: House) -> None:
    page = await house.client.get("/metrics")
    assert (page.status, await page.text()) == (200, "hollyhock_audit_open_faults 0.0\n")
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    through_a_proxy = {"X-Forwarded-For": "192.0.2.7"}
    assert (await house.client.get("/metrics", headers=through_a_proxy)).status == 401
    for user, status in (("1001", 403), ("2001", 200), ("admin", 200)):
        await house.log_in(user)
        assert (await house.client.get("/metrics", headers=through_a_proxy)).status == status, user


async def test_the_web_app_is_served_for_its_pages_and_hashed_files_are_kept(house: House) -> None:
    for path in ("/", "/call"):
        response = await house.client.get(path)
        assert "Hollyhock" in await response.text()
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.content_type == "text/html"
    asset = await house.client.get("/assets/app-1a2b3c.js")
    assert "immutable" in asset.headers["Cache-Control"]
    assert (await house.client.get("/index.html")).status == 200


def _record(seq: int, *of: events.Event) -> Record:
    return Record(seq=seq, at=START + seq, seed=0, input=Tick(), events=of, effects=())


def a_call(number: int, agent: str) -> tuple[events.Event, ...]:
    """One answered and recorded call, arriving `number` seconds after START."""
    conversation, contact = ConversationId(f"c1-{number}"), ContactId(f"k1-{number}")
    at = START + number
    return (
        events.ConversationStarted(
            conversation=conversation,
            interaction=InteractionId(f"i1-{number}"),
            leg=LegId(f"1700.{number}"),
            dialled="95500",
            caller_number="13900000001",
            caller_name="Zhang",
            at=at,
        ),
        events.RecordingStarted(conversation=conversation, names=(f"r{number}-in", f"r{number}-out"), at=at),
        events.ContactQueued(
            contact=contact,
            conversation=conversation,
            queue=QueueId("service"),
            requires="",
            queued_at=at,
            priority=0.0,
            only_agent=None,
            data={},
            path=(),
            at=at,
        ),
        events.ContactConnected(
            contact=contact,
            conversation=conversation,
            reservation=ReservationId("r"),
            agent=AgentId(agent),
            at=at + 5,
        ),
        events.ContactEnded(
            contact=contact,
            conversation=conversation,
            queue=QueueId("service"),
            reason=EndReason.ANSWERED,
            at=at + 15,
        ),
        events.RecordingEnded(conversation=conversation, name=f"r{number}-in", seconds=15.0, ok=True),
        events.RecordingEnded(conversation=conversation, name=f"r{number}-out", seconds=15.0, ok=True),
    )


async def project(house: House, *records: Record) -> None:
    projector = Projector(house.database, "1", records[-1].seq, lambda seq: iter(r for r in records if r.seq >= seq))
    await projector.catch_up()


async def test_an_agent_sees_and_hears_his_own_calls_and_a_lead_everybodys(house: House) -> None:
    await project(house, _record(1, *a_call(1, "1001")), _record(2, *a_call(2, "1002")))
    (house.folder / "recordings" / "c1-1.wav").write_bytes(bytes(range(100)))
    await house.log_in("1001")
    calls = (await (await house.client.get("/api/v1/calls")).json())["calls"]
    assert [call["conversation"] for call in calls] == ["c1-1"]
    assert calls[0]["talk_seconds"] == 10.0
    assert calls[0]["recording"] is True
    assert (await house.client.get("/api/v1/recordings/c1-2")).status == 404
    whole = await house.client.get("/api/v1/recordings/c1-1")
    assert (whole.status, whole.content_type, await whole.read()) == (200, "audio/wav", bytes(range(100)))
    part = await house.client.get("/api/v1/recordings/c1-1", headers={"Range": "bytes=10-19"})
    assert (part.status, await part.read()) == (206, bytes(range(10, 20)))
    assert part.headers["Content-Range"] == "bytes 10-19/100"
    beyond = await house.client.get("/api/v1/recordings/c1-1", headers={"Range": "bytes=500-"})
    assert beyond.status == 416
    await house.log_in("2001")
    calls = (await (await house.client.get("/api/v1/calls?limit=1")).json())["calls"]
    assert [(call["conversation"], call["recording"]) for call in calls] == [("c1-2", False)]
    older = await house.client.get(f"/api/v1/calls?before={calls[0]['queued_at']}")
    assert [call["conversation"] for call in (await older.json())["calls"]] == ["c1-1"]
    missing = await house.client.get("/api/v1/recordings/c1-2")
    assert (missing.status, (await missing.json())["code"]) == (404, "recording_not_ready")


async def test_openapi_names_every_route_and_every_reference_resolves(house: House) -> None:
    raw = await (await house.client.get("/api/v1/openapi.json")).read()
    document = decoded(raw)
    served = {
        (route.method, route.resource.canonical)
        for route in house.client.server.app.router.routes()  # type: ignore[attr-defined]
        if route.resource is not None and re.match(r"^/(api|sip|healthz|readyz|metrics)", route.resource.canonical)
        if route.method != "HEAD"
    }
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert served == described
    assert described == {(route.method, route.path) for route in ROUTES} | {("GET", "/api/v1/customers/{customer}")}
    for name in re.findall(rb'"#/components/schemas/([^"]+)"', raw):
        assert name.decode() in document["components"]["schemas"]


async def test_what_is_described_as_refused_is_what_comes(house: House) -> None:
    """/readyz that is not ready says what is missing, everything else says code and message; each as described."""
    document = decoded(await (await house.client.get("/api/v1/openapi.json")).read())

    def described(path: str, status: int) -> str:
        content = document["paths"][path]["get"]["responses"][str(status)]["content"]
        return str(content["application/json"]["schema"]["$ref"]).rpartition("/")[2]

    house.health["journal"] = False
    answer = await (await house.client.get("/readyz")).json()
    assert described("/readyz", 503) == "ReadyAnswer"
    assert set(answer) == {"ready", "missing", "degraded"}
    assert described("/api/v1/me", 401) == "ErrorBody"
    assert set(await (await house.client.get("/api/v1/me")).json()) == {"code", "message"}
    assert document["paths"]["/api/v1/calls"]["get"]["parameters"][0]["schema"]["maximum"] == 500
