"""Logging in and out: what is checked, what it costs a guesser, what survives a restart and a dead database."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

from ctiserver.api.logins import IDLE_SECONDS
from ctiserver.api.throttle import LIMITS, WINDOW_SECONDS, LoginThrottle
from ctiserver.store.tables import SESSIONS
from tests.api.house import PASSWORD, Clock, House


async def test_a_right_password_gives_a_cookie_that_scripts_cannot_read(house: House) -> None:
    response = await house.client.post("/api/v1/login", json={"user": "1001", "password": PASSWORD})
    assert response.status == 200
    body = await response.json()
    assert (body["user"], body["role"], body["name"]) == ("1001", "agent", {"zh": "王芳", "en": "Wang Fang"})
    cookie = response.cookies["hh_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    me = await house.client.get("/api/v1/me")
    assert await me.json() == body


async def test_the_database_holds_no_token(house: House) -> None:
    await house.log_in()
    token = next(cookie.value for cookie in house.client.session.cookie_jar)
    async with house.database.read() as connection:
        rows = (await connection.execute(sa.select(SESSIONS))).all()
    assert len(rows) == 1
    assert token not in str(rows)


async def test_a_wrong_password_and_an_unknown_user_look_alike_and_cost_alike(house: House) -> None:
    answers = []
    for user in ("1001", "nobody"):
        before = house.passwords.checks
        response = await house.client.post("/api/v1/login", json={"user": user, "password": "wrong"})
        answers.append((response.status, await response.json(), house.passwords.checks - before))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401
    assert answers[0][1]["code"] == "bad_credentials"
    assert answers[0][2] == 1


async def test_guessing_is_throttled_and_time_heals(house: House) -> None:
    for _ in range(LIMITS["pair"]):
        response = await house.client.post("/api/v1/login", json={"user": "1001", "password": "wrong"})
        assert response.status == 401
    checks = house.passwords.checks
    refused = await house.client.post("/api/v1/login", json={"user": "1001", "password": PASSWORD})
    assert refused.status == 429
    assert (await refused.json())["code"] == "too_many_attempts"
    assert int(refused.headers["Retry-After"]) <= WINDOW_SECONDS
    assert house.passwords.checks == checks
    house.clock.now += WINDOW_SECONDS + 1
    await house.log_in()


def test_a_guesser_with_many_names_or_many_addresses_is_throttled_too() -> None:
    throttle = LoginThrottle(Clock())
    assert all(throttle.begin(f"user{n}", "10.0.0.1") == 0 for n in range(LIMITS["address"]))
    assert throttle.begin("fresh", "10.0.0.1") > 0
    assert all(throttle.begin("1001", f"10.1.0.{n}") == 0 for n in range(LIMITS["user"]))
    assert throttle.begin("1001", "10.2.0.1") > 0


def test_a_whole_shift_behind_one_address_can_log_in() -> None:
    throttle = LoginThrottle(Clock())
    for n in range(500):
        assert throttle.begin(f"agent{n}", "10.0.0.1") == 0
        throttle.succeeded(f"agent{n}", "10.0.0.1")


def test_the_throttle_does_not_grow_without_bound() -> None:
    throttle = LoginThrottle(Clock(), size=100)
    for n in range(10_000):
        throttle.begin(f"user{n}", f"address{n}")
    assert len(throttle) <= 100


async def test_without_a_login_there_is_401_and_with_a_made_up_cookie_too(house: House) -> None:
    for cookies in ({}, {"hh_session": "x" * 43}, {"hh_session": "é"}):
        response = await house.client.get("/api/v1/me", cookies=cookies)
        assert response.status == 401
        assert (await response.json())["code"] == "not_logged_in"


async def test_an_unsafe_request_needs_the_csrf_token_and_an_allowed_origin(house: House) -> None:
    csrf = await house.log_in()
    body = {"instance": "p", "take_over": False}
    for headers, code in (
        ({}, "bad_csrf"),
        ({"X-CSRF-Token": "x"}, "bad_csrf"),
        (csrf | {"Origin": "http://evil.example"}, "bad_origin"),
        (csrf | {"Origin": "null"}, "bad_origin"),
    ):
        response = await house.client.post("/api/v1/device", json=body, headers=headers)
        assert (response.status, (await response.json())["code"]) == (403, code)
    assert house.desk.commands == []
    foreign = await house.client.post(
        "/api/v1/login", json={"user": "1001", "password": PASSWORD}, headers={"Origin": "http://evil.example"}
    )
    assert foreign.status == 403


async def test_a_login_survives_a_restart_of_the_server(house: House) -> None:
    csrf = await house.log_in()
    await house.reopen()
    me = await house.client.get("/api/v1/me")
    assert me.status == 200
    assert (await me.json())["csrf"] == csrf["X-CSRF-Token"]


async def test_a_logout_is_final(house: House) -> None:
    csrf = await house.log_in()
    cookie = {cookie.key: cookie.value for cookie in house.client.session.cookie_jar}
    assert (await house.client.post("/api/v1/logout", headers=csrf)).status == 200
    assert house.logged_out == ["1001"]
    assert (await house.client.get("/api/v1/me", cookies=cookie)).status == 401
    await house.reopen()
    assert (await house.client.get("/api/v1/me", cookies=cookie)).status == 401


async def test_a_login_ends_after_twelve_idle_hours_and_not_before(house: House) -> None:
    await house.log_in()
    house.clock.now += IDLE_SECONDS - 1
    assert (await house.client.get("/api/v1/me")).status == 200
    house.clock.now += IDLE_SECONDS - 1
    assert (await house.client.get("/api/v1/me")).status == 200
    house.clock.now += IDLE_SECONDS + 1
    assert (await house.client.get("/api/v1/me")).status == 401


async def test_a_locked_database_logs_nobody_out_and_says_503_where_it_is_needed(house: House) -> None:
    csrf = await house.log_in()
    lock = sqlite3.connect(house.folder / "hollyhock.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        assert (await house.client.get("/api/v1/me")).status == 200
        refused = await house.client.post("/api/v1/login", json={"user": "1002", "password": PASSWORD})
        assert (refused.status, (await refused.json())["code"]) == (503, "database_unavailable")
        assert (await house.client.post("/api/v1/logout", headers=csrf)).status == 200
        assert (await house.client.get("/api/v1/me")).status == 401
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    await house.api.logins.tidy()
    async with house.database.read() as connection:
        assert (await connection.execute(sa.select(SESSIONS))).all() == []


async def test_answers_carry_the_security_headers(house: House) -> None:
    for path in ("/", "/api/v1/me", "/nowhere"):
        headers = (await house.client.get(path)).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert f"ws://{house.client.host}:{house.client.port}" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
