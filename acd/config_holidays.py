"""Public holidays of a country, written out as days of a calendar when the site's file is read.

Lives here: asking the library `holidays`. Not here: what a holiday means (`acd.core.hours`). The configuration that is
recorded has plain days, so a replay needs neither the library nor its version. Days that the file itself names come
before these; a Saturday or Sunday on which the country works (a day off was moved) has the hours of a Monday.
"""

from __future__ import annotations

from datetime import date

import holidays
import msgspec

from ctiserver.model.routing import CalendarConfig, HolidayConfig

YEARS = 5
"""Years that are written out (our choice; the file is read anew at every start and every change). A government says
only late which days are moved: beyond that the library computes."""


def known(country: str) -> bool:
    return country in holidays.list_supported_countries()


def written_out(calendar: CalendarConfig, first_year: int) -> CalendarConfig:
    """The calendar with its country's holidays of these years among its own, in order of days."""
    days = {day.day: day for day in calendar.holidays}
    if calendar.country:
        found = holidays.country_holidays(calendar.country, years=range(first_year, first_year + YEARS))
        for day, name in sorted(found.items()):
            _add(days, day, (), name)
        for day in sorted(found.weekend_workdays):
            if first_year <= day.year < first_year + YEARS:
                _add(days, day, calendar.week.get("mon", ()), "working day")
    return msgspec.structs.replace(calendar, holidays=tuple(days[day] for day in sorted(days)))


def _add(days: dict[str, HolidayConfig], day: date, hours: tuple[str, ...], name: str) -> None:
    days.setdefault(day.isoformat(), HolidayConfig(day=day.isoformat(), hours=hours, name=name))
