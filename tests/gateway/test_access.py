"""Keys and tickets: pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.access import (
    SCOPES,
    check,
    hash_key,
    mint_key,
    mint_ticket,
    read_origin,
    read_scopes,
    read_ticket,
    rotate_key,
    well_formed,
)
from bridge.errors import BadRequest, NotAllowed, NotAuthentic

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
SECRET = "0123456789abcdef0123456789abcdef"
ORIGIN = "https://desk.example.com"
AGENT = frozenset({"agent"})


@given(scopes=st.sets(st.sampled_from(SCOPES), min_size=1), allowed=st.sets(st.sampled_from(SCOPES), min_size=1))
def test_a_key_opens_exactly_what_shares_a_scope_with_it(scopes: set[str], allowed: set[str]) -> None:
    key, stored = mint_key("ivr", scopes, NOW)
    assert well_formed(key.encode())
    assert stored.hash == hash_key(key.encode())
    assert key.split("_")[1] == stored.id
    assert key.split("_")[2] not in repr(stored)
    if scopes & allowed:
        assert check(stored, frozenset(allowed), NOW) is stored
    else:
        with pytest.raises(NotAllowed):
            check(stored, frozenset(allowed), NOW)


def test_no_two_keys_are_alike() -> None:
    keys = {mint_key("x", ["ivr"], NOW)[0] for _ in range(200)}
    assert len(keys) == len({key.split("_")[1] for key in keys}) == 200
    assert all(len(key.split("_")[2]) * 4 == 192 for key in keys)


def test_expiry_and_revocation_hold_from_their_very_instant() -> None:
    _, short = mint_key("x", ["agent"], NOW, lifetime=timedelta(hours=1))
    assert short.valid_at(NOW + timedelta(minutes=59))
    assert not short.valid_at(NOW + timedelta(hours=1))
    with pytest.raises(NotAuthentic):
        check(short, AGENT, NOW + timedelta(hours=1))
    with pytest.raises(NotAuthentic):
        check(None, AGENT, NOW)


@pytest.mark.parametrize("lifetime", [None, timedelta(hours=1), timedelta(days=30)])
def test_after_a_rotation_both_keys_work_for_the_overlap_and_the_old_one_never_longer(
    lifetime: timedelta | None,
) -> None:
    _, old = mint_key("desktop", ["agent", "ivr"], NOW, lifetime=lifetime)
    key, new, ending = rotate_key(old, NOW, timedelta(days=1))
    assert well_formed(key.encode())
    assert new.scopes == old.scopes
    assert new.id != old.id == ending.id
    assert new.valid_at(NOW + timedelta(days=300))
    assert ending.valid_at(NOW)
    assert not ending.valid_at(NOW + timedelta(days=1))
    if lifetime is not None:
        assert not ending.valid_at(NOW + lifetime)


@pytest.mark.parametrize("scopes", [[], ["root"], ["ivr", "Agent"]])
def test_scopes_that_do_not_exist_are_refused(scopes: list[str]) -> None:
    with pytest.raises(BadRequest):
        read_scopes(scopes)


@pytest.mark.parametrize(
    "text", [b"", b"rb_", b"rb_0_0", b"rb_" + b"0" * 12 + b"_" + b"G" * 48, b"x" * 64, b"\xff" * 64]
)
def test_what_cannot_be_a_key_is_known_without_asking_anybody(text: bytes) -> None:
    assert not well_formed(text)


def ticket(secret: str = SECRET, origin: str = ORIGIN, now: datetime = NOW) -> str:
    return mint_ticket(secret, agent="a-17", origin=origin, key="0123", now=now, lifetime=timedelta(minutes=10))


def test_a_ticket_is_good_at_its_origin_for_its_minutes() -> None:
    read = read_ticket([SECRET], ticket(), origin=ORIGIN, now=NOW + timedelta(minutes=9, seconds=59))
    assert (read.agent, read.origin, read.key) == ("a-17", ORIGIN, "0123")
    assert read.expires_at == NOW + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("token", "origin", "later"),
    [
        (ticket(), ORIGIN, 600),
        (ticket(), "https://evil.example", 0),
        (ticket(), None, 0),
        (ticket(secret="f" * 32), ORIGIN, 0),
        (ticket()[:-2], ORIGIN, 0),
        ("", ORIGIN, 0),
        ("a.b.c", ORIGIN, 0),
        (
            jwt.encode({"iss": "retention-bridge", "aud": ORIGIN, "sub": "a", "exp": 10**10, "iat": 1}, SECRET),
            ORIGIN,
            0,
        ),
        (
            jwt.encode({"iss": "other", "aud": ORIGIN, "sub": "a", "exp": 10**10, "iat": 1, "key": "1"}, SECRET),
            ORIGIN,
            0,
        ),
        (
            jwt.encode(
                {"iss": "retention-bridge", "aud": ORIGIN, "sub": "a", "exp": 10**15, "iat": 1, "key": "1"}, SECRET
            ),
            ORIGIN,
            0,
        ),
        (jwt.encode({"iss": "retention-bridge", "aud": ORIGIN, "sub": "a", "iat": 1, "key": "1"}, SECRET), ORIGIN, 0),
        (
            jwt.encode(
                {"iss": "retention-bridge", "aud": ORIGIN, "sub": "a", "exp": 10**10, "iat": 1, "key": "1"},
                "",
                algorithm="none",
            ),
            ORIGIN,
            0,
        ),
    ],
)
def test_a_ticket_that_is_late_forged_or_elsewhere_is_refused(token: str, origin: str | None, later: int) -> None:
    with pytest.raises(NotAuthentic) as refused:
        read_ticket([SECRET], token, origin=origin, now=NOW + timedelta(seconds=later))
    assert token not in str(refused.value) or not token


def test_while_the_secret_is_replaced_both_are_good() -> None:
    new = "f" * 32
    for token in (ticket(), ticket(secret=new)):
        assert read_ticket([new, SECRET], token, origin=ORIGIN, now=NOW).agent == "a-17"


@pytest.mark.parametrize(
    "text",
    [
        "desk.example.com",
        "https://",
        "https://desk.example.com/x",
        "javascript:alert(1)",
        "https://u@desk.example",
        "https://d?x=1",
    ],
)
def test_an_origin_is_scheme_and_host_and_nothing_else(text: str) -> None:
    with pytest.raises(BadRequest):
        read_origin(text)


def test_origins_are_compared_in_lower_case() -> None:
    assert read_origin("https://Desk.Example.com:8443") == "https://desk.example.com:8443"
