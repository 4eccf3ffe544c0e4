"""Items → entries: what the mapping cannot say. Deletions, complaints by tag, the scale of ratings, renewals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from bridge.adapter.delivery import Item, Refetch
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind, scalar_text, walk_quietly
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind

from .hints import named_ticket

_SCORES = {"-103": 0, "-102": 1, "-101": 2, "100": 3, "101": 4, "102": 5, "103": 6, "3": 0, "2": 3, "1": 6}
"""https://developers.freshdesk.com/api/#satisfaction-ratings: from extremely unhappy to extremely happy; 1 to 3 are
the happy, neutral and unhappy of a classic survey."""
_DONE = frozenset({"resolved", "closed"})


class Records:
    """Reads the items of one source. Raises MappingError for what cannot be read, naming the path, not the value."""

    def __init__(self, source: Source, mapping: Mapping, *, system: str, complaint: str, cancellation: str) -> None:
        self._source = source
        self._mapping = mapping
        self._system = system
        self._by_tag = {
            **dict.fromkeys(_words(complaint), "complaint"),
            **dict.fromkeys(_words(cancellation), "cancellation"),
        }
        self._readers: dict[str, Callable[[Item], list[Entry | Refetch]]] = {
            "contact": self._contact,
            "company": self._company,
            "renewal": self._renewal,
            "ticket": self._ticket,
            "satisfaction_rating": self._rating,
            "ticket_hint": lambda item: [Refetch(object="ticket", id=_hinted(item))],
            "rating_hint": lambda item: [
                Refetch(object="ticket", id=_hinted(item)),
                Refetch(object="satisfaction_rating", id=_hinted(item)),
            ],
        }

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entries of one item; [] for agents, who are contacts too."""
        return self._readers[item.object](item) if item.object in self._readers else [self._mapped(item)]

    def _mapped(self, item: Item, **changed: Any) -> Entry:
        return self._mapping.read(msgspec.structs.replace(item, **changed) if changed else item, self._source)

    def _contact(self, item: Item) -> list[Entry | Refetch]:
        raw = item.raw
        if raw.get("helpdesk_agent") is True or isinstance(raw.get("agent"), dict):
            return []
        if isinstance(
            companies := raw.get("other_companies"), list
        ):  # lists hold bare ids here, single contacts objects
            tidy = [one if isinstance(one, dict) else {"company_id": one} for one in companies]
            entry = self._mapped(item, raw={**raw, "other_companies": tidy})
        else:
            entry = self._mapped(item)
        if raw.get("deleted") is True:
            return [_deleted(entry)]
        body = dict(entry.body)
        if ids := body.get("external_ids"):
            body["external_ids"] = {self._system if name == "crm" else name: value for name, value in ids.items()}
        if body.get("language"):
            body["language"] = body["language"].replace("_", "-").partition("-")[0].lower()
        # Lists leave out the other addresses: of one and the same version the single contact counts.
        order = entry.order + ("+" if "other_emails" in raw else "")
        return [msgspec.structs.replace(entry, body=body, order=order)]

    def _company(self, item: Item) -> list[Entry | Refetch]:
        return [self._mapped(item), *self._renewal(item)]

    def _renewal(self, item: Item) -> list[Entry | Refetch]:
        entry = self._mapped(item, object="renewal")
        return [entry if entry.body.get("ends") else _deleted(entry)]

    def _ticket(self, item: Item) -> list[Entry | Refetch]:
        entry = self._mapped(item)
        if item.raw.get("deleted") is True or item.raw.get("spam") is True:
            return [_deleted(entry)]
        body = dict(entry.body)
        for tag in body.get("tags") or ():
            if tag.casefold() in self._by_tag:
                body["type"] = self._by_tag[tag.casefold()]
        if body.get("status") not in _DONE:
            body.pop("resolved", None)
        if walk_quietly(item.raw, ("stats", "reopened_at")):
            body["reopened"] = 1  # Freshdesk says when it was last, not how often
        return [msgspec.structs.replace(entry, body=body)]

    def _rating(self, item: Item) -> list[Entry | Refetch]:
        entry = self._mapped(item)
        given = walk_quietly(item.raw, ("ratings", "default_question"))
        if given is None:
            return [entry]
        score = _SCORES.get(scalar_text(given) or "")
        if score is None:
            raise MappingError(
                "freshdesk", "satisfaction_rating.ratings.default_question", f"found {kind(given)} that is no rating"
            )
        return [msgspec.structs.replace(entry, body={**entry.body, "score": float(score), "scale": 6.0})]


def _hinted(item: Item) -> str:
    number = named_ticket(item.raw)
    if not number:
        raise MappingError("freshdesk", "ticket_id", "found nothing that is the number of a ticket")
    return number


def _deleted(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, kind=EntryKind.deleted, body={})


def _words(listed: str) -> Iterable[str]:
    return (word.strip().casefold() for word in listed.split(",") if word.strip())
