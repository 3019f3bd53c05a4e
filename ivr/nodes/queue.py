"""The queue node: hand the caller to the ACD."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ctiserver.model.causes import EndReason
from ctiserver.model.requirement import MAX_TEXT, BadRequirement, Requirement, canonical, of_levels
from ctiserver.model.routing import StepConfig
from ivr.nodes.base import Exits, Node, Target, targets
from ivr.nodes.menu import MAX_PATH
from ivr.nodes.run import Run

Level = Annotated[int, msgspec.Meta(ge=1, le=100)]
LeaveKey = Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]$")]
RequirementText = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class QueueExits(Exits, frozen=True, kw_only=True):
    no_agents: Target = None
    full: Target = None
    closed: Target = None
    timed_out: Target = None
    error: Target = None


EXIT_OF: dict[EndReason, str] = {
    EndReason.REJECTED: "full",  # as many wait as may
    EndReason.OVERFLOWED: "no_agents",  # a rule of the queue sends callers away, for nobody is there
    EndReason.CLOSED: "closed",
    EndReason.TIMED_OUT: "timed_out",
}
"""By which exit a refused caller goes on; every other reason is an error."""


class Queue(Node, frozen=True, kw_only=True, tag="queue"):
    """Wait for an agent of `queue`, with music. `requires` adds to the queue's own requirement (an expression over
    skills, or skill -> least level), `steps` replace its relaxation steps, `priority` is a head start in seconds,
    `data` goes to the agent's screen. The caller stays here until the call ends; when the queue gives him back he
    leaves by the exit of its reason. `keys`: a key that he may press while he waits, also in the middle of an
    announcement, and where it leads; the key is added to his path as 'node:key'. What the announcements say is the
    queue's (`comfort`), in the language of the flow.

    {"type": "queue", "queue": "order", "requires": "sales >= 50", "priority": 30,
     "steps": [{"requires": "English >= 60", "for_seconds": 30}],
     "data": {"order_no": "${order_no}"}, "keys": {"*": "menu", "9": "sorry"},
     "exits": {"no_agents": "sorry", "full": "sorry", "closed": "sorry", "timed_out": "sorry", "error": "sorry"}}
    """

    queue: str
    requires: dict[str, Level] | RequirementText = ""
    steps: tuple[StepConfig, ...] = ()
    priority: Annotated[float, msgspec.Meta(ge=0.0, le=86400.0)] = 0.0
    data: dict[str, str] = {}
    keys: dict[LeaveKey, Target] = {}
    exits: QueueExits = QueueExits()

    def targets(self) -> dict[str, Target]:
        return {f"key_{key}": target for key, target in self.keys.items()} | targets(self.exits)

    def enter(self, run: Run) -> str | None:
        if not any(queue.id == self.queue for queue in run.site.queues):
            run.note(f"no queue {self.queue}")
            return "error"
        try:
            asked = self.requirement()
            steps = tuple(msgspec.structs.replace(step, requires=canonical(step.requires)) for step in self.steps)
        except BadRequirement as error:
            run.note(str(error))
            return "error"
        run.queue(
            self.queue,
            requires=asked,
            steps=steps,
            priority=self.priority,
            agent=None,
            data=run.fill_all(self.data),
        )
        return None

    def requirement(self) -> Requirement:
        """Raises BadRequirement."""
        return canonical(self.requires) if isinstance(self.requires, str) else of_levels(self.requires)

    def refused(self, run: Run, reason: EndReason) -> str | None:
        run.note(reason.value)
        return EXIT_OF.get(reason, "error")

    def left_by(self, run: Run, key: str) -> str | None:
        run.change(path=(*run.session.path, f"{run.session.node}:{key}")[-MAX_PATH:])
        return f"key_{key}" if key in self.keys else "error"

    def always_waits(self) -> bool:
        return True

    def reads(self) -> tuple[str, ...]:
        return tuple(self.data.values())
