"""The bytes of the flat answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import flat

ANY_TEXT = st.text(st.characters(), max_size=400)
TAIL = flat.tail(age_seconds=3, degraded=False, missing="", answer_ms=1)


@given(
    head=st.fixed_dictionaries({}, optional={key.name: ANY_TEXT for key in flat.HEAD}),
    detail=st.fixed_dictionaries({}, optional={key.name: ANY_TEXT for key in flat.DETAIL}),
    missing=ANY_TEXT,
    age=st.none() | st.integers(-5, 10**12),
)
def test_whatever_the_values_are_every_key_is_a_short_printable_string(
    head: dict[str, str], detail: dict[str, str], missing: str, age: int | None
) -> None:
    body = flat.head(head) + flat.detail(detail)
    body += flat.tail(age_seconds=age, degraded=True, missing=missing[:120], answer_ms=-1)
    assert body.isascii()
    assert len(body) < 8192
    answer = json.loads(body)
    assert tuple(answer) == flat.NAMES
    for key in flat.KEYS:
        value = answer[key.name]
        assert isinstance(value, str)
        assert len(value) <= key.limit
        assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in value)
        if key.token:
            assert all(letter.isalnum() or letter in "_.:,-" for letter in value)


def test_texts_are_cut_at_a_word_and_keep_to_one_line() -> None:
    assert flat.clean("Guten\r\n\tTag,  Frau\u202eKaya\x00", 80) == "Guten Tag, FrauKaya"
    assert flat.clean("eins zwei drei vier", 14) == "eins zwei…"
    assert flat.clean("eins zwei drei", 14) == "eins zwei drei"
    assert flat.clean("x" * 30, 10) == "x" * 9 + "…"
    assert flat.clean("eins zwei drei", 10) == "eins zwei…"


def test_who_is_not_known_has_blank_values_and_no_age() -> None:
    body = flat.neutral() + flat.BLANK_DETAIL + flat.tail(age_seconds=None, degraded=False, missing="", answer_ms=0)
    answer = json.loads(body)
    assert answer == {key.name: "" if key in flat.DETAIL else key.blank for key in flat.KEYS}
    assert (answer["priority"], answer["value_tier"], answer["as_of_age_s"]) == ("3", "unknown", "")


def test_only_one_known_customer_counts_as_found() -> None:
    for match in ("exact", "account", "ambiguous", "none"):
        answer = json.loads(flat.neutral(match=match, candidates=2) + flat.BLANK_DETAIL + TAIL)
        assert (answer["found"] == "true") is (match == "exact")


def test_a_key_that_does_not_exist_is_an_error_of_the_programmer() -> None:
    with pytest.raises(ValueError, match="churn_band"):
        flat.head({"churn_band": "high"})
    with pytest.raises(ValueError, match="found"):
        flat.detail({"found": "true"})


def test_a_blank_detail_blanks_every_key_of_the_agent() -> None:
    assert set(json.loads("{" + flat.BLANK_DETAIL.decode()[1:] + "}").values()) == {""}
