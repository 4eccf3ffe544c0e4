"""How facts are written, and what a text with a missing or hostile fact becomes."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Money
from bridge.scoring.wording import LONGEST_WORD, Wording, plain, say


@pytest.mark.parametrize(
    ("value", "german", "english"),
    [
        (date(2026, 12, 31), "31.12.2026", "31 Dec 2026"),
        (datetime(2026, 3, 1, 9, tzinfo=timezone.utc), "1.3.2026", "1 Mar 2026"),
        (Money(4490, "EUR"), "44,90 €", "€44.90"),
        (Money(104_490, "EUR"), "1.044,90 €", "€1,044.90"),
        (Money(4490, "CHF"), "44,90 CHF", "CHF 44.90"),
        (Money(4490, "JPY"), "4.490 JPY", "JPY 4,490"),
        (Money(500, "GBP"), "5,00 £", "£5.00"),
        (Money(4490, "KWD"), "4,490 KWD", "KWD 4.490"),
        (Money(-99_999_999_901, "EUR"), "-999.999.999,01 €", "-€999,999,999.01"),
        (3.0, "3", "3"),
        (4.5, "4,5", "4.5"),
        (1234, "1.234", "1,234"),
        ("Glasfaser 250", "Glasfaser 250", "Glasfaser 250"),
        (None, "None", "None"),
    ],
)
def test_facts_are_written_as_people_of_that_language_write_them(value: Any, german: str, english: str) -> None:
    assert (say(value, "de"), say(value, "en")) == (german, english)


@given(st.text())
def test_free_text_becomes_one_short_line_of_printable_characters(text: str) -> None:
    made = plain(text)
    assert made.isprintable()
    assert len(made) <= LONGEST_WORD


def test_control_and_direction_characters_do_not_get_through() -> None:
    assert plain("a\u202eb\x00c\x1b[31m\nd\u00a0e\u200b") == "abc[31m d e"


def test_the_first_alternative_whose_facts_are_there_is_taken() -> None:
    wording = Wording(["{product} endet am {date}", "Vertrag endet am {date}"], "de")
    day = date(2026, 12, 31)
    assert wording.fill({"date": day, "product": "Mobil"}, 120) == "Mobil endet am 31.12.2026"
    assert wording.fill({"date": day, "product": None}, 120) == "Vertrag endet am 31.12.2026"
    assert wording.fill({}, 120) == ""


def test_a_text_longer_than_the_card_is_cut_at_its_end() -> None:
    assert Wording(["{a} {b}"], "en").fill({"a": "x" * 70, "b": "y" * 70}, 100) == "x" * 59 + "… " + "y" * 38 + "…"


def test_braces_in_a_fact_are_text() -> None:
    assert Wording(["Topic {a}"], "en").fill({"a": "{b} {{ c }}", "b": "secret"}, 100) == "Topic {b} {{ c }}"


@given(st.integers(-(10**12), 10**12), st.sampled_from(("EUR", "JPY", "KWD")))
def test_no_cent_is_lost_in_writing(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    symbol = "€" if currency == "EUR" else currency
    written = say(money, "en").replace(symbol, "").replace(" ", "").replace(",", "")
    assert written == str(money.amount)
    german = say(money, "de").removesuffix(symbol).strip().replace(".", "").replace(",", ".")
    assert german == written
