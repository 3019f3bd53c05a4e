"""A client of ARI for tests: a link that writes down every event, and waits for the one a story needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ctiserver.asterisk import wire
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari import AriLink, LinkLimits
from ctiserver.asterisk.ari_calls import AriCalls
from ctiserver.asterisk.ari_errors import AriError

E = TypeVar("E", bound=wire.AriEvent)


class Party:
    """`calls` makes requests; `events` holds all events; `lost` the reasons of ended connections."""

    def __init__(
        self, address: AriAddress | Callable[[], AriAddress], app: str, limits: LinkLimits | None = None
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
        )
        self.calls = AriCalls(self.link)

    @property
    def app(self) -> str:
        return self.link.app

    async def start(self, timeout: float = 5.0) -> None:
        await self.link.start()
        await self.link.wait_ready(timeout)

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

    async def event(self, kind: type[E], where: Callable[[E], bool] = lambda _: True, timeout: float = 3.0) -> E:
        """The first event of this kind, past or to come."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    for event in self.seen(kind, where):
                        return event
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            kinds = [type(event).__name__ for event in self.events]
            raise AssertionError(f"no {kind.__name__} within {timeout} s; heard {kinds}") from None

    async def start_of(self, channel: str) -> wire.StasisStart:
        """The channel's arrival in our application."""
        return await self.event(wire.StasisStart, lambda event: event.channel.id == channel)

    async def end_of_playback(self, playback: str, timeout: float = 3.0) -> wire.PlaybackFinished:
        return await self.event(wire.PlaybackFinished, lambda event: event.playback.id == playback, timeout)

    async def leg(self, channel: str, remote: str = "127.0.0.1:9") -> str:
        """A channel of our own without any SIP, up and in our application; its RTP goes to `remote`."""
        await self.calls.external_media(channel, remote)
        await self.start_of(channel)
        return channel

    async def clean_up(self) -> None:
        """Hang up what this application still holds, then close."""
        try:
            if self.link.ready:
                for application in await self.calls.get_applications():
                    if application.name == self.app:
                        for channel in application.channel_ids:
                            await _quietly(self.calls.hangup(channel))
                        for bridge in application.bridge_ids:
                            await _quietly(self.calls.destroy_bridge(bridge))
        except AriError:
            pass
        await self.link.close()


async def _quietly(request: object) -> None:
    try:
        await request  # type: ignore[misc]
    except AriError:
        pass
