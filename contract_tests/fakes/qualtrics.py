"""Qualtrics's survey, response export and response APIs, as far as its documentation describes what may be asked.

https://api.qualtrics.com/: Start Response Export, Get Response Export Progress, Get Response Export File, Retrieve a
Survey Response, Get Survey; event subscriptions.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import httpx

from contract_tests.fakes import Trouble

TOKEN = "qx-api-token-61f0b2"
CHANGED = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
MADE = "2026-02-01T08:00:00Z"
KNOWN = {"format", "compress", "sortByLastModifiedDate", "startDate", "endDate", "limit"}
CONTINUED = {"allowContinuation", "continuationToken"}


class Fake:
    """One account. An export is a picture of the survey at the moment it was asked for, and ready at the second look.

    Exports come as one file, whatever they hold; only a `limit` makes them shorter, so that `page_size` means nothing.
    """

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.surveys: dict[str, list[dict[str, Any]]] = {}
        self._changes: dict[str, int] = {}
        self._exports: dict[str, dict[str, Any]] = {}
        self._now = CHANGED
        self._change = 0

    def fill(self, stream: str, count: int) -> set[str]:
        responses = self.surveys.setdefault(stream, [])
        made = [_response(stream, len(responses) + place) for place in range(count)]
        responses += made
        for one in made:
            self._changed(one)
        return {f"{one['responseId']}{suffix}" for one in made for suffix in _suffixes(stream)}

    def touch(self, stream: str, number: str) -> None:
        wanted = number.partition(":")[0]
        one = next(row for row in self.surveys[stream] if row["responseId"] == wanted)
        self._now += timedelta(seconds=1)
        one["values"] = {**one["values"], "QID1": 1, "lastModifiedDate": _time(self._now)}
        self._changed(one)

    def remove(self, stream: str, number: str) -> bool:
        """A deleted response is in no further export, and no event tells of it."""
        return False

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        return False

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        raise AssertionError("nobody is looked up at Qualtrics")

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("x-api-token") != TOKEN:
            return _problem(401, "AUTH_6", "Unrecognized X-API-TOKEN.")
        match [request.method, *request.url.path.removeprefix("/API/v3/").split("/")]:
            case ["GET", "surveys", survey]:
                return _result({"id": survey, "name": "How are we doing?", "isActive": True, "creationDate": MADE})
            case ["POST", "surveys", survey, "export-responses"]:
                return self._start(survey, json.loads(request.content))
            case ["GET", "surveys", _, "export-responses", number] if number in self._exports:
                return self._progress(self._exports[number])
            case ["GET", "surveys", _, "export-responses", file, "file"]:
                return self._file(file)
            case ["GET", "surveys", survey, "responses", number]:
                found = [one for one in self.surveys.get(survey, []) if one["responseId"] == number]
                return _result(found[0]) if found else _problem(404, "RP_7", "The requested resource does not exist.")
        return _problem(404, "RP_7", "The requested resource does not exist.")

    def _start(self, survey: str, form: dict[str, Any]) -> httpx.Response:
        if unknown := set(form) - KNOWN - CONTINUED:
            return _problem(400, "RP_9", f"Unexpected json key provided: {min(unknown)}")
        if form.get("format") != "json" or form.get("compress") is not False:
            return _problem(400, "RP_0.1", "Invalid format")
        token = form.get("continuationToken")
        if token is not None and not str(token).startswith("qxc-"):
            return _problem(400, "RP_0.2", "Invalid continuationToken")
        after = int(token[4:]) if token is not None and self.trouble not in ("clamped", "stuck") else 0
        rows = [one for one in self.surveys.get(survey, []) if self._changes[one["responseId"]] > after]
        begins, ends = form.get("startDate", ""), form.get("endDate", "9999")
        rows = [one for one in rows if begins <= one["values"]["lastModifiedDate"] < ends]
        rows.sort(key=lambda one: str(one["values"]["lastModifiedDate"]))
        number = f"ES_{len(self._exports) + 1:015d}"
        self._exports[number] = {
            "file": f"{number[3:]}-def",
            "rows": json.dumps({"responses": rows[: form.get("limit", len(rows))]}),
            "token": f"qxc-{self._change}" if CONTINUED & set(form) else None,
            "looks": 0,
        }
        return _result({"progressId": number, "percentComplete": 0.0, "status": "inProgress"})

    def _progress(self, export: dict[str, Any]) -> httpx.Response:
        export["looks"] += 1
        if self.trouble == "stuck" or export["looks"] < 2:
            return _result({"fileId": None, "percentComplete": 55.0, "status": "inProgress"})
        done = {"fileId": export["file"], "percentComplete": 100.0, "status": "complete"}
        return _result(done | ({"continuationToken": export["token"]} if export["token"] else {}))

    def _file(self, file: str) -> httpx.Response:
        for export in self._exports.values():
            if export["file"] == file and export["looks"] > 1:
                return httpx.Response(200, text=export["rows"], headers={"content-type": "application/json"})
        return _problem(404, "RP_7", "The requested resource does not exist.")

    def _changed(self, response: dict[str, Any]) -> None:
        self._change += 1
        self._changes[response["responseId"]] = self._change


def seal(secret: str, body: bytes) -> bytes:
    """The form with which an event is delivered: `body` is its MSG, and HMAC vouches for that."""
    mac = hmac.digest(secret.encode(), body, "sha512").hex()
    topic = "acme.surveyengine.completedResponse.SV_Nps1"
    return urlencode({"Topic": topic, "HMAC": mac, "MSG": body}).encode()


def _suffixes(survey: str) -> list[str]:
    """A survey that asks for two metrics gives two records a response."""
    return ["", ":csat"] if survey == "SV_Both1" else [""]


def _response(survey: str, number: int) -> dict[str, Any]:
    digest = hashlib.sha256(f"{survey}{number}".encode()).hexdigest()[:15]
    return {
        "responseId": f"R_{digest}",
        "values": {
            "startDate": "2026-03-02T08:55:00Z",
            "endDate": "2026-03-02T08:57:00Z",
            "status": 0,
            "ipAddress": "203.0.113.7",
            "progress": 100,
            "duration": 120,
            "finished": 1,
            "recordedDate": _time(CHANGED),
            "lastModifiedDate": _time(CHANGED),
            "_recordId": f"R_{digest}",
            "distributionChannel": "email",
            "userLanguage": "DE",
            "recipientEmail": f"customer{number}@example.org",
            "externalDataReference": str(10_000 + number),
            "QID1": 4,
            "QID1_NPS_GROUP": 1,
            "QID3": 4,
        },
        "labels": {"status": "IP Address", "finished": "True", "QID1_NPS_GROUP": "Detractor", "QID3": "Satisfied"},
        "displayedFields": ["QID1", "QID1_NPS_GROUP", "QID3"],
        "displayedValues": {"QID1": [*range(11)], "QID3": [1, 2, 3, 4, 5]},
    }


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _result(result: dict[str, Any]) -> httpx.Response:
    meta = {"requestId": "5c1e4f0a-0d1c-4a55-9c56-2f7f41f3a8c1", "httpStatus": "200 - OK"}
    return httpx.Response(200, json={"result": result, "meta": meta})


def _problem(status: int, code: str, message: str) -> httpx.Response:
    error = {"errorCode": code, "errorMessage": message}
    return httpx.Response(status, json={"meta": {"httpStatus": f"{status} - Error", "error": error}})
