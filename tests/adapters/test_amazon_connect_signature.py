"""AWS Signature Version 4, against the examples that AWS publishes in its test suite and its documentation."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from adapters.amazon_connect.signature import Signer

AT = datetime(2015, 8, 30, 12, 36, tzinfo=timezone.utc)
SIGNER = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
HOST = "example.amazonaws.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

PUBLISHED = {
    "get-vanilla": (
        {"method": "GET", "host": HOST, "path": "/", "at": AT},
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla-query-order-key-case": (
        {"method": "GET", "host": HOST, "path": "/", "at": AT, "query": [("Param2", "value2"), ("Param1", "value1")]},
        "host;x-amz-date",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-x-www-form-urlencoded": (
        {"method": "POST", "host": HOST, "path": "/", "at": AT, "headers": FORM, "body": b"Param1=value1"},
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_examples_come_out(name: str) -> None:
    request, names, signature = PUBLISHED[name]
    signed = SIGNER.sign(**request)  # type: ignore[arg-type]  # the examples differ in what they have
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    assert signed["x-amz-date"] == "20150830T123600Z"


def test_the_documented_example_of_another_service_comes_out() -> None:
    signer = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "iam")
    signed = signer.sign(
        "GET",
        "iam.amazonaws.com",
        "/",
        at=AT,
        query=[("Action", "ListUsers"), ("Version", "2010-05-08")],
        headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    assert signed["authorization"].endswith("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"Param1=value2"},
        {"path": "/other"},
        {"method": "PUT"},
        {"host": "example.amazonaws.co"},
        {"at": AT + timedelta(seconds=1)},
        {"headers": {"Content-Type": "application/json"}},
        {"query": [("a", "b")]},
    ],
)
def test_whatever_is_changed_changes_the_signature(change: dict[str, object]) -> None:
    request = PUBLISHED["post-x-www-form-urlencoded"][0]
    signed = SIGNER.sign(**{**request, **change})  # type: ignore[arg-type]  # the examples differ in what they have
    assert PUBLISHED["post-x-www-form-urlencoded"][2] not in signed["authorization"]


def test_the_time_is_signed_in_utc() -> None:
    in_berlin = AT.astimezone(timezone(timedelta(hours=2)))
    assert SIGNER.sign("GET", HOST, "/", at=in_berlin) == SIGNER.sign("GET", HOST, "/", at=AT)


def test_a_signer_shows_no_secret() -> None:
    assert "wJalr" not in repr(SIGNER)
    assert "AKID" not in repr(SIGNER)
