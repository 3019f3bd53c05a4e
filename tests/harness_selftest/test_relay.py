"""A cable that can be pulled."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.harness.relay import Relay


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[tuple[str, int]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[:2]
    server.close()


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes, within: float = 2) -> bytes:
    writer.write(text)
    return await asyncio.wait_for(reader.read(100), within)


async def test_it_forwards_stalls_and_is_cut(echo: tuple[str, int]) -> None:
    async with Relay(echo) as cable:
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        assert await say(reader, writer, b"one") == b"one"
        cable.stall()
        with pytest.raises(TimeoutError):
            await say(reader, writer, b"two", within=0.2)
        cable.resume()
        assert await asyncio.wait_for(reader.read(100), 10) == b"two"
        cable.cut()
        with pytest.raises(ConnectionError):
            await say(reader, writer, b"three")
        writer.close()


async def test_it_refuses_and_accepts_again(echo: tuple[str, int]) -> None:
    async with Relay(echo) as cable:
        cable.refuse()
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.readexactly(1), 10)
        writer.close()
        cable.accept()
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        assert await say(reader, writer, b"hello") == b"hello"
        cable.close()
        assert await asyncio.wait_for(reader.read(10), 10) == b""
        writer.close()
        assert cable.accepted == 1
