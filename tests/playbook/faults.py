"""What is wrong with a text that people read or say aloud: holes, placeholders, words of the other language."""

from __future__ import annotations

import re
from collections.abc import Collection

_GERMAN = frozenset(
    "aber auch auf bei beim bis dann das dass dem den der des doch durch ein eine einem einen einer eines es für haben"
    " ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im ist kann kein keine keinen mir mit nach nicht noch nur oder"
    " ohne schon seit sich sie sind statt über um und uns unsere unserer vom von vor wann wenn werden wie wir wird wo"
    " wurde zu zum zur zwischen".split()
)
_ENGLISH = frozenset(
    "about after again and are because been but by can could did do does for from had has have how if is it its just"
    " may me most my nothing of or our out should since than that the their them then there they this to until us was"
    " were what when which who will with would yet you your".split()
) - {"was", "will"}  # German words too
_OTHER = {"de": _ENGLISH, "en": _GERMAN}
_HOLES = ("{", "}", "None", "nan", "null", "undefined", "  ", " ,", " .", " ?", " !", "..", ",,", "()", "[]", "<", ">")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_GERMAN_FORMS = re.compile(r"\b\d{1,2}\.\d{1,2}\.\d{4}\b|\d,\d\d\b(?!\d)|\d\s€")
_ENGLISH_FORMS = re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}\b|[€£$]\d|\d\.\d\d\b(?!\.)")


def find_faults(text: str, language: str, own: Collection[str] = ()) -> list[str]:
    """Everything that must not be in a finished text in `language` (de or en); empty when it is fit to be read.

    `own` are the customer's own words in it, such as names and products: they keep their language.
    """
    faults = []
    if not text or text != text.strip():
        faults.append(f"is empty or begins or ends with a space: {text!r}")
    if not text.isprintable():
        faults.append(f"has characters that cannot be read: {text!r}")
    for one in sorted((each for each in own if each), key=len, reverse=True):
        text = text.replace(one, "X")
    faults += [f"has {hole!r} in it: {text!r}" for hole in _HOLES if _has(hole, text)]
    words = {word.casefold() for word in _WORD.findall(text)}
    faults += [f"has the word {word!r} of another language: {text!r}" for word in sorted(words & _OTHER[language])]
    forms = _ENGLISH_FORMS if language == "de" else _GERMAN_FORMS
    faults += [f"writes {found!r} as another language does: {text!r}" for found in forms.findall(text)]
    if language == "de":
        faults += [f"opens no German quote: {text!r}"] if "“" in text and "„" not in text else []
    elif "„" in text:
        faults.append(f"has a German quote: {text!r}")
    return faults


def _has(hole: str, text: str) -> bool:
    return bool(re.search(rf"\b{hole}\b", text)) if hole.isalpha() else hole in text
