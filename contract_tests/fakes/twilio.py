"""Twilio's calls list, calls and messages to be made, and its request signature, as its documentation describes them.

https://www.twilio.com/docs/voice/api/call-resource, https://www.twilio.com/docs/messaging/api/message-resource,
https://www.twilio.com/docs/usage/security
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx

from contract_tests.fakes import Trouble

ACCOUNT = "AC5ef87200e3f04f0b9d5ee3e1a0b6c001"
TOKEN = "tw-auth-token-41c7"
ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
PATH = f"{ROOT}/Calls.json"
DAY = "2026-03-02"
STARTED = "Mon, 02 Mar 2026 09:00:00 +0000"
ENDED = datetime(2026, 3, 2, 9, 3, 20, tzinfo=timezone.utc)


def sign(secret: str, *, method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
    """`X-Twilio-Signature` over the URL and, for a form, every parameter's name and value, sorted by name."""
    text = url
    if method == "POST" and "bodySHA256" not in parse_qs(urlsplit(url).query):  # of other bodies only the URL is signed
        form: dict[str, set[str]] = {}
        for name, value in parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=None
        ):
            form.setdefault(name, set()).add(value)
        text += "".join(name + value for name in sorted(form) for value in sorted(form[name]))
    mac = hmac.new(secret.encode(), text.encode("latin-1"), hashlib.sha1)
    return {"x-twilio-signature": base64.b64encode(mac.digest()).decode()}


class Fake:
    """One account, in which all calls were made on one day; newest first, as the list gives them."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.calls: list[dict[str, Any]] = []
        self._now = ENDED

    def fill(self, stream: str, count: int) -> set[str]:
        assert stream == "calls"
        made = [_call(len(self.calls) + place) for place in range(count)]
        self.calls = [*reversed(made), *self.calls]
        return {str(call["sid"]) for call in made}

    def touch(self, stream: str, number: str) -> None:
        """A call turns out to have gone on for longer."""
        self._now += timedelta(seconds=1)
        call = next(one for one in self.calls if one["sid"] == number)
        call |= {"date_updated": _said(self._now), "end_time": _said(self._now)}

    def remove(self, stream: str, number: str) -> bool:
        """A call can be deleted, but the list tells nobody that one is missing."""
        return False

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        """Calls are never merged."""
        return False

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        raise AssertionError("Twilio keeps no people")

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != expected:
            return _problem(401, 20003, "Authenticate")
        if request.method == "POST":
            return self._create(request)
        if request.method != "GET" or request.url.path != PATH:
            return _problem(404, 20404, "The requested resource was not found")
        params = dict(request.url.params)
        if not 1 <= int(params.get("PageSize", "50")) <= 1000:
            return _problem(400, 20001, "Page size must be between 1 and 1000")
        rows = [call for call in self.calls if params.get("StartTime>", "") <= DAY]
        at = self._start(params, rows)
        following = at + self.page_size
        more = following < len(rows) or self.trouble != ""
        if self.trouble == "stuck":
            at, following = 0, self.page_size
        query = "&".join(f"{name}={value}" for name, value in params.items() if not name.startswith("Page"))
        uri = f"{PATH}?{query}&PageSize={params.get('PageSize', '50')}"
        token = f"&Page={following // self.page_size}&PageToken=PA{following}"
        return httpx.Response(
            200,
            json={
                "calls": rows[at : at + self.page_size],
                "page": at // self.page_size,
                "page_size": self.page_size,
                "start": at,
                "end": min(at + self.page_size, len(rows)) - 1,
                "uri": uri,
                "first_page_uri": f"{uri}&Page=0",
                "previous_page_uri": None,
                "next_page_uri": uri + token if more else None,
            },
        )

    def _create(self, request: httpx.Request) -> httpx.Response:
        said = dict(parse_qsl(request.content.decode()))
        if request.url.path == f"{ROOT}/Messages.json":
            if not said.get("To"):
                return _problem(400, 21604, "A 'To' phone number is required")
            if not (said.get("From") or said.get("MessagingServiceSid")):
                return _problem(400, 21603, "A 'From' phone number is required")
            return httpx.Response(201, json={"sid": f"SM{1:032x}", "status": "queued", "to": said["To"]})
        if request.url.path == PATH:
            if not (said.get("To") and said.get("From") and (said.get("Url") or said.get("Twiml"))):
                return _problem(400, 21205, "Url parameter is required")
            return httpx.Response(201, json={"sid": f"CA{2**64:032x}", "status": "queued", "to": said["To"]})
        return _problem(404, 20404, "The requested resource was not found")

    def _start(self, params: dict[str, str], rows: list[dict[str, Any]]) -> int:
        at = int(params.get("PageToken", "PA0").removeprefix("PA"))
        if self.trouble == "clamped" and at >= len(rows):
            return max(0, len(rows) - self.page_size)
        return at


def _call(number: int) -> dict[str, Any]:
    sid = f"CA{number:032x}"
    return {
        "sid": sid,
        "date_created": STARTED,
        "date_updated": _said(ENDED),
        "parent_call_sid": None,
        "account_sid": ACCOUNT,
        "to": "+4930555010",
        "to_formatted": "+4930555010",
        "from": f"+4930555{number:04d}",
        "from_formatted": f"+4930555{number:04d}",
        "phone_number_sid": "PN1",
        "status": "completed",
        "start_time": STARTED,
        "end_time": _said(ENDED),
        "duration": "200",
        "price": "-0.0085",
        "price_unit": "USD",
        "direction": "inbound",
        "answered_by": None,
        "api_version": "2010-04-01",
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}.json",
        "subresource_uris": {"recordings": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}/Recordings.json"},
    }


def _said(at: datetime) -> str:
    return format_datetime(at)


def _problem(status: int, code: int, message: str) -> httpx.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return httpx.Response(status, json={"code": code, "message": message, "more_info": more, "status": status})
