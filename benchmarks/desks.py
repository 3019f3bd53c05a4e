"""The desktops of a benchmark, all in one process of their own (`python -m benchmarks.desks`, told by its input).

Agents confirm each offer when its document has arrived and file the wrap-up at once; their phones are somebody else's
(phones.py). Idle desktops are signed in, not ready, and only watch. First line in: a `Plan`; then one line a question,
each answered with one line (`Seen`): what was seen since the last. The end of the input is the end.
Moments are epoch seconds of this machine's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from benchmarks.house import Login
from benchmarks.links import BrokenLink, Link

AT_ONCE = 20
"""Links that are opened side by side."""
PATIENCE = 30.0
COOKIE = "hh_session"
WRAP_UP = "resolved"
"""The disposition of every call: one that all queues of the demo site have."""
READY = "ready"
EVERY = 0.02
"""Seconds between two looks at this process's own lateness."""
_COMPLAINTS = 10

T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server is, and who comes. `ready`: wait until each agent was ready once; in the middle of calls it may
    never be seen, straight from a wrap-up into the next offer."""

    host: str
    port: int
    agents: tuple[Login, ...]
    idle: tuple[Login, ...]
    ready: bool = True


class Seen(msgspec.Struct, kw_only=True):
    """Since the last question. `late`: (moment, seconds) of this process's own event loop."""

    shown: dict[str, float] = {}
    """reservation -> when its offer was decoded"""
    wrapped_up: dict[str, float] = {}
    """conversation -> when its wrap-up was filed"""
    deltas: int = 0
    bytes: int = 0
    late: list[tuple[float, float]] = []
    complaints: list[str] = []
    ready: int = 0
    """agents who are ready now"""
    open: int = 0
    """links that are open now"""


class _Work(msgspec.Struct):
    kind: str
    contact: str
    conversation: str
    reservation: str | None = None


class _Me(msgspec.Struct):
    state: str


class _Message(msgspec.Struct):
    type: str
    docs: dict[str, msgspec.Raw] = {}
    set: dict[str, msgspec.Raw] = {}
    ok: bool = True
    code: str = ""
    detail: str = ""


_messages = msgspec.json.Decoder(_Message)
_works = msgspec.json.Decoder(_Work)
_mes = msgspec.json.Decoder(_Me)
_encode = msgspec.json.Encoder().encode


class Desktop(Link):
    """One watching desktop: counts what comes."""

    def __init__(self, login: Login, seen: Seen) -> None:
        super().__init__()
        self.login = login
        self.seen = seen
        self._commands = 0

    async def start(self, host: str, port: int) -> None:
        headers = {"Origin": f"http://{host}:{port}", "Cookie": f"{COOKIE}={self.login.token}"}
        await self.open(host, port, "/api/v1/live", headers)
        self.command("SignIn")

    def command(self, name: str, **fields: object) -> None:
        self._commands += 1
        self.send(_encode({"type": "command", "id": f"{self._commands}", "name": name, **fields}))

    def heard(self, message: bytes, at: float) -> None:
        self.seen.deltas += message.startswith(b'{"type":"delta"')
        self.seen.bytes += len(message)
        if message.startswith(b'{"type":"answer"'):
            self._answered(_messages.decode(message))

    def _answered(self, answer: _Message) -> None:
        if not answer.ok and len(self.seen.complaints) < _COMPLAINTS:
            self.seen.complaints.append(f"desktop {self.login.user}: {answer.code} {answer.detail}")


class Agent(Desktop):
    """Works by himself; `state` is what his own document says."""

    def __init__(self, login: Login, seen: Seen) -> None:
        super().__init__(login, seen)
        self.state = ""
        self.ready = asyncio.Event()
        """He was ready once."""
        self._offered = ""
        self._filed = ""

    async def start(self, host: str, port: int) -> None:
        await super().start(host, port)
        self.command("SetReady")

    def heard(self, message: bytes, at: float) -> None:
        super().heard(message, at)
        if b'"work/' not in message and b'"me":' not in message:
            return
        found = _messages.decode(message)
        for key, doc in (found.set or found.docs).items():
            if key.startswith("work/"):
                self._work(_works.decode(doc), at)
            elif key == "me":
                self.state = _mes.decode(doc).state
                if self.state == READY:
                    self.ready.set()

    def _work(self, work: _Work, at: float) -> None:
        if work.kind == "offer" and work.reservation is not None and work.reservation != self._offered:
            self._offered = work.reservation
            self.seen.shown[work.reservation] = at
            self.command("ConfirmOffer", reservation=work.reservation)
        elif work.kind == "wrap_up" and work.contact != self._filed:
            self._filed = work.contact
            self.command("FinishWrapUp", contact=work.contact, disposition=WRAP_UP, note="benchmark", ready=True)
            self.seen.wrapped_up[work.conversation] = time.time()


async def watch(late: deque[tuple[float, float]]) -> None:
    """(moment, seconds) of this event loop's lateness, until it is cancelled."""
    while True:
        due = time.monotonic() + EVERY
        await asyncio.sleep(EVERY)
        late.append((time.time(), max(0.0, time.monotonic() - due)))


async def _open(desktops: Sequence[Desktop], plan: Plan) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(desktop: Desktop) -> None:
        async with slots:
            await desktop.start(plan.host, plan.port)

    await asyncio.gather(*(one(desktop) for desktop in desktops))


async def _run(plan: Plan, lines: asyncio.StreamReader) -> None:
    seen = Seen()
    agents = [Agent(login, seen) for login in plan.agents]
    idle = [Desktop(login, seen) for login in plan.idle]
    late: deque[tuple[float, float]] = deque(maxlen=100_000)
    async with asyncio.timeout(PATIENCE):
        await _open([*agents, *idle], plan)
        if plan.ready:
            await asyncio.gather(*(agent.ready.wait() for agent in agents))
    watching = asyncio.create_task(watch(late))
    try:
        say(_since(seen, agents, idle, late))
        while await lines.readline():
            say(_since(seen, agents, idle, late))
    finally:
        watching.cancel()
        for desktop in (*agents, *idle):
            desktop.close()


def _since(seen: Seen, agents: Sequence[Agent], idle: Sequence[Desktop], late: deque[tuple[float, float]]) -> bytes:
    seen.ready = sum(agent.state == READY for agent in agents)
    seen.open = sum(not desktop.closed for desktop in (*agents, *idle))
    seen.late = list(late)
    answer = _encode(seen)
    late.clear()
    seen.shown, seen.wrapped_up, seen.complaints = {}, {}, []
    seen.deltas = seen.bytes = 0
    return answer


def say(line: bytes) -> None:
    """One line out."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


async def _main() -> int:
    lines = asyncio.StreamReader(limit=4 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    plan = msgspec.json.decode(await lines.readline(), type=Plan)
    try:
        await _run(plan, lines)
    except (BrokenLink, OSError, TimeoutError) as error:
        say(_encode(Seen(complaints=[f"the desktops: {type(error).__name__} {error}"])))
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(_main()))
