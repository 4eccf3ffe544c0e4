"""Zendesk Support, as far as its API reference describes what the adapter may ask.

https://developer.zendesk.com/api-reference/: incremental exports, search, users, satisfaction ratings, survey responses
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from contract_tests.fakes import Trouble

HOST = "https://acme.zendesk.com"
CHANGED = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
TOKEN = "zd-token-5f0c"

_PLURAL = {"user": "users", "ticket": "tickets", "organization": "organizations"}
_CURSOR_EXPORTS = {"/api/v2/incremental/tickets/cursor": "tickets", "/api/v2/incremental/users/cursor": "users"}
_CURSOR_LISTS = {
    "/api/v2/satisfaction_ratings": "satisfaction_ratings",
    "/api/v2/guide/survey_responses": "survey_responses",
}


class Fake:
    """One account with its own clock. All that happens in it happened long enough ago to be exported."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.now = CHANGED
        self.streams: dict[str, list[dict[str, Any]]] = {
            name: [] for name in (*_PLURAL.values(), "satisfaction_ratings", "survey_responses")
        }
        self._last_id = 360_000_000_000

    def fill(self, stream: str, count: int) -> set[str]:
        made = [getattr(self, f"_make_{stream}")() for _ in range(count)]
        self.streams[stream] += made
        return {str(one["id"]) for one in made}

    def touch(self, stream: str, number: str) -> None:
        one = self._one(stream, number)
        match stream:
            case "users" | "organizations":
                one["name"] += " jun."
            case "tickets":
                one["status"] = "pending" if one["status"] == "open" else "open"
            case "satisfaction_ratings":
                one["comment"] += " and friendly"
            case "survey_responses":
                one["answers"][0]["rating"] = 5 if one["answers"][0]["rating"] == 4 else 4
        self._stamp(stream, one)

    def remove(self, stream: str, number: str) -> bool:
        """Users grow inactive, tickets stay in the export as deleted ones; organizations vanish from it unsaid."""
        one = self._one(stream, number)
        if stream == "users":
            one["active"] = False
        elif stream == "tickets":
            one["status"] = "deleted"
        else:
            return False
        self._stamp(stream, one)
        return True

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        """The losing user grows inactive, and its tickets go over. A ticket that is merged is only closed."""
        if stream != "users":
            return False
        self.remove(stream, loser)
        for ticket in self.streams["tickets"]:
            if ticket["requester_id"] == int(loser):
                ticket["requester_id"] = int(winner)
                self._stamp("tickets", ticket)
        return True

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        user = self._make_users() | {"phone": phone, "email": email, "external_id": external_id}
        self.streams["users"].append(user)
        return str(user["id"])

    def authorises(self, request: httpx.Request) -> bool:
        return request.url.path == "/oauth/tokens"

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removesuffix(".json")
        if self.authorises(request):
            return self._token(request)
        if request.headers.get("authorization") not in (f"Bearer {TOKEN}", _basic()):
            return _json({"error": "Couldn't authenticate you"}, 401)
        if request.method != "GET":
            return _json({"error": "MethodNotAllowed"}, 405)
        params = dict(request.url.params)
        if path in _CURSOR_EXPORTS:
            return self._cursor_export(_CURSOR_EXPORTS[path], path, params)
        if path == "/api/v2/incremental/organizations":
            return self._time_export("organizations", path, params)
        if path in _CURSOR_LISTS:
            return self._cursor_list(_CURSOR_LISTS[path], path, params)
        if path == "/api/v2/search":
            return self._search(params)
        if path == "/api/v2/users/search":
            return self._users_search(params)
        return self._single(path, params)

    def _token(self, request: httpx.Request) -> httpx.Response:
        said = json.loads(request.content)
        if said.get("grant_type") != "client_credentials" or not said.get("client_id") or not said.get("client_secret"):
            return _json({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        return _json({"access_token": TOKEN, "token_type": "bearer", "scope": said.get("scope"), "expires_in": 7200})

    def _cursor_export(self, stream: str, path: str, params: dict[str, str]) -> httpx.Response:
        """The first request names a start, the others the cursor: the time and id of the row read last."""
        if "cursor" in params:
            after = _decoded(params["cursor"])
        elif params.get("start_time", "").lstrip("-").isdigit():
            after = (int(params["start_time"]), 0)
        else:
            return _json({"error": "InvalidValue", "description": "start_time or cursor is required"}, 400)
        rows = sorted(self.streams[stream], key=_place)
        part, more = self._slice(rows, sum(_place(row) <= after for row in rows))
        cursor = _encoded(_place(part[-1]) if part else after)
        return _json(
            {
                stream: part,
                "after_url": f"{HOST}{path}.json?cursor={cursor}",
                "after_cursor": cursor,
                "before_url": None,
                "before_cursor": None,
                "end_of_stream": not more,
            }
        )

    def _time_export(self, stream: str, path: str, params: dict[str, str]) -> httpx.Response:
        """Everything changed at or after `start_time`; objects of one second are never split over two pages."""
        if not params.get("start_time", "").isdigit():
            return _json({"error": "StartTimeMissing", "description": "You must supply a start_time"}, 422)
        start = 0 if self.trouble else int(params["start_time"])
        rows = [row for row in sorted(self.streams[stream], key=_place) if _place(row)[0] >= start]
        last = _place(rows[: self.page_size][-1])[0] if rows else None
        part = [row for row in rows if last is not None and _place(row)[0] <= last]
        return _json(
            {
                stream: part,
                "count": len(part),
                "end_time": last,
                "next_page": f"{HOST}{path}.json?start_time={last}" if rows else None,
                "end_of_stream": len(part) == len(rows) and not self.trouble,
            }
        )

    def _cursor_list(self, stream: str, path: str, params: dict[str, str]) -> httpx.Response:
        """An account has one of the two CSAT systems: the newer one from its first survey on."""
        if (stream == "survey_responses") != bool(self.streams["survey_responses"]):
            return _json({"error": "RecordNotFound", "description": "Not found"}, 404)
        at = _decoded(params["page[after]"])[0] if "page[after]" in params else 0
        rows, more = self._slice(self.streams[stream], at)
        cursor = _encoded((min(at + self.page_size, len(self.streams[stream])), 0))
        following = f"{HOST}{path}?page%5Bsize%5D=100&page%5Bafter%5D={cursor}"
        return _json(
            {
                stream: rows,
                "meta": {"has_more": more, "after_cursor": cursor if rows else None, "before_cursor": None},
                "links": {"next": following if more else None, "prev": None},
            }
        )

    def _slice(self, rows: list[dict[str, Any]], at: int) -> tuple[list[dict[str, Any]], bool]:
        """A page of `rows` from `at` on, and whether more are promised."""
        if self.trouble == "stuck":
            return rows[: self.page_size], True
        if self.trouble == "clamped" and at >= len(rows) - self.page_size:
            return rows[-self.page_size :], True
        return rows[at : at + self.page_size], at + self.page_size < len(rows)

    def _search(self, params: dict[str, str]) -> httpx.Response:
        """`phone:` compares digits; a leading `*` lets it end with them. Terms are and-ed."""
        found = [user for user in self.streams["users"] if self._fits(user, params.get("query", ""))]
        return _json(
            {
                "results": [user | {"result_type": "user"} for user in found],
                "facets": None,
                "next_page": None,
                "previous_page": None,
                "count": len(found),
            }
        )

    def _users_search(self, params: dict[str, str]) -> httpx.Response:
        if "external_id" in params:
            wanted = params["external_id"].casefold()
            users = self.streams["users"]
            found = [one for one in users if self.trouble or str(one["external_id"]).casefold() == wanted]
        else:
            found = [one for one in self.streams["users"] if self._fits(one, params.get("query", ""))]
        return _json({"users": found, "next_page": None, "previous_page": None, "count": len(found)})

    def _fits(self, user: dict[str, Any], query: str) -> bool:
        return self.trouble == "unfiltered" or all(_fits(user, term) for term in re.findall(r'[^\s"]+|"[^"]*"', query))

    def _single(self, path: str, params: dict[str, str]) -> httpx.Response:
        found = re.fullmatch(
            r"/api/v2/(users|tickets|organizations)/(\d+)(/identities|/tickets/requested|/metrics)?", path
        )
        if found is None:
            return _json({"error": "InvalidEndpoint", "description": "Not found"}, 404)
        stream, number, below = found.groups()
        one = next((row for row in self.streams[stream] if row["id"] == int(number)), None)
        if one is None:
            return _json({"error": "RecordNotFound", "description": "Not found"}, 404)
        if below == "/identities":
            values = [("email", one["email"]), ("phone_number", one["phone"])]
            identities = [{"type": kind, "value": value, "verified": True} for kind, value in values if value]
            return _json({"identities": identities, "next_page": None, "count": len(identities)})
        if below == "/tickets/requested":
            asked = [row for row in self.streams["tickets"] if row["requester_id"] == int(number)]
            return _json({"tickets": asked, "next_page": None, "count": len(asked)})
        singular = {plural: name for name, plural in _PLURAL.items()}[stream]
        return _json({singular: one})

    def _one(self, stream: str, number: str) -> dict[str, Any]:
        return next(row for row in self.streams[stream] if str(row["id"]) == number)

    def _stamp(self, stream: str, one: dict[str, Any]) -> None:
        self.now += timedelta(seconds=1)
        at = _text(self.now)
        if stream == "survey_responses":
            one["answers"][0]["updated_at"] = at
        else:
            one["updated_at"] = at
        if stream == "tickets":
            one["generated_timestamp"] = int(self.now.timestamp())

    def _times(self) -> dict[str, str]:
        return {"created_at": _text(self.now), "updated_at": _text(self.now)}

    def _id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _make_users(self) -> dict[str, Any]:
        number = self._id()
        return {
            "id": number,
            "url": f"{HOST}/api/v2/users/{number}.json",
            "name": "Sample Customer",
            "email": f"customer{number}@example.org",
            "phone": None,
            "shared_phone_number": None,
            "external_id": None,
            "organization_id": None,
            "role": "end-user",
            "locale": "de",
            "iana_time_zone": "Europe/Berlin",
            "tags": [],
            "active": True,
            "suspended": False,
            **self._times(),
        }

    def _make_tickets(self) -> dict[str, Any]:
        number = self._id()
        return {
            "id": number,
            "url": f"{HOST}/api/v2/tickets/{number}.json",
            "external_id": None,
            "subject": "Router offline",
            "description": "It does not start.",
            "type": "problem",
            "status": "open",
            "priority": "high",
            "requester_id": self._id(),
            "organization_id": None,
            "tags": [],
            "satisfaction_rating": {"score": "unoffered"},
            "via": {"channel": "web"},
            "generated_timestamp": int(self.now.timestamp()),
            **self._times(),
        }

    def _make_organizations(self) -> dict[str, Any]:
        number = self._id()
        return {"id": number, "name": "Acme GmbH", "external_id": None, **self._times()}

    def _make_satisfaction_ratings(self) -> dict[str, Any]:
        return {
            "id": self._id(),
            "requester_id": self._id(),
            "ticket_id": self._id(),
            "score": "good",
            "comment": "Quick",
            **self._times(),
        }

    def _make_survey_responses(self) -> dict[str, Any]:
        number = self._id()
        question = {"id": f"q{number}", "type": "rating_scale_numeric", "sub_type": "customer_satisfaction"}
        return {
            "id": f"01HX{number}",
            "expires_at": "2026-04-02T09:00:00Z",
            "responder_id": self._id(),
            "subjects": [{"id": str(self._id()), "type": "ticket", "zrn": f"zen:ticket:{number}"}],
            "survey": {"id": "01HXSURVEY", "version": 1, "state": "enabled"},
            "answers": [
                {
                    "type": "rating_scale",
                    "rating": 4,
                    "rating_category": "good",
                    "question": question,
                    **self._times(),
                }
            ],
        }


def _fits(user: dict[str, Any], term: str) -> bool:
    name, colon, value = term.strip('"').partition(":")
    if not colon:
        return term.strip('"').casefold() in " ".join(str(one) for one in user.values()).casefold()
    if name == "role":
        return bool(user["role"] == value)
    if name == "type":
        return value == "user"
    if name == "phone":
        digits, wanted = re.sub(r"\D", "", user["phone"] or ""), re.sub(r"\D", "", value)
        return digits.endswith(wanted) if value.startswith("*") else digits == wanted
    return name in user and str(user[name]).casefold() == value.strip('"').casefold()


def _basic() -> str:
    return "Basic " + base64.b64encode(b"admin@example.org/token:zd-api-token-77").decode()


def _place(row: dict[str, Any]) -> tuple[int, int]:
    """Where a row stands in the exports: tickets by when they were generated, which system changes move, too."""
    at = row.get("generated_timestamp") or int(datetime.fromisoformat(row["updated_at"]).timestamp())
    return at, row["id"]


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _encoded(after: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(f"{after[0]}.0||{after[1]}".encode()).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[int, int]:
    at, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".0||")
    return int(at), int(number)


def _json(data: dict[str, Any], status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=data, headers={"ratelimit-remaining": "99"})
