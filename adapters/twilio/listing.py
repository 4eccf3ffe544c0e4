"""Sync: the calls list, newest first, whose filters know days and nothing of changes.

https://www.twilio.com/docs/voice/api/call-resource#read-multiple-call-resources
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.adapter.paths import kind
from bridge.errors import VendorRefused, VendorRetryable

_SIZE = 1000
_OVERLAP = timedelta(days=1)
"""A call started before a round may end after it; none lasts longer than a day."""
_INVALID = frozenset({400, 404, 410})
"""With these a page that is no longer there is turned down."""
_MAX_RESTARTS = 3


class Cursor(Struct, frozen=True, omit_defaults=True):
    """How far the list was read. `since` is the first day (UTC) of the round, `began` the day on which it began, `next`
    the path of its next page."""

    since: str = ""
    began: str = ""
    next: str = ""
    restarts: int = 0


class Listing:
    """Reads the calls of one account. `first` is the earliest day of interest, or None."""

    def __init__(self, source: str, account: str, first: date | None) -> None:
        self._source = source
        self._path = f"2010-04-01/Accounts/{account}/Calls.json"
        self._first = "" if first is None else first.isoformat()

    async def page(self, client: Client, cursor: str, now: datetime) -> Page:
        """The next page of the calls. Raises VendorRetryable for an answer that would never end."""
        state = self._state(cursor)
        began = state.began or now.astimezone(timezone.utc).date().isoformat()
        try:
            data = await self._ask(client, state)
        except VendorRefused as problem:
            if not state.next or problem.status not in _INVALID or state.restarts >= _MAX_RESTARTS:
                raise
            again = Cursor(since=state.since, began=began, restarts=state.restarts + 1)
            return Page(items=(), cursor=_text(again), more=True)
        rows = data.get("calls")
        if not isinstance(rows, list):
            raise VendorRetryable(self._source, f"calls: the answer holds {kind(rows)} where the list belongs")
        items = tuple(_item(row) for row in rows)
        following = data.get("next_page_uri")
        if following is None or following == "":
            since = (date.fromisoformat(began) - _OVERLAP).isoformat()
            return Page(items=items, cursor=_text(Cursor(since=max(since, state.since))), more=False)
        if not isinstance(following, str) or not following.startswith("/"):
            raise VendorRetryable(self._source, "calls: the link to the next page is no path")
        if following == state.next:
            raise VendorRetryable(self._source, "calls: the vendor repeats a page; stopped instead of looping")
        moved = msgspec.structs.replace(state, began=began, next=following)
        return Page(items=items, cursor=_text(moved), more=True)

    async def _ask(self, client: Client, state: Cursor) -> dict[str, Any]:
        if state.next:
            answer = await client.call("GET", state.next)
        else:
            window = {"StartTime>": state.since} if state.since else {}
            answer = await client.call("GET", self._path, params={**window, "PageSize": _SIZE})
        if not isinstance(answer.data, dict):
            raise VendorRetryable(self._source, f"calls: the answer is {kind(answer.data)} where an object belongs")
        return answer.data

    def _state(self, cursor: str) -> Cursor:
        if not cursor:
            return Cursor(since=self._first)
        try:
            return msgspec.json.decode(cursor, type=Cursor)
        except msgspec.DecodeError:
            raise VendorRefused(self._source, "calls: its stored cursor cannot be read; reset it") from None


def _item(row: object) -> Item:
    if not isinstance(row, dict):
        return Item(object="call", raw={"row": row}, problem=f"the list holds {kind(row)} where an object belongs")
    return Item(object="call", raw=row, patch=True)


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
