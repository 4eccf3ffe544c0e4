"""One table being read, page by page, and the place in it that a cursor holds."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.base import Item

from .folder import Table
from .form import Form, examine
from .memory import MOST, Memory, digest
from .row import Unusable
from .text import TextRows
from .workbook import SheetRows, spool

PAGE_ROWS = 500
PAGE_BYTES = 4 << 20
PAGE_LOOKED_AT = 10_000
"""A page ends with the row that goes beyond one of these: rows that are told, bytes, rows that were looked at."""

FEW = 5
"""So many rows may always vanish from a full export, be it ever so short."""

GONE = "vanished"
"""The object of an item that says of a record that it is no longer in the export."""


class Place(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How far a table was read: `line` lines, `offset` bytes, `rows` rows; of which state of the file, and its form.

    `turn` counts the states of the file that were met, so that a state that comes back is read once more. `changed` is
    the time of the file's last change in nanoseconds. `before` and `told` are what `Memory` packed. `ended` says that
    every row was read, `done` that there is nothing more to say.
    """

    file: str
    turn: int = 0
    rows: int = 0
    line: int = 0
    offset: int = 0
    ended: bool = False
    done: bool = False
    changed: int = 0
    form: Form | None = None
    before: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    def at_start_of(self, file: str, changed: int) -> Place:
        """The place from which another state of the file is read."""
        known = (*self.before, *self.told)
        return Place(file=file, turn=self.turn + 1, changed=changed, before=known)


class Reading:
    """An open table, standing at `place`. Opening raises Unusable, and OSError.

    Of a table with a column in `hidden` nothing is kept of rows that cannot be read, for it may stand anywhere there;
    and such columns alone never make a row a changed one. `ids` gives the records that a row is about, none for a row
    that nobody can read. `most_gone` is the part of a full export that may vanish at once.
    """

    def __init__(
        self,
        table: Table,
        place: Place,
        encoding: str,
        delimiter: str,
        *,
        hidden: frozenset[str],
        ids: Callable[[Item], Sequence[str]],
        most_gone: float,
    ) -> None:
        self._table = table
        self._hidden = hidden
        self._ids = ids
        self._most_gone = most_gone
        self._memory = Memory(place.before, place.told, keeps_ids=table.full)
        self._rows: TextRows | SheetRows
        file = spool(table.path, table.sheet) if table.sheet else table.path.open("rb")
        try:
            if table.sheet:
                form = None
                self._rows = SheetRows(file)
                self._lines = self._rows.lines
            else:
                form = place.form or examine(file, encoding, delimiter)
                self._rows = TextRows(file, form)
                self._lines = form.lines
        except BaseException:
            file.close()
            raise
        # without it, a reading that nobody finishes would keep its file open until the process ends
        self.close = weakref.finalize(self, self._rows.close)
        if place.rows:
            self._rows.go_to(place.offset, place.line)
        self.place = msgspec.structs.replace(place, form=form)
        self._hides = not hidden.isdisjoint(self._rows.columns)
        self._token = blake2b(f"{table.stream} {place.file} {place.turn}".encode(), digest_size=9).hexdigest()

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical names in the first row."""
        return self._rows.columns

    @property
    def total(self) -> int:
        """Rows in all: exact at the end, before it too high by the blank and continued lines that are still to come."""
        return self.place.rows + (0 if self.place.ended else max(0, self._lines - self._rows.line))

    def page(self) -> tuple[Item, ...]:
        """The next rows that say something new, then the records that vanished; `place` then stands behind them.

        Raises Unusable for a full export of which more is missing than may be.
        """
        items = self._vanished() if self.place.ended else self._told()
        told = (*self.place.told, *self._memory.block())
        done = self.place.ended and not (self._table.full and self._memory.vanished())
        self.place = msgspec.structs.replace(self.place, told=told, done=done, before=() if done else self.place.before)
        return tuple(items)

    def _told(self) -> list[Item]:
        rows, items, looked_at = self._rows, list[Item](), 0
        until = rows.offset + PAGE_BYTES
        ended = True
        for line, fields, problem in rows:
            looked_at += 1
            if self._table.full and self._memory.is_full():
                raise Unusable(f"has more than {MOST:,} rows, too many to tell which vanish; leave it out of full")
            item = self._item(line, fields, problem)
            if self._memory.is_news(() if problem else self._ids(item), self._digest(fields)):
                items.append(item)
            if len(items) == PAGE_ROWS or rows.offset >= until or looked_at == PAGE_LOOKED_AT:
                ended = False
                break
        self.place = msgspec.structs.replace(
            self.place, rows=self.place.rows + looked_at, line=rows.line, offset=rows.offset, ended=ended
        )
        return items

    def _vanished(self) -> list[Item]:
        gone = self._memory.vanished()
        if len(gone) > FEW and self._memory.share(len(gone)) > self._most_gone:
            raise Unusable(
                f"lacks {len(gone):,} records that it had before, more than {self._most_gone:.0%} of them, and so may "
                "not be complete: none of them was deleted. If it is, raise the setting most_vanished"
            )
        gone = gone[:PAGE_ROWS]
        self._memory.let_go(gone)
        name, what = self._table.name, self._table.object
        raws = [{"object": what, "id": number} for number in gone]
        return [
            Item(object=GONE, raw=raw, dedupe=f"{self._token}:gone:{digest(raw['id'])}", place=name) for raw in raws
        ]

    def _item(self, line: int, fields: dict[str, Any], problem: str) -> Item:
        return Item(
            object=self._table.object,
            raw={} if problem and self._hides else fields,
            dedupe=f"{self._token}:{line}",
            place=f"{self._table.name}:{line}",
            problem=problem,
        )

    def _digest(self, fields: dict[str, Any]) -> str:
        return digest({name: value for name, value in fields.items() if name not in self._hidden})
