"""What reading a table gives, whatever kind of file it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

ERRORS = frozenset(
    "#N/A #NV #REF! #BEZUG! #VALUE! #WERT! #NAME? #DIV/0! #NUM! #ZAHL! #NULL! #SPILL! #ÜBERLAUF! #CALC! #KALK!".split()
)
"""What Excel writes, in English and in German, where a formula has no result: the same as nothing."""


class Unusable(Exception):
    """A file cannot be read at all. The text goes on after the file's name and tells whoever made it what to change."""


class Row(NamedTuple):
    """`fields` by canonical header, empty cells left out; `line` is the physical line (a sheet's row) it starts on.

    Where `problem` is not "" the row cannot be read; `fields` then keeps its text for whoever has to look.
    """

    line: int
    fields: dict[str, Any]
    problem: str = ""


def letter(index: int) -> str:
    """The name a spreadsheet gives the column at `index` (0 is A, 26 is AA)."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def surplus(width: int, cells: Sequence[object]) -> str:
    """What is wrong with a row that has something to the right of the named columns; "" where nothing is."""
    for index in range(len(cells) - 1, width - 1, -1):
        if cells[index] != "":
            return f"has a value in column {letter(index)}, but only {width} columns are named"
    return ""
