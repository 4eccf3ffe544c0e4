"""Files that another program appends to and that are rotated: their new lines, each once, wherever they went."""

from __future__ import annotations

import gzip
import re
from hashlib import blake2b
from io import BufferedReader
from pathlib import Path

from msgspec import Struct

_HEAD = 1024
"""A file is known by its first bytes: it keeps them while it grows, is renamed, copied or compressed."""
_LONGEST = 1 << 16
_ROTATED = re.compile(r"[.-][0-9-]+(\.gz)?")


class Place(Struct, frozen=True, omit_defaults=True):
    """How far was read: `offset` bytes and `line` lines of the file whose first `length` bytes hash to `head`."""

    head: str = ""
    length: int = 0
    offset: int = 0
    line: int = 0


class Line(Struct, frozen=True):
    """A complete line without its end; `after` is the place behind it, `name` its file's and line's for people."""

    text: str
    name: str
    after: Place


def generations(path: Path) -> list[Path]:
    """`path` and what was rotated away from it (`.1`, `-20261101`, `.2.gz`), oldest first. Raises OSError."""
    found = [one for one in path.parent.iterdir() if one.name.startswith(path.name)]
    rotated = [one for one in found if _ROTATED.fullmatch(one.name, len(path.name))]
    rotated.sort(key=lambda one: (one.stat().st_mtime_ns, one.name))
    return [*rotated, *([path] if path.is_file() else [])]


def read_on(path: Path, place: Place, most: int) -> tuple[list[Line], bool]:
    """Up to `most` complete lines behind `place`, all of one file, and whether there are more now.

    Where the file of `place` is gone, everything that is left is read anew. Raises OSError.
    """
    files = generations(path)
    at = next((index for index, one in enumerate(files) if _holds(one, place)), None)
    if at is None:
        at, place = 0, Place()
    for index in range(at, len(files)):
        lines, more = _lines(files[index], place if index == at else Place(), most, whole=files[index] != path)
        if lines:
            return lines, more or index < len(files) - 1
    return [], False


def _lines(path: Path, place: Place, most: int, *, whole: bool) -> tuple[list[Line], bool]:
    """The next lines of one file; of one that is `whole` the last needs no end."""
    lines: list[Line] = []
    with _open(path) as file:
        head = file.read(_HEAD)
        file.seek(place.offset)
        while len(lines) < most:
            found = file.readline(_LONGEST)
            if not found or not (found.endswith(b"\n") or len(found) == _LONGEST or whole):
                return lines, False
            offset = place.offset + len(found)
            first = head[:offset]
            known = place.head if place.length == len(first) else _digest(first)
            place = Place(known, len(first), offset, place.line + 1)
            lines.append(Line(_decoded(found.rstrip(b"\r\n")), f"{path.name}:{place.line}", place))
        return lines, bool(file.read(1))


def _holds(path: Path, place: Place) -> bool:
    if not place.head:
        return False
    with _open(path) as file:
        if _digest(file.read(place.length)) != place.head:
            return False
        file.seek(place.offset - 1)
        return file.read(1) != b""


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=9).hexdigest()


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:  # names of callers come in whatever the other end uses
        return text.decode("cp1252", "replace")
