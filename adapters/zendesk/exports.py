"""Sync: page after page of what changed, each stream with the cursor its endpoint asks for.

https://developer.zendesk.com/documentation/ticketing/managing-tickets/using-the-incremental-export-api/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.adapter.paths import kind
from bridge.errors import VendorRefused, VendorRetryable

SINGULAR = {
    "tickets": "ticket",
    "users": "user",
    "organizations": "organization",
    "satisfaction_ratings": "satisfaction_rating",
    "survey_responses": "survey_response",
    "results": "user",
}
"""The list in an answer → the object that its rows are."""

_RATINGS, _SURVEYS = "api/v2/satisfaction_ratings.json", "api/v2/guide/survey_responses"
_SIZE, _SMALL_SIZE = 500, 50
"""Rows a page; the smaller number where the larger makes an answer longer than is read."""
_CSAT_SIZE = 100
_WITHHELD = 61
"""Exports refuse a start less than a minute ago, and hold back the last minute."""
_OVERLAP = 120
_INVALID = frozenset({400, 404, 410, 422})
"""With these Zendesk turns down a cursor that it no longer knows."""
_SWITCHED_OFF = frozenset({403, 404})
_MAX_RESTARTS = 3


class Cursor(Struct, frozen=True, omit_defaults=True):
    """How far a stream was read. Instants are whole seconds since 1970.

    `since` is the start of the round under way and moves when a round ends: from there a round begins again when the
    vendor no longer takes `after`. `until` is the end of the window that a CSAT round reads.
    """

    since: int = 0
    after: str = ""
    until: int = 0
    restarts: int = 0


class Exports:
    """Reads the streams of one source. `first` is the earliest second of interest, `csat` the operator's choice."""

    def __init__(self, source: str, *, first: int, csat: str, lookback: int) -> None:
        self._source = source
        self._first = first
        self._csat = csat
        self._lookback = lookback

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        """The next page of `stream`. Raises VendorRetryable for an answer that would never end."""
        state = self._state(stream, cursor)
        seconds = int(now.timestamp())
        try:
            match stream:
                case "tickets" | "users":
                    return await self._export(client, stream, state, seconds)
                case "organizations":
                    return await self._organizations(client, state, seconds)
                case "satisfaction_ratings" | "survey_responses":
                    return await self._ratings(client, stream, state, seconds)
        except VendorRefused as problem:
            if not state.after or problem.status not in _INVALID or state.restarts >= _MAX_RESTARTS:
                raise
            again = Cursor(since=state.since, until=state.until, restarts=state.restarts + 1)
            return Page(items=(), cursor=_text(again), more=True)
        raise VendorRefused(self._source, f"has no stream {stream}")

    async def _export(self, client: Client, stream: str, state: Cursor, now: int) -> Page:
        """Cursor-based export; the ticket's metrics come along, for they know how often it was reopened."""
        where = {"cursor": state.after} if state.after else {"start_time": min(state.since, now - _WITHHELD)}
        extra = {"include": "metric_sets"} if stream == "tickets" else {}
        data = await self._ask(client, f"api/v2/incremental/{stream}/cursor.json", {**where, **extra})
        after, done = data.get("after_cursor"), data.get("end_of_stream")
        if not isinstance(done, bool):
            raise VendorRetryable(self._source, f"{stream}: the answer does not say whether it is the last page")
        if not done:
            self._must_move(stream, after, state.after)
        moved = Cursor(
            since=max(state.since, now - _OVERLAP) if done else state.since,
            after=after if isinstance(after, str) and after else state.after,
            restarts=0 if done else state.restarts,
        )
        return Page(items=items(self._source, data, stream), cursor=_text(moved), more=not done)

    async def _organizations(self, client: Client, state: Cursor, now: int) -> Page:
        """Time-based export: each page begins with the last second of the one before it, read twice."""
        start = min(state.since, now - _WITHHELD)
        data = await self._ask(client, "api/v2/incremental/organizations.json", {"start_time": start})
        found = items(self._source, data, "organizations")
        end, done = data.get("end_time"), data.get("end_of_stream")
        if not isinstance(done, bool):
            done = len(found) < _SMALL_SIZE
        if not isinstance(end, int) or isinstance(end, bool):
            end = None
        if not done and (end is None or end < start):
            raise VendorRetryable(self._source, "organizations: the vendor repeats a page; stopped instead of looping")
        # A second is never split over two pages: one that fills a page of its own has been read.
        following = end + 1 if end == start and not done else end or 0
        return Page(items=found, cursor=_text(Cursor(since=max(state.since, following))), more=not done)

    async def _ratings(self, client: Client, stream: str, state: Cursor, now: int) -> Page:
        """One of the two CSAT systems. The time filters are about when a rating was asked for, and it is answered days
        later: each round therefore looks back."""
        if self._csat not in ("auto", "legacy" if stream == "satisfaction_ratings" else "surveys"):
            return Page(items=(), cursor=_text(state), more=False)
        until = state.until if state.after else now
        start = max(self._first, state.since - self._lookback) if state.since > self._first else self._first
        params: dict[str, Any]
        if stream == "satisfaction_ratings":
            path, params = _RATINGS, {"score": "received", "start_time": start, "end_time": until}
        else:
            window = {"filter[created_at_start]": start * 1000, "filter[created_at_end]": until * 1000}
            path, params = _SURVEYS, {**window, "sort": "id"}
        params["page[size]"] = _CSAT_SIZE
        if state.after:
            params["page[after]"] = state.after
        try:
            data = (await client.call("GET", path, params=params)).data
        except VendorRefused as problem:
            if state.after or problem.status not in _SWITCHED_OFF:
                raise
            await self._other_answers(client, _SURVEYS if path == _RATINGS else _RATINGS, problem)
            return Page(items=(), cursor=_text(state), more=False)
        found = items(self._source, data, stream)
        meta = data.get("meta")
        more = isinstance(meta, dict) and meta.get("has_more") is True
        if not isinstance(meta, dict) and data.get("next_page"):
            raise VendorRetryable(self._source, f"{stream}: the vendor does not page by cursor, as it was asked to")
        if not more:
            return Page(items=found, cursor=_text(Cursor(since=until)), more=False)
        after = meta.get("after_cursor") if isinstance(meta, dict) else None
        self._must_move(stream, after, state.after)
        moved = Cursor(since=state.since, after=str(after), until=until, restarts=state.restarts)
        return Page(items=found, cursor=_text(moved), more=True)

    async def _other_answers(self, client: Client, other: str, problem: VendorRefused) -> None:
        """An account has one of the two CSAT systems; that neither answers is a matter for the operator."""
        if self._csat == "auto":
            try:
                await client.call("GET", other, params={"page[size]": 1})
                return
            except VendorRefused:
                pass
        raise VendorRefused(
            self._source,
            "no CSAT system may be read: let the client act for an admin, or set csat to off",
            status=problem.status,
        )

    async def _ask(self, client: Client, path: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer with full pages, or with small ones where full ones are too large to be read."""
        try:
            answer = await client.call("GET", path, params={**params, "per_page": _SIZE})
        except VendorRefused as problem:
            if problem.status != 200:
                raise
            answer = await client.call("GET", path, params={**params, "per_page": _SMALL_SIZE})
        return _object(self._source, answer.data)

    def _must_move(self, stream: str, after: object, before: str) -> None:
        if not isinstance(after, str) or not after or after == before:
            raise VendorRetryable(self._source, f"{stream}: the vendor repeats its cursor; stopped instead of looping")

    def _state(self, stream: str, cursor: str) -> Cursor:
        if not cursor:
            return Cursor(since=self._first)
        try:
            return msgspec.json.decode(cursor, type=Cursor)
        except msgspec.DecodeError:
            raise VendorRefused(self._source, f"{stream}: its stored cursor cannot be read; reset it") from None


def items(source: str, data: object, name: str) -> tuple[Item, ...]:
    """The rows of the list `name` in an answer, a ticket with its metrics. Raises VendorRetryable where it has none."""
    answer = _object(source, data)
    rows = answer.get(name)
    if not isinstance(rows, list):
        raise VendorRetryable(source, f"{name}: the answer holds {kind(rows)} where the list belongs")
    return tuple(_item(SINGULAR[name], row, _metrics(answer)) for row in rows)


def item(source: str, data: object, name: str) -> Item:
    """The single object `name` of an answer."""
    answer = _object(source, data)
    if not isinstance(answer.get(name), dict):
        raise VendorRetryable(source, f"{name}: the answer holds {kind(answer.get(name))} where the object belongs")
    return _item(name, answer[name], _metrics(answer))


def _item(name: str, row: object, metrics: Mapping[object, dict[str, Any]]) -> Item:
    if not isinstance(row, dict):
        return Item(object=name, raw={"row": row}, problem=f"the list holds {kind(row)} where an object belongs")
    number = row.get("id")
    if name == "ticket" and "metric_set" not in row and isinstance(number, int) and number in metrics:
        return Item(object=name, raw={**row, "metric_set": metrics[number]})
    return Item(object=name, raw=row)


def _metrics(answer: dict[str, Any]) -> dict[object, dict[str, Any]]:
    """The side-loaded metrics by ticket."""
    rows = answer.get("metric_sets")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {row["ticket_id"]: row for row in found if isinstance(row.get("ticket_id"), int)}


def _object(source: str, data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise VendorRetryable(source, f"the answer is {kind(data)} where an object belongs")
    return data


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
