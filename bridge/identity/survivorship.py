"""One person out of several vendors' records of them: which source wins for which field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.model import Channel, Consent, ConsentStatus, Customer

Said = tuple[str, datetime, Customer]
"""Source, when it took effect, what it says."""

_UNIONS = ("phones", "emails", "accounts", "tags")
_ANY_TRUE = ("objects_to_profiling", "deceased")
_SEPARATE = frozenset((*_UNIONS, *_ANY_TRUE, "external_ids", "consents", "customer_since"))
_SINGLE = tuple(name for name in Customer.__struct_fields__ if name not in _SEPARATE)
_RESTRICTION = {ConsentStatus.denied: 0, ConsentStatus.granted: 1, ConsentStatus.unknown: 2}


def survive(said: Iterable[Said], order: Mapping[str, Sequence[str]]) -> Customer:
    """The unified customer. `order` names per field the sources that win, first best; `*` is any other, newest first.

    Lists are united; a flag that one source raises is up; of several consents for a channel the most restrictive holds
    (denied before granted before unknown), and of equal ones the newest; the earliest `customer_since` counts.
    """
    newest = sorted(said, key=lambda one: (one[1], one[0]), reverse=True)
    if len(newest) == 1:
        return newest[0][2]
    merged: dict[str, Any] = {}
    for name in _SINGLE:
        for _, _, customer in _ranked(newest, order.get(name, ("*",))):
            value = getattr(customer, name)
            if value is not None and value is not Channel.unknown:
                merged[name] = value
                break
    for name in _UNIONS:
        ranked = _ranked(newest, order.get(name, ("*",)))
        merged[name] = tuple(dict.fromkeys(value for _, _, customer in ranked for value in getattr(customer, name)))
    for name in _ANY_TRUE:
        merged[name] = any(getattr(customer, name) for _, _, customer in newest)
    for _, _, customer in reversed(newest):
        merged["external_ids"] = merged.get("external_ids", {}) | customer.external_ids
    since = [customer.customer_since for _, _, customer in newest if customer.customer_since]
    merged["customer_since"] = min(since) if since else None
    merged["consents"] = _strictest(consent for _, _, customer in newest for consent in customer.consents)
    return Customer(**merged)


def _ranked(newest: list[Said], sources: Sequence[str]) -> list[Said]:
    if tuple(sources) == ("*",):
        return newest
    places = {source: place for place, source in enumerate(sources)}
    rest = places.get("*", len(places))
    return sorted(newest, key=lambda one: places.get(one[0], rest))


def _strictest(consents: Iterable[Consent]) -> tuple[Consent, ...]:
    held: dict[Channel, Consent] = {}
    for consent in consents:
        other = held.get(consent.channel)
        if other is None or _strictness(consent) < _strictness(other):
            held[consent.channel] = consent
    return tuple(held[channel] for channel in sorted(held))


def _strictness(consent: Consent) -> tuple[int, float]:
    return (_RESTRICTION[consent.status], -consent.at.timestamp() if consent.at else float("inf"))
