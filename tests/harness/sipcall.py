"""One call of one of our SIP agents: an INVITE dialog, in either direction.

Here: `SipCall` (what a test does with a call and waits for), the log entry and the identity that agents share. Not
here: transports, other requests, matching messages to calls (sipcore.py).
Times: time.monotonic() seconds in `at`, epoch seconds in `wall`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Literal, Protocol

from tests.harness.sipmessage import (
    SipMessage,
    address,
    challenge_of,
    digest_answer,
    new_branch,
    new_tag,
    param,
    response_to,
)
from tests.harness.waiting import PATIENCE, exactly_at

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


class Agent(Protocol):
    """What a call needs of its agent; SipCore is the one that exists."""

    identity: Identity
    polite: bool
    log: deque[Logged]

    def send(self, message: SipMessage) -> None: ...

    def spawn(self, work: Coroutine[object, object, None]) -> None: ...


class SipCall:
    """One INVITE dialog. Made by `SipCore.invite` (we call) or taken from `SipCore.incoming` (they call)."""

    def __init__(self, core: Agent, invite: SipMessage, *, outgoing: bool) -> None:
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
        self._signed = False

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

    async def answered(self, timeout: float = PATIENCE) -> SipMessage:
        """Waits for a final answer to our INVITE and returns it; fails when it is not a 2xx."""
        final = await self.final(timeout)
        assert 200 <= final.status < 300, f"call was refused: {final}"
        return final

    async def final(self, timeout: float = PATIENCE) -> SipMessage:
        """Waits for the final answer to our INVITE, whatever it is."""
        await self._until(lambda: self.status >= 200, timeout, "final answer to INVITE")
        return next(e.message for e in reversed(self.log("in")) if e.message.status == self.status)

    async def ringing(self, timeout: float = PATIENCE) -> None:
        """Waits for 180 or 183 to our INVITE (a final answer counts too)."""
        await self._until(lambda: self.status >= 180, timeout, "180 or 183")

    async def acked(self, timeout: float = PATIENCE) -> None:
        """Waits for the ACK to our final answer."""
        await self._until(lambda: self._acked, timeout, "ACK")

    async def ended(self, timeout: float = PATIENCE) -> float:
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
            self._ack_refusal(response)
            if self._sign_again(response):
                return
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

    def _ack_refusal(self, response: SipMessage) -> None:
        """The hop-by-hop ACK to a non-2xx answer: same branch as the INVITE."""
        invite = self.invite
        ack = SipMessage(method="ACK", uri=invite.uri)
        ack.headers = [("Via", invite.get("via")), ("Max-Forwards", "70"), ("From", invite.get("from"))]
        ack.headers += [("To", response.get("to")), ("Call-ID", invite.call_id), ("CSeq", f"{invite.cseq} ACK")]
        self.core.send(ack)

    def _sign_again(self, response: SipMessage) -> bool:
        """Answers the first digest challenge to our INVITE with a signed one."""
        header, challenge = challenge_of(response)
        identity = self.core.identity
        if not header or not identity.password or self._signed:
            return False
        self._signed = True
        self.cseq += 1
        invite = SipMessage("INVITE", self.invite.uri, headers=list(self.invite.headers), body=self.invite.body)
        invite.headers[0] = ("Via", f"{identity.via};branch={new_branch()};rport")
        invite.set("CSeq", f"{self.cseq} INVITE")
        invite.set(
            header,
            digest_answer(challenge, method="INVITE", uri=invite.uri, user=identity.user, password=identity.password),
        )
        self.invite = invite
        self.core.send(invite)
        return True
