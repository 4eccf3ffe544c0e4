"""Vendors' servers, each written from the vendor's documentation and from nothing of its adapter.

`contract_tests/fakes/<vendor>.py` holds a class `Fake`; the kit uses it as the transport of the adapter's client. Where
a vendor signs in a way of its own (scheme `own`), the module also holds
`sign(secret, *, method, url, headers, body) -> dict[str, str]`: the headers that the vendor adds. One that puts the
signature into the body has `seal(secret, body) -> bytes` instead: the body that the vendor sends around `body`.
"""

from __future__ import annotations

from typing import Literal, Protocol

import httpx

Trouble = Literal["", "clamped", "stuck", "unfiltered"]
"""What real servers do.

clamped: whoever asks beyond the last page gets the last page again, and is told of more. stuck: every page is the
first one, with the same cursor and the promise of more. unfiltered: a filter is ignored, everybody comes back with 200.
"""


class FakeVendor(Protocol):
    """What the kit asks of a fake server. It pages with at most `page_size` objects, whatever is asked for: three,
    unless the kit says otherwise.

    A fake whose vendor has ids of a form of their own says one that nobody has as `nobody`.

    Its own clock stands still but for `touch`, `remove` and `merge`, which each happen a second after all before.
    """

    trouble: Trouble
    page_size: int

    def fill(self, stream: str, count: int) -> set[str]:
        """Make `count` objects of `stream`, all changed in the same second; gives back their ids at the vendor."""
        ...

    def touch(self, stream: str, number: str) -> None:
        """The object changes; its id stays."""
        ...

    def remove(self, stream: str, number: str) -> bool:
        """The object is deleted at the vendor. False (and nothing is done) where its interface tells nobody of that."""
        ...

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        """One object goes over into another. False (and nothing is done) where the vendor merges no such objects, or
        its interface tells nobody."""
        ...

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        """A customer as the vendor keeps one; `phone` as people type it. Gives back the id at the vendor."""
        ...

    def authorises(self, request: httpx.Request) -> bool:
        """Whether a request asks for nothing but a token."""
        ...

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The vendor's answer to one request."""
        ...
