"""Writes one sheet of a workbook to standard output, a JSON list a row. Run by `workbook.py` as a process of its own.

The library holds a whole sheet in memory, as wide and high as its farthest cells are apart, and ends the process when
there is not enough: hence the process and its limit.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

import msgspec
from python_calamine import CalamineError, CalamineWorkbook

DAMAGED = 3
"""How it ends for a file that cannot be read, beside 0 and a violent end for want of memory."""


def plain(cell: Any) -> Any:
    """A cell as JSON can hold it: whole numbers as integers, dates and times in ISO form, durations as h:mm:ss."""
    match cell:
        case str():
            return cell.strip()
        case float():
            return int(cell) if cell.is_integer() else cell
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime():
            return cell.isoformat(timespec="seconds")
        case timedelta():
            minutes, seconds = divmod(round(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
        case date() | time():
            return cell.isoformat()
        case _:
            return cell


def trimmed(rows: Iterable[Iterable[Any]]) -> Iterator[list[Any]]:
    """The rows with plain cells, from the sheet's first row on, without the empty cells at their ends."""
    for cells in rows:
        row = [plain(cell) for cell in cells]
        while row and row[-1] == "":
            row.pop()
        yield row


def write(path: str, sheet: str, out: BinaryIO) -> None:
    """Write all rows of `sheet`; row n of the sheet is line n."""
    encoder = msgspec.json.Encoder()
    with CalamineWorkbook.from_path(path) as workbook:
        for row in trimmed(workbook.get_sheet_by_name(sheet).iter_rows()):
            out.write(encoder.encode(row))
            out.write(b"\n")


def main(path: str, sheet: str, memory: str, seconds: str) -> int:
    """Write within `memory` bytes and `seconds` of processor time. The exit status is the answer."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        write(path, sheet, sys.stdout.buffer)
    except CalamineError:
        return DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
