"""What the routes of loops and lessons take and answer."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.acting import lessons
from bridge.errors import BadRequest

Text = Annotated[str, Meta(max_length=4000)]
Short = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(max_length=40)]


class Wanted(Struct, kw_only=True):
    """Which loops; `cursor` is `next` of the page before. Closed ones are those of the last `closed_days`."""

    state: Literal["going", "open", "waiting", "closed", "all"] = "going"
    owner: Short = ""
    overdue: bool = False
    cause: Code = ""
    closed_days: Annotated[int, Meta(ge=1, le=366)] = 14
    limit: Annotated[int, Meta(ge=1, le=200)] = 100
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class Row(Struct, kw_only=True):
    """One loop on the board. `due` is when the next clock runs out, `today` whether that is before the day of the
    working calendar ends.

    `id` of the customer is the one they have now. `title` is of what opened it; `name` the customer's.
    """

    id: str
    customer: str
    name: str
    state: str
    title: dict[str, str]
    owner: str
    round: int
    answers: int
    opened_at: datetime
    due: datetime | None
    clock: Literal["reply", "resolution"] | None
    overdue: bool
    today: bool
    replied_at: datetime | None
    waits_until: datetime | None
    closed_at: datetime | None
    cause: str


class Owner(Struct, kw_only=True):
    """Who has loops: a queue (then with `title`) or a person; how many more they can work on."""

    owner: str
    title: dict[str, str]
    open: int
    overdue: int
    limit: int
    free: int


class Counts(Struct, kw_only=True):
    """How many there are, nobody by name."""

    open: int
    waiting: int
    overdue: int
    closed: int
    """Within `closed_days`."""


class Cause(Struct, kw_only=True):
    """Why customers are dissatisfied."""

    code: str
    title: dict[str, str]


class Board(Struct, kw_only=True):
    """`owners` and `loops` are empty for who may see figures alone. Without `next` there is no more."""

    counts: Counts
    owners: list[Owner]
    causes: list[Cause]
    loops: list[Row]
    next: str | None
    now: datetime


class Happening(Struct, kw_only=True):
    """One line of a loop's history, with its evidence: a record (`source/object/id`), a decision, or ""."""

    at: datetime
    kind: str
    by: str
    record: str
    text: str
    data: Any


class Said(Struct, kw_only=True):
    """One of the records that the loop is about, as it is now."""

    record: str
    kind: Literal["ticket", "survey_response"]
    at: datetime
    text: str
    score: float | None = None
    scale: float | None = None
    open: bool | None = None


class Lesson(Struct, kw_only=True):
    """What was learnt; `told` may be read by customers. `loops` is how many it was drawn from."""

    id: str
    at: datetime
    by: str
    cause: str
    product: str
    since: date | None
    text: str
    changed: str
    told: dict[str, str]
    loops: int


class Detail(Struct, kw_only=True):
    """A loop with all that happened to it. `waits_for_tickets` are those that are open still."""

    loop: Row
    matter: str
    reply_due: datetime | None
    resolve_due: datetime | None
    done: str
    closed_by: str
    said: list[Said]
    waits_for_tickets: list[str]
    history: list[Happening]
    lessons: list[Lesson]
    owners: list[str]


class AssignBody(Struct, kw_only=True, forbid_unknown_fields=True):
    owner: Annotated[str, Meta(min_length=1, max_length=200)]


class NoteBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Text, the code of a cause, or both."""

    text: Text = ""
    cause: Code = ""


class ReplyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What was said to the customer; with `waits` it is the customer's turn."""

    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    waits: bool = False


class SnoozeBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Until when nobody need do anything; left out: as the configuration says; in the past: the clocks go on."""

    until: datetime | None = None
    text: Text = ""


class CloseBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What was done, and why it came to it. `lesson` is the id of one that is drawn from it."""

    done: Annotated[str, Meta(min_length=1, max_length=4000)]
    cause: Annotated[str, Meta(min_length=1, max_length=40)]
    lesson: Code = ""
    although_open: bool = False


class ReopenBody(Struct, kw_only=True, forbid_unknown_fields=True):
    text: Text = ""


class LessonsWanted(Struct, kw_only=True):
    """Every word must stand in it, whatever its case, accents and umlauts."""

    words: Short = ""
    cause: Code = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 25
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class Lessons(Struct, kw_only=True):
    """Newest first. `by_month` counts closed loops of the last year: month → cause ("" unnamed) → how many."""

    lessons: list[Lesson]
    next: str | None
    by_month: dict[str, dict[str, int]]


class LessonBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new lesson. Name nobody in it: it outlives the customers that it was learnt from."""

    cause: Annotated[str, Meta(min_length=1, max_length=40)]
    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    product: Short = ""
    since: date | None = None
    changed: Text = ""
    told: dict[Literal["de", "en"], Annotated[str, Meta(max_length=1000)]] = {}
    loop: Code = ""
    """The loop that it is drawn from."""


def shape_lesson(one: lessons.Lesson) -> Lesson:
    """As it is answered."""
    told = {str(language): said for language, said in one.told.items()}
    return Lesson(
        id=one.id,
        at=one.at,
        by=one.by,
        cause=one.cause,
        product=one.product,
        since=one.since,
        text=one.text,
        changed=one.changed,
        told=told,
        loops=one.loops,
    )


def write_cursor(at: int, id: str) -> str:
    """Where the next page begins."""
    return urlsafe_b64encode(msgspec.json.encode([at, id])).decode().rstrip("=")


def read_cursor(text: str) -> tuple[int, str]:
    """What `write_cursor` made a text of. Raises BadRequest for any other."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        at, id = msgspec.json.decode(raw, type=tuple[int, str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise BadRequest("cursor: is not one that a page gave out") from None
    if not -(1 << 62) <= at <= 1 << 62 or "\0" in id:
        raise BadRequest("cursor: is not one that a page gave out")
    return at, id
