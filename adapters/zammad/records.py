"""Items → entries: what the mapping cannot say. Who is a customer, what is gone, and the parts of a delivery."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.adapter.delivery import Item, Refetch
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind

_MERGED = "merged"
"""https://user-docs.zammad.org/en/latest/basics/service-ticket/settings/state.html"""
_NAMES = {
    "state": "name",
    "priority": "name",
    "group": "name",
    "organization": "name",
    "customer": "login",
    "owner": "login",
    "created_by": "login",
    "updated_by": "login",
}
"""What a ticket of a delivery says as whole objects, and by which of their fields lists name them."""


class Records:
    """Reads the items of one source. Raises MappingError for what cannot be read, naming the path, not the value."""

    def __init__(self, source: Source, mapping: Mapping, *, customer_roles: str) -> None:
        self._source = source
        self._mapping = mapping
        self._roles = {role.strip().casefold() for role in customer_roles.split(",") if role.strip()}

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entries of one item: of a delivery the organization, the customer and the ticket."""
        if item.object == "delivery":
            return [self._one(part) for part in parts(item.raw)]
        return [self._one(item)]

    def _one(self, item: Item) -> Entry:
        entry = self._mapping.read(item, self._source)
        if item.object == "user":
            return entry if self._is_customer(item.raw) else _deleted(entry)
        if item.object == "organization":
            return entry if _active(item) else _deleted(entry)
        if (scalar_text(item.raw.get("state")) or "").casefold() == _MERGED:
            return _deleted(entry)
        if entry.body.get("status") == "closed":
            return entry
        body = {name: value for name, value in entry.body.items() if name != "resolved"}
        return msgspec.structs.replace(entry, body=body)

    def _is_customer(self, raw: dict[str, Any]) -> bool:
        """Whether somebody is a customer now. Raises MappingError where that is not said: they might be an agent."""
        roles = raw.get("roles")
        if not isinstance(roles, list):
            raise MappingError("zammad", "user.roles", f"found {kind(roles)} where a list belongs")
        named = {(scalar_text(role) or "").casefold() for role in roles}
        return bool(named & self._roles) and _active(Item(object="user", raw=raw))


def parts(body: dict[str, Any]) -> list[Item]:
    """A delivery taken apart, each part in the form in which lists show it; {} stands for what there is not.

    https://admin-docs.zammad.org/en/latest/manage/webhook/payload.html
    """
    ticket = body.get("ticket")
    if not isinstance(ticket, dict):
        raise MappingError("zammad", "ticket", f"found {kind(ticket)} where an object belongs")
    found = [("organization", ticket.get("organization")), ("user", ticket.get("customer"))]
    items = [Item(object=name, raw=raw) for name, raw in found if isinstance(raw, dict) and "id" in raw]
    named = {name: _named(name, ticket[name]) for name in _NAMES if name in ticket}
    return [*items, Item(object="ticket", raw=ticket | named)]


def _named(field: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return value.get(_NAMES[field])


def _active(item: Item) -> bool:
    active = item.raw.get("active")
    if not isinstance(active, bool):
        raise MappingError("zammad", f"{item.object}.active", f"found {kind(active)} where true or false belongs")
    return active


def _deleted(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, kind=EntryKind.deleted, body={})
