"""Opening hours: both nights in which the clocks change, half-days, holidays, a leap day, shifts over midnight."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from acd.core import hours
from ctiserver.model.routing import CalendarConfig, HolidayConfig

NEVER: dict[str, tuple[str, ...]] = {}
ALWAYS = dict.fromkeys(hours.DAYS, ("00:00-24:00",))
OFFICE = dict.fromkeys(hours.DAYS[:5], ("09:00-12:00", "13:00-17:30"))
NIGHT = dict.fromkeys(hours.DAYS, ("22:00-06:00",))
BERLIN, SHANGHAI, NEW_YORK = "Europe/Berlin", "Asia/Shanghai", "America/New_York"


def calendar(week: dict[str, tuple[str, ...]], zone: str = SHANGHAI, **holidays: tuple[str, ...]) -> CalendarConfig:
    """`_2026_10_01=()`: closed on that day."""
    named = {name.lstrip("_").replace("_", "-"): spans for name, spans in sorted(holidays.items())}
    days = tuple(HolidayConfig(day=day, hours=spans) for day, spans in named.items())
    return CalendarConfig(id="c", zone=zone, week=week, holidays=days)


def at(text: str, zone: str = SHANGHAI, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_office_hours_with_a_lunch_break_and_a_weekend() -> None:
    office = calendar(OFFICE)
    for moment, is_open in [
        ("2026-11-20T08:59:59", False),
        ("2026-11-20T09:00:00", True),
        ("2026-11-20T11:59:59", True),
        ("2026-11-20T12:00:00", False),
        ("2026-11-20T13:00:00", True),
        ("2026-11-20T17:29:59.999", True),
        ("2026-11-20T17:30:00", False),
        ("2026-11-21T10:00:00", False),
        ("2026-11-23T10:00:00", True),
    ]:
        assert hours.open_at(office, at(moment)) is is_open, moment
    friday = at("2026-11-20T16:00:00")
    assert hours.next_change(office, friday) == at("2026-11-20T17:30:00")
    assert hours.next_change(office, at("2026-11-20T17:30:00")) == at("2026-11-23T09:00:00")


def test_hours_are_those_of_the_sites_zone_whatever_the_machines() -> None:
    assert hours.open_at(calendar(OFFICE), utc("2026-11-20T01:00:00"))
    assert not hours.open_at(calendar(OFFICE, BERLIN), utc("2026-11-20T01:00:00"))


def test_a_holiday_and_a_half_day_replace_the_days_hours() -> None:
    week = calendar(OFFICE, _2026_10_01=(), _2026_12_24=("09:00-12:00",), _2026_10_10=("10:00-16:00",))
    assert not hours.open_at(week, at("2026-10-01T10:00:00"))
    assert hours.next_change(week, at("2026-09-30T17:30:00")) == at("2026-10-02T09:00:00")
    assert hours.open_at(week, at("2026-12-24T11:59:00"))
    assert not hours.open_at(week, at("2026-12-24T13:00:00"))
    assert hours.open_at(week, at("2026-10-10T10:00:00")), "a Saturday on which people work"


def test_the_leap_day_is_a_day_like_others() -> None:
    closed = calendar(ALWAYS, _2028_02_29=())
    assert hours.open_at(closed, at("2028-02-28T23:59:59"))
    assert not hours.open_at(closed, at("2028-02-29T00:00:00"))
    assert hours.open_at(closed, at("2028-03-01T00:00:00"))
    assert hours.next_change(closed, at("2028-02-28T12:00:00")) == at("2028-02-29T00:00:00")
    assert hours.next_change(closed, at("2028-02-29T12:00:00")) == at("2028-03-01T00:00:00")
    assert hours.next_change(closed, at("2026-03-01T00:00:00")) is None, "two years ahead"


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = calendar(NIGHT, _2026_10_01=())
    assert hours.open_at(night, at("2026-10-01T03:00:00")), "the shift of 30 September goes on into the holiday"
    assert not hours.open_at(night, at("2026-10-01T23:00:00"))
    assert not hours.open_at(night, at("2026-10-02T03:00:00")), "the holiday's own shift would have lasted to here"
    assert hours.next_change(night, at("2026-10-01T03:00:00")) == at("2026-10-01T06:00:00")
    assert hours.next_change(night, at("2026-10-01T06:00:00")) == at("2026-10-02T22:00:00")


def test_a_holiday_ends_at_midnight_where_the_day_before_is_open_to_24() -> None:
    closed = calendar(ALWAYS, _2026_10_01=())
    assert hours.next_change(closed, at("2026-09-29T10:00:00")) == at("2026-10-01T00:00:00")
    assert hours.next_change(closed, at("2026-10-01T00:00:00")) == at("2026-10-02T00:00:00")


@pytest.mark.parametrize(
    ("spans", "opens", "closes"),
    [
        (("01:00-05:00",), "2026-03-29T00:00:00", "2026-03-29T03:00:00"),
        (("02:30-05:00",), "2026-03-29T01:00:00", "2026-03-29T03:00:00"),  # 02:30 is jumped over: from the jump on
        (("01:00-02:30",), "2026-03-29T00:00:00", "2026-03-29T01:00:00"),
    ],
)
def test_the_night_in_which_the_clock_jumps_from_two_to_three(spans: tuple[str, ...], opens: str, closes: str) -> None:
    berlin = calendar(dict.fromkeys(hours.DAYS, spans), BERLIN)
    before = utc("2026-03-28T23:30:00")
    assert hours.next_change(berlin, before) == utc(opens)
    assert hours.next_change(berlin, utc(opens)) == utc(closes)
    assert not hours.open_at(berlin, utc(opens) - 1)
    assert hours.open_at(berlin, utc(opens))
    assert hours.open_at(berlin, utc(closes) - 1)
    assert not hours.open_at(berlin, utc(closes))


def test_hours_that_the_clock_jumps_over_as_a_whole_do_not_happen() -> None:
    berlin = calendar({"sun": ("02:10-02:50",)}, BERLIN)
    assert hours.next_change(berlin, utc("2026-03-28T23:30:00")) == utc("2026-04-05T00:10:00")


@pytest.mark.parametrize(
    ("spans", "opens", "closes"),
    [
        (("01:00-05:00",), "2026-10-24T23:00:00", "2026-10-25T04:00:00"),  # five hours
        (("02:30-05:00",), "2026-10-25T00:30:00", "2026-10-25T04:00:00"),  # from the first 02:30
        (("01:00-02:30",), "2026-10-24T23:00:00", "2026-10-25T01:30:00"),  # to the second 02:30
    ],
)
def test_the_night_in_which_the_clock_shows_an_hour_twice(spans: tuple[str, ...], opens: str, closes: str) -> None:
    berlin = calendar(dict.fromkeys(hours.DAYS, spans), BERLIN)
    assert hours.next_change(berlin, utc("2026-10-24T22:30:00")) == utc(opens)
    assert hours.next_change(berlin, utc(opens)) == utc(closes)
    assert hours.open_at(berlin, utc(closes) - 1)


def test_a_night_shift_is_an_hour_shorter_and_an_hour_longer() -> None:
    shift = calendar(NIGHT, NEW_YORK)
    for evening, length in [("2026-03-07", 7), ("2026-03-08", 8), ("2026-10-31", 9)]:
        begin = at(f"{evening}T22:00:00", NEW_YORK)
        end = hours.next_change(shift, begin)
        assert end is not None
        assert end - begin == length * 3600


def test_what_never_changes_says_so() -> None:
    now = at("2026-11-20T10:00:00")
    for week, is_open in [(NEVER, False), (ALWAYS, True)]:
        assert hours.open_at(calendar(week), now) is is_open
        assert hours.next_change(calendar(week), now) is None


def test_spans_that_meet_or_overlap_are_one() -> None:
    week = calendar({"fri": ("09:00-12:00", "11:00-14:00", "14:00-15:00")})
    assert hours.next_change(week, at("2026-11-20T09:00:00")) == at("2026-11-20T15:00:00")


@pytest.mark.parametrize(
    "text", ["9:00-17:00", "09:00", "09:00-25:00", "24:00-25:00", "09:60-10:00", "09:00-09:00", ""]
)
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not like|has no length"):
        hours.span(text)


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from([BERLIN, NEW_YORK, SHANGHAI, "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"]),
    spans=st.lists(
        st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda pair: pair[0] != pair[1]), max_size=3
    ),
    days=st.sets(st.sampled_from(hours.DAYS), min_size=1),
    moment=st.integers(int(utc("2026-01-01T00:00:00")), int(utc("2027-12-31T00:00:00"))),
)
def test_it_is_the_same_until_the_next_change_and_different_at_it(
    zone: str, spans: list[tuple[int, int]], days: set[str], moment: int
) -> None:
    texts = tuple(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans)
    found = calendar(dict.fromkeys(sorted(days), texts), zone)
    change = hours.next_change(found, moment, 10)
    now = hours.open_at(found, moment)
    end = change if change is not None else moment + 8 * 86_400.0
    for part in range(60):
        assert hours.open_at(found, moment + (end - moment - 1) * part / 60) is now
    if change is not None:
        assert hours.open_at(found, change) is not now
