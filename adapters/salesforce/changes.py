"""Sync: what changed, page after page in the order (SystemModstamp, Id), then what was deleted.

`queryAll` also gives rows in the recycle bin, merged ones among them, but never what was deleted for good; the list of
deletions has those, too. https://developer.salesforce.com/docs/platform/api-rest/guide/resources-getdeleted.html
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.client import Answer, Client
from bridge.adapter.delivery import Item, Page
from bridge.adapter.paths import kind
from bridge.errors import VendorRefused, VendorRetryable

from .fields import Fields, sobject
from .queries import instant, moment, quoted, soql

_SIZE, _SMALL_SIZE = 1000, 100
"""Rows a page; the smaller number where the larger makes an answer longer than is read."""
_OVERLAP = timedelta(minutes=10)
"""Long transactions commit rows whose SystemModstamp is minutes old: a round begins this long before the last end."""
_DELETIONS_KEPT = timedelta(days=14)
"""Salesforce lists the deletions of the last 15 days, and refuses an earlier start."""
_SHORTEST = timedelta(minutes=2)
"""Start and end of that list must be more than a minute apart; seconds do not count."""
_RESERVE = 0.9
"""Of the day's quota: beyond it the sync rests, so that callers can still be looked up."""
_REST_SECONDS = 1800


class Cursor(Struct, frozen=True, omit_defaults=True):
    """How far an object was read. Instants are texts of SOQL.

    `at` and `id` are those of the last row. `until` is the end of the round under way, "" between rounds; `read` says
    that its rows are all there and the deletions come next. Deletions are known up to `gone`.
    """

    at: str = ""
    id: str = ""
    until: str = ""
    read: bool = False
    gone: str = ""


class Changes:
    """Reads the objects of one source."""

    def __init__(self, source: str, fields: Fields, root: str) -> None:
        self._source = source
        self._fields = fields
        self._root = root
        self._used = 0.0

    async def page(self, client: Client, name: str, cursor: str, now: datetime) -> Page:
        """The next page of an object. Raises VendorRetryable for an answer that would never end."""
        state = self._state(name, cursor)
        if self._used >= _RESERVE:
            self._used = 0.0
            what = f"{name}: the day's requests are nearly used up; the rest is kept for look-ups"
            raise VendorRetryable(self._source, what, retry_after=_REST_SECONDS)
        if state.read:
            return await self._deletions(client, name, state, now)
        until = state.until or instant(now)
        rows, more = await self._rows(client, name, state, until)
        at, id = self._position(name, rows, state)
        gone = state.gone or instant(now - _OVERLAP)
        moved = Cursor(at=at, id=id, until=until, read=not more, gone=gone)
        return Page(items=tuple(_item(name, row) for row in rows), cursor=_text(moved), more=True)

    async def _rows(self, client: Client, name: str, state: Cursor, until: str) -> tuple[list[Any], bool]:
        """Rows behind the position in `state`, and whether there may be more."""
        after = ""
        if state.id:
            # As two conditions of which the first can use the index; OR alone could not.
            after = f"SystemModstamp >= {state.at} AND (SystemModstamp > {state.at} OR Id > {quoted(state.id)}) AND "
        elif state.at:
            after = f"SystemModstamp >= {state.at} AND "
        where = f"{after}SystemModstamp <= {until}"
        try:
            data, size = await self._query(client, name, where, _SIZE), _SIZE
        except VendorRefused as problem:
            if problem.status != 200:
                raise
            data, size = await self._query(client, name, where, _SMALL_SIZE), _SMALL_SIZE
        rows, done = data.get("records"), data.get("done")
        if not isinstance(rows, list) or not isinstance(done, bool):
            raise VendorRetryable(self._source, f"{name}: the answer holds {kind(rows)} where the records belong")
        if not rows and not done:
            raise VendorRetryable(self._source, f"{name}: the vendor promises more rows and gives none")
        # The next page is asked for behind its last row and not by `nextRecordsUrl`, which would end with its session.
        return rows, not done or len(rows) >= size

    async def _query(self, client: Client, name: str, where: str, size: int) -> dict[str, Any]:
        select = await self._fields.select(client, name)
        query = soql(select, sobject(name), where, size, order="SystemModstamp, Id")
        try:
            answer = await client.call("GET", f"{self._root}queryAll", params={"q": query})
        except VendorRefused as problem:
            if problem.status == 400:
                self._fields.forget()
            raise
        self._count(answer)
        return answer.data if isinstance(answer.data, dict) else {}

    async def _deletions(self, client: Client, name: str, state: Cursor, now: datetime) -> Page:
        """The last page of a round."""
        end = moment(state.until)
        start = max(moment(state.gone), now - _DELETIONS_KEPT)
        items: tuple[Item, ...] = ()
        gone = state.gone
        if end - start >= _SHORTEST:
            params = {"start": _second(start), "end": _second(end)}
            answer = await client.call("GET", f"{self._root}sobjects/{sobject(name)}/deleted/", params=params)
            self._count(answer)
            data = answer.data if isinstance(answer.data, dict) else {}
            rows, covered = data.get("deletedRecords"), data.get("latestDateCovered")
            if not isinstance(rows, list) or not isinstance(covered, str):
                raise VendorRetryable(self._source, f"{name}: the answer is no list of deletions")
            items = tuple(Item(object="deleted", raw={"object": name, "deletion": row}) for row in rows)
            gone = instant(min(max(self._moment(name, covered), start), end))
        at, id = state.at, state.id
        if at and moment(at) > end - _OVERLAP:
            at, id = instant(end - _OVERLAP), ""
        return Page(items=items, cursor=_text(Cursor(at=at, id=id, gone=gone)), more=False)

    def _position(self, name: str, rows: list[Any], state: Cursor) -> tuple[str, str]:
        """Time and id of the last row, which must lie behind those of the last page."""
        if not rows:
            return state.at, state.id
        last = rows[-1] if isinstance(rows[-1], dict) else {}
        at, id = self._moment(name, last.get("SystemModstamp")), last.get("Id")
        if not isinstance(id, str) or not id:
            raise VendorRetryable(self._source, f"{name}: the last row holds {kind(id)} where its Id belongs")
        if state.at and (at < moment(state.at) or (instant(at), id) == (state.at, state.id)):
            raise VendorRetryable(self._source, f"{name}: the vendor repeats a page; stopped instead of looping")
        return instant(at), id

    def _moment(self, name: str, text: object) -> datetime:
        try:
            return moment(text if isinstance(text, str) else "")
        except ValueError:
            raise VendorRetryable(self._source, f"{name}: the answer holds {kind(text)} where a time belongs") from None

    def _count(self, answer: Answer) -> None:
        """https://developer.salesforce.com/docs/platform/api-rest/guide/headers-api-usage.html"""
        found = re.search(r"api-usage=(\d+)/(\d+)", answer.headers.get("sforce-limit-info", ""))
        if found and int(found[2]):
            self._used = int(found[1]) / int(found[2])

    def _state(self, name: str, cursor: str) -> Cursor:
        try:
            return msgspec.json.decode(cursor, type=Cursor) if cursor else Cursor()
        except msgspec.DecodeError:
            raise VendorRefused(self._source, f"{name}: its stored cursor cannot be read; reset it") from None


def _item(name: str, row: object) -> Item:
    if isinstance(row, dict):
        return Item(object=name, raw=row)
    return Item(object=name, raw={"row": row}, problem=f"the list holds {kind(row)} where a record belongs")


def _second(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
