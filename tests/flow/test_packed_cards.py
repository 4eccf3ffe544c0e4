"""Cards as they lie in the store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cards import pack_card, unpack_card

CARD = b'{"decision_id":"d_1","customer":{"accounts":[],"name":"Frau Kaya"},"schema":"1"}'


@given(st.binary(max_size=20_000) | st.text(max_size=20_000).map(str.encode))
def test_whatever_is_packed_comes_back_as_it_was(card: bytes) -> None:
    assert unpack_card(pack_card(card)) == card


def test_a_card_that_was_packed_long_ago_can_still_be_read() -> None:
    assert unpack_card(bytes.fromhex("01abc6a805415182bb1283560ca0025cc13bb132112d366b01")) == CARD


def test_what_all_cards_have_in_common_takes_no_room() -> None:
    assert len(pack_card(CARD)) < len(CARD) / 2


@pytest.mark.parametrize("packed", [b"", b"\x00", b"\x78\x9c", b"{}"])
def test_what_is_no_packed_card_is_not_taken_for_one(packed: bytes) -> None:
    with pytest.raises(LookupError):
        unpack_card(packed)
