"""One table being read, page by page, and the place in it that a cursor holds."""

from __future__ import annotations

import weakref
from hashlib import blake2b

import msgspec
from msgspec import Struct

from bridge.adapter.base import Item

from .folder import Table
from .form import Form, examine
from .text import TextRows
from .workbook import SheetRows, spool

PAGE_ROWS = 500
PAGE_BYTES = 4 << 20
"""A page ends with the row that goes beyond one of these."""


class Place(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How far a table was read: `line` lines, `offset` bytes, `rows` rows; of which state of the file, and its form.

    `turn` counts the states of the file that were met, so that a state that comes back is read once more.
    """

    file: str
    turn: int = 0
    rows: int = 0
    line: int = 0
    offset: int = 0
    done: bool = False
    form: Form | None = None


class Reading:
    """An open table, standing at `place`. Opening raises Unusable, and OSError.

    Of a table with a column in `hidden` nothing is kept of rows that cannot be read, for it may stand anywhere there.
    """

    def __init__(self, table: Table, place: Place, encoding: str, delimiter: str, hidden: frozenset[str]) -> None:
        self._table = table
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
        self._token = blake2b(f"{table.name} {place.file} {place.turn}".encode(), digest_size=9).hexdigest()

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical names in the first row."""
        return self._rows.columns

    @property
    def total(self) -> int:
        """Rows in all: exact at the end, before it too high by the blank and continued lines that are still to come."""
        return self.place.rows + (0 if self.place.done else max(0, self._lines - self._rows.line))

    def page(self) -> tuple[Item, ...]:
        """The next rows as items; `place` then stands behind them."""
        name, what, token, rows = self._table.name, self._table.object, self._token, self._rows
        items: list[Item] = []
        until = rows.offset + PAGE_BYTES
        done = True
        for line, fields, problem in rows:
            raw = {} if problem and self._hides else fields
            items.append(Item(object=what, raw=raw, dedupe=f"{token}:{line}", place=f"{name}:{line}", problem=problem))
            if len(items) == PAGE_ROWS or rows.offset >= until:
                done = False
                break
        self.place = msgspec.structs.replace(
            self.place, rows=self.place.rows + len(items), line=rows.line, offset=rows.offset, done=done
        )
        return tuple(items)
