"""What customers were granted and when it may be offered again; grants of those who were merged into them count too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from bridge.store import Store, instant

_NOBODY: Mapping[str, str] = {}


async def running_grants(
    store: Store, customers: Iterable[str], absorbed: Mapping[str, str] = _NOBODY
) -> dict[str, dict[str, datetime]]:
    """Customer → offer → when the last grant of it has cooled down, which may be in the past. Who has none is left out.

    `absorbed` says who is being merged into whom, as far as the store does not know it yet.
    """
    asked = set(customers)
    merging = {old: new for old, new in absorbed.items() if new in asked}
    found: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    if not asked:
        return found
    for customer, offer, until, _ in await store.all("customers.grants", ids=sorted(asked | merging.keys())):
        owner = merging.get(str(customer), str(customer))
        at = instant(until)
        found[owner][offer] = max(at, found[owner].get(offer, at))
    return found
