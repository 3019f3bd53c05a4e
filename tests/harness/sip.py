"""A scriptable SIP user agent on UDP, for tests that need exact moments or odd bytes.

Here: `SipAgent`, the UDP transport around SipCore, with raw datagrams and plain retransmission of unanswered requests.
Not here: dialogs and messages (sipcore.py, sipmessage.py), RTP (rtp.py), callers through SIPp (sipp.py).
Retransmission: RFC 3261 timer T1 = 0.5 s, doubled, at most six times.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.harness import sdp
from tests.harness.g711 import Codec
from tests.harness.rtp import RtpEndpoint
from tests.harness.sipcore import Identity, SipCall, SipCore
from tests.harness.sipmessage import SipMessage
from tests.harness.waiting import PATIENCE

_T1 = 0.5
_RESENDS = 6


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there (ICMP): the retransmission goes on and the wait of the test says what is missing."""


class SipAgent:
    """`async with SipAgent(target=("127.0.0.1", 5060), user="1001") as phone:`

    As a caller: `call = phone.invite("95500", rtp)`; as the called: `call = await phone.next_call()`, then
    `call.ring()`, `await call.answer_at(moment, phone.sdp(rtp))`, `call.reject(486)`. Everything that SipCore offers is
    in `phone.core`; a call that came in is answered to where it came from; `phone.raw(b"...")` sends any datagram.
    """

    def __init__(
        self,
        *,
        target: tuple[str, int],
        user: str = "tester",
        password: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        domain: str = "",
    ) -> None:
        self.target, self.host, self.port = target, host, port
        self._user, self._password, self._domain = user, password, domain
        self._transport: asyncio.DatagramTransport | None = None
        self._core: SipCore | None = None
        self._source = target
        self._peers: dict[str, tuple[str, int]] = {}

    @property
    def core(self) -> SipCore:
        assert self._core is not None, "use SipAgent inside `async with`"
        return self._core

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Socket(self._datagram), local_addr=(self.host, self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        identity = Identity(
            user=self._user,
            domain=self._domain or self.target[0],
            contact=f"sip:{self._user}@{self.host}:{self.port}",
            via=f"SIP/2.0/UDP {self.host}:{self.port}",
            password=self._password,
        )
        self._core = SipCore(identity, self._transmit)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.core.close()
        if self._transport:
            self._transport.close()

    def raw(self, data: bytes) -> None:
        """Sends these bytes as one datagram to the target."""
        assert self._transport is not None
        self._transport.sendto(data, self.target)

    def _datagram(self, data: bytes, addr: tuple[str, int]) -> None:
        self._source = addr
        known = len(self.core.calls)
        self.core.received(data)
        if len(self.core.calls) > known:
            self._peers[next(reversed(self.core.calls))] = addr

    def _transmit(self, message: SipMessage) -> None:
        peer = self._peers.get(message.call_id) or (self.target if message.is_request else self._source)
        assert self._transport is not None
        self._transport.sendto(message.encode(), peer)
        if message.is_request and message.method != "ACK":
            self.core.spawn(self._keep_sending(message, peer))

    async def _keep_sending(self, message: SipMessage, peer: tuple[str, int]) -> None:
        data = message.encode()
        for number in range(_RESENDS):
            await asyncio.sleep(_T1 * 2**number)
            if any(e.way == "in" and e.message.status and e.message.branch == message.branch for e in self.core.log):
                return
            assert self._transport is not None
            self._transport.sendto(data, peer)

    def sdp(self, rtp: RtpEndpoint, *codecs: Codec, digits: bool = True, direction: str = "sendrecv") -> bytes:
        """An offer or answer that names this RTP endpoint; default codec is the endpoint's own."""
        return sdp.audio(
            host=rtp.host, port=rtp.port, codecs=codecs or (rtp.codec,), digits=digits, direction=direction
        )

    def invite(self, number: str, rtp: RtpEndpoint, *codecs: Codec, caller: str = "") -> SipCall:
        """Sends INVITE for a number at the target now."""
        uri = f"sip:{number}@{self.target[0]}:{self.target[1]}"
        return self.core.invite(uri, self.sdp(rtp, *codecs), caller=caller)

    async def next_call(self, timeout: float = PATIENCE) -> SipCall:
        return await self.core.next_call(timeout)


def connect_media(call: SipCall, rtp: RtpEndpoint) -> sdp.Media:
    """Starts the endpoint's sending to what the other side's SDP named. Fails when there was no audio in it."""
    media = sdp.parse(call.remote_sdp)
    assert media is not None, "the other side sent no SDP with audio"
    if media.event_payload is not None:
        rtp.event_payload = media.event_payload
    rtp.start(media.remote, media.codec)
    return media
