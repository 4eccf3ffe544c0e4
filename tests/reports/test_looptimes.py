"""Loop times in working hours: nights and weekends are nobody's delay."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from bridge.automation.calendar import WorkingCalendar
from bridge.reports.looptimes import Lived, time_loops
from bridge.reports.months import months_until

ZONE = ZoneInfo("Europe/Berlin")
MONTHS = months_until(date(2026, 11, 21), 3)
NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
FRIDAY = datetime(2026, 10, 9, 14, tzinfo=timezone.utc)  # four in the afternoon in Berlin; work ends at five
MONDAY = FRIDAY + timedelta(days=2, hours=17)  # nine in the morning; work began at eight


def test_from_friday_afternoon_to_monday_morning_it_is_two_hours() -> None:
    (october,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [Lived(opened=FRIDAY, replied=MONDAY, closed=MONDAY)], NOW)
    assert (october.month, october.opened, october.open) == ("2026-10", 1, 0)
    assert october.reply is not None and october.resolution is not None
    assert (october.reply.median, october.reply.p90, october.resolution.in_time) == (2.0, 2.0, 1.0)


def replied(*minutes: int, late: int = 0) -> list[Lived]:
    """Loops that had a reply after so many minutes; the last `late` of them too late."""
    return [
        Lived(opened=FRIDAY, replied=FRIDAY + timedelta(minutes=one), late_reply=place >= len(minutes) - late)
        for place, one in enumerate(minutes)
    ]


def test_where_nobody_waits_any_more_times_are_those_of_the_nearest_rank() -> None:
    (october,) = time_loops(MONTHS, ZONE, WorkingCalendar(), replied(*range(6, 61, 6), late=2), NOW)
    assert (october.opened, october.open, october.resolution) == (10, 10, None)
    assert october.reply is not None
    assert (october.reply.count, october.reply.waiting, october.reply.in_time) == (10, 0, 0.8)
    assert (october.reply.median, october.reply.p90) == (0.5, 0.9)


def test_who_still_waits_makes_times_longer_and_not_shorter() -> None:
    waiting = [Lived(opened=FRIDAY, late_reply=True)]
    (some,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [*replied(*range(6, 61, 6)), *waiting], NOW)
    assert some.reply is not None
    assert (some.reply.count, some.reply.waiting, some.reply.median, some.reply.p90) == (10, 1, 0.6, 1.0)
    assert some.reply.in_time == 10 / 11
    (most,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [*replied(6), *waiting * 9], NOW)
    assert most.reply is not None
    assert (most.reply.count, most.reply.median, most.reply.in_time) == (1, None, 0.1)


def test_who_began_to_wait_a_moment_ago_says_nothing_of_long_times() -> None:
    now = FRIDAY + timedelta(minutes=30)
    fresh = [Lived(opened=now - timedelta(minutes=3))] * 50
    (october,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [*replied(6, 12, 18, 24), *fresh], now)
    assert october.reply is not None
    assert (october.reply.median, october.reply.p90, october.reply.in_time) == (0.2, 0.4, 1.0)


def test_a_loop_counts_in_the_month_of_the_companys_calendar_in_which_it_began() -> None:
    evening = datetime(2026, 10, 31, 23, 30, tzinfo=timezone.utc)  # the first of November in Berlin
    before = datetime(2026, 8, 1, tzinfo=timezone.utc)
    (november,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [Lived(opened=evening), Lived(opened=before)], NOW)
    assert (november.month, november.opened, november.reply) == ("2026-11", 1, None)
