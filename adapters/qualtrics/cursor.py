"""How far a survey was read, as it is kept between two pages."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
from msgspec import Struct


class Cursor(Struct, frozen=True, omit_defaults=True):
    """Two ways of reading go side by side: by token what came since the last time, by date what lies before `upto`.

    `token` was given at `given`; `bulk` says that the last hour holds too much to be read with it. By date, all changes
    before `since` were read; `step` is the length of the next span in seconds (0: all of it), `whole` says that the
    next second is read however much it holds. `export` is what the vendor prepares, begun at `began`: the span that
    ends before `until`, or what came since the token where that is "". `asks` counts how often the vendor was asked for
    it, `tries` how many exports failed in a row, `last` is the latest one. All instants are as `second` writes them.
    """

    token: str = ""
    given: str = ""
    bulk: bool = False
    since: str = ""
    upto: str = ""
    step: int = 0
    whole: bool = False
    export: str = ""
    began: str = ""
    until: str = ""
    asks: int = 0
    tries: int = 0
    last: str = ""


def text(cursor: Cursor) -> str:
    """The cursor as it is stored."""
    return msgspec.json.encode(cursor).decode()


def cursor_of(stored: str) -> Cursor:
    """The cursor that `text` wrote, or a first one for "". Raises msgspec.DecodeError."""
    return msgspec.json.decode(stored, type=Cursor) if stored else Cursor()


def second(at: datetime) -> str:
    """An instant as the vendor's filters take it: UTC, to the second."""
    utc = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")
