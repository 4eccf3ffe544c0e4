"""Sync of users. Their list knows no filter by time, so that it is read from the newest change back to the last round.

Disabled users are listed with the others: else disabling one would shift those behind it past the next page.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.errors import VendorRefused, VendorRetryable

from .answers import NEVER, USER, Place, ask, place, settled, user_item


class Cursor(Struct, frozen=True, omit_defaults=True):
    """Everything up to `since` was read in rounds before; of this round, `page` pages, and it will end at `top`."""

    since: Place = ("", 0)
    page: int = 0
    top: Place = ("", 0)


class Users:
    """Reads the users of one source. Keeps the ids of the staff from the first page of a round to the last."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._staff: frozenset[str] | None = None

    async def page(self, client: Client, cursor: Cursor, now: datetime) -> Page:
        """The next page. Raises VendorRefused where the bridge's user lacks a right, and the list is not true."""
        number = cursor.page + 1
        listing = await ask(client, "users", _params(number))
        if self._staff is None or number == 1:
            self._staff = await self._privileged(client)
        places = [place(self._source, row, "LastUpdated") for row in listing.rows]
        if any(at == NEVER for at, _ in places):
            raise VendorRefused(self._source, "users: their fields are withheld; give our user the right AdminUsers")
        if places != sorted(places, reverse=True):
            raise VendorRetryable(self._source, "users: the list is not in the order that was asked for")
        fresh = sum(at > cursor.since for at in places)
        restless = sum(at[0] > settled(now) for at in places[:fresh])
        rows, read = listing.rows[restless:fresh], places[restless:fresh]
        top = cursor.top if cursor.top > cursor.since else max([cursor.since, *read])
        if fresh < len(places) or listing.is_last:
            after = Cursor(since=top)
        else:
            after = Cursor(since=cursor.since, page=number, top=top)
        items = await self._items(client, rows)
        return Page(items=items, cursor=msgspec.json.encode(after).decode(), more=bool(after.page))

    async def _items(self, client: Client, rows: list[dict[str, Any]]) -> tuple[Item, ...]:
        """The users of a page; which of them are disabled the list tells only by leaving them out."""
        if not rows:
            return ()
        names = [str(row.get("Name", "")) for row in rows]
        query = [{"field": "Name", "operator": "=", "value": name} for name in names]
        found = await self._every(client, "users", {"fields": "Name"}, query)
        enabled = {str(row.get("Name", "")) for row in found}
        if not enabled <= set(names):
            raise VendorRefused(self._source, "users: the filter is ignored; give our user the right AdminUsers")
        staff = self._staff or frozenset()
        return tuple(
            user_item(row, disabled=name not in enabled, privileged=str(row["id"]) in staff)
            for row, name in zip(rows, names, strict=True)
        )

    async def _privileged(self, client: Client) -> frozenset[str]:
        """The ids of the staff: the members of a group that every installation has."""
        query = msgspec.json.encode([{"field": "Domain", "operator": "=", "value": "SystemInternal"}]).decode()
        groups = await self._every(client, "groups", {"query": query, "fields": "id,Name,Domain"})
        ids = [row["id"] for row in groups if (row.get("Name"), row.get("Domain")) == ("Privileged", "SystemInternal")]
        if len(ids) != 1 or not isinstance(ids[0], int):
            raise VendorRefused(
                self._source, "groups: no group Privileged is to be seen; give our user the right SeeGroup"
            )
        members = await self._every(client, f"group/{ids[0]}/members", {"groups": 0, "orderby": "id"})
        return frozenset(str(row.get("id")) for row in members)

    async def _every(self, client: Client, path: str, params: dict[str, Any], json: Any = None) -> list[dict[str, Any]]:
        """All rows of a short list."""
        rows: list[dict[str, Any]] = []
        number = 0
        while True:
            number += 1
            listing = await ask(client, path, {**params, "page": number}, json)
            if any("LastUpdated" in row for row in listing.rows):
                raise VendorRetryable(self._source, "users: another answer came than the one that was asked for")
            rows += listing.rows
            if listing.is_last or (json is not None and len(rows) >= len(json)):
                return rows


def _params(number: int) -> dict[str, Any]:
    return {
        "fields": ",".join(USER),
        "find_disabled_rows": 1,
        "orderby": ["LastUpdated", "id"],
        "order": ["DESC", "DESC"],
        "page": number,
    }
