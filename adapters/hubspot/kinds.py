"""The kinds of HubSpot's objects that are read: what they are called in items, paths, events and filters."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import Path, kind, scalar_text
from bridge.errors import MappingError


class Kind(Struct, frozen=True):
    """`name` is that of items and mapping, `path` stands in URLs, `changed` is the property with the time of change."""

    name: str
    path: str
    type_id: str
    """How generic webhooks (`object.*`) name the kind."""
    changed: str = "hs_lastmodifieddate"
    needs: tuple[str, ...] = ()
    """Properties that are read by code and not by the mapping."""
    people: tuple[str, ...] = ()
    """To whom its subject is found by association: the first of these paths that has one."""


_MERGED, _OWNER = "hs_merged_object_ids", "hubspot_owner_id"
_PHONES = ("hs_calculated_phone_number", "hs_calculated_mobile_number")

KINDS: tuple[Kind, ...] = (
    Kind("contact", "contacts", "0-1", "lastmodifieddate", (_MERGED, _OWNER, *_PHONES)),
    Kind("company", "companies", "0-2", needs=(_MERGED, _OWNER)),
    Kind(
        "deal",
        "deals",
        "0-3",
        needs=(_MERGED, "hs_is_closed_won", "deal_currency_code"),
        people=("companies", "contacts"),  # what a company buys counts once, however many of its people took part
    ),
    Kind("ticket", "tickets", "0-5", needs=(_MERGED,), people=("contacts", "companies")),
    Kind("feedback_submission", "feedback_submissions", "0-19", needs=("hs_response_group",)),
)
"""A won deal is an item `contract` instead where the source says so: see `chosen`."""


def chosen(objects: str, deals: str) -> dict[str, Kind]:
    """Path → kind of all that one source reads. Raises ValueError with the word that is none."""
    known = {one.path: one for one in KINDS}
    wanted = [word.strip().lower() for word in objects.split(",") if word.strip()]
    if unknown := [word for word in wanted or ["nothing"] if word not in known]:
        raise ValueError(unknown[0])
    if deals == "contracts":
        known["deals"] = msgspec.structs.replace(known["deals"], name="contract")
    return {path: one for path, one in known.items() if path in wanted}


def properties(mapping: Mapping, one: Kind) -> list[str]:
    """The properties to ask for: HubSpot gives only those that are named. A source's overlay counts."""
    plan = mapping.plan(one.name)
    paths: list[Path] = [*plan.id, *plan.order, *plan.at, *plan.customer, *plan.account]
    paths += [path for key in plan.keys for path in key.paths]
    paths += [path for rule in plan.rules for path in rule.paths]
    read = {path[1] for path in paths if len(path) > 1 and path[0] == "properties" and isinstance(path[1], str)}
    return sorted(read | {one.changed, *one.needs})


def number(value: object, path: str) -> str:
    """An id that may stand in a URL. Raises MappingError naming `path`."""
    found = scalar_text(value)
    if found is None or not re.fullmatch(r"[0-9]{1,19}", found):
        raise MappingError("hubspot", path, f"found {kind(value)} that is not an id")
    return found
