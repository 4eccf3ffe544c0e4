"""Loop times in working hours: nights and weekends are nobody's delay."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from bridge.automation.calendar import WorkingCalendar
from bridge.reports.looptimes import Lived, time_loops
from bridge.reports.months import months_until

ZONE = ZoneInfo("Europe/Berlin")
MONTHS = months_until(date(2026, 11, 21), 3)
FRIDAY = datetime(2026, 10, 9, 14, tzinfo=timezone.utc)  # four in the afternoon in Berlin; work ends at five
MONDAY = FRIDAY + timedelta(days=2, hours=17)  # nine in the morning; work began at eight


def test_from_friday_afternoon_to_monday_morning_it_is_two_hours() -> None:
    (october,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [Lived(opened=FRIDAY, replied=MONDAY, closed=MONDAY)])
    assert (october.month, october.opened, october.open) == ("2026-10", 1, 0)
    assert october.reply is not None and october.resolution is not None
    assert (october.reply.median, october.reply.p90, october.resolution.in_time) == (2.0, 2.0, 1.0)


def test_what_is_not_over_is_in_no_time_and_what_was_late_is_not_in_time() -> None:
    lived = [
        Lived(opened=FRIDAY, replied=FRIDAY + timedelta(minutes=6 * n), late_reply=n > 8) for n in range(1, 11)
    ]  # fmt: skip
    (october,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [*lived, Lived(opened=FRIDAY)])
    assert (october.opened, october.open, october.resolution) == (11, 11, None)
    assert october.reply is not None
    assert (october.reply.count, october.reply.median, october.reply.p90) == (10, 0.5, 0.9)
    assert october.reply.in_time == 0.8


def test_a_loop_counts_in_the_month_of_the_companys_calendar_in_which_it_began() -> None:
    evening = datetime(2026, 10, 31, 23, 30, tzinfo=timezone.utc)  # the first of November in Berlin
    before = datetime(2026, 8, 1, tzinfo=timezone.utc)
    (november,) = time_loops(MONTHS, ZONE, WorkingCalendar(), [Lived(opened=evening), Lived(opened=before)])
    assert (november.month, november.opened, november.reply) == ("2026-11", 1, None)
