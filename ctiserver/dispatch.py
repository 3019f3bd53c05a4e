"""The one dispatcher: input -> cores -> journal -> effects -> views, each input run to completion (DESIGN section 1).

Lives in the event loop's thread and never waits. It has the only timer: the earliest deadline of the world.
What to do with a turn (release effects, show it) is given by the composition root.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from ctiserver import turn
from ctiserver.model import commands as cmd, facts
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.turns import Core, Input, Record
from ctiserver.model.world import World
from ctiserver.ports import Clock, JournalWriter

log = structlog.get_logger(__name__)

SLOW_TURN = 0.020
"""Seconds; a longer turn is logged with its input (DESIGN section 1)."""
BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
"""Seconds: the upper bounds by which turns are counted."""
CLOCK_JUMP = 1.0
"""Seconds of disagreement between wall and monotonic clock that count as a jump (DESIGN 5.4)."""

MEND_EVERY = 1.0
"""Seconds between two tries to write a journal that could not be written (our choice: a try encodes the world)."""


class SystemClock:
    """The real clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Dispatcher:
    """Owns the world. `on_turn` is called after the record is in the journal, with effects not yet released:
    it releases them and fans the views out. `mask` tells whether the customer's digits are secret now. `bridge` stores
    the whole world in place of records that could not be written; it raises OSError."""

    def __init__(
        self,
        world: World,
        cores: Sequence[Core],
        journal: JournalWriter,
        on_turn: Callable[[Record], None],
        *,
        clock: Clock | None = None,
        mask: Callable[[World, facts.DigitPressed], bool] = lambda _world, _digit: False,
        bridge: Callable[[], None] = lambda: None,
        on_journal: Callable[[bool], None] = lambda _works: None,
        on_fatal: Callable[[], None] = lambda: None,
    ) -> None:
        self.world = world
        self.turns = 0
        self.slowest = 0.0
        self.seconds = 0.0
        self.took = [0] * (len(BUCKETS) + 1)
        """turns by duration, see BUCKETS"""
        self.journal_broken = False
        self._cores = cores
        self._journal = journal
        self._on_turn = on_turn
        self._clock = clock or SystemClock()
        self._mask = mask
        self._bridge = bridge
        self._mend_after = 0.0
        self._on_journal = on_journal
        self._on_fatal = on_fatal
        self._waiting: deque[Input] = deque()
        self._running = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._fires_at = 0.0
        self._late = 0.0
        self.failed = False
        self._offset = max(self._clock.now(), world.now) - self._clock.monotonic()
        self._jumped = 0.0

    def feed(self, item: Input) -> None:
        """Run a fact to completion; one that arrives within a turn (from `on_turn`) runs after it."""
        if self.failed:
            return
        self._waiting.append(item)
        self._drain()

    def submit(self, command: cmd.Command) -> None:
        """Run a command to completion; raises CommandRejected. Not to be called from within a turn."""
        if self.failed:
            raise CommandRejected(Rejection.OVERLOADED, "the server restarts")
        if self._running:
            raise RuntimeError("a command cannot be submitted from within a turn")
        self._drain()
        rejected = self._one(command).rejected
        self._drain()
        if rejected is not None:
            raise rejected

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drain(self) -> None:
        if self._running:
            return
        while self._waiting:
            self._one(self._waiting.popleft())

    def _one(self, item: Input) -> turn.Turn:
        if isinstance(item, facts.DigitPressed) and self._mask(self.world, item):
            item = facts.DigitPressed(leg=item.leg, digit="*", masked=True, at=item.at)
        self._running = True
        try:
            return self._turn(item)
        except Exception:
            # The world may be half changed and the journal does not know: nothing may follow. A new process folds
            # the journal, compares with the switch and goes on; calls stay up meanwhile.
            self.failed = True
            self._waiting.clear()
            self.close()
            log.exception("turn_failed", input=type(item).__name__, seq=self.world.seq + 1)
            self._on_fatal()
            raise
        finally:
            self._running = False

    def _turn(self, item: Input) -> turn.Turn:
        began = self._clock.monotonic()
        at = self._time(began)
        done = turn.run(self.world, self._cores, item, epoch=self._journal.epoch, at=at, seed=self.world.seq + 1)
        self._append(done.record)
        self._on_turn(done.record)
        self._arm()
        took = self._clock.monotonic() - began
        self.turns += 1
        self.slowest = max(self.slowest, took)
        self.seconds += took
        self.took[bisect_left(BUCKETS, took)] += 1
        if took > SLOW_TURN:
            log.warning("slow_turn", input=type(item).__name__, ms=round(took * 1000, 1), seq=done.record.seq)
        return done

    def _append(self, record: Record) -> None:
        """Running calls go on without a journal; new ones are refused until it can be written again (DESIGN section 1).

        Records are missing in the file then, so the first one that fits is not enough: the world is stored before it.
        """
        broken = self.journal_broken
        if broken and self._clock.monotonic() < self._mend_after:
            return
        try:
            if broken:
                self._bridge()
            self._journal.append(record)
        except OSError as error:
            self._mend_after = self._clock.monotonic() + MEND_EVERY
            if not broken:
                log.error("journal_write_failed", error=str(error), seq=record.seq)
                self.journal_broken = True
                self._on_journal(False)
            return
        if broken:
            self.journal_broken = False
            log.warning("journal_writes_again", seq=record.seq)
            self._on_journal(True)

    def _time(self, monotonic: float) -> float:
        """UTC, once a turn, never back (DESIGN 5.4): the wall clock at the start, carried on by the monotonic one.

        So a wall clock that is set an hour off moves no deadline; it becomes an input of its own, and the next start
        follows it. Small corrections are followed at once, one millisecond a turn.
        """
        running = self._offset + monotonic
        off = self._clock.now() - running
        if abs(off) <= CLOCK_JUMP:
            self._offset += max(-0.001, min(0.001, off))
            self._jumped = 0.0
        elif abs(off - self._jumped) > CLOCK_JUMP:
            self._jumped = off
            self._waiting.append(facts.ClockJumped(seconds=round(off, 3)))
        return max(running, self.world.now)

    def now(self) -> float:
        """The time that a turn would have now."""
        return max(self._offset + self._clock.monotonic(), self.world.now)

    def _arm(self) -> None:
        due = self.world.deadlines.next()
        if due is None or (self._timer is not None and self._timer_at == due):
            return
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, due - self.now())
        self._timer_at = due
        loop = asyncio.get_running_loop()
        self._fires_at = loop.time() + min(delay, 3600.0)
        self._timer = loop.call_at(self._fires_at, self._tick)

    def timer_late(self) -> float:
        """How late the timer has fired at most, in seconds, since this was asked last."""
        late, self._late = self._late, 0.0
        return late

    def _tick(self) -> None:
        self._timer = None
        self._late = max(self._late, asyncio.get_running_loop().time() - self._fires_at)
        if self.world.deadlines.first_due(self.now()) is not None:
            self.feed(facts.Tick())
        self._drain()
        self._arm()
