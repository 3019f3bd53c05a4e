"""Figures of a window, from the server's journal, from what the desktops saw and from what SIPp logged. Pure.

The server has no back door for benchmarks: what is not in the journal, on a client's socket or on /metrics is not
measured, and every name says between which two moments its figure lies. All clocks are this machine's wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

import msgspec

from benchmarks.sipp import Moment
from ctiserver.model import effects as fx, events as ev, facts
from ctiserver.model.turns import Record


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds."""

    count: int
    p50: float
    p99: float
    worst: float


NOTHING = Spread(count=0, p50=0.0, p99=0.0, worst=0.0)


def spread(seconds: Iterable[float]) -> Spread:
    """Nearest-rank percentiles."""
    ordered = sorted(seconds)
    if not ordered:
        return NOTHING

    def rank(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2)

    return Spread(count=len(ordered), p50=rank(0.50), p99=rank(0.99), worst=rank(1.0))


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says of a stretch of records."""

    started: int
    connected: int
    requeued: int
    effects_failed: int
    records: int
    rejected: int
    unserved: int
    """Callers who began there and never talked to an agent."""
    inputs: dict[str, int]
    """Records by the kind of their input."""


def count(records: Sequence[Record]) -> Counted:
    started: set[str] = set()
    connected: set[str] = set()
    requeued = failed = rejected = 0
    inputs: dict[str, int] = {}
    for record in records:
        failed += isinstance(record.input, facts.EffectFailed)
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
                case _:
                    pass
    return Counted(
        started=len(started),
        connected=len(connected),
        requeued=requeued,
        effects_failed=failed,
        records=len(records),
        rejected=rejected,
        unserved=len(started - connected),
        inputs=dict(sorted(inputs.items(), key=lambda item: (-item[1], item[0]))),
    )


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds each, of the calls whose first moment lies in the window; several windows are put together."""

    dial_to_ring: tuple[float, ...] = ()
    """The caller's INVITE leaves -> an INVITE is at the agent's phone (the n-th caller and the n-th phone: as many
    agents are free as come callers)."""
    queued_to_shown: tuple[float, ...] = ()
    """ContactQueued's turn -> the delta with the offer is decoded by the agent's client."""
    queued_to_ring: tuple[float, ...] = ()
    """ContactQueued's turn -> the INVITE is at the agent's phone (the pop is confirmed in between)."""
    answer_to_talk: tuple[float, ...] = ()
    """The phone's 200 OK leaves -> the turn in which both are in the talk bridge."""
    digit_to_prompt: tuple[float, ...] = ()
    """Asterisk's stamp of the digit -> the turn that asks for the next prompt (not: the first sound of it)."""
    digit_to_sound: tuple[float, ...] = ()
    """Asterisk's stamp of the digit -> its stamp of the next prompt's beginning; a packet leaves up to 20 ms later."""
    event_to_turn: tuple[float, ...] = ()
    """Asterisk's stamp of an event (whole milliseconds) -> the turn that takes it."""


def together(times: Iterable[Times]) -> Times:
    parts = list(times)
    return Times(**{name: tuple(x for one in parts for x in getattr(one, name)) for name in Times.__struct_fields__})


def dialled(callers: Sequence[Moment], phones: Sequence[Moment], since: float, until: float) -> Times:
    """What SIPp alone tells, of either side."""
    dials = sorted(moment.at for moment in callers if moment.word == "dial")
    rings = sorted(moment.at for moment in phones if moment.word == "ring")
    pairs = zip(dials, rings, strict=False)
    return Times(dial_to_ring=tuple(ring - dial for dial, ring in pairs if since <= dial < until))


def served(
    records: Sequence[Record],
    shown: Mapping[str, float],
    phones: Sequence[Moment],
    since: float,
    until: float,
    begun: Mapping[str, float] | None = None,
) -> Times:
    """What the journal tells of the house. `shown`: reservation -> when its offer was seen; `begun`: playback -> when
    Asterisk began it."""
    queued: dict[str, float] = {}
    offered: dict[str, str] = {}  # conversation -> its first reservation
    talking: dict[str, float] = {}
    conversation_of: dict[str, str] = {}
    pressed: dict[str, float] = {}
    prompts: list[float] = []
    sounds: list[float] = []
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
                at = pressed.pop(effect.conversation)
                prompts.append(record.at - at)
                if begun is not None and effect.playback in begun:
                    sounds.append(begun[effect.playback] - at)
    came = {conversation: at for conversation, at in queued.items() if since <= at < until}
    rung, answered = (_by_conversation(phones, word) for word in ("ring", "answer"))
    return Times(
        queued_to_shown=tuple(shown[offered[c]] - at for c, at in came.items() if offered.get(c, "") in shown),
        queued_to_ring=tuple(rung[c] - at for c, at in came.items() if c in rung),
        answer_to_talk=tuple(talking[c] - answered[c] for c in came if c in talking and c in answered),
        digit_to_prompt=tuple(prompts),
        digit_to_sound=tuple(sounds),
        event_to_turn=tuple(late),
    )


def _by_conversation(phones: Sequence[Moment], word: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for moment in phones:
        if moment.word == word and moment.leg:
            found.setdefault(moment.leg.rpartition(".")[0], moment.at)
    return found


def ended(callers: Sequence[Moment], since: float, until: float) -> int:
    """Calls whose BYE came to the caller in the window: the same count for both sides."""
    return sum(moment.word == "over" and since <= moment.at < until for moment in callers)


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """Memory in MB at the start and the end of what was watched, and the share by which it grew."""

    first: float
    last: float
    share: float


def growth(samples: Sequence[float], parts: int = 5) -> Growth:
    """Of evenly spaced samples: the middle of the first of `parts` stretches against the middle of the last.

    Middles, because a snapshot or a merge of tracks takes and gives back memory at its own times.
    """
    size = max(1, len(samples) // parts)
    first, last = (sorted(part)[len(part) // 2] for part in (samples[:size], samples[-size:]))
    return Growth(first=first, last=last, share=round((last - first) / first, 4))


def off_by(values: Sequence[float]) -> float:
    """Half the distance between the extremes, as a share of the mean: how well windows of one kind agree."""
    if len(values) < 2:
        return 0.0
    return round((max(values) - min(values)) / 2 / mean(values), 4)
