"""A network cable for TCP that a test can pull: between a browser and the server, or the server and Asterisk.

Here: `Relay`. Not here: UDP (audio does not pass through; see Browser.freeze and RtpEndpoint.mute_rtp).
"""

import asyncio
import contextlib
import socket
import struct
from types import TracebackType
from typing import Self


class Relay:
    """`async with Relay(("127.0.0.1", 8080)) as cable:` forwards 127.0.0.1:`cable.port` to the target.

    `cut()` ends all connections at once with RST, `close()` politely with FIN; `stall()` keeps them open and lets
    nothing through in either direction until `resume()`, as a dead Wi-Fi does; `refuse()` takes no new ones until
    `accept()`.
    """

    def __init__(self, target: tuple[str, int], *, host: str = "127.0.0.1") -> None:
        self.target, self.host, self.port = target, host, 0
        self.accepted = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        self.cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """RST on both sides of every connection."""
        for writer in list(self._writers):
            _reset(writer)

    def close(self) -> None:
        """FIN on both sides of every connection."""
        for writer in list(self._writers):
            writer.close()

    def stall(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def refuse(self) -> None:
        self._refusing = True

    def accept(self) -> None:
        self._refusing = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            return
        self.accepted += 1
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        await self._flowing.wait()
        sink.close()
        with contextlib.suppress(ConnectionError):
            await sink.wait_closed()
        self._writers.discard(sink)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Without the zero linger time an aborted connection would still end with a polite FIN."""
    plug: socket.socket | None = writer.get_extra_info("socket")
    if plug is not None and plug.fileno() >= 0:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
