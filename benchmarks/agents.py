"""The agents of a benchmark: each a login, a live link and a SIP phone over WebSocket, working by themselves.

Here: what an agent does with every call, and the moments he saw (epoch seconds of this machine's clock). Not here:
media: the phones negotiate WebRTC and neither send nor understand sound.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

import msgspec

from tests.harness.sipcall import SipCall
from tests.harness.site import Desk, Site

PATIENCE = 30.0
"""Seconds that an agent waits for the next step of a call before he counts it as lost."""


class Served(msgspec.Struct):
    """One call as its agent saw it. Moments are epoch seconds, 0.0 = never."""

    conversation: str
    reservation: str = ""
    invited: float = 0.0
    answered: float = 0.0
    wrapped_up: float = 0.0
    trouble: str = ""


class Agent(Desk):
    """Confirms each offer when its document arrives, answers, talks, hangs up on the desktop, files the wrap-up."""

    def __init__(self, site: Site, user: str, *, answer_after: float, talk: float) -> None:
        super().__init__(site, user)
        self.answer_after = answer_after
        self.talk = talk
        self.served: list[Served] = []
        self._news = asyncio.Event()

    async def _take(self, message: dict[str, Any]) -> None:
        await super()._take(message)
        self.messages.clear()  # a long run would keep every message
        self._news.set()

    async def _work(self, kind: str, conversation: str) -> dict[str, Any]:
        """Wait until the desktop shows this conversation as work of a kind."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for key, doc in self.docs.items():
                    if key.startswith("work/") and doc["kind"] == kind and doc["conversation"] == conversation:
                        found: dict[str, Any] = doc
                        return found
                self._news.clear()
                await self._news.wait()

    async def serve(self) -> None:
        """Take calls until cancelled."""
        assert self.phone is not None
        while True:
            call = await self.phone.core.incoming.get()
            served = Served(conversation=call.invite.get("x-hollyhock-leg").rpartition(".")[0])
            served.invited = next(e.wall for e in reversed(self.phone.core.log) if e.message is call.invite)
            self.served.append(served)
            try:
                await self._one(call, served)
            except (AssertionError, TimeoutError) as error:
                served.trouble = f"{type(error).__name__} {error}"[:200]
            self.phone.core.calls.pop(call.call_id, None)

    async def _one(self, call: SipCall, served: Served) -> None:
        assert self.phone is not None
        call.ring()
        await asyncio.sleep(self.answer_after)
        served.answered = time.time()
        self.phone.answer(call)
        await self._work("busy", served.conversation)
        await asyncio.sleep(self.talk)
        await self.expect("HangUpCall", conversation=served.conversation)
        work = await self._work("wrap_up", served.conversation)
        disposition = next(
            d["id"] for d in self.docs["site"]["dispositions"] if not d["queues"] or work["queue"] in d["queues"]
        )
        await self.expect(
            "FinishWrapUp", contact=work["contact"], disposition=disposition, note="benchmark", ready=True
        )
        served.wrapped_up = time.time()


class Lag:
    """How late this process's own event loop is: what an agent sees is late by so much. Asks 20 times a second."""

    EVERY = 0.05

    def __init__(self) -> None:
        self.seen: deque[tuple[float, float]] = deque(maxlen=200_000)

    async def watch(self) -> None:
        while True:
            due = time.monotonic() + self.EVERY
            await asyncio.sleep(self.EVERY)
            self.seen.append((time.time(), max(0.0, time.monotonic() - due)))
