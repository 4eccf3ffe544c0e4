"""The signature: every published example, every way in which it can be wrong, and no way around it."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.twilio.signature import check
from bridge.adapter.delivery import Request
from bridge.errors import BadRequest, NotAuthentic
from tests.adapters.twilio_account import FORM, NOW, TOKEN, URL, callback, make, signed

_SENT = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309"
_PLACE = "mycompany.com/myapp.php?foo=1&bar=2"


def _request(url: str, header: str, body: str = _SENT, **fields: Any) -> Request:
    headers = {**FORM, "x-twilio-signature": header} | fields.pop("headers", {})
    return Request(method="POST", url=url, headers=headers, body=body.encode(), received_at=NOW, **fields)


# https://github.com/twilio/twilio-python/blob/main/tests/unit/test_request_validator.py
@pytest.mark.parametrize(
    ("url", "header"),
    [
        (f"https://{_PLACE}", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (f"https://{_PLACE}".replace(".com/", ".com:443/"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (f"https://{_PLACE}", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (f"https://{_PLACE}".replace(".com/", ".com:443/"), "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (f"http://{_PLACE}", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (f"http://{_PLACE}".replace(".com/", ".com:80/"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (f"http://{_PLACE}".replace(".com/", ".com:1234/"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ],
)
def test_published_examples_hold_with_and_without_the_port(url: str, header: str) -> None:
    check(_request(url, header), ["12345"])
    with pytest.raises(NotAuthentic, match="does not match"):
        check(_request(url.replace("bar=2", "bar=3"), header), ["12345"])
    with pytest.raises(NotAuthentic, match="does not match"):
        check(_request(url, header, _SENT.replace("1234&", "1235&")), ["12345"])


_DIGEST = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
_TWICE = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
_JSON = '{"property": "value", "boolean": true}'


@pytest.mark.parametrize(
    ("url", "header", "body", "kind"),
    [
        (f"https://{_PLACE}", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", _SENT, FORM),
        (f"https://{_PLACE}".replace(".com/", ".com:443/"), "kvajT1Ptam85bY51eRf/AJRuM3w=", _SENT, FORM),
        (f"http://{_PLACE}".replace(".com/", ".com:80/"), "0ZXoZLH/DfblKGATFgpif+LLRf4=", _SENT, FORM),
        (f"http://{_PLACE}".replace(".com/", ".com:1234/"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", _SENT, FORM),
        (f"https://{_PLACE}", "IK+Dwps556ElfBT0I3Rgjkr1wJU=", _TWICE, FORM),
        (
            f"https://{_PLACE}&bodySHA256={_DIGEST}",
            "a9nBmqA0ju/hNViExpshrM61xv4=",
            _JSON,
            {"content-type": "application/json"},
        ),
    ],
    ids=["https", "https with port", "http with port", "another port", "a name several times", "json"],
)
def test_no_single_byte_of_a_published_example_can_be_changed(
    url: str, header: str, body: str, kind: dict[str, str]
) -> None:
    def accepted(url: str, header: str, body: str) -> bool:
        headers = {**kind, "x-twilio-signature": header}
        try:
            check(Request(method="POST", url=url, headers=headers, body=body.encode(), received_at=NOW), ["12345"])
        except (NotAuthentic, BadRequest, ValueError):
            return False
        return True

    assert accepted(url, header, body)
    for what, text in enumerate((url, header, body)):
        for place, byte in enumerate(text):
            for bit in (1, 4):
                other = chr(ord(byte) ^ bit)
                changed = text[:place] + other + text[place + 1 :]
                given = [url, header, body]
                given[what] = changed
                shown = f"{('url', 'header', 'body')[what]} at {place}: {byte!r} for {other!r}"
                assert not accepted(*given), shown


def test_a_name_that_comes_several_times_is_signed_with_its_different_values_in_order() -> None:
    body = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
    check(_request(f"https://{_PLACE}", "IK+Dwps556ElfBT0I3Rgjkr1wJU=", body), ["12345"])


def test_of_a_json_body_the_digest_stands_in_the_signed_url() -> None:
    digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    url, body = f"https://{_PLACE}&bodySHA256={digest}", '{"property": "value", "boolean": true}'
    json = {"headers": {"content-type": "application/json"}}
    check(_request(url, "a9nBmqA0ju/hNViExpshrM61xv4=", body, **json), ["12345"])
    with pytest.raises(NotAuthentic, match="bodySHA256"):
        check(_request(url, "a9nBmqA0ju/hNViExpshrM61xv4=", body.replace("true", "false"), **json), ["12345"])


def test_a_json_body_without_its_digest_in_the_url_is_refused_though_the_url_is_signed() -> None:
    request = _request(URL, signed(URL)["x-twilio-signature"], '{"CallSid": "CA1"}')
    request = msgspec.structs.replace(request, headers=request.headers | {"content-type": "application/json"})
    with pytest.raises(NotAuthentic, match="bodySHA256"):
        check(request, [TOKEN])
    twice = f"{URL}?bodySHA256={hashlib.sha256(request.body).hexdigest()}&bodySHA256=0"
    with pytest.raises(NotAuthentic, match="bodySHA256"):
        check(msgspec.structs.replace(request, url=twice, headers=request.headers | signed(twice)), [TOKEN])


def test_the_signature_of_a_get_does_not_vouch_for_a_body() -> None:
    url = f"{URL}?CallSid=CA1&CallStatus=ringing"
    request = Request(method="GET", url=url, headers=signed(url), body=b"", received_at=NOW)
    check(request, [TOKEN])
    with pytest.raises(NotAuthentic, match="bodySHA256"):
        check(msgspec.structs.replace(request, body=b"CallStatus=completed"), [TOKEN])
    with pytest.raises(NotAuthentic, match="does not match"):
        check(msgspec.structs.replace(request, method="POST", headers=request.headers | FORM, body=b"a=1"), [TOKEN])


def test_both_tokens_are_valid_while_one_is_replaced_and_none_without_a_token() -> None:
    request = callback()
    make(auth_token=["the-next-token", TOKEN]).verify(request, NOW)
    with pytest.raises(NotAuthentic, match="ivr: the signature does not match"):
        make(auth_token=["the-next-token", "another"]).verify(request, NOW)
    with pytest.raises(NotAuthentic, match="auth_token is empty"):
        make(auth_token="").verify(request, NOW)


def test_the_url_counts_as_twilio_called_it_not_as_a_proxy_passed_it_on() -> None:
    request = callback(url="https://bridge.example/webhooks/ivr")
    inside = msgspec.structs.replace(request, url="http://10.0.0.7:8000/webhooks/ivr")
    with pytest.raises(NotAuthentic, match="public URL"):
        check(inside, [TOKEN])
    check(callback("menu=2%2C1&queue=K%C3%BCche", url="https://user:secret@bridge.example:8443/webhooks/ivr"), [TOKEN])


def test_more_parameters_than_anybody_sends_are_not_even_counted() -> None:
    with pytest.raises(BadRequest, match="1000 parameters"):
        check(_request(URL, "x", "a=1&" * 2000), [TOKEN])


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=8))
def test_whatever_a_form_holds_is_signed_as_it_was_meant(form: list[tuple[str, str]]) -> None:
    def plain(text: str) -> bool:
        return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)

    form = [(name, value) for name, value in form if plain(name) and plain(value)]
    request = _request(URL, signed(URL, form)["x-twilio-signature"], urlencode(form))
    check(request, [TOKEN])
