"""The hang-up node: say goodbye, end the call."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ivr.flow.speech import Speech, templates
from ivr.nodes.base import Node, Target
from ivr.nodes.run import Run


class Hangup(Node, frozen=True, kw_only=True, tag="hangup"):
    """Say `speech` to its end (if there is any), then hang up with the Q.850 `cause` (16 = normal clearing).

    {"type": "hangup", "speech": [{"prompt": "goodbye"}], "cause": 16}
    """

    speech: Speech = ()
    cause: Annotated[int, msgspec.Meta(ge=1, le=127)] = 16

    def targets(self) -> dict[str, Target]:
        return {}

    def enter(self, run: Run) -> str | None:
        if not self.speech or not run.play(self.speech, interruptible=False):
            run.end(self.cause)
        return None

    def prompt_ended(self, run: Run, *, ok: bool) -> str | None:
        run.end(self.cause)
        return None

    def always_waits(self) -> bool:
        return True

    def speeches(self) -> tuple[tuple[str, Speech], ...]:
        return (("speech", self.speech),)

    def reads(self) -> tuple[str, ...]:
        return templates(self.speech)
