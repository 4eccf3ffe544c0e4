"""What an error of a source or a dead letter means for the person who looks at it: one of a few kinds, each of which
the console explains in plain words with what to do."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Trouble(StrEnum):
    """`refused`: the key or the rights do not suffice. `missing`: what is asked for is not there. `busy`: asked too
    often. `down`: no answer, or a failure over there. `garbled`: an answer that nobody can read. `file`: an export is
    missing or cannot be read. `stuck`: the place where reading goes on is lost. `setting`: something is not configured
    as it should be. `mapping`: a field does not fit the mapping. `row`: this one row or object is spoiled. `bug`: the
    adapter failed. `other`: none of these."""

    refused = "refused"
    missing = "missing"
    busy = "busy"
    down = "down"
    garbled = "garbled"
    file = "file"
    stuck = "stuck"
    setting = "setting"
    mapping = "mapping"
    row = "row"
    bug = "bug"
    other = "other"


_SAID: Final = tuple(
    (re.compile(pattern), trouble)
    for pattern, trouble in (
        (r"its adapter raised|while it was absorbed", Trouble.bug),
        (r"answered (401|403)\b", Trouble.refused),
        (r"answered (404|410)\b", Trouble.missing),
        (r"answered (425|429)\b", Trouble.busy),
        (r"answered (408|5\d\d)\b|timed out|took too long|failed: \w+$", Trouble.down),
        (r"garbage|not with JSON|more than \d+ bytes|where .+ belongs?$|redirected|another host", Trouble.garbled),
        (r"stored cursor|repeats a page|the same page again", Trouble.stuck),
        (r"the settings? |certificate|has no stream|is no URL", Trouble.setting),
        (r"in the folder|cannot be (read|listed)|folder ", Trouble.file),
    )
)


class Meaning(Struct, frozen=True, kw_only=True):
    """What kind of trouble it is; for a mapping error also the mapping's vendor, the path in it and what is wrong."""

    trouble: Trouble
    vendor: str | None = None
    path: str | None = None
    what: str


def read_trouble(error: str) -> Trouble:
    """The kind of trouble that a source's error tells of."""
    return next((trouble for pattern, trouble in _SAID if pattern.search(error)), Trouble.other)


def read_letter(reason: str, vendor: str, source: str) -> Meaning:
    """What a dead letter's reason means; `vendor` is the one whose mapping the source is read by."""
    trouble = read_trouble(reason)
    name, _, rest = reason.partition(": ")
    path, colon, what = rest.partition(": ")
    if name == vendor and colon and trouble in (Trouble.other, Trouble.garbled, Trouble.file):
        return Meaning(trouble=Trouble.mapping, vendor=vendor, path=path, what=what)
    if name == source and trouble is not Trouble.other:
        return Meaning(trouble=trouble, what=rest)
    return Meaning(trouble=Trouble.row if trouble in (Trouble.other, Trouble.garbled) else trouble, what=reason)
