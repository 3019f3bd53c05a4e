"""One SIP user agent without a transport: calls in and out, other requests, and a log with times.

Here: `SipCore` (matches messages to calls and transactions) and `SipCall` (one INVITE dialog, either direction).
The UDP agent (sip.py) and the browser-like WebSocket phone (wsphone.py) give it a `send`. Not here: sockets,
retransmission, RTP. Nothing is sent that the test did not ask for, except what any phone does by itself: ACK, 200 to
BYE, CANCEL, re-INVITE, INFO, OPTIONS, NOTIFY and UPDATE, and 487 after a CANCEL (each can be turned off by `polite`).
Times: time.monotonic() seconds in `at`, epoch seconds in `wall`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Literal

from tests.harness.sipmessage import (
    SipMessage,
    address,
    challenge_of,
    digest_answer,
    new_branch,
    new_tag,
    param,
    parse,
    response_to,
)
from tests.harness.waiting import exactly_at

ALLOW = "INVITE, ACK, BYE, CANCEL, INFO, OPTIONS, NOTIFY, UPDATE"


@dataclass(frozen=True, slots=True)
class Logged:
    """One message that was sent or received, with both clocks."""

    at: float
    wall: float
    way: Literal["in", "out"]
    message: SipMessage


@dataclass(frozen=True)
class Identity:
    """How this agent names itself in the messages it builds."""

    user: str
    domain: str
    contact: str
    via: str
    """Transport and sent-by, as in 'SIP/2.0/UDP 127.0.0.1:5080'."""
    password: str = ""


class SipCall:
    """One INVITE dialog. Made by `SipCore.invite` (we call) or taken from `SipCore.incoming` (they call)."""

    def __init__(self, core: "SipCore", invite: SipMessage, *, outgoing: bool) -> None:
        self.core = core
        self.invite = invite
        self.outgoing = outgoing
        self.call_id = invite.call_id
        self.tag = param(invite.get("from"), "tag") if outgoing else new_tag()
        self.remote_tag = "" if outgoing else param(invite.get("from"), "tag")
        self.target = invite.uri if outgoing else address(invite.get("contact"))
        self.route = [] if outgoing else invite.all("record-route")
        self.local_sdp = invite.body if outgoing else b""
        self.remote_sdp = b"" if outgoing else invite.body
        self.cseq = invite.cseq if outgoing else 0
        self.status = 0
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.ended_by: Literal["", "us", "them", "failed", "cancelled"] = ""
        self._changed = asyncio.Condition()
        self._acked = False

    # --- waiting ------------------------------------------------------------------------------------------------

    async def _until(self, check: Callable[[], bool], timeout: float, what: str) -> None:
        async def wait() -> None:
            async with self._changed:
                await self._changed.wait_for(check)

        try:
            await asyncio.wait_for(wait(), timeout)
        except TimeoutError:
            story = ", ".join(f"{entry.way} {entry.message}" for entry in self.log()) or "nothing"
            raise AssertionError(f"not within {timeout:g} s: {what}; seen: {story}") from None

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def changed(self) -> None:
        self.core.spawn(self._notify())

    async def answered(self, timeout: float = 5.0) -> SipMessage:
        """Waits for a final answer to our INVITE and returns it; fails when it is not a 2xx."""
        final = await self.final(timeout)
        assert 200 <= final.status < 300, f"call was refused: {final}"
        return final

    async def final(self, timeout: float = 5.0) -> SipMessage:
        """Waits for the final answer to our INVITE, whatever it is."""
        await self._until(lambda: self.status >= 200, timeout, "final answer to INVITE")
        return next(e.message for e in reversed(self.log("in")) if e.message.status == self.status)

    async def ringing(self, timeout: float = 5.0) -> None:
        """Waits for 180 or 183 to our INVITE (a final answer counts too)."""
        await self._until(lambda: self.status >= 180, timeout, "180 or 183")

    async def acked(self, timeout: float = 5.0) -> None:
        """Waits for the ACK to our final answer."""
        await self._until(lambda: self._acked, timeout, "ACK")

    async def ended(self, timeout: float = 5.0) -> float:
        """Waits for the end of the call by either side; returns its monotonic time."""
        await self._until(lambda: self.ended_at is not None, timeout, "end of the call")
        assert self.ended_at is not None
        return self.ended_at

    def log(self, way: Literal["in", "out"] | None = None) -> list[Logged]:
        return [e for e in self.core.log if e.message.call_id == self.call_id and way in (None, e.way)]

    def time_of(self, what: str, *, cseq: str = "", way: Literal["in", "out"] | None = None) -> float:
        """Monotonic time of the first message with this method or status; AssertionError when there is none."""
        for entry in self.log(way):
            kind = entry.message.method or str(entry.message.status)
            if kind == what and cseq in ("", entry.message.cseq_method):
                return entry.at
        raise AssertionError(f"no {what} {cseq} in this call")

    # --- answering (they called us) -----------------------------------------------------------------------------

    def ring(self, status: int = 180) -> None:
        self._respond(self.invite, status)

    def answer(self, sdp: bytes, *, status: int = 200) -> None:
        """Sends 200 with this body now."""
        self.local_sdp = sdp
        self._respond(self.invite, status, body=sdp)
        self.status, self.answered_at = status, time.monotonic()
        self.changed()

    async def answer_at(self, moment: float, sdp: bytes) -> float:
        """Sends 200 at this monotonic moment; returns how late it was, in seconds."""
        late = await exactly_at(moment)
        self.answer(sdp)
        return late

    def reject(self, status: int = 486) -> None:
        """Sends a final refusal now: 486, 603, 480, 404, 500 ..."""
        self._respond(self.invite, status)
        self.status = status
        self.over("us")

    def _respond(self, request: SipMessage, status: int, body: bytes = b"") -> None:
        answer = response_to(request, status, tag=self.tag)
        answer.headers += [("Contact", f"<{self.core.identity.contact}>"), ("Allow", ALLOW)]
        if body:
            answer.headers.append(("Content-Type", "application/sdp"))
            answer.body = body
        self.core.send(answer)

    # --- ending and talking -------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        extra: tuple[tuple[str, str], ...] = (),
        cseq: int = 0,
    ) -> SipMessage:
        """Builds and sends a request inside the dialog; use `await core.outcome(...)` of it for the answer."""
        if method != "ACK":
            self.cseq += 1
        ours, theirs = self.invite.get("from"), self.invite.get("to")
        if not self.outgoing:
            ours, theirs = f"{theirs};tag={self.tag}", ours
        elif self.remote_tag and not param(theirs, "tag"):
            theirs += f";tag={self.remote_tag}"
        message = SipMessage(method=method, uri=self.target, body=body)
        message.headers = [
            ("Via", f"{self.core.identity.via};branch={new_branch()};rport"), ("Max-Forwards", "70"),
            *(("Route", hop) for hop in self.route), ("From", ours), ("To", theirs), ("Call-ID", self.call_id),
            ("CSeq", f"{cseq or (self.invite.cseq if method == 'ACK' else self.cseq)} {method}"),
            ("Contact", f"<{self.core.identity.contact}>"), *extra,
        ]  # fmt: skip
        if content_type:
            message.headers.append(("Content-Type", content_type))
        self.core.send(message)
        return message

    def bye(self) -> SipMessage:
        """Sends BYE now."""
        message = self.request("BYE")
        self.over("us")
        return message

    async def bye_at(self, moment: float) -> float:
        """Sends BYE at this monotonic moment; returns how late it was, in seconds."""
        late = await exactly_at(moment)
        self.bye()
        return late

    def cancel(self) -> None:
        """Sends CANCEL for our INVITE now; the 487 then arrives as its final answer."""
        message = SipMessage(method="CANCEL", uri=self.invite.uri)
        for name in ("Via", "Max-Forwards", "Route", "From", "To", "Call-ID"):
            message.headers += [(name, value) for value in self.invite.all(name)]
        message.headers.append(("CSeq", f"{self.invite.cseq} CANCEL"))
        self.core.send(message)

    def info_digit(self, key: str, *, duration_ms: int = 160) -> SipMessage:
        """One digit as SIP INFO, application/dtmf-relay."""
        body = f"Signal={key}\r\nDuration={duration_ms}\r\n".encode()
        return self.request("INFO", body=body, content_type="application/dtmf-relay")

    def over(self, by: Literal["us", "them", "failed", "cancelled"]) -> None:
        if self.ended_at is None:
            self.ended_at, self.ended_by = time.monotonic(), by
        self.changed()

    # --- what arrives -------------------------------------------------------------------------------------------

    def got_response(self, response: SipMessage) -> None:
        if response.cseq_method != "INVITE":
            return
        if not self.outgoing or response.cseq != self.invite.cseq:
            if self.core.polite and 200 <= response.status < 300:
                self.request("ACK", cseq=response.cseq)
            return
        if self.status >= 200 and response.status < 200:
            return
        if response.status > 100:
            self.remote_tag = param(response.get("to"), "tag") or self.remote_tag
        if response.body:
            self.remote_sdp = response.body
        if response.status < 200:
            self.status = response.status
        elif response.status < 300:
            self.target = address(response.get("contact")) or self.target
            self.route = list(reversed(response.all("record-route")))
            if self.core.polite:
                self.request("ACK")
            if self.status < 200:
                self.status, self.answered_at = response.status, time.monotonic()
        else:
            self.core.ack_refusal(self.invite, response)
            self.status = response.status
            self.over("failed")
        self.changed()

    def got_request(self, request: SipMessage) -> None:
        if request.method == "ACK":
            self._acked = True
        elif request.method == "BYE":
            self.over("them")
        elif request.method == "CANCEL" and self.status < 200 and self.core.polite and not self.outgoing:
            self._respond(request, 200)
            self._respond(self.invite, 487)
            self.status = 487
            self.over("cancelled")
            return
        if self.core.polite and request.method != "ACK":
            body = self.local_sdp if request.method == "INVITE" else b""
            if request.method == "INVITE" and request.body:
                self.remote_sdp = request.body
            self._respond(request, 200, body=body)
        self.changed()


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

    async def next_call(self, timeout: float = 5.0) -> SipCall:
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

    async def outcome(self, request: SipMessage, timeout: float = 5.0) -> SipMessage:
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

    async def ask(self, request: SipMessage, *, timeout: float = 5.0) -> SipMessage:
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

    async def register(self, *, expires: int = 300, timeout: float = 5.0) -> SipMessage:
        """REGISTER with digest; returns the final answer (200, 403 ...). `expires=0` takes the contact away."""
        domain, user = self.identity.domain, self.identity.user
        request = self.build("REGISTER", f"sip:{domain}", to=f"sip:{user}@{domain}")
        request.set("Expires", str(expires))
        return await self.ask(request, timeout=timeout)

    def ack_refusal(self, invite: SipMessage, response: SipMessage) -> None:
        """The hop-by-hop ACK to a non-2xx answer: same branch as the INVITE."""
        ack = SipMessage(method="ACK", uri=invite.uri)
        ack.headers = [("Via", invite.get("via")), ("Max-Forwards", "70"), ("From", invite.get("from"))]
        ack.headers += [("To", response.get("to")), ("Call-ID", invite.call_id), ("CSeq", f"{invite.cseq} ACK")]
        self.send(ack)
