"""The callback node: instead of waiting, the caller is called back when his turn comes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ctiserver.model.requirement import BadRequirement, Requirement, canonical, of_levels
from ivr.flow.speech import Speech, templates
from ivr.nodes.base import Exits, Node, Target, targets
from ivr.nodes.queue import Level, RequirementText
from ivr.nodes.run import Run


class CallbackExits(Exits, frozen=True, kw_only=True):
    booked: Target = None
    refused: Target = None
    error: Target = None


class Callback(Node, frozen=True, kw_only=True, tag="callback"):
    """Book a call back from `queue` to `number` (a template; '' = the number the caller calls from). Who waits in that
    queue, or has just left it, keeps his place, what he needs and his data; for anybody else `requires`, `priority` and
    `data` count as in a queue node, and his place is as of now. `speech` tells him that it is done, then he leaves by
    `booked`. `refused`: the queue takes no callback, the number may not be called, or there is one for it already.

    {"type": "callback", "queue": "service", "number": "${callback_number}",
     "speech": [{"prompt": "callback_booked"}],
     "exits": {"booked": "bye", "refused": "service", "error": "service"}}
    """

    queue: str
    number: str = ""
    requires: dict[str, Level] | RequirementText = ""
    priority: Annotated[float, msgspec.Meta(ge=0.0, le=86400.0)] = 0.0
    data: dict[str, str] = {}
    speech: Speech = ()
    exits: CallbackExits = CallbackExits()

    def targets(self) -> dict[str, Target]:
        return targets(self.exits)

    def enter(self, run: Run) -> str | None:
        if not any(queue.id == self.queue for queue in run.site.queues):
            run.note(f"no queue {self.queue}")
            return "error"
        try:
            asked = self.requirement()
        except BadRequirement as error:
            run.note(str(error))
            return "error"
        number = run.fill(self.number)
        if self.number and not number:
            run.note("no number")
            return "refused"
        run.call_back(self.queue, number=number, requires=asked, priority=self.priority, data=run.fill_all(self.data))
        return None

    def requirement(self) -> Requirement:
        """Raises BadRequirement."""
        return canonical(self.requires) if isinstance(self.requires, str) else of_levels(self.requires)

    def booked(self, run: Run) -> str | None:
        return None if self.speech and run.play(self.speech, interruptible=False) else "booked"

    def not_booked(self, run: Run, why: str) -> str | None:
        run.note(why)
        return "refused"

    def prompt_ended(self, run: Run, *, ok: bool) -> str | None:
        if not ok:
            run.note("playback failed")
        return "booked"

    def digit(self, run: Run) -> str | None:
        return None  # what he is told is short, and he may type ahead for what comes next

    def always_waits(self) -> bool:
        return False  # it is answered at once, and a refusal says nothing

    def speeches(self) -> tuple[tuple[str, Speech], ...]:
        return (("speech", self.speech),)

    def reads(self) -> tuple[str, ...]:
        return (self.number, *self.data.values(), *templates(self.speech))
