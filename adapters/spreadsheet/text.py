"""The rows of a CSV file, one at a time, each with the physical line it starts on; reading can go on at any row."""

from __future__ import annotations

import csv
from typing import BinaryIO

from .form import Form, separator
from .headers import name_columns
from .row import ERRORS, Row, Unusable, surplus

LONGEST_LINE = 1 << 20
"""Bytes of one physical line; what is longer is passed over as a row that cannot be read."""

_CHUNK = 1 << 16
_KEPT = 4000
"""Characters that are kept of a line that cannot be taken apart."""


class TextRows:
    """Iterates over the rows below the header that hold anything. Memory does not grow with the file.

    `line` and `offset` are the physical lines and bytes behind the last row: `go_to` takes them up again, in another
    process too. Raises Unusable where the header cannot be used.
    """

    def __init__(self, file: BinaryIO, form: Form) -> None:
        self._lines = _Lines(file, form)
        self._delimiter = form.delimiter
        self._cells = csv.reader(self._lines, delimiter=form.delimiter, skipinitialspace=True, strict=True)
        self.columns = self._header()

    @property
    def line(self) -> int:
        return self._lines.number

    @property
    def offset(self) -> int:
        return self._lines.offset

    def go_to(self, offset: int, line: int) -> None:
        """Go on behind what was read when `offset` and `line` had these values."""
        self._lines.go_to(offset, line)

    def close(self) -> None:
        self._lines.file.close()

    def __iter__(self) -> TextRows:
        return self

    def __next__(self) -> Row:
        lines, columns = self._lines, self.columns
        while True:
            line, offset = lines.number, lines.offset
            try:
                cells = next(self._cells)
            except csv.Error:
                cells = self._mend(line, offset)
            if lines.problem:
                problem, lines.problem = lines.problem, ""
                return Row(line + 1, {"cells": [lines.last[:_KEPT].strip()]}, problem)
            fields = {name: cell for name, cell in zip(columns, map(str.strip, cells), strict=False) if cell}
            if len(cells) > len(columns):
                cells = [cell.strip() for cell in cells]
                if problem := surplus(len(columns), cells):
                    return Row(line + 1, {"cells": cells}, problem)
            if ("#" in lines.last or lines.number > line + 1) and not ERRORS.isdisjoint(fields.values()):
                fields = {name: value for name, value in fields.items() if value not in ERRORS}
            if fields:
                return Row(line + 1, fields)

    def _header(self) -> tuple[str, ...]:
        """The first row with anything in it, behind Excel's `sep=;`."""
        try:
            for cells in self._cells:
                if any(map(str.strip, cells)) and not (self.line == 1 and separator(self._lines.last)):
                    break
            else:
                raise Unusable("has no row")
        except csv.Error:
            raise Unusable("the first row has quotation marks that do not pair up") from None
        if self._lines.problem:
            raise Unusable(f"the first row {self._lines.problem}")
        return name_columns(cells)

    def _mend(self, line: int, offset: int) -> list[str]:
        """The cells of a row whose quotation marks do not pair up, or [] with the problem noted.

        Marks within a cell that ends on its line are taken as they are. A mark that is never closed would swallow the
        rows beneath: only its own line is given up, and reading goes on with the next.
        """
        lines = self._lines
        if lines.number > line + 1:
            lines.go_to(offset, line)
            next(lines)
        else:
            lenient = csv.reader([lines.last, ""], delimiter=self._delimiter, skipinitialspace=True)
            try:
                cells = next(lenient)
            except csv.Error:
                cells = []
            if len(cells) == len(self.columns) and lenient.line_num == 1:
                return cells
        lines.problem = lines.problem or "has quotation marks that do not pair up"
        return []


class _Lines:
    """The lines of a file and how far they were read: `number` lines, `offset` bytes.

    `last` is the last line, `problem` what was wrong with those that were read since it was emptied.
    """

    def __init__(self, file: BinaryIO, form: Form) -> None:
        self.file = file
        self._encoding = form.encoding
        self._end = form.end.encode(form.encoding)
        self._split = _Splitter(file, self._end) if self._end != b"\n" else None
        self._read = self._split.readline if self._split else file.readline
        self.last = self.problem = ""
        self.go_to(0, 0)

    def go_to(self, offset: int, number: int) -> None:
        """Make the line at byte `offset`, with `number` lines before it, the next one."""
        self.file.seek(offset)
        if self._split:
            self._split.rest = b""
        self.offset, self.number = offset, number

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._read(LONGEST_LINE)
        if not raw:
            raise StopIteration
        self.offset += len(raw)
        self.number += 1
        try:
            line = raw.decode(self._encoding)
        except UnicodeDecodeError:
            self.problem = f"holds bytes that are not {self._encoding}"
            line = raw.decode(self._encoding, "replace")
        if self.number == 1:
            line = line.removeprefix("\ufeff")
        if "\0" in line:
            self.problem = "holds zero bytes: the file was damaged"
            line = line.replace("\0", "")
        if len(raw) == LONGEST_LINE:
            self._pass_over(raw)
        self.last = line
        return line

    def _pass_over(self, raw: bytes) -> None:
        """Leave out what is left of a line that is too long."""
        while raw and not raw.endswith(self._end):
            self.problem = f"is a line of more than {LONGEST_LINE} bytes"
            raw = self._read(LONGEST_LINE)
            self.offset += len(raw)


class _Splitter:
    """`readline` for files whose line end is not the one byte that a file object knows."""

    def __init__(self, file: BinaryIO, end: bytes) -> None:
        self._file = file
        self._end = end
        self.rest = b""

    def readline(self, limit: int) -> bytes:
        while True:
            at = self._find()
            if at >= 0:
                at += len(self._end)
            elif len(self.rest) >= limit:
                at = limit
            elif more := self._file.read(_CHUNK):
                self.rest += more
                continue
            else:
                at = len(self.rest)
            line, self.rest = self.rest[:at], self.rest[at:]
            return line

    def _find(self) -> int:
        """Where the next line end starts: at a whole number of characters from the start."""
        at = self.rest.find(self._end)
        while at % len(self._end) and at >= 0:
            at = self.rest.find(self._end, at + 1)
        return at
