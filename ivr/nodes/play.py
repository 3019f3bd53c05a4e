"""The play node: say something, go on."""

from __future__ import annotations

from ivr.flow.speech import Speech, templates
from ivr.nodes.base import Exits, Node, Target, targets
from ivr.nodes.run import Run


class PlayExits(Exits, frozen=True, kw_only=True):
    next: Target = None
    error: Target = None


class Play(Node, frozen=True, kw_only=True, tag="play"):
    """Say something and leave by `next`. With `barge_in` a key stops it (and is kept for the next node); when keys
    are waiting already it is not said at all. `flush` forgets keys typed before. `error`: nothing of it can be
    played; left empty, a playback that fails half-way goes on by `next`.

    {"type": "play", "speech": [{"prompt": "welcome"}, {"digits": "${order_no}"}], "barge_in": true,
     "exits": {"next": "menu", "error": "service"}}
    """

    speech: Speech
    barge_in: bool = True
    flush: bool = False
    exits: PlayExits = PlayExits()

    def targets(self) -> dict[str, Target]:
        return targets(self.exits)

    def enter(self, run: Run) -> str | None:
        if self.flush:
            run.change(digits="")
        if self.barge_in and run.session.digits:
            run.note("not said: keys are waiting")
            return "next"
        return None if run.play(self.speech, interruptible=self.barge_in) else "error"

    def prompt_ended(self, run: Run, *, ok: bool) -> str | None:
        if ok:
            return "next"
        run.note("playback failed")
        return "error" if self.exits.error is not None else "next"

    def digit(self, run: Run) -> str | None:
        return "next"

    def speeches(self) -> tuple[tuple[str, Speech], ...]:
        return (("speech", self.speech),)

    def reads(self) -> tuple[str, ...]:
        return templates(self.speech)
