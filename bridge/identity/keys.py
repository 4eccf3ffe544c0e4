"""What a key answers: one customer, one account, or several candidates that must not be told apart on the phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from bridge.model import Key

TIERS = ("platinum", "gold", "silver", "bronze", "unknown")
"""Best first; the order in which several candidates are compared."""


class Standing(Struct, frozen=True):
    """What routing needs of a customer whose key is not exact, and the language its answers are in."""

    tier: str = "unknown"
    priority: int = 3
    route_hint: str = "general"
    language: str = ""


class Holder(Struct, frozen=True):
    """One profile that has a key: the customer it belongs to, its accounts, and whether it says the key is shared."""

    customer: str
    accounts: frozenset[str]
    shared: bool


def key_row(
    key: Key, holders: Iterable[Holder], *, unlinked: bool, standing: Mapping[str, Standing]
) -> dict[str, Any] | None:
    """The row of `keys` for `key`; None when nobody holds it.

    Exact when one customer holds it and neither the vendor nor a rule calls it shared. Otherwise the answer carries the
    best tier and priority among the candidates, and their account where all of them share one.
    """
    held = list(holders)
    if not held:
        return None
    customers = sorted({one.customer for one in held})
    row: dict[str, Any] = {"kind": key.kind.value, "value": key.value, "account": "", "candidates": len(customers)}
    if len(customers) == 1 and not unlinked and not any(one.shared for one in held):
        return row | {
            "match": "exact",
            "customer": customers[0],
            "tier": "unknown",
            "priority": 3,
            "route_hint": "general",
            "language": "",
        }
    common = _common_accounts(held)
    all_standing = [standing.get(one, Standing()) for one in customers]
    best = min(all_standing, key=lambda one: (one.priority, TIERS.index(one.tier), one.route_hint))
    languages = {one.language for one in all_standing}
    return row | {
        "match": "account" if common else "ambiguous",
        "customer": "",
        "account": min(common) if common else "",
        "tier": min((one.tier for one in all_standing), key=TIERS.index),
        "priority": best.priority,
        "route_hint": best.route_hint,
        "language": languages.pop() if len(languages) == 1 else "",
    }


def _common_accounts(held: list[Holder]) -> frozenset[str]:
    by_customer: dict[str, frozenset[str]] = {}
    for one in held:
        by_customer[one.customer] = by_customer.get(one.customer, frozenset()) | one.accounts
    return frozenset.intersection(*by_customer.values())
