"""The service level of a queue: what is counted, quarter hour by quarter hour, and the share over a span of them.

Lives here: counting (part of `apply`) and reading. Not here: the account of all who entered (`Book.entered`, `ended`).

A contact counts once, when its first wait in the queue is over: answered within the queue's `service_level_seconds`,
answered later, or gone without an agent. What was sent on, turned away or turned into a callback counts nowhere, and
neither do callbacks, whose customers do not wait on the line, and calls that agents make.
"""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from acd.core.contact import queue_config
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import QueueId
from ctiserver.model.work import Book, Contact, Quarter
from ctiserver.model.world import World

QUARTER = 900.0
KEPT = 101
"""Quarters kept: the longest day has 25 hours."""
_LOST = (EndReason.ABANDONED, EndReason.TIMED_OUT, EndReason.LEFT_BY_KEY, EndReason.CLOSED, EndReason.FAILED)


def answered(world: World, contact: Contact, book: Book, at: float) -> None:
    """Somebody's wait is over (`at`, epoch seconds): in time by his queue's service level, or late. Callbacks, and who
    was connected before, do not count."""
    if not _waits(contact):
        return
    quarter = _quarter(book, at)
    if at - contact.entered_at <= queue_config(world, contact.queue).service_level_seconds:
        quarter.good += 1
    else:
        quarter.late += 1


def ended(contact: Contact, book: Book, event: ev.ContactEnded) -> None:
    """Somebody's wait came to nothing, by himself or by a rule; one whom we sent elsewhere is not lost."""
    if event.reason in _LOST and _waits(contact):
        _quarter(book, event.at).lost += 1


def _waits(contact: Contact) -> bool:
    return not contact.connected_at and contact.booking is None


def _quarter(book: Book, at: float) -> Quarter:
    start = at - at % QUARTER
    if not book.quarters or book.quarters[-1].start < start:
        book.quarters = [*book.quarters[1 - KEPT :], Quarter(start=start)]
    return book.quarters[-1]


def counted(book: Book | None, since: float) -> Quarter:
    """The sum of the quarters that began at `since` or later."""
    total = Quarter(start=since)
    for quarter in reversed(book.quarters if book is not None else ()):
        if quarter.start < since:
            break
        total.good += quarter.good
        total.late += quarter.late
        total.lost += quarter.lost
    return total


def share(counted: Quarter) -> float | None:
    """0 ... 1; None: nobody's wait was over."""
    all_of_them = counted.good + counted.late + counted.lost
    return counted.good / all_of_them if all_of_them else None


def lately(now: float) -> float:
    """Since when 'now' is: this quarter and the one before."""
    return now - now % QUARTER - QUARTER


def midnight(world: World, queue: QueueId, now: float) -> float:
    """The beginning of today where the queue's hours are kept; else of the site's first calendar, else UTC."""
    calendar = world.calendars.get(queue) or next(iter(world.site.calendars), None)
    zone = ZoneInfo(calendar.zone if calendar is not None else "UTC")
    today = datetime.fromtimestamp(now, zone).date()
    return datetime.combine(today, time(), zone).timestamp()
