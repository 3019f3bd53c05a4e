"""The effects driver: one lane a conversation, sent in order; lanes side by side; a deadline each (DESIGN 5.2).

An accepted effect says nothing (facts tell what changed); a refused or late one becomes `EffectFailed`.
Nothing is ever resent here.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable

import structlog

from ctiserver.model import effects as fx
from ctiserver.model.errors import SwitchError
from ctiserver.model.facts import EffectFailed
from ctiserver.ports import Performer

log = structlog.get_logger(__name__)

DEADLINE = 5.0
"""Seconds for one effect (our choice: Asterisk answers in well under 10 ms)."""
MAX_LANE = 200
"""Effects waiting in one lane; a conversation that needs more is broken (our choice)."""


class Effects:
    """Runs effects; outcomes that matter go to `feed`."""

    def __init__(self, performer: Performer, feed: Callable[[EffectFailed], None]) -> None:
        self._performer = performer
        self._feed = feed
        self._lanes: dict[str, deque[fx.Effect]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.performed = 0
        self.failed = 0

    def release(self, effects: Iterable[fx.Effect]) -> None:
        """Queue effects behind those of the same lane; returns at once."""
        for effect in effects:
            name = fx.lane(effect)
            lane = self._lanes.get(name)
            if lane is None:
                self._lanes[name] = deque((effect,))
                self._tasks[name] = asyncio.create_task(self._run(name), name=f"lane {name}")
            elif len(lane) >= MAX_LANE:
                self._fail(effect, "lane full", 0)
            else:
                lane.append(effect)

    def idle(self, lane: str) -> bool:
        """Whether nothing is left to do in a lane."""
        return lane not in self._lanes

    async def settled(self, lane: str) -> None:
        """Wait until nothing is left to do in a lane: at most the deadline of one effect."""
        task = self._tasks.get(lane)
        if task is not None:
            await asyncio.wait((task,), timeout=DEADLINE)

    @property
    def pending(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    async def _run(self, name: str) -> None:
        lane = self._lanes[name]
        try:
            while lane:
                together = list(itertools.takewhile(fx.in_step, lane)) or [lane[0]]
                # Each sends before it waits, so they reach the switch in order, and in one packet.
                await asyncio.gather(*map(self._perform, together))
                for _ in together:
                    lane.popleft()
        finally:
            del self._lanes[name]
            del self._tasks[name]

    async def _perform(self, effect: fx.Effect) -> None:
        try:
            async with asyncio.timeout(DEADLINE):
                await self._performer.perform(effect)
            self.performed += 1
        except SwitchError as error:
            self._fail(effect, error.reason, error.status)
        except TimeoutError:
            self._fail(effect, "timeout", 0)
        except Exception:  # the lane must go on: a programming error in an adapter may not stop a call's other effects
            log.exception("effect_crashed", effect=type(effect).__name__)
            self._fail(effect, "crashed", 0)

    def _fail(self, effect: fx.Effect, reason: str, status: int) -> None:
        self.failed += 1
        target = target_of(effect)
        log.info("effect_failed", effect=type(effect).__name__, target=target, reason=reason, status=status)
        self._feed(
            EffectFailed(
                conversation=getattr(effect, "conversation", None),
                effect=type(effect).__name__,
                target=target,
                reason=reason,
                status=status,
            )
        )

    async def close(self) -> None:
        """Stop all lanes; what was not performed is reconciled at the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def target_of(effect: fx.Effect) -> str:
    """The id of the thing an effect acts on."""
    match effect:
        case fx.OpenBridge() | fx.CloseBridge():
            return effect.bridge
        case fx.PlayMedia() | fx.StopPlayback():
            return effect.playback
        case fx.OpenTracks() | fx.StartRecording():
            return ",".join(effect.names)
        case fx.ProvisionDevice() | fx.RemoveDevice():
            return effect.endpoint
        case fx.SetPhones():
            return "phones"
        case fx.FindCustomer() | fx.LookAt():
            return effect.conversation
        case _:
            return effect.leg
