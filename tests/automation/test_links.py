"""Tokens of links: ours are known without the store, everybody else's are not, and nothing personal is in them."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.automation.links import (
    LENGTH,
    PURPOSES,
    Link,
    Purpose,
    example_links,
    mint,
    named_in,
    read_token,
    words_of_links,
)
from bridge.automation.messages import LINKS
from bridge.errors import NotAuthentic
from bridge.telemetry import mask_text

NOW = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
SECRET = "0123456789abcdef0123456789abcdef"
BASE = "https://bridge.example"


def _mint(purpose: Purpose = "renew", secret: str = SECRET, days: int = 30) -> Link:
    return mint(secret, BASE, purpose, now=NOW, lifetime=timedelta(days=days))


def _token(link: Link) -> str:
    return link.url.removeprefix(f"{BASE}/l/")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_token_says_its_purpose_and_its_end_and_is_found_by_its_hash(purpose: Purpose) -> None:
    link = _mint(purpose)
    read = read_token([SECRET], _token(link))
    assert (read.purpose, read.hash, read.expires_at) == (purpose, link.hash, link.expires_at)
    assert NOW + timedelta(days=30) <= link.expires_at < NOW + timedelta(days=31)
    assert len(_token(link)) == LENGTH and link.hash not in link.url


def test_two_links_have_nothing_in_common_but_their_end() -> None:
    links = [_mint() for _ in range(50)]
    assert len({link.url for link in links}) == len({link.hash for link in links}) == 50


def test_while_secrets_change_both_hold() -> None:
    new = "another-secret-of-at-least-32-characters"
    assert read_token([new, SECRET], _token(_mint())).purpose == "renew"
    with pytest.raises(NotAuthentic):
        read_token([new], _token(_mint()))
    with pytest.raises(NotAuthentic):
        read_token([], _token(_mint()))


@given(place=st.integers(0, LENGTH - 1), sign=st.sampled_from("ABCXYZabcxyz0189-_"))
def test_no_altered_token_is_accepted(place: int, sign: str) -> None:
    token = _token(mint(SECRET, BASE, "accept", now=NOW, lifetime=timedelta(days=9), random=lambda n: b"\x05" * n))
    altered = token[:place] + sign + token[place + 1 :]
    if altered == token:
        assert read_token([SECRET], altered).purpose == "accept"
    else:
        with pytest.raises(NotAuthentic, match="not one of ours"):
            read_token([SECRET], altered)


@given(
    st.one_of(st.text(max_size=80), st.binary(min_size=34, max_size=34).map(base64.urlsafe_b64encode).map(bytes.decode))
)
def test_nothing_else_is_accepted(token: str) -> None:
    with pytest.raises(NotAuthentic):
        read_token([SECRET], token.rstrip("="))


@given(st.sampled_from(PURPOSES), st.sampled_from(PURPOSES))
def test_a_link_for_one_thing_is_none_for_another(one: Purpose, other: Purpose) -> None:
    raw = bytearray(base64.urlsafe_b64decode(_token(_mint(one)) + "=="))
    raw[1] = PURPOSES.index(other)
    token = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    if one == other:
        assert read_token([SECRET], token).purpose == one
    else:
        with pytest.raises(NotAuthentic):
            read_token([SECRET], token)


def test_what_else_is_signed_with_the_secret_is_no_link() -> None:
    claims = {"iss": "retention-bridge", "sub": "a-17"}
    with pytest.raises(NotAuthentic):
        read_token([SECRET], jwt.encode(claims, SECRET, algorithm="HS256"))


def test_only_links_that_are_named_leave_the_house() -> None:
    links = {one: _mint(one) for one in PURPOSES}
    args = {"text": f"Verlängern: {links['renew'].url}", "unsubscribe": links["unsubscribe"].url, "due": None}
    assert {link.purpose for link in named_in(links, args)} == {"renew", "unsubscribe"}
    assert words_of_links(links).keys() == LINKS == example_links().keys()


def test_no_link_gets_into_a_log() -> None:
    link = _mint()
    for text in (link.url, f"GET {link.url.removeprefix(BASE)} HTTP/1.1", f'{{"path": "/l/{_token(link)}"}}'):
        assert _token(link) not in mask_text(text) and "***" in mask_text(text)
