"""Lessons: what was learnt from customers' complaints, as notes on causes that can be searched."""

from __future__ import annotations

import secrets
import unicodedata
from collections import Counter, defaultdict
from datetime import date, datetime
from typing import Any, Final, Literal

from msgspec import Struct

from bridge.flow.desk import Desk
from bridge.store import Row, Store, Unit, instant, micros

FIRST: Final = (1 << 62, "")
"""Where the first page begins."""
_QUARTER: Final = 900_000_000
"""A quarter of an hour."""
_MARKS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


class Lesson(Struct, frozen=True, kw_only=True):
    """What was learnt: the cause's code, of which product, since when, what it is, and what was changed about it.

    `told` may be read by customers, by language. `loops` is how many it was drawn from. Nobody's name belongs in it.
    """

    id: str
    at: datetime
    by: str
    cause: str
    product: str = ""
    since: date | None = None
    text: str
    changed: str = ""
    told: dict[Literal["de", "en"], str] = {}
    loops: int = 0


def add_lesson(unit: Unit, lesson: Lesson) -> None:
    """Add it to `unit`."""
    said = (lesson.cause, lesson.product, lesson.text, lesson.changed, *lesson.told.values())
    unit.add(
        "loops.put_lesson",
        id=lesson.id,
        at=micros(lesson.at),
        by_whom=lesson.by,
        reason=lesson.cause,
        product=lesson.product,
        since="" if lesson.since is None else lesson.since.isoformat(),
        text=lesson.text,
        changed=lesson.changed,
        told_de=lesson.told.get("de", ""),
        told_en=lesson.told.get("en", ""),
        folded=fold(" ".join(said)),
    )


def lesson_id() -> str:
    """A new one: `n_` and 24 hex digits."""
    return "n_" + secrets.token_hex(12)


def link_lesson(unit: Unit, loop: str, lesson: str, now: datetime) -> None:
    """Add to `unit` that the lesson was drawn from that loop too."""
    unit.add("loops.link_lesson", loop=loop, lesson=lesson, at=micros(now))


async def find_lesson(store: Store, id: str) -> Lesson | None:
    """The lesson of that id."""
    row = await store.one("loops.lesson", id=id)
    return None if row is None else lesson_of(row)


async def search(
    store: Store, words: str, *, cause: str = "", before: tuple[int, str] = FIRST, most: int
) -> list[Lesson]:
    """Lessons, newest first, in which every word of `words` stands, whatever its case, accents and umlauts."""
    wanted = fold(words).split()[:8] or [""]
    found: list[Lesson] = []
    # the store narrows down by the two longest words; the others are looked for here
    first, second = (*sorted(wanted, key=len, reverse=True), "")[:2]
    while len(found) < most:
        rows = await store.all(
            "loops.lessons",
            reason=cause,
            like=_like(first),
            like_too=_like(second),
            before_at=before[0],
            after_id=before[1],
            most=most,
        )
        found += [one for one in map(lesson_of, rows) if all(word in _folded(one) for word in wanted)]
        if len(rows) < most:
            break
        before = (int(rows[-1][1]), str(rows[-1][0]))
    return found[:most]


async def causes(desk: Desk, since: datetime) -> dict[str, dict[str, int]]:
    """Month (as 2026-11, of the calendar's time zone) → cause → how many loops were closed; "" while nobody said."""
    zone = desk.rules.loops.calendar.zone
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for reason, quarter, count in await desk.store.all("loops.reasons", since=micros(since)):
        found[instant(int(quarter) * _QUARTER).astimezone(zone).strftime("%Y-%m")][reason] += int(count)
    return {month: dict(sorted(counts.items())) for month, counts in sorted(found.items())}


def fold(text: str) -> str:
    """`text` as it is searched: small letters without accents, umlauts written out, words with single spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_MARKS))
    return " ".join("".join(one for one in plain if not unicodedata.combining(one)).split())


def lesson_of(row: Row) -> Lesson:
    """A row as `loops.lessons` gives it."""
    id, at, by, reason, product, since, text, changed, german, english, loops = row
    told: dict[Literal["de", "en"], Any] = {"de": german, "en": english}
    return Lesson(
        id=id,
        at=instant(at),
        by=by,
        cause=reason,
        product=product,
        since=date.fromisoformat(since) if since else None,
        text=text,
        changed=changed,
        told={language: said for language, said in told.items() if said},
        loops=loops,
    )


def _folded(one: Lesson) -> str:
    return fold(" ".join((one.cause, one.product, one.text, one.changed, *one.told.values())))


def _like(word: str) -> str:
    for mark in "\\%_":
        word = word.replace(mark, f"\\{mark}")
    return f"%{word}%"
