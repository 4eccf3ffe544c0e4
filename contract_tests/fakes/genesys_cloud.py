"""Genesys Cloud, as far as its API reference describes what the adapter may ask.

https://developer.genesys.cloud/devapps/api-explorer: analytics conversation details, routing and users, external
contacts, callbacks
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx

from contract_tests.fakes import Trouble

API, LOGIN = "api.mypurecloud.de", "login.mypurecloud.de"
CLIENT = base64.b64encode(b"retention-bridge:gc-client-secret-58ab").decode()
TOKEN = "gc-token-9c2e"
STARTED = datetime.fromisoformat("2026-03-02T11:20:00+00:00")
QUEUE, USER, CODE = (str(UUID(int=number)) for number in (0xA1, 0xB1, 0xC1))
_NAMES = {
    "/api/v2/routing/queues": {QUEUE: "Technik"},
    "/api/v2/users": {USER: "Erika Beispiel"},
    "/api/v2/routing/wrapupcodes": {CODE: "Gelöst"},
    "/api/v2/flows/outcomes": {},
}
_CONTACTS = "/api/v2/externalcontacts/contacts"


class Fake:
    """One organization, in Germany."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.conversations: list[dict[str, Any]] = []
        self.contacts: list[dict[str, Any]] = []
        self._now = STARTED

    def fill(self, stream: str, count: int) -> set[str]:
        assert stream == "conversations"
        made = [_conversation(len(self.conversations) + place) for place in range(count)]
        self.conversations += made
        return {str(one["conversationId"]) for one in made}

    def touch(self, stream: str, number: str) -> None:
        """An agent wraps the conversation up."""
        self._now += timedelta(seconds=1)
        found = next(one for one in self.conversations if one["conversationId"] == number)
        at = _text(self._now + timedelta(minutes=5))
        segment = {"segmentType": "wrapup", "segmentStart": at, "segmentEnd": at, "queueId": QUEUE, "wrapUpCode": CODE}
        found["participants"][-1]["sessions"][0]["segments"].append({**segment, "wrapUpNote": f"noted at {at}"})

    def remove(self, stream: str, number: str) -> bool:
        return False

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        return False

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        number = str(UUID(int=0xE000 + len(self.contacts)))
        self.contacts.append(
            {
                "id": number,
                "type": "Curated",
                "firstName": "Frieda",
                "lastName": "Muster",
                "cellPhone": {"display": phone, "userInput": phone, "e164": _e164(phone), "countryCode": "DE"},
                "personalEmail": email,
                "externalIds": [{"externalSource": {"id": "es-1", "name": "CRM"}, "value": external_id}],
                "createDate": _text(STARTED),
                "modifyDate": _text(STARTED),
            }
        )
        return number

    def authorises(self, request: httpx.Request) -> bool:
        return request.url.host == LOGIN and request.url.path == "/oauth/token"

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.authorises(request):
            return self._token(request)
        if request.url.host != API or request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _json({"message": "Invalid login credentials.", "code": "authentication.required"}, 401)
        asked = request.method, request.url.path
        if asked == ("POST", "/api/v2/analytics/conversations/details/query"):
            return self._details(json.loads(request.content))
        if request.method == "GET" and request.url.path in _NAMES:
            return self._list(_NAMES[request.url.path], request.url.params.get_list("id"))
        if asked == ("POST", "/api/v2/externalcontacts/identifierlookup/contacts"):
            return self._identified(json.loads(request.content))
        if asked == ("GET", _CONTACTS):
            return self._search(request.url.params)
        if request.method == "GET" and request.url.path.startswith(_CONTACTS + "/"):
            number = request.url.path.removeprefix(_CONTACTS + "/")
            return self._one([one for one in self.contacts if one["id"] == number])
        return _json({"message": "Not found", "code": "not.found"}, 404)

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        if request.headers.get("authorization") != f"Basic {CLIENT}" or form != {"grant_type": ["client_credentials"]}:
            return _json({"error": "invalid_client", "description": "client not found"}, 400)
        return _json({"access_token": TOKEN, "token_type": "bearer", "expires_in": 86399})

    def _details(self, query: dict[str, Any]) -> httpx.Response:
        """Conversations with a segment in the interval, which may not be longer than 31 days. Nothing found: `{}`."""
        since, until = (datetime.fromisoformat(part) for part in query["interval"].split("/"))
        page, size = query["paging"]["pageNumber"], min(query["paging"]["pageSize"], self.page_size)
        if not timedelta(0) < until - since <= timedelta(days=31) or page < 1 or query["paging"]["pageSize"] > 100:
            return _json({"message": "The query is invalid", "code": "bad.request"}, 400)
        rows = [one for one in self.conversations if _last(one) >= since and _first(one) < until]
        at, hits = (page - 1) * size, len(rows)
        if self.trouble == "stuck":
            at, hits = 0, hits + 1000
        if self.trouble == "clamped":
            at, hits = min(at, max(0, len(rows) - 1) // size * size), hits + 1000
        if not rows:
            return _json({})
        return _json({"conversations": rows[at : at + size], "totalHits": hits})

    def _list(self, names: dict[str, str], ids: list[str]) -> httpx.Response:
        rows = [{"id": number, "name": name} for number, name in names.items() if not ids or number in ids]
        return _json({"entities": rows, "pageSize": 50, "pageNumber": 1, "total": len(rows), "pageCount": 1})

    def _identified(self, identifier: dict[str, str]) -> httpx.Response:
        """The one contact for which the identifier was claimed."""
        assert identifier["type"] in ("Phone", "Email")
        if self.trouble == "unfiltered":
            return self._one(self.contacts)
        if identifier["type"] == "Phone" and not re.fullmatch(r"\+[0-9 ]+", identifier["value"]):
            return _json({"message": "The identifier is invalid", "code": "bad.request"}, 400)
        return self._one([one for one in self.contacts if identifier["value"] in _identifiers(one)])

    def _search(self, params: httpx.QueryParams) -> httpx.Response:
        """Keywords, of which any may be found anywhere."""
        words = params.get("q", "").casefold().split()
        found = [
            one
            for one in self.contacts
            if self.trouble == "unfiltered" or any(word in json.dumps(one).casefold() for word in words)
        ]
        page = found[: int(params.get("pageSize", "25"))]
        return _json({"entities": page, "pageSize": 25, "pageNumber": 1, "total": len(found), "pageCount": 1})

    def _one(self, found: list[dict[str, Any]]) -> httpx.Response:
        if not found:
            return _json({"message": "The contact was not found", "code": "contact.not.found"}, 404)
        return _json(found[0])


def _conversation(number: int) -> dict[str, Any]:
    def at(minutes: float) -> str:
        return _text(STARTED + timedelta(minutes=minutes))

    sides = {
        "mediaType": "voice",
        "direction": "inbound",
        "ani": f"tel:+4930555{number:05d}",
        "dnis": "tel:+4930555010",
    }
    return {
        "conversationId": str(UUID(int=0xC0000 + number)),
        "conversationStart": at(0),
        "conversationEnd": at(5),
        "originatingDirection": "inbound",
        "divisionIds": [str(UUID(int=1))],
        "participants": [
            {
                "participantId": str(UUID(int=0xD1)),
                "participantName": "Berlin, Germany",
                "purpose": "customer",
                "sessions": [
                    {**sides, "segments": [{"segmentType": "interact", "segmentStart": at(0), "segmentEnd": at(5)}]}
                ],
            },
            {
                "participantId": str(UUID(int=0xD2)),
                "participantName": "Technik",
                "purpose": "acd",
                "sessions": [
                    {
                        **sides,
                        "segments": [
                            {"segmentType": "interact", "segmentStart": at(1), "segmentEnd": at(2), "queueId": QUEUE}
                        ],
                    }
                ],
            },
            {
                "participantId": str(UUID(int=0xD3)),
                "purpose": "agent",
                "userId": USER,
                "sessions": [
                    {
                        **sides,
                        "segments": [
                            {"segmentType": "interact", "segmentStart": at(2), "segmentEnd": at(5), "queueId": QUEUE}
                        ],
                    }
                ],
            },
        ],
    }


def _first(conversation: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(conversation["conversationStart"])


def _last(conversation: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(conversation["conversationEnd"])


def _identifiers(contact: dict[str, Any]) -> tuple[str | None, ...]:
    return contact["cellPhone"]["e164"], contact["personalEmail"]


def _e164(typed: str) -> str | None:
    """As Genesys reads what was typed, with Germany as the country of the organization's numbers."""
    bare = re.sub(r"[^0-9+]", "", typed.replace("(0)", ""))
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    return bare if bare.startswith("+") else "+49" + bare.removeprefix("0")


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _json(data: Any, status: int = 200) -> httpx.Response:
    headers = {"inin-ratelimit-count": "1", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "61"}
    return httpx.Response(status, json=data, headers=headers)
