"""What is asked for of each object: the fields that the mapping reads, as far as the org has them and shows them to us.

Salesforce refuses a whole query for one field that does not exist or that the user may not see; which ones there are
differs from org to org (currencies, person accounts, privacy records, custom fields).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import Path, kind
from bridge.errors import VendorRefused, VendorRetryable

from .queries import quoted

SOBJECTS = {
    "account": "Account",
    "contact": "Contact",
    "contract": "Contract",
    "opportunity": "Opportunity",
    "case": "Case",
    "task": "Task",
}
"""The mapping's objects → Salesforce's. Any other object of a mapping is a custom one and carries its own name."""

_ALWAYS = ("Id", "SystemModstamp")
_BESIDES = ("IsDeleted", "MasterRecordId", "CurrencyIsoCode")
_BESIDES_OF = {
    "contact": ("Individual.DeathDate",),
    "contract": ("StatusCode",),
    "opportunity": ("IsWon",),
    "case": ("IsClosed",),
    "task": ("IsClosed", "CallDurationInSeconds"),
}
"""What the adapter itself looks at."""
_KEPT = timedelta(hours=1)


def sobject(name: str) -> str:
    """Salesforce's name of an object of the mapping."""
    return SOBJECTS.get(name, name)


class _Described(Struct, frozen=True):
    fields: dict[str, str]
    """Name → type."""
    relations: dict[str, tuple[str, ...]]
    """Name of a relation → the objects it leads to."""


class Fields:
    """The fields of one source's objects, asked for anew every hour and after a query was refused."""

    def __init__(self, source: str, mapping: Mapping, root: str) -> None:
        self._source = source
        self._mapping = mapping
        self._root = root
        self._known: dict[str, tuple[datetime, _Described]] = {}

    async def select(self, client: Client, name: str) -> list[str]:
        """The fields to ask for, `Owner.Name` form included, Id and SystemModstamp first.

        Raises VendorRefused for an object that the user may not read.
        """
        wanted = [*_ALWAYS, *_BESIDES, *_BESIDES_OF.get(name, ()), *map(_dotted, _paths(self._mapping, name))]
        try:
            there = [one for one in dict.fromkeys(wanted) if await self._readable(client, sobject(name), one)]
        except VendorRefused as problem:
            if problem.status not in (403, 404):
                raise
            what = f"the user may not read {sobject(name)}: permit it, or take {name} out of `objects`"
            raise VendorRefused(self._source, what, status=problem.status) from None
        if missing := [one for one in _ALWAYS if one not in there]:
            raise VendorRefused(self._source, f"{sobject(name)} shows no {missing[0]}")
        return there

    async def condition(self, client: Client, name: str, target: tuple[str, ...], value: str) -> str:
        """A SOQL condition: one of the fields that the mapping reads as `target` holds `value`. "" where none can."""
        rules = [rule for rule in self._mapping.plan(name).rules if rule.target == target]
        paths = [_dotted(path) for rule in rules for path in rule.paths]
        described = await self._describe(client, sobject(name))
        terms = [term for one in paths if (term := _term(one, described.fields.get(one, ""), value))]
        return " OR ".join(terms)

    def forget(self) -> None:
        """Ask again what there is: a query was refused."""
        self._known.clear()

    async def _readable(self, client: Client, object: str, dotted: str) -> bool:
        described = await self._describe(client, object)
        relation, dot, rest = dotted.partition(".")
        if not dot:
            return dotted in described.fields
        leads_to = described.relations.get(relation, ())
        if rest == "Name" or len(leads_to) != 1:
            return bool(leads_to) and rest == "Name"  # whatever it leads to (a user, a queue, an account) has a name
        try:
            return await self._readable(client, leads_to[0], rest)
        except VendorRefused:
            return False

    async def _describe(self, client: Client, object: str) -> _Described:
        """https://developer.salesforce.com/docs/platform/api-rest/guide/resources-sobject-describe.html"""
        known = self._known.get(object)
        if known is None or client.now() - known[0] > _KEPT:
            answer = await client.call("GET", f"{self._root}sobjects/{object}/describe")
            known = self._known[object] = client.now(), self._read(answer.data)
        return known[1]

    def _read(self, data: Any) -> _Described:
        rows = data.get("fields") if isinstance(data, dict) else None
        if not isinstance(rows, list):
            raise VendorRetryable(self._source, f"a description holds {kind(rows)} where the fields belong")
        fields = [one for one in rows if isinstance(one, dict) and isinstance(one.get("name"), str)]
        return _Described(
            fields={one["name"]: str(one.get("type")) for one in fields},
            relations={
                one["relationshipName"]: tuple(map(str, one.get("referenceTo") or ()))
                for one in fields
                if isinstance(one.get("relationshipName"), str)
            },
        )


def _paths(mapping: Mapping, name: str) -> list[Path]:
    plan = mapping.plan(name)
    groups = [plan.id, plan.order, plan.at, plan.customer, plan.account]
    groups += [key.paths for key in plan.keys] + [rule.paths for rule in plan.rules]
    return [path for group in groups for path in group]


def _dotted(path: Path) -> str:
    return ".".join(step for step in path if isinstance(step, str))


def _term(field: str, type: str, value: str) -> str:
    if not type or "." in field:
        return ""
    if type in ("double", "int", "currency", "percent"):
        return f"{field} = {value}" if value.isascii() and value.isdigit() else ""
    return f"{field} = {quoted(value)}"
