"""Lists of Zammad's, and the sync that is made of them.

https://docs.zammad.org/en/latest/api/intro.html https://docs.zammad.org/en/latest/api/user.html#search

At first everything is read page by page in the order of ids, which the database itself answers. From then on the search
index is asked for what changed since. It lags, so that the last minutes are left to the next round; it knows no order
among what changed in the same moment, so that where a page is full of that, everything is read by id once more.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, TypeGuard

import msgspec
from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.adapter.paths import scalar_text
from bridge.errors import VendorRefused, VendorRetryable

PAGE = 100
"""Rows asked for: as many as every version gives. Some give fewer, so that only an empty page is the end."""
_INDEXED = timedelta(minutes=5)
"""After which time a change is in the search index."""
_EVER, _FOR_GOOD = "1970-01-01T00:00:00.000Z", "2999-12-31T23:59:59.999Z"
_RESTARTS = 3
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

Row = dict[str, Any]


class Cursor(Struct, frozen=True, omit_defaults=True):
    """All changes up to `since` are known, once the walk is done.

    While walking, `pages` pages with `rows` rows up to the id `last` were read, and `since` is what the search index
    knew before the first. `restarts` counts the walks that pages in disorder broke off.
    """

    since: str = ""
    walking: bool = True
    pages: int = 0
    rows: int = 0
    last: int = 0
    restarts: int = 0


async def read(client: Client, path: str, params: dict[str, Any], *, seconds: float | None = None) -> list[Row]:
    """The rows of a list. Raises VendorRetryable for an answer that is none: some errors come with a 200."""
    answer = await client.call("GET", path, params={**params, "expand": "true"}, deadline=seconds)
    if not isinstance(answer.data, list) or not all(map(is_row, answer.data)):
        raise VendorRetryable(client.source, f"{path}: the answer is no list of rows with id and updated_at")
    return answer.data


async def page(client: Client, stream: str, text: str, now: datetime) -> Page:
    """The next page of a stream. Raises VendorRefused for a cursor that cannot be read."""
    try:
        at = msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        raise VendorRefused(client.source, f"{stream}: its stored cursor cannot be read; reset it") from None
    until = (now - _INDEXED).astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return await (_walk if at.walking else _changes)(client, stream, at, until)


async def _walk(client: Client, stream: str, at: Cursor, until: str) -> Page:
    if not at.pages:
        newest = await _search(client, stream, _EVER, _FOR_GOOD, order="desc", per_page=1)
        at = Cursor(since=min(newest[0]["updated_at"], until) if newest else "", restarts=at.restarts)
    rows = await read(client, stream, {"page": at.pages + 1, "per_page": PAGE})
    numbers = [row["id"] for row in rows]
    if sorted({at.last, *numbers}) != [at.last, *numbers]:
        if at.restarts >= _RESTARTS:
            raise VendorRetryable(client.source, f"{stream}: pages come that were not asked for")
        return _page(stream, [], Cursor(restarts=at.restarts + 1), more=True)
    if at.pages and await _has_moved(client, stream, at):
        return _page(stream, [], Cursor(restarts=at.restarts), more=True)
    if rows:
        after = msgspec.structs.replace(at, pages=at.pages + 1, rows=at.rows + len(rows), last=numbers[-1])
        return _page(stream, rows, after, more=True)
    if at.pages and not at.since:
        what = "is there, but its search finds nothing: set up Elasticsearch, or rebuild its index"
        raise VendorRefused(client.source, f"{stream}: {what}")
    if at.since and not at.pages:
        raise VendorRetryable(client.source, f"{stream}: the search finds some, but the list is empty")
    return _page(stream, [], Cursor(since=at.since, walking=not at.since), more=False)


async def _has_moved(client: Client, stream: str, at: Cursor) -> bool:
    """Whether the row read last stands no more at its place: something before it was deleted, and what stood behind it
    has moved to a page that was already read."""
    there = await read(client, stream, {"page": at.rows, "per_page": 1})
    return [row["id"] for row in there] != [at.last]


async def _changes(client: Client, stream: str, at: Cursor, until: str) -> Page:
    rows = await _search(client, stream, at.since, until)
    # What has changed again since it was indexed shows its newest time, and comes once more in the next round.
    since = max((row["updated_at"] for row in rows if row["updated_at"] <= until), default=at.since)
    if since > at.since:
        return _page(stream, rows, Cursor(since=since, walking=False), more=True)
    seen = {row["id"] for row in rows}
    further = await _search(client, stream, at.since, until, page=2) if rows else []
    if any(row["id"] not in seen for row in further):
        return _page(stream, rows, Cursor(), more=True)
    return _page(stream, rows, at, more=False)


async def _search(client: Client, stream: str, since: str, until: str, order: str = "asc", **paging: int) -> list[Row]:
    """What changed from one moment to another, both included, as the index knows it."""
    query = f'updated_at:["{since}" TO "{until}"]'
    params = {"query": query, "sort_by": "updated_at", "order_by": order, "page": 1, "per_page": PAGE, **paging}
    rows = await read(client, f"{stream}/search", params)
    if any(row["updated_at"] < since for row in rows):
        raise VendorRetryable(client.source, f"{stream}/search: rows came that were not asked for")
    return rows


def quoted(text: str) -> str:
    """A text as one phrase of the query language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _page(stream: str, rows: list[Row], after: Cursor, *, more: bool) -> Page:
    items = tuple(Item(object=stream.removesuffix("s"), raw=row) for row in rows)
    return Page(items=items, cursor=msgspec.json.encode(after).decode(), more=more)


def is_row(row: object) -> TypeGuard[Row]:
    """Whether an answer holds an object as Zammad shows it.

    https://docs.zammad.org/en/latest/api/intro.html: ids are numbers, times have milliseconds and are UTC
    """
    if not isinstance(row, dict) or not isinstance(row.get("id"), int):
        return False
    return bool(_TIME.fullmatch(scalar_text(row.get("updated_at")) or ""))
