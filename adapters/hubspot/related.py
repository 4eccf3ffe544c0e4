"""What an object is told about only in another place: its owner's name, and whom a deal or ticket is about."""

from __future__ import annotations

from typing import Any

from bridge.adapter.client import Client
from bridge.adapter.paths import scalar_text
from bridge.errors import VendorRefused

from .api import Api
from .kinds import Kind

_KEPT = 3600.0
_SINGULAR = {"contacts": "contact", "companies": "company"}


class Related:
    """Adds to raw objects `owner` (a name) and `associated` (`{"contact": id}` or `{"company": id}`)."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names: dict[str, str] = {}
        self._until = float("-inf")

    async def add(self, client: Client, one: Kind, rows: list[Any]) -> list[Any]:
        """`rows` with what belongs to them; what is no object stays as it is."""
        owners = [_owner(row) for row in rows] if "hubspot_owner_id" in one.needs else []
        names = await self._owners(client) if any(owners) else {}
        found: list[Any] = [
            {**row, "owner": names[owner]} if owner in names else row
            for row, owner in zip(rows, owners or [""] * len(rows), strict=True)
        ]
        about = await self._about(client, one, rows)
        return [{**row, "associated": about[number]} if (number := _id(row)) in about else row for row in found]

    async def _about(self, client: Client, one: Kind, rows: list[Any]) -> dict[str, dict[str, str]]:
        about: dict[str, dict[str, str]] = {}
        for path in one.people:
            open_ = sorted({number for row in rows if (number := _id(row)) and number not in about}, key=int)
            if not open_:
                break
            for number, ends in (await self._api.associated(client, one.path, path, open_)).items():
                if end := _foremost(ends):
                    about[number] = {_SINGULAR[path]: end}
        return about

    async def _owners(self, client: Client) -> dict[str, str]:
        """Owner id → name, kept for an hour. Without the scope for owners there are no names."""
        now = client.now().timestamp()
        if now < self._until:
            return self._names
        names: dict[str, str] = {}
        after, more = "", True
        try:
            while more:
                data = await self._api.owners(client, after)
                for row in data["results"]:
                    if isinstance(row, dict) and (name := _name(row)):
                        names[scalar_text(row.get("id")) or ""] = name
                after = self._api.next_page(data, "owners", after)
                more = bool(after)
        except VendorRefused as problem:
            if problem.status != 403:
                raise
        self._names, self._until = names, now + _KEPT
        return names


def _id(row: object) -> str:
    number = scalar_text(row.get("id")) if isinstance(row, dict) else None
    return number if number and number.isascii() and number.isdigit() else ""


def _owner(row: object) -> str:
    properties = row.get("properties") if isinstance(row, dict) else None
    return scalar_text(properties.get("hubspot_owner_id")) or "" if isinstance(properties, dict) else ""


def _name(row: dict[str, Any]) -> str:
    parts = (row.get("firstName"), row.get("lastName"))
    return " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())


def _foremost(ends: object) -> str:
    """The id that is labelled as the primary one, else the oldest."""
    known = [one for one in ends if isinstance(one, dict)] if isinstance(ends, list) else []
    primary = [one for one in known if _is_primary(one.get("associationTypes"))]
    ids = [scalar_text(one.get("toObjectId")) or "" for one in primary or known]
    return min((number for number in ids if number.isascii() and number.isdigit()), key=int, default="")


def _is_primary(types: object) -> bool:
    return isinstance(types, list) and any(isinstance(one, dict) and one.get("label") == "Primary" for one in types)
