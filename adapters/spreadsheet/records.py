"""What a row says between its columns, and the mapping language cannot: names, titles, lists in a cell, missing ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from bridge.adapter.base import Entry, Item, Source
from bridge.errors import MappingError
from bridge.model import EntryKind

if TYPE_CHECKING:
    from bridge.adapter.mapping import Mapping

ROW_ID = "row_id"
"""The column that the mapping names last among the ids of objects whose rows need none of their own."""

_NO_ID = "row without an id"
_NATURAL = {"surveys": ("metric", "sent", "answered"), "usage": ("metric", "day")}
"""Which fields make a row one of its kind, beside whom it is about."""

_SCALES = {"nps": 10, "csat": 5, "ces": 7}
"""Columns that are a survey's metric by themselves → its highest score, where no column says another."""

_TITLES = ("titel", "akademischer_titel", "academic_title")
_SALUTATIONS = {"herrn": "Herr", "hr.": "Herr", "hr": "Herr", "fr.": "Frau", "fr": "Frau", "firma": None, "fa.": None}
_LIST = re.compile(r"\s*[,;|\n]\s*")


def read_row(mapping: Mapping, item: Item, source: Source) -> Iterator[Entry]:
    """The entries of one row. Raises MappingError naming the column."""
    if item.object == "customers":
        entry = mapping.read(item, source)
        yield replace(entry, body=_customer(entry.body, item.raw))
    elif item.object == "surveys" and (metrics := [name for name in _SCALES if name in item.raw]):
        for metric in metrics:
            raw = {"metric": metric, "score": item.raw[metric], "scale": _SCALES[metric], **item.raw}
            entry = _with_id(mapping, replace(item, raw=raw), source)
            yield replace(entry, source_id=f"{entry.source_id}:{metric}")
    elif item.object in _NATURAL:
        yield _with_id(mapping, item, source)
    else:
        entry = mapping.read(item, source)
        yield replace(entry, body=_with_tags(entry.body)) if "tags" in entry.body else entry


def ids_alone(mapping: Mapping) -> Mapping:
    """A mapping with which `read_row` gives the ids of a row's entries and nothing that takes time to read."""
    plans = {}
    for name in mapping.objects:
        plan, natural = mapping.plan(name), _NATURAL.get(name, ())
        rules = tuple(rule for rule in plan.rules if rule.target[0] in natural)
        plans[name] = replace(plan, rules=rules, at=())
        if not natural:
            plans[name] = replace(plans[name], customer=(), account=(), keys=())
    return type(mapping)(mapping.vendor, plans)


def read_gone(mapping: Mapping, raw: dict[str, Any]) -> Entry:
    """The entry of a record that vanished from a full export. Raises MappingError."""
    what, number = raw.get("object"), raw.get("id")
    if not isinstance(what, str) or what not in mapping.objects:
        raise MappingError(mapping.vendor, "vanished.object", "found no object that this source reads")
    if not isinstance(number, str) or not 0 < len(number) <= 255:
        raise MappingError(mapping.vendor, "vanished.id", "found no id")
    return Entry(object=mapping.plan(what).to, source_id=number, kind=EntryKind.deleted)


def _with_id(mapping: Mapping, item: Item, source: Source) -> Entry:
    """The entry of a row; where it has no id, with one made of what no second row of its kind has."""
    entry = mapping.read(replace(item, raw={**item.raw, ROW_ID: _NO_ID}), source)
    if entry.source_id != _NO_ID:
        return entry
    subject, body = entry.subject, entry.body
    metric, *days = _NATURAL[item.object]
    if not any(day in body for day in days) or (subject.customer is subject.account is None and not subject.keys):
        raise MappingError(
            mapping.vendor, f"{item.object}.{ROW_ID}", "has no id, and no customer and date to make one of"
        )
    whom = [subject.customer, subject.account, *map(str, subject.keys)]
    parts = [*whom, body.get(metric), *(body.get(day) for day in days)]
    return replace(entry, source_id=blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12).hexdigest())


def _customer(body: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """The body with full and family name told apart, the title behind the salutation, and tags one by one."""
    body = _with_tags(body)
    name, given, family = body.get("name"), body.get("given_name"), body.get("family_name")
    if name and given and not family and given.split()[0] not in re.split(r"[\s,]+", name):
        body["family_name"], body["name"] = name, f"{given} {name}"  # `Name` beside `Vorname` is the family's
    elif not name and (given or family):
        body["name"] = " ".join(filter(None, (given, family)))
    if salutation := body.get("salutation"):
        title = next((found for column in _TITLES if isinstance(found := raw.get(column), str)), "")
        salutation = _SALUTATIONS.get(salutation.casefold(), salutation)
        if salutation is None:
            del body["salutation"]
        elif title and title not in salutation:
            body["salutation"] = f"{salutation} {title}"
        else:
            body["salutation"] = salutation
    return body


def _with_tags(body: dict[str, Any]) -> dict[str, Any]:
    """The body with each of the tags that stand in one cell."""
    if "tags" not in body:
        return dict(body)
    tags = [tag for cell in body["tags"] for tag in _LIST.split(cell) if tag]
    return {**body, "tags": list(dict.fromkeys(tags))}
