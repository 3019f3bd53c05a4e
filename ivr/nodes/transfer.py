"""The transfer node: to one agent, to a queue, to an outside number."""

from __future__ import annotations

from ctiserver.model.causes import EndReason
from ivr.nodes.base import Node, Target, targets
from ivr.nodes.queue import EXIT_OF, QueueExits
from ivr.nodes.run import Run


class Transfer(Node, frozen=True, kw_only=True, tag="transfer"):
    """Send the caller to `agent` (waiting for him in `queue`, or in the first queue that he serves), or to `queue`
    alone, or to an outside `number`. All three may be templates. Outside numbers cannot be dialled yet: they leave by
    `error`, as an unknown agent or queue does.

    {"type": "transfer", "agent": "${customer.manager}", "queue": "service",
     "data": {"reason": "account manager"},
     "exits": {"no_agents": "service", "timed_out": "service", "error": "service"}}
    """

    agent: str = ""
    queue: str = ""
    number: str = ""
    data: dict[str, str] = {}
    exits: QueueExits = QueueExits()

    def __post_init__(self) -> None:
        if bool(self.number) == bool(self.agent or self.queue):
            raise ValueError("a transfer goes to an agent, a queue or a number")

    def targets(self) -> dict[str, Target]:
        return targets(self.exits)

    def enter(self, run: Run) -> str | None:
        if self.number:
            run.note("outside numbers cannot be dialled yet")
            return "error"
        agent, queue = run.fill(self.agent), run.fill(self.queue)
        if self.agent:
            found = next((one for one in run.site.agents if one.id == agent), None)
            if found is None:
                run.note("no such agent")
                return "error"
            served = [one.queue for group in run.site.groups if group.id == found.group for one in group.serves]
            queue = queue or next(iter((*served, *found.queues)), "")
        if not any(one.id == queue for one in run.site.queues):
            run.note("no such queue")
            return "error"
        run.queue(
            queue,
            requires="",
            priority=0.0,
            agent=agent or None,
            data=run.fill_all(self.data),
        )
        return None

    def refused(self, run: Run, reason: EndReason) -> str | None:
        run.note(reason.value)
        return EXIT_OF.get(reason, "error")

    def always_waits(self) -> bool:
        return False  # an agent that is not there is left by `error` at once

    def reads(self) -> tuple[str, ...]:
        return (self.agent, self.queue, *self.data.values())
