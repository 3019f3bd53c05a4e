"""Opening hours: whether a calendar is open at a moment, and when that changes next.

Lives here: reading spans, and turning local times of a zone into moments. Not here: what a queue does when it closes
(`queue_rules`), reading the file (`acd.config`). Moments are epoch seconds; at the end of a span it is closed.

A span belongs to the day on which it begins, also the part after midnight (22:00-06:00): a holiday changes the spans
that begin on it, and no other. It lasts from the first moment at which the zone's clock shows its beginning to the last
moment at which it shows its end, so that a night in which clocks go back makes it longer and never opens twice; a time
that the clock jumps over is the moment of the jump. The zone's rules are the machine's (IANA database).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ctiserver.model.routing import CalendarConfig, HolidayConfig

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_DAYS = 400
"""How far `next_change` looks: more than a year, so that one open day a year is found."""
_DAY = timedelta(days=1)
_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")

Span = tuple[int, int]
"""Minutes of local time from the day's midnight; the end may lie in the next day (over 1440)."""


def span(text: str) -> Span:
    """'HH:MM-HH:MM' as minutes; an end that is not after the beginning is the next day's. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not like 09:00-17:30 (24:00 ends a day)")
    begin = 60 * int(found[1]) + int(found[2])
    end = 60 * int(found[3]) + int(found[4]) if found[3] is not None else 1440
    if begin == end:
        raise ValueError(f"{text!r} has no length (a whole day is 00:00-24:00)")
    return begin, end if end > begin else end + 1440


def open_at(calendar: CalendarConfig, at: float) -> bool:
    today = datetime.fromtimestamp(at, ZoneInfo(calendar.zone)).date()
    for day in (today, today - _DAY, today + _DAY):
        for begin, end in _open(calendar, day):
            if begin <= at < end:
                return True
    return False


def next_change(calendar: CalendarConfig, at: float, days: int = MAX_DAYS) -> float | None:
    """The first moment after `at` at which it opens or closes; None: not within about so many days."""
    first = datetime.fromtimestamp(at, ZoneInfo(calendar.zone)).date() - timedelta(days=1)
    reached = at  # from `at` to here it is open, if it is open at all
    for number in range(days + 2):
        for begin, end in _open(calendar, first + timedelta(days=number)):
            if begin > reached:
                return reached if reached > at else begin
            reached = max(reached, end)
    return reached if at < reached < at + 86_400 * (days - 1) else None


def _open(calendar: CalendarConfig, day: date) -> tuple[tuple[float, float], ...]:
    """The spans that begin on this day, as moments, in order."""
    text = day.isoformat()
    place = bisect_left(calendar.holidays, text, key=_day)
    holiday = calendar.holidays[place] if place < len(calendar.holidays) else None
    if holiday is None or holiday.day != text:
        return _moments(calendar.zone, calendar.week.get(DAYS[day.weekday()], ()), day)
    return _moments(calendar.zone, holiday.hours, day)


def _day(holiday: HolidayConfig) -> str:
    return holiday.day


@lru_cache(maxsize=16_384)
def _moments(zone: str, spans: tuple[str, ...], day: date) -> tuple[tuple[float, float], ...]:
    found = [(_moment(zone, day, a, last=False), _moment(zone, day, b, last=True)) for a, b in sorted(map(span, spans))]
    return tuple((opens, closes) for opens, closes in found if opens < closes)


def _moment(zone: str, day: date, minutes: int, *, last: bool) -> float:
    """The first (or last) moment at which the zone's clock shows this time, or jumps over it."""
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    there = local.replace(tzinfo=ZoneInfo(zone), fold=1 if last else 0)
    found = there.timestamp()
    if datetime.fromtimestamp(found, ZoneInfo(zone)).replace(tzinfo=None) == local:
        return found
    # The clock jumps over it: read with the offset before the jump it is a moment after it, with the other one before.
    early, late = sorted(int(there.replace(fold=fold).timestamp()) for fold in (0, 1))
    before = _offset(zone, early)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
    return float(late)


def _offset(zone: str, at: int) -> timedelta | None:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).utcoffset()
