"""The server's side of "why": who waits now, and the whole answer for a contact or an offer, without holding calls up.

Lives here: where each answer is worked out. A waiting contact: the world is encoded in the dispatcher's thread, as for
a snapshot, and looked at in another. The past: `hollyhock why` in a process of its own, which folds the journal and may
take seconds. Not here: what the answers say (`acd.core.explain`, `ctiserver.why`), HTTP.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from acd.core import contact as contacts, waiting
from acd.core.index import Index
from ctiserver import replay, why
from ctiserver.model import ids
from ctiserver.model.ids import ContactId, ReservationId
from ctiserver.model.work import ContactState
from ctiserver.model.world import World, WorldState
from ctiserver.ports_why import CannotAnswer, Waiting, WaitingNow

_CODE = Path(__file__).resolve().parents[1]
"""Where this very server's packages are."""
PATIENCE = 60.0
"""Seconds that an answer about the past may take."""
AT_ONCE = 4
"""Questions about the past that may wait for each other; more are refused."""
MOST = 500
"""Waiting contacts that are listed; the count beside them tells the rest."""


class WhyDesk:
    """Implements `ports_why.Whys`. `index` is the live core's."""

    def __init__(
        self, world: World, index: Callable[[], Index], folder: Path, epoch: str, now: Callable[[], float]
    ) -> None:
        self._world = world
        self._index = index
        self._folder = folder
        self._epoch = epoch
        self._now = now
        self._asking = 0
        self._turn = asyncio.Lock()

    @property
    def seq(self) -> int:
        return self._world.seq

    def waiting(self) -> WaitingNow:
        """All who wait or are being offered, in the fair order. Looks at contacts only: no agent is scanned."""
        world, index = self._world, self._index()
        found = sorted(
            (contacts.rank_key(contact, contacts.queue_config(world, contact.queue)), contact.id)
            for contact in world.contacts.values()
            if contact.state in (ContactState.WAITING, ContactState.RESERVED)
        )
        rows = []
        for key, name in found[:MOST]:
            contact = world.contacts[name]
            queue = contacts.queue_config(world, contact.queue)
            held = world.reservations.get(contact.reservation or ReservationId(""))
            pool = index.pool(contact)
            rows.append(
                Waiting(
                    contact=name,
                    queue=contact.queue,
                    queue_name=queue.name,
                    medium=contact.medium,
                    entered_at=contact.entered_at,
                    due=key[1],
                    head=contact.head,
                    offers=contact.offers,
                    offered_to=tuple(held.agents) if held is not None else (),
                    requires=pool.key.requires,
                    step=min(contact.step + 1, len(waiting.steps(contact, queue)) + 1),
                    steps=len(waiting.steps(contact, queue)),
                    able=len(pool.members),
                )
            )
        return WaitingNow(now=self._now(), count=len(found), waiting=tuple(rows))

    async def contact(self, name: str) -> why.Answer:
        """Raises Unknown, CannotAnswer."""
        contact = self._world.contacts.get(ContactId(name))
        if contact is None or contact.state is ContactState.ENDED:
            return await self._past(name, "k")
        data = msgspec.msgpack.encode(msgspec.structs.replace(self._world.state(), now=self._now()))
        return await asyncio.to_thread(_live, data, ContactId(name))

    async def offer(self, name: str) -> why.Answer:
        """Raises Unknown, CannotAnswer."""
        return await self._past(name, "r")

    async def _past(self, name: str, letter: str) -> why.Answer:
        if not name.startswith(f"{letter}{self._epoch}-") or not 0 < ids.made_in(name) <= self._world.seq:
            raise why.Unknown(f"there is no {name}")
        if self._asking >= AT_ONCE:
            raise CannotAnswer("busy")
        self._asking += 1
        try:
            async with self._turn, asyncio.timeout(PATIENCE):
                return await self._ask(name)
        except TimeoutError:
            raise CannotAnswer("this takes longer than a minute: ask `hollyhock why` on the server") from None
        finally:
            self._asking -= 1

    async def _ask(self, name: str) -> why.Answer:
        command = (sys.executable, "-P", "-m", "ctiserver.cli", "why", name, "--json", "--folder", str(self._folder))
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(_CODE)},
        )
        try:
            data, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 1:
            raise why.Unknown(f"there is no {name}")
        if process.returncode:
            raise CannotAnswer("the journal cannot tell: see `hollyhock why` on the server")
        return msgspec.json.decode(data, type=why.Answer)


def _live(data: bytes, name: ContactId) -> why.Answer:
    world, cores = replay.house(msgspec.msgpack.decode(data, type=WorldState))
    answer = why.live(world, name, cores[2].index)
    assert answer is not None
    return answer
