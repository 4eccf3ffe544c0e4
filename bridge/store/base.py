"""What every room may ask of the store; `sqlite.py` and `postgres.py` both keep these promises.

Statements live in `bridge/store/sql/<room>.sql` under `-- name: <statement>` and are called as `<room>.<statement>`
with named parameters (`:name`). Lists go through `= any(:names)`. Instants are microseconds since 1970 (see `micros`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, Protocol

from msgspec import Struct, field

Row = tuple[Any, ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An aware instant as microseconds since 1970, as the store keeps it."""
    return (at - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """The aware UTC instant that `micros` made `value` of."""
    return _EPOCH + value * _MICROSECOND


class Guard(Struct, frozen=True):
    """A read that must still give `expected` inside the transaction, else nothing is written."""

    statement: str
    params: dict[str, Any]
    expected: list[Row]


class Step(Struct, frozen=True):
    """One statement with one or many sets of parameters; with `expect`, the number of rows it must change in all."""

    statement: str
    rows: Sequence[dict[str, Any]]
    expect: int | None = None


class Unit(Struct):
    """What is written in one transaction: all of it, or nothing."""

    since: int | None = None
    """What `Store.mark` said before the first read: where nobody has written since, the guards need not be asked."""
    guards: list[Guard] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    wake: set[str] = field(default_factory=set)
    """Channels whose waiters are woken once this is committed."""

    def guard(self, statement: str, expected: Iterable[Row], **params: Any) -> None:
        """Write only if `statement` still returns exactly `expected` (in its own order)."""
        self.guards.append(Guard(statement, params, list(expected)))

    def add(self, statement: str, *, expect: int | None = None, **params: Any) -> None:
        """Run `statement` once. With `expect`, another number of changed rows undoes everything (Superseded)."""
        self.steps.append(Step(statement, (params,), expect))

    def many(self, statement: str, rows: Sequence[dict[str, Any]], *, expect: int | None = None) -> None:
        """Run `statement` for each of `rows`, in order; nothing for no rows."""
        if rows:
            self.steps.append(Step(statement, rows, expect))


class Store(Protocol):
    """The one database. Every write is one transaction and is on disk (fsynced) when the call returns."""

    engine: Literal["sqlite", "postgres"]

    def mark(self) -> int | None:
        """A number that is another one after any commit by anybody; None where there is no such thing."""
        ...

    async def all(self, statement: str, /, **params: Any) -> list[Row]:
        """All rows of a read."""
        ...

    async def one(self, statement: str, /, **params: Any) -> Row | None:
        """The first row of a read, or None."""
        ...

    async def change(self, statement: str, /, **params: Any) -> list[Row]:
        """Run one writing statement in a transaction of its own and give back what it returns."""
        ...

    async def write(self, unit: Unit) -> float:
        """Write all of `unit` or nothing. Raises Superseded when a guard or an expected count does not hold.

        Returns the seconds for which others who write had to wait for it.
        """
        ...

    def answer(self, kind: str, value: str, language: str | None) -> Row | Awaitable[Row | None] | None:
        """The hot read: one row for one key (see `gateway/lookup.py`). SQLite answers at once, PostgreSQL with an
        awaitable."""
        ...

    async def wait(self, channel: str, seconds: float, *, since: int | None = None) -> bool:
        """Sleep until `channel` is woken by a committed unit of any process, or `seconds` have passed (False).

        `since` is what `mark` said before the caller looked and found nothing to do: what was committed between that
        look and this call then counts too, so that nothing is slept through.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        ...


async def find_answer(store: Store, kind: str, value: str, language: str | None = None) -> Row | None:
    """`store.answer`, whichever engine it is: for all who are not in such a hurry."""
    found = store.answer(kind, value, language)
    return await found if isinstance(found, Awaitable) else found
