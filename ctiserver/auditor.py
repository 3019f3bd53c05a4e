"""The auditor: compares the running server with the switch on a slow beat, and has what is wrong repaired.

Lives here: when to look, what counts as confirmed, how often a repair is tried. Not here: what is wrong (calls.audit,
acd.core.check), what is done about it (one FaultsFound: calls.repair, acd.core.repair), how it is told (`fault_log`).

A reading is not of one moment and things are under way, so a difference counts only if a second reading a moment later
shows it too, nothing about it has changed in the state in between, and no effect of its conversation was waiting. What
the state alone shows needs no second look: between two turns it is whole. BEAT keeps the promise of DESIGN 5 that
nobody hears silence for long; the other numbers are our own choice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec
import structlog

from acd.core import check
from acd.core.index import Index
from ctiserver.calls import audit, reconcile
from ctiserver.model import facts
from ctiserver.model.errors import SwitchError
from ctiserver.model.facts import SwitchReading
from ctiserver.model.faults import MAX_REPAIRS, Fault, FaultKind
from ctiserver.model.ids import LegId
from ctiserver.model.turns import Input
from ctiserver.model.world import World
from ctiserver.ports import SwitchReader
from ctiserver.silence import Silence
from ivr import runtime

log = structlog.get_logger(__name__)

BEAT = 5.0
"""Seconds between two looks."""
CONFIRM = 1.0
"""Seconds between the two readings of one look, and until it is seen whether a repair has helped."""
DEADLINE = 4.0
"""Seconds for one look; a switch that is slower than this has its own alarm."""
SELDOM = 6
"""Every so many beats the ACD's index is compared with one made anew: 6 ms with 1,000 agents and 1,000 contacts."""
OVERDUE = 2.0
"""Seconds that a deadline may be late: the timer's, not a busy moment's."""
MAX_FAULTS = 200
"""Faults told at once; more are told at the next beat."""


class Auditor:
    """One beat at a time. `now` is the dispatcher's time, `feed` takes facts, `idle(lane)` says whether a lane has no
    effect waiting, `told(faults)` hears of each beat's confirmed faults (those that stay are told again)."""

    def __init__(
        self,
        world: World,
        index: Callable[[], Index],
        reader: SwitchReader,
        *,
        now: Callable[[], float],
        feed: Callable[[Input], None],
        idle: Callable[[str], bool],
        told: Callable[[list[Fault]], None],
        silence: Silence | None = None,
        beat: float = BEAT,
        confirm: float = CONFIRM,
    ) -> None:
        self._world = world
        self._index = index
        self._reader = reader
        self._now = now
        self._feed = feed
        self._idle = idle
        self._told = told
        self._silence = silence
        self._beat = beat
        self._confirm = confirm
        self._attempts: dict[tuple[FaultKind, str], int] = {}
        self.beats = 0
        self.skipped = 0
        """beats without a link, or that took too long"""
        self.seconds = 0.0
        """time of our own in all beats, waiting for the switch apart"""
        self.found: dict[FaultKind, int] = dict.fromkeys(FaultKind, 0)
        self.open: list[Fault] = []
        """confirmed at the last beat: must stay empty"""

    async def run(self) -> None:
        """For ever. After a repair the next look comes soon: it says whether it has helped."""
        took = 0.0
        while True:
            repaired = any(fault.attempt <= MAX_REPAIRS for fault in self.open)
            await asyncio.sleep(self._confirm if repaired else max(self._confirm, self._beat - took))
            began = time.monotonic()
            await self.look()
            took = time.monotonic() - began

    async def look(self) -> None:
        """One beat. Never raises for a switch that is away or slow."""
        if not self._world.switch_up:
            self.skipped += 1
            return
        try:
            async with asyncio.timeout(DEADLINE):
                found = await self._confirmed()
                if self._silence is not None:
                    found.extend(await self._silence.look())
        except (SwitchError, TimeoutError) as error:
            self.skipped += 1
            log.info("audit_skipped", reason=str(error) or type(error).__name__)
            return
        self.beats += 1
        self._take(found)

    async def _confirmed(self) -> list[Fault]:
        reading = await self._reader.read()
        began = time.perf_counter()
        first = self._suspects(reading)
        before = {fault.key: self._about(fault) for fault in first}
        self.seconds += time.perf_counter() - began
        second: list[Fault] = []
        if before:
            await asyncio.sleep(self._confirm)
            reading = await self._reader.read()
            began = time.perf_counter()
            # A difference whose lane was busy, or that looks another way now, is something under way.
            second = [
                fault
                for fault in self._suspects(reading)
                if (was := before.get(fault.key)) is not None and was == self._about(fault)
            ]
            self._introduce(second, reading)
            self.seconds += time.perf_counter() - began
        began = time.perf_counter()
        alone = self._alone()
        self.seconds += time.perf_counter() - began
        return [*second, *alone]

    def _suspects(self, reading: SwitchReading) -> list[Fault]:
        return [*audit.faults(self._world, reading), *check.devices(self._world, reading.endpoints)]

    def _about(self, fault: Fault) -> bytes | None:
        """All that the state knows of the thing; None while something is being done about it."""
        lane = fault.conversation or fault.target
        if not self._idle(lane):
            return None
        conversation = self._world.conversations.get(fault.conversation) if fault.conversation else None
        agent = self._world.agents.get(fault.agent) if fault.agent else None
        return msgspec.msgpack.encode((conversation, agent.device if agent is not None else None))

    def _alone(self) -> list[Fault]:
        """What the state shows by itself."""
        with_index = self.beats % SELDOM == 0 or bool(self.open)
        found = check.faults(self._world, self._index() if with_index else None)
        found.extend([*audit.deadlines(self._world), *runtime.faults(self._world)])
        return [*found, *check.overdue(self._world, self._now(), OVERDUE)]

    def _introduce(self, found: list[Fault], reading: SwitchReading) -> None:
        """Callers whom nobody heard of arrive now."""
        unknown = {fault.target for fault in found if fault.kind is FaultKind.CALLER_UNKNOWN}
        for channel in reading.channels:
            if channel.id in unknown:
                self._feed(reconcile.arrival(channel))

    def leg_ended(self, leg: LegId, cause: int) -> None:
        """One that never answered our question is a fault, and over."""
        fault = self._silence.ended(leg, cause) if self._silence is not None else None
        if fault is not None:
            self.found[fault.kind] += 1
            self._feed(facts.FaultsFound(faults=(fault,)))
            self._told([fault])

    def _take(self, found: list[Fault]) -> None:
        """Count, have repaired, tell."""
        attempts = {fault.key: self._attempts.get(fault.key, 0) + 1 for fault in found}
        for key in attempts:
            if key not in self._attempts:
                self.found[key[0]] += 1
        self._attempts = attempts
        self.open = [msgspec.structs.replace(fault, attempt=attempts[fault.key]) for fault in found[:MAX_FAULTS]]
        news = tuple(fault for fault in self.open if fault.attempt <= MAX_REPAIRS + 1)
        if news:  # once more than it is tried, so that the journal knows that it stays
            self._feed(facts.FaultsFound(faults=news))
        if any(fault.kind is FaultKind.DEADLINE_OVERDUE for fault in news):
            self._feed(facts.Tick())
        if self.open:
            self._told(self.open)
