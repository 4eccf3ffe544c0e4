"""XLSX workbooks: which sheets they have, and the rows of one sheet, within bounded memory whatever is in the file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
import zlib
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

import msgspec

from .headers import name_columns
from .row import ERRORS, Row, Unusable, surplus
from .sheet import DAMAGED

LARGEST = 1 << 30
"""Bytes that a workbook may have when it is unpacked. A hundred thousand rows of 15 columns have about 80 million."""

MEMORY = 2 << 30
"""Bytes that reading one sheet may take, in a process of its own that ends with it."""

SECONDS = 300
"""Processor time that reading one sheet may take."""

_decoder = msgspec.json.Decoder(list[Any])
_LIST = 1 << 20
"""Bytes that the list of sheets may have."""

_OLD = b"\xd0\xcf\x11\xe0"
"""How files of Excel before 2007 begin, and all that are protected by a password."""


class Incomplete(Exception):
    """The file has no end: it may still be on its way here."""


def sheet_names(path: Path) -> list[str]:
    """The sheets that are not hidden, in their order.

    Raises Unusable for what is no workbook or larger than is read, and Incomplete for one that is cut off.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(one.file_size for one in packed.infolist()) > LARGEST:
                raise Unusable(f"is larger than {LARGEST >> 20} MB when unpacked; split it or save it as CSV")
            with packed.open("xl/workbook.xml") as part:
                listed = part.read(_LIST)
    except zipfile.BadZipFile:
        with path.open("rb") as file:
            if file.read(4) == _OLD:
                raise Unusable("is protected by a password or in the old .xls form; save it as .xlsx") from None
        raise Incomplete from None
    except KeyError:
        raise Unusable("is not an Excel workbook") from None
    except (EOFError, NotImplementedError, RuntimeError, zlib.error):  # what zipfile raises for what it cannot unpack
        raise Unusable("is damaged: its list of sheets cannot be read") from None
    return _visible(listed)


def _visible(listed: bytes) -> list[str]:
    names: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet" and attributes.get("state", "visible") == "visible":
            names.append(attributes["name"])

    def refuse(*_: object) -> None:
        raise Unusable("declares a document type, which no Excel workbook does")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(listed, True)
    except (expat.ExpatError, KeyError):
        raise Unusable("is damaged: its list of sheets cannot be read") from None
    return names


def spool(path: Path, sheet: str) -> BinaryIO:
    """The rows of `sheet`, a JSON list a line, in a temporary file without a name. Raises Unusable."""
    script = Path(__file__).with_name("sheet.py")
    command = [sys.executable, "-I", str(script), str(path), sheet, str(MEMORY), str(SECONDS)]
    with ExitStack() as undo:
        file = undo.enter_context(tempfile.TemporaryFile(prefix="bridge-sheet-"))
        try:
            # What the library says of a file goes nowhere, for it may quote cells.
            status = subprocess.run(  # noqa: S603 - no shell; our own script and a path that was checked
                command,
                stdout=file,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=2 * SECONDS,
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
        if status:
            raise Unusable(_reason(status))
        undo.pop_all()
    return file


class SheetRows:
    """Iterates over the rows below the header that hold anything, from what `spool` wrote; see `TextRows`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        self.lines = sum(1 for _ in file)
        self.go_to(0, 0)
        while not (cells := self._next()):
            if cells is None:
                raise Unusable("has no row")
        self.columns = name_columns(cells)

    def go_to(self, offset: int, line: int) -> None:
        """Make row `line` + 1 of the sheet the next one."""
        self._file.seek(0)
        self.offset = 0
        self.line = sum(1 for _ in islice(self._file, line))

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> SheetRows:
        return self

    def __next__(self) -> Row:
        columns = self.columns
        while (cells := self._next()) is not None:
            if problem := surplus(len(columns), cells):
                return Row(self.line, {"cells": cells}, problem)
            fields = {
                name: cell for name, cell in zip(columns, cells, strict=False) if cell != "" and cell not in ERRORS
            }
            if fields:
                return Row(self.line, fields)
        raise StopIteration

    def _next(self) -> list[Any] | None:
        line = self._file.readline()
        if not line:
            return None
        self.line += 1
        return _decoder.decode(line)


def _reason(status: int) -> str:
    if status == DAMAGED:
        return "is damaged, or not an Excel workbook: open it in Excel and save it anew"
    return (
        f"takes more than {MEMORY >> 20} MB to read; most often a cell far to the right or below is the cause: "
        "delete the empty columns and rows beyond the table, or save it as CSV"
    )
