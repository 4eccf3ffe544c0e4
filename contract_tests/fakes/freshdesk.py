"""Freshdesk, as far as its API reference describes what the adapter may ask: https://developers.freshdesk.com/api/

Lists are pages of a bare JSON list; the header `link` leads on. Contacts come in alphabetical order, tickets as they
are sorted; what was deleted is in lists of its own. Times are whole seconds.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from contract_tests.fakes import Trouble

HOST = "https://acme.freshdesk.com"
CHANGED = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)

_LISTS = {
    "/api/v2/contacts": "contacts",
    "/api/v2/companies": "companies",
    "/api/v2/tickets": "tickets",
    "/api/v2/surveys/satisfaction_ratings": "satisfaction_ratings",
}
_PAGING = {"page", "per_page"}
_PARAMETERS = {
    "contacts": {"email", "mobile", "phone", "unique_external_id", "company_id", "state", "_updated_since"},
    "companies": {"updated_since"},
    "tickets": {"filter", "requester_id", "email", "company_id", "updated_since", "order_by", "order_type", "include"},
    "satisfaction_ratings": {"created_since", "user_id"},
}
_SINCE = ("updated_since", "_updated_since", "created_since")
_INCLUDED = {"stats": ("stats",), "description": ("description", "description_text"), "requester": ()}
_LAST_TICKET_PAGE = 300


class Fake:
    """One account with its own clock."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.now = CHANGED
        self.streams: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS.values()}
        self._last_id = 67_000_000_000

    def fill(self, stream: str, count: int) -> set[str]:
        made = [getattr(self, f"_make_{stream}")() for _ in range(count)]
        self.streams[stream] += made
        return {str(one["id"]) for one in made}

    def touch(self, stream: str, number: str) -> None:
        one = self._one(stream, number)
        self._stamp(one)
        match stream:
            case "contacts" | "companies":
                one["name"] += " jun."  # its place in the alphabet may be another now
            case "tickets":
                one["status"] = 3 if one["status"] == 2 else 2
            case "satisfaction_ratings":
                one["feedback"] += " and friendly"

    def remove(self, stream: str, number: str) -> bool:
        if stream not in ("contacts", "tickets"):
            return False
        one = self._one(stream, number)
        one["deleted"] = True
        self._stamp(one)
        return True

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        """The secondary contact is deleted, its tickets and address go over to the primary one."""
        if stream != "contacts":
            return False
        gone, kept = self._one(stream, loser), self._one(stream, winner)
        self.remove(stream, loser)
        kept["other_emails"] += [gone["email"], *gone["other_emails"]]
        kept["updated_at"] = gone["updated_at"]
        for ticket in self.streams["tickets"]:
            if ticket["requester_id"] == gone["id"]:
                ticket |= {"requester_id": kept["id"], "updated_at": gone["updated_at"]}
        return True

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        contact = self._make_contacts() | {"phone": phone, "email": email, "unique_external_id": external_id}
        self.streams["contacts"].append(contact)
        return str(contact["id"])

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != _basic():
            return self._json({"code": "invalid_credentials", "message": "You have to be logged in."}, 401)
        if request.method != "GET":
            return self._json({"message": "Method not allowed"}, 405)
        path, params = request.url.path, dict(request.url.params)
        if path in _LISTS:
            return self._list(_LISTS[path], path, params)
        if path == "/api/v2/search/contacts":
            return self._search(params.get("query", ""))
        return self._single(path, params)

    def _list(self, stream: str, path: str, params: dict[str, str]) -> httpx.Response:
        if unknown := sorted(params.keys() - _PARAMETERS[stream] - _PAGING):
            return self._invalid(unknown[0], "Unexpected/invalid field in request")
        size, page = int(params.get("per_page", 30)), int(params.get("page", 1))
        if not 1 <= size <= 100:
            return self._invalid("per_page", "It should be a positive number and maximum of 100")
        if stream == "tickets" and page > _LAST_TICKET_PAGE:
            return self._invalid("page", "You cannot access tickets beyond the 300th page.")
        rows = self._chosen(stream, params)
        size = min(size, self.page_size)
        last = max(1, -(-len(rows) // size))
        if self.trouble == "stuck":
            page = 1
        elif self.trouble == "clamped":
            page = min(page, last)
        part = [self._shown(stream, one, params) for one in rows[(page - 1) * size : page * size]]
        asked = int(params.get("page", 1))
        headers = {}
        if page < last or self.trouble in ("stuck", "clamped"):
            following = 2 if self.trouble == "stuck" else asked + 1
            headers["link"] = f'< {HOST}{path}?{urlencode(params | {"page": str(following)})}>;rel="next"'
        return self._json(part, headers=headers)

    def _chosen(self, stream: str, params: dict[str, str]) -> list[dict[str, Any]]:
        rows = self.streams[stream]
        gone = params.get("state") == "deleted" or params.get("filter") == "deleted"
        if stream in ("contacts", "tickets"):
            rows = [one for one in rows if one["deleted"] == gone and one.get("spam", False) == _spam(params)]
        if self.trouble == "unfiltered":
            return rows
        since = next((params[name] for name in _SINCE if name in params), "")
        stamp = "created_at" if stream == "satisfaction_ratings" else "updated_at"
        if since:
            rows = [one for one in rows if one[stamp] > since]
        elif stream == "tickets":
            month = _text(self.now - timedelta(days=30))
            rows = [one for one in rows if one["created_at"] >= month]
        for name in ("email", "mobile", "phone", "unique_external_id"):
            if name in params and stream == "contacts":
                rows = [one for one in rows if one[name] == params[name]]
        if "requester_id" in params:
            rows = [one for one in rows if str(one["requester_id"]) == params["requester_id"]]
        if stream in ("contacts", "companies"):
            return sorted(rows, key=lambda one: (one["name"], one["id"]))
        by = params.get("order_by", "created_at")
        ordered = sorted(rows, key=lambda one: (one[by], one["id"]))
        return ordered if params.get("order_type") == "asc" else ordered[::-1]

    def _shown(self, stream: str, row: dict[str, Any], params: dict[str, str]) -> dict[str, Any]:
        """A row as lists show it: contacts without their other addresses, tickets without what is not asked for."""
        if stream == "contacts":
            hidden = {"other_emails", "tags"} | (set() if row["deleted"] else {"deleted"})
        elif stream == "tickets":
            included = params.get("include", "").split(",")
            hidden = {field for name, fields in _INCLUDED.items() if name not in included for field in fields}
            hidden |= set() if row["deleted"] else {"deleted"}
        else:
            hidden = set()
        return {name: value for name, value in row.items() if name not in hidden}

    def _search(self, query: str) -> httpx.Response:
        """Only terms that are or-ed, as far as the adapter has any; each compares the whole text."""
        if not (query.startswith('"') and query.endswith('"') and len(query) <= 514):
            return self._invalid("query", "Query string must be enclosed between a pair of double quotes")
        terms = re.findall(r"(\w+):'([^']*)'", query)
        rows = [one for one in self.streams["contacts"] if not one["deleted"]]
        if self.trouble != "unfiltered":
            rows = [one for one in rows if any(one[name] == value for name, value in terms)]
        found = [self._shown("contacts", one, {}) for one in rows[:30]]
        return self._json({"total": len(rows), "results": found})

    def _single(self, path: str, params: dict[str, str]) -> httpx.Response:
        found = re.fullmatch(r"/api/v2/(contacts|tickets|companies)/(\d+)(/satisfaction_ratings)?", path)
        one = self._one(found[1], found[2]) if found else {}
        if not found or not one:
            return httpx.Response(404)
        if found[3]:
            rated = [row for row in self.streams["satisfaction_ratings"] if row["ticket_id"] == one["id"]]
            return self._json(rated)
        hidden = {"deleted"} if not one.get("deleted") else set()
        if found[1] == "tickets" and "stats" not in params.get("include", "").split(","):
            hidden |= {"stats"}
        return self._json({name: value for name, value in one.items() if name not in hidden})

    def _one(self, stream: str, number: str) -> dict[str, Any]:
        return next((row for row in self.streams[stream] if str(row["id"]) == number), {})

    def _stamp(self, one: dict[str, Any]) -> None:
        self.now += timedelta(seconds=1)
        one["updated_at"] = _text(self.now)

    def _json(self, data: Any, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
        said = {
            "date": format_datetime(self.now, usegmt=True),
            "x-freshdesk-api-version": "latest=v2; requested=v2",
            "x-ratelimit-total": "200",
            "x-ratelimit-remaining": "199",
        }
        return httpx.Response(status, json=data, headers=said | (headers or {}))

    def _invalid(self, field: str, message: str) -> httpx.Response:
        errors = [{"field": field, "message": message, "code": "invalid_value"}]
        return self._json({"description": "Validation failed", "errors": errors}, 400)

    def _id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _times(self) -> dict[str, str]:
        return {"created_at": _text(self.now), "updated_at": _text(self.now)}

    def _make_contacts(self) -> dict[str, Any]:
        number = self._id()
        return {
            "id": number,
            "active": True,
            "address": None,
            "company_id": None,
            "contact_type": "contact",
            "custom_fields": {},
            "deleted": False,
            "description": None,
            "email": f"customer{number}@example.org",
            "job_title": None,
            "language": "de",
            "mobile": None,
            "name": f"{_letters(number)} Sample",
            "other_emails": [],
            "phone": None,
            "tags": [],
            "time_zone": "Berlin",
            "twitter_id": None,
            "unique_external_id": None,
            **self._times(),
        }

    def _make_companies(self) -> dict[str, Any]:
        number = self._id()
        return {
            "id": number,
            "account_tier": "Premium",
            "custom_fields": {},
            "description": None,
            "domains": [],
            "health_score": "Happy",
            "industry": None,
            "name": f"{_letters(number)} GmbH",
            "note": None,
            "renewal_date": "2027-12-31T00:00:00Z",
            **self._times(),
        }

    def _make_tickets(self) -> dict[str, Any]:
        number = self._id()
        stats = ("agent_responded_at", "first_responded_at", "reopened_at", "resolved_at", "closed_at")
        return {
            "id": number,
            "cc_emails": [],
            "company_id": None,
            "custom_fields": {},
            "deleted": False,
            "description": "<div>It does not start.</div>",
            "description_text": "It does not start.",
            "due_by": "2026-03-05T09:00:00Z",
            "fr_escalated": False,
            "group_id": None,
            "priority": 2,
            "requester_id": self._id(),
            "responder_id": None,
            "source": 2,
            "spam": False,
            "stats": dict.fromkeys(stats),
            "status": 2,
            "subject": "Router offline",
            "tags": [],
            "type": "Problem",
            **self._times(),
        }

    def _make_satisfaction_ratings(self) -> dict[str, Any]:
        return {
            "id": self._id(),
            "agent_id": self._id(),
            "feedback": "Quick",
            "group_id": None,
            "ratings": {"default_question": 103},
            "survey_id": 1,
            "ticket_id": self._id(),
            "user_id": self._id(),
            **self._times(),
        }


def _spam(params: dict[str, str]) -> bool:
    return params.get("filter") == "spam"


def _letters(number: int) -> str:
    """A name for a number, in no order that has to do with it."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number * 7919)[::-1][:6]).title()


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _basic() -> str:
    return "Basic " + base64.b64encode(b"fd-api-key-61f2ac90:X").decode()
