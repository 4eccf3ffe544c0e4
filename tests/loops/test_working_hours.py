"""Clocks that run only while somebody is at work."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.automation.calendar import Week, WorkingCalendar, check_calendar
from bridge.automation.holidays import Region, public_holidays
from bridge.errors import ConfigError

BERLIN = ZoneInfo("Europe/Berlin")
ROUND_THE_CLOCK = (("00:00", "24:00"),)
OFFICE = WorkingCalendar(holidays=("2026-12-25", "2027-01-01"))
ALWAYS = WorkingCalendar(
    hours=Week(
        **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), ROUND_THE_CLOCK)
    )
)
SPLIT = WorkingCalendar(
    time_zone="America/New_York",
    hours=Week(monday=(("08:00", "12:00"), ("13:00", "17:00")), sunday=(("01:00", "04:00"),)),
    holidays=("2026-11-26",),
)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc)
instants = st.integers(0, 730 * 86_400).map(lambda seconds: NEW_YEAR + timedelta(seconds=seconds))
lengths = st.integers(0, 100 * 60).map(lambda minutes: timedelta(minutes=minutes))
calendars = st.sampled_from((OFFICE, ALWAYS, SPLIT))


def berlin(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=BERLIN)


@given(calendars, instants, lengths)
def test_what_is_added_has_passed(calendar: WorkingCalendar, at: datetime, length: timedelta) -> None:
    assert calendar.between(at, calendar.add(at, length)) == length


@given(calendars, instants, lengths, lengths)
def test_in_two_goes_it_is_as_long(calendar: WorkingCalendar, at: datetime, one: timedelta, other: timedelta) -> None:
    assert calendar.add(calendar.add(at, one), other) == calendar.add(at, one + other)


@given(calendars, instants, instants, instants)
def test_stretches_add_up(calendar: WorkingCalendar, a: datetime, b: datetime, c: datetime) -> None:
    first, middle, last = sorted((a, b, c))
    assert calendar.between(first, middle) + calendar.between(middle, last) == calendar.between(first, last)
    assert calendar.between(last, first) == -calendar.between(first, last)


@given(calendars, instants, lengths)
def test_no_clock_is_faster_than_time(calendar: WorkingCalendar, at: datetime, length: timedelta) -> None:
    assert calendar.add(at, length) - at >= length
    assert timedelta(0) <= calendar.between(at, at + length) <= length


@given(instants, lengths)
def test_round_the_clock_is_time_itself(at: datetime, length: timedelta) -> None:
    assert ALWAYS.add(at, length) == at + length


@given(calendars, instants)
def test_a_clock_runs_exactly_while_somebody_works(calendar: WorkingCalendar, at: datetime) -> None:
    moment = timedelta(microseconds=1)
    assert (calendar.between(at, at + moment) == moment) == calendar.working(at)


@pytest.mark.parametrize(
    ("at", "hours", "due"),
    [
        (berlin(2026, 11, 23, 10), 4, berlin(2026, 11, 23, 14)),
        (berlin(2026, 11, 23, 15), 4, berlin(2026, 11, 24, 10)),
        (berlin(2026, 11, 23, 6), 9, berlin(2026, 11, 23, 17)),  # due at the close of work, not the next morning
        (berlin(2026, 11, 20, 16), 2, berlin(2026, 11, 23, 9)),  # over the weekend
        (berlin(2026, 11, 21, 12), 1, berlin(2026, 11, 23, 9)),
        (berlin(2026, 12, 24, 16), 2, berlin(2026, 12, 28, 9)),  # Christmas Day is a Friday
        (berlin(2026, 10, 23, 16), 10, berlin(2026, 10, 26, 17)),  # clocks are put back on the 25th
        (berlin(2026, 3, 27, 16), 10, berlin(2026, 3, 30, 17)),  # and forward on the 29th of March
    ],
)
def test_office_hours_are_those_of_the_wall_clock(at: datetime, hours: int, due: datetime) -> None:
    assert OFFICE.add(at, timedelta(hours=hours)) == due


def test_a_night_shift_lasts_as_long_as_it_lasts() -> None:
    night = WorkingCalendar(hours=Week(sunday=(("01:00", "04:00"),)))
    back, forward, usual = berlin(2026, 10, 25), berlin(2026, 3, 29), berlin(2026, 11, 1)
    assert [night.between(day, day + timedelta(hours=12)) / timedelta(hours=1) for day in (usual, back, forward)] == [
        3,
        4,
        2,
    ]


def test_what_is_skipped_in_spring_ends_one_stretch_and_begins_the_next() -> None:
    night = WorkingCalendar(hours=Week(sunday=(("01:00", "02:45"), ("02:50", "03:00"), ("03:30", "05:00"))))
    day = berlin(2026, 3, 29)
    assert night.between(day, day + timedelta(hours=12)) == timedelta(hours=2.5)
    assert night.add(day, timedelta(minutes=61)) == berlin(2026, 3, 29, 3) + timedelta(minutes=31)


@pytest.mark.parametrize("zone", [BERLIN, ZoneInfo("America/New_York"), timezone.utc])
def test_in_which_zone_an_instant_is_given_changes_nothing(zone: tzinfo) -> None:
    at = datetime(2026, 10, 24, 23, tzinfo=timezone.utc).astimezone(
        zone
    )  # two hours before Berlin's clocks are put back
    due = ALWAYS.add(at, timedelta(hours=4))
    assert due.tzinfo is timezone.utc
    assert due == datetime(2026, 10, 25, 3, tzinfo=timezone.utc)
    assert ALWAYS.between(at, due.astimezone(zone)) == timedelta(hours=4)


def test_each_state_has_as_many_holidays_as_its_law_says() -> None:
    counts = {region: len(public_holidays(region, 2026)) for region in get_args(Region)}
    nine = {"DE": 9, "BE": 10, "HB": 10, "HE": 10, "HH": 10, "NI": 10, "SH": 10}
    eleven = {"MV": 11, "NW": 11, "RP": 11, "SN": 11, "ST": 11, "TH": 11}
    assert counts == nine | eleven | {"BB": 12, "BW": 12, "BY": 12, "SL": 12}
    assert date(2026, 11, 18) in public_holidays("SN", 2026)  # the Day of Repentance
    assert date(2027, 11, 17) in public_holidays("SN", 2027)
    assert date(2026, 6, 4) in public_holidays("NW", 2026)  # Corpus Christi
    assert date(2026, 6, 4) not in public_holidays("SN", 2026)
    assert date(2028, 6, 17) in public_holidays("BE", 2028)  # declared for this year alone


def test_on_a_holiday_of_the_state_nobody_works() -> None:
    epiphany, usual = berlin(2027, 1, 6, 9), berlin(2027, 1, 7, 9)  # an hour after work begins
    begins: dict[Region | None, datetime] = {"BY": usual, "NW": epiphany, "DE": epiphany, None: epiphany}
    for region, due in begins.items():
        calendar = WorkingCalendar(public_holidays=region)
        assert calendar.add(berlin(2027, 1, 5, 17), timedelta(hours=1)) == due
    assert not WorkingCalendar(public_holidays="DE").working(berlin(2027, 3, 29, 10))  # Easter Monday


def test_the_day_ends_where_the_calendar_is() -> None:
    assert OFFICE.day_ends(datetime(2026, 11, 22, 23, 30, tzinfo=timezone.utc)) == berlin(2026, 11, 24)


@pytest.mark.parametrize(
    ("calendar", "place"),
    [
        (WorkingCalendar(time_zone="Europe/Atlantis"), "time_zone"),
        (WorkingCalendar(holidays=("25.12.2026",)), "holidays[0]"),
        (WorkingCalendar(holidays=("2026-12-25", "20261226")), "holidays[1]"),
        (WorkingCalendar(hours=Week(monday=(("17:00", "08:00"),))), "hours.monday"),
        (WorkingCalendar(hours=Week(monday=(("08:00", "12:00"), ("11:00", "17:00")))), "hours.monday"),
        (WorkingCalendar(hours=Week(monday=(), tuesday=(), wednesday=(), thursday=(), friday=())), "hours"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_with_its_place(calendar: WorkingCalendar, place: str) -> None:
    with pytest.raises(ConfigError) as problem:
        check_calendar(calendar, "loops.yaml: calendar")
    assert f"loops.yaml: calendar.{place}:" in str(problem.value)
