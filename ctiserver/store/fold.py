"""The journal as rows: one record -> the row changes it means. Pure: no SQL, no clock, no I/O.

A change names a table, which rows, and values; all values come from events, times are the events' `at`. Applying the
records from any cursor onwards gives the same rows however they are cut into transactions, and doing it twice too.
Text is cleaned of what PostgreSQL cannot store (NUL, lone surrogates): no caller can stop the projection by his name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ctiserver.model import events
from ctiserver.model.causes import EndReason
from ctiserver.model.turns import Record

Row = dict[str, Any]


class Put(msgspec.Struct, frozen=True):
    """The row with this key is new: insert it, or begin it afresh if it is there (the same records read again)."""

    table: str
    key: Row
    values: Row


class Change(msgspec.Struct, frozen=True):
    """Update the rows that match `where` (None = is null). `add` counts up; a repeat is stopped by the cursor."""

    table: str
    where: Row
    values: Row = {}
    add: Row = {}


RowChange = Put | Change

LOST = (EndReason.ABANDONED, EndReason.LEFT_BY_KEY)
"""How a caller goes whom somebody should call back."""

_BAD = re.compile("[\0\ud800-\udfff]")
_NOTE = 4000
_WORD = 64


def fold(record: Record) -> tuple[RowChange, ...]:
    """The row changes of one record, in order."""
    changes = [change for event in record.events for change in _changes(event)]
    acted = [line for event in record.events if (line := _acted(event, record.at)) is not None]
    # The time as well: a new journal counts its records from one again.
    changes += [Put("lead_log", {"id": f"{record.at:.3f}-{record.seq}-{n}"}, line) for n, line in enumerate(acted)]
    return tuple(changes)


def recording_file(conversation: str) -> str:
    """The file in the recordings folder: both tracks of a conversation, customer first."""
    return f"{conversation}.wav"


def _acted(event: events.Event, at: float) -> Row | None:
    """The line of the audit log that an event is."""
    nobody: Row = {"agent": None, "conversation": None, "contact": None}
    match event:
        case events.LeadActed():
            about: Row = {
                "agent": event.agent and _cut(event.agent),
                "conversation": event.conversation,
                "contact": event.contact,
            }
            by, what, detail = event.by, event.what, event.detail
        case events.QueueSwitched():
            about, by, what = nobody, event.by, "CloseQueue" if event.closed else "OpenQueue"
            detail = f"{event.queue} {event.reason}".strip()
        case events.SiteChanged() if event.by:
            about, by, what, detail = nobody, event.by, "ChangeSite", "; ".join(event.changed)
        case _:
            return None
    return {"at": at, "by_user": _cut(by), "what": what, "detail": _clean(detail)[:_NOTE]} | about


def _changes(event: events.Event) -> Sequence[RowChange]:
    match event:
        case events.ConversationStarted():
            return (_conversation(event),)
        case events.CallbackBooked():
            return _callback(event)
        case events.CallMade():
            return (_begun(event), _record(event, event.at, event.agent))
        case events.CustomerCalled(conversation=conversation, leg=leg):
            return (Change("interactions", {"conversation": conversation}, {"leg": _clean(leg)[:128]}),)
        case events.CustomerIdentified(conversation=conversation, customer=customer):
            who = _cut(customer.id) if customer is not None else None
            return (Change("interactions", {"conversation": conversation}, {"customer_id": who}),)
        case events.Established(conversation=conversation, leg=leg, at=at):
            # Only the customer's own leg answers the interaction; an agent's leg matches no row.
            where = {"conversation": conversation, "leg": leg, "answered_at": None}
            return (Change("interactions", where, {"answered_at": at}),)
        case events.CallCleared(conversation=conversation, by=by, cause=cause, at=at):
            values = {"ended_at": at, "cleared_by": by.value, "cause": cause}
            return (Change("interactions", {"conversation": conversation, "ended_at": None}, values),)
        case events.RecordingStarted() | events.RecordingEnded():
            return _recording(event)
        case (
            events.MonitorStarted()
            | events.MonitorJoined()
            | events.MonitorChanged()
            | events.MonitorMoved()
            | events.MonitorStopped()
        ):
            return (_monitored(event),)
        case events.AgentSignedIn() | events.AgentSignedOut() | events.AvailabilityChosen() | events.OfferMissed():
            return _agent(event)
        case _:
            return _contact(event)


def _conversation(event: events.ConversationStarted) -> Put:
    return Put(
        "interactions",
        {"conversation": event.conversation},
        {
            "id": event.interaction,
            "leg": _clean(event.leg)[:128],
            "dialled": _cut(event.dialled),
            "caller_number": _cut(event.caller_number),
            "caller_name": _cut(event.caller_name),
            "customer_id": None,
            "started_at": event.at,
            "answered_at": None,
            "ended_at": None,
            "cleared_by": None,
            "cause": None,
        },
    )


def _lost(event: events.ContactEnded) -> Put:
    return Put(
        "lost_callers",
        {"contact": event.contact},
        {
            "conversation": event.conversation,
            "queue": event.queue,
            "reason": event.reason.value,
            "ended_at": event.at,
            "callback": None,
            "closed_by": None,
            "closed_at": None,
        },
    )


def _callback(event: events.CallbackBooked) -> Sequence[RowChange]:
    """A callback's conversation begins with the booking; its leg is the one of the latest call to the customer."""
    values = {"callback": event.contact, "closed_by": event.by, "closed_at": event.at}
    made_good = (Change("lost_callers", {"contact": event.of}, values),) if event.of else ()
    return (_begun(event), *made_good)


def _begun(event: events.CallbackBooked | events.CallMade) -> Put:
    return Put(
        "interactions",
        {"conversation": event.conversation},
        {
            "id": event.interaction,
            "leg": "",
            "dialled": _cut(event.dialled if isinstance(event, events.CallbackBooked) else event.shown),
            "caller_number": _cut(event.number),
            "caller_name": _cut(event.name) if isinstance(event, events.CallbackBooked) else "",
            "customer_id": None,
            "started_at": event.at,
            "answered_at": None,
            "ended_at": None,
            "cleared_by": None,
            "cause": None,
        },
    )


def _recording(event: events.RecordingStarted | events.RecordingEnded) -> Sequence[RowChange]:
    match event:
        case events.RecordingStarted(conversation=conversation, names=names, at=at):
            row = {"conversation": conversation, "started_at": at, "seconds": None, "state": "live"}
            row["file"] = recording_file(conversation)
            return tuple(Put("recordings", {"name": name}, row | {"track": n}) for n, name in enumerate(names))
        case events.RecordingEnded(name=name, seconds=seconds, ok=ok):
            state = "complete" if ok else "failed"
            return (Change("recordings", {"name": name}, {"seconds": seconds, "state": state}),)


def _monitored(event: events.MonitorEvent) -> Put:
    what = type(event).__name__.removeprefix("Monitor").lower()
    return Put(
        "monitor_log",
        {"id": f"{event.conversation} {event.at!r} {what}"},
        {
            "at": event.at,
            "what": what,
            "conversation": event.conversation,
            "by_user": _cut(event.by),
            "listened": _cut(event.listened) if event.listened is not None else None,
            "mode": event.mode.value,
            "why": event.why.value if isinstance(event, events.MonitorStopped) else "",
        },
    )


def _agent(
    event: events.AgentSignedIn | events.AgentSignedOut | events.AvailabilityChosen | events.OfferMissed,
) -> Sequence[RowChange]:
    """What an agent was set to: the piece of now ends, the next begins, unless he went."""
    if isinstance(event, events.OfferMissed):
        key = {"reservation": event.reservation, "agent": event.agent}
        return (Put("missed_offers", key, {"contact": event.contact, "at": event.at}),)
    ends = Change("availability", {"agent": event.agent, "until": None}, {"until": event.at})
    if isinstance(event, events.AgentSignedOut):
        return (ends,)
    chosen: Row = {"ready": False, "reason": "", "chosen_by": event.agent}
    if isinstance(event, events.AvailabilityChosen):
        chosen = {"ready": event.ready, "reason": _cut(event.reason), "chosen_by": _cut(event.by)}
    begins = Put("availability", {"agent": event.agent, "since": event.at}, {"until": None} | chosen)
    return ends, begins


def _contact(event: events.Event) -> Sequence[RowChange]:
    match event:
        case events.ContactQueued():
            return (_queued(event),)
        case events.OfferMade(contact=contact, at=at):
            return (
                Change("call_records", {"contact": contact, "offered_at": None}, {"offered_at": at}),
                Change("call_records", {"contact": contact}, add={"offers": 1}),
            )
        case events.ContactPassed():
            return (_passed(event),)
        case events.ContactConnected(contact=contact, agent=agent, at=at):
            return (Change("call_records", {"contact": contact}, {"agent": agent, "connected_at": at}),)
        case events.ContactEnded(contact=contact, reason=reason, at=at):
            values = {"ended_at": at, "end_reason": reason.value}
            change = Change("call_records", {"contact": contact, "ended_at": None}, values)
            return (change, _lost(event)) if reason in LOST else (change,)
        case events.LostDismissed(contact=contact, by=by, at=at):
            return (Change("lost_callers", {"contact": contact}, {"closed_by": by, "closed_at": at}),)
        case events.WrapUpStarted(contact=contact, at=at):
            return (Change("call_records", {"contact": contact}, {"wrap_up_from": at}),)
        case events.WrapUpEnded(contact=contact, at=at):
            return (Change("call_records", {"contact": contact}, {"wrap_up_to": at}),)
        case events.NoteWritten(contact=contact, text=text):
            return (Change("call_records", {"contact": contact}, {"note": _clean(text)[:_NOTE]}),)
        case events.DispositionSet(contact=contact, disposition=disposition):
            return (Change("call_records", {"contact": contact}, {"disposition": _cut(disposition)}),)
        case _:
            return ()


def _queued(event: events.ContactQueued) -> Put:
    path, data = [_clean(step) for step in event.path], {_clean(k): _clean(v) for k, v in event.data.items()}
    return _record(event, None, None, path, data)


def _passed(event: events.ContactPassed) -> Put:
    """It never waited: whoever was called in has it from the beginning."""
    path, data = [_clean(step) for step in event.path], {_clean(k): _clean(v) for k, v in event.data.items()}
    return _record(event, event.at, event.agent, path, data)


def _record(
    event: events.ContactQueued | events.ContactPassed | events.CallMade,
    connected_at: float | None,
    agent: str | None,
    path: Sequence[str] = (),
    data: Row | None = None,
) -> Put:
    """A call that an agent dials is his from the beginning; when it was answered is the interaction's."""
    return Put(
        "call_records",
        {"contact": event.contact},
        {
            "conversation": event.conversation,
            "queue": event.queue,
            "path": list(path),
            "data": data or {},
            "queued_at": event.at,
            "offered_at": None,
            "offers": 0,
            "connected_at": connected_at,
            "agent": agent,
            "ended_at": None,
            "end_reason": None,
            "wrap_up_from": None,
            "wrap_up_to": None,
            "disposition": "",
            "note": "",
            "medium": event.medium,
            "callee": event.to_agent if isinstance(event, events.CallMade) else None,
        },
    )


def _cut(text: str) -> str:
    return _clean(text)[:_WORD]


def _clean(text: str) -> str:
    return _BAD.sub("", text)
