"""Causes and reasons: closed lists of words that events, reports and screens share.

A *cause* is the technical reason of an event; an *end reason* is why a contact left its queue
(DESIGN section 7). Numbers are Q.850 cause codes as Asterisk reports them.
"""

from __future__ import annotations

from enum import StrEnum


class EndReason(StrEnum):
    """Why a contact ended: exactly one each (DESIGN section 4)."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    TIMED_OUT = "timed_out"
    LEFT_BY_KEY = "left_by_key"
    CALLBACK_BOOKED = "callback_booked"
    REJECTED = "rejected"
    CLOSED = "closed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class LegFailure(StrEnum):
    """Why an agent's leg did not come up. Only MISSED and REJECTED are the agent's doing."""

    MISSED = "missed"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    TOO_LATE = "too_late"


class Unreached(StrEnum):
    """Why a call to a customer (or a colleague) came to nothing. REJECTED: he refused it; AGENT: the agent gave up
    before an answer; LOST: his phone or our link to the switch was lost, which is no try of the customer's."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    FAILED = "failed"
    AGENT = "agent"
    LOST = "lost"


class MonitorMode(StrEnum):
    """What a team lead does in a call: who hears him. He hears both in each."""

    LISTEN = "listen"  # nobody
    WHISPER = "whisper"  # the agent
    BARGE = "barge"  # both


class MonitorEnd(StrEnum):
    """Why a lead is no longer in a call. LEFT: his leg ended; UNREACHED: his phone was never answered; LOST: it was
    there, and the switch has it no more or his phone is somewhere else now."""

    STOPPED = "stopped"
    LEFT = "left"
    UNREACHED = "unreached"
    LOST = "lost"
    CALL_OVER = "call_over"
    TAKEN_OVER = "taken_over"


class Parted(StrEnum):
    """Why somebody who was called in beside the agent is not there any more."""

    CANCELLED = "cancelled"  # the agent called the consult off
    REJECTED = "rejected"
    MISSED = "missed"
    UNREACHABLE = "unreachable"
    LEFT = "left"  # he hung up
    DROPPED = "dropped"  # the agent took him out
    LOST = "lost"  # his phone was lost and did not come back
    OVER = "over"  # the conversation is over, or goes on without the agent who asked him
    AUDITOR = "auditor"


class ClearedBy(StrEnum):
    """Who ended a conversation."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"
    LEAD = "lead"
    OUTSIDE = "outside"  # whom the customer was sent to


NORMAL = 16  # Q.850: normal call clearing
USER_BUSY = 17
NO_USER_RESPONSE = 18
NO_ANSWER = 19
REJECTED = 21
REDIRECTED = 23
UNALLOCATED = 1
CONGESTION = 34

LOST = 44  # requested channel not available: what rtp_timeout ends a leg with

# A leg that ended with one of these was ended on purpose by its party; anything else is a lost leg.
# rtp_timeout ends a leg with 44 (requested channel unavailable), a vanished transport with 0 or 127.
ON_PURPOSE = frozenset({NORMAL, USER_BUSY, REJECTED, 31})

# What a ringing leg's end says about the agent: 486 and 603 are a rejection (FACTS, DESIGN section 4), and so is 302,
# which would send the caller somewhere else;
# all else that is not our own deadline is not his fault.
REJECTIONS = frozenset({USER_BUSY, REJECTED, REDIRECTED})
