"""Sync: rounds over what changed, each followed by a look at what was deleted.

HubSpot's search answers 10,000 rows to one question and refuses the next, and a bulk edit gives more rows than that one
and the same time. So a round asks for a bounded window of time in the order of ids, and its next page is a new question
for the ids above the last one: no question goes beyond its first page, and the time of a row does not matter.

A round begins a little before the newest change that was ever seen, not before the time of the last round: clocks
differ, and the index that is searched lags behind. Now and then one looks further back.

Archived objects are in no search: they are listed, all of them each time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bridge.adapter.client import Client
from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item, Page
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import Unreadable, kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import VendorRefused, VendorRetryable

from .api import Api
from .kinds import Kind, properties
from .related import Related

_ROWS, _FEW_ROWS = 200, 20
"""Rows a page; the smaller number where the larger makes an answer longer than is read."""
_LISTED = 100
_MINUTE = 60_000
_OVERLAP = 5 * _MINUTE
_FAR_OVERLAP = 120 * _MINUTE
"""Once an hour: how long the index has been seen to lag on a bad day."""
_FREE_PAGES = 20
"""A longer list of archived objects is read less often: half a minute's rest for each page beyond these."""
_ARCHIVE_OVERLAP = 24 * 60 * _MINUTE


class Cursor(Struct, frozen=True, omit_defaults=True):
    """How far a stream was read. All times are milliseconds since 1970.

    `since` is the newest change of all finished rounds. Of the round under way: `start` and `end` of its window, `last`
    the highest id so far, `seen` the newest change in it, `read` the number of its rows. `listing` says that archived
    objects are being listed, from `after` on; `gone` is the newest deletion that was seen.
    """

    since: int = 0
    start: int = 0
    end: int = 0
    last: int = 0
    seen: int = 0
    read: int = 0
    looked_back: int = 0
    listing: bool = False
    after: str = ""
    pages: int = 0
    gone: int = 0
    newly_gone: int = 0
    rests_until: int = 0


class Exports:
    """Reads the streams of one source. `first` is the earliest change of interest, in milliseconds."""

    def __init__(self, source: Source, mapping: Mapping, api: Api, related: Related, *, first: int) -> None:
        self._source = source
        self._mapping = mapping
        self._api = api
        self._related = related
        self._first = first

    async def page(self, client: Client, one: Kind, cursor: str, now: datetime) -> Page:
        """The next page of one kind of object. Raises VendorRetryable for an answer that would never end."""
        state = self._state(one, cursor)
        at = int(now.timestamp() * 1000)
        if state.listing:
            return await self._archived(client, one, state, at)
        return await self._changed(client, one, state if state.end else self._begun(state, at), at)

    def _begun(self, state: Cursor, at: int) -> Cursor:
        far = at - state.looked_back >= 60 * _MINUTE
        start = max(self._first, state.since - (_FAR_OVERLAP if far else _OVERLAP)) if state.since else self._first
        return replace(state, start=start, end=at, last=0, seen=0, read=0, looked_back=at if far else state.looked_back)

    async def _changed(self, client: Client, one: Kind, state: Cursor, at: int) -> Page:
        data = await self._ask(client, one, state)
        rows, more = data["results"], bool(self._api.next_page(data, one.path, ""))
        last, seen = state.last, state.seen
        for row in rows:
            number = _number(row)
            if number is not None:
                if number <= last:
                    raise VendorRetryable(
                        self._source.name, f"{one.path}: the vendor repeats a page or does not sort by id"
                    )
                last = number
                seen = max(seen, self._time(row, one.changed))
        if more and last == state.last:
            raise VendorRetryable(self._source.name, f"{one.path}: a page holds no object with an id")
        items = tuple(_item(one, row) for row in await self._related.add(client, one, rows))
        known = data.get("total")
        total = state.read + known if not state.since and type(known) is int else None
        moved = replace(state, last=last, seen=seen, read=state.read + len(rows))
        if more:
            return Page(items=items, cursor=_text(moved), more=True, total=total)
        listing = at >= state.rests_until
        done = replace(moved, since=max(state.since, seen), start=0, end=0, last=0, seen=0, read=0, listing=listing)
        return Page(items=items, cursor=_text(done), more=listing, total=total)

    async def _ask(self, client: Client, one: Kind, state: Cursor) -> dict[str, Any]:
        bounds = [
            (one.changed, "GTE", state.start),
            (one.changed, "LTE", state.end),
            ("hs_object_id", "GT", state.last),
        ]
        question = {
            "filterGroups": [
                {
                    "filters": [
                        {"propertyName": name, "operator": operator, "value": str(value)}
                        for name, operator, value in bounds
                        if value
                    ]
                }
            ],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": properties(self._mapping, one),
            "limit": _ROWS,
        }
        try:
            return await self._api.search(client, one.path, question)
        except VendorRefused as problem:
            if problem.status != 200:
                raise
            return await self._api.search(client, one.path, {**question, "limit": _FEW_ROWS})

    async def _archived(self, client: Client, one: Kind, state: Cursor, at: int) -> Page:
        """Of what is gone only the ids are asked for: nothing else is any of our business now."""
        params: dict[str, Any] = {"archived": "true", "limit": _LISTED}
        params["properties"] = "hs_object_id" + (",hs_merged_object_ids" if "hs_merged_object_ids" in one.needs else "")
        if state.after:
            params["after"] = state.after
        data = await self._api.listed(client, one.path, params)
        after = self._api.next_page(data, f"archived {one.path}", state.after)
        newest, rows = state.newly_gone, []
        for row in data["results"]:
            gone = self._time(row, "archivedAt")
            newest = max(newest, gone)
            if not gone or gone >= state.gone - _ARCHIVE_OVERLAP:
                rows.append(row)
        moved = replace(state, after=after, pages=state.pages + 1, newly_gone=newest)
        if not after:
            rest = max(0, moved.pages - _FREE_PAGES) * _MINUTE // 2
            ended = {"listing": False, "pages": 0, "newly_gone": 0, "gone": max(state.gone, newest)}
            moved = replace(moved, **ended, rests_until=at + rest if rest else 0)
        return Page(items=tuple(_item(one, row) for row in rows), cursor=_text(moved), more=bool(after))

    def _time(self, row: Any, name: str) -> int:
        """A time of the object, of its properties or its own, in milliseconds; 0 where it cannot be read."""
        inner = row.get("properties") if isinstance(row, dict) else None
        value = inner.get(name) if isinstance(inner, dict) else None
        if value is None and isinstance(row, dict):
            value = row.get(name)
        try:
            found = moment(value, self._source) if value is not None else None
        except Unreadable:
            return 0
        return int(found.timestamp() * 1000) if found else 0

    def _state(self, one: Kind, cursor: str) -> Cursor:
        if not cursor:
            return Cursor()
        try:
            return msgspec.json.decode(cursor, type=Cursor)
        except msgspec.DecodeError:
            raise VendorRefused(self._source.name, f"{one.path}: its stored cursor cannot be read; reset it") from None


def _item(one: Kind, row: object) -> Item:
    if not isinstance(row, dict):
        return Item(object=one.name, raw={"row": row}, problem=f"the list holds {kind(row)} where an object belongs")
    return Item(object=one.name, raw=row)


def _number(row: object) -> int | None:
    found = scalar_text(row.get("id")) if isinstance(row, dict) else None
    return int(found) if found and found.isascii() and found.isdigit() else None


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
