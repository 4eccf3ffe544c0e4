"""Record ids in their one form, and the words of the two query languages."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.salesforce.ids import full_id
from adapters.salesforce.queries import instant, moment, phone_search, quoted

SHORT = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=15, max_size=15)


@pytest.mark.parametrize(
    "known", ["003q000000KvQ1tAAF", "003q000000KvQ2DAAV", "001D000000JliSTIAZ", "a00D0000008pQRAIA2"]
)
def test_the_long_form_of_real_ids_comes_out_of_the_short_one(known: str) -> None:
    assert full_id(known[:15]) == known
    assert full_id(known) == known


@given(SHORT)
def test_a_long_id_is_found_again_however_its_case_was_lost(short: str) -> None:
    long = full_id(short)
    assert long is not None
    assert long[:15] == short
    assert {full_id(long), full_id(long.lower()), full_id(long.upper()), full_id(long.swapcase())} == {long}


@given(st.text(max_size=20))
def test_what_is_no_id_has_no_long_form(text: str) -> None:
    found = full_id(text)
    assert found is None or re.fullmatch(r"[A-Za-z0-9]{15}[A-Z0-5]{3}", found)


@pytest.mark.parametrize(
    "text", ["", "003", "003Aa000000471-", "003Aa0000004711IA9", "003Aa00000047119AA", "003Aa0000004711IAAA"]
)
def test_a_damaged_id_is_none(text: str) -> None:
    assert full_id(text) is None


@given(st.text())
def test_a_quoted_text_ends_where_it_should(text: str) -> None:
    inside = quoted(text)[1:-1]
    assert not re.search(r"(?<!\\)(?:\\\\)*'", inside)
    assert re.sub(r"\\(.)", r"\1", inside, flags=re.DOTALL) == text


def test_instants_are_read_and_written_as_salesforce_does() -> None:
    assert instant(moment("2013-05-07T22:07:19.000+0000")) == "2013-05-07T22:07:19.000Z"
    assert instant(moment("2013-05-07T22:07:19.250+0200")) == "2013-05-07T20:07:19.250Z"
    with pytest.raises(ValueError, match="offset"):
        moment("2013-05-07T22:07:19")


def test_a_phone_is_searched_in_the_forms_in_which_people_type_it() -> None:
    assert phone_search("+493023125123") == (
        "{493023125123 OR 00493023125123 OR 03023125123 OR 3023125123 OR 4903023125123"
        r' OR "\+49 30 23125123" OR "030 23125123"}'
    )


def test_signs_of_the_query_language_are_escaped() -> None:
    inside = phone_search("+14155550123")[1:-1]
    assert r'"\(415\) 555\-0123"' in inside
    assert not re.search(r"(?<!\\)[?&|!{}\[\]()^~*:+\-]", inside)


def test_a_number_of_no_country_is_searched_as_it_is() -> None:
    assert phone_search("+999123456789") == "{999123456789}"
