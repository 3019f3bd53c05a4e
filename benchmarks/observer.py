"""A second ear at Asterisk: when did each prompt begin? The server does not listen to that, so nothing else knows.

An application of its own on Asterisk's ARI that hears of every channel but is sent one kind of event. It makes
Asterisk build all events once more, so it is only there when callers press keys in the menus.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from ctiserver.asterisk.address import AriAddress

APP = "hollyhock-bench"


class _Playback(msgspec.Struct):
    id: str


class _Started(msgspec.Struct):
    type: str
    timestamp: str
    playback: _Playback | None = None


@asynccontextmanager
async def prompts(ari: AriAddress) -> AsyncIterator[dict[str, float]]:
    """playback -> Asterisk's stamp of its first beginning (epoch seconds, whole milliseconds), filled as they come."""
    found: dict[str, float] = {}
    headers = {"Authorization": aiohttp.encode_basic_auth(ari.user, ari.password)}
    async with aiohttp.ClientSession(headers=headers) as http:
        url = f"{ari.url.replace('http', 'ws', 1)}/ari/events?app={APP}&subscribeAll=true"
        async with http.ws_connect(url) as socket:
            body = {"allowed": [{"type": "PlaybackStarted"}]}
            async with http.put(f"{ari.url}/ari/applications/{APP}/eventFilter", json=body) as answer:
                answer.raise_for_status()
            reading = asyncio.create_task(_read(socket, found))
            try:
                yield found
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)


async def _read(socket: aiohttp.ClientWebSocketResponse[bool], found: dict[str, float]) -> None:
    decoder = msgspec.json.Decoder(_Started)
    async for message in socket:
        event = decoder.decode(message.data)
        if event.playback is not None:
            found.setdefault(event.playback.id, stamp(event.timestamp))


def stamp(text: str) -> float:
    """'2026-11-22T17:40:01.123+0000' as epoch seconds."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
