"""HubSpot's CRM interface, as far as its reference describes what the adapter may ask.

https://developers.hubspot.com/docs/api-reference/latest/overview: objects, search, associations, owners
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from contract_tests.fakes import Trouble

TOKEN = "pat-eu1-fixture-0c4f"
FILLED = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
MOST_ROWS = 10_000
_ROOTS = re.compile(r"/crm/(?:objects/(?:\d{4}-\d\d)|v3/objects)/(.+)")
_ASSOCIATIONS = re.compile(r"/crm/(?:associations/(?:\d{4}-\d\d)|v4/associations)/(\w+)/(\w+)/batch/read")
_OWNERS = re.compile(r"/crm/(?:owners/(?:\d{4}-\d\d)|v3/owners)")
_DELETABLE = ("contacts", "companies", "deals", "tickets", "feedback_submissions")
_MERGEABLE = _DELETABLE[:4]
_OWNER = {"id": "71", "email": "anna.berg@example.org", "firstName": "Anna", "lastName": "Berg", "archived": False}

Row = dict[str, Any]


class Fake:
    """One account. An object is its properties, all of them text."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self._now = FILLED
        self._live: dict[str, dict[int, Row]] = {name: {} for name in _DELETABLE}
        self._archive: dict[str, dict[int, Row]] = {name: {} for name in _DELETABLE}
        self._about: dict[tuple[str, int, str], int] = {}
        self._last_id = 900_000_000

    def fill(self, stream: str, count: int) -> set[str]:
        return {str(self._make(stream)) for _ in range(count)}

    def touch(self, stream: str, number: str) -> None:
        self._now += timedelta(seconds=1)
        self._live[stream][int(number)][_changed(stream)] = _time(self._now)

    def remove(self, stream: str, number: str) -> bool:
        self._now += timedelta(seconds=1)
        row = self._live[stream].pop(int(number))
        self._archive[stream][int(number)] = row | {"archivedAt": _time(self._now)}
        return True

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        """The loser is gone without a trace but the list on the winner, which takes over the loser's own list."""
        if stream not in _MERGEABLE:
            return False
        gone = self._live[stream].pop(int(loser))
        row = self._live[stream][int(winner)]
        lists = [row.get("hs_merged_object_ids"), gone.get("hs_merged_object_ids"), loser]
        row["hs_merged_object_ids"] = ";".join(one for one in lists if one)
        self.touch(stream, winner)
        return True

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        number = self._make("contacts")
        self._live["contacts"][number] |= {
            "phone": phone,
            "email": email,
            "kundennummer": external_id,
            "hs_searchable_calculated_phone_number": _without_country(phone),
        }
        return str(number)

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _problem(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        path = request.url.path
        if found := _ASSOCIATIONS.fullmatch(path):
            return self._associated(found[1], found[2], json.loads(request.content))
        if _OWNERS.fullmatch(path) and request.method == "GET":
            return httpx.Response(200, json={"results": [_OWNER]})
        found = _ROOTS.fullmatch(path)
        match (request.method, found[1].split("/") if found else []):
            case "POST", [stream, "search"] if stream in self._live:
                return self._search(stream, json.loads(request.content))
            case "GET", [stream] if stream in self._live:
                return self._listed(stream, dict(request.url.params))
            case "GET", [stream, number] if stream in self._live and number.isdigit():
                row = self._live[stream].get(int(number))
                if row is not None:
                    return httpx.Response(200, json=_object(stream, row, _named(request.url.params.get("properties"))))
        return httpx.Response(404, text="<html><body><h2>HTTP ERROR 404</h2></body></html>")

    def _search(self, stream: str, asked: Row) -> httpx.Response:
        """Groups are or-ed, filters and-ed; `after` counts rows, and none beyond the 10,000th is given."""
        groups, start, limit = asked.get("filterGroups", []), int(asked.get("after") or 0), asked.get("limit", 10)
        if len(groups) > 5 or any(len(one["filters"]) > 6 for one in groups) or not 1 <= limit <= 200:
            return _problem(400, "VALIDATION_ERROR", "There was a problem with the request.")
        if start >= MOST_ROWS:
            return _problem(400, "VALIDATION_ERROR", "Paging beyond 10,000 results is not supported.")
        tests = [[_test(one) for one in group["filters"]] for group in groups]
        rows = [
            row
            for row in self._live[stream].values()
            if self.trouble == "unfiltered" or not tests or any(all(test(row) for test in group) for group in tests)
        ]
        for sort in asked.get("sorts", []):
            name = sort["propertyName"]
            rows.sort(key=lambda row: _comparable(row.get(name) or "0"), reverse=sort["direction"] == "DESCENDING")
        if self.trouble:
            rows = self._troubled(stream, rows)
        page = rows[start : start + self.page_size]
        after = str(start + len(page)) if start + len(page) < len(rows) or self._endless() else None
        found = [_object(stream, row, asked.get("properties", [])) for row in page]
        return httpx.Response(200, json={"total": len(rows), "results": found} | _paging(after))

    def _endless(self) -> bool:
        return self.trouble in ("clamped", "stuck")

    def _troubled(self, stream: str, rows: list[Row]) -> list[Row]:
        every = sorted(self._live[stream].values(), key=lambda row: int(row["hs_object_id"]))
        if self.trouble == "stuck":
            return every[: self.page_size]
        if self.trouble == "clamped" and len(rows) <= self.page_size:
            return every[-self.page_size :]
        return rows

    def _listed(self, stream: str, params: dict[str, str]) -> httpx.Response:
        """In the order of ids; `after` is the id to begin with. Among archived objects everything else is as always."""
        limit = int(params.get("limit", "10"))
        if not 1 <= limit <= 100:
            return _problem(400, "VALIDATION_ERROR", "limit must be between 1 and 100")
        archived = params.get("archived") == "true"
        kept = (self._archive if archived else self._live)[stream]
        rows = [kept[number] for number in sorted(kept) if number >= int(params.get("after", "0"))]
        page, rest = rows[: self.page_size], rows[self.page_size :]
        after = rest[0]["hs_object_id"] if rest else ("1" if self._endless() else None)
        found = [_object(stream, row, _named(params.get("properties")), archived=archived) for row in page]
        return httpx.Response(200, json={"results": found} | _paging(after))

    def _associated(self, stream: str, to: str, asked: Row) -> httpx.Response:
        """Who has no association is left out, and named among the errors."""
        results: list[Row] = []
        without = []
        for one in asked["inputs"]:
            end = self._about.get((stream, int(one["id"]), to))
            if end is None:
                without.append(one["id"])
                continue
            types = [{"category": "HUBSPOT_DEFINED", "typeId": 16, "label": None}]
            results.append({"from": {"id": one["id"]}, "to": [{"toObjectId": end, "associationTypes": types}]})
        body: Row = {"status": "COMPLETE", "results": results}
        if without:
            errors = [{"category": "OBJECT_NOT_FOUND", "context": {"fromObjectId": without}}]
            body |= {"numErrors": len(without), "errors": errors}
        return httpx.Response(207 if without else 200, json=body)

    def _make(self, stream: str) -> int:
        self._last_id += 1
        number = self._last_id
        row = {"hs_object_id": str(number), "createdate": _time(FILLED), _changed(stream): _time(self._now)}
        match stream:
            case "contacts":
                row |= {"firstname": "Sample", "lastname": "Customer", "email": f"customer{number}@example.org"}
            case "companies":
                row |= {"name": "Acme GmbH", "domain": "acme.example", "hubspot_owner_id": "71"}
            case "deals":
                row |= {"dealname": "Fibre 1000", "amount": "358.8", "hs_is_closed_won": "true"}
                row |= {"deal_currency_code": "EUR", "closedate": _time(FILLED), "pipeline": "default"}
            case "tickets":
                row |= {"subject": "Router offline", "content": "It does not start.", "hs_pipeline_stage": "2"}
            case "feedback_submissions":
                row |= {"hs_survey_type": "NPS", "hs_value": "9", "hs_contact_id": "901", "hs_content": "Quick"}
        self._live[stream][number] = row
        # Two of three are about a person, the third about a company.
        if stream in ("deals", "tickets"):
            self._about[(stream, number, "companies" if number % 3 == 0 else "contacts")] = 800_000 + number % 7
        return number


def _changed(stream: str) -> str:
    return "lastmodifieddate" if stream == "contacts" else "hs_lastmodifieddate"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _named(names: str | None) -> list[str]:
    return names.split(",") if names else []


def _object(stream: str, row: Row, names: list[str], *, archived: bool = False) -> Row:
    """Only what was asked for by name comes back, null where there is nothing, and three properties in any case."""
    shown = {name: row.get(name) for name in names if not name.startswith("zz")}
    shown |= {name: row[name] for name in ("hs_object_id", "createdate", _changed(stream))}
    one = {
        "id": row["hs_object_id"],
        "properties": shown,
        "createdAt": row["createdate"],
        "updatedAt": row[_changed(stream)],
        "archived": archived,
    }
    return one | ({"archivedAt": row["archivedAt"]} if archived else {})


def _test(one: Row) -> Callable[[Row], bool]:
    """One filter. Strings are compared without regard to case; times and ids as numbers."""
    name, operator = one["propertyName"], one["operator"]
    values = [str(value).lower() for value in one.get("values", [one.get("value")])]
    match operator:
        case "EQ" | "IN":
            return lambda row: str(row.get(name, "")).lower() in values
        case "GT":
            return lambda row: _comparable(row.get(name) or "0") > _comparable(values[0])
        case "GTE":
            return lambda row: _comparable(row.get(name) or "0") >= _comparable(values[0])
        case "LTE":
            return lambda row: _comparable(row.get(name) or "0") <= _comparable(values[0])
        case "CONTAINS_TOKEN":
            return lambda row: values[0] in re.split(r"[;\s]+", str(row.get(name, "")).lower())
    raise AssertionError(f"{operator} is no operator of HubSpot's")


def _comparable(value: str) -> int:
    if value.lstrip("-").isdigit():
        return int(value)
    return int(datetime.fromisoformat(value.upper()).timestamp() * 1000)


def _without_country(phone: str) -> str:
    """The digits as HubSpot indexes them: without the country's code, spaces and what is dialled before."""
    digits = re.sub(r"\D", "", phone.replace("(0)", ""))
    for before in ("0049", "49", "0"):
        if digits.startswith(before):
            return digits[len(before) :]
    return digits


def _paging(after: str | None) -> Row:
    return {"paging": {"next": {"after": after, "link": f"?after={after}"}}} if after else {}


def _problem(status: int, category: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"status": "error", "message": message, "category": category, "errors": []})
