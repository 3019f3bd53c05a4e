"""What a team lead sees of the queues: open or closed, how many wait, what became of all who came, the predicted wait.

Lives here: one look at the state, for the API. Nothing is decided here.
"""

from __future__ import annotations

import msgspec

from acd.core import forecast, hours
from acd.core.index import Index
from acd.core.queue_rules import is_open
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import QueueId
from ctiserver.model.site import Label
from ctiserver.model.world import World


class QueueNow(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. `closed_by`, `closed_reason`, `closed_at`: the emergency switch ('' and null: it is not used).
    `changes_at`: when its hours open or close it next (null: not within a year, or it has none). `entered` = the sum of
    `ended` + those still here, since the first start. `predicted_seconds`: for one who came now (null: too little is
    known). `held`: the share of the latest finished waits that fell into the interval that was predicted for them
    (null: fewer than 200); `told`: the interval that a caller who came now would be told (null: none)."""

    id: str
    name: Label
    open: bool
    closed_by: str
    closed_reason: str
    closed_at: float | None
    changes_at: float | None
    waiting: int
    entered: int
    ended: dict[EndReason, int]
    predicted_seconds: float | None
    held: float | None
    told: tuple[float, float] | None


def look(world: World, index: Index, now: float) -> tuple[QueueNow, ...]:
    """Every queue, in the order of the configuration."""
    return tuple(_one(world, index, QueueId(config.id), config.name, now) for config in world.site.queues)


def _one(world: World, index: Index, queue: QueueId, name: Label, now: float) -> QueueNow:
    switched, calendar, book = world.closed_queues.get(queue), world.calendars.get(queue), world.books.get(queue)
    known = world.forecasts.get(queue)
    waiting = index.waiting.get(queue, 0)
    enough = known is not None and len(known.held) >= forecast.WINDOW
    return QueueNow(
        id=queue,
        name=name,
        open=is_open(world, queue, now),
        closed_by=switched.by if switched is not None else "",
        closed_reason=switched.reason if switched is not None else "",
        closed_at=switched.at if switched is not None else None,
        changes_at=hours.next_change(calendar, now) if calendar is not None else None,
        waiting=waiting,
        entered=book.entered if book is not None else 0,
        ended=dict(sorted(book.ended.items())) if book is not None else {},
        predicted_seconds=forecast.predicted(world, queue, waiting + 1),
        held=sum(known.held) / len(known.held) if known is not None and enough else None,
        told=forecast.interval(world, queue, waiting + 1),
    )
