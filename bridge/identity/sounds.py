"""Names that are spelt differently and sound alike, or differ by one letter.

The sound is Postel's Kölner Phonetik (Postel, H. J.: Die Kölner Phonetik. IBM-Nachrichten 19, 1969, pp. 925-931).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_CODES: Final = {
    **dict.fromkeys("aeijouy", "0"),
    "b": "1",
    **dict.fromkeys("fvw", "3"),
    **dict.fromkeys("gkq", "4"),
    "l": "5",
    **dict.fromkeys("mn", "6"),
    "r": "7",
    **dict.fromkeys("sz", "8"),
}
_FEWEST: Final = 4
"""Shorter words differ by one letter without being alike: Jan and Jana."""


@lru_cache(maxsize=20_000)
def sound(word: str) -> str:
    """The sound of a word of lower-case ASCII letters, as digits; others are passed over."""
    letters = [one for one in word if "a" <= one <= "z"]
    digits = []
    for place, letter in enumerate(letters):
        before = letters[place - 1] if place else ""
        after = letters[place + 1] if place + 1 < len(letters) else ""
        digits.append(_code(letter, before, after))
    text = "".join(digits)
    once = "".join(one for place, one in enumerate(text) if not place or text[place - 1] != one)
    return once[:1] + once[1:].replace("0", "")


def _code(letter: str, before: str, after: str) -> str:
    if letter == "p":
        return "3" if after == "h" else "1"
    if letter in ("d", "t"):
        return "8" if after and after in "csz" else "2"
    if letter == "x":
        return "8" if before and before in "ckq" else "48"
    if letter == "c":
        if not before:
            return "4" if after and after in "ahkloqrux" else "8"
        return "4" if before not in "sz" and after and after in "ahkoqux" else "8"
    return _CODES.get(letter, "")


def alike(a: str, b: str) -> bool:
    """Whether two words of at least four letters sound the same and begin alike, or one slip of the hand (a letter too
    many, too few, wrong, or two swapped) makes one of the other."""
    if min(len(a), len(b)) < _FEWEST:
        return False
    return (a[0] == b[0] and len(sound(a)) > 1 and sound(a) == sound(b)) or _one_slip(a, b)


def _one_slip(a: str, b: str) -> bool:
    if abs(len(a) - len(b)) > 1:
        return False
    start = next(
        (place for place, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b))
    )
    mine, yours = a[start:], b[start:]
    if len(mine) == len(yours):
        return mine[1:] == yours[1:] or (mine[:2] == yours[1::-1] and mine[2:] == yours[2:])
    return mine[1:] == yours or mine == yours[1:]
