"""Request Tracker 5 over REST 2, as its documentation and its behaviour describe what the adapter may ask.

https://docs.bestpractical.com/rt/5.0.5/RT/REST2.html: lists of users, tickets, transactions and groups; single users
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from operator import itemgetter
from typing import Any

import httpx

from contract_tests.fakes import Trouble

ROOT = "/rt/REST/2.0/"
TOKEN = "1-14-5d1f0c6c2b7e4a90"
FIRST = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
PRIVILEGED = 4

_SEARCHABLE = {"Name", "EmailAddress", "RealName", "NickName", "Organization", "Lang", "City", "Country", "Timezone"}
"""Of a user; a filter on any other field is ignored, and everybody comes back."""
_NEVER = "1970-01-01T00:00:00Z"
_TOKEN = re.compile(r"\s*(\(|\)|<=|>=|!=|=|<|>|'(?:[^'\\]|\\.)*'|[\w.]+)")

Row = dict[str, Any]
Test = Callable[[Row], bool]


class Fake:
    """One installation. `utc_offset` is the time zone of the bridge's user, in hours; `may_see_all` whether lists tell
    their total."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.utc_offset = 0
        self.may_see_all = True
        self.users: list[Row] = []
        self.tickets: list[Row] = []
        self.transactions: list[Row] = []
        self.staff: set[int] = set()
        self._clock = FIRST
        self._last_id = 30

    def fill(self, stream: str, count: int) -> set[str]:
        made = [self._make_user() if stream == "users" else self._make_ticket() for _ in range(count)]
        return {str(one["id"]) for one in made}

    def touch(self, stream: str, number: str) -> None:
        self._find(stream, number)["LastUpdated"] = self._tick()

    def remove(self, stream: str, number: str) -> bool:
        one = self._find(stream, number)
        one["LastUpdated"] = self._tick()
        if stream == "users":
            one["Disabled"] = "1"
        else:
            self._say(one, Type="Status", Field="Status", NewValue="deleted")
            one["Status"] = "deleted"
        return True

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        """Merging changes the winner; of the loser only a transaction tells. Users are not merged."""
        if stream == "users":
            return False
        one, other = self._find(stream, loser), self._find(stream, winner)
        other["LastUpdated"] = self._tick()
        one["EffectiveId"] = other["id"]
        for each in (one, other):
            uri = f"fsck.com-rt://rt.example.org/ticket/{winner}"
            self._say(each, Type="AddLink", Field="MergedInto", NewValue=uri)
        return True

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        user = self._make_user() | {"EmailAddress": email, "MobilePhone": phone}
        self.users[-1] = user
        self._make_ticket(user["id"])
        return str(user["id"])

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"token {TOKEN}":
            return _json({"message": "Unauthorized"}, 401)
        path, params = request.url.path.removeprefix(ROOT), request.url.params
        query: Any = params.get("query", "")
        if path in ("users", "groups"):
            query = json.loads(request.content if request.method == "POST" else query or "[]")
            return self._list(path, self._people(query, params) if path == "users" else _groups(), params)
        if path == f"group/{PRIVILEGED}/members":
            members = [user for user in self.users if user["id"] in self.staff]
            return self._list("user", [{"id": one["id"]} for one in members], params)
        if path in ("tickets", "transactions"):
            rows = self.tickets if path == "tickets" else self.transactions
            try:
                fits = self._parsed(query)
            except ValueError as problem:
                return _json({"message": str(problem)}, 400)
            shown = [row for row in rows if self._shows(row)]
            found = [row for row in shown if self.trouble == "unfiltered" or fits(row)]
            return self._list(path, found, params, shown)
        single = re.fullmatch(r"user/([^/]+)", path)
        user = next((one for one in self.users if single and single[1] in (str(one["id"]), one["Name"])), None)
        if user is None:
            return _json({"message": "Not Found"}, 404)
        held = {name: value for name, value in user.items() if value != ""}
        return _json({**held, "Privileged": int(user["id"] in self.staff), "_hyperlinks": [], "CustomFields": []})

    def _people(self, query: list[dict[str, str]], params: httpx.QueryParams) -> list[Row]:
        rows = [user for user in self.users if user["Disabled"] == "0" or params.get("find_disabled_rows") == "1"]
        wanted: dict[str, set[str]] = {}
        for limit in query:
            if limit["field"] in _SEARCHABLE and self.trouble != "unfiltered":
                wanted.setdefault(limit["field"], set()).add(limit["value"].casefold())
        return [row for row in rows if all(row[name].casefold() in values for name, values in wanted.items())]

    def _list(
        self, path: str, found: list[Row], params: httpx.QueryParams, everything: list[Row] | None = None
    ) -> httpx.Response:
        names, orders = params.get_list("orderby"), params.get_list("order")
        for place in reversed(range(len(names))):
            descending = place < len(orders) and orders[place] == "DESC"
            found = sorted(found, key=itemgetter(names[place]), reverse=descending)
        size = min(int(params.get("per_page", 20)), self.page_size)
        page, total = int(params.get("page", 1)), len(found)
        rows = found[(page - 1) * size : page * size]
        if self.trouble == "stuck":
            page, rows, total = 1, (found if everything is None else everything)[:size], 10**6
        elif self.trouble == "clamped" and not rows:
            rows, total = (found if everything is None else everything)[-size:], 10**6
            page = max(1, page - 1)
        fields = [name for name in params.get("fields", "").split(",") if name]
        kind = path.removesuffix("s")
        body: Row = {
            "items": [self._shown(kind, row, fields, params) for row in rows],
            "count": len(rows),
            "page": page,
            "per_page": size,
            "total": total if self.may_see_all and path != "transactions" else None,
        }
        body["pages"] = -(-total // size) if body["total"] else 0.0 if body["total"] == 0 else None
        if body["pages"] and page < body["pages"]:
            body["next_page"] = f"https://rt.example.org{ROOT}{path}?page={page + 1}"
        return _json(body)

    def _shown(self, kind: str, row: Row, fields: list[str], params: httpx.QueryParams) -> Row:
        """Without `fields` a row tells its type and id; a field that there is not is an empty text."""
        name = row.get("Name", row["id"]) if kind == "user" else row["id"]
        shown: Row = {"type": kind, "id": name, "_url": f"https://rt.example.org{ROOT}{kind}/{name}"}
        for field in fields:
            shown[field] = row.get(field, "")
            if field == "Requestor":
                people = [user for number in row["Requestor"] if (user := self._user(number))]
                wanted = params.get("fields[Requestor]", "").split(",")
                shown[field] = [self._shown("user", user, wanted, httpx.QueryParams()) for user in people]
            if field in ("Disabled", "Privileged"):
                shown[field] = ""
        return shown

    def _shows(self, row: Row) -> bool:
        """Deleted and merged tickets are in no search."""
        return row.get("Status") != "deleted" and row.get("EffectiveId", row["id"]) == row["id"]

    def _parsed(self, query: str) -> Test:
        """The query language: comparisons, AND before OR, parentheses. Raises ValueError for an unknown field."""
        words = _TOKEN.findall(query)

        def either() -> Test:
            tests = [both()]
            while words and words[0] == "OR":
                words.pop(0)
                tests.append(both())
            return lambda row: any(test(row) for test in tests)

        def both() -> Test:
            tests = [single()]
            while words and words[0] == "AND":
                words.pop(0)
                tests.append(single())
            return lambda row: all(test(row) for test in tests)

        def single() -> Test:
            if words[0] == "(":
                words.pop(0)
                inner = either()
                words.pop(0)
                return inner
            name, sign, value = words.pop(0), words.pop(0), words.pop(0)
            return self._compares(name, sign, value.strip("'"))

        return either()

    def _compares(self, name: str, sign: str, value: str) -> Test:
        if name in ("id", "ObjectId", "Requestor.id"):
            return lambda row: any(_fits(one, sign, int(value)) for one in self._values(row, name))
        if name in ("LastUpdated", "Created"):
            meant = datetime.fromisoformat(f"{value}Z") - timedelta(hours=self.utc_offset)
            if sign == "=":
                return lambda row: bool(row[name][:10] == value[:10])
            return lambda row: _fits(row[name], sign, _written(meant))
        if name in ("ObjectType", "Type", "Field", "NewValue"):
            return lambda row: _fits(row.get(name, ""), sign, value)
        if re.fullmatch(r"Requestor\.(EmailAddress|Name|(Mobile|Work|Home|Pager)Phone)", name):
            return lambda row: any(_fits(one, sign, value) for one in self._values(row, name))
        raise ValueError(f"Unknown field: {name}")

    def _values(self, row: Row, name: str) -> list[Any]:
        of, _, field = name.rpartition(".")
        if not of:
            return [row[name]]
        return [user[field] for number in row["Requestor"] if (user := self._user(number))]

    def _user(self, number: int) -> Row | None:
        return next((user for user in self.users if user["id"] == number), None)

    def _find(self, stream: str, number: str) -> Row:
        rows = self.users if stream == "users" else self.tickets
        return next(row for row in rows if row["id"] == int(number))

    def _tick(self) -> str:
        self._clock += timedelta(seconds=1)
        return _written(self._clock)

    def _say(self, ticket: Row, **said: str) -> None:
        row = {"id": len(self.transactions) + 1, "ObjectType": "RT::Ticket", "ObjectId": ticket["id"], **said}
        self.transactions.append(row | {"Created": _written(self._clock)})

    def _id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _make_user(self) -> Row:
        number = self._id()
        user = dict.fromkeys((*_SEARCHABLE, "MobilePhone", "WorkPhone", "HomePhone", "PagerPhone"), "")
        user |= {"Name": f"customer{number}", "EmailAddress": f"customer{number}@example.org"}
        self.users.append(
            {**user, "id": number, "RealName": "Sample Customer", "Disabled": "0", "LastUpdated": _written(self._clock)}
        )
        return self.users[-1]

    def _make_ticket(self, requestor: int | None = None) -> Row:
        number = self._id()
        self.tickets.append(
            {
                "id": number,
                "EffectiveId": number,
                "Subject": "Router offline",
                "Status": "open",
                "Priority": "50",
                "Queue": {"id": "3", "type": "queue", "Name": "Support"},
                "Requestor": [requestor] if requestor else [],
                "Created": _written(self._clock),
                "Resolved": _NEVER,
                "LastUpdated": _written(self._clock),
            }
        )
        return self.tickets[-1]


def _groups() -> list[Row]:
    names = {3: "Everyone", PRIVILEGED: "Privileged", 5: "Unprivileged"}
    return [{"id": number, "Name": name, "Domain": "SystemInternal"} for number, name in names.items()]


def _fits(held: Any, sign: str, value: Any) -> bool:
    match sign:
        case "=":
            return bool(str(held).casefold() == str(value).casefold())
        case ">":
            return bool(held > value)
        case ">=":
            return bool(held >= value)
        case "<=":
            return bool(held <= value)
        case "LIKE":
            return re.search(".*".join(map(re.escape, value.split("%"))), held) is not None
    raise ValueError(f"Unknown operator: {sign}")


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(data: Row, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=data)
