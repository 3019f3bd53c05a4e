"""A fake switch with moods, for days played by chance: effects take their time in lanes, some are refused or time out,
facts come late and twice, the link drops. What it does and when is drawn from the seed it is given.
"""

from __future__ import annotations

import heapq
import random

import msgspec

from ctiserver.effects import target_of
from ctiserver.model import effects as fx, facts
from ctiserver.model.errors import LINK_LOST
from ctiserver.model.ids import LegId
from tests.fakes.switch import FakeSwitch, Refused


class Performed(facts.Tick, frozen=True, kw_only=True, tag="Performed"):
    """Not a fact: an effect whose turn in its lane has come. Handed out as a tick if it says nothing."""

    effect: fx.Effect


class MoodySwitch(FakeSwitch):
    """`mood` 0 is the reliable switch; 1 spoils about one effect in twenty-five and doubles some facts."""

    def __init__(self, chance: random.Random, *, prompt_seconds: float = 2.0) -> None:
        super().__init__(prompt_seconds=prompt_seconds)
        self.chance = chance
        self.mood = 0.0
        self.linked = True
        self._lane_free: dict[str, float] = {}
        self._told: dict[str, float] = {}  # when the last fact of a leg is told: facts of one leg keep their order

    # ---- facts

    def later(self, fact: facts.Fact, delay: float | None = None) -> None:
        wait = self.told_after() if delay is None else delay
        leg = getattr(fact, "leg", getattr(fact, "channel", None))
        if leg is not None:
            at = max(self.now + wait, self._told.get(leg, 0.0))
            self._told[leg] = at
            wait = at - self.now
        super().later(fact, wait)
        if self.mood and not isinstance(fact, facts.CallerArrived | Performed) and self.chance.random() < 0.05:
            super().later(fact, wait + self.chance.choice((0.0, 0.004, 0.5)))

    def take(self) -> facts.Fact:
        fact = super().take()
        if isinstance(fact, Performed):
            return self._outcome(fact.effect) or facts.Tick()
        return fact if self.linked else facts.Tick()

    def forget_facts(self) -> None:
        """A killed server: what was told is lost, what was to be done is not done."""
        super().forget_facts()
        self._lane_free.clear()
        for playback in list(self.playing):
            self.later(facts.PlaybackDone(playback=playback, ok=True, at=self.now), self.prompt_seconds)

    def forget(self, leg: LegId) -> None:
        """Of this leg nothing is told that has not been told."""
        self._queue = [entry for entry in self._queue if getattr(entry[2], "channel", None) != leg]
        heapq.heapify(self._queue)

    # ---- effects

    def took(self) -> float:
        """Seconds for the next effect."""
        return self.chance.choice((0.001, 0.001, 0.002, 0.02)) if self.mood else 0.001

    def told_after(self) -> float:
        """Seconds until the next fact is told."""
        return self.delay + (self.chance.choice((0.0, 0.0, 0.003, 0.03)) if self.mood else 0.0)

    def perform(self, effect: fx.Effect) -> None:
        lane = fx.lane(effect)
        at = max(self.now, self._lane_free.get(lane, 0.0)) + self.took()
        self._lane_free[lane] = at
        FakeSwitch.later(self, Performed(effect=effect), at - self.now)

    def _outcome(self, effect: fx.Effect) -> facts.EffectFailed | None:
        spoiled = self.chance.random() < 0.04 * self.mood
        try:
            if not self.linked:
                raise Refused(0, LINK_LOST)
            if spoiled and self.chance.random() < 0.6:
                raise Refused(self.chance.choice((0, 409, 500)), "spoiled")
            super().perform(effect)
            if spoiled:
                raise Refused(0, "timeout")
        except Refused as refused:
            return facts.EffectFailed(
                conversation=getattr(effect, "conversation", None),
                effect=type(effect).__name__,
                target=target_of(effect),
                reason=str(refused),
                status=refused.status,
            )
        return None

    def idle(self, lane: str) -> bool:
        """Whether nothing is left to do in a lane."""
        return self._lane_free.get(lane, 0.0) <= self.now

    # ---- people

    def end(self, leg: LegId, cause: int = 16) -> None:
        """Of a caller in the apology nobody hears anything: his channel is not in our application."""
        before = [entry[1] for entry in self._queue]
        super().end(leg, cause)
        if leg in self.away:
            self._queue = [
                entry
                for entry in self._queue
                if entry[1] in before or not isinstance(entry[2], facts.LegEnding | facts.LegEnded | facts.LegMoved)
            ]
            heapq.heapify(self._queue)
            self.away.discard(leg)

    def apologise(self, leg: LegId) -> None:
        super().apologise(leg)
        for playback in [p for p, target in self.playing.items() if target == leg]:
            self._playback_over(playback, ok=False)
        self.later(facts.LegAway(leg=leg, at=self.now))

    def back(self, leg: LegId) -> None:
        self.away.discard(leg)
        self.later(msgspec.structs.replace(self.inbound[leg], up=self.channels[leg] == "Up", at=self.now))
