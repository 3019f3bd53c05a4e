"""A SIP caller for the facts: real signalling, real RTP with a tone, and the id of its channel."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from ctiserver.asterisk import wire
from ctiserver.asterisk.runtime import Instance
from tests.asterisk.party import Party
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcore import SipCall
from tests.harness.waiting import PATIENCE

CALLER_HZ = 1000.0
PROMPT_HZ = 600.0
MUSIC_HZ = 300.0
PROMPT_SECONDS = (1, 3)


def prompt(instance: Instance, seconds: int) -> str:
    """The media URI of a test tone of `seconds` (1 or 3), PROMPT_HZ."""
    return f"sound:{instance.sounds}/tone{seconds}"


class Caller:
    """`async with Caller(asterisk) as one: await one.call(); await one.arrive(cti)`."""

    def __init__(self, instance: Instance, hz: float = CALLER_HZ, *, first_sequence: int | None = None) -> None:
        self._phone = SipAgent(target=instance.sip, user="13800000000")
        self.rtp = RtpEndpoint(tone=hz, first_sequence=first_sequence)
        self._sip: SipCall | None = None
        self.channel = ""

    @property
    def sip(self) -> SipCall:
        assert self._sip is not None, "not called yet"
        return self._sip

    async def __aenter__(self) -> Self:
        await self._phone.__aenter__()
        await self.rtp.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sip is not None and self._sip.ended_at is None:
            self._sip.bye()
        await self.rtp.__aexit__(kind, error, trace)
        await self._phone.__aexit__(kind, error, trace)

    async def call(self, number: str = "95500") -> None:
        self._sip = self._phone.invite(number, self.rtp)

    async def arrive(self, cti: Party) -> str:
        """Wait for the arrival in `cti`'s application, answer, start RTP; returns the channel's id."""
        start = await cti.event(wire.StasisStart, lambda event: event.channel.protocol_id == self.sip.call_id)
        self.channel = start.channel.id
        await cti.calls.answer(self.channel)
        await self.sip.answered()
        connect_media(self.sip, self.rtp)
        return self.channel

    async def hold(self) -> None:
        """The phone's own hold: a re-INVITE."""
        body = self._phone.sdp(self.rtp, direction="sendonly")
        request = self.sip.request("INVITE", body=body, content_type="application/sdp")
        await self._phone.core.outcome(request)

    async def hears(self, hz: float, *, within: float = PATIENCE) -> float:
        """Waits until this tone fills four fifths of the last 200 ms; all test tones have -12 dBFS."""
        return await self.rtp.hears(hz, within=within, dbfs=-14.0)
