"""A client of ARI for tests: a link that writes down every event, and waits for the one a story needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ctiserver.asterisk import wire
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari import AriLink
from ctiserver.asterisk.ari_calls import AriCalls
from ctiserver.asterisk.ari_connection import LinkLimits
from ctiserver.asterisk.ari_errors import AriRefused
from tests.harness.waiting import PATIENCE, eventually

E = TypeVar("E", bound=wire.AriEvent)


class Party:
    """`calls` makes requests; `events` holds all events; `lost` the reasons of ended connections."""

    def __init__(
        self,
        address: AriAddress | Callable[[], AriAddress],
        app: str,
        limits: LinkLimits | None = None,
        also: tuple[str, ...] = (),
    ) -> None:
        self.events: list[wire.Event] = []
        self.lost: list[str] = []
        self.replaced = 0
        self.connected = 0
        self._heard = asyncio.Event()
        self.link = AriLink(
            address,
            app,
            on_event=self._on_event,
            on_connected=self._on_connected,
            on_lost=self.lost.append,
            on_replaced=self._on_replaced,
            limits=limits,
            also=also,
        )
        self.calls = AriCalls(self.link)

    @property
    def app(self) -> str:
        return self.link.app

    async def start(self, within: float = PATIENCE) -> None:
        await self.link.start()
        await self.link.wait_ready(within)

    def _on_event(self, event: wire.Event) -> None:
        self.events.append(event)
        self._heard.set()

    async def _on_connected(self) -> None:
        self.connected += 1

    def _on_replaced(self) -> None:
        self.replaced += 1

    def seen(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> list[E]:
        """All events of this kind so far."""
        return [event for event in self.events if isinstance(event, kind) and where(event)]

    async def event(self, kind: type[E], where: Callable[[E], bool] = lambda _: True, within: float = PATIENCE) -> E:
        """The first event of this kind, past or to come."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for event in self.seen(kind, where):
                        return event
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            kinds = [type(event).__name__ for event in self.events]
            raise AssertionError(f"no {kind.__name__} within {within} s; heard {kinds}") from None

    async def start_of(self, channel: str) -> wire.StasisStart:
        """The channel's arrival in our application."""
        return await self.event(wire.StasisStart, lambda event: event.channel.id == channel)

    async def end_of_playback(self, playback: str, within: float = PATIENCE) -> wire.PlaybackFinished:
        return await self.event(wire.PlaybackFinished, lambda event: event.playback.id == playback, within)

    async def leg(self, channel: str, remote: str = "127.0.0.1:9") -> str:
        """A channel of our own without any SIP, up and in our application; its RTP goes to `remote`."""
        await self.calls.external_media(channel, remote)
        await self.start_of(channel)
        return channel

    async def clean_up(self) -> None:
        """Leave no channel and no bridge behind, whoever made them; then close."""
        try:
            if self.link.ready:
                for channel in await self.calls.get_channels():
                    await _quietly(self.calls.hangup(channel.id))
                for bridge in await self.calls.get_bridges():
                    await _quietly(self.calls.destroy_bridge(bridge.id))
                await no_channel(self)
        finally:
            await self.link.close()


async def _quietly(request: Awaitable[object]) -> None:
    try:
        await request
    except AriRefused:
        pass  # it had gone already


async def only_channel(ari: Party) -> str:
    """The one channel that there is, as soon as it stands in Stasis."""

    async def look() -> str:
        channels = await ari.calls.get_channels()
        return channels[0].id if len(channels) == 1 and channels[0].dialplan.app_name == "Stasis" else ""

    return await eventually(look, PATIENCE, "the caller's channel")


async def no_channel(ari: Party) -> None:
    async def look() -> str:
        return "" if await ari.calls.get_channels() else "none left"

    await eventually(look, PATIENCE, "all channels have gone")
