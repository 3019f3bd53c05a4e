"""A WebSocket client that costs next to nothing: 500 of them may not starve the server that they measure.

Here: the handshake with a cookie, text frames in and out, pings answered. Not here: what is said. It sends with a mask
of zeros (RFC 6455 demands a mask, not a secret one) and takes frames of a server that does not compress.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_ZEROS = b"\0\0\0\0"


class BrokenLink(Exception):
    """The server refused the handshake or closed the socket."""


def frame(kind: int, payload: bytes) -> bytes:
    """One whole masked frame; `payload` under 64 kB."""
    head = bytes((0x80 | kind,))
    if len(payload) < 126:
        return head + bytes((0x80 | len(payload),)) + _ZEROS + payload
    return head + bytes((0x80 | 126,)) + struct.pack(">H", len(payload)) + _ZEROS + payload


def take(buffer: bytearray) -> tuple[int, bytes] | None:
    """The first whole frame of the buffer, taken out of it: its kind and its text. None: more has to come."""
    if len(buffer) < 2:
        return None
    size, start = buffer[1] & 0x7F, 2
    if size == 126:
        if len(buffer) < 4:
            return None
        size, start = int.from_bytes(buffer[2:4], "big"), 4
    elif size == 127:
        if len(buffer) < 10:
            return None
        size, start = int.from_bytes(buffer[2:10], "big"), 10
    if len(buffer) < start + size:
        return None
    found = (buffer[0] & 0x0F, bytes(buffer[start : start + size]))
    del buffer[: start + size]
    return found


class Link(asyncio.Protocol):
    """One open WebSocket; `heard` gets each text message with its moment (epoch seconds, one a wake-up)."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = ""
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._up = False

    def heard(self, message: bytes, at: float) -> None:
        raise NotImplementedError

    async def open(self, host: str, port: int, path: str, headers: dict[str, str]) -> None:
        """Raises BrokenLink or OSError."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self.opened

    def send(self, text: bytes) -> None:
        assert self._transport is not None
        self._transport.write(frame(_TEXT, text))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = self.closed or (str(exc) if exc else "ended by the server")
        if not self.opened.done():
            self.opened.set_exception(BrokenLink(self.closed))

    def data_received(self, data: bytes) -> None:
        at = time.time()
        self._buffer += data
        if not self._up and not self._shake():
            return
        while (found := take(self._buffer)) is not None:
            kind, payload = found
            if kind == _TEXT:
                self.heard(payload, at)
            elif kind == _PING and self._transport is not None:
                self._transport.write(frame(_PONG, payload))
            elif kind == _CLOSE:
                self.closed = f"closed by the server: {payload[:2].hex()} {payload[2:].decode('utf-8', 'replace')}"
                self.close()

    def _shake(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        status = bytes(self._buffer[: self._buffer.find(b"\r\n")])
        del self._buffer[: end + 4]
        if b" 101 " not in status + b" ":
            self.closed = status.decode("latin-1")
            self.close()
            return False
        self._up = True
        self.opened.set_result(None)
        return True
