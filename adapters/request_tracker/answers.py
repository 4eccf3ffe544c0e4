"""What Request Tracker answers to a list, checked: rows of objects, and the fields of them that are kept.

https://docs.bestpractical.com/rt/5.0.5/RT/REST2.html
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item
from bridge.adapter.paths import kind, scalar_text
from bridge.errors import VendorRetryable

PAGE = 100
"""Rows asked for; the most that are given."""
USER = (
    "id Name RealName EmailAddress MobilePhone WorkPhone HomePhone PagerPhone Lang Timezone LastUpdated CustomFields"
).split()
TICKET = "id Subject Status Priority Queue Created Resolved LastUpdated Requestor CustomFields".split()
PHONES = ("MobilePhone", "WorkPhone", "HomePhone", "PagerPhone")
TICKET_PARAMS = {"fields": ",".join(TICKET), "fields[Queue]": "Name", "fields[Requestor]": "id"}

NEVER = "1970-01-01T00:00:00Z"
"""How a time is written that there is not, or that our user may not see."""

_SETTLE = timedelta(seconds=30)

Place = tuple[str, int]
"""Where a row stands in time: its LastUpdated or Created as the vendor writes it, and its id."""


class Listing(Struct, frozen=True):
    """One page of a list. `total` is None where the bridge's user may not see everything."""

    rows: list[dict[str, Any]]
    page: int
    total: int | None
    size: int

    @property
    def is_last(self) -> bool:
        """Whether no page follows. Without a total that shows only on the page behind the last."""
        return not self.rows or (self.total is not None and self.total <= self.size * self.page)


async def ask(client: Client, path: str, params: dict[str, Any], json: Any = None) -> Listing:
    """Ask for a page of a list; one behind the last is empty. Raises VendorRetryable for an answer that is none, or to
    another question."""
    method = "GET" if json is None else "POST"
    data = (await client.call(method, path, params={"per_page": PAGE, **params}, json=json)).data
    if not isinstance(data, dict):
        raise VendorRetryable(client.source, f"a list: the answer is {kind(data)} where an object belongs")
    rows, page, size, total = (data.get(name) for name in ("items", "page", "per_page", "total"))
    listed = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if not isinstance(rows, list) or not listed or not isinstance(page, int) or not isinstance(size, int):
        raise VendorRetryable(client.source, "a list: the answer holds no list of objects")
    if page != params.get("page", 1):
        raise VendorRetryable(client.source, "a list: another page came than the one that was asked for")
    return Listing(rows, page, total if isinstance(total, int) else None, size)


def place(source: str, row: dict[str, Any], name: str) -> Place:
    """Where a row stands. Raises VendorRetryable where it does not say so: it is no answer to what was asked."""
    at, number = row.get(name), scalar_text(row.get("id")) or ""
    if not isinstance(at, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at) or not is_id(number):
        raise VendorRetryable(source, f"a row comes without {name} and id, which were asked for")
    return at, int(number)


def is_id(text: str) -> bool:
    """Whether a text can be the id of a record."""
    return re.fullmatch(r"[1-9][0-9]{0,17}", text) is not None


def settled(now: datetime) -> str:
    """The last second that is read at `now`: a row carries its second only, and may change again within it."""
    return written(now - _SETTLE)


def written(at: datetime) -> str:
    """An instant as the vendor writes it."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def literal(at: str) -> str:
    """An instant of the vendor's for its query language, which reads it in our user's zone, whatever it says itself."""
    return at.replace("T", " ").rstrip("Z")


def user_item(row: dict[str, Any], *, disabled: bool, privileged: bool) -> Item:
    """A user as it is kept, alike from a list and from its own page."""
    return Item(object="user", raw=_kept(row, USER) | {"Disabled": int(disabled), "Privileged": int(privileged)})


def ticket_item(row: dict[str, Any]) -> Item:
    """A ticket as it is kept, its requestors named by id alone."""
    raw = _kept(row, TICKET)
    people = raw.get("Requestor")
    if isinstance(people, list):
        raw["Requestor"] = [_kept(one, ["id", "type"]) if isinstance(one, dict) else one for one in people]
    if isinstance(raw.get("Queue"), dict):
        raw["Queue"] = _kept(raw["Queue"], ["id", "Name"])
    return Item(object="ticket", raw=raw)


def _kept(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The fields that were asked for. What a record does not have a list writes as "", and its own page not at all."""
    kept = {name: row[name] for name in names if row.get(name, "") != ""}
    custom = kept.pop("CustomFields", None)
    if isinstance(custom, list):
        named = {name: value for one in custom if isinstance(one, dict) for name, value in _named(one)}
        return kept | {"CustomFields": named} if named else kept
    return kept


def _named(custom: dict[str, Any]) -> list[tuple[str, Any]]:
    """A custom field by its name: its value, or the list of its values where there are several."""
    name, values = custom.get("name"), custom.get("values")
    if not isinstance(name, str) or not isinstance(values, list) or not values:
        return []
    return [(name, values[0] if len(values) == 1 else values)]
