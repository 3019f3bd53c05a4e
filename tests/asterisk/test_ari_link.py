"""The contract of the link to Asterisk: against a real one, and a fake one for what is rare."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ctiserver.asterisk import runtime, wire
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari import LAST_MOMENT_S, AriLink
from ctiserver.asterisk.ari_calls import AriCalls
from ctiserver.asterisk.ari_connection import LinkLimits
from ctiserver.asterisk.ari_errors import AriBusy, AriError, AriLost, AriRefused, AriReplaced, AriTimeout, AriTooBig
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.caller import prompt
from tests.asterisk.fake_ari import FakeAri, fake_ari
from tests.asterisk.party import Party
from tests.harness.waiting import eventually, never

Connect = Callable[[str], Awaitable[Party]]
QUICK = LinkLimits(ping_every=0.1, ping_deadline=1.0, connect_deadline=1.0, backoff_first=0.02, backoff_most=0.1)


# ---------------------------------------------------------------- requests


async def test_each_of_many_requests_in_flight_gets_its_own_answer(ari: Party) -> None:
    await asyncio.gather(*(ari.calls.set_global_variable(f"N{n}", f"value {n}") for n in range(200)))

    async def read(n: int) -> bytes:
        answer = await ari.link.request("GET", ("asterisk", "variable"), {"variable": f"N{n}"})
        return answer.body

    answers = await asyncio.gather(*(read(n) for n in range(200)))
    assert answers == [b'{"value":"value %d"}' % n for n in range(200)]


async def test_what_asterisk_refuses_is_an_error_with_its_status_and_words(ari: Party) -> None:
    with pytest.raises(AriRefused) as refusal:
        await ari.calls.answer("nobody")
    assert (refusal.value.status, refusal.value.message) == (404, "Channel not found")
    assert await ari.calls.get_channel("nobody") is None
    assert await ari.calls.stop_playback("nothing") is False


@pytest.mark.parametrize("by_http", [False, True])
async def test_an_id_with_odd_characters_reaches_its_own_resource_and_no_other(ari: Party, by_http: bool) -> None:
    """A crafted id may not become a path, a query or another id."""
    plain = f"{ari.app}-x{by_http}"
    crafted = [
        f"{plain}/addChannel",
        f"{plain}?type=holding",
        f"{plain}#f",
        f"{plain}%2e",
        f"{plain}&a=b",
        f"{plain} 中",
    ]
    await ari.calls.create_bridge(plain, "mixing")
    send = ari.link.http_request if by_http else ari.link.request
    for bridge in crafted:
        with pytest.raises(AriRefused, match="404"):
            await send("DELETE", ("bridges", bridge))
        answer = await send("POST", ("bridges",), {"type": "mixing", "bridgeId": bridge})
        assert wire.decode_as(answer.body, wire.Bridge).id == bridge
        found = await send("GET", ("bridges", bridge))
        assert wire.decode_as(found.body, wire.Bridge).id == bridge
        await send("DELETE", ("bridges", bridge))
    assert await ari.calls.get_bridge(plain) is not None
    for part in ("", ".", ".."):
        with pytest.raises(ValueError, match="path part"):
            await send("DELETE", ("bridges", part))


async def test_a_value_with_a_comma_is_refused_because_asterisk_would_make_two_of_it(ari: Party) -> None:
    with pytest.raises(ValueError, match="comma"):
        await ari.calls.play("any", "p", ["sound:a,sound:b"])


async def test_a_request_over_60_kb_is_never_sent_because_it_would_close_the_socket(ari: Party) -> None:
    leg = await ari.leg(f"{ari.app}-big")
    fits, too_big = ({f"V{n}": "x" * 1000 for n in range(count)} for count in (55, 65))
    await ari.link.request("POST", ("channels", leg, "variables"), None, {"variables": fits})
    assert await ari.calls.get_variable(leg, "V54") == "x" * 1000
    with pytest.raises(AriTooBig):
        await ari.link.request("POST", ("channels", leg, "variables"), None, {"variables": too_big})
    assert ari.lost == []


async def test_a_request_without_an_answer_ends_at_its_deadline_and_the_late_answer_hurts_nobody() -> None:
    async with fake_ari() as server, _linked(server) as party:
        server.answer = lambda request: None if "slow" in request["uri"] else {"status_code": 200, "message_body": "7"}
        with pytest.raises(AriTimeout) as timeout:
            await party.link.request("POST", ("slow",), deadline=0.1)
        assert timeout.value.sent
        await server.reply(server.requests[0], status_code=200, message_body='"late"')
        assert (await party.link.request("GET", ("quick",))).body == b"7"
        assert party.link.figures.late_answers == 1
        assert len(server.requests) == 2, "nothing is sent twice"


async def test_requests_over_the_bound_wait_and_those_over_the_waiting_bound_are_turned_away() -> None:
    limits = LinkLimits(in_flight=2, waiting=4, ping_every=60.0)
    async with fake_ari() as server, _linked(server, limits) as party:
        server.answer = lambda request: None
        deadlines = (1.0, 1.0, 0.3, 0.3)  # those who wait give up while both places are still taken
        asked = [
            asyncio.create_task(party.link.request("POST", (f"r{n}",), deadline=deadline))
            for n, deadline in enumerate(deadlines)
        ]
        await eventually(lambda: len(server.requests) == 2, 10, "two requests on the wire")
        with pytest.raises(AriBusy):
            await party.link.request("POST", ("r5",))
        errors = [error for error in await asyncio.gather(*asked, return_exceptions=True)]
        assert all(isinstance(error, AriTimeout) for error in errors)
        assert [error.sent for error in errors if isinstance(error, AriError)] == [True, True, False, False]
        assert len(server.requests) == 2


async def test_a_request_that_gets_its_place_at_the_last_moment_is_not_sent() -> None:
    """It could not be answered in time, and nobody would know whether it was done."""
    limits = LinkLimits(in_flight=1, ping_every=60.0)
    async with fake_ari() as server, _linked(server, limits) as party:
        server.answer = lambda request: None
        deadlines = (0.3, 0.3 + LAST_MOMENT_S / 2)
        asked = [
            asyncio.create_task(party.link.request("POST", (f"r{n}",), deadline=deadline))
            for n, deadline in enumerate(deadlines)
        ]
        errors = [error for error in await asyncio.gather(*asked, return_exceptions=True)]
        assert all(isinstance(error, AriTimeout) for error in errors)
        assert [error.sent for error in errors if isinstance(error, AriError)] == [True, False]
        assert party.link.figures.timeouts == 2
        assert [request["uri"] for request in server.requests] == ["r0"]


async def test_a_broken_connection_fails_all_in_flight_and_resends_nothing() -> None:
    async with fake_ari() as server, _linked(server, QUICK) as party:
        server.answer = lambda request: None if request["uri"].startswith("r") else {"status_code": 200}
        asked = [asyncio.create_task(party.link.request("POST", (f"r{n}",))) for n in range(5)]
        await eventually(lambda: len(server.requests) == 5, 10, "five requests on the wire")
        server.sockets[0]._req.transport.abort()  # type: ignore[union-attr]
        errors = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(error, AriLost) and error.sent for error in errors)
        await eventually(lambda: party.connected == 2, 10, "a new connection")
        assert len(server.requests) == 5
        assert len(party.lost) == 1


async def test_without_a_connection_a_request_fails_at_once_and_unsent() -> None:
    party = Party(AriAddress(url="http://127.0.0.1:9", user="u", password="p"), "nowhere", QUICK)
    await party.link.start()
    with pytest.raises(AriLost) as lost:
        await party.calls.ping()
    assert not lost.value.sent
    with pytest.raises(AriTimeout):
        await party.link.wait_ready(0.2)
    await party.link.close()


# ---------------------------------------------------------------- events


async def test_held_back_events_come_in_order_and_before_later_ones() -> None:
    story: list[str] = []

    async def reconcile() -> None:
        await eventually(lambda: link._connection and len(link._connection.held or ()) == 500, 10, "500 held")
        story.append("reconciled")

    def note(event: wire.Event) -> None:
        assert isinstance(event, wire.StasisEnd)
        story.append(event.channel.id)

    async with fake_ari() as server:
        link = AriLink(server.address, "x", on_event=note, on_connected=reconcile)
        server.on_open = [b'{"type":"StasisEnd","channel":{"id":"%d"}}' % n for n in range(500)]
        await link.start()
        try:
            await server.opened.wait()
            await eventually(lambda: bool(story), 10, "reconciled")
            for n in range(500, 1000):
                await server.send(b'{"type":"StasisEnd","channel":{"id":"%d"}}' % n)
            await eventually(lambda: len(story) == 1001, 10, "all events")
            assert story == ["reconciled", *(str(n) for n in range(1000))]
        finally:
            await link.close()


async def test_events_that_arrive_while_we_reconcile_are_held_back(
    asterisk: Instance, connect: Connect, app_name: str
) -> None:
    helper = await connect(f"{app_name}-helper")
    story: list[str] = []
    names = [f"{app_name}-{n}" for n in range(20)]

    async def reconcile() -> None:
        calls = AriCalls(link)
        for name in names:
            await helper.calls.external_media(name, "127.0.0.1:9", app=app_name)
        there = {channel.id for channel in await calls.get_channels()}
        assert there >= set(names), "requests work while events wait"
        story.append("reconciled")

    def note(event: wire.Event) -> None:
        if isinstance(event, wire.StasisStart):
            story.append(event.channel.id)

    link = AriLink(asterisk.ari, app_name, on_event=note, on_connected=reconcile)
    await link.start()
    try:
        await link.wait_ready(10.0)
        await eventually(lambda: len(story) == 21, 10, "all twenty arrivals")
        assert story[0] == "reconciled"
        assert sorted(story[1:]) == sorted(names), "each once; channels of their own may start in any order"
    finally:
        for name in names:
            await helper.calls.hangup(name)
        await link.close()


async def test_events_carry_asterisks_own_time(ari: Party) -> None:
    before = time.time()
    leg = await ari.leg(f"{ari.app}-time")
    event = await ari.start_of(leg)
    assert before - 0.01 < event.at <= time.time() + 0.01
    assert before - 0.01 < event.channel.created <= event.at


async def test_unreadable_frames_and_unknown_events_are_counted_and_dropped() -> None:
    good = b'{"type":"StasisEnd","timestamp":"2026-11-22T13:45:01.123+0000","channel":{"id":"c","new":[1]}}'
    odd = [
        b"", b"{", b"[]", b"null", b'{"type":7}', b'{"type":"StasisEnd"}', b"\xff\xfe", b"[" * 50_000,
        b'{"type":"StasisEnd","channel":{"id":"\xff"}}', b'{"type":"StasisEnd","channel":{"id":1}}',
        b'{"type":"StasisEnd","timestamp":"today","channel":{"id":"c"}}', b'{"type":"RESTResponse"}',
    ]  # fmt: skip
    async with fake_ari() as server, _linked(server) as party:
        for frame in [*odd, b'{"type":"NewInAsterisk23","x":1}', good]:
            await server.send(frame)
        event = await party.event(wire.StasisEnd)
        assert (event.channel.id, event.at) == ("c", 1795355101.123)
        assert party.link.figures.unreadable_frames == len(odd)
        assert party.link.figures.unknown_events == 1
        assert party.lost == []
        assert len(party.events) == 1


async def test_a_callback_that_fails_or_is_slow_costs_only_itself() -> None:
    heard: list[str] = []

    def fragile(event: wire.Event) -> None:
        assert isinstance(event, wire.StasisEnd)
        heard.append(event.channel.id)
        if event.channel.id == "breaks":
            raise RuntimeError("a fault in the owner's code")
        if event.channel.id == "slow":
            time.sleep(0.03)

    async with fake_ari() as server:
        link = AriLink(server.address, "fragile", on_event=fragile)
        await link.start()
        await link.wait_ready(10.0)
        for name in (b"breaks", b"slow", b"last"):
            await server.send(b'{"type":"StasisEnd","channel":{"id":"%s"}}' % name)
        try:
            await eventually(lambda: len(heard) == 3, 10, "three events")
            assert link.figures.failed_callbacks == 1
            assert link.figures.slow_callbacks >= 1  # a busy machine makes more of them slow
        finally:
            await link.close()


# ---------------------------------------------------------------- connecting, losing, coming back


async def test_it_waits_for_a_ping_and_not_for_the_port() -> None:
    """Asterisk answers 404 for a moment before ARI is there."""
    async with fake_ari() as server:
        server.ping_status = [404, 404, 503]
        async with _linked(server, QUICK):
            assert server.pings == 4
            assert len(server.sockets) == 1


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (1.0, 1.0)])
async def test_the_pause_between_tries_doubles_from_a_tenth_to_three_seconds_with_jitter(
    chance: float, share: float
) -> None:
    address = AriAddress(url="http://127.0.0.1:9", user="u", password="p")
    link = AriLink(address, "x", on_event=lambda event: None, random=lambda: chance)
    pauses = [link._backoff(attempt) for attempt in (1, 2, 3, 4, 5, 6, 7, 100_000)]
    assert pauses == pytest.approx([share * s for s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0)])


async def test_the_link_comes_back_after_asterisk_was_killed_and_started_again(tmp_path: Path) -> None:
    """The new Asterisk may listen on another port: the address is asked for at each connect."""
    home = _reachable(tmp_path)
    async with runtime.running(home, rtp=(31000, 31100)) as first:
        address = first.ari
        party = Party(lambda: address, "survivor", QUICK)
        await party.start()
        try:
            first.kill()
            await eventually(lambda: len(party.lost) == 1, 10, "the loss is noticed")
            with pytest.raises(AriLost):
                await party.calls.ping()
            async with runtime.running(home, sip=first.sip, rtp=(31000, 31100)) as second:
                address = second.ari
                await party.link.wait_ready(10.0)
                await party.leg("survivor-leg")
                assert party.connected == 2
                assert party.replaced == 0
        finally:
            await party.link.close()


async def test_an_asterisk_that_stands_still_is_noticed_and_taken_back_when_it_moves(
    asterisk: Instance, app_name: str
) -> None:
    """Our own old connection dies with it: coming back must not look like a stranger's take-over."""
    party = Party(asterisk.ari, app_name, QUICK)
    await party.start()
    try:
        os.kill(asterisk.pid, signal.SIGSTOP)
        try:
            await eventually(lambda: len(party.lost) == 1, 10, "the loss is noticed")
        finally:
            os.kill(asterisk.pid, signal.SIGCONT)
        assert "no ping answered" in party.lost[0]
        await party.link.wait_ready(10.0)
        await party.leg(f"{app_name}-leg")
        await never(lambda: party.replaced, 0.3, "a take-over")
        assert party.connected == 2
    finally:
        await party.clean_up()


async def test_events_alone_do_not_prove_that_requests_are_answered() -> None:
    async with fake_ari() as server, _linked(server, QUICK) as party:
        server.answer = lambda request: None

        async def chatter() -> str:
            if party.lost:
                return party.lost[0]
            with contextlib.suppress(ConnectionError):
                await server.send(b'{"type":"StasisEnd","channel":{"id":"c"}}')
            return ""

        assert "no ping answered" in await eventually(chatter, 10, "the loss is noticed")


async def test_a_link_that_one_blocked_request_holds_up_is_given_up_and_the_next_one_works(
    asterisk: Instance, app_name: str
) -> None:
    """Asterisk's thread of the old connection is stuck for the length of a prompt; it must not hurt its successor."""
    party = Party(asterisk.ari, app_name, QUICK)
    await party.start()
    try:
        leg = await party.leg(f"{app_name}-leg")
        await party.calls.create_bridge(app_name, "holding")
        await party.calls.play(leg, f"{app_name}-p", [prompt(asterisk, 3)])
        await party.event(wire.PlaybackStarted)
        with pytest.raises(AriLost):
            await party.calls.add_to_bridge(app_name, leg, role="holding_participant")
        await party.link.wait_ready(10.0)
        await party.leg(f"{app_name}-second")
        await party.end_of_playback(f"{app_name}-p")
        await party.event(wire.ChannelEnteredBridge)
        await never(lambda: party.replaced or len(party.lost) > 1, 0.5, "trouble from the old connection")
        await party.leg(f"{app_name}-third")
    finally:
        await party.clean_up()


async def test_an_idle_link_pings_and_lives(ari: Party) -> None:
    party = Party(ari.link._address, f"{ari.app}-idle", QUICK)
    await party.start()
    before = party.link.figures.requests
    await eventually(lambda: party.link.figures.requests >= before + 3, 10, "three pings")
    assert party.lost == []
    await party.link.close()


async def test_a_reconcile_that_fails_or_hangs_gives_the_connection_up_and_tries_again() -> None:
    attempts = 0

    async def reconcile() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise RuntimeError("could not make sense of it")
        if attempts == 2:
            await asyncio.sleep(60)

    limits = LinkLimits(reconcile_deadline=0.1, backoff_first=0.02, backoff_most=0.1)
    lost: list[str] = []
    async with fake_ari() as server:
        link = AriLink(
            server.address, "x", on_event=lambda event: None, on_connected=reconcile, on_lost=lost.append, limits=limits
        )
        await link.start()
        await link.wait_ready(10.0)
        assert attempts == 3
        assert lost == ["reconcile failed: RuntimeError", "reconcile failed: TimeoutError"]
        await link.close()


async def test_a_second_client_replaces_the_first_which_acts_no_more_and_never_returns(
    connect: Connect, app_name: str
) -> None:
    first = await connect(app_name)
    leg = await first.leg(f"{app_name}-leg")
    second = await connect(app_name)
    await eventually(lambda: first.replaced == 1, 10, "the first hears of it")
    for send in (first.link.request, first.link.http_request):
        with pytest.raises(AriReplaced) as refusal:
            await send("DELETE", ("channels", leg))
        assert not refusal.value.sent
    await never(lambda: second.replaced or not first.link.replaced, 0.3, "the first comes back")
    assert first.lost == []
    await second.calls.hangup(leg)
    await second.event(wire.StasisEnd)
    assert first.seen(wire.StasisEnd) == []


async def test_what_is_in_flight_when_we_are_replaced_fails_and_nothing_more_goes_out() -> None:
    async with fake_ari() as server, _linked(server) as party:
        server.answer = lambda request: None
        asked = [asyncio.create_task(party.link.request("POST", (f"r{n}",))) for n in range(70)]
        await eventually(lambda: len(server.requests) == 64, 10, "all places taken")
        await server.send(b'{"type":"ApplicationReplaced","application":"x"}')
        errors = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(error, AriReplaced) for error in errors)
        assert [error.sent for error in errors if isinstance(error, AriError)].count(False) == 6
        assert len(server.requests) == 64
        await never(lambda: len(server.sockets) > 1, 0.3, "a reconnect")
        assert party.replaced == 1


async def test_the_password_shows_nowhere(asterisk: Instance, app_name: str) -> None:
    assert asterisk.ari.password not in repr(asterisk.ari)
    assert asterisk.ari.password not in repr(Party(asterisk.ari, app_name).link.__dict__)


# ---------------------------------------------------------------- helpers


class _linked:
    """A connected client of the fake server."""

    def __init__(self, server: FakeAri, limits: LinkLimits | None = None) -> None:
        self._party = Party(server.address, "fake", limits)

    async def __aenter__(self) -> Party:
        await self._party.start()
        return self._party

    async def __aexit__(self, *_: object) -> None:
        await self._party.link.close()


def _reachable(folder: Path) -> Path:
    """Asterisk's own user must be able to enter a folder of ours; pytest makes its folders private."""
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)
    return folder
