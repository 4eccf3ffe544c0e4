"""Finds topics in what customers write, by editable lists of phrases, with negation kept simple.

A phrase is one or several words. A word matches whole; `*` at its end stands for any ending, and `..` between two
words for up to four others: `ziehe .. um`. Upper and lower case, and ä and ae, are the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter

from msgspec import Struct

_CLAUSE = re.compile(r"[.,;:!?()\n\r]+")
_NEAR = 3
"""A negation counts within so many words of the phrase, in the same clause."""
_AROUND = 80
"""How far a negation is looked for, in characters."""
_KEY = 7
_cut = itemgetter(slice(_KEY))
_SPACED = bytes(code if chr(code).isalnum() and code < 128 else 32 for code in range(256))
_LETTER = re.compile(r"[^\W\d]")
_GAP = ".."
_GLUE = r"[^\w.,;:!?()]+"
_SKIPPED = r"(?:[^\w.;:!?()]+\w+){0,4}[^\w.;:!?()]+"


class Negations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that turn a phrase into its opposite when they stand before it, or (German verbs last) after it."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    undone_by: tuple[str, ...] = ()
    """Words that take a negation back when they follow it: `nicht nur`, `not only`."""


def flatten(text: str) -> str:
    """Lower case with German umlauts written out, as phrases are compared: `Kündigung` is `kuendigung`."""
    flat = text.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return flat.replace("’", "'").replace("_", " ")


def _runs(flat: str) -> list[bytes]:
    """The runs of plain letters and digits in a flattened text: bytes, because cutting those up is five times faster
    than finding words by a pattern."""
    return flat.encode("ascii", "replace").translate(_SPACED).split()


def fault_of(phrase: str) -> str | None:
    """What is wrong with a phrase; None when it can be looked for."""
    tokens = phrase.split()
    if not any(re.search(r"\w", token) for token in tokens):
        return "would match everything"
    if _GAP in (tokens[0], tokens[-1]):
        return f"begins or ends with `{_GAP}`, which stands between two words"
    return None


class _Phrase(Struct, frozen=True):
    topic: str
    text: str
    stem: str
    """The beginning of its longest word: where that is not, the phrase is not."""
    pattern: re.Pattern[str]
    words: frozenset[str]


class Topics:
    """Phrases of several topics, looked for in one go."""

    def __init__(self, phrases: Mapping[str, Iterable[str]], negations: Negations) -> None:
        """`phrases` are those of each topic, in all languages."""
        self._by_key: dict[bytes, list[_Phrase]] = defaultdict(list)
        self._short: list[_Phrase] = []
        self._before = frozenset(flatten(word) for word in negations.before)
        self._after = frozenset(flatten(word) for word in negations.after)
        self._undone_by = frozenset(flatten(word) for word in negations.undone_by)
        for topic, texts in phrases.items():
            for text in dict.fromkeys(texts):
                phrase, key = _compile(topic, text)
                (self._short if key is None else self._by_key[key]).append(phrase)
        self._keys = frozenset(self._by_key)

    def may_find(self, text: str) -> bool:
        """False where `find` finds nothing in any part of `text`: what to ask first of much text at once."""
        flat = flatten(text)
        if not self._keys.isdisjoint(map(_cut, _runs(flat))):
            return True
        return any(phrase.stem in flat for phrase in self._short)

    def find(self, text: str, *, alone: bool = False) -> dict[str, str]:
        """The topics that `text` speaks of without a negation beside it, each with the phrase that shows it.

        With `alone` a phrase has to be all that the text says.
        """
        flat = flatten(text)
        # The first letters of its words tell almost every text apart from all phrases, however many there are.
        hit = self._keys.intersection(map(_cut, _runs(flat)))
        if not hit and not self._short:
            return {}
        found: dict[str, str] = {}
        candidates = [phrase for key in sorted(hit) for phrase in self._by_key[key]] + self._short
        for phrase in candidates:
            if phrase.stem in flat and phrase.topic not in found and self._says(phrase, flat, alone):
                found[phrase.topic] = phrase.text
        return found

    def _says(self, phrase: _Phrase, text: str, alone: bool) -> bool:
        for match in phrase.pattern.finditer(text):
            if alone and _LETTER.search(text[: match.start()] + text[match.end() :]):
                continue
            if not self._negated(phrase, text, match):
                return True
        return False

    def _negated(self, phrase: _Phrase, text: str, match: re.Match[str]) -> bool:
        inside = [word for word in match.group().split() if word not in phrase.words]
        before = _before(text, match.start())
        after = _CLAUSE.split(text[match.end() : match.end() + _AROUND])[0].split()
        return (
            self._holds([*before[-_NEAR:], *inside], self._before, [*inside, *after][:1])
            or self._holds(inside, self._after, after)
            or self._holds(after[:_NEAR], self._after, after[_NEAR:])
        )

    def _holds(self, words: list[str], negations: frozenset[str], following: list[str]) -> bool:
        """Is one of `words` a negation, and not undone by the word after it?"""
        if negations.isdisjoint(words):
            return False
        nexts = [*words[1:], *(following[:1] or [""])]
        return any(word in negations and after not in self._undone_by for word, after in zip(words, nexts, strict=True))


def _before(text: str, start: int) -> list[str]:
    """The words before `start` in its clause; an infinitive's comma (`nicht vor, … zu kündigen`) does not end it."""
    lead = text[max(0, start - _AROUND) : start]
    clauses = _CLAUSE.split(lead)
    words = clauses[-1].split()
    if "zu" in words and len(clauses) > 1:
        return [*clauses[-2].split()[-_NEAR:], *words[-1:]]
    return words


def _compile(topic: str, text: str) -> tuple[_Phrase, bytes | None]:
    """The phrase, and the first letters of its longest word, by which texts are searched; None where it has too few."""
    tokens = flatten(text).split()
    pattern = r"(?<!\w)"
    glue = ""
    for token in tokens:
        if token == _GAP:
            glue = _SKIPPED
            continue
        ending = r"\w*" if token.endswith("*") else r"(?!\w)"
        pattern += glue + re.escape(token.removesuffix("*")) + ending
        glue = _GLUE
    stem = max((token for token in tokens if token != _GAP), key=lambda token: len(token.removesuffix("*")))
    open_end = stem.endswith("*")
    stem = stem.removesuffix("*")
    run = max(_runs(stem), key=len, default=b"")
    cut_off = len(run) < _KEY and open_end and stem.encode("ascii", "replace").endswith(run)
    phrase = _Phrase(topic, text, stem, re.compile(pattern), frozenset(tokens))
    return phrase, None if cut_off or not run else run[:_KEY]
