"""Errors say whose fault it is; the edge translates them (HTTP status, WebSocket answer).

`CommandRejected`: the client asked for what is not possible now. `SwitchError`: Asterisk did not do it.
`InvariantBroken`: our own mistake; it is logged, alarmed and never hidden.
"""

from __future__ import annotations

from enum import StrEnum

LINK_LOST = "link lost"
"""SwitchError.reason when the switch is away; what is true is compared when it is back."""


class Rejection(StrEnum):
    """Typed reasons for refusing a command; the desktop has a sentence for each in both languages."""

    UNKNOWN_AGENT = "unknown_agent"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN_REASON = "unknown_reason"
    UNKNOWN_DISPOSITION = "unknown_disposition"
    DISPOSITION_REQUIRED = "disposition_required"
    UNKNOWN_CALL = "unknown_call"
    UNKNOWN_QUEUE = "unknown_queue"
    UNKNOWN_OFFER = "unknown_offer"
    NOT_TALKING = "not_talking"
    NOT_ON_HOLD = "not_on_hold"
    HELD_ON_PHONE = "held_on_phone"
    NOT_IN_WRAP_UP = "not_in_wrap_up"
    WORK_IN_PROGRESS = "work_in_progress"
    NO_PHONE = "no_phone"
    NOT_READY = "not_ready"
    UNKNOWN_PHONE = "unknown_phone"
    PHONE_ELSEWHERE = "phone_elsewhere"
    PHONE_IN_CALL = "phone_in_call"
    LEASE_LOST = "lease_lost"
    NOTE_TOO_LONG = "note_too_long"
    UNKNOWN_TARGET = "unknown_target"
    TARGET_AWAY = "target_away"
    TARGET_CLOSED = "target_closed"
    BAD_NUMBER = "bad_number"
    NUMBER_NOT_ALLOWED = "number_not_allowed"
    NO_TRUNK = "no_trunk"
    TOO_MANY_CALLS = "too_many_calls"
    IN_A_CALL = "in_a_call"
    TARGET_BUSY = "target_busy"
    MONITORED = "monitored"
    MONITORING_ELSEWHERE = "monitoring_elsewhere"
    NOT_MONITORING = "not_monitoring"
    TARGET_UNREACHABLE = "target_unreachable"
    CONSULT_RUNNING = "consult_running"
    CONSULT_RINGING = "consult_ringing"
    NO_CONSULT = "no_consult"
    NO_CONFERENCE = "no_conference"
    UNKNOWN_PARTY = "unknown_party"
    TOO_MANY_PARTIES = "too_many_parties"
    UNKNOWN_CALLBACK = "unknown_callback"
    CALLBACK_RUNNING = "callback_running"
    CALLBACK_REFUSED = "callback_refused"
    UNKNOWN_NOTICE = "unknown_notice"
    NOT_WAITING = "not_waiting"
    CANNOT_SERVE = "cannot_serve"
    BAD_COMMAND = "bad_command"
    OVERLOADED = "overloaded"
    JOURNAL_FULL = "journal_full"


class CommandRejected(Exception):
    """A command that cannot be done now; the world is unchanged."""

    def __init__(self, code: Rejection, detail: str = "") -> None:
        super().__init__(f"{code.value}: {detail}" if detail else code.value)
        self.code = code
        self.detail = detail


class SwitchError(Exception):
    """The switch refused, timed out or is away. `retryable` says whether asking again later makes sense."""

    def __init__(self, reason: str, *, status: int = 0, retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.retryable = retryable


class InvariantBroken(Exception):
    """A property that must always hold does not."""
