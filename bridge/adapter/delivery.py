"""What passes between the bridge and an adapter: requests in, items, pages, answers, actions out."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

_canonical = msgspec.json.Encoder(order="sorted")


class Request(Struct, frozen=True, kw_only=True):
    """A request as it arrived at `/webhooks/{source}`. `body` is the raw bytes: signatures are over them.

    `url` is the public URL the vendor called, built from the configured public base URL and the raw path and query,
    never from forwarded headers. Header names are lower case.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    received_at: datetime


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One vendor object or event, kept on disk before anything is made of it.

    `object` is the vendor-side name that the mapping's `objects` uses. `dedupe` is unique to this event or version
    within its source; "" stands for "same content, same item". `place` says where it stood (file and line) and
    `problem` why it cannot be read at all: such an item goes straight to dead letters.
    """

    object: str
    raw: dict[str, Any]
    dedupe: str = ""
    patch: bool = False
    place: str = ""
    problem: str = ""

    @property
    def dedupe_key(self) -> str:
        """`dedupe`, or a hash over object and content in canonical form."""
        if self.dedupe:
            return f"{self.object}:{self.dedupe}"
        return blake2b(_canonical.encode([self.object, self.raw, self.place]), digest_size=16).hexdigest()


class Refetch(Struct, frozen=True, kw_only=True):
    """A delivery was only a hint: fetch `object` `id` from the vendor and go on with what comes back."""

    object: str
    id: str


class Reply(Struct, frozen=True, kw_only=True):
    """How a webhook is answered once its items are on disk."""

    status: int = 202
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class Opened(Struct, frozen=True, kw_only=True):
    """A verified request taken apart: the items to keep, how many parts were not ours, and the answer."""

    items: tuple[Item, ...] = ()
    ignored: int = 0
    reply: Reply = Reply()


class Page(Struct, frozen=True, kw_only=True):
    """One page of a sync. The items and `cursor` are stored in one transaction; `more` asks for the next page now.

    `total` is the number of items of the stream, where the source knows it, for progress.
    """

    items: tuple[Item, ...]
    cursor: str
    more: bool
    total: int | None = None


class Action(Struct, frozen=True, kw_only=True):
    """Something to do at a vendor. `idempotency_key` is the same for every attempt at the same thing."""

    do: str
    args: dict[str, Any]
    idempotency_key: str


class Receipt(Struct, frozen=True, kw_only=True):
    """What a vendor gave back for an action: its own reference, where it has one."""

    reference: str = ""
