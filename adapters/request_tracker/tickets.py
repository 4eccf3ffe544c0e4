"""Sync of tickets: first those that changed, by (LastUpdated, id), then deletions and merges, by transaction.

A deleted or merged ticket is in no search any more, and merging does not even change it; a transaction says so.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.errors import VendorRefused, VendorRetryable

from .answers import TICKET_PARAMS, Place, ask, literal, place, settled, ticket_item

_GONE = (
    "ObjectType = 'RT::Ticket'"
    " AND ((Type = 'Status' AND NewValue = 'deleted') OR (Type = 'AddLink' AND Field = 'MergedInto')) AND id > {}"
)
_TRANSACTION = ("id", "Type", "ObjectId", "NewValue", "Created")


class Cursor(Struct, frozen=True, omit_defaults=True):
    """The ticket and the transaction read last; `closing` while a round reads what is gone."""

    since: Place = ("", 0)
    transaction: int = 0
    closing: bool = False


class Tickets:
    """Reads the tickets of one source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._understood = False

    async def page(self, client: Client, cursor: Cursor, now: datetime) -> Page:
        """The next page. Raises VendorRefused where dates would be misread or tickets withheld."""
        if not self._understood:
            await self._check_zone(client)
            self._understood = True
        return await (self._gone if cursor.closing else self._changed)(client, cursor, now)

    async def _changed(self, client: Client, cursor: Cursor, now: datetime) -> Page:
        at, number = literal(cursor.since[0]), cursor.since[1]
        query = "id > 0"
        if at:
            # `=` would mean the whole day.
            query = f"LastUpdated > '{at}' OR (LastUpdated >= '{at}' AND LastUpdated <= '{at}' AND id > {number})"
        params = {**TICKET_PARAMS, "query": query, "orderby": ["LastUpdated", "id"], "order": ["ASC", "ASC"]}
        listing = await ask(client, "tickets", params)
        places = [place(self._source, row, "LastUpdated") for row in listing.rows]
        self._check_order(sorted({cursor.since, *places}) == [cursor.since, *places])
        if listing.total is None:
            raise VendorRefused(self._source, "tickets: not all are shown; give our user the right ShowTicket globally")
        calm = sum(at[0] <= settled(now) for at in places)
        after = msgspec.structs.replace(
            cursor,
            since=places[calm - 1] if calm else cursor.since,
            closing=calm < len(places) or listing.is_last,
        )
        return _page([ticket_item(row) for row in listing.rows[:calm]], after, more=True)

    async def _gone(self, client: Client, cursor: Cursor, now: datetime) -> Page:
        params = {"query": _GONE.format(cursor.transaction), "fields": ",".join(_TRANSACTION), "orderby": "id"}
        listing = await ask(client, "transactions", params)
        places = [place(self._source, row, "Created") for row in listing.rows]
        numbers = [cursor.transaction, *(number for _, number in places)]
        self._check_order(sorted(set(numbers)) == numbers)
        calm = next((n for n, at in enumerate(places) if at[0] > settled(now)), len(places))
        done = calm < len(places) or listing.is_last
        after = msgspec.structs.replace(
            cursor, transaction=places[calm - 1][1] if calm else cursor.transaction, closing=not done
        )
        rows = [{name: row.get(name) for name in _TRANSACTION} for row in listing.rows[:calm]]
        return _page([Item(object="transaction", raw=row) for row in rows], after, more=not done)

    def _check_order(self, ascending: bool) -> None:
        if not ascending:
            raise VendorRetryable(self._source, "rows came that were not asked for, or in another order")

    async def _check_zone(self, client: Client) -> None:
        """Dates in a query are read in the time zone of our user, whatever zone is written behind them."""
        params = {"fields": "id,Created", "per_page": 1}
        newest = await ask(client, "tickets", {**params, "query": "id > 0", "orderby": "id", "order": "DESC"})
        for row in newest.rows:
            at, number = place(self._source, row, "Created")
            query = f"id = {number} AND Created >= '{literal(at)}' AND Created <= '{literal(at)}'"
            if not (await ask(client, "tickets", {**params, "query": query})).rows:
                raise VendorRefused(self._source, "tickets: set the time zone of our user to UTC, or dates are misread")


def _page(items: list[Item], after: Cursor, *, more: bool) -> Page:
    return Page(items=tuple(items), cursor=msgspec.json.encode(after).decode(), more=more)
