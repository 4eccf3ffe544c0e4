"""Sync: page after page of Freshdesk's lists, which know no cursor but a page number.

https://developers.freshdesk.com/api/#pagination https://developers.freshdesk.com/api/#list_all_tickets

Rows move between pages while a list is read: what is deleted, or touched in a list by time, draws everything behind it
one place forward. So with each page the one before it is read once more, and what has moved there is taken along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.client import Answer, Client
from bridge.adapter.delivery import Item, Page
from bridge.adapter.paths import kind
from bridge.errors import VendorRefused, VendorRetryable

PER_PAGE = 100
_LAST_PAGE = 300
"""Tickets beyond this page are refused, whatever the filter."""
_OVERLAP = 120
"""Seconds before the beginning of a round from which the next one reads: changes may show late."""
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next')
_DAY = 86_400


class Listed(Struct, frozen=True):
    """A stream of `object`s: the list at `path`, once with each of `parts` as its parameters. `since` are the names of
    its time filter, of which an account may know the first or a later one ("" is none); `stamp` is the field that the
    filter is about. A list `by_time` is sorted by it, oldest first.
    """

    object: str
    path: str
    parts: tuple[dict[str, str], ...] = ({},)
    since: tuple[str, ...] = ("updated_since",)
    stamp: str = "updated_at"
    by_time: bool = False
    looks_back: bool = False


_SORTED = {"order_by": "updated_at", "order_type": "asc"}

STREAMS = {
    "companies": Listed("company", "api/v2/companies", since=("updated_since", "")),
    "contacts": Listed(
        "contact",
        "api/v2/contacts",
        parts=({}, {"state": "deleted"}),
        # Documented with the underscore for years and without it now; an account refuses what it does not know.
        since=("_updated_since", "updated_since"),
    ),
    "tickets": Listed(
        "ticket",
        "api/v2/tickets",
        parts=(
            {**_SORTED, "include": "stats,description"},
            {**_SORTED, "filter": "deleted"},
            {**_SORTED, "filter": "spam"},
        ),
        by_time=True,
    ),
    "satisfaction_ratings": Listed(
        "satisfaction_rating",
        "api/v2/surveys/satisfaction_ratings",
        since=("created_since",),
        stamp="created_at",
        looks_back=True,
    ),
}


class Cursor(Struct, frozen=True, omit_defaults=True):
    """How far a stream was read. Instants are whole seconds since 1970, 0 is none.

    A round reads the `part`s one after the other: `page` of what changed from `since` on. `seen` are the marks of the
    rows of the page before. `began` is when the round began, by the vendor's clock (0: it has not), and `newest` the
    latest change in it: from the earlier of the two the next round will read, as this one does from `base`.
    """

    base: int = 0
    part: int = 0
    since: int = 0
    page: int = 1
    seen: tuple[str, ...] = ()
    began: int = 0
    newest: int = 0


class Lists:
    """Reads the streams of one source. `first` is the earliest second of interest; `lookback` seconds are read again
    where only the beginning of a thing can be filtered for."""

    def __init__(self, source: str, *, first: int, lookback: int) -> None:
        self._source = source
        self._first = first
        self._lookback = lookback
        self._known: dict[str, int] = {}
        """Which of a stream's names for its filter the account knows."""

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        """The next page of `stream`. Raises VendorRetryable where the vendor gives another page than asked."""
        listed = STREAMS.get(stream)
        if listed is None:
            raise VendorRefused(self._source, f"has no stream {stream}")
        state = self._state(stream, cursor)
        if listed.by_time and state.page > _LAST_PAGE:
            raise VendorRefused(
                self._source,
                f"{stream}: more than {_LAST_PAGE * PER_PAGE} changed in one second; no more are listed",
            )
        rows, more, at = await self._read(client, stream, listed, state, state.page)
        found, leads_on = rows, True
        if state.page > 1:
            before, leads_on, _ = await self._read(client, stream, listed, state, state.page - 1)
            found = before + rows
        if rows and (not leads_on or (_marks(rows) == state.seen and not self._may_come_again(state, rows))):
            raise VendorRetryable(self._source, f"{stream}: the vendor repeats a page; stopped instead of looping")
        seen = frozenset(state.seen)
        stamps = list(_stamps(rows, listed.stamp))
        state = msgspec.structs.replace(
            state,
            began=state.began or at or int(now.timestamp()),
            newest=max(state.newest, *_stamps(found, listed.stamp), 0),
        )
        moved = self._moved(listed, state, stamps, _marks(rows), more=more)
        items = tuple(one for one, mark in zip(found, _marks(found), strict=True) if mark not in seen)
        return Page(items=items, cursor=msgspec.json.encode(moved).decode(), more=moved.began > 0)

    def _may_come_again(self, state: Cursor, rows: list[Item]) -> bool:
        """Whether a page may be the very one before it: where a list began again at the last change, and where one that
        was deleted as spam stands in both lists."""
        began_again = state.since > state.base
        return state.page == 1 and (began_again or all(row.raw.get("deleted") or row.raw.get("spam") for row in rows))

    def _moved(self, listed: Listed, state: Cursor, stamps: list[int], seen: tuple[str, ...], *, more: bool) -> Cursor:
        """Where to read on: later in time, on the next page, in the next part, or in the next round."""
        if more:
            in_order = stamps == sorted(stamps)  # else what is earlier than the last row may still be to come
            gone_on = listed.by_time and stamps and in_order and (state.page > 1 or stamps[0] < stamps[-1])
            later = stamps[-1] - 1 if gone_on else 0
            if later > state.since:
                return msgspec.structs.replace(state, since=later, page=1, seen=seen)
            return msgspec.structs.replace(state, page=state.page + 1, seen=seen)
        if state.part + 1 < len(listed.parts):
            return msgspec.structs.replace(state, part=state.part + 1, since=state.base, page=1, seen=seen)
        # The filter may mean "after" or "at or after": hence one second less.
        base = max(self._first, min(state.newest - 1, state.began - _OVERLAP)) if state.newest else state.base
        return Cursor(base=base, since=base)

    async def _read(
        self, client: Client, stream: str, listed: Listed, state: Cursor, page: int
    ) -> tuple[list[Item], bool, int]:
        """One page: its rows, whether another follows, and when it was, by the vendor's clock (0: it does not say)."""
        since = max(self._first, state.since - self._lookback) if listed.looks_back else state.since
        params = {**listed.parts[state.part], "per_page": PER_PAGE, "page": page}
        answer = await self._ask(client, stream, listed, params, since)
        items = rows(self._source, answer.data, listed.object)
        link = _NEXT.search(answer.headers.get("link", ""))
        if link and (number := re.search(r"[?&]page=(\d+)", link[1])) and int(number[1]) != page + 1:
            raise VendorRetryable(self._source, f"{stream}: the vendor gives another page than it was asked for")
        return items, bool(items) and (link is not None or len(items) >= PER_PAGE), _date(answer)

    async def _ask(self, client: Client, stream: str, listed: Listed, params: dict[str, Any], since: int) -> Answer:
        # Without a filter tickets are listed that are at most thirty days old.
        wanted = since or listed.by_time
        while True:
            name = listed.since[self._known.get(stream, 0)]
            try:
                filters = {name: _iso(since)} if wanted and name else {}
                return await client.call("GET", listed.path, params=params | filters)
            except VendorRefused as problem:
                following = self._known.get(stream, 0) + 1
                if problem.status != 400 or not wanted or following >= len(listed.since):
                    raise
                self._known[stream] = following

    def _state(self, stream: str, cursor: str) -> Cursor:
        if not cursor:
            return Cursor(base=self._first, since=self._first)
        try:
            state = msgspec.json.decode(cursor, type=Cursor)
            STREAMS[stream].parts[state.part]
        except (msgspec.DecodeError, IndexError):
            raise VendorRefused(self._source, f"{stream}: its stored cursor cannot be read; reset it") from None
        return state


def rows(source: str, data: object, name: str) -> list[Item]:
    """The rows of a list. Raises VendorRetryable for an answer that is none."""
    if not isinstance(data, list):
        raise VendorRetryable(source, f"{name}: the answer holds {kind(data)} where a list belongs")
    return [
        Item(object=name, raw=row)
        if isinstance(row, dict)
        else Item(object=name, raw={"row": row}, problem=f"the list holds {kind(row)} where an object belongs")
        for row in data
    ]


def _marks(items: Iterable[Item]) -> tuple[str, ...]:
    """What tells the versions of rows apart."""
    return tuple(item.dedupe_key[:16] for item in items)


def _stamps(items: Iterable[Item], name: str) -> Iterable[int]:
    for item in items:
        try:
            at = datetime.fromisoformat(str(item.raw.get(name)))
        except ValueError:
            continue  # reading the item says so
        if at.tzinfo is not None:
            yield int(at.timestamp())


def _date(answer: Answer) -> int:
    try:
        return int(parsedate_to_datetime(answer.headers["date"]).timestamp())
    except (KeyError, ValueError):
        return 0


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
