"""The site's configuration as data: numbers, queues, agents, skills, reasons, dispositions, flows.

It enters the world as one recorded input (`SiteLoaded`), so a replay runs with the configuration of its
day. Reading and checking files is `acd.config`'s job; meaning lives in the cores.
"""

from __future__ import annotations

import msgspec


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A name in both languages."""

    zh: str
    en: str


class NumberConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A dialled number and the flow that answers it. `record` false: no conversation of this number is recorded."""

    number: str
    flow: str
    name: Label
    record: bool = True


class QueueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. Times in seconds.

    `priority` is a head start in seconds: a contact ranks as if it had arrived that much earlier.
    `requires` are the skills (name -> least level 1-100) that every contact of the queue needs.
    """

    id: str
    name: Label
    requires: dict[str, int] = {}
    priority: float = 0.0
    offer_seconds: float = 20.0
    wrap_up_seconds: float = 30.0
    service_level_seconds: float = 20.0
    max_waiting: int = 500
    max_wait_seconds: float = 3600.0
    disposition_required: bool = True


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may take work: skills are name -> level 1-100 (100 is best); queues he serves.

    `phone` is the desk phone that becomes his with the sign-in when it is free ('' = his browser is his phone).
    """

    id: str
    name: Label
    skills: dict[str, int] = {}
    queues: tuple[str, ...] = ()
    max_misses: int = 3
    phone: str = ""


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


class SiteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that routing and flows read."""

    numbers: tuple[NumberConfig, ...] = ()
    queues: tuple[QueueConfig, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    phones: tuple[PhoneConfig, ...] = ()
    reasons: tuple[ReasonConfig, ...] = ()
    dispositions: tuple[DispositionConfig, ...] = ()
    flows: tuple[FlowConfig, ...] = ()
    languages: tuple[str, ...] = ("zh", "en")
    demo: bool = False
    """A demo site: everybody who reaches the caller page may call in as one of its customers."""
    prompts: dict[str, dict[str, str]] = {}
    """prompt id -> language -> media URI that the switch can play (resolved at decision time, DESIGN 5.7)."""
