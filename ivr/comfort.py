"""What a waiting caller is told (the queue's prompt, his place, the waiting time, as parts of speech) and may press.

Lives here: words and their order, rounding to minutes, when a session counts as being told something. Not here: when
it is time (`acd.core.comfort`), whether the waiting time is known (`acd.core.forecast`), how a number is spoken
(`ivr.flow.numbers`), playing.
"""

from __future__ import annotations

import math

import msgspec

from ctiserver.model.events import ComfortDue, Event, IvrChanged, PromptStopAsked
from ctiserver.model.ids import ConversationId
from ctiserver.model.ivr import IvrSession
from ivr.flow.document import Flow
from ivr.flow.numbers import MOST
from ivr.flow.speech import Part, Speech
from ivr.nodes.base import Target
from ivr.nodes.queue import Queue


def speech(due: ComfortDue) -> Speech:
    """The whole announcement. A place beyond what can be spoken is left out, and so is a time."""
    prompt = (Part(prompt=due.prompt),) if due.prompt else ()
    return (*prompt, *_place(due.position), *_time(due.low, due.high))


def _place(position: int) -> Speech:
    if not 0 < position <= MOST:
        return ()
    if position == 1:
        return (Part(prompt="queue_next"),)
    return (Part(prompt="queue_position"), Part(number=str(position)), Part(prompt="queue_position_end"))


def _time(low: float, high: float) -> Speech:
    """Whole minutes around the interval, at least one; if it begins below a minute, only its end is told."""
    most = math.ceil(high / 60)
    least = math.floor(low / 60)
    if high <= 0 or most > MOST:
        return ()
    if most == 1:
        return (Part(prompt="queue_time_soon"),)
    if least < 1 or least == most:
        return (Part(prompt="queue_time_most"), _minutes(most), Part(prompt="minutes"))
    return (
        Part(prompt="queue_time"),
        _minutes(least),
        Part(prompt="queue_time_to"),
        _minutes(most),
        Part(prompt="minutes"),
    )


def _minutes(count: int) -> Part:
    """Chinese counts two of something by a word of its own."""
    return Part(prompt="two_of") if count == 2 else Part(number=str(count))


# --- the session of a caller who waits ----------------------------------------------------------------


def announcing(session: IvrSession) -> bool:
    """Whether a caller who waits for an agent is being told something: only then his wait in the flow has an end."""
    return session.waiting == "queue" and session.deadline is not None


def announced(session: IvrSession) -> IvrSession:
    """The session when the announcement is over."""
    return msgspec.structs.replace(session, deadline=None) if announcing(session) else session


def silenced(conversation: ConversationId, session: IvrSession) -> list[Event]:
    """Stop the announcement, if there is one; the music comes back by itself."""
    if not announcing(session):
        return []
    stop = PromptStopAsked(conversation=conversation, request=session.request)
    return [stop, IvrChanged(conversation=conversation, session=announced(session))]


def leave_keys(flow: Flow | None, session: IvrSession) -> dict[str, Target]:
    """The keys by which a waiting caller may leave, and where they lead."""
    node = flow.nodes.get(session.node) if flow is not None and session.waiting == "queue" else None
    return node.keys if isinstance(node, Queue) else {}
