"""Finds topics in what customers write, by an editable list of phrases, with negation kept simple."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

_CLAUSE = re.compile(r"[.,;:!?()\n\r]+")
_NEAR = 3
"""A negation counts within so many words of the phrase, in the same clause."""


class Negations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that turn a phrase into its opposite when they stand before it, or (German verbs last) after it."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def flatten(text: str) -> str:
    """Lower case with German umlauts written out, as phrases are compared: `Kündigung` is `Kuendigung`."""
    return text.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("’", "'")


class Phrases:
    """The phrases of one topic in all languages. A phrase matches whole words; `*` at its end any ending."""

    def __init__(self, phrases: Iterable[str], negations: Negations) -> None:
        self._found = [_compile(each) for each in dict.fromkeys(flatten(each) for each in phrases)]
        self._anchors = _anchors([stem for stem, _ in self._found])
        self._before = frozenset(flatten(word) for word in negations.before)
        self._after = frozenset(flatten(word) for word in negations.after)

    def match(self, text: str) -> bool:
        """Does the flattened `text` say it at least once without a negation beside it?"""
        for anchor in self._anchors:  # plain searches are some fifty times faster than patterns, and mostly say no
            if anchor in text:
                break
        else:
            return False
        for stem, pattern in self._found:
            if stem in text:
                for found in pattern.finditer(text):
                    if not self._negated(text, found.start(), found.end()):
                        return True
        return False

    def _negated(self, text: str, start: int, end: int) -> bool:
        before = _CLAUSE.split(text[max(0, start - 80) : start])[-1].split()[-_NEAR:]
        after = _CLAUSE.split(text[end : end + 80])[0].split()[:_NEAR]
        return not (self._before.isdisjoint(before) and self._after.isdisjoint(after))


def _anchors(stems: list[str]) -> list[str]:
    """A few words of which every one of `stems` contains at least one: what to look for first."""
    left, chosen = set(stems), []
    while left:
        words = sorted({word for stem in left for word in stem.split()})
        best = max(words, key=lambda word: (sum(word in stem for stem in left) * (len(word) > 3), len(word)))
        chosen.append(best)
        left = {stem for stem in left if best not in stem}
    return chosen


def _compile(phrase: str) -> tuple[str, re.Pattern[str]]:
    stem = phrase.removesuffix("*").strip()
    ending = r"\w*" if phrase.endswith("*") else r"(?!\w)"
    return stem, re.compile(rf"(?<!\w){re.escape(stem)}{ending}")
