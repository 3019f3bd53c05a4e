"""A WebSocket client that says whatever it likes: wrong frames, half messages, floods, and that may never read.

Here: `RawSocket` (handshake, frames byte by byte, what came back). Not here: what is said (the tests), honest clients
(site.py, wsphone.py). Frames: RFC 6455, section 5.2.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_HANDSHAKE_SECONDS = 5.0


def frame(data: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """One frame. A browser never sends rsv bits, unknown opcodes or unmasked frames; we may."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if len(data) < 126:
        head += struct.pack("!B", bit | len(data))
    elif len(data) < 65536:
        head += struct.pack("!BH", bit | 126, len(data))
    else:
        head += struct.pack("!BQ", bit | 127, len(data))
    return head + (b"\0\0\0\0" if masked else b"") + data


class RawSocket:
    """`async with RawSocket(port, "/api/v1/live", headers) as socket:` fails with ConnectionError unless it is 101.

    `texts` are the text messages that came, `close_code` is the server's (0: it just hung up), `ended` is set then.
    """

    def __init__(self, port: int, path: str, headers: dict[str, str], *, reads: bool = True) -> None:
        self.texts: list[bytes] = []
        self.close_code: int | None = None
        self.ended = asyncio.Event()
        self._port, self._path, self._headers, self._reads = port, path, headers, reads
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        lines = {
            "Host": f"127.0.0.1:{self._port}", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        } | self._headers  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._writer.write(f"GET {self._path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HANDSHAKE_SECONDS)
        if b" 101 " not in answer.split(b"\r\n")[0]:
            self._writer.close()
            raise ConnectionError(answer.split(b"\r\n")[0].decode())
        if self._reads:
            self._task = asyncio.create_task(self._read(reader), name="raw socket")
        else:
            self._writer.transport.pause_reading()  # type: ignore[attr-defined]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        assert self._writer is not None
        self._writer.transport.abort()

    def send(self, data: bytes) -> None:
        """These bytes, as they are; after the end they go nowhere."""
        assert self._writer is not None
        if not self._writer.transport.is_closing():
            self._writer.write(data)

    def half_close(self) -> None:
        """We say nothing more, but would still listen."""
        assert self._writer is not None
        with suppress(OSError):  # it may have hung up already
            self._writer.write_eof()

    @property
    def hung_up(self) -> bool:
        """Whether the connection is gone (a socket that does not read learns it by writing)."""
        assert self._writer is not None
        return self.ended.is_set() or self._writer.transport.is_closing()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                first, size = await reader.readexactly(2)
                length = size & 0x7F
                if length == 126:
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await reader.readexactly(8))
                data = await reader.readexactly(length)
                if first & 0x0F == TEXT:
                    self.texts.append(data)
                elif first & 0x0F == PING:
                    self.send(frame(data, PONG))
                elif first & 0x0F == CLOSE:
                    self.close_code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                    self.send(frame(data[:2], CLOSE))
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close_code = self.close_code or 0
        finally:
            self.ended.set()
