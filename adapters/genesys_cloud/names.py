"""Names behind the ids in a conversation: queues, employees, wrap-up codes, outcomes of flows. Asked for once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from bridge.adapter.client import Client
from bridge.adapter.paths import kind
from bridge.errors import VendorRetryable

QUEUES: Final = "api/v2/routing/queues"
_LISTS: Final = {
    "queueId": QUEUES,
    "userId": "api/v2/users",
    "wrapUpCode": "api/v2/routing/wrapupcodes",
    "flowOutcomeId": "api/v2/flows/outcomes",
}
"""The name under which a conversation carries an id → the list that knows what it is called."""
_MOST = 50
"""Ids a request: a longer URL is refused by some proxies."""
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Names:
    """What one source's ids are called, as far as it was asked. A changed name is learned by the next process."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: dict[str, str] = {}

    async def of(self, client: Client, rows: Iterable[Any]) -> list[dict[str, str]]:
        """For each of `rows`, what the ids in it are called; those of which Genesys knows nothing (any more) are left
        out."""
        ids = [list(_ids(row)) for row in rows]
        for name, path in _LISTS.items():
            wanted = sorted({number for found in ids for place, number in found if place == name} - self._known.keys())
            for at in range(0, len(wanted), _MOST):
                await self._ask(client, path, wanted[at : at + _MOST])
        return [{number: self._known[number] for _, number in found if number in self._known} for found in ids]

    async def probe(self, client: Client) -> None:
        """Make sure that it is Genesys that answers. Raises as `Client.call`, and VendorRetryable for other answers."""
        await self._ask(client, QUEUES, [])

    async def _ask(self, client: Client, path: str, ids: list[str]) -> None:
        data = (await client.call("GET", path, params={"pageSize": _MOST if ids else 1, "id": ids})).data
        rows = data.get("entities") if isinstance(data, dict) else None
        if not isinstance(rows, list):
            raise VendorRetryable(self._source, f"GET {path}: the answer holds {kind(rows)} where the list belongs")
        for row in rows:
            number, name = (row.get("id"), row.get("name")) if isinstance(row, dict) else (None, None)
            if isinstance(number, str) and isinstance(name, str) and name:
                self._known[number] = name


def _ids(value: Any) -> Iterator[tuple[str, str]]:
    """Every id in `value` whose name can be asked for, with the name under which it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _LISTS and isinstance(inner, str) and _ID.fullmatch(inner):
                yield name, inner
            else:
                yield from _ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids(inner)
