"""What people, spreadsheets and vendors write is read as one thing, or refused without showing it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter import convert
from bridge.adapter.paths import Unreadable
from bridge.adapter.source import Source
from bridge.model import MAX_TEXT, Money

GERMAN = Source(name="crm", adapter="crm")
ENGLISH = Source(name="crm", adapter="crm", region="US", currency="USD", language="en", time_zone="America/New_York")
DINAR = Source(name="crm", adapter="crm", region="KW", currency="KWD", language="en", time_zone="Asia/Kuwait")


@pytest.mark.parametrize(
    ("written", "minor", "currency"),
    [
        ("1.234,56 €", 123456, "EUR"),
        ("1.234,56\u00a0€", 123456, "EUR"),
        ("1\u202f234,56 €", 123456, "EUR"),
        ("1'234.50 CHF", 123450, "CHF"),
        ("1’234.50 Fr.", 123450, "CHF"),
        ("$1,234.56", 123456, "USD"),
        ("-$1,234.56", -123456, "USD"),
        ("$-12", -1200, "USD"),
        ("(12.50)", -1250, "EUR"),
        ("12,50-", -1250, "EUR"),
        ("−12,50 EUR", -1250, "EUR"),
        ("EUR 45", 4500, "EUR"),
        ("eur 45", 4500, "EUR"),
        ("45 Euro", 4500, "EUR"),
        ("12,- €", 1200, "EUR"),
        ("12,–", 1200, "EUR"),
        ("1.234", 123400, "EUR"),
        ("1,234", 123400, "EUR"),
        ("1.234.567", 123456700, "EUR"),
        ("1,234,567.8", 123456780, "EUR"),
        ("0,999", 100, "EUR"),
        ("0.125", 12, "EUR"),
        (",5", 50, "EUR"),
        ("1234.5", 123450, "EUR"),
        ("500 ¥", 500, "JPY"),
        ("1.5 KWD", 1500, "KWD"),
        (1234.5, 123450, "EUR"),
        (12, 1200, "EUR"),
        (0.1 + 0.2, 30, "EUR"),
        ("+7", 700, "EUR"),
    ],
)
def test_money_is_read_in_german_and_in_english(written: Any, minor: int, currency: str) -> None:
    assert convert.money(written, GERMAN) == {"minor": minor, "currency": currency}


def test_a_bare_amount_is_in_the_currency_of_the_source() -> None:
    assert convert.money("12.50", ENGLISH) == {"minor": 1250, "currency": "USD"}


def test_three_digits_behind_a_separator_are_decimals_where_the_currency_has_three() -> None:
    assert convert.money("1.234", DINAR) == {"minor": 1234, "currency": "KWD"}


@pytest.mark.parametrize(
    "written",
    ["12 34", "1.23,4.5", "1,2,3", "€ 5 $", "12 xyz!", "abc", "5 5", "--5", "-5-", "(5", "5)", "1e3", "12 Kröten"],
)
def test_an_amount_that_can_only_be_guessed_is_refused(written: str) -> None:
    with pytest.raises(Unreadable):
        convert.money(written, GERMAN)


@pytest.mark.parametrize("written", [float("nan"), float("inf"), 1e22, 10**400, True, [], {}, {"amount": 5}])
def test_what_is_no_amount_is_refused(written: Any) -> None:
    with pytest.raises(Unreadable):
        convert.money(written, GERMAN)


CURRENCIES = st.sampled_from(["EUR", "USD", "CHF", "JPY", "KWD"])


@given(st.integers(-(10**11), 10**11), CURRENCIES, st.booleans())
def test_money_survives_being_written_and_read(minor: int, currency: str, german: bool) -> None:
    amount = Money(minor, currency).amount
    written = f"{amount:,}"
    if german:
        written = written.translate(str.maketrans(",.", ".,"))
    if currency == "KWD" and abs(amount) < 1000:
        written = str(amount)
    assert convert.money(f"{written} {currency}", GERMAN) == {"minor": minor, "currency": currency}


@given(st.decimals(-(10**9), 10**9, places=2))
def test_an_amount_given_as_a_number_keeps_its_cents(amount: Decimal) -> None:
    assert convert.money(float(amount), GERMAN) == {"minor": int(amount * 100), "currency": "EUR"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-12-31T14:05:00Z", "2026-12-31T14:05:00Z"),
        ("2026-12-31T14:05:00+02:00", "2026-12-31T12:05:00Z"),
        ("2026-12-31T14:05:00.250+0200", "2026-12-31T12:05:00.250000Z"),
        ("2026-12-31 14:05:00 +0200", "2026-12-31T12:05:00Z"),
        ("2026-12-31 14:05:00 UTC", "2026-12-31T14:05:00Z"),
        ("2026-12-31 14:05", "2026-12-31T13:05:00Z"),
        ("2026-12-31", "2026-12-30T23:00:00Z"),
        ("31.12.2026 14:05", "2026-12-31T13:05:00Z"),
        ("31.12.2026, 14:05 Uhr", "2026-12-31T13:05:00Z"),
        ("1.7.26", "2026-06-30T22:00:00Z"),
        ("1.7.70 10:00:30", "1970-07-01T09:00:30Z"),
        ("Tue, 31 Aug 2010 20:36:28 +0000", "2010-08-31T20:36:28Z"),
        ("31 Aug 2010 20:36:28 +0200", "2010-08-31T18:36:28Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123000Z"),
        (1_700_000_000.5, "2023-11-14T22:13:20.500000Z"),
        ("1711011200000", "2024-03-21T08:53:20Z"),
        ("1700000000", "2023-11-14T22:13:20Z"),
    ],
)
def test_instants_are_read_in_every_form_and_told_in_utc(written: Any, read: str) -> None:
    assert convert.instant(written, GERMAN) == read


def test_an_hour_that_happens_twice_is_the_first_and_one_that_never_happens_is_read_before_the_change() -> None:
    assert convert.instant("2026-10-25 02:30", GERMAN) == "2026-10-25T00:30:00Z"
    assert convert.instant("2026-03-29 02:30", GERMAN) == "2026-03-29T01:30:00Z"


@pytest.mark.parametrize(
    "written", ["morgen", "31.02.2026", "2026-13-01", "32.1.26", True, [], {}, 1e300, float("nan"), 10**400, "12:30"]
)
def test_what_is_no_instant_is_refused(written: Any) -> None:
    with pytest.raises(Unreadable):
        convert.instant(written, GERMAN)
    with pytest.raises(Unreadable):
        convert.date(written, GERMAN)


INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001  # hypothesis wants naive bounds


@given(INSTANTS)
def test_an_instant_survives_in_the_text_that_msgspec_writes(at: datetime) -> None:
    written = msgspec.to_builtins(at)
    assert convert.instant(written, GERMAN) == written
    assert convert.moment(written, GERMAN) == at


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_offset(at: datetime, minutes: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert convert.moment(elsewhere.isoformat(), GERMAN) == at


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)))
def test_a_date_is_the_same_in_every_form(day: date) -> None:
    forms = [
        day.isoformat(),
        f"{day:%d.%m.%Y}",
        f"{day:%d.%m.%y}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day}T00:00:00",
        f"{day}T23:59:59+14:00",
        f"{day:%d.%m.%Y} 00:00",
    ]
    assert {convert.date(form, GERMAN) for form in forms} == {day.isoformat()}


def test_a_date_is_as_written_and_an_instant_becomes_the_date_at_the_sources_place() -> None:
    assert convert.date("2026-01-31T23:30:00Z", GERMAN) == "2026-01-31"
    assert convert.local_date("2026-01-31T23:30:00Z", GERMAN) == "2026-02-01"
    assert convert.local_date("2026-01-31T23:30:00Z", ENGLISH) == "2026-01-31"
    assert convert.date(1_767_139_200_000, GERMAN) == "2025-12-31"


@pytest.mark.parametrize("written", ["", "  ", "-", "n/a", "N.A.", "keine", "unbekannt", "0000-00-00"])
@pytest.mark.parametrize("reader", ["number", "integer", "boolean", "instant", "date", "local_date", "money", "email"])
def test_words_that_mean_nothing_are_nothing(written: str, reader: str) -> None:
    assert getattr(convert, reader)(written, GERMAN) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [(3, 3.0), (2.5, 2.5), ("2,5", 2.5), ("2.5", 2.5), ("1.234,5", 1234.5), ("1,234", 1.234), ("-7", -7.0)],
)
def test_numbers_are_read_with_the_sources_separators(written: Any, read: float) -> None:
    assert convert.number(written, GERMAN) == read


def test_a_number_that_means_two_things_is_refused_where_the_source_is_not_english() -> None:
    assert convert.number("1,234", ENGLISH) == 1234
    assert convert.number("1.234", ENGLISH) == 1.234
    with pytest.raises(Unreadable, match="two ways"):
        convert.number("1.234", GERMAN)


@pytest.mark.parametrize("written", ["viel", "1.2.3,4", True, [], {}, float("inf"), float("nan"), 2**60])
def test_what_is_no_number_is_refused(written: Any) -> None:
    with pytest.raises(Unreadable):
        convert.number(written, GERMAN)


@pytest.mark.parametrize(("written", "read"), [(5, 5), (5.0, 5), ("5", 5), ("1.000.000", 1_000_000), ("5,0", 5)])
def test_whole_numbers_are_read(written: Any, read: int) -> None:
    assert convert.integer(written, GERMAN) == read


@pytest.mark.parametrize("written", ["5,5", 5.5, True, 2**60, -(2**60), 1e20, None])
def test_what_is_no_whole_number_is_refused(written: Any) -> None:
    with pytest.raises(Unreadable):
        convert.integer(written, GERMAN)


def test_a_counter_is_not_negative() -> None:
    assert convert.counter("7", GERMAN) == 7
    assert convert.counter("-", GERMAN) is None
    with pytest.raises(Unreadable, match="negative"):
        convert.counter(-1, GERMAN)


@pytest.mark.parametrize("written", [True, 1, 1.0, "1", "ja", "Yes", "WAHR", " x ", "true", "on"])
def test_yes_is_understood(written: Any) -> None:
    assert convert.boolean(written, GERMAN) is True


@pytest.mark.parametrize("written", [False, 0, "0", "nein", "No", "FALSCH", "false", "off"])
def test_no_is_understood(written: Any) -> None:
    assert convert.boolean(written, GERMAN) is False


@pytest.mark.parametrize("written", [2, "vielleicht", [], {}])
def test_neither_yes_nor_no_is_refused(written: Any) -> None:
    with pytest.raises(Unreadable):
        convert.boolean(written, GERMAN)


@pytest.mark.parametrize(
    ("written", "seconds"), [("01:02:03", 3723), ("2:05", 125), ("123", 123), (90.4, 90), (7, 7), ("100:00:00", 360000)]
)
def test_durations_are_whole_seconds(written: Any, seconds: int) -> None:
    assert convert.duration(written, GERMAN) == seconds


def test_what_is_no_duration_is_refused() -> None:
    assert convert.duration("-", GERMAN) is None
    with pytest.raises(Unreadable):
        convert.duration("bald", GERMAN)


def test_text_is_trimmed_bounded_and_can_be_stored_everywhere() -> None:
    assert convert.text("  a b  ", GERMAN) == "a b"
    assert convert.text(" \n ", GERMAN) is None
    assert convert.text("ä" * (MAX_TEXT + 5), GERMAN) == "ä" * MAX_TEXT
    assert convert.text("a\0b", GERMAN) == "ab"
    assert convert.text("a\ud800b", GERMAN) == "a?b"
    assert convert.text(1234.0, GERMAN) == "1234"
    assert convert.text(12.5, GERMAN) == "12.5"
    wrongs: list[Any] = [True, [], {}, 1 << 300]
    for wrong in wrongs:
        with pytest.raises(Unreadable):
            convert.text(wrong, GERMAN)


def test_an_id_is_never_cut() -> None:
    assert convert.identifier(" 12 ", GERMAN) == "12"
    with pytest.raises(Unreadable):
        convert.identifier("x" * 256, GERMAN)


def test_words_are_compared_without_case_and_booleans_are_words() -> None:
    assert convert.word(" OFFEN ", GERMAN) == "offen"
    assert convert.word(True, GERMAN) == "true"
    assert convert.word(2.0, GERMAN) == "2"
    assert convert.word(" ", GERMAN) is None
    with pytest.raises(Unreadable):
        convert.word([], GERMAN)


def test_a_phone_keeps_what_the_vendor_wrote_and_text_without_digits_is_none() -> None:
    assert convert.phone("030 / 12 34 56", GERMAN) == {"raw": "030 / 12 34 56", "e164": "+4930123456"}
    assert convert.phone("12", GERMAN) == {"raw": "12"}
    assert convert.phone("keine Nummer", GERMAN) is None
    assert convert.phone(" ", GERMAN) is None
    assert convert.phone(4930123456.0, GERMAN) == {"raw": "4930123456", "e164": "+4930123456"}
    assert convert.phone_text("030 123456", GERMAN) == "+4930123456"
    assert convert.phone_text("Zentrale", GERMAN) == "Zentrale"
    assert convert.phone_text(" ", GERMAN) is None


def test_an_email_is_lower_case_or_refused_without_being_shown() -> None:
    assert convert.email(" Info@Example.DE ", GERMAN) == "info@example.de"
    with pytest.raises(Unreadable) as problem:
        convert.email("geheim(at)example.de", GERMAN)
    assert "geheim" not in str(problem.value)
    with pytest.raises(Unreadable):
        convert.email(5, GERMAN)


RAW = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
READERS = [
    name for name in convert.__all__ if name in vars(convert) and not name.startswith(("normalise", "Reader", "MAX"))
]


@given(st.sampled_from(READERS), RAW.filter(lambda value: value is not None))
def test_whatever_comes_a_reader_reads_it_or_refuses_it(reader: str, value: Any) -> None:
    try:
        getattr(convert, reader)(value, GERMAN)
    except Unreadable:
        return
