"""A team lead with a phone that answers by itself, and ears that notice his voice (test_monitor.py)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast

import aiohttp

from tests.harness import tones
from tests.harness.baresip import Baresip, BaresipCall
from tests.harness.g711 import RATE, Pcm
from tests.harness.site import PASSWORD, Site
from tests.harness.waiting import eventually

LEAD_HZ = 2530.0
"""Neither in the hold music (-100 dBFS there) nor a harmonic or a sum of the other voices."""
UNHEARD = -60.0
"""dBFS: what nobody may hear of him."""


class Lead:
    """`async with Lead(site, phones) as lead: await lead.comes(conversation)`; `lead.call` is his leg, with sound."""

    def __init__(self, site: Site, stack: Baresip, user: str = "2001") -> None:
        self.site, self.user, self._stack = site, user, stack
        self.instance = secrets.token_hex(8)
        self.call: BaresipCall | None = None
        self.phone: Any = None
        self._http = aiohttp.ClientSession(
            site.url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": site.url}
        )
        self._answering: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._log_in()
            await self.take_phone()
        except BaseException:
            await self._http.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)
        await self.asks("seat/phone/release", lease=self.lease)
        await self._http.close()

    async def _log_in(self) -> None:
        async def attempt() -> bool:
            body = {"user": self.user, "password": PASSWORD}
            async with self._http.post("/api/v1/login", json=body) as answer:
                if answer.status != 200:  # the demo people may still be written
                    return False
                self._http.headers["X-CSRF-Token"] = (await answer.json())["csrf"]
                return True

        await eventually(attempt, 10, "the lead to log in", poll=0.2)

    async def take_phone(self) -> None:
        answer = await self.asks("seat/phone", instance=self.instance)
        self.lease = answer["lease"]
        cookies = {cookie.key: cookie.value for cookie in self._http.cookie_jar}
        url = f"{self.site.url.replace('http', 'ws')}{answer['ws_path']}"
        self.phone = await self._stack.softphone(
            url,
            user=answer["username"],
            password=answer["password"],
            headers={"Origin": self.site.url},
            cookies=cookies,
            tone=LEAD_HZ,
        )
        await self.phone.registered()
        self._answering = asyncio.create_task(self._answer(), name="the lead's phone")
        await self.asks("seat/phone/ready", lease=self.lease, instance=self.instance)

    async def _answer(self) -> None:
        while True:
            call = await self.phone.next_call(600)
            self.phone.answer(call)
            self.call = call

    async def asks(self, path: str, **body: object) -> dict[str, Any]:
        async with self._http.post(f"/api/v1/{path}", json=body) as answer:
            said = await answer.json()
            assert answer.status == 200, said
            return cast(dict[str, Any], said)

    async def comes(self, conversation: str, mode: str = "listen") -> BaresipCall:
        """Into the call; returns when his phone has answered, and the server knows."""
        self.call = None
        await self.asks(f"talks/{conversation}/monitor", mode=mode)
        await eventually(lambda: self.call is not None, 10, "the lead's phone to answer")

        async def there() -> bool:
            return any(talk["monitor"]["there"] for talk in await self.talks() if talk["conversation"] == conversation)

        await eventually(there, 10, "the server to know that he is there")
        assert self.call is not None
        return self.call

    async def changes(self, conversation: str, mode: str) -> None:
        await self.asks(f"talks/{conversation}/monitor/change", mode=mode)

    async def goes(self, conversation: str) -> None:
        await self.asks(f"talks/{conversation}/monitor/stop")

    async def talks(self) -> list[dict[str, Any]]:
        async with self._http.get("/api/v1/talks") as answer:
            assert answer.status == 200, await answer.text()
            return cast(list[dict[str, Any]], (await answer.json())["talks"])


class Ear:
    """Listens for the lead in somebody's sound, in seconds that overlap by half, so that 20 ms of him are noticed.

    `async with Ear(phone.call.last): ...`; `worst` is the loudest of him that was heard, in dBFS.
    """

    def __init__(self, last: Callable[[float], Pcm]) -> None:
        self._last = last
        self.worst = -150.0
        self.seconds = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen(), name="ear")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._hear()

    async def _listen(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(0.4)
            self._hear()
            self.seconds = time.monotonic() - began

    def _hear(self) -> None:
        self.worst = max(self.worst, of_lead(self._last(1.0)))


def worst_of_lead(sound: Pcm) -> float:
    """The loudest second of him, in dBFS: of seconds that overlap by half."""
    seconds = range(0, max(1, len(sound) - RATE + 1), RATE // 2)
    return max(of_lead(sound[start : start + RATE]) for start in seconds)


def of_lead(sound: Pcm) -> float:
    """His level in dBFS; -150 when what is at his frequency is no louder than what is beside it: the crack with which
    another tone begins is at all frequencies (-63 dBFS measured), 20 ms of him are 100 Hz wide."""
    his = tones.level_at(sound, LEAD_HZ)
    beside = max(tones.level_at(sound, LEAD_HZ - 100), tones.level_at(sound, LEAD_HZ + 100))
    return his if his > beside + 6 else -150.0
