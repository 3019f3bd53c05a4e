"""The people of `benchmarks.desktops`, all in one process of their own: each one a desktop with a browser's phone.

Each has a live link, the device lease and a registered SIP WebSocket, as a page has; the phone registers again as often
as the page's does. Told by its input: first a `Crowd`, then one `Ask` a line, each answered with one line (`Told`).
Here also: what changes states, so many a second. Not here: who looks at it (boards.py). Moments are epoch seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import sys
import time
from collections import deque
from collections.abc import Sequence

import aiohttp
import msgspec

from benchmarks.desks import AT_ONCE, COOKIE, PATIENCE, READY, Desktop, Seen, say, watch
from benchmarks.house import Login
from benchmarks.links import BrokenLink, Link
from tests.harness.sipcore import Identity, SipCore

EXPIRES = 120
"""Seconds of a registration, and (below) until the next: what the page's JsSIP does (jssip.ts, its Registrator)."""
AGAIN = (60.0, 88.0)
SETTLE = 1.0
"""Seconds in which what was sent last is answered and known."""
NOT_READY = "not_ready"
REASONS = ("break", "paperwork")


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server is, and who comes. `shadows`: further links of somebody who is on another page; they have no
    phone."""

    host: str
    port: int
    people: tuple[Login, ...]
    shadows: tuple[Login, ...] = ()


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """From now on so many state changes a second, by all people in turn, or by the `shadows`. 0: none."""

    rate: float = 0.0
    shadows: bool = False


class Change(msgspec.Struct, array_like=True):
    """One change of state by command: when it was sent, when it was answered, when the own page knew (0.0: not yet)."""

    user: str
    state: str
    sent: float
    answered: float = 0.0
    known: float = 0.0


class Told(msgspec.Struct, kw_only=True):
    """Since the last line. `late`: seconds of this process's own event loop."""

    open: int = 0
    ready: int = 0
    registered: int = 0
    changes: list[Change] = []
    figures: list[list[float]] = []
    """Of each person: when figures of queues came."""
    messages: int = 0
    registers: int = 0
    late: list[float] = []
    complaints: list[str] = []


class _Me(msgspec.Struct):
    state: str


class _Delta(msgspec.Struct):
    set: dict[str, msgspec.Raw] = {}
    docs: dict[str, msgspec.Raw] = {}


class _Answer(msgspec.Struct):
    id: str
    ok: bool
    code: str = ""
    detail: str = ""


class _Grant(msgspec.Struct):
    lease: str
    username: str
    password: str
    ws_path: str


_deltas = msgspec.json.Decoder(_Delta)
_mes = msgspec.json.Decoder(_Me)
_answers = msgspec.json.Decoder(_Answer)
_encode = msgspec.json.Encoder().encode


class Phone(Link):
    """The SIP WebSocket of one page."""

    def __init__(self, grant: _Grant, domain: str) -> None:
        super().__init__()
        host = f"{secrets.token_hex(6)}.invalid"
        self.path = grant.ws_path
        self.core = SipCore(
            Identity(
                user=grant.username,
                domain=domain,
                contact=f"sip:{secrets.token_hex(4)}@{host};transport=ws",
                via=f"SIP/2.0/WS {host}",
                password=grant.password,
            ),
            lambda message: self.send(message.encode()),
            keep=8,
        )

    def heard(self, message: bytes, at: float) -> None:
        self.core.received(message)


class Person(Desktop):
    """`state` is what his own document says."""

    def __init__(self, login: Login, seen: Seen) -> None:
        super().__init__(login, seen)
        self.state = ""
        self.ready = asyncio.Event()
        self.there = asyncio.Event()
        self.figures: list[float] = []
        self.changes: list[Change] = []
        """Those of which something is still to come."""
        self.phone: Phone | None = None
        self.registers = 0
        self._waiting: dict[str, Change] = {}

    def heard(self, message: bytes, at: float) -> None:
        self.seen.deltas += 1
        if message.startswith(b'{"type":"answer"'):
            answer = _answers.decode(message)
            change = self._waiting.pop(answer.id, None)
            if change is not None:
                change.answered = at
            if not answer.ok:
                self.seen.complaints.append(f"{self.login.user}: {answer.code} {answer.detail}"[:200])
            return
        if b'"queue/' in message:
            self.figures.append(at)
        if b'"me":' not in message:
            return
        found = _deltas.decode(message)
        doc = found.set.get("me") or found.docs.get("me")
        if doc is not None:
            me = _mes.decode(doc)
            self.state = me.state
            self.there.set()
            if me.state == READY:
                self.ready.set()
            for change in self.changes:
                if change.state == me.state and not change.known:
                    change.known = at

    async def begin(self, http: aiohttp.ClientSession, crowd: Crowd) -> None:
        """Sign in, take the device lease, register, be ready."""
        await self.start(crowd.host, crowd.port)
        url = f"http://{crowd.host}:{crowd.port}"
        headers = {"Origin": url, "Cookie": f"{COOKIE}={self.login.token}"}
        async with http.get(f"{url}/api/v1/me", headers=headers, raise_for_status=True) as answer:
            headers["X-CSRF-Token"] = (await answer.json())["csrf"]
        body = {"instance": secrets.token_hex(8), "lease": None, "take_over": False}
        async with http.post(f"{url}/api/v1/device", json=body, headers=headers, raise_for_status=True) as answer:
            grant = msgspec.json.decode(await answer.read(), type=_Grant)
        self.phone = phone = Phone(grant, crowd.host)
        sip = {"Origin": url, "Cookie": headers["Cookie"], "Sec-WebSocket-Protocol": "sip"}
        await phone.open(crowd.host, crowd.port, phone.path, sip)
        await self.register()
        self.command("PhoneReady", lease=grant.lease, instance=body["instance"])
        self.command("SetReady")
        await self.ready.wait()

    async def register(self) -> None:
        assert self.phone is not None
        answer = await self.phone.core.register(expires=EXPIRES)
        self.registers += answer.status == 200
        if answer.status != 200:
            self.seen.complaints.append(f"{self.login.user}: REGISTER ended in {answer.status}")

    def change(self) -> Change:
        """Ready becomes not ready, and not ready ready."""
        state = NOT_READY if self.state == READY else READY
        self.changes = [one for one in self.changes if not one.known]
        change = Change(self.login.user, state, time.time())
        if state == READY:
            self.command("SetReady")
        else:
            self.command("SetNotReady", reason=REASONS[0])
        self._note(change)
        return change

    def flicker(self, turn: int) -> Change:
        """Another reason: his page is told, and nobody's queue changes."""
        self.changes = []
        change = Change(self.login.user, NOT_READY, time.time())
        self.command("SetNotReady", reason=REASONS[turn % len(REASONS)])
        self._note(change)
        return change

    def _note(self, change: Change) -> None:
        self.changes.append(change)
        self._waiting[f"{self._commands}"] = change


class Changing:
    """States that change at a steady rate, until it is cancelled."""

    def __init__(self) -> None:
        self.made: list[Change] = []
        self._turn = 0

    async def run(self, people: Sequence[Person], ask: Ask) -> None:
        due = time.monotonic()
        while True:
            person = people[self._turn % len(people)]
            self._turn += 1
            self.made.append(person.flicker(self._turn) if ask.shadows else person.change())
            due += 1 / ask.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _again(person: Person) -> None:
    """First at any moment: five hundred desktops that were opened over a morning."""
    await asyncio.sleep(random.uniform(0.0, AGAIN[1]))
    while True:
        try:
            await person.register()
        except AssertionError as late:
            person.seen.complaints.append(f"{person.login.user}: {late}")
        await asyncio.sleep(random.uniform(*AGAIN))


async def _come(people: Sequence[Person], crowd: Crowd) -> None:
    slots = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:

        async def one(person: Person) -> None:
            async with slots:
                await person.begin(http, crowd)

        await asyncio.gather(*(one(person) for person in people))


async def _run(crowd: Crowd, lines: asyncio.StreamReader) -> None:
    seen = Seen()
    people = [Person(login, seen) for login in crowd.people]
    shadows = [Person(login, seen) for login in crowd.shadows]
    late: deque[tuple[float, float]] = deque(maxlen=100_000)
    changing = Changing()

    def told() -> bytes:
        everybody = (*people, *shadows)
        answer = _encode(
            Told(
                open=sum(not person.closed for person in people),
                ready=sum(person.state == READY for person in people),
                registered=sum(person.phone is not None and not person.phone.closed for person in people),
                changes=changing.made,
                figures=[person.figures for person in people],
                messages=seen.deltas,
                registers=sum(person.registers for person in people),
                late=[seconds for _, seconds in late],
                complaints=seen.complaints[:10],
            )
        )
        late.clear()
        changing.made, seen.complaints, seen.deltas = [], [], 0
        for person in everybody:
            person.figures, person.registers = [], 0
        return answer

    async with asyncio.timeout(4 * PATIENCE):
        await _come(people, crowd)
    tasks = [asyncio.create_task(_again(person)) for person in people] + [asyncio.create_task(watch(late))]
    driver: asyncio.Task[None] | None = None
    say(told())
    try:
        while line := await lines.readline():
            if driver is not None:
                driver.cancel()
                await asyncio.sleep(SETTLE)
            ask = msgspec.json.decode(line, type=Ask)
            for shadow in shadows if ask.shadows else ():
                if not shadow.state:
                    await shadow.start(crowd.host, crowd.port)
                    await shadow.there.wait()
            say(told())
            driver = asyncio.create_task(changing.run(shadows if ask.shadows else people, ask)) if ask.rate else None
    finally:
        for task in (*tasks, *([driver] if driver is not None else [])):
            task.cancel()


async def _main() -> int:
    lines = asyncio.StreamReader(limit=4 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    crowd = msgspec.json.decode(await lines.readline(), type=Crowd)
    try:
        await _run(crowd, lines)
    except (BrokenLink, OSError, TimeoutError, AssertionError, aiohttp.ClientError) as error:
        say(_encode(Told(complaints=[f"the people: {type(error).__name__} {error}"[:300]])))
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(_main()))
