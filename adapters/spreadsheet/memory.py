"""What the bridge was told of a table's rows, packed into the cursor, so that only what is new is told again.

A cursor is stored in one transaction with the rows of its page: what it remembers is exactly what was told.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

MOST = 250_000
"""Rows of a table that are remembered; those beyond are told whenever the file has changed."""

_BYTES = 6
"""Of a digest: that a changed row is taken for its former self has a chance of one in 3 · 10^14."""
_GONE = ""
_canonical = msgspec.json.Encoder(order="sorted")
_pairs = msgspec.json.Decoder(list[tuple[str, str]])


class Memory:
    """What was told of the rows of one table. `before` are the blocks of its earlier states, `told` those of this one.

    Where `keeps_ids`, records are remembered by their ids, so that those that vanish can be named; else by digests.
    """

    def __init__(self, before: tuple[str, ...], told: tuple[str, ...], *, keeps_ids: bool) -> None:
        self._before = dict(_unpack(before))
        self._seen = dict(_unpack(told))
        self._keeps_ids = keeps_ids
        self._news: list[tuple[str, str]] = []

    def is_full(self) -> bool:
        """Whether no further row can be remembered."""
        return len(self._seen) >= MOST

    def is_news(self, ids: Sequence[str], content: str) -> bool:
        """Whether a row of these records, with the digest `content`, says anything new; from now on it does not.

        A row that cannot be read has no ids.
        """
        names = [self._name(one) for one in ids] or [f"!{content}"]
        news = any(self._seen.get(name, self._before.get(name)) != content for name in names)
        for name in names:
            if self._seen.get(name) != content and (name in self._seen or not self.is_full()):
                self._note(name, content)
        return news

    def vanished(self) -> list[str]:
        """The ids of the records that an earlier state had and this one, read to its end, has not; sorted."""
        return sorted(
            name[1:]
            for name, content in self._before.items()
            if name[0] == "=" and content != _GONE and name not in self._seen
        )

    def share(self, count: int) -> float:
        """How great a part `count` records are of those of the earlier states."""
        known = sum(1 for name, content in self._before.items() if name[0] == "=" and content != _GONE)
        return count / known if known else 0.0

    def let_go(self, ids: Iterable[str]) -> None:
        """Remember that these records were said to be gone."""
        for one in ids:
            self._note(f"={one}", _GONE)

    def block(self) -> tuple[str, ...]:
        """What was noted since the last block, packed; () for nothing."""
        news, self._news = self._news, []
        packed = zlib.compress(msgspec.json.encode(news), 6)
        return (base64.b64encode(packed).decode(),) if news else ()

    def _note(self, name: str, content: str) -> None:
        self._seen[name] = content
        self._news.append((name, content))

    def _name(self, number: str) -> str:
        return f"={number}" if self._keeps_ids else f"#{digest(number)}"


def digest(value: Any) -> str:
    """A short digest of anything that JSON can hold."""
    return base64.b64encode(blake2b(_canonical.encode(value), digest_size=_BYTES).digest()).decode()


def _unpack(blocks: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    for block in blocks:
        yield from _pairs.decode(zlib.decompress(base64.b64decode(block)))
