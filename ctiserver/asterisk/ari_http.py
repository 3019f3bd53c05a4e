"""The HTTP side of the link to Asterisk: URIs, plain requests, downloads, opening the WebSocket.

No state of calls and no retry of any kind: each connection serves one request (`force_close`), because
aiohttp sends an idempotent request again when a kept connection turns out to be dead, and with Asterisk
nothing may be sent twice. A new connection on loopback costs about 0.2 ms.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari_errors import AriLost, AriRefused, AriTimeout, AriUnreadable

Parameters = Mapping[str, str | int | bool]
_CHUNK: Final = 256 * 1024
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]+")


class Answer(msgspec.Struct, frozen=True):
    status: int
    reason: str = ""
    body: bytes = b""


class _Refusal(msgspec.Struct):
    message: str = ""
    error: str = ""


def message_of(answer: Answer) -> str:
    """What Asterisk says about a refusal, at most 200 characters."""
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except (msgspec.DecodeError, ValueError):
        return answer.reason[:200]
    return (refusal.message or refusal.error or answer.reason)[:200]


def make_uri(path_parts: tuple[str, ...], params: Parameters | None = None) -> str:
    """A relative URI in which no part can reach another resource. Raises ValueError for a part that cannot be one.

    Every character but letters, digits and `_.-~` is quoted. An empty part, `.` and `..` would change the
    path although nothing in them can be quoted.
    """
    for part in path_parts:
        if part in ("", ".", "..") or "\0" in part:
            raise ValueError(f"not a path part: {part!r}")
    path = "/".join(map(_quoted, path_parts))
    if not params:
        return path
    query = "&".join(f"{_quoted(name)}={_quoted(_text(value))}" for name, value in params.items())
    return f"{path}?{query}"


def _quoted(text: str) -> str:
    """`quote` costs 2 us a part, and nearly all parts are ids that need none."""
    return text if _PLAIN.fullmatch(text) else quote(text, safe="")


def _text(value: str | int | bool) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


class AriHttp:
    """One HTTP session; at most 32 requests at a time. `address` may be set anew when Asterisk has moved."""

    def __init__(self, address: AriAddress, *, answer_bytes: int) -> None:
        self.address = address
        self._answer_bytes = answer_bytes
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._session.close()

    def _url(self, uri: str) -> URL:
        # encoded=True: yarl would undo some of our quoting.
        return URL(f"{self.address.url}/ari/{uri}", encoded=True)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(self.address.user, self.address.password)}

    async def request(
        self, method: str, uri: str, body: Mapping[str, object] | None, *, what: str, deadline: float
    ) -> Answer:
        """One request, one answer of any status. Raises AriTimeout, AriLost, AriUnreadable (answer too long)."""
        data = None if body is None else msgspec.json.encode(body)
        headers = self._headers() if data is None else {**self._headers(), "Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(deadline),
                self._session.request(
                    method, self._url(uri), data=data, headers=headers, allow_redirects=False
                ) as response,
            ):
                content = bytearray()
                async for piece in response.content.iter_chunked(_CHUNK):
                    content += piece
                    if len(content) > self._answer_bytes:
                        raise AriUnreadable(f"{what}: answer over {self._answer_bytes} bytes", sent=True)
                return Answer(response.status, response.reason or "", bytes(content))
        except TimeoutError:
            raise AriTimeout(f"{what}: no answer within {deadline} s", sent=True) from None
        except aiohttp.ClientConnectorError as problem:
            raise AriLost(f"{what}: {type(problem).__name__}", sent=False) from None
        except (aiohttp.ClientError, ConnectionError) as problem:
            raise AriLost(f"{what}: {type(problem).__name__}", sent=True) from None

    async def wait_for_ping(self, deadline: float) -> None:
        """ARI itself must answer: its port is open, with 404, a moment before ARI is there."""
        answer = await self.request("GET", "asterisk/ping", None, what="GET asterisk/ping", deadline=deadline)
        if answer.status != 200:
            raise AriRefused(answer.status, message_of(answer), "GET asterisk/ping")

    async def open_events(self, app: str, deadline: float) -> aiohttp.ClientWebSocketResponse[bool]:
        """The events WebSocket of `app` (or several, with commas between). Raises AriRefused, AriTimeout, AriLost."""
        url = self._url(make_uri(("events",), {"app": app, "subscribeAll": False}))
        try:
            async with asyncio.timeout(deadline):
                return await self._session.ws_connect(
                    url,
                    headers=self._headers(),
                    compress=0,
                    max_msg_size=self._answer_bytes,
                    autoping=True,
                    # Bytes, not str: a frame that is no UTF-8 must cost the frame, not the connection.
                    decode_text=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=0.3),
                )
        except TimeoutError:
            raise AriTimeout(f"events: no answer within {deadline} s", sent=True) from None
        except aiohttp.WSServerHandshakeError as problem:
            raise AriRefused(problem.status, problem.message, "events") from None
        except (aiohttp.ClientError, ConnectionError) as problem:
            raise AriLost(f"events: {type(problem).__name__}", sent=True) from None

    async def download(self, path_parts: tuple[str, ...], target: str, *, deadline: float, most_bytes: int) -> int:
        """Stream a GET into `target` by way of `target.part`; see AriLink.download."""
        what = f"GET {'/'.join(path_parts)}"
        partial = Path(f"{target}.part")
        size = 0
        try:
            async with (
                asyncio.timeout(deadline),
                self._session.get(
                    self._url(make_uri(path_parts)), headers=self._headers(), allow_redirects=False
                ) as response,
            ):
                if response.status != 200:
                    answer = Answer(response.status, response.reason or "", await response.content.read(10_000))
                    raise AriRefused(answer.status, message_of(answer), what)
                file = await asyncio.to_thread(partial.open, "wb")
                try:
                    async for piece in response.content.iter_chunked(_CHUNK):
                        size += len(piece)
                        if size > most_bytes:
                            raise AriUnreadable(f"{what}: over {most_bytes} bytes", sent=True)
                        await asyncio.to_thread(file.write, piece)
                finally:
                    await asyncio.to_thread(file.close)
            await asyncio.to_thread(os.replace, partial, target)
        except TimeoutError:
            raise AriTimeout(f"{what}: not complete within {deadline} s", sent=True) from None
        except (aiohttp.ClientError, ConnectionError) as problem:
            raise AriLost(f"{what}: {type(problem).__name__}", sent=True) from None
        finally:
            await asyncio.to_thread(partial.unlink, missing_ok=True)
        return size
