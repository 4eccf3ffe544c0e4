"""How a fact is written in a language, and texts with facts in them: `Vertrag endet am {date}`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from string import Formatter
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.model import Money

LANGUAGES = ("de", "en")
"""Every text for people is there in each of these."""

LONGEST_WORD = 60
"""Longest text of a record (a product's name) that goes into a sentence, in characters."""

Texts: TypeAlias = Annotated[
    dict[str, str | tuple[str, ...]], Meta(extra_json_schema={"propertyNames": {"enum": list(LANGUAGES)}})
]
"""Per language a text, or several of which the first that can be filled is taken."""

_MONTHS = ("", *"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


def say(value: Any, language: str) -> str:
    """A fact as it is written in `language`: 31.12.2026 or 31 Dec 2026, 1.044,90 € or €1,044.90, 4,5 or 4.5.

    Free text is made harmless (see `plain`) and cut to LONGEST_WORD.
    """
    if isinstance(value, datetime):  # written as the date it carries
        return _say_date(value.date(), language)
    if isinstance(value, date):
        return _say_date(value, language)
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Money):
        return _say_money(value, language)
    if isinstance(value, float):
        return _say_number(f"{value:,.1f}".removesuffix(".0"), language)
    if isinstance(value, int):
        return _say_number(f"{value:,}", language)
    return plain(str(value))


def plain(text: str, longest: int = LONGEST_WORD) -> str:
    """`text` on one line without control and direction characters, at most `longest` characters."""
    if not text.isprintable():
        text = " ".join("".join(c if c.isprintable() else " " if c.isspace() else "" for c in text).split())
    if len(text) <= longest:
        return text
    return text[: longest - 1].rstrip() + "…"


@lru_cache(maxsize=8192)
def _say_date(value: date, language: str) -> str:
    if language == "de":
        return f"{value.day}.{value.month}.{value.year}"
    return f"{value.day} {_MONTHS[value.month]} {value.year}"


@lru_cache(maxsize=8192)
def _say_money(value: Money, language: str) -> str:
    digits = _minor_digits(value.currency)
    sign = "-" if value.minor < 0 else ""
    number = _say_number(f"{abs(value.minor) / 10**digits:,.{digits}f}", language)
    symbol = _SYMBOLS.get(value.currency, value.currency)
    if language == "de":
        return f"{sign}{number} {symbol}"
    return f"{sign}{symbol}{number}" if value.currency in _SYMBOLS else f"{sign}{symbol} {number}"


@cache
def _minor_digits(currency: str) -> int:
    return len(str(Money(0, currency).amount).partition(".")[2])


def _say_number(english: str, language: str) -> str:
    return english.translate(_SWAPPED) if language == "de" else english


_SWAPPED = str.maketrans(",.", ".,")


class Wording:
    """One text in one language with its alternatives, ready to be filled."""

    def __init__(self, alternatives: Sequence[str], language: str) -> None:
        self.language = language
        self._forms = [_parts(text) for text in alternatives]
        self.constant = plain(alternatives[0], longest=sys.maxsize) if not self.names[0] else None
        """The text where it is always the same."""

    @property
    def names(self) -> list[frozenset[str]]:
        """Which facts each alternative needs."""
        return [frozenset(name for _, name in form if name) for form in self._forms]

    def fill(self, facts: Mapping[str, Any], longest: int) -> str:
        """The first alternative whose facts are all there, at most `longest` characters; "" when none can be filled."""
        if self.constant is not None:
            return self.constant
        for form in self._forms:
            pieces: list[str] = []
            for literal, name in form:
                pieces.append(literal)
                if name:
                    value = facts.get(name)
                    if value is None:
                        break
                    pieces.append(say(value, self.language))
            else:
                return plain("".join(pieces), longest)
        return ""


def _parts(text: str) -> list[tuple[str, str]]:
    return [(literal, name or "") for literal, name, _, _ in Formatter().parse(text)]


def compile_texts(
    texts: Texts, where: str, *, always: Collection[str] = (), sometimes: Collection[str] = (), longest: int
) -> dict[str, Wording]:
    """`texts` per language, checked: every language, known placeholders, a last alternative that can always be filled.

    `always` are the facts that are there whenever the text is used, `sometimes` those that may be missing.
    Raises ConfigError at `where`.
    """
    for language in texts:
        if language not in LANGUAGES:
            raise ConfigError(f"{where}.{language}", f"there is no such language here; {nearest(language, LANGUAGES)}")
    made = {}
    for language in LANGUAGES:
        here = f"{where}.{language}"
        given = texts.get(language)
        if not given:
            raise ConfigError(here, "the text is missing; every text is there in every language")
        alternatives = (given,) if isinstance(given, str) else given
        for text in alternatives:
            _check(text, here, {*always, *sometimes}, longest)
        made[language] = Wording(alternatives, language)
        if missing := sorted(made[language].names[-1] - set(always)):
            raise ConfigError(here, f"add a last alternative without {{{missing[0]}}}: that fact may be missing")
    return made


def _check(text: str, where: str, known: Collection[str], longest: int) -> None:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as problem:
        raise ConfigError(where, f"{text!r}: {problem}") from None
    if sum(len(literal) for literal, _, _, _ in parts) > longest:
        raise ConfigError(where, f"is longer than {longest} characters: {text!r}")
    for _, name, form, conversion in parts:
        if name is not None and (form or conversion or name not in known):
            raise ConfigError(where, f"{{{name}}} is no placeholder here; {nearest(name, known)}")
