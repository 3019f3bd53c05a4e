"""The site's configuration as data: numbers, queues, agents, skills, reasons, dispositions, flows.

It enters the world as one recorded input (`SiteLoaded`), so a replay runs with the configuration of its
day. Reading and checking files is `acd.config`'s job; meaning lives in the cores.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ctiserver.model.routing import (
    Algorithm,
    CalendarConfig,
    CallbackConfig,
    ComfortConfig,
    GroupConfig,
    Label,
    OutboundConfig,
    OverflowConfig,
    RuleConfig,
    StepConfig,
)

__all__ = [
    "AgentConfig",
    "DispositionConfig",
    "Figure",
    "FloorConfig",
    "FlowConfig",
    "Label",
    "NumberConfig",
    "OutboundConfig",
    "PhoneConfig",
    "QueueConfig",
    "ReasonConfig",
    "SiteConfig",
    "TileConfig",
]


class NumberConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A dialled number and the flow that answers it. `record` false: no conversation of this number is recorded."""

    number: str
    flow: str
    name: Label
    record: bool = True


class QueueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. Times in seconds.

    The fair order across queues (docs/adr/0006): a contact's due time is its arrival, plus `objective_seconds`, less
    `priority` and its own head start; the earliest due is served first.
    `requires` is what every contact of the queue needs of an agent, always; `steps` relax what is asked beside it.
    `when_closed`, `when_full`, `when_no_agent`: '' = the flow goes on at the node's exit (without an agent: the caller
    waits), or a queue that takes the contact instead. `at_close`: 'serve' those who wait, or 'leave' by the exit.
    `ring_at_most`: agents rung at once by `ring_all`.
    """

    id: str
    name: Label
    requires: str = ""
    steps: tuple[StepConfig, ...] = ()
    rules: tuple[RuleConfig, ...] = ()
    algorithm: Algorithm = Algorithm.LONGEST_IDLE
    ring_at_most: int = 5
    priority: float = 0.0
    objective_seconds: float = 0.0
    offer_seconds: float = 20.0
    wrap_up_seconds: float = 30.0
    service_level_seconds: float = 20.0
    max_waiting: int = 500
    max_wait_seconds: float = 3600.0
    disposition_required: bool = True
    calendar: str = ""
    at_close: str = "serve"
    when_closed: str = ""
    when_full: str = ""
    when_no_agent: str = ""
    no_agent_leaves: bool = False
    """true: with nobody signed in for it the caller leaves by the exit `no_agents`, if `when_no_agent` is empty"""
    overflow: tuple[OverflowConfig, ...] = ()
    comfort: ComfortConfig | None = None
    callback: CallbackConfig | None = None


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may take work: skills are name -> level 0-100 (100 is best).

    He serves his group's queues and `queues`, which he serves like a group of priority 1, no delay, tier 1.
    `phone` is the desk phone that becomes his with the sign-in when it is free ('' = his browser is his phone).
    `number`: an outside number at which he may choose to take calls; one that begins with one of `prefixes`.
    `wrap_up_seconds`: his own, None = the queue's. `shares`: queue -> percent, instead of his group's share.
    `auto_answer`: his phone answers offered calls by itself, after the card is on his screen.
    """

    id: str
    name: Label
    skills: dict[str, int] = {}
    queues: tuple[str, ...] = ()
    group: str = ""
    auto_answer: bool = False
    max_misses: int = 3
    phone: str = ""
    number: str = ""
    wrap_up_seconds: float | None = None
    shares: dict[str, float] = {}


class PhoneConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A SIP phone on a desk, for whoever sits there. `contact` is where it always is (`sip:user@host:port`); '' = it
    registers with us."""

    id: str
    name: Label
    contact: str = ""


class ReasonConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A reason code for not ready."""

    id: str
    name: Label


class DispositionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A business outcome that the agent records; empty `queues` = offered everywhere."""

    id: str
    name: Label
    queues: tuple[str, ...] = ()


class FlowConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable flow revision; `document` is the flow's JSON text (see ivr.flow)."""

    id: str
    revision: int
    document: str


class Figure(StrEnum):
    """What a tile of the wallboard shows."""

    WAITING = "waiting"
    LONGEST = "longest"
    SERVICE_NOW = "service_now"
    SERVICE_TODAY = "service_today"
    READY = "ready"
    BUSY = "busy"
    STAFFED = "staffed"
    ANSWERED = "answered"
    LOST = "lost"


class TileConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One tile of the wallboard: a figure of one queue, or of all together (`queue` '')."""

    figure: Figure
    queue: str = ""


class FloorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """From where on figures are coloured on leads' pages: `warn_` amber, `bad_` red. Times are seconds, service levels
    percent (the smaller, the worse). `tiles`: the wallboard's; none = eight that fit most sites. `tell_listening`:
    agents' pages show that a lead is in the call."""

    warn_waiting: int = 3
    bad_waiting: int = 8
    warn_longest_seconds: float = 30.0
    bad_longest_seconds: float = 60.0
    warn_service_percent: float = 90.0
    bad_service_percent: float = 80.0
    warn_talk_seconds: float = 600.0
    bad_talk_seconds: float = 1200.0
    warn_wrap_up_seconds: float = 90.0
    bad_wrap_up_seconds: float = 180.0
    warn_not_ready_seconds: float = 900.0
    bad_not_ready_seconds: float = 1800.0
    tiles: tuple[TileConfig, ...] = ()
    tell_listening: bool = False


class SiteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that routing and flows read."""

    numbers: tuple[NumberConfig, ...] = ()
    queues: tuple[QueueConfig, ...] = ()
    groups: tuple[GroupConfig, ...] = ()
    calendars: tuple[CalendarConfig, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    phones: tuple[PhoneConfig, ...] = ()
    reasons: tuple[ReasonConfig, ...] = ()
    dispositions: tuple[DispositionConfig, ...] = ()
    flows: tuple[FlowConfig, ...] = ()
    outbound: OutboundConfig = OutboundConfig()
    floor: FloorConfig = FloorConfig()
    languages: tuple[str, ...] = ("zh", "en")
    demo: bool = False
    """A demo site: everybody who reaches the caller page may call in as one of its customers."""
    prompts: dict[str, dict[str, str]] = {}
    """prompt id -> language -> media URI that the switch can play (resolved at decision time, DESIGN 5.7)."""
