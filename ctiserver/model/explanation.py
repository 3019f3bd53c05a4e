"""The answer to "why this agent" and "why am I waiting": what `acd.core.explain` finds, the API sends, people read.

Lives here: the values alone. Reasons are the words of `Why.excluded` (see `acd.core.agent.status`). Times are epoch
seconds, lengths seconds.
"""

from __future__ import annotations

import msgspec

from ctiserver.model.ids import AgentId, ContactId, ConversationId, QueueId
from ctiserver.model.routing import Label


class Obstacle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that keeps an agent from the contact. `missing`: the parts of the requirement that he does not meet;
    `left`: seconds until it is over by itself (wrap-up, delay, avoided; 0.0 = nobody knows); `since`: epoch seconds;
    `about`: the reason code of a break, or the contact in his hands."""

    reason: str
    missing: tuple[str, ...] = ()
    left: float = 0.0
    since: float = 0.0
    about: str = ""


class AgentAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One agent. `place`: 1 = would be asked first, 0 = not now; `keys`: see `Explanation.names`; `obstacles`: all of
    them, the first is the one he is counted by; `skills`: his levels of the skills that are asked for."""

    agent: AgentId
    name: Label
    place: int = 0
    keys: tuple[float, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    skills: dict[str, int] = {}


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting contact that goes first with `agents` of the agents who could serve both. `by` says why: queue_priority
    (its queue is of a smaller priority number for them), came_back, waits_longer, head_start, objective, order (the
    same instant). `seconds`: how much earlier it is due; 0.0 where that is not what decides."""

    contact: ContactId
    queue: QueueId
    by: str
    seconds: float
    agents: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the requirement: how many agents of the queue meet it, and how many of those are free."""

    requires: str
    agents: int
    free: int


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The relaxation step in force, and the next. `number` counts from 1, `of` as well; number > of: after the last.
    `ends_at` 0.0: not by time. `next_agents`: whom the next one would admit beside those of now, `next_free` of them
    are free."""

    number: int
    of: int
    ends_at: float = 0.0
    ends_below_available: int = 0
    ends_over_predicted: float = 0.0
    next_requires: str = ""
    next_agents: tuple[AgentId, ...] = ()
    next_count: int = 0
    next_free: int = 0


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """When the next groups see the contact, and whom of them it would admit."""

    at: float
    delay: float
    agents: tuple[AgentId, ...]
    count: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer at `at` (epoch seconds, the last turn's time).

    `verdict`: why it is where it is: offered, connected, scheduled, ended, switch_down, caller_away, no_queue,
    served_next, waits_for_agent, nobody_fits, all_busy, delay, avoided, unreachable, not_ready, nobody_signed_in.
    The fair order: due = queued_at + objective - queue_priority - head_start; `place`: in its queue, from 1;
    `ahead`: the first of `ahead_count` contacts of all queues that go before it with somebody.
    `nearest`: agents with one obstacle, the soonest first: each would serve it if that were gone.
    """

    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    queue_name: Label
    medium: str
    at: float
    state: str
    verdict: str
    entered_at: float
    queued_at: float
    objective: float
    queue_priority: float
    head_start: float
    due: float
    head: bool
    offers: int
    requires: str
    algorithm: str
    names: tuple[str, ...]
    agents: tuple[AgentAnswer, ...]
    eligible: int
    excluded: dict[str, int]
    parts: tuple[Part, ...]
    nearest: tuple[AgentId, ...]
    place: int = 0
    queue_length: int = 0
    ahead: tuple[Ahead, ...] = ()
    ahead_count: int = 0
    rules: tuple[str, ...] = ()
    only_agent: AgentId | None = None
    prefer: AgentId | None = None
    prefer_until: float = 0.0
    step: Step | None = None
    opening: Opening | None = None
