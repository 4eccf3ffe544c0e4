"""Typeform's Responses and Create APIs, as far as its documentation describes what the adapter may ask.

https://www.typeform.com/developers/responses/reference/retrieve-responses/
"""

from __future__ import annotations

from typing import Any

import httpx

from contract_tests.fakes import Trouble

TOKEN = "tfp_fixture_token_8c21"
SUBMITTED = "2026-03-02T09:00:00Z"


class Fake:
    """One account, in which every response was submitted in the same second. A submitted response never changes."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.forms: dict[str, list[dict[str, Any]]] = {}

    def fill(self, stream: str, count: int) -> set[str]:
        responses = self.forms.setdefault(stream, [])
        made = [_response(stream, len(responses) + place) for place in range(count)]
        responses += made
        return {f"{one['token']}{suffix}" for one in made for suffix in _suffixes(stream)}

    def touch(self, stream: str, number: str) -> None:
        """There is no way to change what somebody submitted."""

    def remove(self, stream: str, number: str) -> bool:
        """A deleted response is in no list any more, and no webhook tells of it."""
        return False

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        return False

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        raise AssertionError("Typeform keeps no people")

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _problem(401, "AUTHENTICATION_FAILED", "Authentication credentials not found on the Request Headers")
        match request.url.path.split("/")[1:]:
            case ["forms", form] if request.method == "GET":
                return httpx.Response(200, json=_form(form))
            case ["forms", form, "responses"] if request.method == "GET":
                return self._responses(form, dict(request.url.params))
        return _problem(404, "FORM_NOT_FOUND", "Non existing form with uid")

    def _responses(self, form: str, params: dict[str, str]) -> httpx.Response:
        if not 1 <= int(params.get("page_size", "25")) <= 1000:
            return _problem(400, "INVALID_PARAMETER", "page_size must be between 1 and 1000")
        if "after" in params and "sort" in params:
            return _problem(400, "INVALID_PARAMETER", "after cannot be used together with sort")
        listed = self.forms.get(form, [])
        rows = [one for one in listed if one["submitted_at"] >= params.get("since", "")]
        if "after" in params:  # in the order in which they were processed
            rows = rows[1 + [one["token"] for one in rows].index(params["after"]) :]
        elif params.get("sort") == "submitted_at,asc":
            rows.sort(key=lambda one: str(one["submitted_at"]))
        else:
            rows.sort(key=lambda one: str(one["submitted_at"]), reverse=True)
        size = min(self.page_size, int(params.get("page_size", "25")))
        pages = -(-len(rows) // size)
        if self.trouble == "stuck":
            rows, pages = listed, 3
        if self.trouble == "clamped" and len(rows) <= size:
            rows, pages = listed[-size:], 2
        return httpx.Response(200, json={"total_items": len(rows), "page_count": pages, "items": rows[:size]})


def _suffixes(form: str) -> list[str]:
    """A form that asks for two metrics gives two records a response."""
    return ["", ":csat"] if form == "BothForm1" else [""]


def _form(form: str) -> dict[str, Any]:
    rating = {"id": "q1", "ref": "csat", "title": "How happy are you?", "type": "rating"}
    return {
        "id": form,
        "type": "quiz",
        "title": "How are we doing?",
        "fields": [rating | {"properties": {"steps": 5, "shape": "star"}, "validations": {"required": False}}],
        "hidden": ["crm_id", "email"],
    }


def _response(form: str, number: int) -> dict[str, Any]:
    token = f"{form.lower()}{number:024d}"
    return {
        "landing_id": token,
        "token": token,
        "response_id": token,
        "landed_at": "2026-03-02T08:58:00Z",
        "submitted_at": SUBMITTED,
        "metadata": {
            "user_agent": "Mozilla/5.0",
            "platform": "mobile",
            "referer": f"https://acme.typeform.com/to/{form}",
            "network_id": "3f5e",
            "browser": "touch",
        },
        "hidden": {"crm_id": str(10_000 + number), "email": f"customer{number}@example.org"},
        "calculated": {"score": 0},
        "answers": [{"field": {"id": "q1", "type": "rating", "ref": "csat"}, "type": "number", "number": 4}],
    }


def _problem(status: int, code: str, description: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "description": description})
