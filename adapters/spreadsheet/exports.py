"""Lists that the bridge writes for people and for other systems, each a file of its own, put in place in one go."""

from __future__ import annotations

import csv
import io
import os
import re
from hashlib import blake2b
from pathlib import Path

from bridge.adapter.actions import ExportList
from bridge.adapter.base import Receipt, Source
from bridge.errors import ConfigError, VendorRefused, VendorRetryable

from .sheetfile import LONGEST_CELL, write_sheet

FORMATS = ("csv", "xlsx")
_DELIMITERS = {";": ";", ",": ",", "tab": "\t", "\t": "\t"}

_FORMULA = re.compile(
    r"(^|[,;\t\r\n])"  # at the start, or where another delimiter than ours would start a cell
    r"([^\S\r\n]*)"
    r"(?=[=+\-@＝＋－＠])"
    r"(?![+-][\d ./(),;\t]*(?:$|[\r\n]))"  # numbers and phones are none
)
"""Where a spreadsheet would take text for a formula: https://owasp.org/www-community/attacks/CSV_Injection"""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
"""What no cell needs and a formula could hide behind; XML forbids most of it."""


class Exports:
    """Writes the lists of one source. Making one raises ConfigError naming the setting to mend."""

    def __init__(self, source: Source, read_from: Path) -> None:
        self._source = source.name
        where = f"sources.yaml: sources.{source.name}.settings"
        folder = source.setting("export_folder", "").strip()
        self._folder = Path(folder).expanduser() if folder else None
        if self._folder is not None and self._folder.resolve() == read_from.resolve():
            raise ConfigError(f"{where}.export_folder", "is the folder that is read; choose another one")
        self._format = source.setting("export_format", FORMATS[0])
        if self._format not in FORMATS:
            raise ConfigError(f"{where}.export_format", f"is neither {' nor '.join(FORMATS)}")
        delimiter = source.setting("export_delimiter", ";")
        if delimiter not in _DELIMITERS:
            raise ConfigError(f"{where}.export_delimiter", "is ; or , or the word tab")
        self._delimiter = _DELIMITERS[delimiter]

    def write(self, args: ExportList, key: str) -> Receipt:
        """Write the list, unless it lies there already, and give back the file's name.

        Nobody ever sees half a file. Raises VendorRefused for a list that cannot be written, and VendorRetryable, with
        nothing done, when the folder cannot be written to now.
        """
        if self._folder is None:
            raise VendorRefused(self._source, "cannot write lists: the setting export_folder is empty")
        rows = [args.columns, *args.rows]
        if ragged := next((number for number, row in enumerate(rows) if len(row) != len(args.columns)), 0):
            raise VendorRefused(self._source, f"export_list: row {ragged} has not one value for each column")
        if any(len(cell) > LONGEST_CELL for row in rows for cell in row):
            raise VendorRefused(self._source, f"export_list: a cell has more than {LONGEST_CELL:,} characters")
        cells = [[_UNPRINTABLE.sub("", cell) for cell in row] for row in rows]
        content = write_sheet(args.name, cells) if self._format == "xlsx" else self._csv(cells)
        mark = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
        name = f"{args.name}.{mark}.{self._format}"
        try:
            _put(self._folder / name, content)
        except OSError as problem:
            what = f"the list cannot be written into export_folder: {problem.strerror}"
            raise VendorRetryable(self._source, what, undone=True) from None
        return Receipt(reference=name)

    def _csv(self, rows: list[list[str]]) -> bytes:
        """As Excel opens it by double click: UTF-8 with a mark. Every cell is quoted, and none is a formula."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self._delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([harmless(cell) for cell in row] for row in rows)
        return text.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    """`cell` with an apostrophe before whatever a spreadsheet would calculate; numbers and phones stay as they are."""
    return _FORMULA.sub(r"\1\2'", cell)


def _put(path: Path, content: bytes) -> None:
    """Make a file of `content`, whole and on disk, or none."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
