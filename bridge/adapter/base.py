"""The class that every adapter is: a manifest and a mapping, and only what those two cannot say as code."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bridge.adapter.actions import checked
from bridge.adapter.delivery import Action, Item, Opened, Page, Receipt, Refetch, Reply, Request
from bridge.adapter.manifest import ACTIONS, Manifest
from bridge.adapter.signatures import verify
from bridge.adapter.source import Source
from bridge.errors import BadRequest, VendorRefused
from bridge.model import Entry, Key

if TYPE_CHECKING:
    from bridge.adapter.client import Client
    from bridge.adapter.mapping import Mapping


class Adapter:
    """One configured source. Override what the vendor makes necessary; the defaults do the rest.

    The adapter is shared by all requests of its process and keeps nothing between calls but caches (a token, say).
    """

    can_find: frozenset[str] = frozenset()
    """The actions of which the vendor can tell afterwards, by their key, whether they were done (`find_sent`)."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        self.source = source
        self.manifest = manifest
        self.mapping = mapping

    def verify(self, request: Request, now: datetime) -> None:
        """Raise NotAuthentic unless the vendor vouches for `request`; by default as the manifest's signature says."""
        verify(self.manifest, self.source, request, now)

    def open(self, request: Request) -> Opened:
        """Take a verified request apart into items. Raises BadRequest for a body that is not the vendor's."""
        raise BadRequest(f"{self.source.name} takes no webhooks")

    def read(self, item: Item) -> list[Entry | Refetch]:
        """What an item says, as entries of the shared model; [] for what is no record of ours. Raises MappingError."""
        return [self.mapping.read(item, self.source)]

    def streams(self) -> tuple[str, ...]:
        """The streams that can be polled now, in the order in which they are best read first."""
        return self.manifest.streams

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        """The next page of `stream` after `cursor` ("" at first)."""
        raise VendorRefused(self.source.name, f"has no stream {stream}")

    async def lookup(self, client: Client, key: Key) -> list[Item]:
        """Ask the vendor, live, for the person with `key`. The bridge checks that each answer really carries it."""
        raise VendorRefused(self.source.name, "has no live look-up")

    async def fetch(self, client: Client, wanted: Refetch) -> list[Item]:
        """Fetch the object that a delivery only hinted at."""
        raise VendorRefused(self.source.name, f"cannot fetch {wanted.object}")

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        """The headers that authorise a request; `renew` after the vendor answered 401 to the last ones."""
        return {}

    async def perform(self, client: Client, action: Action) -> Receipt:
        """Do `action` at the vendor, once: by the method of its name, which takes the client, the action's typed
        arguments (`bridge.adapter.actions`) and the idempotency key.

        Raises VendorRefused, before anybody is called, for what the manifest does not declare and for arguments that do
        not fit; VendorRetryable with `undone` only where the vendor surely did nothing.
        """
        if action.do not in ACTIONS or action.do not in self.manifest.capabilities:
            raise VendorRefused(self.source.name, f"cannot {action.do}")
        given = checked(self.source.name, action)
        done: Receipt = await getattr(self, action.do)(client, given, action.idempotency_key)
        return done

    async def find_sent(self, client: Client, action: Action) -> Receipt | None:
        """Ask the vendor whether `action`, one of `can_find`, was done under its key; nothing is changed there.

        None: there surely is nothing of it at the vendor. Whoever cannot tell that raises a VendorError.
        """
        raise VendorRefused(self.source.name, f"cannot be asked whether {action.do} was done")


def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises BadRequest otherwise."""
    try:
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    return body


__all__ = [
    "Action",
    "Adapter",
    "Entry",
    "Item",
    "Key",
    "Opened",
    "Page",
    "Receipt",
    "Refetch",
    "Reply",
    "Request",
    "Source",
    "json_body",
]
