"""Event subscriptions: a form whose field MSG says which response was completed, and HMAC that the vendor says so.

https://api.qualtrics.com/9c31e43fef682-create-subscription
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from bridge.errors import BadRequest, NotAuthentic

_MOST_FIELDS = 20
RESPONSE = re.compile(r"R_[A-Za-z0-9]{1,60}")


def verify_form(body: bytes, keys: Iterable[str]) -> None:
    """Raise NotAuthentic unless HMAC is the hexadecimal HMAC-SHA512 of MSG, as sent, under one of `keys`.

    Other fields of the form (Topic) are not signed, and never used.
    """
    form = _form(body)
    message, given = form.get("MSG", ""), form.get("HMAC", "").lower()
    if "MSG" not in form or not given:
        raise NotAuthentic("the form has no MSG or no HMAC: give the event subscription a sharedKey")
    good = False
    for key in keys:
        expected = hmac.new(key.encode(), _bytes(message), hashlib.sha512).hexdigest()
        good |= hmac.compare_digest(_bytes(given), expected.encode())
    if not good:
        raise NotAuthentic("the HMAC does not match: wrong key, or MSG was changed on its way")


def completed(body: bytes) -> tuple[dict[str, Any], str, str]:
    """What a verified form says, and the ids of its survey and its response.

    Raises BadRequest for another message. An event about something else has no response: "".
    """
    try:
        message = msgspec.json.decode(_bytes(_form(body).get("MSG", "")))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("MSG is not JSON: the event subscription must not be encrypted") from None
    survey = message.get("SurveyID") if isinstance(message, dict) else None
    if not isinstance(survey, str):
        raise BadRequest("MSG is no event of a survey: SurveyID is missing")
    response = message.get("ResponseID")
    return message, survey, response if isinstance(response, str) and RESPONSE.fullmatch(response) else ""


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; of one that is given twice, the first."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "surrogateescape"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise NotAuthentic(f"the form has more than {_MOST_FIELDS} fields") from None
    return dict(reversed(pairs))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
