"""The boards of `benchmarks.desktops`, all in one process of their own: leads' live boards that write down what they
are told of agents' states.

Told by its input: first a `Plan`, then a line a question, each answered with one line (`Shown`). Moments are epoch
seconds. Not here: whose state changes (floor_people.py), what is made of it (desktops_result.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque

import msgspec

from benchmarks.desks import COOKIE, PATIENCE, say, watch
from benchmarks.house import Login
from benchmarks.links import BrokenLink, Link


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server is, and whose boards: one a login that is named."""

    host: str
    port: int
    boards: tuple[Login, ...]


class Sight(msgspec.Struct, array_like=True):
    """A board was told that an agent is in a state."""

    board: int
    user: str
    state: str
    at: float


class Shown(msgspec.Struct, kw_only=True):
    """Since the last question. `late`: seconds of this process's own event loop."""

    open: int = 0
    agents: int = 0
    """that each board has, at least"""
    sights: list[Sight] = []
    messages: int = 0
    bytes: int = 0
    gaps: int = 0
    """deltas that do not follow the one before"""
    late: list[float] = []
    complaints: list[str] = []


class _Agent(msgspec.Struct):
    id: str
    state: str


class _Message(msgspec.Struct):
    type: str
    seq: int = -1
    prev: int = -1
    docs: dict[str, msgspec.Raw] = {}
    set: dict[str, msgspec.Raw] = {}


_messages = msgspec.json.Decoder(_Message)
_agents = msgspec.json.Decoder(_Agent)
_encode = msgspec.json.Encoder().encode


class Board(Link):
    """One board. `shown` is shared with the others."""

    def __init__(self, number: int, shown: Shown) -> None:
        super().__init__()
        self.number = number
        self.shown = shown
        self.seq = -1
        self.agents = 0
        self.filled = asyncio.Event()

    def heard(self, message: bytes, at: float) -> None:
        self.shown.messages += 1
        self.shown.bytes += len(message)
        found = _messages.decode(message)
        if found.type == "snapshot":
            self.agents = sum(key.startswith("agent/") for key in found.docs)
            self.filled.set()
        elif found.type == "delta":
            self.shown.gaps += found.prev != self.seq
        else:
            return
        self.seq = found.seq
        for key, doc in found.set.items():
            if key.startswith("agent/"):
                agent = _agents.decode(doc)
                self.shown.sights.append(Sight(self.number, agent.id, agent.state, at))


async def _run(plan: Plan, lines: asyncio.StreamReader) -> None:
    shown = Shown()
    boards = [Board(number, shown) for number in range(len(plan.boards))]
    late: deque[tuple[float, float]] = deque(maxlen=100_000)
    async with asyncio.timeout(PATIENCE):
        for board, login in zip(boards, plan.boards, strict=True):
            headers = {"Origin": f"http://{plan.host}:{plan.port}", "Cookie": f"{COOKIE}={login.token}"}
            await board.open(plan.host, plan.port, "/api/v1/floor/live", headers)
        for board in boards:
            await board.filled.wait()
    watching = asyncio.create_task(watch(late))
    try:
        while True:
            shown.open = sum(not board.closed for board in boards)
            shown.agents = min((board.agents for board in boards), default=0)
            shown.late = [seconds for _, seconds in late]
            say(_encode(shown))
            late.clear()
            shown.sights, shown.messages, shown.bytes = [], 0, 0
            if not await lines.readline():
                return
    finally:
        watching.cancel()
        for board in boards:
            board.close()


async def _main() -> int:
    lines = asyncio.StreamReader(limit=4 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    plan = msgspec.json.decode(await lines.readline(), type=Plan)
    try:
        await _run(plan, lines)
    except (BrokenLink, OSError, TimeoutError) as error:
        say(_encode(Shown(complaints=[f"the boards: {type(error).__name__} {error}"])))
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(_main()))
