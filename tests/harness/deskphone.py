"""A SIP phone on a desk, without a desk: registers with the site's Asterisk or sits at a fixed contact, and talks.

Here: `DeskPhone`, our SIP agent on UDP with sound of its own, as the device of an agent (site.Desk). Not here: the
agent's page and its commands; callers (sipp.py).
"""

from __future__ import annotations

import asyncio
import tomllib
from types import TracebackType
from typing import Self

from ctiserver.asterisk.devices import password_of
from ctiserver.model.ids import desk_endpoint
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall
from tests.harness.sipmessage import SipMessage
from tests.harness.site import Site
from tests.harness.waiting import PATIENCE

REFRESH = 50.0


def password(site: Site, phone: str) -> str:
    """What `hollyhock phones` prints for it."""
    key = tomllib.loads((site.home / "secrets.toml").read_text("utf-8"))["signing_key"]
    return password_of(key, desk_endpoint(phone))


class DeskPhone:
    """`async with DeskPhone(site, "p1", tone=880) as phone:` registers; with `port=` it sits there and says nothing.

    `call = await phone.next_call(); call.ring(); phone.answer(call)`; then `phone.hold(call)`, `phone.resume(call)`,
    `call.bye()`; or `call.reject(486)`. Its sound is `phone.rtp`.
    """

    def __init__(self, site: Site, name: str, *, tone: float | None = 880.0, port: int = 0, secret: str = "") -> None:
        self.name = name
        self.fixed = port != 0
        user = desk_endpoint(name)
        self.agent = SipAgent(target=site.sip, user=user, password=secret or password(site, name), port=port)
        self.rtp = RtpEndpoint(tone=tone)
        self._stays = False
        self._staying: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.agent.__aenter__()
        await self.rtp.__aenter__()
        if not self.fixed:
            try:
                await self.register()
                self._staying = asyncio.create_task(self._stay(), name=f"registration of {self.name}")
            except BaseException:
                await self.__aexit__(None, None, None)
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
        await self.rtp.__aexit__(kind, error, trace)
        await self.agent.__aexit__(kind, error, trace)

    async def register(self, *, expires: int = 300) -> None:
        """REGISTER with digest; 0 takes the contact away, and the phone stays away."""
        answer = await self.agent.core.register(expires=expires)
        assert answer.status == 200, f"REGISTER ended in {answer}"
        self._stays = expires > 0

    async def _stay(self) -> None:
        """Like any phone, long before the time that the registrar grants (two minutes) is over."""
        while True:
            await asyncio.sleep(REFRESH)
            if self._stays:
                await self.register()

    async def next_call(self, timeout: float = PATIENCE) -> SipCall:
        return await self.agent.next_call(timeout)

    def answer(self, call: SipCall) -> None:
        """200 with sound, now."""
        call.answer(self.agent.sdp(self.rtp))
        connect_media(call, self.rtp)

    def hold(self, call: SipCall, direction: str = "sendonly") -> SipMessage:
        """The phone's own hold: a re-INVITE; await `phone.agent.core.outcome(...)` of it for the answer."""
        return self._again(call, direction)

    def resume(self, call: SipCall) -> SipMessage:
        return self._again(call, "sendrecv")

    def _again(self, call: SipCall, direction: str) -> SipMessage:
        body = self.agent.sdp(self.rtp, direction=direction)
        return call.request("INVITE", body=body, content_type="application/sdp")
