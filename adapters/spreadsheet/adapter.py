"""Spreadsheets: CSV and Excel exports in a folder, read whenever they change."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from bridge.adapter.actions import ExportList
from bridge.adapter.base import Adapter, Entry, Item, Page, Receipt, Refetch, Source
from bridge.errors import ConfigError, MappingError, VendorRefused, VendorRetryable

from .exports import Exports
from .folder import LARGEST, Folder, Table, fingerprint
from .form import codec
from .reading import GONE, Place, Reading
from .records import ROW_ID, ids_alone, read_gone, read_row
from .row import Unusable

if TYPE_CHECKING:
    from bridge.adapter.client import Client
    from bridge.adapter.manifest import Manifest
    from bridge.adapter.mapping import Mapping

SETTLED = 3.0
"""Seconds without a change after which a file counts as written to its end without looking twice."""

GLANCE = 0.3
"""Seconds between the two looks at a younger file."""

OPEN = 4
"""Tables that are kept open between pages."""

PATIENCE = 60.0
"""Seconds for which a file that is cut off may still be on its way."""


class Spreadsheet(Adapter):
    """A stream is one table: `kunden.csv`, or a sheet `export.xlsx#Kunden`.

    A file that was read to its end is read again, from its start, when it has changed, and of its rows those are
    delivered that say something new. A series of files is one stream too, and its newest file the state it is in.
    """

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._folder = Folder(source, mapping.objects)
        self._encoding = self._codec(source.setting("encoding", ""))
        self._delimiter = {"tab": "\t"}.get(source.setting("delimiter", ""), source.setting("delimiter", ""))
        if len(self._delimiter) > 1:
            raise ConfigError(f"sources.yaml: {source.name}.settings.delimiter", "is one character, or the word tab")
        self._most_gone = self._percent("most_vanished")
        self._exports = Exports(source, self._folder.path)
        self._ids_alone = ids_alone(mapping)
        self._open: dict[str, Reading] = {}

    def _codec(self, name: str) -> str:
        try:
            return codec(name) if name else ""
        except (LookupError, ValueError):
            where = f"sources.yaml: {self.source.name}.settings.encoding"
            raise ConfigError(where, f"{name!r} is no encoding that a CSV file can be read in") from None

    def _percent(self, name: str) -> float:
        text = self.source.setting(name, "20")
        if not text.isdecimal() or int(text) > 100:
            raise ConfigError(f"sources.yaml: {self.source.name}.settings.{name}", "is a whole percentage, 0 to 100")
        return int(text) / 100

    def streams(self) -> tuple[str, ...]:
        """The tables that are in the folder now. Raises VendorRetryable when the folder is not there."""
        return tuple(table.stream for table in self._folder.tables())

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entries of one row: several where it answers several survey questions. Raises MappingError."""
        if item.object == GONE:
            return [read_gone(self.mapping, item.raw)]
        return [*read_row(self.mapping, item, self.source)]

    async def export_list(self, client: Client, args: ExportList, key: str) -> Receipt:
        """A file of the list in the folder for exports; its name is the reference. The same key gives the same file."""
        return await asyncio.to_thread(self._exports.write, args, key)

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        """The next rows of a table.

        Raises VendorRetryable for a file that is gone, locked or being written, VendorRefused for one that somebody has
        to mend; a file that was changed while it was read is read again from its start.
        """
        return await asyncio.to_thread(self._page, stream, cursor, now)

    def _page(self, stream: str, cursor: str, now: datetime) -> Page:
        known = _place(cursor)
        table = self._folder.table(stream)
        if table is None and known is not None and known.done:
            return Page(items=(), cursor=cursor, more=False, total=known.rows)  # tidied away after it was read
        if table is None:
            raise VendorRetryable(self.source.name, f"{stream} is not in the folder")
        try:
            self._check(table, now)
            state = self._state(table)
            if known is not None and known.file == state and known.done:
                return Page(items=(), cursor=cursor, more=False, total=known.rows)
            changed = table.path.stat().st_mtime_ns
            if known is not None and known.done and table.series and changed < known.changed:
                return Page(items=(), cursor=cursor, more=False, total=known.rows)  # the newer file was tidied away
            if known is None or known.file != state:
                self._look_twice(table, now)
                known = known.at_start_of(state, changed) if known else Place(file=state, changed=changed)
            reading = self._at(table, known)
            items = reading.page()
            if self._state(table) != state:
                reading.close()
                raise self._later(stream, "was changed while it was read")
        except OSError as problem:
            raise VendorRetryable(self.source.name, f"{stream} cannot be read: {problem.strerror}") from None
        except Unusable as problem:
            raise VendorRefused(self.source.name, f"{stream} {problem}") from None
        self._keep(stream, reading)
        text = msgspec.json.encode(reading.place).decode()
        return Page(items=items, cursor=text, more=not reading.place.done, total=reading.total)

    def _check(self, table: Table, now: datetime) -> None:
        """Raise for what need not be opened to know that it cannot be read."""
        found = table.path.stat()
        problem, cut = table.problem, table.cut
        if found.st_size == 0:
            problem, cut = "is empty", True
        if found.st_size > LARGEST[table.path.suffix.lower()]:
            problem = f"is larger than {LARGEST[table.path.suffix.lower()] >> 20} MB; split it"
        if problem and cut and abs(now.timestamp() - found.st_mtime) < PATIENCE:
            raise self._later(table.name, problem)
        if problem:
            raise Unusable(problem)

    def _check_columns(self, table: Table, columns: tuple[str, ...]) -> None:
        """Raise for a header that cannot be one of this object's, so that not every row has to say so."""
        ids = [str(path[0]) for path in self.mapping.plan(table.object).id]
        if len(self.mapping.unread(table.object, dict.fromkeys(columns, ""))) == len(columns):
            raise Unusable(f"has no column that is known for {table.object}; its first row has to name the columns")
        if ROW_ID not in ids and not set(ids) & set(columns):
            raise Unusable(f"has no column for the id of its {table.object}: name it {', '.join(ids[:4])} or the like")

    def _look_twice(self, table: Table, now: datetime) -> None:
        """Raise when a file that was changed just now is still growing."""
        first = table.path.stat()
        if abs(now.timestamp() - first.st_mtime) < SETTLED:
            time.sleep(GLANCE)
            second = table.path.stat()
            if (first.st_size, first.st_mtime_ns) != (second.st_size, second.st_mtime_ns):
                raise self._later(table.name, "is still being written")

    def _state(self, table: Table) -> str:
        how = f"{table.sheet}|{table.object}|{self._encoding}|{self._delimiter}"
        return fingerprint(table.path, how + ("|full" if table.full else ""))

    def _ids(self, item: Item) -> list[str]:
        """The records that a row is about; none where it does not say."""
        try:
            return [entry.source_id for entry in read_row(self._ids_alone, item, self.source)]
        except MappingError:
            return []

    def _at(self, table: Table, place: Place) -> Reading:
        """The table, open at `place`: as the page before left it, or anew in a process that did not read that one."""
        reading = self._open.pop(table.stream, None)
        if reading is not None and reading.place == place:
            return reading
        if reading is not None:
            reading.close()
        reading = Reading(
            table,
            place,
            self._encoding,
            self._delimiter,
            hidden=frozenset(self.manifest.redact),
            ids=self._ids,
            most_gone=self._most_gone,
        )
        self._check_columns(table, reading.columns)
        return reading

    def _keep(self, stream: str, reading: Reading) -> None:
        if reading.place.done:
            reading.close()
            return
        self._open[stream] = reading
        while len(self._open) > OPEN:
            self._open.pop(next(iter(self._open))).close()

    def _later(self, stream: str, what: str) -> VendorRetryable:
        return VendorRetryable(self.source.name, f"{stream} {what}", retry_after=SETTLED)


def _place(cursor: str) -> Place | None:
    """The place that a cursor holds; None for none, and for one that another version of this adapter wrote."""
    try:
        return msgspec.json.decode(cursor, type=Place)
    except msgspec.DecodeError:
        return None
