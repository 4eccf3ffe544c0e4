"""The server of Zammad, as far as its documentation and source describe what the adapter may ask.

https://docs.zammad.org/en/latest/api/intro.html https://docs.zammad.org/en/latest/api/user.html
https://docs.zammad.org/en/latest/general/search.html
https://github.com/zammad/zammad: app/controllers, app/models/concerns/can_search.rb, lib/search_index_backend.rb
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from contract_tests.fakes import Trouble

TOKEN = "made-up-token-5c21"
ROOT = "/api/v1/"

_TERM = re.compile(r'([\w.]+):(?:\["([^"]+)" TO "([^"]+)"\]|/((?:[^/\\]|\\.)+)/|"((?:[^"\\]|\\.)*)"|(\d+))')

Row = dict[str, Any]


class Fake:
    """One installation. Without `indexed` it has no search index, or an empty one: every search finds nothing."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.indexed = True
        self.now = datetime(2026, 3, 1, 9, tzinfo=timezone.utc)
        self.streams: dict[str, list[Row]] = {"organizations": [], "users": [], "tickets": []}
        self._last_id = 100

    def fill(self, stream: str, count: int) -> set[str]:
        made = [self._make(stream) for _ in range(count)]
        self.streams[stream] += made
        return {str(one["id"]) for one in made}

    def touch(self, stream: str, number: str) -> None:
        self._change(stream, number)

    def remove(self, stream: str, number: str) -> bool:
        """Users and organizations are switched off; whatever is deleted leaves no trace."""
        if stream == "tickets":
            return False
        self._change(stream, number)["active"] = False
        return True

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        if stream != "tickets":
            return False
        self._change(stream, loser).update(state="merged", state_id=5)
        self._change(stream, winner)
        return True

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        (number,) = self.fill("users", 1)
        self._find("users", number).update(phone=phone, email=email, login=email)
        (ticket,) = self.fill("tickets", 1)
        self._find("tickets", ticket).update(customer_id=int(number), customer=email)
        return number

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Token token={TOKEN}":
            return httpx.Response(401, json={"error": "Authentication required"})
        path, asked = request.url.path.removeprefix(ROOT), dict(request.url.params)
        stream, _, rest = path.partition("/")
        if request.method != "GET" or stream not in self.streams:
            return httpx.Response(404, json={"error": f"No route matches [{request.method}] /{path}"})
        if rest == "search":
            return self._part(stream, self._found(stream, asked), asked)
        if rest:
            one = next((row for row in self.streams[stream] if str(row["id"]) == rest), None)
            missing = {"error": f"Couldn't find {stream} with 'id'={rest}"}
            return httpx.Response(404, json=missing) if one is None else httpx.Response(200, json=one)
        return self._part(stream, sorted(self.streams[stream], key=lambda row: row["id"]), asked)

    def _part(self, stream: str, rows: list[Row], asked: dict[str, str]) -> httpx.Response:
        """A page. Larger ones than the version gives are cut without a word, and their offsets with them."""
        size = min(int(asked.get("per_page", 100)), self.page_size)
        page = int(asked.get("page", 1))
        if self.trouble == "stuck":
            page = 1
        elif self.trouble == "clamped":
            page = min(page, max(1, -(-len(rows) // size)))
        shown = rows[(page - 1) * size : page * size]
        if asked.get("expand") != "true":
            shown = [{name: value for name, value in row.items() if name not in _NAMED[stream]} for row in shown]
        return httpx.Response(200, json=shown)

    def _found(self, stream: str, asked: dict[str, str]) -> list[Row]:
        """What a search finds: nothing where the index cannot be asked, or does not understand the query."""
        if asked.get("sort_by", "updated_at") != "updated_at" or not self.indexed:
            return []
        fits = _parsed(asked["query"].replace("*", ""))
        rows = [row for row in self.streams[stream] if self.trouble == "unfiltered" or fits(row)]
        return sorted(rows, key=lambda row: str(row["updated_at"]), reverse=asked.get("order_by", "desc") == "desc")

    def _find(self, stream: str, number: str) -> Row:
        return next(row for row in self.streams[stream] if str(row["id"]) == number)

    def _change(self, stream: str, number: str) -> Row:
        self.now += timedelta(seconds=1)
        one = self._find(stream, number)
        one["updated_at"] = self._stamp()
        return one

    def _stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def _make(self, stream: str) -> Row:
        self._last_id += 1
        said = {"users": _user, "organizations": _organization, "tickets": _ticket}[stream](self._last_id)
        stamps = {"created_at": self._stamp(), "updated_at": self._stamp(), "created_by_id": 3, "updated_by_id": 3}
        return {"id": self._last_id, **said, **stamps, "created_by": "-", "updated_by": "-"}


_NAMED = {
    "users": {"roles", "organization", "organizations", "created_by", "updated_by"},
    "organizations": {"members", "created_by", "updated_by"},
    "tickets": {"group", "state", "priority", "owner", "customer", "organization", "created_by", "updated_by"},
}
"""What is shown with `expand=true` only."""


def _parsed(query: str) -> Callable[[Row], bool]:
    """Terms that are or-ed; one that is not understood makes the index refuse all of it."""
    terms = [_TERM.fullmatch(part) for part in query.split(" OR ")]
    if not all(terms):
        return lambda row: False
    return lambda row: any(term is not None and _fits(row, term) for term in terms)


def _fits(row: Row, term: re.Match[str]) -> bool:
    name, first, last, pattern, phrase, number = term.groups()
    value = str(row.get(name.removesuffix(".keyword"), ""))
    if first is not None:
        return bool(first <= value <= last)
    if pattern is not None:
        return re.fullmatch(pattern, value) is not None
    if phrase is not None:
        return _words(re.sub(r"\\(.)", r"\1", phrase)) in _words(value)
    return value == number


def _words(text: str) -> str:
    """A text as the index takes it apart: words between spaces, at-signs and colons, in lower case."""
    return f" {' '.join(re.findall(r'[^ @:]+', text.lower()))} "


def _user(number: int) -> Row:
    email = f"person{number}@example.org"
    return {
        "login": email,
        "firstname": "Person",
        "lastname": f"Sample {number}",
        "email": email,
        "phone": "",
        "mobile": "",
        "active": True,
        "vip": False,
        "role_ids": [3],
        "roles": ["Customer"],
        "organization_id": None,
        "organization_ids": [],
        "preferences": {"locale": "en-us"},
    }


def _organization(number: int) -> Row:
    return {"name": f"Sample {number} GmbH", "active": True, "shared": True, "domain": "", "member_ids": []}


def _ticket(number: int) -> Row:
    return {
        "number": f"10{number}",
        "title": "No signal",
        "group_id": 1,
        "group": "Users",
        "state_id": 2,
        "state": "open",
        "priority_id": 2,
        "priority": "2 normal",
        "owner_id": 1,
        "owner": "-",
        "customer_id": 8,
        "customer": "person8@example.org",
        "organization_id": None,
        "close_at": None,
        "article_count": 1,
    }
