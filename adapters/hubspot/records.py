"""Items → entries: what the mapping cannot say. Deletions, merges, money, scales, time zones, who wins a tie."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from collections.abc import Mapping as Table
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item, Refetch
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_time
from bridge.adapter.paths import Unreadable, kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind

from .events import LAST, gone_into, read_changes
from .kinds import Kind, number

_KNOWS_MORE = "1"
"""Appended to the order of a version that carries what is told in another place (an owner's name, an association): of
two versions of one instant it is the one to keep, since neither of them moves the time of change."""
_TYPES = ("unknown", "question", "problem", "complaint", "cancellation")
_SCALES = {"nps": (10.0,), "ces": (7.0,), "csat": (2.0, 5.0, 7.0, 10.0)}
_FACES = {"detractor": 0.0, "passive": 1.0, "promoter": 2.0}
"""HubSpot's own CSAT has three faces: https://knowledge.hubspot.com/customer-feedback/survey-response-properties"""


class Records:
    """Reads the items of one source. Raises MappingError for what cannot be read, naming the path, not the value."""

    def __init__(self, source: Source, mapping: Mapping, kinds: Table[str, Kind]) -> None:
        self._source = source
        self._mapping = mapping
        self._kinds = kinds
        self._records = {one.name: mapping.plan(one.name).to for one in kinds.values()}
        self._finish: dict[str, Callable[[Entry, dict[str, Any]], Entry]] = {
            "ticket": self._ticket,
            "deal": self._won,
            "contract": self._won,
            "feedback_submission": _scored,
        }

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entries of one item: a record, or its deletion, and the records that were merged into it."""
        if item.object == "change":
            return read_changes(item.raw, self._kinds, self._records, self._source)
        inner = item.raw.get("properties")
        if not isinstance(inner, dict):
            raise MappingError("hubspot", f"{item.object}.properties", f"found {kind(inner)} where an object belongs")
        raw = {**item.raw, "properties": _tidied(inner)}
        entry = self._mapping.read(msgspec.structs.replace(item, raw=raw), self._source)
        losers = [gone_into(entry, loser, entry.source_id) for loser in _merged(inner, entry.source_id)]
        losers = [msgspec.structs.replace(one, order=one.order + LAST) for one in losers]
        if item.raw.get("archived") is True:
            return [self._archived(entry, item.raw), *losers]
        entry = self._finish.get(item.object, _unfinished)(entry, raw)
        if entry.kind is not EntryKind.deleted and (item.raw.get("owner") or item.raw.get("associated")):
            entry = msgspec.structs.replace(entry, order=entry.order + _KNOWS_MORE)
        return [entry, *losers]

    def _archived(self, entry: Entry, raw: dict[str, Any]) -> Entry:
        try:
            at = moment(raw["archivedAt"], self._source) if raw.get("archivedAt") is not None else None
        except Unreadable as problem:
            raise MappingError("hubspot", "archivedAt", str(problem)) from None
        gone = _deleted(entry)
        if at is None or by_time(at) < entry.order:
            return gone
        return msgspec.structs.replace(gone, order=by_time(at) + LAST, effective_at=at)

    def _ticket(self, entry: Entry, raw: dict[str, Any]) -> Entry:
        """Several categories: the gravest counts. Stages of an account's own are open until the ticket was closed."""
        body = dict(entry.body)
        listed = _listed(scalar_text(raw["properties"].get("hs_ticket_category")) or "")
        if listed:
            body["tags"] = listed
        if len(listed) > 1:
            read = [self._type({**raw["properties"], "hs_ticket_category": one}, raw) for one in listed]
            body["type"] = max(read, key=_TYPES.index)
        if body.get("status", "unknown") == "unknown" and raw["properties"].get("hs_pipeline_stage"):
            body["status"] = "closed" if body.get("resolved") else "open"
        if body.get("status") not in ("resolved", "closed"):
            body.pop("resolved", None)
        return msgspec.structs.replace(entry, body=body)

    def _type(self, properties: dict[str, Any], raw: dict[str, Any]) -> str:
        entry = self._mapping.read(Item(object="ticket", raw={**raw, "properties": properties}), self._source)
        return str(entry.body.get("type", "unknown"))

    def _won(self, entry: Entry, raw: dict[str, Any]) -> Entry:
        """Only a won deal is a purchase or contract, and only as long as it is won."""
        return entry if scalar_text(raw["properties"].get("hs_is_closed_won")) == "true" else _deleted(entry)


def _unfinished(entry: Entry, raw: dict[str, Any]) -> Entry:
    return entry


def _deleted(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, kind=EntryKind.deleted, body={}, order=entry.order + LAST)


def _merged(properties: dict[str, Any], winner: str) -> list[str]:
    """The ids of what was merged into an object, chains of merges included."""
    listed = properties.get("hs_merged_object_ids")
    if listed is None:
        return []
    if not isinstance(listed, str | int) or isinstance(listed, bool):
        raise MappingError("hubspot", "properties.hs_merged_object_ids", f"found {kind(listed)} where ids belong")
    ids = dict.fromkeys(_listed(str(listed)))
    return [number(one, "properties.hs_merged_object_ids") for one in ids if one != winner]


def _scored(entry: Entry, raw: dict[str, Any]) -> Entry:
    """The score with the highest one that was possible, which HubSpot does not say.

    CSAT was once three faces, 0 to 2, and can be stars: then the sentiment that HubSpot adds does not fit three faces.
    """
    score, metric = entry.body.get("score"), str(entry.body.get("metric"))
    if score is None or metric not in _SCALES:
        return entry
    scales = _SCALES[metric]
    if metric == "csat":
        face = _FACES.get(str(raw["properties"].get("hs_response_group")).lower())
        scales = scales if face is None or face == score else scales[1:]
    scale = next((one for one in scales if score <= one), None)
    return entry if scale is None else msgspec.structs.replace(entry, body={**entry.body, "scale": scale})


def _tidied(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties with lists as lists, amounts with their currency, phones and zones in full, "" as nothing."""
    tidy = {name: None if value == "" else value for name, value in properties.items()}
    if isinstance(emails := tidy.get("hs_additional_emails"), str):
        tidy["hs_additional_emails"] = _listed(emails)
    for name, full in (("phone", "hs_calculated_phone_number"), ("mobilephone", "hs_calculated_mobile_number")):
        if isinstance(tidy.get(name), str) and str(tidy.get(full)).startswith("+"):
            tidy[name] = tidy[full]
    if isinstance(language := tidy.get("hs_language"), str):
        tidy["hs_language"] = re.split("[-_]", language)[0].lower()
    if isinstance(zone := tidy.get("hs_timezone"), str):
        tidy["hs_timezone"] = _zones().get(zone.replace("_slash_", "/").lower())
    if scalar_text(tidy.get("hs_email_optout")) == "false":
        tidy["hs_email_optout"] = None  # who has not objected has not agreed either
    for name in ("amount", "hs_mrr"):
        tidy[name] = _with_currency(tidy[name], tidy.get("deal_currency_code")) if name in tidy else None
    return tidy


def _with_currency(amount: object, currency: object) -> object:
    """`1500.125` and EUR as an amount that is read in one way only: HubSpot's point is never one for thousands."""
    if not isinstance(amount, str) or not re.fullmatch(r"-?\d{1,15}(\.\d+)?", amount.strip()):
        return amount
    plain = f"{Decimal(amount.strip()):.4f}"
    return f"{plain} {currency}" if isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency) else plain


def _listed(written: str) -> list[str]:
    """The values of a property that holds several, as HubSpot writes them."""
    return [one.strip() for one in written.split(";") if one.strip()]


@cache
def _zones() -> dict[str, str]:
    """Names of time zones as HubSpot writes them, in lower case → as they are."""
    return {name.lower(): name for name in zoneinfo.available_timezones()}
