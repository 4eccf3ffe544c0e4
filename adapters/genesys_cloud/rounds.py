"""Sync: conversations have no time of their last change, so that recent ones are read again, round after round.

A round reads windows of time, page by page. Those between two imports of a day go back a little, and as far as
conversations were still going on; the first one of each day goes back a week, for what ended late, was wrapped up or
surveyed since. After a pause each goes back to where the last one ended. https://developer.genesys.cloud/analyticsdatamanagement/analytics/detail/conversation-query
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.adapter.paths import kind
from bridge.errors import VendorRefused, VendorRetryable

from .names import Names

_SIZE = 100
_MOST_HITS = 100_000
"""A query gives no more rows than these; windows with more are halved."""
_HOUR, _DAY = 3600, 86_400
_WINDOW = 7 * _DAY
_LATELY = _HOUR
_GOING_ON = 4 * _HOUR
_DEEP = 7 * _DAY
_MAX_RESTARTS = 3


class Cursor(Struct, frozen=True, omit_defaults=True):
    """How far was read. Instants are whole seconds since 1970.

    `start` and `until` are the window under way, `end` the round's end (0 between rounds); `page`, `seen`, `hits` and
    `last` the pages of the window that were read, their rows, the rows there should be, and the last one's id. `open`
    is the start of the earliest conversation of the round that had not ended, `deep` the day of the last deep round,
    `reached` the end of the last round that was read.
    """

    start: int = 0
    until: int = 0
    end: int = 0
    page: int = 0
    seen: int = 0
    hits: int = 0
    last: str = ""
    open: int = 0
    deep: int = 0
    reached: int = 0
    restarts: int = 0


class Rounds:
    """Reads the conversations of one source; `first` is the earliest second of interest, 0 for a year ago."""

    def __init__(self, source: str, names: Names, first: int) -> None:
        self._source = source
        self._names = names
        self._first = first

    async def page(self, client: Client, cursor: str, now: datetime) -> Page:
        """The next page. Raises VendorRetryable for an answer that repeats the page before it."""
        state = self._begun(cursor, int(now.timestamp()))
        rows, hits = await self._ask(client, state)
        if state.page == 0 and hits > _MOST_HITS and state.until - state.start >= 2:
            half = msgspec.structs.replace(state, until=(state.start + state.until) // 2)
            return Page(items=(), cursor=_text(half), more=True)
        if state.page and hits < state.hits and state.restarts < _MAX_RESTARTS:
            # Something was deleted meanwhile and the rows behind it moved up: one may have slipped through.
            again = Cursor(
                start=state.start,
                until=state.until,
                end=state.end,
                open=state.open,
                deep=state.deep,
                restarts=state.restarts + 1,
            )
            return Page(items=(), cursor=_text(again), more=True)
        last = _id(rows[-1]) if rows else ""
        if rows and last == state.last:
            raise VendorRetryable(self._source, "conversations: the vendor repeats a page; stopped instead of looping")
        names = await self._names.of(client, rows)
        items = tuple(_item(row, known) for row, known in zip(rows, names, strict=True))
        going_on = [state.open, *(start for row in rows if (start := _going_on(row)))]
        moved = msgspec.structs.replace(
            state,
            page=state.page + 1,
            seen=state.seen + len(rows),
            hits=max(hits, state.hits),
            last=last,
            open=min((one for one in going_on if one), default=0),
        )
        if rows and (moved.seen < hits or not hits):
            return Page(items=items, cursor=_text(moved), more=True)
        return Page(items=items, cursor=_text(_next_window(moved)), more=moved.until < moved.end)

    def _begun(self, cursor: str, now: int) -> Cursor:
        """Where to go on: in the round under way, else at the start of the next one."""
        try:
            state = msgspec.json.decode(cursor, type=Cursor) if cursor else None
        except msgspec.DecodeError:
            raise VendorRefused(self._source, "conversations: its stored cursor cannot be read; reset it") from None
        if state is not None and state.end:
            return state
        today = now // _DAY
        if state is None:
            start = self._first or now - 365 * _DAY
        else:
            lately = max(now - _GOING_ON, min(state.open or now, now - _LATELY))
            start = now - _DEEP if today > state.deep else lately
            reached = state.reached or state.deep * _DAY
            start = max(self._first, start if reached >= start else reached - _LATELY)
        start = min(start, now - 1)
        return Cursor(start=start, until=min(start + _WINDOW, now), end=now, deep=today)

    async def _ask(self, client: Client, state: Cursor) -> tuple[list[Any], int]:
        query = {
            "interval": f"{_instant(state.start)}/{_instant(state.until)}",
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": {"pageSize": _SIZE, "pageNumber": state.page + 1},
        }
        answer = await client.call("POST", "api/v2/analytics/conversations/details/query", json=query)
        if not isinstance(answer.data, dict):
            raise VendorRetryable(self._source, f"conversations: the answer is {kind(answer.data)}, not an object")
        rows, hits = answer.data.get("conversations"), answer.data.get("totalHits", 0)
        if not answer.data:
            # Both fields are optional, so that `{}` may say "none": if it is really Genesys that says it.
            await self._names.probe(client)
            return [], 0
        if rows is None and answer.data.get("totalHits") == 0:
            return [], 0
        if not isinstance(rows, list) or not isinstance(hits, int):
            raise VendorRetryable(self._source, f"conversations: the answer holds {kind(rows)} where the list belongs")
        return rows, hits


def _next_window(state: Cursor) -> Cursor:
    if state.until >= state.end:
        return Cursor(open=state.open, deep=state.deep, reached=state.end)
    until = min(state.until + _WINDOW, state.end)
    return Cursor(start=state.until, until=until, end=state.end, open=state.open, deep=state.deep)


def _item(row: Any, names: dict[str, str]) -> Item:
    if not isinstance(row, dict):
        return Item(object="conversation", raw={"row": row}, problem=f"the list holds {kind(row)}, not an object")
    return Item(object="conversation", raw={**row, "bridge": {"names": names}} if names else row)


def _id(row: Any) -> str:
    return str(row.get("conversationId")) if isinstance(row, dict) else ""


def _going_on(row: Any) -> int:
    """When a conversation began that has not ended yet; 0 for others."""
    if not isinstance(row, dict) or row.get("conversationEnd") is not None:
        return 0
    try:
        return int(datetime.fromisoformat(str(row.get("conversationStart"))).timestamp())
    except (ValueError, OverflowError):
        return 0


def _instant(seconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
