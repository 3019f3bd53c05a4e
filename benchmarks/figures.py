"""Figures of a run, from its journal and from what the agents saw. Pure: no clock, no I/O.

The server has no back door for benchmarks: what is not in the journal or on a client's socket is not measured, and
every name says between which two moments its figure lies. All clocks are this machine's wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from benchmarks.agents import Served
from ctiserver.model import effects as fx
from ctiserver.model import events as ev
from ctiserver.model import facts
from ctiserver.model.turns import Record


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds."""

    count: int
    p50: float
    p99: float
    worst: float


def spread(seconds: Iterable[float]) -> Spread:
    """Nearest-rank percentiles."""
    ordered = sorted(seconds)
    if not ordered:
        return Spread(count=0, p50=0.0, p99=0.0, worst=0.0)

    def rank(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2)

    return Spread(count=len(ordered), p50=rank(0.50), p99=rank(0.99), worst=rank(1.0))


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole run and (`ended`, `records`, `turns`) of its measured window."""

    started: int
    connected: int
    requeued: int
    effects_failed: int
    ended: int
    records: int
    rejected: int
    unserved: int
    """Callers who never talked to an agent."""
    inputs: dict[str, int]
    """Records of the window by the kind of their input."""


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    queued_to_offer_shown: Spread
    """ContactQueued's turn -> the delta with the offer is decoded by the agent's client."""
    queued_to_invite: Spread
    """ContactQueued's turn -> the INVITE came out of the agent's SIP socket (the pop is confirmed in between)."""
    digit_to_prompt_asked: Spread
    """Asterisk's stamp of the digit -> the turn that asks for the next prompt (not: the first sound of it)."""
    answer_to_talk: Spread
    """The agent's 200 OK leaves -> the turn in which both are in the talk bridge."""
    event_to_turn: Spread
    """Asterisk's stamp of an event (whole milliseconds) -> the turn that takes it."""


def count(records: Sequence[Record], since: float, until: float) -> Counted:
    started: set[str] = set()
    connected: set[str] = set()
    requeued = failed = ended = within = rejected = 0
    inputs: dict[str, int] = {}
    for record in records:
        inside = since <= record.at < until
        failed += isinstance(record.input, facts.EffectFailed)
        if inside:
            within += 1
            rejected += bool(record.rejected)
            kind = type(record.input).__name__
            inputs[kind] = inputs.get(kind, 0) + 1
        for event in record.events:
            match event:
                case ev.ConversationStarted():
                    started.add(event.conversation)
                case ev.ContactConnected():
                    connected.add(event.conversation)
                case ev.ContactRequeued():
                    requeued += 1
                case ev.CallCleared():
                    ended += inside
                case _:
                    pass
    return Counted(
        started=len(started),
        connected=len(connected),
        requeued=requeued,
        effects_failed=failed,
        ended=ended,
        records=within,
        rejected=rejected,
        unserved=len(started - connected),
        inputs=dict(sorted(inputs.items(), key=lambda item: (-item[1], item[0]))),
    )


def latencies(
    records: Sequence[Record], served: Sequence[Served], shown: Mapping[str, float], since: float, until: float
) -> Latencies:
    """Of calls whose first moment lies in the window. `shown`: reservation -> when its offer was seen."""
    queued: dict[str, float] = {}
    offered: dict[str, str] = {}  # conversation -> its first reservation
    talking: dict[str, float] = {}
    conversation_of: dict[str, str] = {}
    pressed: dict[str, float] = {}
    prompts: list[float] = []
    late: list[float] = []
    for record in records:
        inside = since <= record.at < until
        stamp = getattr(record.input, "at", None)
        if inside and stamp is not None and not isinstance(record.input, facts.DeviceContact):
            late.append(max(0.0, record.at - stamp))
        for event in record.events:
            match event:
                case ev.ConversationStarted():
                    conversation_of[event.leg] = event.conversation
                case ev.ContactQueued():
                    queued.setdefault(event.conversation, record.at)
                case ev.OfferMade():
                    offered.setdefault(event.conversation, event.reservation)
                case ev.Talking():
                    talking.setdefault(event.conversation, record.at)
                case _:
                    pass
        if isinstance(record.input, facts.DigitPressed) and inside:
            pressed[conversation_of.get(record.input.leg, "")] = record.input.at
        for effect in record.effects:
            if isinstance(effect, fx.PlayMedia) and effect.conversation in pressed:
                prompts.append(record.at - pressed.pop(effect.conversation))
    begun = {conversation: at for conversation, at in queued.items() if since <= at < until}
    return Latencies(
        queued_to_offer_shown=spread(shown[offered[c]] - at for c, at in begun.items() if offered.get(c, "") in shown),
        queued_to_invite=spread(s.invited - begun[s.conversation] for s in served if s.conversation in begun),
        digit_to_prompt_asked=spread(prompts),
        answer_to_talk=spread(
            talking[s.conversation] - s.answered
            for s in served
            if s.answered and s.conversation in begun and s.conversation in talking
        ),
        event_to_turn=spread(late),
    )
