"""HubSpot's paths in either way of numbering its versions, and the answers taken apart.

https://developers.hubspot.com/docs/api-reference/latest/overview
"""

from __future__ import annotations

from typing import Any

from bridge.adapter.client import Client
from bridge.adapter.paths import kind, scalar_text
from bridge.errors import VendorRefused, VendorRetryable


class Api:
    """The calls of one source. Every method raises VendorRetryable for an answer that is none."""

    def __init__(self, source: str, version: str) -> None:
        self.source = source
        dated = version[:1].isdigit()
        self._objects = f"crm/objects/{version}" if dated else f"crm/{version}/objects"
        self._owners = f"crm/owners/{version}" if dated else f"crm/{version}/owners"
        # Among the numbered versions only the fourth of this interface says which association is the primary one.
        self._associations = f"crm/associations/{version}" if dated else "crm/v4/associations"

    async def search(self, client: Client, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """POST …/search: at most 200 rows, and never more than 10,000 to one question."""
        return self._rows(await client.call("POST", f"{self._objects}/{path}/search", json=question))

    async def listed(self, client: Client, path: str, params: dict[str, Any]) -> dict[str, Any]:
        """GET …: a page of all objects, archived ones when asked so."""
        return self._rows(await client.call("GET", f"{self._objects}/{path}", params=params))

    async def single(self, client: Client, path: str, number: str, properties: list[str]) -> dict[str, Any] | None:
        """One object; None where it is gone. The id of an object that was merged leads to the one it went into."""
        try:
            where = f"{self._objects}/{path}/{number}"
            answer = await client.call("GET", where, params={"properties": ",".join(properties)})
        except VendorRefused as problem:
            if problem.status in (404, 410):
                return None
            raise
        if not isinstance(answer.data, dict) or not isinstance(answer.data.get("properties"), dict):
            raise self._odd(f"{path}: the answer holds no object")
        return answer.data

    async def owners(self, client: Client, after: str) -> dict[str, Any]:
        """GET …/owners: a page of the account's users."""
        params = {"limit": 500} | ({"after": after} if after else {})
        return self._rows(await client.call("GET", self._owners, params=params))

    async def associated(self, client: Client, path: str, to: str, ids: list[str]) -> dict[str, Any]:
        """For whom of `ids` there is an association with `to`: its answer's `to` lists by id."""
        where = f"{self._associations}/{path}/{to}/batch/read"
        data = self._rows(await client.call("POST", where, json={"inputs": [{"id": one} for one in ids]}))
        found: dict[str, Any] = {}
        for row in data["results"]:
            start = row.get("from") if isinstance(row, dict) else None
            number = scalar_text(start.get("id")) if isinstance(start, dict) else None
            if number not in ids:
                raise self._odd(f"{path}: the associations are those of other objects")
            found[number] = row.get("to")
        return found

    async def create(self, client: Client, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """POST …: something new. HubSpot honours no idempotency key; it is sent for its logs."""
        answer = await client.call("POST", f"{self._objects}/{path}", json=body, headers={"idempotency-key": key})
        return answer.data if isinstance(answer.data, dict) else {}

    def next_page(self, data: dict[str, Any], what: str, before: str) -> str:
        """Where the next page of a list begins, "" at its end."""
        paging = data.get("paging")
        following = paging.get("next") if isinstance(paging, dict) else None
        after = scalar_text(following.get("after")) if isinstance(following, dict) else None
        if after and (after == before or not data["results"]):
            raise self._odd(f"{what}: the vendor repeats a page; stopped instead of looping")
        return after or ""

    def _rows(self, answer: Any) -> dict[str, Any]:
        data = answer.data
        if not isinstance(data, dict) or not isinstance(data.get("results"), list):
            found = kind(data.get("results")) if isinstance(data, dict) else kind(data)
            raise self._odd(f"the answer holds {found} where its results belong")
        return data

    def _odd(self, what: str) -> VendorRetryable:
        return VendorRetryable(self.source, what)
