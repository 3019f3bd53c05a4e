"""One connection to Asterisk from its opening to its end, and the bounds and counters of a link.

Here: the requests under way on it, each sent once. Not here: reading, reconnecting, bounds of waiting; `ari` does that.
"""

from __future__ import annotations

import asyncio
from collections import deque

import aiohttp
import msgspec

from ctiserver.asterisk import wire
from ctiserver.asterisk.ari_errors import AriLost, AriReplaced
from ctiserver.asterisk.ari_http import Answer


class LinkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one link. Times are seconds."""

    in_flight: int = 64
    waiting: int = 2_000
    held_events: int = 50_000
    frame_bytes: int = 60_000
    answer_bytes: int = 64 * 1024 * 1024
    ping_every: float = 1.0
    ping_deadline: float = 5.0
    connect_deadline: float = 5.0
    reconcile_deadline: float = 30.0
    backoff_first: float = 0.1
    backoff_most: float = 3.0


class LinkFigures(msgspec.Struct):
    """Counters since the link was made; for metrics, never for decisions."""

    connects: int = 0
    losses: int = 0
    requests: int = 0
    refused: int = 0
    timeouts: int = 0
    late_answers: int = 0
    events: int = 0
    unknown_events: int = 0
    unreadable_frames: int = 0
    slow_callbacks: int = 0
    failed_callbacks: int = 0


class Connection:
    """One WebSocket from its opening to its end. `ended` holds the reason as soon as it may not be used."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool], in_flight: int, ready: asyncio.Event) -> None:
        self.socket = socket
        self.ready = ready
        self.slots = asyncio.Semaphore(in_flight)
        self.pending: dict[str, asyncio.Future[wire.RestResponse]] = {}
        self._asked = 0
        self.held: deque[wire.Event] | None = deque()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def end(self, reason: str, *, replaced: bool = False) -> None:
        """From now on nothing goes out; whoever waits for an answer hears that it will not come."""
        if self.ended.done():
            return
        self.ended.set_result(reason)
        self.ready.clear()  # now, not a turn later: whoever hears of the end must not find us ready
        for waiting in self.pending.values():
            if not waiting.done():
                waiting.set_exception(AriReplaced(reason, sent=True) if replaced else AriLost(reason, sent=True))
        self.pending.clear()

    def frame(self, method: str, uri: str, body: bytes) -> tuple[str, bytes]:
        """A new request id, and the frame that carries the request."""
        self._asked += 1
        request_id = str(self._asked)
        message = {
            "type": "RESTRequest",
            "transaction_id": request_id,
            "request_id": request_id,
            "method": method,
            "uri": uri,
        }
        if body:
            message["content_type"] = "application/json"
            message["message_body"] = body.decode()
        return request_id, msgspec.json.encode(message)

    async def exchange(self, request_id: str, frame: bytes, deadline: float) -> Answer:
        """Send a frame before anything waits, then await its answer, `deadline` seconds at most (TimeoutError).

        Raises AriLost, AriReplaced.
        """
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        self.pending[request_id] = waiting
        late = loop.call_later(deadline, _expire, waiting)
        try:
            await self.socket.send_frame(frame, aiohttp.WSMsgType.TEXT)
            response: wire.RestResponse = await waiting
        except (ConnectionError, aiohttp.ClientError) as problem:
            self.end(f"could not write: {type(problem).__name__}")
            raise AriLost(self.ended.result(), sent=True) from problem
        finally:
            late.cancel()
            self.pending.pop(request_id, None)
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # seen: it may have ended while we were still writing
        return Answer(response.status_code, response.reason_phrase, response.message_body.encode())


def _expire(waiting: asyncio.Future[wire.RestResponse]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())
