"""Faults: what the auditor finds wrong in the running server (DESIGN section 8).

Lives here: the closed list of kinds, what each is called, who repairs it, how often. Not here: how a fault is found
(calls.audit, acd.core.check) or repaired (calls.repair, acd.core.repair). MAX_REPAIRS is our own choice.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ctiserver.model.ids import AgentId, ConversationId

MAX_REPAIRS = 3
"""How often the repair of one fault is tried; afterwards it stays open, and a person has to look."""


class FaultKind(StrEnum):
    """What is wrong. The first group compares with the switch, the second is about agents and their work."""

    LEG_MISSING = "leg_missing"
    LEG_STATE = "leg_state"
    LEG_MISPLACED = "leg_misplaced"
    LEG_LEFT = "leg_left"
    CALLER_UNKNOWN = "caller_unknown"
    CALLER_SILENT = "caller_silent"
    PAGE_SILENT = "page_silent"
    CHANNEL_STRAY = "channel_stray"
    BRIDGE_MISSING = "bridge_missing"
    BRIDGE_STRAY = "bridge_stray"
    RECORDING_LOST = "recording_lost"
    RECORDING_STRAY = "recording_stray"

    ENDPOINT_MISSING = "endpoint_missing"
    ENDPOINT_STRAY = "endpoint_stray"
    LEASE_STALE = "lease_stale"
    AGENT_STATE = "agent_state"
    WORK_STUCK = "work_stuck"
    CONTACT_STUCK = "contact_stuck"
    RESERVATION_STUCK = "reservation_stuck"
    DEADLINE_MISSING = "deadline_missing"
    DEADLINE_STRAY = "deadline_stray"
    DEADLINE_OVERDUE = "deadline_overdue"
    UNSERVED = "unserved"
    INDEX_BROKEN = "index_broken"
    BOOKS_WRONG = "books_wrong"


OF_CALLS = (
    FaultKind.LEG_MISSING,
    FaultKind.LEG_STATE,
    FaultKind.LEG_MISPLACED,
    FaultKind.LEG_LEFT,
    FaultKind.CALLER_UNKNOWN,
    FaultKind.CALLER_SILENT,
    FaultKind.PAGE_SILENT,
    FaultKind.CHANNEL_STRAY,
    FaultKind.BRIDGE_MISSING,
    FaultKind.BRIDGE_STRAY,
    FaultKind.RECORDING_LOST,
    FaultKind.RECORDING_STRAY,
)
"""What the conversation core repairs; all else is the ACD's."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `detail`: a sentence without personal data; `attempt` counts the beats that found it."""

    kind: FaultKind
    target: str
    """the id of the leg, channel, bridge, track, endpoint, agent, contact, reservation or deadline"""
    conversation: ConversationId | None = None
    agent: AgentId | None = None
    detail: str = ""
    attempt: int = 1
    due: float = 0.0
    """when a missing deadline is to fire"""

    @property
    def key(self) -> tuple[FaultKind, str]:
        return self.kind, self.target
