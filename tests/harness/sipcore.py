"""One SIP user agent without a transport: calls in and out, other requests, and a log with times.

Here: `SipCore`, which matches messages to calls (sipcall.py) and transactions. The UDP agent (sip.py) and the
browser-like WebSocket phone (wsphone.py) give it a `transmit`. Not here: sockets, retransmission, RTP.
Nothing is sent that the test did not ask for, except what any phone does by itself: ACK, 200 to BYE, CANCEL, re-INVITE,
INFO, OPTIONS, NOTIFY and UPDATE, 487 after a CANCEL, and 100 to an INVITE; `polite = False` turns these off.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine

from tests.harness.sipcall import ALLOW as ALLOW, Identity as Identity, Logged as Logged, SipCall as SipCall
from tests.harness.sipmessage import (
    SipMessage,
    challenge_of,
    digest_answer,
    new_branch,
    new_tag,
    parse,
    response_to,
)
from tests.harness.waiting import PATIENCE


class SipCore:
    """The part of a user agent that is the same on every transport. `transmit` puts one message on the wire."""

    def __init__(
        self,
        identity: Identity,
        transmit: Callable[[SipMessage], None],
        *,
        keep: int = 5000,
    ) -> None:
        self.identity = identity
        self.polite = True
        self.log: deque[Logged] = deque(maxlen=keep)
        self.calls: dict[str, SipCall] = {}
        self.incoming: asyncio.Queue[SipCall] = asyncio.Queue()
        self.garbage = 0
        self._transmit = transmit
        self._cseq = 100
        self._answers: dict[str, asyncio.Future[SipMessage]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def send(self, message: SipMessage) -> None:
        self.log.append(Logged(time.monotonic(), time.time(), "out", message))
        self._transmit(message)

    def received(self, data: bytes) -> None:
        """Takes one datagram or one WebSocket message; what is no SIP is counted as garbage."""
        if not data.strip(b"\r\n\0"):
            return
        try:
            message = parse(data)
        except ValueError:
            self.garbage += 1
            return
        self.log.append(Logged(time.monotonic(), time.time(), "in", message))
        call = self.calls.get(message.call_id)
        if not message.is_request:
            waiting = self._answers.get(message.branch)
            if waiting and not waiting.done() and message.status >= 200:
                waiting.set_result(message)
            if call:
                call.got_response(message)
        elif call:
            if message.method == "INVITE" and message.cseq == call.invite.cseq and not call.outgoing:
                return
            call.got_request(message)
        elif message.method == "INVITE":
            call = SipCall(self, message, outgoing=False)
            self.calls[message.call_id] = call
            if self.polite:
                self.send(response_to(message, 100))
            self.incoming.put_nowait(call)
        elif self.polite and message.method != "ACK":
            known = message.method in ("OPTIONS", "NOTIFY")
            self.send(response_to(message, 200 if known else 481, tag=new_tag()))

    async def next_call(self, timeout: float = PATIENCE) -> SipCall:
        """Waits for the next incoming INVITE."""
        try:
            return await asyncio.wait_for(self.incoming.get(), timeout)
        except TimeoutError:
            raise AssertionError(f"no INVITE for {self.identity.user} within {timeout:g} s") from None

    def build(self, method: str, uri: str, *, to: str = "", caller: str = "", body: bytes = b"") -> SipMessage:
        """A request outside any dialog, not yet sent, so that a test can bend it first."""
        me = f"sip:{caller or self.identity.user}@{self.identity.domain}"
        self._cseq += 1
        message = SipMessage(method=method, uri=uri, body=body)
        message.headers = [
            ("Via", f"{self.identity.via};branch={new_branch()};rport"), ("Max-Forwards", "70"),
            ("From", f"<{me}>;tag={new_tag()}"), ("To", f"<{to or uri}>"), ("Call-ID", f"{new_tag()}{new_tag()}"),
            ("CSeq", f"{self._cseq} {method}"), ("Contact", f"<{self.identity.contact}>"), ("Allow", ALLOW),
            ("User-Agent", "harness"),
        ]  # fmt: skip
        if body:
            message.headers.append(("Content-Type", "application/sdp"))
        return message

    def invite(self, uri: str, sdp: bytes, *, caller: str = "", message: SipMessage | None = None) -> SipCall:
        """Sends an INVITE now (or the given, bent one) and returns the call."""
        message = message or self.build("INVITE", uri, caller=caller, body=sdp)
        call = SipCall(self, message, outgoing=True)
        self.calls[message.call_id] = call
        self.send(message)
        return call

    async def outcome(self, request: SipMessage, timeout: float = PATIENCE) -> SipMessage:
        """Waits for the final answer to a request that was just sent."""
        for entry in self.log:
            if entry.way == "in" and entry.message.status >= 200 and entry.message.branch == request.branch:
                return entry.message
        future = self._answers.setdefault(request.branch, asyncio.get_running_loop().create_future())
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise AssertionError(f"no final answer to {request.method} within {timeout:g} s") from None
        finally:
            self._answers.pop(request.branch, None)

    async def ask(self, request: SipMessage, *, timeout: float = PATIENCE) -> SipMessage:
        """Sends a request outside a dialog, answers one digest challenge, and returns the final answer."""
        self.send(request)
        answer = await self.outcome(request, timeout)
        header, challenge = challenge_of(answer)
        if not header or not self.identity.password:
            return answer
        self._cseq += 1
        request.set("CSeq", f"{self._cseq} {request.method}")
        request.headers[0] = ("Via", f"{self.identity.via};branch={new_branch()};rport")
        signed = digest_answer(
            challenge, method=request.method, uri=request.uri, user=self.identity.user, password=self.identity.password
        )
        request.set(header, signed)
        self.send(request)
        return await self.outcome(request, timeout)

    async def register(self, *, expires: int = 300, timeout: float = PATIENCE) -> SipMessage:
        """REGISTER with digest; returns the final answer (200, 403 ...). `expires=0` takes the contact away."""
        domain, user = self.identity.domain, self.identity.user
        request = self.build("REGISTER", f"sip:{domain}", to=f"sip:{user}@{domain}")
        request.set("Expires", str(expires))
        return await self.ask(request, timeout=timeout)
