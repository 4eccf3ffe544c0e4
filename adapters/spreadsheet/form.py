"""How a text file is written: its encoding, its delimiter, the end of its lines and how many there are."""

from __future__ import annotations

import codecs
import csv
from typing import BinaryIO

from msgspec import Struct

SAMPLE = 1 << 16
"""Bytes from the start of a file that tell delimiter and UTF-16; the whole file tells UTF-8 from Windows-1252."""

_CHUNK = 1 << 20
_HIGH = bytes(range(0x80, 0x100))
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_STATEFUL = {"utf-8-sig": "utf-8", "utf_8_sig": "utf-8", "utf-16": "utf-16-le"}
_DELIMITERS = ";\t,"
_LOOKED_AT = 50
_FITTING = 0.9


class Form(Struct, frozen=True):
    """`lines` are physical lines, `sep=` and header among them; `end` is `\\n` (after `\\r` or not) or a lone `\\r`."""

    encoding: str
    delimiter: str
    end: str
    lines: int


def examine(file: BinaryIO, encoding: str = "", delimiter: str = "") -> Form:
    """Find out how `file` is written; what is given is believed. Reads the file once, a megabyte at a time.

    A byte order mark decides; then zero bytes (UTF-16); then whether the whole file is UTF-8. One that is not, but has
    more well-formed characters beyond ASCII than stray bytes, is UTF-8 with damaged rows; any other is Windows-1252.
    """
    file.seek(0)
    head = file.read(SAMPLE)
    found = encoding or _marked(head) or _without_mark(head)
    lines, returns, eight = _count(file, found or "utf-8")
    encoding = found or ("utf-8" if eight else "cp1252")
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    end = "\n" if lines or not returns else "\r"
    lines = lines or returns
    if not _ends_with(file, end.encode(encoding)):
        lines += 1
    return Form(encoding, delimiter or separator(text) or guess_delimiter(text, len(head) == SAMPLE), end, lines)


def codec(name: str) -> str:
    """The codec that `name` (`Windows-1252`, `UTF-8`, `cp850`, `utf-16`) stands for.

    Raises LookupError for an unknown one, and for one in which line ends and delimiters are not the bytes of ASCII.
    """
    found = codecs.lookup(name).name
    found = _STATEFUL.get(found, found)
    if not found.startswith("utf-16") and '\r\n\t;,"'.encode(found) != b'\r\n\t;,"':
        raise LookupError(name)
    return found


def separator(line: str) -> str:
    """The delimiter named by a first line `sep=;`, which Excel reads and writes; "" for any other line."""
    first = line.split("\n", 1)[0].strip('\r "')
    return first[4] if len(first) == 5 and first[:4].lower() == "sep=" else ""


def guess_delimiter(text: str, cut: bool = False) -> str:
    """`;`, tab or `,`: whichever splits the header into most columns and the rows beneath into as many.

    `cut` says that `text` stops in the middle of a row. `;` where nothing splits at all.
    """

    def merit(delimiter: str) -> tuple[bool, int]:
        widths = []
        for cells in csv.reader(text.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True):
            widths += [len(cells)] if any(cells) else []
            if len(widths) > _LOOKED_AT:
                break
        if cut and len(widths) > 1:
            widths.pop()
        width = widths[0] if widths else 0
        return width > 1 and widths.count(width) >= _FITTING * len(widths), width if width > 1 else 0

    return max(_DELIMITERS, key=merit)


def _marked(head: bytes) -> str:
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), "")


def _without_mark(head: bytes) -> str:
    """UTF-16 without a mark: in most texts every other byte is zero."""
    for encoding, zeros in (("utf-16-le", head[1::2].count(0)), ("utf-16-be", head[::2].count(0))):
        if zeros > len(head) // 5:
            return encoding
    return ""


def _count(file: BinaryIO, encoding: str) -> tuple[int, int, bool]:
    """Line feeds, carriage returns, and whether the bytes are UTF-8 for the greater part."""
    feed, back = "\n".encode(encoding), "\r".encode(encoding)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    feeds = returns = well = stray = 0
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if len(feed) > 1:
            wide = chunk.decode(encoding, "replace")  # a megabyte is an even number of bytes
            feeds += wide.count("\n")
            returns += wide.count("\r")
            continue
        feeds += chunk.count(feed)
        returns += chunk.count(back)
        text = decoder.decode(chunk)
        if not text.isascii():
            bad = len(text) - len(text.encode("utf-8", "ignore").decode("utf-8"))
            well += len(text) - bad - (len(chunk.translate(None, _HIGH)))
            stray += bad
    stray += len(decoder.decode(b"", True))
    return feeds, returns, well > stray or not stray


def _ends_with(file: BinaryIO, end: bytes) -> bool:
    size = file.seek(0, 2)
    file.seek(max(0, size - len(end)))
    return file.read() == end
