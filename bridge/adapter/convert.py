"""Readers of single values: what vendors and spreadsheets write, as the JSON-able builtins that record bodies hold.

Each reader takes a raw value that is not null and returns None for what means "nothing" (blank text, `n/a`, `-`), or
raises Unreadable, whose text names the kind of value found and never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from bridge.adapter.addresses import normalise_email, normalise_key, normalise_phone
from bridge.adapter.paths import Unreadable, kind, scalar_text
from bridge.adapter.source import Source
from bridge.model import MAX_TEXT, Money

MAX_ID = 255
"""Longest id that is kept, in characters."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NOTHING = frozenset("- -- — – n/a na n.a. n.a k.a. none null nil keine kein unbekannt unknown ? 0000-00-00".split())
_NOTHING |= {"", "0000-00-00 00:00:00"}
_MILLISECONDS_FROM = 100_000_000_000
"""An epoch number this large counts milliseconds (as seconds it would be after the year 5138)."""
_LARGEST = 2**53
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " "})
_NUMBER = re.compile(r"([+-]?)\s*(\d[\d.,'’ ]*|[.,]\d+)")


def _unreadable(value: object, wanted: str) -> Unreadable:
    return Unreadable(f"found {kind(value)} that is not {wanted}")


def _demand_nothing(value: str, wanted: str) -> None:
    """Raise Unreadable unless `value` is one of the words that mean nothing."""
    if value.strip().casefold() not in _NOTHING:
        raise _unreadable(value, wanted)


def text(value: Any, source: Source) -> str | None:
    """Trimmed text of at most MAX_TEXT characters; numbers as they are written, whole ones without `.0`."""
    if value.__class__ is str:
        value = value.strip()
        if not value.isascii() or "\0" in value:
            value = value.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()
        return value[:MAX_TEXT].rstrip() or None if len(value) > MAX_TEXT else value or None
    if value.__class__ in (int, float) and (found := scalar_text(value)) is not None:
        return found
    raise _unreadable(value, "text")


def identifier(value: Any, source: Source) -> str | None:
    """An id as text of at most MAX_ID characters; longer ones are unreadable, since cut ids would fall together."""
    found = text(value, source)
    if found is not None and len(found) > MAX_ID:
        raise Unreadable(f"found an id of more than {MAX_ID} characters")
    return found


def word(value: Any, source: Source) -> str | None:
    """A vendor's word as tables compare it: trimmed, without regard to case; booleans are `true` and `false`."""
    found = scalar_text(value)
    if found is None:
        raise _unreadable(value, "a plain word")
    return found.casefold() or None


def number(value: Any, source: Source) -> float | None:
    """A number; text may use German or English separators.

    `1,234` is read as the source's language writes it; `1.234` is refused where that is not English, since it may have
    been written by a program (one and a bit) or by a person (a thousand and more).
    """
    if value.__class__ is float:
        return _finite(value)
    if value.__class__ is int:
        return float(_bounded(value))
    if value.__class__ is not str:
        raise _unreadable(value, "a number")
    written = value.translate(_SPACES).strip().replace("−", "-")
    english = source.language.startswith("en")
    if not english and re.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}", written):
        raise Unreadable("found text that is a number in two ways, with a point for thousands or for decimals")
    found = _NUMBER.fullmatch(written)
    amount = _plain(found[2], "," if english else "") if found else None
    if amount is None:
        _demand_nothing(value, "a number")
        return None
    return _finite(float(-amount if found and found[1] == "-" else amount))


def _finite(found: float) -> float:
    if found - found != 0:
        raise Unreadable("found a number without end")
    return found


def _bounded(found: int) -> int:
    if not -_LARGEST <= found <= _LARGEST:
        raise Unreadable("found a number that is too large")
    return found


def integer(value: Any, source: Source) -> int | None:
    """A whole number, at most 2^53 either way."""
    if value.__class__ is int:
        return _bounded(value)
    found = number(value, source)
    if found is None:
        return None
    if not found.is_integer():
        raise _unreadable(value, "a whole number")
    return _bounded(int(found))


def counter(value: Any, source: Source) -> int | None:
    """A whole number that is not negative."""
    found = integer(value, source)
    if found is not None and found < 0:
        raise Unreadable("found a negative number where a counter belongs")
    return found


_TRUE = frozenset("true yes y 1 ja j wahr x on t".split())
_FALSE = frozenset("false no n 0 nein falsch off f".split())


def boolean(value: Any, source: Source) -> bool | None:
    """True or False, also as 1 and 0, yes and no, ja and nein, wahr and falsch, a cross."""
    if value is True or value is False:
        return bool(value)
    if value.__class__ in (int, float, str):
        found = (scalar_text(value) or "").casefold()
        if found in _TRUE:
            return True
        if found in _FALSE:
            return False
        if value.__class__ is str:
            _demand_nothing(value, "yes or no")
            return None
    raise _unreadable(value, "yes or no")


_CLOCK = re.compile(r"(?P<h>\d{1,3}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d)(?:[.,]\d+)?)?")


def duration(value: Any, source: Source) -> int | None:
    """Whole seconds, from a number of seconds or `HH:MM:SS` (`MM:SS` with two parts)."""
    if value.__class__ is str and (found := _CLOCK.fullmatch(value.strip())):
        first, second, third = int(found["h"]), int(found["m"]), found["s"]
        return first * 60 + second if third is None else first * 3600 + second * 60 + int(third)
    seconds = number(value, source)
    return None if seconds is None else _bounded(round(seconds))


_GERMAN = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})(?:,?\s+(?:um\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*Uhr)?)?", re.IGNORECASE
)


def _german(value: str) -> datetime | None:
    """`31.12.2026`, `31.12.26 14:05`, naive; two-digit years lie between 1970 and 2069."""
    found = _GERMAN.fullmatch(value)
    if found is None:
        return None
    day, month, year = int(found[1]), int(found[2]), int(found[3])
    if len(found[3]) == 2:
        year += 2000 if year < 70 else 1900
    hour, minute, second = int(found[4] or 0), int(found[5] or 0), int(found[6] or 0)
    return datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")


def moment(value: Any, source: Source) -> datetime | None:
    """An aware UTC instant: ISO 8601 with any offset, epoch seconds or milliseconds, RFC 2822, `31.12.2026 14:05`.

    A time without offset is meant in the source's zone. Where clocks are set back and it happens twice, the first is
    taken; where they are set forward and it never happens, it is read with the offset before the change.
    """
    try:
        if value.__class__ is str:
            found = _written(value.strip())
            if found is None:
                _demand_nothing(value, "an instant")
                return None
            if found.tzinfo is None:
                found = found.replace(tzinfo=source.zone)
            return found.astimezone(timezone.utc)
        if value.__class__ is int or value.__class__ is float:
            return _EPOCH + _since_epoch(value)
    except (ValueError, OverflowError):
        pass
    raise _unreadable(value, "an instant")


def _since_epoch(value: float) -> timedelta:
    return timedelta(milliseconds=value) if abs(value) >= _MILLISECONDS_FROM else timedelta(seconds=value)


_EPOCH_TEXT = re.compile(r"\d{9,13}(?:\.\d+)?")
_ODD_OFFSET = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(UTC|GMT|[+-]\d\d:?\d\d)")
_RFC_2822 = re.compile(r"(?:[A-Za-z]{3}, ?)?\d{1,2} [A-Za-z]{3} \d{4} .+")


def _written(value: str) -> datetime | None:
    """A point in time as text in any of the known forms, naive where it names no offset; None for other text."""
    if _EPOCH_TEXT.fullmatch(value):
        return _EPOCH + _since_epoch(float(value))
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    if (german := _german(value)) is not None:
        return german
    if _RFC_2822.fullmatch(value):
        return parsedate_to_datetime(value)
    if odd := _ODD_OFFSET.fullmatch(value):
        return datetime.fromisoformat(f"{odd[1]}T{odd[2]}{odd[3] if odd[3][0] in '+-' else '+00:00'}")
    return None


def instant(value: Any, source: Source) -> str | None:
    """As `moment`, in RFC 3339 text as msgspec writes it (`2026-12-31T13:05:00Z`)."""
    found = moment(value, source)
    return None if found is None else found.isoformat()[:-6] + "Z"


def date(value: Any, source: Source) -> str | None:
    """The calendar date as it is written (`2026-12-31`): a time or offset behind it is not reckoned with.

    ISO 8601, `31.12.2026`, `31.12.26`, an Excel date and time, RFC 2822, or an epoch number (its date in UTC).
    """
    try:
        if value.__class__ is str:
            found = _written(value.strip())
            if found is None:
                _demand_nothing(value, "a date")
                return None
            return found.date().isoformat()
        if value.__class__ is int or value.__class__ is float:
            return (_EPOCH + _since_epoch(value)).date().isoformat()
    except (ValueError, OverflowError):
        pass
    raise _unreadable(value, "a date")


def local_date(value: Any, source: Source) -> str | None:
    """The calendar date of an instant at the source's place."""
    found = moment(value, source)
    return None if found is None else found.astimezone(source.zone).date().isoformat()


_SYMBOLS = {"€": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "us$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR"}
_SYMBOLS |= {"₺": "TRY", "zł": "PLN", "fr.": "CHF", "sfr.": "CHF", "kč": "CZK"}
_SIGN = r"[^\d\s.,+\-−()]{1,5}\.?"
_AMOUNT = re.compile(
    rf"(?P<sign>[-+−(]?)\s*(?P<before>{_SIGN})?\s*(?P<inner>[-+−]?)\s*"
    rf"(?P<number>\d[\d.,'’ ]*|[.,]\d+)\s*(?P<behind>-?)\s*(?P<after>{_SIGN})?\s*(?P<close>\)?)"
)
_NO_CENTS = re.compile(r"(?<=\d[.,])[-–—]{1,2}(?!\d)")
_MAX_AMOUNT = Decimal(10) ** 13


def money(value: Any, source: Source) -> dict[str, Any] | None:
    """An amount in major units, German or English (`1.234,56 €`, `$1,234.56`, `12,-`, `-12`, 1234.5), as minor units.

    A currency is a symbol or an ISO 4217 code before or behind the number, else the source's. A single separator before
    exactly three digits separates thousands, unless the currency has three decimals. Objects such as
    `{amount, currency}` are not read: an adapter that has them says so in Python.
    """
    if value.__class__ is float:
        return _money(Decimal(repr(_finite(value))), source.currency)
    if value.__class__ is int:
        return _money(Decimal(value), source.currency)
    if value.__class__ is not str:
        raise _unreadable(value, "an amount of money")
    found = _AMOUNT.fullmatch(_NO_CENTS.sub("", value.translate(_SPACES).strip()))
    if found is None or (found["sign"] == "(") != (found["close"] == ")"):
        _demand_nothing(value, "an amount of money")
        return None
    named = {_SYMBOLS.get(sign.casefold(), sign.upper()) for sign in (found["before"], found["after"]) if sign}
    currency = named.pop() if named else source.currency
    amount = None if named or not re.fullmatch("[A-Z]{3}", currency) else _plain(found["number"], _thousands(currency))
    minuses = [mark for mark in (found["sign"], found["inner"], found["behind"]) if mark and mark in "-−("]
    if amount is None or len(minuses) > 1:
        raise _unreadable(value, "an amount of money")
    return _money(-amount if minuses else amount, currency)


def _thousands(currency: str) -> str:
    return "" if Money.of(1, currency).minor == 1000 else ".,"


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    if abs(amount) >= _MAX_AMOUNT:
        raise Unreadable("found an amount that is too large")
    found = Money.of(amount, currency)
    return {"minor": found.minor, "currency": found.currency}


_GROUPED_BY_SPACE = re.compile(r"\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d*)?")


@lru_cache(maxsize=4096)
def _plain(digits: str, thousands: str) -> Decimal | None:
    """The number that digits with German or English separators write; None where they fit neither.

    `thousands` holds the marks that separate thousands when they stand once, before exactly three digits.
    """
    digits = digits.strip()
    if re.search(r"[ '’]", digits):
        if not _GROUPED_BY_SPACE.fullmatch(digits):
            return None
        return Decimal(re.sub(r"[ '’]", "", digits).replace(",", "."))
    marks = re.sub(r"\d", "", digits)
    if len(set(marks)) == 2:
        other, mark = marks[0], marks[-1]
        if not re.fullmatch(rf"\d{{1,3}}(?:\{other}\d{{3}})+\{mark}\d*", digits):
            return None
        return Decimal(digits.replace(other, "").replace(mark, "."))
    grouped = bool(re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", digits))
    if len(marks) > 1 or (grouped and marks in thousands):
        return Decimal(re.sub(r"[.,]", "", digits)) if grouped else None
    return Decimal(digits.replace(",", "."))


def phone(value: Any, source: Source) -> dict[str, Any] | None:
    """A phone as the vendor keeps it and, where it can be one, in E.164; text without any digit is nothing."""
    raw = text(value, source)
    if raw is None or not any(letter.isdigit() for letter in raw):
        return None
    e164 = normalise_phone(raw, source.region)
    return {"raw": raw[:MAX_ID]} if e164 is None else {"raw": raw[:MAX_ID], "e164": e164}


def phone_text(value: Any, source: Source) -> str | None:
    """A phone for a text field: in E.164 where it can be, else as the vendor writes it."""
    raw = text(value, source)
    return raw and (normalise_phone(raw, source.region) or raw)


def email(value: Any, source: Source) -> str | None:
    """An e-mail address, trimmed and in lower case."""
    if value.__class__ is not str:
        raise _unreadable(value, "an e-mail address")
    found = normalise_email(value)
    if found is None:
        _demand_nothing(value, "an e-mail address")
    return found


Reader = Callable[[Any, Source], Any]

__all__ = [
    "MAX_ID",
    "Reader",
    "boolean",
    "counter",
    "date",
    "duration",
    "email",
    "identifier",
    "instant",
    "integer",
    "local_date",
    "moment",
    "money",
    "normalise_email",
    "normalise_key",
    "normalise_phone",
    "number",
    "phone",
    "phone_text",
    "text",
    "word",
]
