"""The link to Asterisk: one WebSocket that carries events to us and requests to Asterisk, and HTTP beside it.

Here live connecting, reconnecting, the watchdog, matching answers to requests, deadlines and bounds. Not
here: what events mean (`translate`), what a request is for (`ari_calls`), what is true after a reconnect
(`reconcile`). Measured on 22.10.1: requests on one socket run one after another inside Asterisk, so what may
wait for a channel's thread goes by HTTP; a frame over 65,500 bytes closes the socket, and HTTP is no way out
(it takes bodies up to 40,960 bytes and URIs up to 4,000), so a request over `frame_bytes` is never sent.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import aiohttp
import msgspec
import structlog

from ctiserver.asterisk import ari_http, wire
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari_connection import Connection, LinkFigures, LinkLimits
from ctiserver.asterisk.ari_errors import (
    AriBusy,
    AriLost,
    AriRefused,
    AriReplaced,
    AriTimeout,
    AriTooBig,
    AriUnreadable,
)

_log = structlog.get_logger(__name__)

SLOW_CALLBACK_S: Final = 0.020
FIRST_LOOK_S: Final = 0.2
APPLICATION_DEADLINE_S: Final = 1.0
LAST_MOMENT_S: Final = 0.02
"""A request with less time left is not sent: its answer takes 1 to 5 ms when all is well, and a request that was sent
and not answered in time may or may not have been done."""


def _note_crash(connection: Connection, task: asyncio.Task[None]) -> None:
    """A fault in our own tasks must end the connection, not leave it half alive."""
    if not task.cancelled() and (problem := task.exception()) is not None:
        _log.error("fault in the link", task=task.get_name(), exc_info=problem)
        connection.end(f"fault in the link: {type(problem).__name__}")


class AriLink:
    """One application's connection to one Asterisk.

    `also` names further applications of the same socket; their events come mixed with the others.

    `address` may be a function: it is asked before each connect, because an Asterisk that was started again
    may listen on another port.

    `on_event(event)` is called for every event, in order, and must be quick. `on_connected()` is awaited
    after each connect; requests work in it, events that arrive meanwhile are held back and delivered in
    order after it. If it raises or takes longer than `reconcile_deadline`, the connection is given up and
    made anew. `on_lost(reason)` is called once for each connection that ends. `on_replaced()` is called when
    another client has taken the application: after it the link is dead for good.
    """

    def __init__(
        self,
        address: AriAddress | Callable[[], AriAddress],
        app: str,
        *,
        also: tuple[str, ...] = (),
        on_event: Callable[[wire.Event], None],
        on_connected: Callable[[], Awaitable[None]] | None = None,
        on_lost: Callable[[str], None] | None = None,
        on_replaced: Callable[[], None] | None = None,
        limits: LinkLimits | None = None,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._address = address if callable(address) else lambda: address
        self.app = app
        self._also = also
        self.figures = LinkFigures()
        self._on_event = on_event
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._on_replaced = on_replaced
        self._limits = limits or LinkLimits()
        self._random = random
        self._http: ari_http.AriHttp | None = None
        self._connection: Connection | None = None
        self._replaced = False
        self._waiting = 0
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Begin to connect, in a task of the link's own; returns at once."""
        self._http = ari_http.AriHttp(self._address(), answer_bytes=self._limits.answer_bytes)
        self._task = asyncio.create_task(self._run(), name=f"ari-link-{self.app}")

    async def close(self) -> None:
        """End the connection and everything in flight. No callback is called any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    @property
    def ready(self) -> bool:
        """Connected and reconciled: events flow."""
        return self._ready.is_set()

    @property
    def replaced(self) -> bool:
        return self._replaced

    async def wait_ready(self, deadline: float) -> None:
        """Wait until connected and reconciled. Raises AriTimeout."""
        try:
            async with asyncio.timeout(deadline):
                await self._ready.wait()
        except TimeoutError:
            raise AriTimeout(f"no connection within {deadline} s", sent=False) from None

    # ------------------------------------------------------------ requests

    async def request(
        self,
        method: str,
        path_parts: tuple[str, ...],
        params: Mapping[str, str | int | bool] | None = None,
        body: Mapping[str, object] | None = None,
        *,
        deadline: float = 5.0,
    ) -> ari_http.Answer:
        """Send one request over the WebSocket and wait for its answer.

        `deadline` is seconds, waiting for a free place included; with less than LAST_MOMENT_S left it is not
        sent any more. Sent once, never again. Raises AriRefused
        (status >= 400), AriTimeout, AriLost, AriBusy, AriTooBig, AriReplaced; ValueError for an impossible path.
        """
        connection = self._usable()
        what = f"{method} {'/'.join(path_parts)}"
        uri = ari_http.make_uri(path_parts, params)
        encoded = b"" if body is None else msgspec.json.encode(body)
        request_id, frame = connection.frame(method, uri, encoded)
        if len(frame) > self._limits.frame_bytes:
            raise AriTooBig(f"{what}: {len(frame)} bytes", sent=False)
        if self._waiting >= self._limits.waiting:
            raise AriBusy(f"{what}: {self._waiting} requests wait already", sent=False)
        self._waiting += 1
        sent = False
        try:
            if connection.slots.locked():
                began = time.monotonic()
                async with asyncio.timeout(deadline):
                    await connection.slots.acquire()
                left = deadline - (time.monotonic() - began)
            else:
                await connection.slots.acquire()  # a free place does not wait: what was asked first goes out first
                left = deadline
            try:
                if left < LAST_MOMENT_S:
                    raise TimeoutError
                if connection.ended.done():
                    raise self._gone(connection)
                sent = True
                self.figures.requests += 1
                answer = await connection.exchange(request_id, frame, left)
            finally:
                connection.slots.release()
        except TimeoutError:
            self.figures.timeouts += 1
            raise AriTimeout(f"{what}: no answer within {deadline} s", sent=sent) from None
        finally:
            self._waiting -= 1
        return self._checked(what, answer)

    async def http_request(
        self,
        method: str,
        path_parts: tuple[str, ...],
        params: Mapping[str, str | int | bool] | None = None,
        body: Mapping[str, object] | None = None,
        *,
        deadline: float = 5.0,
    ) -> ari_http.Answer:
        """The same by HTTP: for what may wait for a channel that plays. Bodies up to 40 kB, URIs up to 4 kB."""
        http = self._http_usable()
        self.figures.requests += 1
        what = f"{method} {'/'.join(path_parts)}"
        try:
            answer = await http.request(
                method, ari_http.make_uri(path_parts, params), body, what=what, deadline=deadline
            )
        except AriTimeout:
            self.figures.timeouts += 1
            raise
        return self._checked(what, answer)

    async def download(self, path_parts: tuple[str, ...], target: str, *, deadline: float, most_bytes: int) -> int:
        """Stream the answer of a GET into the file `target` (complete or not there); returns its size in bytes.

        Raises AriRefused, AriTimeout, AriLost, OSError; AriUnreadable if it is longer than `most_bytes`.
        """
        return await self._http_usable().download(path_parts, target, deadline=deadline, most_bytes=most_bytes)

    def _usable(self) -> Connection:
        if self._replaced:
            raise AriReplaced("another client owns the application", sent=False)
        connection = self._connection
        if connection is None or connection.ended.done():
            raise AriLost("not connected", sent=False)
        return connection

    def _http_usable(self) -> ari_http.AriHttp:
        if self._replaced:
            raise AriReplaced("another client owns the application", sent=False)
        if self._http is None:
            raise AriLost("not started", sent=False)
        return self._http

    def _gone(self, connection: Connection) -> AriLost | AriReplaced:
        reason = connection.ended.result()
        return AriReplaced(reason, sent=False) if self._replaced else AriLost(reason, sent=False)

    def _checked(self, what: str, answer: ari_http.Answer) -> ari_http.Answer:
        if answer.status >= 400:
            self.figures.refused += 1
            raise AriRefused(answer.status, ari_http.message_of(answer), what)
        return answer

    # ------------------------------------------------------------ connecting

    async def _run(self) -> None:
        assert self._http is not None
        attempt = 0
        try:
            while not self._replaced:
                if attempt:
                    await asyncio.sleep(self._backoff(attempt))
                attempt += 1
                try:
                    self._http.address = self._address()
                    await self._http.wait_for_ping(self._limits.connect_deadline)
                    apps = ",".join((self.app, *self._also))
                    socket = await self._http.open_events(apps, self._limits.connect_deadline)
                except (AriLost, AriTimeout, AriRefused) as problem:
                    wrong = isinstance(problem, AriRefused) and problem.status in (401, 403)
                    say = _log.error if wrong else _log.info
                    say("asterisk is not there yet", app=self.app, attempt=attempt, reason=str(problem))
                    continue
                if await self._serve(Connection(socket, self._limits.in_flight, self._ready)):
                    attempt = 0
                    # No pause before the first try to come back, but never a busy loop.
                    await asyncio.sleep(self._limits.backoff_first * self._random())
        finally:
            self._connection = None

    def _backoff(self, attempt: int) -> float:
        """0.1 s, 0.2 s ... 3 s, each between half and the whole of it, so that many links do not come in step."""
        step = min(self._limits.backoff_most, self._limits.backoff_first * 2.0 ** min(attempt - 1, 16))
        return step * (0.5 + 0.5 * self._random())

    async def _serve(self, connection: Connection) -> bool:
        """Live with one connection until its end; True if it had become ready."""
        self._connection = connection
        self.figures.connects += 1
        children = [
            asyncio.create_task(self._read(connection), name="ari-read"),
            asyncio.create_task(self._watch(connection), name="ari-watch"),
            asyncio.create_task(self._welcome(connection), name="ari-welcome"),
        ]
        for child in children:
            child.add_done_callback(lambda task: _note_crash(connection, task))
        try:
            await asyncio.wait({connection.ended})
        finally:
            self._connection = None
            lost = connection.ended.done()
            connection.end("closed by us")
            for child in children:
                child.cancel()
            await asyncio.gather(*children, return_exceptions=True)
            if lost:
                self._tell_end(connection.ended.result())
            try:
                async with asyncio.timeout(0.5):
                    await connection.socket.close()
            except (TimeoutError, aiohttp.ClientError, ConnectionError):
                pass  # it is gone anyway
        return connection.held is None

    def _tell_end(self, reason: str) -> None:
        self.figures.losses += 1
        if self._replaced:
            _log.error("another client has taken the application: acting no more", app=self.app)
            if self._on_replaced is not None:
                self._on_replaced()
        else:
            _log.warning("link to asterisk lost", app=self.app, reason=reason)
            if self._on_lost is not None:
                self._on_lost(reason)

    async def _welcome(self, connection: Connection) -> None:
        """Let the owner reconcile, then hand over the events that came meanwhile, in order."""
        try:
            if self._on_connected is not None:
                async with asyncio.timeout(self._limits.reconcile_deadline):
                    await self._on_connected()
        except Exception as problem:  # noqa: BLE001 - the owner's code: whatever went wrong, an unreconciled link must not live
            _log.warning("reconcile failed", app=self.app, exc_info=not isinstance(problem, (AriLost, TimeoutError)))
            connection.end(f"reconcile failed: {type(problem).__name__}")
            return
        held = connection.held
        assert held is not None
        while held:
            for _ in range(min(len(held), 200)):
                self._deliver(held.popleft())
            if held:
                await asyncio.sleep(0)
        if not connection.ended.done():
            connection.held = None
            self._ready.set()
            _log.info("link to asterisk is up", app=self.app)

    async def _read(self, connection: Connection) -> None:
        socket = connection.socket
        while not connection.ended.done():
            message = await socket.receive()
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._take(connection, message.data)
            else:
                code = socket.close_code
                connection.end(f"asterisk closed the connection (code {code})" if code else "connection broken")

    def _take(self, connection: Connection, data: bytes | str) -> None:
        frame = wire.decode_frame(data)
        if isinstance(frame, wire.RestResponse):
            waiting = connection.pending.get(frame.request_id)
            if waiting is None or waiting.done():
                self.figures.late_answers += 1
            else:
                waiting.set_result(frame)
        elif isinstance(frame, wire.UnknownEvent):
            self.figures.unknown_events += 1
        elif isinstance(frame, wire.Unreadable):
            self.figures.unreadable_frames += 1
            _log.warning("frame dropped", app=self.app, type=frame.type, reason=frame.reason)
        elif isinstance(frame, wire.ApplicationReplaced):
            self._replaced = True
            connection.end("another client owns the application", replaced=True)
        elif connection.held is None:
            self._deliver(frame)
        elif len(connection.held) >= self._limits.held_events:
            connection.end("too many events while reconciling")
        else:
            connection.held.append(frame)

    def _deliver(self, event: wire.Event) -> None:
        self.figures.events += 1
        begun = time.perf_counter()
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - one event that breaks the owner's code must not cost all other calls
            self.figures.failed_callbacks += 1
            _log.exception("event callback failed", type=type(event).__name__)
            return
        took = time.perf_counter() - begun
        if took > SLOW_CALLBACK_S:
            self.figures.slow_callbacks += 1
            _log.warning("slow event callback", type=type(event).__name__, ms=round(took * 1000))

    async def _watch(self, connection: Connection) -> None:
        """Ask every second whether Asterisk answers and our application is there, for the first time soon.

        Asterisk may drop the application with the socket of the client before us, when that one ended without a close
        frame (kill -9) while we connected. Our socket then stays open and answers nothing at all (measured), so this
        is asked by HTTP. Events do not count as an answer: they flow on while one blocked request holds up all others.
        """
        limits = self._limits
        uri = ari_http.make_uri(("asterisk", "ping"))
        pause = min(FIRST_LOOK_S, limits.ping_every)
        while not connection.ended.done():
            await asyncio.sleep(pause)
            pause = limits.ping_every
            if await self._application_gone():
                connection.end("asterisk has dropped our application")
                return
            # Not through the slots: with all of them taken this ping is the one that finds out why.
            self.figures.requests += 1
            asked = connection.exchange(*connection.frame("GET", uri, b""), 2.0 * limits.ping_deadline)
            ping = asyncio.create_task(asked, name="ari-ping")
            try:
                await asyncio.wait({ping}, timeout=limits.ping_deadline)
                if not ping.done():
                    # Had this process itself stood still, the answer is in the socket: give it one turn.
                    await asyncio.sleep(0.05)
                if not ping.done():
                    connection.end(f"no ping answered for {limits.ping_deadline} s")
            finally:
                ping.cancel()
                await asyncio.gather(ping, return_exceptions=True)

    async def _application_gone(self) -> bool:
        """Only a clear answer counts; whether Asterisk answers at all is the ping's business."""
        assert self._http is not None
        for app in (self.app, *self._also):
            uri = ari_http.make_uri(("applications", app))
            try:
                answer = await self._http.request("GET", uri, None, what="GET app", deadline=APPLICATION_DEADLINE_S)
            except (AriLost, AriTimeout, AriUnreadable):
                return False
            if answer.status == 404:
                return True
        return False
